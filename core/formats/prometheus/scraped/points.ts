/** Points as OTLP bytes. */

import {
  AggregationTemporality,
  Exemplar,
  ExponentialHistogram,
  ExponentialHistogramDataPoint,
  ExponentialHistogramDataPointBuckets,
  Gauge,
  Histogram,
  HistogramDataPoint,
  Metric,
  NumberDataPoint,
  Sum,
  Summary,
  SummaryDataPoint,
  SummaryDataPointValueAtQuantile,
} from '../../../otlp/fields.ts'
import type { Writer } from '../../../otlp/writer.ts'
import type { Label } from '../labels.ts'
import type { ExponentialBuckets } from '../native.ts'
import type { CustomScraped, ExponentialScraped } from '../parse/histogram.ts'
import type { ScrapedExemplar } from '../parse/page.ts'
import type { Family, Group } from './family.ts'
import { ucumUnit } from './names.ts'
import { writeLabels } from './series.ts'

const I64 = 1
const NO_RECORDED_VALUE = 1
const TWO_32 = 0x1_0000_0000
const TYPE_KEY = 'prometheus.type'

const FIELDS = {
  gauge: Metric.gauge,
  other: Metric.gauge,
  sum: Metric.sum,
  histogram: Metric.histogram,
  exponential: Metric.exponentialHistogram,
  summary: Metric.summary,
} as const

/** Lets others have their turn: undefined when it is not their time. */
export type Turn = () => Promise<void> | undefined

/** Points and families between two of them. */
const AT_ONCE = 256
let written = 0

/** Writes the family as a Metric in `field`, and gives the number of its points; nothing when it has none. */
export async function writeMetric(
  out: Writer,
  field: number,
  name: string,
  family: Family,
  turn: Turn,
): Promise<number> {
  const before = out.pos
  const metric = out.open(field)
  out.string(Metric.name, name)
  const { help, unit, type } = family.metadata
  if (help !== '') out.string(Metric.description, help)
  const ucum = ucumUnit(unit)
  if (ucum !== '') out.string(Metric.unit, ucum)
  const data = out.open(FIELDS[family.kind])
  let points = 0
  for (const group of family.groups) {
    if (writePoint(out, family, group)) points++
    if (++written % AT_ONCE === 0) await turn()
  }
  if (family.kind === 'sum' || family.kind === 'histogram' || family.kind === 'exponential') {
    out.tag(Sum.aggregationTemporality, 0)
    out.varint(AggregationTemporality.AGGREGATION_TEMPORALITY_CUMULATIVE)
  }
  if (family.monotonic && family.kind === 'sum') {
    out.tag(Sum.isMonotonic, 0)
    out.varint(1)
  }
  out.close(data)
  writeLabels(out, Metric.metadata, [[TYPE_KEY, type]])
  out.close(metric)
  if (points === 0) out.rewind(before)
  return points
}

function writePoint(out: Writer, family: Family, group: Group): boolean {
  switch (family.kind) {
    case 'histogram':
      return family.whole ? customHistogram(out, family, group) : classicHistogram(out, family, group)
    case 'exponential':
      return exponentialHistogram(out, family, group)
    case 'summary':
      return summary(out, family, group)
    default:
      return number(out, family, group)
  }
}

function number(out: Writer, family: Family, group: Group): boolean {
  if (group.value === undefined) return false
  const point = out.open(Gauge.dataPoints)
  if (family.kind === 'sum') started(out, NumberDataPoint.startTimeUnixNano, group)
  time(out, NumberDataPoint.timeUnixNano, group.millis)
  if (group.stale) noValue(out, NumberDataPoint.flags)
  else double(out, NumberDataPoint.asDouble, group.value)
  exemplars(out, NumberDataPoint.exemplars, group)
  group.series.writeAttributes(out, family.bound, NumberDataPoint.attributes)
  out.close(point)
  return true
}

function classicHistogram(out: Writer, family: Family, group: Group): boolean {
  const { parts } = group
  if (parts?.count === undefined) return false
  const known = boundsOf(group)
  const bounds: number[] = []
  const counts: number[] = []
  let below = 0
  for (const i of sorted(known)) {
    const bound = known[i]!
    if (bound === Infinity) break
    const cumulative = group.stale ? 0 : parts.values[i]!
    bounds.push(bound)
    counts.push(cumulative - below)
    below = cumulative
  }
  counts.push(group.stale ? 0 : parts.count - below)
  histogramPoint(out, family, group, parts.count, parts.sum, bounds, counts)
  return true
}

function customHistogram(out: Writer, family: Family, group: Group): boolean {
  if (group.stale) {
    histogramPoint(out, family, group, 0, undefined, [], [])
    return true
  }
  const { bounds, counts, count, sum } = group.histogram as CustomScraped
  if (bounds.length === 0) return false
  histogramPoint(out, family, group, count, sum, bounds, counts)
  return true
}

function histogramPoint(
  out: Writer,
  family: Family,
  group: Group,
  count: number,
  sum: number | undefined,
  bounds: readonly number[],
  counts: readonly number[],
): void {
  const point = out.open(Histogram.dataPoints)
  started(out, HistogramDataPoint.startTimeUnixNano, group)
  time(out, HistogramDataPoint.timeUnixNano, group.millis)
  if (!group.stale) {
    out.tag(HistogramDataPoint.count, I64)
    whole(out, count)
    if (sum !== undefined) double(out, HistogramDataPoint.sum, sum)
  }
  if (counts.length > 0) {
    const buckets = out.open(HistogramDataPoint.bucketCounts)
    for (const one of counts) whole(out, one)
    out.close(buckets)
  }
  if (bounds.length > 0) {
    const packed = out.open(HistogramDataPoint.explicitBounds)
    for (const bound of bounds) out.double(bound)
    out.close(packed)
  }
  exemplars(out, HistogramDataPoint.exemplars, group)
  group.series.writeAttributes(out, family.bound, HistogramDataPoint.attributes)
  if (group.stale) noValue(out, HistogramDataPoint.flags)
  out.close(point)
}

function exponentialHistogram(out: Writer, family: Family, group: Group): boolean {
  const histogram = group.histogram as ExponentialScraped | undefined
  if (histogram === undefined && !group.stale) return false
  const point = out.open(ExponentialHistogram.dataPoints)
  group.series.writeAttributes(out, family.bound, ExponentialHistogramDataPoint.attributes)
  started(out, ExponentialHistogramDataPoint.startTimeUnixNano, group)
  time(out, ExponentialHistogramDataPoint.timeUnixNano, group.millis)
  if (histogram === undefined) noValue(out, ExponentialHistogramDataPoint.flags)
  else {
    out.tag(ExponentialHistogramDataPoint.count, I64)
    out.bigFixed64(histogram.count)
    double(out, ExponentialHistogramDataPoint.sum, histogram.sum)
    out.tag(ExponentialHistogramDataPoint.scale, 0)
    out.bigVarint(zigzag(histogram.scale))
    out.tag(ExponentialHistogramDataPoint.zeroCount, I64)
    out.bigFixed64(histogram.zeroCount)
    side(out, ExponentialHistogramDataPoint.positive, histogram.positive)
    side(out, ExponentialHistogramDataPoint.negative, histogram.negative)
    exemplars(out, ExponentialHistogramDataPoint.exemplars, group)
    double(out, ExponentialHistogramDataPoint.zeroThreshold, histogram.zeroThreshold)
  }
  out.close(point)
  return true
}

function side(out: Writer, field: number, { offset, counts }: ExponentialBuckets): void {
  if (counts.length === 0) return
  const message = out.open(field)
  out.tag(ExponentialHistogramDataPointBuckets.offset, 0)
  out.bigVarint(zigzag(offset))
  const packed = out.open(ExponentialHistogramDataPointBuckets.bucketCounts)
  for (const count of counts) out.bigVarint(count)
  out.close(packed)
  out.close(message)
}

function summary(out: Writer, family: Family, group: Group): boolean {
  const { parts } = group
  if (parts?.count === undefined) return false
  const point = out.open(Summary.dataPoints)
  started(out, SummaryDataPoint.startTimeUnixNano, group)
  time(out, SummaryDataPoint.timeUnixNano, group.millis)
  if (!group.stale) {
    out.tag(SummaryDataPoint.count, I64)
    whole(out, parts.count)
    if (parts.sum !== undefined) double(out, SummaryDataPoint.sum, parts.sum)
  }
  const bounds = boundsOf(group)
  for (const i of sorted(bounds)) {
    const quantile = out.open(SummaryDataPoint.quantileValues)
    double(out, SummaryDataPointValueAtQuantile.quantile, bounds[i]!)
    if (!group.stale) double(out, SummaryDataPointValueAtQuantile.value, parts.values[i]!)
    out.close(quantile)
  }
  group.series.writeAttributes(out, family.bound, SummaryDataPoint.attributes)
  if (group.stale) noValue(out, SummaryDataPoint.flags)
  out.close(point)
  return true
}

/** Those that have values; where the point is stale, those whose series have vanished with it too. */
function boundsOf({ parts, stale }: Group): readonly number[] {
  if (parts === undefined) return []
  return stale ? [...parts.bounds, ...parts.staleBounds] : parts.bounds
}

/** The places of the values in ascending order; nearly always they are in order already. */
function sorted(values: readonly number[]): readonly number[] {
  const order = Array.from(values, (_, i) => i)
  return values.every((value, i) => i === 0 || values[i - 1]! <= value)
    ? order
    : order.sort((a, b) => values[a]! - values[b]!)
}

function exemplars(out: Writer, field: number, group: Group): void {
  for (const { list, millis } of group.exemplars ?? [])
    for (const one of list) exemplar(out, field, one, one.millis ?? millis)
}

function exemplar(out: Writer, field: number, { labels, value }: ScrapedExemplar, millis: number): void {
  const message = out.open(field)
  time(out, Exemplar.timeUnixNano, millis)
  double(out, Exemplar.asDouble, value)
  const rest: Label[] = []
  // Repeated ids: the last one counts.
  let span: Buffer | undefined
  let trace: Buffer | undefined
  for (const label of labels) {
    const name = label[0].toLowerCase()
    const id = name === 'trace_id' ? idOf(label[1], 16) : name === 'span_id' ? idOf(label[1], 8) : undefined
    if (id === undefined) rest.push(label)
    else if (id.length === 16) trace = id
    else span = id
  }
  if (span !== undefined) out.lengthDelimited(Exemplar.spanId, span)
  if (trace !== undefined) out.lengthDelimited(Exemplar.traceId, trace)
  writeLabels(out, Exemplar.filteredAttributes, rest)
  out.close(message)
}

/** Hex digits as an id of `size` bytes: what is longer is cut, what is shorter has zeros in front. */
function idOf(text: string, size: number): Buffer | undefined {
  const digits = text.slice(0, size * 2)
  if (!/^(?:[0-9a-fA-F]{2})*$/.test(digits)) return undefined
  return Buffer.from(digits.padStart(size * 2, '0'), 'hex')
}

function started(out: Writer, field: number, { created }: Group): void {
  if (!(created > 0 && created < LATEST)) return
  const seconds = Math.trunc(created)
  out.tag(field, I64)
  out.bigFixed64(BigInt(seconds) * 1_000_000_000n + BigInt(Math.trunc((created - seconds) * 1e9)))
}

/** In seconds: beyond it nanoseconds do not fit. */
const LATEST = 9_223_372_036

/** In milliseconds: nanoseconds beyond it do not fit into 64 bits. */
const MILLIS_MAX = 9_223_372_036_854

/** Whole milliseconds; what no time can be is 0, "unknown". */
function time(out: Writer, field: number, millis: number): void {
  out.tag(field, I64)
  out.bigFixed64(millis > 0 && millis <= MILLIS_MAX ? BigInt(millis) * 1_000_000n : 0n)
}

function noValue(out: Writer, field: number): void {
  out.tag(field, 0)
  out.varint(NO_RECORDED_VALUE)
}

function double(out: Writer, field: number, value: number): void {
  out.tag(field, I64)
  out.double(value)
}

/** A count as fixed64, its fraction cut off. What no count can be is 0. */
function whole(out: Writer, value: number): void {
  if (!(value > 0)) {
    out.fixed32(0)
    out.fixed32(0)
  } else if (value >= 2 ** 64) {
    out.fixed32(0xffff_ffff)
    out.fixed32(0xffff_ffff)
  } else {
    const count = Math.trunc(value)
    out.fixed32(count % TWO_32)
    out.fixed32(Math.floor(count / TWO_32))
  }
}

function zigzag(value: number): bigint {
  const wide = BigInt(value)
  return BigInt.asUintN(64, (wide << 1n) ^ (wide >> 63n))
}
