/** Values as the Collector's Go prints them: times, doubles, ids, attribute values. */

import { valueText } from '../../core/formats/any-value.ts'
import type { KeyValues, ValueType, ValueView } from '../../core/otlp/value.ts'

const NANOS = 1_000_000_000n

/** `time.Time.String` in UTC: `2023-11-14 22:13:20.5 +0000 UTC`. `nanos` since 1970, read as int64 as Go does. */
export function timeText(nanos: bigint): string {
  const signed = BigInt.asIntN(64, nanos)
  const fraction = ((signed % NANOS) + NANOS) % NANOS
  const [day, clock] = new Date(Number((signed - fraction) / NANOS) * 1000).toISOString().split('T') as [
    string,
    string,
  ]
  const digits = fraction === 0n ? '' : `.${String(fraction).padStart(9, '0').replace(/0+$/, '')}`
  return `${day} ${clock.slice(0, 8)}${digits} +0000 UTC`
}

/** Go's `%f`. */
export function fixedText(value: number): string {
  if (!Number.isFinite(value)) return specialText(value)
  const sign = value < 0 || Object.is(value, -0) ? '-' : ''
  const size = Math.abs(value)
  return sign + (size < 1e21 ? size.toFixed(6) : `${BigInt(size)}.000000`)
}

/** Go's `%v`: shortest digits, an exponent below 1e-4 and from 1e6 on. */
export function shortText(value: number): string {
  if (!Number.isFinite(value)) return specialText(value)
  if (value === 0) return Object.is(value, -0) ? '-0' : '0'
  const size = Math.abs(value)
  if (size >= 1e-4 && size < 1e6) return String(value)
  return value.toExponential().replace(/e([-+])(\d)$/, 'e$10$2')
}

function specialText(value: number): string {
  if (Number.isNaN(value)) return 'NaN'
  return value > 0 ? '+Inf' : '-Inf'
}

/** An id of zeros is no id. */
export function idText(hex: string): string {
  return /^0*$/.test(hex) ? '' : hex
}

const TYPE_NAMES: Readonly<Record<ValueType, string>> = {
  empty: 'Empty',
  string: 'Str',
  bool: 'Bool',
  int: 'Int',
  double: 'Double',
  array: 'Slice',
  kvlist: 'Map',
  bytes: 'Bytes',
}

/** `Str(GET)`, `Int(200)`, `Map({"a":1})`. `start` and `stop`: the AnyValue. */
export function typedText(value: ValueView, start: number, stop: number): string {
  return `${TYPE_NAMES[value.type]}(${valueText(value.bytes, start, stop)})`
}

/** `key=value` of each attribute. */
export function pairs(attributes: KeyValues): string[] {
  const found: string[] = []
  while (attributes.next()) {
    found.push(
      `${attributes.key()}=${valueText(attributes.bytes, attributes.valueStart, attributes.valueStop)}`,
    )
  }
  return found
}
