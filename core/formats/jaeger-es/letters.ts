/** Numbers, ids and ASCII as they stand in documents. */

import { readHex } from '../../otlp/cursor.ts'
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

/** Eight digits. */
export function hex32(value: number): string {
  return value.toString(16).padStart(8, '0')
}

/** Without quotes. */
export function writeHexDigits(out: Writer, id: Uint8Array): void {
  writeAscii(out, readHex(id, 0, id.length))
}

export function writeAscii(out: Writer, text: string): void {
  out.reserve(text.length)
  for (let i = 0; i < text.length; i++) out.bytes[out.pos++] = text.charCodeAt(i)
}
