/**
 * OpenTelemetry's consistent probability sampling: 56-bit thresholds and randomness, and their text forms
 * (opentelemetry.io/docs/specs/otel/trace/tracestate-probability-sampling, contrib pkg/sampling 0.155).
 *
 * An item is kept when threshold <= randomness. 56 bits do not fit a double, so both are two halves of 28 bits, high
 * first; a threshold may be 2^56 (`high` 2^28), which keeps nothing.
 */

const HALF = 2 ** 28
const ALL = 2n ** 56n
const DIGITS = 14

export interface Bits56 {
  readonly high: number
  readonly low: number
}

/** Keeps everything; nothing; and the randomness that every threshold but the last keeps. */
export const ALWAYS: Bits56 = Object.freeze({ high: 0, low: 0 })
export const NEVER: Bits56 = Object.freeze({ high: HALF, low: 0 })
export const MOST_RANDOM: Bits56 = Object.freeze({ high: HALF - 1, low: HALF - 1 })

/** The least share that has a threshold. */
export const LEAST_PROBABILITY = 2 ** -56

export function isLess(a: Bits56, b: Bits56): boolean {
  return a.high < b.high || (a.high === b.high && a.low < b.low)
}

/** Is an item of this randomness kept under this threshold? */
export function keeps(threshold: Bits56, randomness: Bits56): boolean {
  return !isLess(randomness, threshold)
}

function fromBig(value: bigint): Bits56 {
  return { high: Number(value >> 28n), low: Number(value & 0xfff_ffffn) }
}

/** The share of items a threshold keeps, rounded to a double once. */
export function probabilityOf({ high, low }: Bits56): number {
  return ((HALF - high) * HALF - low) / 2 ** 56
}

/**
 * The threshold that keeps `probability` of all items, rounded to `precision` hex digits (1 to 14), not counting
 * leading 0s or fs. Undefined outside [2^-56, 1].
 */
export function thresholdOf(probability: number, precision: number): Bits56 | undefined {
  if (!(probability >= LEAST_PROBABILITY && probability <= 1)) return undefined
  if (probability === 1) return ALWAYS
  const leading = Math.max(digitsBefore(probability), digitsBefore(1 - probability))
  const digits = Math.min(DIGITS, precision + leading)
  const threshold = ALL - BigInt(Math.round(probability * 2 ** 56))
  const shift = BigInt(4 * (DIGITS - digits))
  if (shift === 0n) return fromBig(threshold)
  return fromBig(((threshold + (1n << (shift - 1n))) >> shift) << shift)
}

const words = new DataView(new ArrayBuffer(8))

/** How many hex digits of `fraction` are 0 before the first that is not: from its binary exponent. */
function digitsBefore(fraction: number): number {
  words.setFloat64(0, fraction)
  const exponent = ((words.getUint32(0) >>> 20) & 0x7ff) - 1022
  return Math.trunc(-exponent / 4)
}

function hex7(half: number): string {
  return half.toString(16).padStart(7, '0')
}

/** 14 hex digits, the `rv` of tracestate. */
export function formatRandomness({ high, low }: Bits56): string {
  return hex7(high) + hex7(low)
}

/** Up to 14 hex digits without trailing zeros, the `th` of tracestate; '' for the threshold that keeps nothing. */
export function formatThreshold(threshold: Bits56): string {
  if (threshold.high >= HALF) return ''
  return formatRandomness(threshold).replace(/0+$/, '') || '0'
}

const HEX = /^[0-9a-f]+$/i

/** Undefined unless `text` is 14 hex digits. */
export function parseRandomness(text: string): Bits56 | undefined {
  if (text.length !== DIGITS || !HEX.test(text)) return undefined
  return { high: Number.parseInt(text.slice(0, 7), 16), low: Number.parseInt(text.slice(7), 16) }
}

/** Undefined unless `text` is 1 to 14 hex digits. */
export function parseThreshold(text: string): Bits56 | undefined {
  return text.length > DIGITS ? undefined : parseRandomness(text.padEnd(text === '' ? 0 : DIGITS, '0'))
}
