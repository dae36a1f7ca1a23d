/** Times of Jaeger's documents: microseconds and milliseconds since 1970, exact over all 64 bits. */

import { writeUint } from '../../otlp/decimal.ts'
import type { Writer } from '../../otlp/writer.ts'
import * as divided from '../nanos.ts'
import { divide, splitTime, timeText } from '../nanos.ts'

export const MICRO = 1_000
export const MILLI = 1_000_000

const SIGN = 0x8000_0000
/** Below this upper half a thousandth of the value is less than 2^53. */
const EXACT_HIGH = 2_097_152_000

/** Go reads times from 2^63 on as negative. */
export function isBefore1970(high: number): boolean {
  return high >= SIGN
}

/** Writes the digits of the unsigned value divided by `by`, MICRO or MILLI, rounded down. */
export function writeDivided(out: Writer, low: number, high: number, by: number): void {
  out.reserve(20)
  if (high < EXACT_HIGH) {
    divide(low, high, by)
    out.pos = writeUint(out.bytes, out.pos, divided.quotient)
    return
  }
  const text = (((BigInt(high) << 32n) | BigInt(low)) / BigInt(by)).toString()
  for (let i = 0; i < text.length; i++) out.bytes[out.pos++] = text.charCodeAt(i)
}

/** What `subtract` found. */
export let differenceLow = 0
export let differenceHigh = 0

/** `to - from` of two signed values, at most 2^63 - 1 as Go's durations. False when it is 0 or less. */
export function subtract(toLow: number, toHigh: number, fromLow: number, fromHigh: number): boolean {
  const signedTo = toHigh | 0
  const signedFrom = fromHigh | 0
  if (signedTo < signedFrom || (signedTo === signedFrom && toLow <= fromLow)) return false
  differenceLow = (toLow - fromLow) >>> 0
  differenceHigh = (toHigh - fromHigh - (toLow < fromLow ? 1 : 0)) >>> 0
  if (differenceHigh >= SIGN) {
    differenceLow = 0xffff_ffff
    differenceHigh = 0x7fff_ffff
  }
  return true
}

/** `2026-11-26T14:30:00.5Z`. */
export function timestampText(low: number, high: number): string {
  splitTime(low, high)
  return timeText(divided.seconds, divided.nanos)
}
