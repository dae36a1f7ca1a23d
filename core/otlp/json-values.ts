/** JSON spellings of single values, written as bytes: strings, hex, base64 and doubles. */

import { isUtf8 } from 'node:buffer'
import type { Writer } from './writer.ts'

const QUOTE = 0x22
const BACKSLASH = 0x5c
const HEX_DIGITS = Buffer.from('0123456789abcdef')
const BASE64_DIGITS = Buffer.from('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/')

/** 0: as it is; 1: needs an escape; 2: part of a longer UTF-8 sequence. */
const CLASS = new Uint8Array(256)
for (let b = 0; b < 256; b++) CLASS[b] = b >= 0x80 ? 2 : b < 0x20 || b === QUOTE || b === BACKSLASH ? 1 : 0

const replacing = new TextDecoder('utf-8', { ignoreBOM: true })
const encoder = new TextEncoder()

/** `source[start, stop)`, UTF-8, as a JSON string; ill-formed sequences become U+FFFD. False when there were some. */
export function writeJsonString(out: Writer, source: Uint8Array, start: number, stop: number): boolean {
  out.reserve(stop - start + 2)
  const target = out.bytes
  let pos = out.pos
  target[pos++] = QUOTE
  for (let i = start; i < stop; i++) {
    const byte = source[i]!
    if (CLASS[byte] !== 0) {
      return writeSlowly(out, source, start, stop)
    }
    target[pos++] = byte
  }
  target[pos++] = QUOTE
  out.pos = pos
  return true
}

/**
 * Copies `source[start, stop)` to `target` at `pos`, where there is room, and returns where it ends there; -1 when it is not
 * as it stands what belongs between the quotes of a JSON string.
 */
export function copyPlainText(
  target: Uint8Array,
  pos: number,
  source: Uint8Array,
  start: number,
  stop: number,
): number {
  for (let i = start; i < stop; i++) {
    const byte = source[i]!
    if (CLASS[byte] !== 0) return -1
    target[pos++] = byte
  }
  return pos
}

/** True when `source[start, stop)` is, as it stands, what belongs between the quotes of a JSON string. */
export function isPlainText(source: Uint8Array, start: number, stop: number): boolean {
  for (let i = start; i < stop; i++) if (CLASS[source[i]!] !== 0) return false
  return true
}

function writeSlowly(out: Writer, source: Uint8Array, start: number, stop: number): boolean {
  const text = source.subarray(start, stop)
  const wellFormed = isUtf8(text)
  const sound = wellFormed ? text : encoder.encode(replacing.decode(text))
  out.reserve(sound.length * 6 + 2)
  const target = out.bytes
  let pos = out.pos
  target[pos++] = QUOTE
  for (const byte of sound) {
    if (CLASS[byte] !== 1) target[pos++] = byte
    else pos = writeEscape(target, pos, byte)
  }
  target[pos++] = QUOTE
  out.pos = pos
  return wellFormed
}

const SHORT_ESCAPES: Readonly<Record<number, number>> = {
  [QUOTE]: QUOTE,
  [BACKSLASH]: BACKSLASH,
  10: 0x6e,
  13: 0x72,
  9: 0x74,
}

function writeEscape(target: Uint8Array, pos: number, byte: number): number {
  target[pos++] = BACKSLASH
  const short = SHORT_ESCAPES[byte]
  if (short !== undefined) {
    target[pos++] = short
    return pos
  }
  target[pos++] = 0x75
  target[pos++] = 0x30
  target[pos++] = 0x30
  target[pos++] = HEX_DIGITS[byte >>> 4]!
  target[pos++] = HEX_DIGITS[byte & 15]!
  return pos
}

/** In quotes, lower-case. */
export function writeHex(out: Writer, source: Uint8Array, start: number, stop: number): void {
  out.reserve((stop - start) * 2 + 2)
  const target = out.bytes
  let pos = out.pos
  target[pos++] = QUOTE
  for (let i = start; i < stop; i++) {
    const byte = source[i]!
    target[pos++] = HEX_DIGITS[byte >>> 4]!
    target[pos++] = HEX_DIGITS[byte & 15]!
  }
  target[pos++] = QUOTE
  out.pos = pos
}

/** In quotes, the standard alphabet, padded. */
export function writeBase64(out: Writer, source: Uint8Array, start: number, stop: number): void {
  out.reserve(Math.ceil((stop - start) / 3) * 4 + 2)
  const target = out.bytes
  let pos = out.pos
  target[pos++] = QUOTE
  for (let i = start; i < stop; i += 3) {
    const left = stop - i
    const group = (source[i]! << 16) | (left > 1 ? source[i + 1]! << 8 : 0) | (left > 2 ? source[i + 2]! : 0)
    target[pos++] = BASE64_DIGITS[group >>> 18]!
    target[pos++] = BASE64_DIGITS[(group >>> 12) & 63]!
    target[pos++] = left > 1 ? BASE64_DIGITS[(group >>> 6) & 63]! : 0x3d
    target[pos++] = left > 2 ? BASE64_DIGITS[group & 63]! : 0x3d
  }
  target[pos++] = QUOTE
  out.pos = pos
}

/**
 * A double as the Collector prints it: the shortest digits that read back the same, an exponent below 1e-6 and from
 * 1e21 on, the three values that JSON has no number for as strings.
 */
export function writeDouble(out: Writer, value: number): void {
  const text = formatDouble(value)
  out.reserve(text.length)
  const target = out.bytes
  let pos = out.pos
  for (let i = 0; i < text.length; i++) target[pos++] = text.charCodeAt(i)
  out.pos = pos
}

function formatDouble(value: number): string {
  if (!Number.isFinite(value)) return `"${value}"`
  if (value === 0) return Object.is(value, -0) ? '-0' : '0'
  const text = String(value)
  // Go writes two digits of exponent at least.
  return value < 1e-6 && value > -1e-6 ? text.replace(/e-(\d)$/, 'e-0$1') : text
}
