/** `verbosity: normal`: one line an item, as the Collector's debug exporter 0.155 writes it. */

import type { Batch } from '../../core/component/batch.ts'
import { valueText } from '../../core/formats/any-value.ts'
import type { ExponentialHistogramPointView, HistogramPointView } from '../../core/otlp/data-point.ts'
import { LogRecord } from '../../core/otlp/fields.ts'
import { LogRecordView } from '../../core/otlp/log-record.ts'
import { MetricView } from '../../core/otlp/metric.ts'
import type { ScopeView } from '../../core/otlp/resource.ts'
import { SpanView } from '../../core/otlp/span.ts'
import type { KeyValues } from '../../core/otlp/value.ts'
import { itemsOf, type ResourceEntry, resourcesOf, type ScopeEntry, scopesOf } from './entries.ts'
import { fixedText, idText, pairs, shortText } from './go-text.ts'
import { normalProfiles } from './profiles.ts'

const HEADS = { traces: 'Traces', metrics: 'Metrics', logs: 'Log', profiles: 'Profiles' } as const

export function normalText(batch: Batch): string {
  if (batch.signal === 'profiles') return normalProfiles(batch)
  let text = ''
  for (const entry of resourcesOf(batch)) {
    text += resourceLine(HEADS[batch.signal], entry)
    for (const scope of scopesOf(entry.entry)) {
      text += scopeLine(HEADS[batch.signal], scope)
      if (batch.signal === 'traces') text += spanLines(scope)
      else if (batch.signal === 'logs') text += logLines(scope)
      else text += metricLines(scope)
    }
  }
  return text
}

function resourceLine(head: string, { index, resource, schemaUrl }: ResourceEntry): string {
  const schema = schemaUrl === '' ? '' : ` [${schemaUrl}]`
  return `Resource${head} #${index}${schema}${after(resource.attributes())}\n`
}

function scopeLine(head: string, { index, scope, schemaUrl }: ScopeEntry): string {
  const schema = schemaUrl === '' ? '' : `[${schemaUrl}]`
  const words = [scopeName(scope), schema].filter(word => word !== '').join(' ')
  return `Scope${head} #${index}${words === '' ? '' : ` ${words}`}${after(scope.attributes())}\n`
}

function scopeName({ name, version }: ScopeView): string {
  return version === '' ? name : `${name}@${version}`
}

function after(attributes: KeyValues): string {
  const found = pairs(attributes)
  return found.length === 0 ? '' : ` ${found.join(' ')}`
}

function spanLines({ entry }: ScopeEntry): string {
  let text = ''
  const spans = itemsOf(entry, new SpanView())
  while (spans.next()) {
    const span = spans.item
    text += `${span.name} ${idText(span.traceId)} ${idText(span.spanId)}${after(span.attributes())}\n`
  }
  return text
}

function logLines({ entry }: ScopeEntry): string {
  let text = ''
  const logs = itemsOf(entry, new LogRecordView())
  while (logs.next()) {
    const log = logs.item
    const body = log.has(LogRecord.body)
      ? valueText(log.bytes, log.startOf(LogRecord.body), log.stopOf(LogRecord.body))
      : ''
    text += `${body} ${pairs(log.attributes()).join(' ')}\n`
  }
  return text
}

function metricLines({ entry }: ScopeEntry): string {
  let text = ''
  const metrics = itemsOf(entry, new MetricView())
  while (metrics.next()) {
    const { name } = metrics.item
    for (const [attributes, value] of pointsOf(metrics.item)) text += `${name}{${attributes}} ${value}\n`
  }
  return text
}

function* pointsOf(metric: MetricView): Generator<readonly [attributes: string, value: string]> {
  const numbers = metric.numberPoints()
  while (numbers.next()) {
    const { value } = numbers.item
    const text = typeof value === 'number' ? shortText(value) : String(value ?? '')
    yield [pairs(numbers.item.attributes()).join(','), text]
  }
  const histograms = metric.histogramPoints()
  while (histograms.next())
    yield [pairs(histograms.item.attributes()).join(','), histogramText(histograms.item)]
  const exponentials = metric.exponentialHistogramPoints()
  while (exponentials.next())
    yield [pairs(exponentials.item.attributes()).join(','), exponentialText(exponentials.item)]
  const summaries = metric.summaryPoints()
  while (summaries.next()) {
    let text = `count=${summaries.item.count} sum=${fixedText(summaries.item.sum)}`
    const quantiles = summaries.item.quantiles()
    while (quantiles.next())
      text += ` q${shortText(quantiles.item.quantile)}=${shortText(quantiles.item.value)}`
    yield [pairs(summaries.item.attributes()).join(','), text]
  }
}

function totals(point: HistogramPointView | ExponentialHistogramPointView): string {
  let text = `count=${point.count}`
  if (point.sum !== undefined) text += ` sum=${shortText(point.sum)}`
  if (point.min !== undefined) text += ` min=${shortText(point.min)}`
  if (point.max !== undefined) text += ` max=${shortText(point.max)}`
  return text
}

function histogramText(point: HistogramPointView): string {
  const bounds = point.explicitBounds
  const buckets = point.bucketCounts.map((count, i) =>
    i < bounds.length ? ` le${shortText(bounds[i]!)}=${count}` : ` ${count}`,
  )
  return totals(point) + buckets.join('')
}

function exponentialText(point: ExponentialHistogramPointView): string {
  const factor = Math.LN2 * 2 ** -point.scale
  let text = totals(point)
  const { offset: negativeOffset, bucketCounts: negative } = point.negative
  for (let i = negative.length - 1; i >= 0; i--)
    text += ` le${shortText(-Math.exp((negativeOffset + i) * factor))}=${negative[i]}`
  if (point.zeroCount !== 0n) text += ` zero=${point.zeroCount}`
  const { offset, bucketCounts } = point.positive
  for (const [i, count] of bucketCounts.entries())
    text += ` le${shortText(Math.exp((offset + i + 1) * factor))}=${count}`
  return text
}
