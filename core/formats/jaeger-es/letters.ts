/** Numbers and ASCII as they stand in documents. */

import { isUtf8 } from 'node:buffer'
import { writeUint } from '../../otlp/decimal.ts'
import type { Writer } from '../../otlp/writer.ts'

export function writeNumber(out: Writer, value: number): void {
  out.reserve(20)
  out.pos = writeUint(out.bytes, out.pos, value)
}

/** 0 to 999. */
export function writeThreeDigits(out: Writer, value: number): void {
  out.reserve(3)
  const { bytes, pos } = out
  const tens = (value / 10) | 0
  const hundreds = (tens / 10) | 0
  bytes[pos] = ZERO + hundreds
  bytes[pos + 1] = ZERO + tens - 10 * hundreds
  bytes[pos + 2] = ZERO + value - 10 * tens
  out.pos = pos + 3
}

const ZERO = 0x30
const DIGITS = Buffer.from('0123456789abcdef')

/** Eight digits of 32 bits, without quotes. */
export function writeHex32(out: Writer, value: number): void {
  out.reserve(8)
  const { bytes, pos } = out
  for (let i = 0; i < 8; i++) bytes[pos + i] = DIGITS[(value >>> (28 - 4 * i)) & 15]!
  out.pos = pos + 8
}

export function writeAscii(out: Writer, text: string): void {
  out.reserve(text.length)
  for (let i = 0; i < text.length; i++) out.bytes[out.pos++] = text.charCodeAt(i)
}

/** ASCII, as nearly all names are, or else UTF-8. */
export function isUtf8Text(bytes: Uint8Array, start: number, stop: number): boolean {
  for (let i = start; i < stop; i++) if (bytes[i]! >= 0x80) return isUtf8(bytes.subarray(start, stop))
  return true
}

/** Where the last whole character of the UTF-8 in `bytes[start, most)` ends, when the text goes on behind it. */
export function endOfCharacters(bytes: Uint8Array, start: number, most: number): number {
  let end = most
  while (end > start && (bytes[end]! & 0xc0) === 0x80) end--
  return end
}
