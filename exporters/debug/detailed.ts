/** `verbosity: detailed`: every field, in the layout of the Collector's debug exporter 0.155 (internal/otlptext). */

import type { Batch } from '../../core/component/batch.ts'
import { LogRecord } from '../../core/otlp/fields.ts'
import { LogRecordView } from '../../core/otlp/log-record.ts'
import type { Messages } from '../../core/otlp/message.ts'
import { MetricView } from '../../core/otlp/metric.ts'
import { type SpanEventView, type SpanLinkView, SpanView } from '../../core/otlp/span.ts'
import { itemsOf, resourcesOf, type ScopeEntry, scopesOf } from './entries.ts'
import { idText, timeText, typedText } from './go-text.ts'
import { Lines } from './lines.ts'
import { metricLines } from './metric-lines.ts'
import { detailedProfiles } from './profiles.ts'

const HEADS = {
  traces: ['ResourceSpans', 'ScopeSpans'],
  metrics: ['ResourceMetrics', 'ScopeMetrics'],
  logs: ['ResourceLog', 'ScopeLogs'],
} as const

export function detailedText(batch: Batch): string {
  if (batch.signal === 'profiles') return detailedProfiles(batch)
  const lines = new Lines()
  const [resourceHead, scopeHead] = HEADS[batch.signal]
  for (const { index, resource, schemaUrl, entry } of resourcesOf(batch)) {
    lines.add(`${resourceHead} #${index}`)
    lines.resource(resource, schemaUrl)
    for (const scope of scopesOf(entry)) {
      lines.add(`${scopeHead} #${scope.index}`)
      lines.add(`${scopeHead} SchemaURL: ${scope.schemaUrl}`)
      lines.scope(scope.scope)
      if (batch.signal === 'traces') spans(lines, scope)
      else if (batch.signal === 'logs') logs(lines, scope)
      else metrics(lines, scope)
    }
  }
  return lines.text
}

const KINDS = ['Unspecified', 'Internal', 'Server', 'Client', 'Producer', 'Consumer']
const STATUS_CODES = ['Unset', 'Ok', 'Error']

function spans(lines: Lines, { entry }: ScopeEntry): void {
  const found = itemsOf(entry, new SpanView())
  for (let i = 0; found.next(); i++) {
    const span = found.item
    lines.add(`Span #${i}`)
    lines.field('Trace ID', idText(span.traceId))
    lines.field('Parent ID', idText(span.parentSpanId))
    lines.field('ID', idText(span.spanId))
    lines.field('Name', span.name)
    lines.field('Kind', KINDS[span.kind] ?? '')
    if (span.traceState !== '') lines.field('TraceState', span.traceState)
    lines.field('Start time', timeText(span.startTime))
    lines.field('End time', timeText(span.endTime))
    lines.field('Status code', STATUS_CODES[span.statusCode] ?? '')
    lines.field('Status message', span.statusMessage)
    lines.field('DroppedAttributesCount', span.droppedAttributesCount)
    lines.field('DroppedEventsCount', span.droppedEventsCount)
    lines.field('DroppedLinksCount', span.droppedLinksCount)
    lines.attributes('Attributes', span.attributes())
    events(lines, span.events())
    links(lines, span.links())
  }
}

function events(lines: Lines, found: Messages<SpanEventView>): void {
  for (let i = 0; found.next(); i++) {
    const event = found.item
    if (i === 0) lines.add('Events:')
    lines.add(`SpanEvent #${i}`)
    lines.add(`     -> Name: ${event.name}`)
    lines.add(`     -> Timestamp: ${timeText(event.time)}`)
    lines.add(`     -> DroppedAttributesCount: ${event.droppedAttributesCount}`)
    lines.attributes('     -> Attributes:', event.attributes())
  }
}

function links(lines: Lines, found: Messages<SpanLinkView>): void {
  for (let i = 0; found.next(); i++) {
    const link = found.item
    if (i === 0) lines.add('Links:')
    lines.add(`SpanLink #${i}`)
    lines.add(`     -> Trace ID: ${idText(link.traceId)}`)
    lines.add(`     -> ID: ${idText(link.spanId)}`)
    lines.add(`     -> TraceState: ${link.traceState}`)
    lines.add(`     -> DroppedAttributesCount: ${link.droppedAttributesCount}`)
    lines.attributes('     -> Attributes:', link.attributes())
  }
}

const SEVERITIES = ['Trace', 'Debug', 'Info', 'Warn', 'Error', 'Fatal']

/** 1 is Trace, 2 Trace2, 5 Debug, ... */
function severityText(number: number): string {
  if (number === 0) return 'Unspecified'
  const name = SEVERITIES[Math.floor((number - 1) / 4)]
  if (name === undefined) return ''
  const step = (number - 1) % 4
  return step === 0 ? name : `${name}${step + 1}`
}

function logs(lines: Lines, { entry }: ScopeEntry): void {
  const found = itemsOf(entry, new LogRecordView())
  for (let i = 0; found.next(); i++) {
    const log = found.item
    lines.add(`LogRecord #${i}`)
    lines.add(`ObservedTimestamp: ${timeText(log.observedTime)}`)
    lines.add(`Timestamp: ${timeText(log.time)}`)
    lines.add(`SeverityText: ${log.severityText}`)
    lines.add(`SeverityNumber: ${severityText(log.severityNumber)}(${log.severityNumber})`)
    if (log.eventName !== '') lines.add(`EventName: ${log.eventName}`)
    lines.add(`Body: ${bodyText(log)}`)
    lines.attributes('Attributes', log.attributes())
    lines.add(`Trace ID: ${idText(log.traceId)}`)
    lines.add(`Span ID: ${idText(log.spanId)}`)
    lines.add(`Flags: ${log.flags}`)
  }
}

function bodyText(log: LogRecordView): string {
  if (!log.has(LogRecord.body)) return 'Empty()'
  return typedText(log.body(), log.startOf(LogRecord.body), log.stopOf(LogRecord.body))
}

function metrics(lines: Lines, { entry }: ScopeEntry): void {
  const found = itemsOf(entry, new MetricView())
  for (let i = 0; found.next(); i++) {
    lines.add(`Metric #${i}`)
    metricLines(lines, found.item)
  }
}
