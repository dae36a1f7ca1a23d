/** Metrics and their data points in `verbosity: detailed`. */

import type {
  ExemplarView,
  ExponentialHistogramPointView,
  HistogramPointView,
  NumberPointView,
  SummaryPointView,
} from '../../core/otlp/data-point.ts'
import type { Messages } from '../../core/otlp/message.ts'
import type { MetricType, MetricView } from '../../core/otlp/metric.ts'
import { fixedText, idText, timeText } from './go-text.ts'
import type { Lines } from './lines.ts'

const TYPES: Readonly<Record<MetricType, string>> = {
  empty: 'Empty',
  gauge: 'Gauge',
  sum: 'Sum',
  histogram: 'Histogram',
  exponential_histogram: 'ExponentialHistogram',
  summary: 'Summary',
}
const TEMPORALITIES = ['Unspecified', 'Delta', 'Cumulative']

export function metricLines(lines: Lines, metric: MetricView): void {
  const { type } = metric
  lines.add('Descriptor:')
  lines.add(`     -> Name: ${metric.name}`)
  lines.add(`     -> Description: ${metric.description}`)
  lines.add(`     -> Unit: ${metric.unit}`)
  lines.add(`     -> DataType: ${TYPES[type]}`)
  lines.attributes('     -> Metadata', metric.metadata())
  if (type === 'sum') lines.add(`     -> IsMonotonic: ${metric.isMonotonic}`)
  if (type !== 'empty' && type !== 'gauge' && type !== 'summary')
    lines.add(`     -> AggregationTemporality: ${TEMPORALITIES[metric.temporality] ?? ''}`)
  points(lines, 'Number', metric.numberPoints(), number)
  points(lines, 'Histogram', metric.histogramPoints(), histogram)
  points(lines, 'ExponentialHistogram', metric.exponentialHistogramPoints(), exponentialHistogram)
  points(lines, 'Summary', metric.summaryPoints(), summary)
}

type Point = NumberPointView | HistogramPointView | ExponentialHistogramPointView | SummaryPointView

function points<View extends Point>(
  lines: Lines,
  name: string,
  found: Messages<View>,
  rest: (lines: Lines, point: View) => void,
): void {
  for (let i = 0; found.next(); i++) {
    const point = found.item
    lines.add(`${name}DataPoints #${i}`)
    lines.attributes('Data point attributes', point.attributes())
    lines.add(`StartTimestamp: ${timeText(point.startTime)}`)
    lines.add(`Timestamp: ${timeText(point.time)}`)
    rest(lines, point)
  }
}

function numberText(value: number | bigint): string {
  return typeof value === 'bigint' ? String(value) : fixedText(value)
}

function number(lines: Lines, point: NumberPointView): void {
  if (point.value !== undefined) lines.add(`Value: ${numberText(point.value)}`)
  exemplars(lines, point.exemplars())
}

function totals(lines: Lines, point: HistogramPointView | ExponentialHistogramPointView): void {
  lines.add(`Count: ${point.count}`)
  if (point.sum !== undefined) lines.add(`Sum: ${fixedText(point.sum)}`)
  if (point.min !== undefined) lines.add(`Min: ${fixedText(point.min)}`)
  if (point.max !== undefined) lines.add(`Max: ${fixedText(point.max)}`)
}

function histogram(lines: Lines, point: HistogramPointView): void {
  totals(lines, point)
  for (const [i, bound] of point.explicitBounds.entries())
    lines.add(`ExplicitBounds #${i}: ${fixedText(bound)}`)
  for (const [i, count] of point.bucketCounts.entries()) lines.add(`Buckets #${i}, Count: ${count}`)
  exemplars(lines, point.exemplars())
}

function exponentialHistogram(lines: Lines, point: ExponentialHistogramPointView): void {
  totals(lines, point)
  const factor = Math.LN2 * 2 ** -point.scale
  const bound = (index: number): number => Math.exp(index * factor)
  const { offset: from, bucketCounts: negative } = point.negative
  for (let i = negative.length - 1; i >= 0; i--) {
    const [upper, lower] = [-bound(from + i + 1), -bound(from + i)]
    lines.add(`Bucket [${fixedText(upper)}, ${fixedText(lower)}), Count: ${negative[i]}`)
  }
  if (point.zeroCount !== 0n) lines.add(`Bucket [0, 0], Count: ${point.zeroCount}`)
  const { offset, bucketCounts } = point.positive
  for (const [i, count] of bucketCounts.entries()) {
    const [lower, upper] = [bound(offset + i), bound(offset + i + 1)]
    lines.add(`Bucket (${fixedText(lower)}, ${fixedText(upper)}], Count: ${count}`)
  }
  exemplars(lines, point.exemplars())
}

function summary(lines: Lines, point: SummaryPointView): void {
  lines.add(`Count: ${point.count}`)
  lines.add(`Sum: ${fixedText(point.sum)}`)
  const quantiles = point.quantiles()
  for (let i = 0; quantiles.next(); i++) {
    const { quantile, value } = quantiles.item
    lines.add(`QuantileValue #${i}: Quantile ${fixedText(quantile)}, Value ${fixedText(value)}`)
  }
}

function exemplars(lines: Lines, found: Messages<ExemplarView>): void {
  for (let i = 0; found.next(); i++) {
    const exemplar = found.item
    if (i === 0) lines.add('Exemplars:')
    lines.add(`Exemplar #${i}`)
    lines.add(`     -> Trace ID: ${idText(exemplar.traceId)}`)
    lines.add(`     -> Span ID: ${idText(exemplar.spanId)}`)
    lines.add(`     -> Timestamp: ${timeText(exemplar.time)}`)
    if (exemplar.value !== undefined) lines.add(`     -> Value: ${numberText(exemplar.value)}`)
    lines.attributes('     -> FilteredAttributes', exemplar.filteredAttributes())
  }
}
