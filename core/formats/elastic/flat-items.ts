/** Logs and spans in modes none, raw and ecs (contrib elasticsearchexporter 0.155, model.go). */

import { high, low, readFixed64, readHex } from '../../otlp/cursor.ts'
import {
  AnyValue,
  InstrumentationScope,
  LogRecord,
  Resource,
  Span,
  SpanEvent,
  SpanLink,
  Status,
} from '../../otlp/fields.ts'
import { writeHex, writeJsonString } from '../../otlp/json-values.ts'
import { Messages, MessageView } from '../../otlp/message.ts'
import type { Writer } from '../../otlp/writer.ts'
import { attributesJson, readKind } from '../any-value.ts'
import type { CacheBudget } from '../cache-budget.ts'
import { writeAscii, writeNumber } from '../jaeger-es/letters.ts'
import { type Around, AroundCache } from './around.ts'
import { convertAttributes } from './convert.ts'
import {
  type Conversions,
  KEPT_OF_LOGS,
  KEPT_OF_SPANS,
  LOG_FIELDS,
  RESOURCE_FIELDS,
  SPAN_FIELDS,
} from './ecs-fields.ts'
import { FlatDocument, type Prepared, sizeOfPrepared } from './flat.ts'
import type { Route } from './route.ts'
import { writeTimeText } from './times.ts'
import { type ValueWriter, writeInt } from './values.ts'

const EMPTY = new Uint8Array()
const COMMA = 0x2c
const KINDS = ['UNSPECIFIED', 'INTERNAL', 'SERVER', 'CLIENT', 'PRODUCER', 'CONSUMER']
const LEGACY_KINDS = KINDS.map(kind => Buffer.from(`"SPAN_KIND_${kind}"`))
const ECS_KINDS = KINDS.map(kind => Buffer.from(`"${kind}"`))
const SUCCESS = Buffer.from('"success"')
const FAILURE = Buffer.from('"failure"')
const NO_LINKS = Buffer.from('"[]"')
const STATUS_OK = 1
const STATUS_ERROR = 2
const STRING = AnyValue.stringValue

export type FlatMode = 'none' | 'raw' | 'ecs'

export class FlatDocuments {
  readonly #mode: FlatMode
  readonly #document: FlatDocument
  readonly #message = new MessageView()
  readonly #inner = new MessageView()
  readonly #entries = new Messages(new MessageView())
  readonly #resources: AroundCache<Prepared>
  readonly #scopes: AroundCache<Prepared>
  /** What the attributes of an item are called under. */
  readonly #attributes: string

  constructor(mode: FlatMode, values: ValueWriter, budget: CacheBudget) {
    this.#mode = mode
    this.#document = new FlatDocument(values, budget)
    this.#attributes = mode === 'none' ? 'Attributes' : ''
    this.#resources = new AroundCache(around => this.#resource(around), sizeOfPrepared, budget)
    this.#scopes = new AroundCache(around => this.#scope(around), sizeOfPrepared, budget)
  }

  resource(around: Around): Prepared {
    return this.#resources.get(around)
  }

  scope(around: Around): Prepared {
    return this.#scopes.get(around)
  }

  log(
    out: Writer,
    bytes: Uint8Array,
    start: number,
    stop: number,
    route: Route,
    resource: Prepared,
    scope: Prepared,
  ): void {
    const record = this.#message.reset(bytes, start, stop)
    const document = this.#document.begin()
    const isEcs = this.#mode === 'ecs'
    const when =
      record.fixed64(LogRecord.timeUnixNano) === 0n ? LogRecord.observedTimeUnixNano : LogRecord.timeUnixNano
    if (!isEcs) {
      this.#time('@timestamp', record, when)
      this.#id('TraceId', record, LogRecord.traceId)
      this.#id('SpanId', record, LogRecord.spanId)
      this.#number('TraceFlags', record.fixed32(LogRecord.flags))
      this.#text('SeverityText', record, LogRecord.severityText)
      this.#int('SeverityNumber', record.int32(LogRecord.severityNumber))
      if (record.has(LogRecord.body))
        document.attribute('Body', bytes, record.startOf(LogRecord.body), record.stopOf(LogRecord.body))
    }
    document.prepared(resource)
    document.prepared(scope)
    if (isEcs) this.#converted(bytes, start, stop, LogRecord.attributes, LOG_FIELDS)
    else document.attributes(this.#attributes, bytes, start, stop, LogRecord.attributes)
    document.stream(this.#attributes, route)
    if (!isEcs) {
      document.write(out, false)
      return
    }
    this.#time('@timestamp', record, when)
    this.#id('trace.id', record, LogRecord.traceId)
    this.#id('span.id', record, LogRecord.spanId)
    const severity = record.int32(LogRecord.severityNumber)
    if (severity !== 0) this.#int('event.severity', severity)
    this.#text('log.level', record, LogRecord.severityText)
    if (record.has(LogRecord.body)) {
      const from = record.startOf(LogRecord.body)
      const to = record.stopOf(LogRecord.body)
      if (readKind(bytes, from, to) === STRING) document.attribute('message', bytes, from, to)
    }
    document.write(out, true, KEPT_OF_LOGS)
  }

  span(
    out: Writer,
    bytes: Uint8Array,
    start: number,
    stop: number,
    route: Route,
    resource: Prepared,
    scope: Prepared,
  ): void {
    const span = this.#message.reset(bytes, start, stop)
    this.#document.begin()
    if (this.#mode === 'ecs') this.#ecsSpan(out, span, route, resource, scope)
    else this.#legacySpan(out, span, route, resource, scope)
  }

  #ecsSpan(out: Writer, span: MessageView, route: Route, resource: Prepared, scope: Prepared): void {
    const document = this.#document
    document.prepared(resource)
    document.prepared(scope)
    this.#converted(span.bytes, span.start, span.stop, Span.attributes, SPAN_FIELDS)
    document.stream(this.#attributes, route)
    this.#time('@timestamp', span, Span.startTimeUnixNano)
    this.#id('trace.id', span, Span.traceId)
    this.#id('span.id', span, Span.spanId)
    this.#text('span.name', span, Span.name)
    this.#id('parent.id', span, Span.parentSpanId)
    const code = this.#status(span).int32(Status.code)
    if (code === STATUS_OK) document.raw('event.outcome', SUCCESS)
    else if (code === STATUS_ERROR) document.raw('event.outcome', FAILURE)
    if (span.has(Span.links)) {
      this.#ecsLinks(document.out, span)
      document.end('span.links')
    }
    const kind = span.int32(Span.kind)
    if (kind > 0 && kind < KINDS.length) document.raw('span.kind', ECS_KINDS[kind]!)
    document.write(out, true, KEPT_OF_SPANS)
  }

  #legacySpan(out: Writer, span: MessageView, route: Route, resource: Prepared, scope: Prepared): void {
    const document = this.#document
    const { bytes, start, stop } = span
    this.#time('@timestamp', span, Span.startTimeUnixNano)
    this.#time('EndTimestamp', span, Span.endTimeUnixNano)
    this.#id('TraceId', span, Span.traceId)
    this.#id('SpanId', span, Span.spanId)
    this.#id('ParentSpanId', span, Span.parentSpanId)
    this.#text('Name', span, Span.name)
    const kind = LEGACY_KINDS[span.int32(Span.kind)]
    if (kind !== undefined) document.raw('Kind', kind)
    const status = this.#status(span)
    this.#int('TraceStatus', status.int32(Status.code))
    this.#text('TraceStatusDescription', status, Status.message)
    if (span.has(Span.links)) {
      const json = Buffer.from(this.#linksJson(span))
      writeJsonString(document.out, json, 0, json.length)
      document.end('Link')
    } else document.raw('Link', NO_LINKS)
    document.prepared(resource)
    const took = BigInt.asIntN(64, span.fixed64(Span.endTimeUnixNano) - span.fixed64(Span.startTimeUnixNano))
    writeAscii(document.out, String(took / 1000n))
    document.end('Duration')
    document.prepared(scope)
    document.attributes(this.#attributes, bytes, start, stop, Span.attributes)
    document.stream(this.#attributes, route)
    this.#events(span)
    document.write(out, false)
  }

  #events(span: MessageView): void {
    const prefix = this.#mode === 'none' ? 'Events.' : ''
    const events = this.#entries.reset(span.bytes, span.start, span.stop, Span.events)
    while (events.next()) {
      const event = events.item
      const name = `${prefix}${event.text(SpanEvent.name)}`
      this.#time(`${name}.time`, event, SpanEvent.timeUnixNano)
      this.#document.attributes(name, event.bytes, event.start, event.stop, SpanEvent.attributes)
    }
  }

  /** The links as one text, an array of JSON. */
  #linksJson(span: MessageView): string {
    const parts: string[] = []
    const links = this.#entries.reset(span.bytes, span.start, span.stop, Span.links)
    while (links.next()) {
      const { bytes, start, stop } = links.item
      const attributes = attributesJson(bytes, start, stop, SpanLink.attributes)
      const spanId = hexOf(links.item, SpanLink.spanId)
      const traceId = hexOf(links.item, SpanLink.traceId)
      parts.push(`{"attribute":${attributes},"spanID":"${spanId}","traceID":"${traceId}"}`)
    }
    return `[${parts.join(',')}]`
  }

  #ecsLinks(out: Writer, span: MessageView): void {
    const links = this.#entries.reset(span.bytes, span.start, span.stop, Span.links)
    let first = true
    out.byte(0x5b)
    while (links.next()) {
      if (!first) out.byte(COMMA)
      first = false
      const traceId = hexOf(links.item, SpanLink.traceId)
      const spanId = hexOf(links.item, SpanLink.spanId)
      const parts = [
        ...(spanId === '' ? [] : [`"span":{"id":"${spanId}"}`]),
        ...(traceId === '' ? [] : [`"trace":{"id":"${traceId}"}`]),
      ]
      writeAscii(out, parts.length === 0 ? 'null' : `{${parts.join(',')}}`)
    }
    out.byte(0x5d)
  }

  #status(span: MessageView): MessageView {
    const start = span.startOf(Span.status)
    return start === -1
      ? this.#inner.reset(EMPTY)
      : this.#inner.reset(span.bytes, start, span.stopOf(Span.status))
  }

  #converted(bytes: Uint8Array, start: number, stop: number, field: number, fields: Conversions): void {
    convertAttributes(this.#document, bytes, start, stop, field, fields)
  }

  #time(key: string, message: MessageView, field: number): void {
    const start = message.startOf(field)
    if (start === -1) writeTimeText(this.#document.out, 0, 0)
    else {
      readFixed64(message.bytes, start)
      writeTimeText(this.#document.out, low, high)
    }
    this.#document.end(key)
  }

  #id(key: string, message: MessageView, field: number): void {
    if (hexOf(message, field) === '') return
    writeHex(this.#document.out, message.bytes, message.startOf(field), message.stopOf(field))
    this.#document.end(key)
  }

  #text(key: string, message: MessageView, field: number): void {
    const start = message.startOf(field)
    if (start !== -1) this.#document.text(key, message.bytes, start, message.stopOf(field))
  }

  #number(key: string, value: number): void {
    writeNumber(this.#document.out, value)
    this.#document.end(key)
  }

  #int(key: string, value: number): void {
    writeInt(this.#document.out, value >>> 0, value < 0 ? 0xffff_ffff : 0)
    this.#document.end(key)
  }

  #resource(around: Around): Prepared {
    const { bytes, start, stop } = around
    const document = this.#document.begin()
    if (this.#mode === 'ecs')
      convertAttributes(document, bytes, start, stop, Resource.attributes, RESOURCE_FIELDS)
    else document.attributes('Resource', bytes, start, stop, Resource.attributes)
    return document.prepare()
  }

  /** In mode ecs its attributes alone, as there. */
  #scope(around: Around): Prepared {
    const { bytes, start, stop } = around
    const document = this.#document.begin()
    const prefix = this.#mode === 'ecs' ? '' : 'Scope'
    document.attributes(prefix, bytes, start, stop, InstrumentationScope.attributes)
    if (this.#mode !== 'ecs') {
      const scope = this.#inner.reset(bytes, start, stop)
      for (const [key, field] of SCOPE_NAMES) {
        const from = scope.startOf(field)
        writeJsonString(document.out, bytes, Math.max(from, 0), from === -1 ? 0 : scope.stopOf(field))
        document.end(key)
      }
    }
    return document.prepare()
  }

  /** Lets go of the request that was read last. */
  release(): void {
    this.#message.reset(EMPTY)
    this.#inner.reset(EMPTY)
    this.#document.release()
  }
}

const SCOPE_NAMES = [
  ['Scope.name', InstrumentationScope.name],
  ['Scope.version', InstrumentationScope.version],
] as const

/** '' for an id of zeros. */
function hexOf(message: MessageView, field: number): string {
  const start = message.startOf(field)
  if (start === -1) return ''
  const stop = message.stopOf(field)
  for (let i = start; i < stop; i++) if (message.bytes[i] !== 0) return readHex(message.bytes, start, stop)
  return ''
}
