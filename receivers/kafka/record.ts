/** From a record to a batch: decoded, checked, with its headers. */

import { type Batch, batchOf } from '../../core/component/batch.ts'
import type { Meta } from '../../core/component/meta.ts'
import { AttributeTable } from '../../core/otlp/attributes.ts'
import { AnyValue, Resource } from '../../core/otlp/fields.ts'
import { KeySet } from '../../core/otlp/keys.ts'
import { CHANGE, KEEP, Rewriter } from '../../core/otlp/rewrite.ts'
import type { Signal } from '../../core/otlp/signals.ts'
import { validate } from '../../core/otlp/validate.ts'
import { Writer } from '../../core/otlp/writer.ts'
import type { KafkaPartition, KafkaRecord } from '../../core/transport/kafka/consumer.ts'
import type { Reading } from './topics.ts'

const EMPTY = new Uint8Array(0)
const NOBODY: Meta['auth'] = new Map()

export class RecordReader {
  readonly #headers: readonly string[]
  readonly #attributes = new Map<Signal, HeaderAttributes>()

  /** `headers`: those that become resource attributes. */
  constructor(headers: readonly string[]) {
    this.#headers = headers
  }

  /**
   * A batch of everything in the record; one without items for a tombstone or an empty request. Throws what the decoder
   * or the check throws.
   */
  read({ signal, decode }: Reading, where: KafkaPartition, record: KafkaRecord): Batch {
    const now = BigInt(Date.now()) * 1_000_000n
    let request = decode(record.value ?? EMPTY, now)
    const items = validate(request, signal)
    if (items > 0 && this.#headers.length > 0 && record.headers.length > 0) {
      request = this.#attributesOf(signal).write(request, record)
    }
    return batchOf(signal, [request], items, metaOf(where, record))
  }

  #attributesOf(signal: Signal): HeaderAttributes {
    let attributes = this.#attributes.get(signal)
    if (attributes === undefined) {
      attributes = new HeaderAttributes(signal, this.#headers)
      this.#attributes.set(signal, attributes)
    }
    return attributes
  }
}

/** As the Collector's contextWithMetadata: all headers, and the record's place. */
function metaOf({ topic, partition }: KafkaPartition, { offset, headers }: KafkaRecord): Meta {
  const metadata = new Map<string, string[]>([
    ['kafka.topic', [topic]],
    ['kafka.partition', [String(partition)]],
    ['kafka.offset', [String(offset)]],
  ])
  for (const { name, value } of headers) {
    const key = name.toLowerCase()
    const values = metadata.get(key)
    const text = Buffer.from(value.buffer, value.byteOffset, value.length).toString('utf8')
    if (values === undefined) metadata.set(key, [text])
    else values.push(text)
  }
  return { address: '', metadata, auth: NOBODY }
}

/** Writes the first header of each wanted name into all resources, over what is there. */
class HeaderAttributes {
  readonly #slots: ReadonlyMap<string, number>
  readonly #rewriter: Rewriter
  #values: readonly (readonly [slot: number, value: Uint8Array])[] = []

  constructor(signal: Signal, names: readonly string[]) {
    const keys = new KeySet()
    this.#slots = new Map(names.map(name => [name, keys.add(`kafka.header.${name}`)]))
    const table = new AttributeTable(keys)
    this.#rewriter = new Rewriter(signal, {
      resource: (bytes, start, stop) => {
        table.read(bytes, start, stop, Resource.attributes)
        for (const [slot, value] of this.#values) table.put(slot, value)
        return table.changed ? CHANGE : KEEP
      },
      write: patch => table.write(patch),
    })
  }

  write(request: Uint8Array, { headers }: KafkaRecord): Uint8Array {
    const values = new Map<number, Uint8Array>()
    for (const { name, value } of headers) {
      const slot = this.#slots.get(name)
      if (slot !== undefined && !values.has(slot)) values.set(slot, textValue(value))
    }
    if (values.size === 0) return request
    this.#values = [...values]
    return this.#rewriter.rewrite(request)
  }
}

/** An AnyValue that is a text. */
function textValue(bytes: Uint8Array): Uint8Array {
  const out = new Writer(bytes.length + 8)
  // What is no UTF-8 must not get into a protobuf string.
  out.string(AnyValue.stringValue, Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('utf8'))
  return out.take()
}
