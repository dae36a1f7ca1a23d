/** Times as they stand in documents for Elasticsearch. */

import type { Writer } from '../../otlp/writer.ts'
import { writeAscii, writeNumber } from '../jaeger-es/letters.ts'
import { MILLI } from '../jaeger-es/times.ts'
import * as split from '../nanos.ts'
import { divide, splitTime } from '../nanos.ts'

const QUOTE = 0x22
const POINT = 0x2e
const ZERO = 0x30

/**
 * `"1705314600000.000123"`: milliseconds since 1970 and, behind the point, the rest as a fraction, which date_nanos keeps.
 * The Collector leaves the zeros in front of the rest out, so that 123 ns are read as 123 us there.
 */
export function writeMillisAndNanos(out: Writer, low: number, high: number): void {
  divide(low, high, MILLI)
  const rest = split.remainder
  out.byte(QUOTE)
  writeNumber(out, split.quotient)
  out.byte(POINT)
  if (rest === 0) out.byte(ZERO)
  else writeAscii(out, String(rest).padStart(6, '0'))
  out.byte(QUOTE)
}

/** Milliseconds since 1970, as a number: metrics are kept in these. */
export function writeMillis(out: Writer, low: number, high: number): void {
  divide(low, high, MILLI)
  writeNumber(out, split.quotient)
}

let lastSecond = Number.NaN
let lastText = ''

/** `"2024-01-15T10:30:00.000000000Z"`, always with nine digits. */
export function writeTimeText(out: Writer, low: number, high: number): void {
  splitTime(low, high)
  if (split.seconds !== lastSecond) {
    lastSecond = split.seconds
    lastText = new Date(split.seconds * 1000).toISOString().slice(0, -5)
  }
  writeAscii(out, `"${lastText}.${String(split.nanos).padStart(9, '0')}Z"`)
}
