/** What a page is made of: families of samples, as Prometheus' metrics.proto has them. */

import type { LabelSet } from './labels.ts'

export type FamilyType = 'counter' | 'gauge' | 'summary' | 'histogram'

export interface Exemplar {
  readonly value: number
  /** Hex; '' when there is none. */
  readonly traceId: string
  readonly spanId: string
  /** Nanoseconds since 1970. */
  readonly time: bigint
}

export interface NumberSample {
  readonly kind: 'number'
  readonly value: number
  readonly exemplar: Exemplar | undefined
}

export interface SummarySample {
  readonly kind: 'summary'
  readonly count: bigint
  readonly sum: number
  /** In order of the quantile, each once. */
  readonly quantiles: readonly (readonly [quantile: number, value: number])[]
}

export interface ClassicHistogramSample {
  readonly kind: 'histogram'
  readonly count: bigint
  readonly sum: number
  /** Upper bounds in ascending order, each once. */
  readonly bounds: readonly number[]
  /** How many values are at most the bound. */
  readonly cumulative: readonly bigint[]
  readonly exemplars: readonly Exemplar[]
}

/** Buckets of one sign: runs of buckets with the gap in front of each, and each count's difference to the one before. */
export interface NativeBuckets {
  readonly spans: readonly { readonly offset: number; readonly length: number }[]
  readonly deltas: readonly bigint[]
}

export interface NativeHistogramSample {
  readonly kind: 'native'
  readonly count: bigint
  readonly sum: number
  readonly schema: number
  readonly zeroThreshold: number
  readonly zeroCount: bigint
  readonly positive: NativeBuckets
  readonly negative: NativeBuckets
  readonly exemplars: readonly Exemplar[]
}

export type Sample = NumberSample | SummarySample | ClassicHistogramSample | NativeHistogramSample

export interface Row {
  readonly labels: LabelSet
  readonly sample: Sample
  /** When the sum began, nanoseconds since 1970; undefined when that is not known. Not on text pages. */
  readonly created: bigint | undefined
  /** Milliseconds since 1970, when the page is to say them. */
  readonly millis: bigint | undefined
}

export interface Family {
  readonly name: string
  readonly help: string
  readonly type: FamilyType
}

/** Which bucket an exemplar belongs to: the first bound that is not below it; `bounds.length` is the one to infinity. */
export function bucketOf(bounds: readonly number[], value: number): number {
  const found = bounds.findIndex(bound => bound >= value)
  return found === -1 ? bounds.length : found
}

/** The last exemplar of each bucket, the one to infinity included. */
export function exemplarsByBucket({ bounds, exemplars }: ClassicHistogramSample): (Exemplar | undefined)[] {
  const last = new Array<Exemplar | undefined>(bounds.length + 1).fill(undefined)
  for (const exemplar of exemplars) last[bucketOf(bounds, exemplar.value)] = exemplar
  return last
}
