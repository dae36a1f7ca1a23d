/** From text to single values, and which values a field takes: integers, doubles and base64 of OTLP/JSON. */

import { type Field, KIND } from './json-table.ts'
import type { Writer } from './writer.ts'

/** What stands in an error for a field of this kind. */
export function expectation(field: Field): string {
  switch (field.kind) {
    case KIND.enum:
      return `a number or one of ${[...field.words!.keys()].slice(0, 6).join(', ')}${field.words!.size > 6 ? ', ...' : ''}`
    case KIND.int32:
    case KIND.sint32:
      return 'a 32-bit integer'
    case KIND.uint32:
    case KIND.fixed32:
      return 'a 32-bit unsigned integer'
    case KIND.int64:
    case KIND.sfixed64:
      return 'a 64-bit integer'
    default:
      return 'a 64-bit unsigned integer'
  }
}

/** Whether a magnitude with a sign fits the field's integer type. */
export function inRange(kind: number, lo: number, hi: number, negative: boolean): boolean {
  switch (kind) {
    case KIND.uint64:
    case KIND.fixed64:
      return !negative || (lo === 0 && hi === 0)
    case KIND.uint32:
    case KIND.fixed32:
      return hi === 0 && (!negative || lo === 0)
    case KIND.int64:
    case KIND.sfixed64:
      return hi < 0x8000_0000 || (negative && hi === 0x8000_0000 && lo === 0)
    default:
      return hi === 0 && lo <= (negative ? 0x8000_0000 : 0x7fff_ffff)
  }
}

/** The spellings of Go's strconv.ParseFloat that a client may use; NaN for everything else. */
export function parseDouble(text: string): number {
  const infinite = /^([-+]?)inf(?:inity)?$/i.exec(text)
  if (infinite !== null) return infinite[1] === '-' ? -Infinity : Infinity
  if (!/^[-+]?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?$/i.test(text)) return Number.NaN
  const value = Number(text)
  return Number.isFinite(value) ? value : Number.NaN
}

const BASE64_VALUES = new Int8Array(256).fill(-1)
for (const [i, letter] of [...'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'].entries())
  BASE64_VALUES[letter.charCodeAt(0)] = i
BASE64_VALUES[0x2d] = 62
BASE64_VALUES[0x5f] = 63

/** Standard or URL-safe base64, padded or not. False when it is neither. */
export function writeDecoded(out: Writer, text: Uint8Array, start: number, stop: number): boolean {
  let end = stop
  if (end > start && text[end - 1] === 0x3d) end--
  if (end > start && text[end - 1] === 0x3d) end--
  const digits = end - start
  if (digits % 4 === 1 || (end < stop && (stop - start) % 4 !== 0)) return false
  out.reserve(digits)
  let bits = 0
  let held = 0
  for (let i = start; i < end; i++) {
    const value = BASE64_VALUES[text[i]!]!
    if (value < 0) return false
    bits = ((bits << 6) | value) & 0xfff
    held += 6
    if (held >= 8) {
      held -= 8
      out.bytes[out.pos++] = bits >>> held
    }
  }
  return true
}
