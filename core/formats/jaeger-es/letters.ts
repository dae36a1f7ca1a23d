/** Numbers, ids and ASCII as they stand in documents. */

import { writeUint } from '../../otlp/decimal.ts'
import { writeHex } from '../../otlp/json-values.ts'
import type { Writer } from '../../otlp/writer.ts'
import { isZero } from '../otlp-spans.ts'

const NO_ID = Buffer.from('""')

/** Hex; an id of zeros is none. */
export function writeId(out: Writer, id: Uint8Array): void {
  if (isZero(id)) out.raw(NO_ID)
  else writeHex(out, id, 0, id.length)
}

export function writeNumber(out: Writer, value: number): void {
  out.reserve(20)
  out.pos = writeUint(out.bytes, out.pos, value)
}

const DIGITS = Buffer.from('0123456789abcdef')

/** Eight digits of an unsigned number, without quotes. */
export function writeHex32(out: Writer, value: number): void {
  out.reserve(8)
  for (let shift = 28; shift >= 0; shift -= 4) out.bytes[out.pos++] = DIGITS[(value >>> shift) & 15]!
}

/** Without quotes. */
export function writeHexDigits(out: Writer, id: Uint8Array): void {
  out.reserve(2 * id.length)
  const { bytes } = out
  let { pos } = out
  for (let i = 0; i < id.length; i++) {
    bytes[pos++] = DIGITS[id[i]! >>> 4]!
    bytes[pos++] = DIGITS[id[i]! & 15]!
  }
  out.pos = pos
}

export function writeAscii(out: Writer, text: string): void {
  out.reserve(text.length)
  for (let i = 0; i < text.length; i++) out.bytes[out.pos++] = text.charCodeAt(i)
}
