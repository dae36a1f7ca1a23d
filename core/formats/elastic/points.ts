/**
 * Data points as values of fields: numbers, `{counts, values}` for Elasticsearch's histogram, `{sum, value_count}` for its
 * aggregate_metric_double (contrib elasticsearchexporter 0.155, internal/datapoints, internal/exphistogram).
 *
 * Different on purpose: NaN and infinities are null, where the Collector writes 0, which nobody measured.
 */

import { high, low, readFixed64 } from '../../otlp/cursor.ts'
import { ExponentialHistogramPointView, HistogramPointView, SummaryPointView } from '../../otlp/data-point.ts'
import { AggregationTemporality, Metric, NumberDataPoint } from '../../otlp/fields.ts'
import { MessageView } from '../../otlp/message.ts'
import type { MetricView } from '../../otlp/metric.ts'
import type { Writer } from '../../otlp/writer.ts'
import { writeAscii } from '../jaeger-es/letters.ts'
import type { Hints } from './special.ts'
import { writeInt, writeRadixDouble } from './values.ts'

/** What many points have in common. */
export interface MetricInfo {
  readonly name: string
  readonly unit: string
  /** `Metric.gauge`, `Metric.sum`, ... */
  readonly kind: number
  /** A sum that only grows and is told from its beginning. */
  readonly isCounter: boolean
  readonly isCumulative: boolean
}

export function metricInfo(metric: MetricView, kind: number): MetricInfo {
  const isCumulative = metric.temporality === AggregationTemporality.AGGREGATION_TEMPORALITY_CUMULATIVE
  return {
    name: metric.name,
    unit: metric.unit,
    kind,
    isCounter: kind === Metric.sum && metric.isMonotonic && isCumulative,
    isCumulative,
  }
}

/** One data point on the wire. */
export interface PointRef {
  readonly bytes: Uint8Array
  readonly start: number
  readonly stop: number
  readonly metric: MetricInfo
  readonly hints: Hints
}

/** Those that are not empty. */
export interface Buckets {
  readonly counts: readonly bigint[]
  readonly values: readonly number[]
}

/** `buckets` is undefined where they were left out by `forLater`. */
export type PointValue =
  | { readonly type: 'long' | 'double' }
  | { readonly type: 'histogram'; readonly buckets: Buckets | undefined }
  | { readonly type: 'aggregate'; readonly sum: number; readonly count: bigint }

/** No histogram has so many buckets; one takes a byte on the wire, and forty here. */
const HISTOGRAM_BYTES_MAX = 1024 * 1024
const EMPTY = new Uint8Array()
const number = new MessageView()
const histogram = new HistogramPointView()
const exponential = new ExponentialHistogramPointView()
const summary = new SummaryPointView()

/** What a point becomes, or a text that says why it cannot be written. */
export function readPoint(point: PointRef): PointValue | string {
  const { bytes, start, stop, metric, hints } = point
  const { kind, name } = metric
  if (metric.isCumulative && (kind === Metric.histogram || kind === Metric.exponentialHistogram))
    return `histogram "${name}" is cumulative, and Elasticsearch takes only deltas: put the cumulativetodelta processor in front`
  const isHistogram = kind === Metric.histogram || kind === Metric.exponentialHistogram
  if (isHistogram && stop - start > HISTOGRAM_BYTES_MAX)
    return `a data point of histogram "${name}" has ${stop - start} bytes, more than ${HISTOGRAM_BYTES_MAX}`
  switch (kind) {
    case Metric.histogram: {
      const read = histogram.reset(bytes, start, stop)
      if (hints.aggregateMetricDouble) return { type: 'aggregate', sum: read.sum ?? 0, count: read.count }
      return explicitHistogram(read, hints.histogramRaw, name)
    }
    case Metric.exponentialHistogram: {
      const read = exponential.reset(bytes, start, stop)
      if (hints.aggregateMetricDouble) return { type: 'aggregate', sum: read.sum ?? 0, count: read.count }
      return exponentialHistogram(read, hints.histogramRaw)
    }
    case Metric.summary: {
      const read = summary.reset(bytes, start, stop)
      return { type: 'aggregate', sum: read.sum, count: read.count }
    }
    default: {
      const read = number.reset(bytes, start, stop)
      const atInt = read.startOf(NumberDataPoint.asInt)
      const atDouble = read.startOf(NumberDataPoint.asDouble)
      if (atInt === -1 && atDouble === -1) return `a data point of "${name}" has no value`
      return { type: atInt > atDouble ? 'long' : 'double' }
    }
  }
}

/** More buckets than this are read again when they are written: whole batches of them would fill the memory. */
const BUCKETS_KEPT_MAX = 512

/** The value as it is kept until all points of a batch are read. */
export function forLater(value: PointValue): PointValue {
  return value.type === 'histogram' && value.buckets!.counts.length > BUCKETS_KEPT_MAX
    ? { type: 'histogram', buckets: undefined }
    : value
}

/** The buckets of a histogram that `readPoint` could read, kept or not. */
export function bucketsOf(point: PointRef, kept: Buckets | undefined): Buckets {
  if (kept !== undefined) return kept
  const value = readPoint(point)
  return (typeof value === 'object' && value.type === 'histogram' ? value.buckets : undefined) ?? NO_BUCKETS
}

const NO_BUCKETS: Buckets = Object.freeze({ counts: [], values: [] })

/** How many measurements `_doc_count` says a point stands for. */
export function docCount({ bytes, start, stop, metric }: PointRef): bigint {
  switch (metric.kind) {
    case Metric.histogram:
      return histogram.reset(bytes, start, stop).count
    case Metric.exponentialHistogram:
      return exponential.reset(bytes, start, stop).count
    case Metric.summary:
      return summary.reset(bytes, start, stop).count
    default:
      return 1n
  }
}

/** The dynamic template of the index for metrics that the field is mapped by. */
export function templateOf({ metric }: PointRef, value: PointValue): string {
  switch (value.type) {
    case 'histogram':
      return 'histogram'
    case 'aggregate':
      return 'summary'
    default:
      return `${metric.isCounter ? 'counter' : 'gauge'}_${value.type}`
  }
}

function explicitHistogram(read: HistogramPointView, raw: boolean, name: string): PointValue | string {
  const { bucketCounts, explicitBounds: bounds } = read
  if (bucketCounts.length > 0 && bucketCounts.length !== bounds.length + 1)
    return `a data point of histogram "${name}" has ${bucketCounts.length} buckets and ${bounds.length} bounds`
  const counts: bigint[] = []
  const values: number[] = []
  if (bounds.length === 0) {
    const { count } = read
    if (count > 0n) {
      counts.push(count)
      values.push((read.sum ?? 0) / Number(count))
    }
    return { type: 'histogram', buckets: { counts, values } }
  }
  for (const [i, count] of bucketCounts.entries()) {
    if (count === 0n) continue
    if (raw && i === bounds.length) {
      // It has no bound of its own, and values must grow.
      if (counts.length > 0) counts[counts.length - 1]! += count
      break
    }
    counts.push(count)
    values.push(raw ? bounds[i]! : middle(bounds, i))
  }
  return { type: 'histogram', buckets: { counts, values } }
}

function middle(bounds: readonly number[], i: number): number {
  if (i === 0) return bounds[0]! > 0 ? bounds[0]! / 2 : bounds[0]!
  if (i >= bounds.length) return bounds[i - 1]!
  return bounds[i - 1]! + (bounds[i]! - bounds[i - 1]!) / 2
}

function exponentialHistogram(read: ExponentialHistogramPointView, raw: boolean): PointValue {
  const { scale, zeroCount } = read
  const counts: bigint[] = []
  const values: number[] = []
  const add = (count: bigint, value: number): void => {
    counts.push(count)
    values.push(Math.max(-Number.MAX_VALUE, Math.min(Number.MAX_VALUE, value)))
  }
  const { negative } = read
  let { bucketCounts: buckets, offset } = negative
  for (let i = buckets.length - 1; i >= 0; i--) {
    if (buckets[i] === 0n) continue
    const lower = -boundary(offset + i + 1, scale)
    const upper = -boundary(offset + i, scale)
    add(buckets[i]!, raw ? upper : lower + (upper - lower) / 2)
  }
  if (zeroCount !== 0n) add(zeroCount, 0)
  ;({ bucketCounts: buckets, offset } = read.positive)
  for (let i = 0; i < buckets.length; i++) {
    if (buckets[i] === 0n) continue
    const lower = boundary(offset + i, scale)
    const upper = boundary(offset + i + 1, scale)
    add(buckets[i]!, raw ? upper : lower + (upper - lower) / 2)
  }
  return { type: 'histogram', buckets: { counts, values } }
}

/** The lower bound of bucket `index`. */
function boundary(index: number, scale: number): number {
  return scale <= 0 ? 2 ** (index * 2 ** -scale) : 2 ** (index / 2 ** scale)
}

const COMMA = 0x2c
const OPEN_ARRAY = 0x5b
const CLOSE_ARRAY = 0x5d
const INT64_MAX = 2n ** 63n - 1n

/** An int64 or a double, from the wire. */
export function writeNumberPoint(
  out: Writer,
  { bytes, start, stop }: PointRef,
  type: 'long' | 'double',
): void {
  const read = number.reset(bytes, start, stop)
  if (type === 'double') writeRadixDouble(out, read.double(NumberDataPoint.asDouble))
  else {
    readFixed64(bytes, read.startOf(NumberDataPoint.asInt))
    writeInt(out, low, high)
  }
}

export function writeCount(out: Writer, count: bigint): void {
  writeAscii(out, String(count > INT64_MAX ? INT64_MAX : count))
}

export function writeCounts(out: Writer, counts: readonly bigint[]): void {
  out.byte(OPEN_ARRAY)
  for (const [i, count] of counts.entries()) {
    if (i > 0) out.byte(COMMA)
    writeCount(out, count)
  }
  out.byte(CLOSE_ARRAY)
}

export function writeDoubles(out: Writer, values: readonly number[]): void {
  out.byte(OPEN_ARRAY)
  for (const [i, value] of values.entries()) {
    if (i > 0) out.byte(COMMA)
    writeRadixDouble(out, value)
  }
  out.byte(CLOSE_ARRAY)
}

/** Lets go of the request that was read last. */
export function releasePoints(): void {
  for (const view of [number, histogram, exponential, summary]) view.reset(EMPTY)
}
