/** Native histograms as pages carry them: buckets with exact 64-bit counts, without gaps. */

import type { ExponentialBuckets } from '../native.ts'

/** Exponential buckets, as OTLP counts them: a bucket is named by its lower bound. */
export interface ExponentialScraped {
  readonly kind: 'exponential'
  readonly count: bigint
  readonly sum: number
  readonly scale: number
  readonly zeroThreshold: number
  readonly zeroCount: bigint
  readonly positive: ExponentialBuckets
  readonly negative: ExponentialBuckets
}

/** Custom buckets ("NHCB"): a classic histogram in one piece. */
export interface CustomScraped {
  readonly kind: 'custom'
  readonly count: number
  readonly sum: number
  /** Upper bounds, ascending, without infinity. */
  readonly bounds: readonly number[]
  /** One more than bounds; not cumulative. */
  readonly counts: readonly number[]
}

export type ScrapedHistogram = ExponentialScraped | CustomScraped

/** More buckets than this between the first and the last: mostly zeros, and somebody's play. */
export const BUCKETS_MAX = 16_384

export interface Span {
  readonly offset: number
  readonly length: number
}

/**
 * Buckets without gaps and without zeros at both ends. `counts` are those of the spans' buckets one after another.
 * Throws RangeError with a sentence.
 */
export function denseBuckets(spans: readonly Span[], counts: readonly bigint[]): ExponentialBuckets {
  const places: (readonly [index: number, count: bigint])[] = []
  let index = 0
  let next = 0
  for (const [i, { offset, length }] of spans.entries()) {
    if (i > 0 && offset < 0) throw new RangeError('a bucket span begins before the one in front of it ends')
    index += offset
    if (next + length > counts.length) throw new RangeError('its spans have more buckets than it has counts')
    for (let end = next + length; next < end; next++, index++) {
      const count = counts[next]!
      if (count < 0n) throw new RangeError('a bucket has a count below 0')
      if (count > 0n) places.push([index, count])
    }
  }
  if (next !== counts.length) throw new RangeError('it has more counts than its spans have buckets')
  if (places.length === 0) return { offset: 0, counts: [] }
  const first = places[0]![0]
  const size = places.at(-1)![0] - first + 1
  if (size > BUCKETS_MAX) throw new RangeError(`its buckets span ${size} places, more than ${BUCKETS_MAX}`)
  const dense = new Array<bigint>(size).fill(0n)
  for (const [at, count] of places) dense[at - first] = count
  // Prometheus names a bucket by its upper bound.
  return { offset: first - 1, counts: dense }
}
