/** Reads a request through the views into the same plain items as the oracle gives (items.ts). */

import { Cursor, readString } from '../../core/otlp/cursor.ts'
import {
  type BucketsView,
  type ExemplarView,
  ExponentialHistogramPointView,
  HistogramPointView,
  NumberPointView,
  type QuantileView,
  SummaryPointView,
} from '../../core/otlp/data-point.ts'
import * as fields from '../../core/otlp/fields.ts'
import { LogRecordView } from '../../core/otlp/log-record.ts'
import type { Messages, MessageView } from '../../core/otlp/message.ts'
import { MetricView } from '../../core/otlp/metric.ts'
import { type EntityRefView, ResourceView, ScopeView } from '../../core/otlp/resource.ts'
import { type SpanEventView, type SpanLinkView, SpanView } from '../../core/otlp/span.ts'
import type { KeyValues, ValueView } from '../../core/otlp/value.ts'
import { findSchemaUrl, ItemWalker } from '../../core/otlp/walk.ts'
import type { PipelineSignal, PlainItem } from './items.ts'

type Plain = Record<string, unknown>

/** Fields whose default value says something else than their absence. */
const WITH_PRESENCE = ['sum', 'min', 'max', 'asInt', 'asDouble']
const DEFAULTS: readonly unknown[] = [0, '0', '', false]

/**
 * `values` without what the oracle leaves out: what is not on the wire, empty lists, and defaults, on the wire or not.
 * `numbers` says which field each is.
 */
function present(view: MessageView, numbers: Readonly<Record<string, number>>, values: Plain): Plain {
  const kept = Object.entries(values).filter(([name, value]) => {
    if (!view.has(numbers[name]!) || (Array.isArray(value) && value.length === 0)) return false
    if (WITH_PRESENCE.includes(name) && numbers !== fields.SummaryDataPoint) return true
    return Object.is(value, -0) || !DEFAULTS.includes(value)
  })
  return Object.fromEntries(kept)
}

const idOf = (hex: string): string => Buffer.from(hex, 'hex').toString('base64')

function listOf<View extends MessageView>(
  messages: Messages<View>,
  read: (view: View) => unknown,
): unknown[] {
  const list: unknown[] = []
  while (messages.next()) list.push(read(messages.item))
  return list
}

function plainOf(value: ValueView): Plain {
  switch (value.type) {
    case 'string':
      return { stringValue: value.text() }
    case 'bool':
      return { boolValue: value.bool() }
    case 'int':
      return { intValue: String(value.int()) }
    case 'double':
      return { doubleValue: value.double() }
    case 'bytes':
      return { bytesValue: Buffer.from(value.content()).toString('base64') }
    case 'array': {
      const values: unknown[] = []
      const elements = value.elements()
      while (elements.next()) values.push(plainOf(elements.item))
      return { arrayValue: values.length === 0 ? {} : { values } }
    }
    case 'kvlist': {
      const values = attributesOf(value.entries())
      return { kvlistValue: values.length === 0 ? {} : { values } }
    }
    default:
      return {}
  }
}

function attributesOf(entries: KeyValues): unknown[] {
  const list: unknown[] = []
  while (entries.next()) list.push({ key: entries.key(), value: plainOf(entries.value()) })
  return list
}

function resourceOf(view: ResourceView): Plain {
  return present(view, fields.Resource, {
    attributes: attributesOf(view.attributes()),
    droppedAttributesCount: view.droppedAttributesCount,
    entityRefs: listOf(view.entityRefs(), entityOf),
  })
}

function entityOf(view: EntityRefView): Plain {
  const { schemaUrl, type, idKeys, descriptionKeys } = view
  return present(view, fields.EntityRef, { schemaUrl, type, idKeys, descriptionKeys })
}

function scopeOf(view: ScopeView): Plain {
  return present(view, fields.InstrumentationScope, {
    name: view.name,
    version: view.version,
    attributes: attributesOf(view.attributes()),
    droppedAttributesCount: view.droppedAttributesCount,
  })
}

function spanOf(view: SpanView): Plain {
  return present(view, fields.Span, {
    traceId: idOf(view.traceId),
    spanId: idOf(view.spanId),
    traceState: view.traceState,
    parentSpanId: idOf(view.parentSpanId),
    flags: view.flags,
    name: view.name,
    kind: view.kind,
    startTimeUnixNano: String(view.startTime),
    endTimeUnixNano: String(view.endTime),
    attributes: attributesOf(view.attributes()),
    droppedAttributesCount: view.droppedAttributesCount,
    events: listOf(view.events(), eventOf),
    droppedEventsCount: view.droppedEventsCount,
    links: listOf(view.links(), linkOf),
    droppedLinksCount: view.droppedLinksCount,
    status: { message: view.statusMessage, code: view.statusCode },
  })
}

function eventOf(view: SpanEventView): Plain {
  return present(view, fields.SpanEvent, {
    timeUnixNano: String(view.time),
    name: view.name,
    attributes: attributesOf(view.attributes()),
    droppedAttributesCount: view.droppedAttributesCount,
  })
}

function linkOf(view: SpanLinkView): Plain {
  return present(view, fields.SpanLink, {
    traceId: idOf(view.traceId),
    spanId: idOf(view.spanId),
    traceState: view.traceState,
    attributes: attributesOf(view.attributes()),
    droppedAttributesCount: view.droppedAttributesCount,
    flags: view.flags,
  })
}

function logRecordOf(view: LogRecordView): Plain {
  return present(view, fields.LogRecord, {
    timeUnixNano: String(view.time),
    observedTimeUnixNano: String(view.observedTime),
    severityNumber: view.severityNumber,
    severityText: view.severityText,
    body: plainOf(view.body()),
    attributes: attributesOf(view.attributes()),
    droppedAttributesCount: view.droppedAttributesCount,
    flags: view.flags,
    traceId: idOf(view.traceId),
    spanId: idOf(view.spanId),
    eventName: view.eventName,
  })
}

function numberOf(value: number | bigint | undefined): Plain {
  if (value === undefined) return {}
  return typeof value === 'bigint' ? { asInt: String(value) } : { asDouble: value }
}

function exemplarOf(view: ExemplarView): Plain {
  return present(view, fields.Exemplar, {
    filteredAttributes: attributesOf(view.filteredAttributes()),
    timeUnixNano: String(view.time),
    ...numberOf(view.value),
    traceId: idOf(view.traceId),
    spanId: idOf(view.spanId),
  })
}

function numberPointOf(view: NumberPointView): Plain {
  return present(view, fields.NumberDataPoint, {
    attributes: attributesOf(view.attributes()),
    startTimeUnixNano: String(view.startTime),
    timeUnixNano: String(view.time),
    ...numberOf(view.value),
    exemplars: listOf(view.exemplars(), exemplarOf),
    flags: view.flags,
  })
}

function histogramPointOf(view: HistogramPointView): Plain {
  const { sum, min, max, flags } = view
  return present(view, fields.HistogramDataPoint, {
    attributes: attributesOf(view.attributes()),
    startTimeUnixNano: String(view.startTime),
    timeUnixNano: String(view.time),
    count: String(view.count),
    bucketCounts: view.bucketCounts.map(String),
    explicitBounds: view.explicitBounds,
    exemplars: listOf(view.exemplars(), exemplarOf),
    ...{ sum, min, max, flags },
  })
}

function bucketsOf(view: BucketsView): Plain {
  return present(view, fields.ExponentialHistogramDataPointBuckets, {
    offset: view.offset,
    bucketCounts: view.bucketCounts.map(String),
  })
}

function exponentialPointOf(view: ExponentialHistogramPointView): Plain {
  const { sum, min, max, flags, scale, zeroThreshold } = view
  return present(view, fields.ExponentialHistogramDataPoint, {
    attributes: attributesOf(view.attributes()),
    startTimeUnixNano: String(view.startTime),
    timeUnixNano: String(view.time),
    count: String(view.count),
    zeroCount: String(view.zeroCount),
    positive: bucketsOf(view.positive),
    negative: bucketsOf(view.negative),
    exemplars: listOf(view.exemplars(), exemplarOf),
    ...{ sum, min, max, flags, scale, zeroThreshold },
  })
}

function summaryPointOf(view: SummaryPointView): Plain {
  return present(view, fields.SummaryDataPoint, {
    attributes: attributesOf(view.attributes()),
    startTimeUnixNano: String(view.startTime),
    timeUnixNano: String(view.time),
    count: String(view.count),
    sum: view.sum,
    quantileValues: listOf(view.quantiles(), quantileOf),
    flags: view.flags,
  })
}

function quantileOf(view: QuantileView): Plain {
  const { quantile, value } = view
  return present(view, fields.SummaryDataPointValueAtQuantile, { quantile, value })
}

const resource = new ResourceView()
const scope = new ScopeView()
const metric = new MetricView()
const cursor = new Cursor(new Uint8Array())

const ITEM_VIEWS: Readonly<Record<string, (bytes: Uint8Array, start: number, stop: number) => Plain>> = {
  traces: (bytes, start, stop) => spanOf(span.reset(bytes, start, stop)),
  logs: (bytes, start, stop) => logRecordOf(logRecord.reset(bytes, start, stop)),
  gauge: (bytes, start, stop) => numberPointOf(numberPoint.reset(bytes, start, stop)),
  sum: (bytes, start, stop) => numberPointOf(numberPoint.reset(bytes, start, stop)),
  histogram: (bytes, start, stop) => histogramPointOf(histogramPoint.reset(bytes, start, stop)),
  exponential_histogram: (bytes, start, stop) =>
    exponentialPointOf(exponentialPoint.reset(bytes, start, stop)),
  summary: (bytes, start, stop) => summaryPointOf(summaryPoint.reset(bytes, start, stop)),
}
const span = new SpanView()
const logRecord = new LogRecordView()
const numberPoint = new NumberPointView()
const histogramPoint = new HistogramPointView()
const exponentialPoint = new ExponentialHistogramPointView()
const summaryPoint = new SummaryPointView()

/** What `itemsOf` gives, read by our own code only. */
export function readBack(signal: PipelineSignal, bytes: Uint8Array): PlainItem[] {
  const found: PlainItem[] = []
  const walker = new ItemWalker(bytes, signal)
  while (walker.next()) {
    const { resourceStart, resourceStop, scopeStart, scopeStop, metricStart, metricStop } = walker
    const isMetric = signal === 'metrics'
    if (isMetric) metric.reset(bytes, metricStart, metricStop)
    found.push({
      resource: resourceOf(resource.reset(bytes, resourceStart, resourceStop)),
      resourceSchemaUrl: schemaUrlOf(bytes, walker.resourceEntryStart, walker.resourceEntryStop),
      scope: scopeOf(scope.reset(bytes, scopeStart, scopeStop)),
      scopeSchemaUrl: schemaUrlOf(bytes, walker.scopeEntryStart, walker.scopeEntryStop),
      metric: isMetric ? metricOf(metric) : undefined,
      item: ITEM_VIEWS[isMetric ? metric.type : signal]!(bytes, walker.start, walker.stop),
    })
  }
  return found
}

function schemaUrlOf(bytes: Uint8Array, start: number, stop: number): string {
  return findSchemaUrl(bytes, start, stop, cursor) ? readString(bytes, cursor.start, cursor.stop) : ''
}

function metricOf(view: MetricView): Plain {
  return {
    name: view.name,
    description: view.description,
    unit: view.unit,
    metadata: attributesOf(view.metadata()),
    type: view.type,
    temporality: view.temporality,
    isMonotonic: view.isMonotonic,
    points: countPoints(view),
  }
}

/** Through the view's own lists, of which all but one are empty. */
function countPoints(view: MetricView): number {
  const lists = [
    view.numberPoints(),
    view.histogramPoints(),
    view.exponentialHistogramPoints(),
    view.summaryPoints(),
  ]
  return lists.reduce((sum, list) => sum + listOf(list as Messages<MessageView>, () => 0).length, 0)
}
