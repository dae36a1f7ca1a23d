/** Bytes of protobuf fields by hand, right and wrong ones. */

import { Writer } from '../../core/otlp/writer.ts'

/** A LEN field; contents are joined. */
export function field(number: number, ...contents: (Uint8Array | string)[]): Uint8Array {
  const content = Buffer.concat(contents.map(one => (typeof one === 'string' ? Buffer.from(one) : one)))
  const writer = new Writer()
  writer.lengthDelimited(number, content)
  return writer.take()
}

/** A LEN field that claims to have `length` bytes. */
export function lyingField(number: number, length: number, content: Uint8Array | string): Uint8Array {
  const writer = new Writer()
  writer.tag(number, 2)
  writer.varint(length)
  return Buffer.concat([writer.take(), Buffer.from(content)])
}

/** A tag and whatever follows. */
export function tagged(number: number, wire: number, ...rest: number[]): Uint8Array {
  const writer = new Writer()
  writer.tag(number, wire)
  return Buffer.concat([writer.take(), Uint8Array.from(rest)])
}

/** A traces request with one span of these fields. */
export function requestOfSpan(...fields: (Uint8Array | string)[]): Uint8Array {
  return field(1, field(2, field(2, ...fields)))
}

/** A metrics request with one metric of these fields. */
export function requestOfMetric(...fields: (Uint8Array | string)[]): Uint8Array {
  return field(1, field(2, field(2, ...fields)))
}

/** The content of an AnyValue that is `levels` AnyValues deep, arrays and kvlists in turn. */
export function nestedValue(levels: number): Uint8Array {
  let value = field(1, 'x')
  for (let i = 1; i < levels; i++) {
    if (i % 2 === 0) value = field(5, field(1, value))
    else value = field(6, field(1, field(1, 'key'), field(2, value)))
  }
  return value
}
