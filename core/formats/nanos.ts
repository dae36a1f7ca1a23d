/** Nanoseconds since 1970, as OTLP has them in 64 bits, to what other formats count in: seconds, microseconds, texts. */

const TWO_16 = 0x1_0000
const TWO_32 = 0x1_0000_0000
const SIGN = 0x8000_0000
const BILLION = 1e9

/** What `divide` found. */
export let quotient = 0
export let remainder = 0

/** The unsigned value `high << 32 | low` by `by`, at most 10^9. The quotient is exact as long as it is below 2^53. */
export function divide(low: number, high: number, by: number): void {
  if (high === 0) {
    quotient = Math.floor(low / by)
    remainder = low - quotient * by
    return
  }
  const q1 = Math.floor(high / by)
  let part = (high - q1 * by) * TWO_16 + (low >>> 16)
  const q2 = Math.floor(part / by)
  part = (part - q2 * by) * TWO_16 + (low & 0xffff)
  const q3 = Math.floor(part / by)
  remainder = part - q3 * by
  quotient = q1 * TWO_32 + q2 * TWO_16 + q3
}

/** What the functions below found. */
export let seconds = 0
export let nanos = 0

/** A point in time as whole seconds and 0 to 999,999,999 ns. From 2^63 on it lies before 1970, as Go reads it. */
export function splitTime(low: number, high: number): void {
  if (high < SIGN) {
    divide(low, high, BILLION)
    seconds = quotient
    nanos = remainder
    return
  }
  const value = BigInt.asIntN(64, (BigInt(high) << 32n) | BigInt(low))
  const rest = ((value % 1_000_000_000n) + 1_000_000_000n) % 1_000_000_000n
  seconds = Number((value - rest) / 1_000_000_000n)
  nanos = Number(rest)
}

/** The longest duration of Go, whose durations are 64 bits of nanoseconds. */
const LONGEST = 9_223_372_036
const LONGEST_NANOS = 854_775_807

/** `to - from`, seconds and nanoseconds of the same sign, not longer than Go can say. */
export function splitDuration(
  fromSeconds: number,
  fromNanos: number,
  toSeconds: number,
  toNanos: number,
): void {
  seconds = toSeconds - fromSeconds
  nanos = toNanos - fromNanos
  if (seconds > 0 && nanos < 0) {
    seconds--
    nanos += BILLION
  } else if (seconds < 0 && nanos > 0) {
    seconds++
    nanos -= BILLION
  }
  if (seconds > LONGEST || (seconds === LONGEST && nanos > LONGEST_NANOS)) {
    seconds = LONGEST
    nanos = LONGEST_NANOS
  } else if (seconds < -LONGEST || (seconds === -LONGEST && nanos < -LONGEST_NANOS - 1)) {
    seconds = -LONGEST
    nanos = -LONGEST_NANOS - 1
  }
}

let lastSecond = Number.NaN
let lastText = ''

/** `2026-11-26T14:30:00.5Z` with no, 3, 6 or 9 digits of fraction. */
export function timeText(atSeconds: number, atNanos: number): string {
  // Spans of one batch begin close together.
  if (atSeconds !== lastSecond) {
    lastSecond = atSeconds
    lastText = new Date(atSeconds * 1000).toISOString().slice(0, -5)
  }
  return `${lastText}${fractionText(atNanos)}Z`
}

/** `-1.5s` with no, 3, 6 or 9 digits of fraction. */
export function durationText(forSeconds: number, forNanos: number): string {
  const sign = forSeconds < 0 || forNanos < 0 ? '-' : ''
  return `${sign}${Math.abs(forSeconds)}${fractionText(Math.abs(forNanos))}s`
}

function fractionText(ns: number): string {
  if (ns === 0) return ''
  const digits = String(ns).padStart(9, '0')
  if (!digits.endsWith('000')) return `.${digits}`
  return digits.endsWith('000000') ? `.${digits.slice(0, 3)}` : `.${digits.slice(0, 6)}`
}

const TIME = /^(\d{4})-(\d\d)-(\d\d)[Tt](\d\d):(\d\d):(\d\d)(?:[.,](\d{1,9})\d*)?([Zz]|[+-]\d\d:\d\d)$/

/** RFC 3339 to nanoseconds since 1970, negative before; undefined when it is not a time. */
export function parseTime(text: string): bigint | undefined {
  const parts = TIME.exec(text)
  if (parts === null) return undefined
  const [, year, month, day, hour, minute, second, fraction = '', zone] = parts as unknown as string[]
  const utc = `${year}-${month}-${day}T${hour}:${minute}:${second}`
  const ms = Date.parse(`${utc}${zone!.toUpperCase()}`)
  // Date rolls 30 February over to March; a time that does not come back is none.
  if (Number.isNaN(ms) || new Date(Date.parse(`${utc}Z`)).toISOString().slice(0, 19) !== utc) return undefined
  return BigInt(ms) * 1_000_000n + BigInt(fraction.padEnd(9, '0'))
}

const DURATION = /^([+-]?)(\d{1,12})(?:\.(\d{1,9}))?s$/

/** `1.5s` to nanoseconds; undefined when it is not a duration of protobuf's JSON. */
export function parseDuration(text: string): bigint | undefined {
  const parts = DURATION.exec(text)
  if (parts === null) return undefined
  const size = BigInt(parts[2]!) * 1_000_000_000n + BigInt((parts[3] ?? '').padEnd(9, '0'))
  return parts[1] === '-' ? -size : size
}
