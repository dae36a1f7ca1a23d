/**
 * Walks requests and shows each item to the counters: spans and their events, metrics and their data points, log records,
 * profiles. All four requests nest alike (core/otlp/signals.ts).
 */

import { Cursor, LEN } from '../../core/otlp/cursor.ts'
import {
  ExponentialHistogramPointView,
  HistogramPointView,
  NumberPointView,
  SummaryPointView,
} from '../../core/otlp/data-point.ts'
import {
  ExponentialHistogramDataPoint,
  HistogramDataPoint,
  InstrumentationScope,
  LogRecord,
  Metric,
  NumberDataPoint,
  Resource,
  Span,
  SpanEvent,
  SummaryDataPoint,
} from '../../core/otlp/fields.ts'
import { LogRecordView } from '../../core/otlp/log-record.ts'
import { MessageView } from '../../core/otlp/message.ts'
import { MetricView } from '../../core/otlp/metric.ts'
import type { MetricsWriter } from '../../core/otlp/metrics-writer.ts'
import { ProfileStrings } from '../../core/otlp/profile-strings.ts'
import { ResourceView, ScopeView } from '../../core/otlp/resource.ts'
import type { Signal } from '../../core/otlp/signals.ts'
import { SpanEventView, SpanView } from '../../core/otlp/span.ts'
import { Writer } from '../../core/otlp/writer.ts'
import type { PointView, Subject } from '../../core/ottl/subject.ts'
import type { CountConfig } from './config.ts'
import { type AttributeSource, Counter } from './counter.ts'

const EMPTY = new Uint8Array()
/** The Collector's, so that nobody has to change a query. */
const SCOPE = 'github.com/open-telemetry/opentelemetry-collector-contrib/connector/countconnector'
const ENTRIES = 1
const ITEMS = 2
const POINTS = 1
const PROFILE_TIME = 3

/** By data field of the metric: a view, and where its attributes are. */
const POINT_KINDS: Readonly<Record<number, readonly [view: () => PointView, attributes: number]>> = {
  [Metric.gauge]: [() => new NumberPointView(), NumberDataPoint.attributes],
  [Metric.sum]: [() => new NumberPointView(), NumberDataPoint.attributes],
  [Metric.histogram]: [() => new HistogramPointView(), HistogramDataPoint.attributes],
  [Metric.exponentialHistogram]: [
    () => new ExponentialHistogramPointView(),
    ExponentialHistogramDataPoint.attributes,
  ],
  [Metric.summary]: [() => new SummaryPointView(), SummaryDataPoint.attributes],
}

export class Counting {
  readonly #signal: Signal
  /** Of the items, and of what is inside them. */
  readonly #outer: Counter
  readonly #inner: Counter | undefined
  readonly #subject: Subject & { readonly resource: ResourceView; readonly scope: ScopeView }
  readonly #span = new SpanView()
  readonly #event = new SpanEventView()
  readonly #metric = new MetricView()
  readonly #log = new LogRecordView()
  readonly #profile = new MessageView()
  readonly #points = new Map(
    Object.entries(POINT_KINDS).map(([field, [view, attributes]]) => [
      Number(field),
      { view: view(), attributes },
    ]),
  )
  readonly #attributes = new Writer(1024)
  /** As Subject.around: the last that was used, and that of the scope. */
  #around = 0
  #aroundScope = 0

  constructor(config: CountConfig, signal: Signal) {
    this.#signal = signal
    this.#subject = { around: 0, resource: new ResourceView(), scope: new ScopeView() }
    switch (signal) {
      case 'traces':
        this.#outer = new Counter(config, 'spans')
        this.#inner = new Counter(config, 'spanevents')
        break
      case 'metrics':
        this.#outer = new Counter(config, 'metrics')
        this.#inner = new Counter(config, 'datapoints')
        break
      case 'logs':
        this.#outer = new Counter(config, 'logs')
        break
      default:
        this.#outer = new Counter(config, 'profiles')
    }
  }

  /** Writes the counts of every resource of the request that has some. `now`: ns since 1970. */
  count(chunk: Uint8Array, writer: MetricsWriter, now: bigint): void {
    const strings = this.#signal === 'profiles' ? new ProfileStrings(chunk) : undefined
    const entries = new Cursor(chunk)
    while (entries.next()) {
      if (entries.field !== ENTRIES || entries.wire !== LEN) continue
      this.#entry(chunk, entries.start, entries.stop, strings)
      this.#write(writer, now)
    }
  }

  /** Forgets what was begun, and the request that was read last. */
  release(): void {
    const nothing = { bytes: EMPTY, start: 0, stop: 0, field: Resource.attributes }
    for (const counter of [this.#outer, this.#inner]) {
      counter?.begin()
      counter?.enterResource(nothing)
      counter?.enterScope(nothing)
    }
    for (const view of [this.#span, this.#event, this.#metric, this.#log, this.#profile]) view.reset(EMPTY)
    for (const { view } of this.#points.values()) view.reset(EMPTY)
    this.#subject.resource.reset(EMPTY)
    this.#subject.scope.reset(EMPTY)
  }

  #entry(chunk: Uint8Array, start: number, stop: number, strings: ProfileStrings | undefined): void {
    const entry = new Cursor(chunk, start, stop)
    let resource = { bytes: chunk, start: stop, stop, field: Resource.attributes }
    while (entry.next())
      if (entry.field === 1) resource = { ...resource, start: entry.start, stop: entry.stop }
    if (strings !== undefined) {
      const bytes = strings.writeOut(resource.start, resource.stop)
      resource = { ...resource, bytes, start: 0, stop: bytes.length }
    }
    this.#subject.resource.reset(resource.bytes, resource.start, resource.stop)
    this.#outer.enterResource(resource)
    this.#inner?.enterResource(resource)
    entry.reset(chunk, start, stop)
    while (entry.next())
      if (entry.field === ITEMS && entry.wire === LEN) this.#scope(chunk, entry.start, entry.stop)
  }

  #scope(chunk: Uint8Array, start: number, stop: number): void {
    const entry = new Cursor(chunk, start, stop)
    let scope = { bytes: chunk, start: stop, stop, field: InstrumentationScope.attributes }
    while (entry.next()) if (entry.field === 1) scope = { ...scope, start: entry.start, stop: entry.stop }
    this.#subject.scope.reset(chunk, scope.start, scope.stop)
    this.#outer.enterScope(scope)
    this.#inner?.enterScope(scope)
    this.#aroundScope = ++this.#around
    entry.reset(chunk, start, stop)
    while (entry.next())
      if (entry.field === ITEMS && entry.wire === LEN) this.#item(chunk, entry.start, entry.stop)
  }

  #item(bytes: Uint8Array, start: number, stop: number): void {
    this.#subject.around = this.#aroundScope
    switch (this.#signal) {
      case 'traces':
        this.#countSpan(bytes, start, stop)
        break
      case 'metrics':
        this.#countMetric(bytes, start, stop)
        break
      case 'logs': {
        const log = this.#log.reset(bytes, start, stop)
        this.#subject.log = log
        this.#outer.noteTime(bytes, log.startOf(LogRecord.timeUnixNano))
        this.#outer.count({ bytes, start, stop, field: LogRecord.attributes }, this.#subject)
        break
      }
      default:
        this.#outer.noteTime(bytes, this.#profile.reset(bytes, start, stop).startOf(PROFILE_TIME))
        this.#outer.count({ bytes, start, stop, field: 0 }, this.#subject)
    }
  }

  #countSpan(bytes: Uint8Array, start: number, stop: number): void {
    const span = this.#span.reset(bytes, start, stop)
    const subject = this.#subject
    subject.span = span
    this.#outer.noteTime(bytes, span.startOf(Span.startTimeUnixNano))
    this.#outer.noteTime(bytes, span.startOf(Span.endTimeUnixNano))
    this.#outer.count({ bytes, start, stop, field: Span.attributes }, subject)
    if (!span.has(Span.events)) return
    subject.around = ++this.#around
    const events = new Cursor(bytes, start, stop)
    while (events.next()) {
      if (events.field !== Span.events) continue
      const event = this.#event.reset(bytes, events.start, events.stop)
      subject.event = event
      this.#inner!.noteTime(bytes, event.startOf(SpanEvent.timeUnixNano))
      this.#inner!.count(sourceAt(events, SpanEvent.attributes), subject)
    }
  }

  #countMetric(bytes: Uint8Array, start: number, stop: number): void {
    const metric = this.#metric.reset(bytes, start, stop)
    const subject = this.#subject
    subject.metric = metric
    this.#outer.count({ bytes, start, stop, field: 0 }, subject)
    const field = metric.dataField
    const kind = this.#points.get(field)
    if (kind === undefined) return
    subject.around = ++this.#around
    const points = new Cursor(bytes, metric.startOf(field), metric.stopOf(field))
    while (points.next()) {
      if (points.field !== POINTS || points.wire !== LEN) continue
      const point = kind.view.reset(bytes, points.start, points.stop)
      subject.point = point
      this.#inner!.noteTime(bytes, point.startOf(NumberDataPoint.timeUnixNano))
      this.#inner!.count(sourceAt(points, kind.attributes), subject)
    }
  }

  #write(writer: MetricsWriter, now: bigint): void {
    if (this.#outer.isEmpty && (this.#inner?.isEmpty ?? true)) {
      this.#outer.reset()
      this.#inner?.reset()
      return
    }
    const { bytes, start, stop } = this.#subject.resource
    const attributes = this.#attributes
    attributes.rewind()
    const fields = new Cursor(bytes, start, stop)
    while (fields.next())
      if (fields.field === Resource.attributes) attributes.raw(bytes, fields.tagStart, fields.stop)
    writer.resource(attributes.copy())
    writer.scope(SCOPE)
    this.#outer.write(writer, now)
    this.#inner?.write(writer, now)
  }
}

function sourceAt({ bytes, start, stop }: Cursor, field: number): AttributeSource {
  return { bytes, start, stop, field }
}
