/**
 * Exponential histograms of OTLP as native histograms of Prometheus: buckets moved by one, because there a bucket is
 * named by its upper bound, scales above 8 made coarser, those below -4 refused.
 */

import type { NativeBuckets } from './family.ts'

export const SCALE_MIN = -4
export const SCALE_MAX = 8

/** The Collector's, where a point says nothing or 0. */
export const ZERO_THRESHOLD = 1e-128

export interface ExponentialBuckets {
  readonly offset: number
  readonly counts: readonly bigint[]
}

/** Buckets of `scale - by`, for the same values: 2^by neighbours become one. */
export function coarser({ offset, counts }: ExponentialBuckets, by: number): ExponentialBuckets {
  if (by <= 0 || counts.length === 0) return { offset, counts }
  const first = shifted(offset, by)
  const made = new Array<bigint>(shifted(offset + counts.length - 1, by) - first + 1).fill(0n)
  for (const [i, count] of counts.entries()) made[shifted(offset + i, by) - first]! += count
  return { offset: first, counts: made }
}

/** Towards minus infinity; `>>` would take the shift modulo 32. */
function shifted(index: number, by: number): number {
  return by > 31 ? (index < 0 ? -1 : 0) : index >> by
}

/** `scale` is that of the buckets, which are brought down to SCALE_MAX. OTLP has no gaps, so there is one span. */
export function nativeBuckets(buckets: ExponentialBuckets, scale: number): NativeBuckets {
  const { offset, counts } = coarser(buckets, scale - SCALE_MAX)
  if (counts.length === 0) return { spans: [], deltas: [] }
  return {
    spans: [{ offset: offset + 1, length: counts.length }],
    deltas: counts.map((count, i) => count - (counts[i - 1] ?? 0n)),
  }
}

/** What the buckets, the one around zero included, must add up to is the count; less where the sum is NaN. */
export function addsUp(
  count: bigint,
  sum: number,
  zeroCount: bigint,
  positive: readonly bigint[],
  negative: readonly bigint[],
): boolean {
  let total = zeroCount
  for (const one of positive) total += one
  for (const one of negative) total += one
  return Number.isNaN(sum) ? total <= count : total === count
}

/** One histogram that holds the values of two: at the lesser scale, with the wider bucket around zero. */
export function mergeExponential(a: ExponentialState, b: ExponentialState): ExponentialState {
  const scale = Math.min(a.scale, b.scale)
  const zeroThreshold = Math.max(a.zeroThreshold, b.zeroThreshold)
  let zeroCount = a.zeroCount + b.zeroCount
  const side = (name: 'positive' | 'negative'): ExponentialBuckets => {
    const parts = [a, b].map(one => {
      const [kept, swallowed] = outside(coarser(one[name], one.scale - scale), scale, zeroThreshold, one)
      zeroCount += swallowed
      return kept
    })
    return mergeBuckets(parts[0]!, parts[1]!)
  }
  const positive = side('positive')
  const negative = side('negative')
  return { scale, zeroThreshold, zeroCount, positive, negative }
}

export interface ExponentialState {
  readonly scale: number
  readonly zeroThreshold: number
  readonly zeroCount: bigint
  readonly positive: ExponentialBuckets
  readonly negative: ExponentialBuckets
}

/** The buckets that reach beyond the threshold, and the count of those that do not. */
function outside(
  buckets: ExponentialBuckets,
  scale: number,
  zeroThreshold: number,
  from: { readonly zeroThreshold: number },
): [kept: ExponentialBuckets, swallowed: bigint] {
  if (zeroThreshold <= from.zeroThreshold) return [buckets, 0n]
  let swallowed = 0n
  let i = 0
  while (i < buckets.counts.length && 2 ** ((buckets.offset + i + 1) / 2 ** scale) <= zeroThreshold) {
    swallowed += buckets.counts[i++]!
  }
  return [{ offset: buckets.offset + i, counts: buckets.counts.slice(i) }, swallowed]
}

/** More buckets than this in one histogram, and the two are not merged: far apart, they would be mostly zeros. */
export const MERGED_BUCKETS_MAX = 16_384

function mergeBuckets(a: ExponentialBuckets, b: ExponentialBuckets): ExponentialBuckets {
  if (a.counts.length === 0) return b
  if (b.counts.length === 0) return a
  const offset = Math.min(a.offset, b.offset)
  const length = Math.max(a.offset + a.counts.length, b.offset + b.counts.length) - offset
  if (length > MERGED_BUCKETS_MAX) throw new RangeError(`${length} buckets`)
  const counts = new Array<bigint>(length).fill(0n)
  for (const { offset: from, counts: more } of [a, b]) {
    for (const [i, count] of more.entries()) counts[from - offset + i]! += count
  }
  return { offset, counts }
}
