/** What a series holds between two points: the latest point, copied out of its request, and how deltas are added. */

import type { Exemplar, Sample } from '../../core/formats/prometheus/family.ts'
import {
  addsUp,
  type ExponentialState,
  mergeExponential,
  nativeBuckets,
  SCALE_MAX,
  SCALE_MIN,
  ZERO_THRESHOLD,
} from '../../core/formats/prometheus/native.ts'
import type {
  ExemplarView,
  ExponentialHistogramPointView,
  HistogramPointView,
  NumberPointView,
  SummaryPointView,
} from '../../core/otlp/data-point.ts'
import type { Messages } from '../../core/otlp/message.ts'

export interface NumberState {
  readonly kind: 'number'
  /** int64 as bigint, so that deltas add up exactly. */
  readonly value: number | bigint
  readonly exemplar: Exemplar | undefined
}

export interface SummaryState {
  readonly kind: 'summary'
  readonly count: bigint
  readonly sum: number
  readonly quantiles: readonly (readonly [quantile: number, value: number])[]
}

export interface HistogramState {
  readonly kind: 'histogram'
  readonly count: bigint
  readonly sum: number
  readonly bounds: readonly number[]
  readonly counts: readonly bigint[]
  readonly exemplars: readonly Exemplar[]
}

export interface ExponentialHistogramState extends ExponentialState {
  readonly kind: 'exponential'
  readonly count: bigint
  readonly sum: number
  readonly exemplars: readonly Exemplar[]
}

export type State = NumberState | SummaryState | HistogramState | ExponentialHistogramState

/** Of one point; a page shows one for each bucket. */
const EXEMPLARS_MAX = 64

function readExemplars(found: Messages<ExemplarView>): Exemplar[] {
  const exemplars: Exemplar[] = []
  while (found.next()) {
    const { value, traceId, spanId, time } = found.item
    const zero = (id: string): string => (/^0*$/.test(id) ? '' : id)
    exemplars.push({ value: Number(value ?? 0), traceId: zero(traceId), spanId: zero(spanId), time })
    // The last ones are shown.
    if (exemplars.length > EXEMPLARS_MAX) exemplars.shift()
  }
  return exemplars
}

export function readNumber(point: NumberPointView, withExemplar: boolean): NumberState {
  const exemplar = withExemplar ? readExemplars(point.exemplars()).at(-1) : undefined
  return { kind: 'number', value: point.value ?? 0, exemplar }
}

export function readSummary(point: SummaryPointView): SummaryState {
  const quantiles = new Map<number, number>()
  const found = point.quantiles()
  while (found.next()) quantiles.set(found.item.quantile, found.item.value)
  const sorted = [...quantiles].sort(([a], [b]) => a - b)
  return { kind: 'summary', count: point.count, sum: point.sum, quantiles: sorted }
}

export function readHistogram(point: HistogramPointView): HistogramState {
  return {
    kind: 'histogram',
    count: point.count,
    sum: point.sum ?? 0,
    bounds: point.explicitBounds,
    counts: point.bucketCounts,
    exemplars: readExemplars(point.exemplars()),
  }
}

/** Or why Prometheus cannot have it. */
export function readExponential(
  point: ExponentialHistogramPointView,
): ExponentialHistogramState | 'scale_too_low' | 'histogram_count_mismatch' {
  const { scale, count, zeroCount } = point
  const sum = point.sum ?? 0
  if (scale < SCALE_MIN) return 'scale_too_low'
  const positive = { offset: point.positive.offset, counts: point.positive.bucketCounts }
  const negative = { offset: point.negative.offset, counts: point.negative.bucketCounts }
  if (!addsUp(count, sum, zeroCount, positive.counts, negative.counts)) return 'histogram_count_mismatch'
  return {
    kind: 'exponential',
    count,
    sum,
    scale,
    zeroThreshold: point.zeroThreshold,
    zeroCount,
    positive,
    negative,
    exemplars: readExemplars(point.exemplars()),
  }
}

/** What has been counted until now, with a delta added. Both are of one kind; otherwise the delta stands alone. */
export function accumulate(before: State, delta: State): State {
  if (before.kind === 'number' && delta.kind === 'number')
    return { ...delta, value: addNumbers(before.value, delta.value) }
  if (before.kind === 'histogram' && delta.kind === 'histogram') return addHistograms(before, delta)
  if (before.kind === 'exponential' && delta.kind === 'exponential') {
    const { count, sum } = before
    return {
      ...delta,
      ...mergeExponential(before, delta),
      count: count + delta.count,
      sum: sum + delta.sum,
    }
  }
  return delta
}

function addNumbers(a: number | bigint, b: number | bigint): number | bigint {
  return typeof a === 'bigint' && typeof b === 'bigint' ? BigInt.asIntN(64, a + b) : Number(a) + Number(b)
}

/** With other bounds than before, counting begins anew, as in the Collector. */
function addHistograms(before: HistogramState, delta: HistogramState): HistogramState {
  const same =
    before.bounds.length === delta.bounds.length &&
    before.counts.length === delta.counts.length &&
    before.bounds.every((bound, i) => bound === delta.bounds[i])
  if (!same) return delta
  return {
    ...delta,
    count: before.count + delta.count,
    sum: before.sum + delta.sum,
    counts: before.counts.map((count, i) => count + delta.counts[i]!),
  }
}

/** As a page shows it. */
export function sampleOf(state: State): Sample {
  switch (state.kind) {
    case 'number':
      return { kind: 'number', value: Number(state.value), exemplar: state.exemplar }
    case 'summary':
      return state
    case 'histogram':
      return classic(state)
    case 'exponential':
      return {
        kind: 'native',
        count: state.count,
        sum: state.sum,
        schema: Math.min(state.scale, SCALE_MAX),
        zeroThreshold: state.zeroThreshold === 0 ? ZERO_THRESHOLD : state.zeroThreshold,
        zeroCount: state.zeroCount,
        positive: nativeBuckets(state.positive, state.scale),
        negative: nativeBuckets(state.negative, state.scale),
        exemplars: state.exemplars,
      }
  }
}

/** Bounds in ascending order, each once, whatever order they came in. */
function classic({ count, sum, bounds, counts, exemplars }: HistogramState): Sample {
  const first = new Map<number, bigint>()
  for (const [i, bound] of bounds.entries()) {
    if (!Number.isNaN(bound) && !first.has(bound)) first.set(bound, counts[i] ?? 0n)
  }
  const sorted = [...first].sort(([a], [b]) => a - b)
  let below = 0n
  const cumulative = sorted.map(([, more]) => (below += more))
  return { kind: 'histogram', count, sum, bounds: sorted.map(([bound]) => bound), cumulative, exemplars }
}
