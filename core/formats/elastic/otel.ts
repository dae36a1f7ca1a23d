/**
 * Documents of mode otel: logs, spans, and events of spans, which are documents of their own. Straight from the wire, in
 * the order of fields that the Collector writes (contrib elasticsearchexporter 0.155, internal/serializer/otelserializer).
 *
 * Different on purpose: a span that ends before it begins has a duration of 0, where the Collector writes 2^64 less that,
 * which no index takes; and see times.ts.
 */

import { high, low, readFixed64 } from '../../otlp/cursor.ts'
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
import { writeHex } from '../../otlp/json-values.ts'
import { Messages, MessageView } from '../../otlp/message.ts'
import { Writer } from '../../otlp/writer.ts'
import { valueStart as anyStart, valueStop as anyStop, EMPTY_VALUE, readKind } from '../any-value.ts'
import type { CacheBudget } from '../cache-budget.ts'
import { findAttribute, foundStart, foundStop } from '../jaeger/read-span.ts'
import { writeNumber } from '../jaeger-es/letters.ts'
import { type Around, AroundCache } from './around.ts'
import { AttributeWriter } from './attributes.ts'
import { writeMillisAndNanos } from './times.ts'
import { isArrayOfMaps, type ValueWriter, writeInt, writeUint } from './values.ts'

const utf8 = (text: string): Uint8Array => Buffer.from(text)
const EMPTY = new Uint8Array()
const COMMA = 0x2c
const CLOSE = 0x7d
const TIMESTAMP = utf8('{"@timestamp":')
const OBSERVED = utf8(',"observed_timestamp":')
const SEVERITY_TEXT = utf8(',"severity_text":')
const SEVERITY_NUMBER = utf8(',"severity_number":')
const TRACE_ID = utf8(',"trace_id":')
const SPAN_ID = utf8(',"span_id":')
const DROPPED_ATTRIBUTES = utf8(',"dropped_attributes_count":')
const EVENT_NAME = utf8(',"event_name":')
const TRACE_STATE = utf8(',"trace_state":')
const PARENT_SPAN_ID = utf8(',"parent_span_id":')
const NAME = utf8(',"name":')
const VERSION = utf8(',"version":')
const SCHEMA_URL = utf8(',"schema_url":')
const DURATION = utf8(',"duration":')
const DROPPED_EVENTS = utf8(',"dropped_events_count":')
const DROPPED_LINKS = utf8(',"dropped_links_count":')
const LINKS = utf8(',"links":[')
const NO_STATUS = utf8(',"status":{}')
const STATUS = utf8(',"status":{')
const MESSAGE = utf8('"message":')
const BODY_TEXT = utf8(',"body":{"text":')
const BODY_STRUCTURED = utf8(',"body":{"structured":')
const BODY_WRAPPED = utf8(',"body":{"structured":{"value":')
const TWO_CLOSE = utf8('}}')
const KINDS = ['Unspecified', 'Internal', 'Server', 'Client', 'Producer', 'Consumer'].map(kind =>
  utf8(`,"kind":"${kind}"`),
)
const CODES = [EMPTY, utf8('"code":"Ok"'), utf8('"code":"Error"')]
const EVENT_NAME_ATTRIBUTE = utf8('event.name')
const SIGN = 0x8000_0000

export class OtelDocuments {
  readonly values: ValueWriter
  /** Spans that ended before they began. */
  fixedDurations = 0
  readonly #attributes: AttributeWriter
  readonly #message = new MessageView()
  readonly #inner = new MessageView()
  readonly #events = new Messages(new MessageView())
  readonly #scratch = new Writer(256)
  readonly #resources: AroundCache<Uint8Array>
  readonly #scopes: AroundCache<Uint8Array>

  /** `stringify`: maps in attributes become texts, as in the documents of metrics. */
  constructor(values: ValueWriter, budget: CacheBudget, stringify = false) {
    this.values = values
    this.#attributes = new AttributeWriter(values)
    const sizeOf = ({ length }: Uint8Array): number => length
    this.#resources = new AroundCache(around => this.#resource(around, stringify), sizeOf, budget)
    this.#scopes = new AroundCache(around => this.#scope(around, stringify), sizeOf, budget)
  }

  /** `,"resource":{...}` */
  resource(around: Around): Uint8Array {
    return this.#resources.get(around)
  }

  /** `,"scope":{...}` */
  scope(around: Around): Uint8Array {
    return this.#scopes.get(around)
  }

  /** `,"attributes":{...}` of a data point. */
  pointAttributes(out: Writer, bytes: Uint8Array, start: number, stop: number, field: number): void {
    this.#attributes.write(out, bytes, start, stop, field, { stringify: true })
  }

  /** `stream`, `resource`, `scope`: JSON text behind a comma. */
  log(
    out: Writer,
    bytes: Uint8Array,
    start: number,
    stop: number,
    stream: Uint8Array,
    resource: Uint8Array,
    scope: Uint8Array,
  ): void {
    const record = this.#message.reset(bytes, start, stop)
    out.raw(TIMESTAMP)
    readTime(record, LogRecord.timeUnixNano)
    if (timeLow === 0 && timeHigh === 0) readTime(record, LogRecord.observedTimeUnixNano)
    writeMillisAndNanos(out, timeLow, timeHigh)
    out.raw(OBSERVED)
    readTime(record, LogRecord.observedTimeUnixNano)
    writeMillisAndNanos(out, timeLow, timeHigh)
    out.raw(stream)
    this.#text(out, SEVERITY_TEXT, record, LogRecord.severityText)
    const severity = record.int32(LogRecord.severityNumber)
    if (severity !== 0) {
      out.raw(SEVERITY_NUMBER)
      writeInt(out, severity >>> 0, severity < 0 ? 0xffff_ffff : 0)
    }
    id(out, TRACE_ID, record, LogRecord.traceId)
    id(out, SPAN_ID, record, LogRecord.spanId)
    this.#attributes.write(out, bytes, start, stop, LogRecord.attributes)
    count(out, DROPPED_ATTRIBUTES, record, LogRecord.droppedAttributesCount)
    if (isText(record, LogRecord.eventName)) this.#text(out, EVENT_NAME, record, LogRecord.eventName)
    else this.#eventName(out, bytes, start, stop)
    out.raw(resource)
    out.raw(scope)
    if (record.has(LogRecord.body))
      this.#body(out, bytes, record.startOf(LogRecord.body), record.stopOf(LogRecord.body))
    out.byte(CLOSE)
  }

  /** An attribute event.name that is a text stands for the name of the event, as it did before records had one. */
  #eventName(out: Writer, bytes: Uint8Array, start: number, stop: number): void {
    if (!findAttribute(bytes, start, stop, LogRecord.attributes, EVENT_NAME_ATTRIBUTE)) return
    if (readKind(bytes, foundStart, foundStop) !== AnyValue.stringValue || anyStart === anyStop) return
    out.raw(EVENT_NAME)
    this.values.text(out, bytes, anyStart, anyStop)
  }

  #body(out: Writer, bytes: Uint8Array, start: number, stop: number): void {
    const kind = readKind(bytes, start, stop)
    if (kind === EMPTY_VALUE) return
    const isArray = kind === AnyValue.arrayValue
    const wrapped = isArray && !isArrayOfMaps(bytes, anyStart, anyStop)
    if (wrapped) out.raw(BODY_WRAPPED)
    else out.raw(isArray || kind === AnyValue.kvlistValue ? BODY_STRUCTURED : BODY_TEXT)
    this.values.value(out, bytes, start, stop, false)
    if (wrapped) out.raw(TWO_CLOSE)
    else out.byte(CLOSE)
  }

  span(
    out: Writer,
    bytes: Uint8Array,
    start: number,
    stop: number,
    stream: Uint8Array,
    resource: Uint8Array,
    scope: Uint8Array,
  ): void {
    const span = this.#message.reset(bytes, start, stop)
    readTime(span, Span.endTimeUnixNano)
    const endLow = timeLow
    const endHigh = timeHigh
    readTime(span, Span.startTimeUnixNano)
    out.raw(TIMESTAMP)
    writeMillisAndNanos(out, timeLow, timeHigh)
    out.raw(stream)
    id(out, TRACE_ID, span, Span.traceId)
    id(out, SPAN_ID, span, Span.spanId)
    this.#text(out, TRACE_STATE, span, Span.traceState)
    id(out, PARENT_SPAN_ID, span, Span.parentSpanId)
    this.#text(out, NAME, span, Span.name)
    const kind = KINDS[span.int32(Span.kind)]
    if (kind !== undefined) out.raw(kind)
    out.raw(DURATION)
    this.#duration(out, endLow, endHigh)
    this.#attributes.write(out, bytes, start, stop, Span.attributes)
    count(out, DROPPED_ATTRIBUTES, span, Span.droppedAttributesCount)
    count(out, DROPPED_EVENTS, span, Span.droppedEventsCount)
    this.#links(out, span)
    count(out, DROPPED_LINKS, span, Span.droppedLinksCount)
    this.#status(out, span)
    out.raw(resource)
    out.raw(scope)
    out.byte(CLOSE)
  }

  /** From the time that was read last to this one, in nanoseconds. */
  #duration(out: Writer, endLow: number, endHigh: number): void {
    let lo = (endLow - timeLow) >>> 0
    let hi = (endHigh - timeHigh - (endLow < timeLow ? 1 : 0)) >>> 0
    if (endHigh < timeHigh || (endHigh === timeHigh && endLow < timeLow) || hi >= SIGN) {
      this.fixedDurations++
      lo = hi = 0
    }
    writeUint(out, lo, hi)
  }

  #links(out: Writer, span: MessageView): void {
    out.raw(LINKS)
    const links = this.#events.reset(span.bytes, span.start, span.stop, Span.links)
    let first = true
    while (links.next()) {
      const link = links.item
      if (!first) out.byte(COMMA)
      first = false
      const before = out.pos
      id(out, TRACE_ID, link, SpanLink.traceId)
      id(out, SPAN_ID, link, SpanLink.spanId)
      this.#text(out, TRACE_STATE, link, SpanLink.traceState)
      this.#attributes.write(out, link.bytes, link.start, link.stop, SpanLink.attributes)
      count(out, DROPPED_ATTRIBUTES, link, SpanLink.droppedAttributesCount)
      endObject(out, before)
    }
    out.byte(0x5d)
  }

  #status(out: Writer, span: MessageView): void {
    if (!span.has(Span.status)) {
      out.raw(NO_STATUS)
      return
    }
    const status = this.#inner.reset(span.bytes, span.startOf(Span.status), span.stopOf(Span.status))
    const code = CODES[status.int32(Status.code)] ?? EMPTY
    out.raw(STATUS)
    const said = isText(status, Status.message)
    if (said) this.#text(out, MESSAGE, status, Status.message)
    if (said && code.length > 0) out.byte(COMMA)
    out.raw(code)
    out.byte(CLOSE)
  }

  /** An event `bytes[start, stop)` of the span `bytes[spanStart, spanStop)`. */
  event(
    out: Writer,
    bytes: Uint8Array,
    start: number,
    stop: number,
    spanStart: number,
    spanStop: number,
    stream: Uint8Array,
    resource: Uint8Array,
    scope: Uint8Array,
  ): void {
    const span = this.#message.reset(bytes, spanStart, spanStop)
    const event = this.#inner.reset(bytes, start, stop)
    out.raw(TIMESTAMP)
    readTime(event, SpanEvent.timeUnixNano)
    writeMillisAndNanos(out, timeLow, timeHigh)
    out.raw(stream)
    id(out, TRACE_ID, span, Span.traceId)
    id(out, SPAN_ID, span, Span.spanId)
    count(out, DROPPED_ATTRIBUTES, event, SpanEvent.droppedAttributesCount)
    let eventName: Uint8Array | undefined
    if (isText(event, SpanEvent.name)) {
      const scratch = this.#scratch
      scratch.rewind()
      this.values.text(scratch, bytes, event.startOf(SpanEvent.name), event.stopOf(SpanEvent.name))
      eventName = scratch.bytes.subarray(0, scratch.pos)
      out.raw(EVENT_NAME)
      out.raw(eventName)
    }
    this.#attributes.write(out, bytes, start, stop, SpanEvent.attributes, { eventName })
    out.raw(resource)
    out.raw(scope)
    out.byte(CLOSE)
  }

  /** Lets go of the request that was read last. */
  release(): void {
    this.#message.reset(EMPTY)
    this.#inner.reset(EMPTY)
  }

  #resource(around: Around, stringify: boolean): Uint8Array {
    const { bytes, start, stop } = around
    const resource = this.#inner.reset(bytes, start, stop)
    const out = new Writer(2 * (stop - start) + 128)
    out.raw(utf8(',"resource":'))
    const before = out.pos
    this.#schema(out, around)
    this.#attributes.write(out, bytes, start, stop, Resource.attributes, { stringify })
    count(out, DROPPED_ATTRIBUTES, resource, Resource.droppedAttributesCount)
    endObject(out, before)
    return Uint8Array.from(out.take())
  }

  #scope(around: Around, stringify: boolean): Uint8Array {
    const { bytes, start, stop } = around
    const scope = this.#inner.reset(bytes, start, stop)
    const out = new Writer(2 * (stop - start) + 128)
    out.raw(utf8(',"scope":'))
    const before = out.pos
    this.#schema(out, around)
    this.#text(out, NAME, scope, InstrumentationScope.name)
    this.#text(out, VERSION, scope, InstrumentationScope.version)
    this.#attributes.write(out, bytes, start, stop, InstrumentationScope.attributes, { stringify })
    count(out, DROPPED_ATTRIBUTES, scope, InstrumentationScope.droppedAttributesCount)
    endObject(out, before)
    return Uint8Array.from(out.take())
  }

  #schema(out: Writer, { bytes, schemaStart, schemaStop }: Around): void {
    if (schemaStart === schemaStop) return
    out.raw(SCHEMA_URL)
    this.values.text(out, bytes, schemaStart, schemaStop)
  }

  /** A text that is not empty, behind its key. */
  #text(out: Writer, key: Uint8Array, message: MessageView, field: number): void {
    if (!isText(message, field)) return
    out.raw(key)
    this.values.text(out, message.bytes, message.startOf(field), message.stopOf(field))
  }
}

const OPEN = 0x7b

/** Makes an object of the fields from `before` on, each of which has a comma in front: the first one's becomes `{`. */
function endObject(out: Writer, before: number): void {
  if (out.pos === before) out.byte(OPEN)
  else out.bytes[before] = OPEN
  out.byte(CLOSE)
}

/** What `readTime` found. */
let timeLow = 0
let timeHigh = 0

function readTime(message: MessageView, field: number): void {
  timeLow = timeHigh = 0
  const start = message.startOf(field)
  if (start === -1) return
  readFixed64(message.bytes, start)
  timeLow = low
  timeHigh = high
}

/** An id that is not only zeros, as hex. */
function id(out: Writer, key: Uint8Array, message: MessageView, field: number): void {
  const start = message.startOf(field)
  if (start === -1) return
  const stop = message.stopOf(field)
  const { bytes } = message
  for (let i = start; i < stop; i++)
    if (bytes[i] !== 0) {
      out.raw(key)
      writeHex(out, bytes, start, stop)
      return
    }
}

/** An unsigned number that is not 0. */
function count(out: Writer, key: Uint8Array, message: MessageView, field: number): void {
  const value = message.uint32(field)
  if (value === 0) return
  out.raw(key)
  writeNumber(out, value)
}

function isText(message: MessageView, field: number): boolean {
  const start = message.startOf(field)
  return start !== -1 && message.stopOf(field) > start
}
