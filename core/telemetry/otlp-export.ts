/**
 * Our own metrics, logs and spans as OTLP requests, encoded by `@opentelemetry/otlp-transformer`, whose only user this
 * is. Loaded only when a config exports them: the package brings half of the SDK along.
 */

import {
  JsonLogsSerializer,
  JsonMetricsSerializer,
  JsonTraceSerializer,
  ProtobufLogsSerializer,
  ProtobufMetricsSerializer,
  ProtobufTraceSerializer,
} from '@opentelemetry/otlp-transformer'
import { type Resource, resourceFromAttributes } from '@opentelemetry/resources'
import { AggregationTemporality, DataPointType } from '@opentelemetry/sdk-metrics'
import type { Point } from './cells.ts'
import type { Labels } from './instruments.ts'
import type { LogRecord } from './log.ts'
import type { MetricSnapshot } from './metrics.ts'
import type { SpanRecord } from './tracer.ts'

type ResourceMetrics = Parameters<typeof ProtobufMetricsSerializer.serializeRequest>[0]
type MetricData = ResourceMetrics['scopeMetrics'][number]['metrics'][number]
type ReadableSpan = Parameters<typeof ProtobufTraceSerializer.serializeRequest>[0][number]
type ReadableLog = Parameters<typeof ProtobufLogsSerializer.serializeRequest>[0][number]
type Time = [seconds: number, nanos: number]

const SCOPE = { name: 'sluice' }
const SEVERITY = { debug: 5, info: 9, warn: 13, error: 17 } as const
/** Of the OTLP enums as the SDK counts them: kind server, values int and double, status error. */
const SERVER = 1
const INT = 0
const DOUBLE = 1
const ERROR = 2

/** `json` gives OTLP/JSON, else protobuf. */
export class OtlpEncoder {
  readonly #resource: Resource
  readonly #json: boolean

  constructor(resource: Labels, json: boolean) {
    this.#resource = resourceFromAttributes(resource)
    this.#json = json
  }

  /** Counters as running totals since `startedAt`; times in ms since the epoch. */
  metrics(snapshot: readonly MetricSnapshot[], startedAt: number, now: number): Uint8Array {
    const metrics = snapshot.map(one => metricData(one, timeOf(startedAt), timeOf(now)))
    const serializer = this.#json ? JsonMetricsSerializer : ProtobufMetricsSerializer
    return serializer.serializeRequest({
      resource: this.#resource,
      scopeMetrics: [{ scope: SCOPE, metrics }],
    })!
  }

  spans(spans: readonly SpanRecord[]): Uint8Array {
    const serializer = this.#json ? JsonTraceSerializer : ProtobufTraceSerializer
    return serializer.serializeRequest(spans.map(span => readableSpan(span, this.#resource)))!
  }

  logs(records: readonly LogRecord[]): Uint8Array {
    const serializer = this.#json ? JsonLogsSerializer : ProtobufLogsSerializer
    return serializer.serializeRequest(records.map(record => readableLog(record, this.#resource)))!
  }
}

function timeOf(ms: number): Time {
  const seconds = Math.floor(ms / 1000)
  return [seconds, Math.round((ms - seconds * 1000) * 1e6)]
}

function metricData({ declaration, points }: MetricSnapshot, startTime: Time, endTime: Time): MetricData {
  const { name, help, unit, kind } = declaration
  const base = {
    descriptor: { name, description: help, unit, valueType: isWhole(unit) ? INT : DOUBLE },
    aggregationTemporality: AggregationTemporality.CUMULATIVE,
  }
  const each = <T>(value: (point: Point) => T) =>
    points.map(point => ({ startTime, endTime, attributes: point.labels, value: value(point) }))
  if (kind === 'histogram') {
    return { ...base, dataPointType: DataPointType.HISTOGRAM, dataPoints: each(histogramValue) }
  }
  const dataPoints = each(point => ('value' in point ? point.value : Number.NaN))
  if (kind === 'gauge') return { ...base, dataPointType: DataPointType.GAUGE, dataPoints }
  return { ...base, dataPointType: DataPointType.SUM, isMonotonic: true, dataPoints }
}

/** Bytes and counted things (`{spans}`) are integers, as the Collector's are; seconds and ratios are not. */
function isWhole(unit: string): boolean {
  return unit === 'By' || unit.startsWith('{')
}

function histogramValue(point: Point) {
  if ('value' in point) throw new Error('a histogram has no single value')
  const { bounds, counts, sum, count } = point
  return { buckets: { boundaries: [...bounds], counts: [...counts] }, sum, count }
}

function readableSpan(span: SpanRecord, resource: Resource): ReadableSpan {
  const { traceId, spanId, parentSpanId, error } = span
  const startTime = timeOf(span.start)
  const endTime = timeOf(span.end)
  return {
    name: span.name,
    kind: SERVER,
    spanContext: () => ({ traceId, spanId, traceFlags: 1 }),
    ...(parentSpanId === ''
      ? {}
      : { parentSpanContext: { traceId, spanId: parentSpanId, traceFlags: 1, isRemote: true } }),
    startTime,
    endTime,
    duration: timeOf(span.end - span.start),
    ended: true,
    status: error === undefined ? { code: 0 } : { code: ERROR, message: error },
    attributes: span.attributes,
    links: [],
    events: [],
    resource,
    instrumentationScope: SCOPE,
    droppedAttributesCount: 0,
    droppedEventsCount: 0,
    droppedLinksCount: 0,
  }
}

function readableLog({ level, message, fields, time }: LogRecord, resource: Resource): ReadableLog {
  return {
    hrTime: timeOf(time),
    hrTimeObserved: timeOf(time),
    severityNumber: SEVERITY[level],
    severityText: level,
    body: message,
    resource,
    instrumentationScope: SCOPE,
    attributes: plainAttributes(fields),
    droppedAttributesCount: 0,
  }
}

/** What an attribute can hold stays; everything else is written as JSON, where a Secret says [REDACTED]. */
function plainAttributes(fields: LogRecord['fields']): Record<string, string | number | boolean> {
  const attributes: Record<string, string | number | boolean> = {}
  for (const [key, value] of Object.entries(fields)) {
    if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean')
      attributes[key] = value
    else if (typeof value === 'bigint') attributes[key] = String(value)
    else if (value !== undefined) attributes[key] = JSON.stringify(value) ?? ''
  }
  return attributes
}
