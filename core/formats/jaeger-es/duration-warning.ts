/** What Jaeger's sanitizer says of a span that ends no later than it begins (negative_duration_santizer.go, 1.76). */

import { Cursor, sameBytes } from '../../otlp/cursor.ts'
import { AnyValue, KeyValue } from '../../otlp/fields.ts'
import { readKind, valueText } from '../any-value.ts'

/** The attribute that holds warnings, a list of texts. */
export const WARNINGS = '@jaeger@warnings'

/**
 * The list as JSON, as such values are written. `attribute` is the KeyValue with the warnings that there are already,
 * empty when there are none. Times are halves of 64 bits.
 */
export function durationWarning(
  attribute: Uint8Array,
  startLow: number,
  startHigh: number,
  endLow: number,
  endHigh: number,
): string {
  const end = goTime(signed(endLow, endHigh))
  const adjusted = goTime(signed(startLow, startHigh) + 1n)
  const text = `Negative duration detected, sanitizing end timestamp. Original end timestamp: ${end}, adjusted to: ${adjusted}`
  const before = listOf(attribute)
  return `[${before}${before === '' ? '' : ','}${JSON.stringify(text)}]`
}

function signed(low: number, high: number): bigint {
  return BigInt.asIntN(64, (BigInt(high) << 32n) | BigInt(low))
}

/** What stands between the brackets of the list. A value that is no list is its only entry. */
function listOf(attribute: Uint8Array): string {
  const entry = new Cursor(attribute)
  while (entry.next()) {
    if (entry.field !== KeyValue.value) continue
    const text = valueText(attribute, entry.start, entry.stop)
    if (readKind(attribute, entry.start, entry.stop) === AnyValue.arrayValue) return text.slice(1, -1)
    return JSON.stringify(text)
  }
  return ''
}

/** As Go prints a time in UTC: `2026-11-26 14:30:00.5 +0000 UTC`. */
function goTime(nanos: bigint): string {
  const rest = ((nanos % 1_000_000_000n) + 1_000_000_000n) % 1_000_000_000n
  const date = new Date(Number((nanos - rest) / 1_000_000n)).toISOString()
  const fraction = rest === 0n ? '' : `.${String(rest).padStart(9, '0').replace(/0+$/, '')}`
  return `${date.slice(0, 10)} ${date.slice(11, 19)}${fraction} +0000 UTC`
}

const WARNINGS_KEY = Buffer.from(WARNINGS)
const warningsEntry = new Cursor(new Uint8Array())

/** True when the KeyValue `bytes[start, stop)` is the attribute with the warnings. */
export function isWarnings(bytes: Uint8Array, start: number, stop: number): boolean {
  const entry = warningsEntry.reset(bytes, start, stop)
  while (entry.next())
    if (entry.field === KeyValue.key && sameBytes(bytes, entry.start, entry.stop, WARNINGS_KEY)) return true
  return false
}
