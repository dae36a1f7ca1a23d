/**
 * OTLP spans as spans of Jaeger's model: which field becomes what, as the Collector's pkg/translator/jaeger does it
 * (0.155). How the model is written, protobuf or JSON, is the sink's business; everything goes from the bytes of the
 * request to the bytes of the message without objects between.
 */

import { Cursor, high, low, readFixed64, readHex, sameBytes } from '../../otlp/cursor.ts'
import {
  AnyValue,
  InstrumentationScope,
  Resource,
  Span,
  SpanEvent,
  SpanLink,
  Status,
  StatusStatusCode,
} from '../../otlp/fields.ts'
import { MessageView } from '../../otlp/message.ts'
import { SpanView } from '../../otlp/span.ts'
import { ItemWalker } from '../../otlp/walk.ts'
import type { Writer } from '../../otlp/writer.ts'
import { readKind, valueStart, valueStop } from '../any-value.ts'
import * as time from '../nanos.ts'
import { splitDuration, splitTime } from '../nanos.ts'
import { isZero } from '../otlp-spans.ts'
import { Blocks, type FormatRecord } from '../record.ts'
import { copyId, findAttribute, foundStart, foundStop, isSame, NO_RANGE, type Range } from './read-span.ts'
import {
  CHILD_OF,
  CHILD_OF_TEXT,
  ERROR,
  EVENT,
  FOLLOWS_FROM,
  KIND_TEXTS,
  NO_SERVICE_NAME,
  REF_TYPE,
  SCOPE_NAME,
  SCOPE_VERSION,
  SERVICE_NAME,
  SPAN_ID_SIZE,
  SPAN_KIND,
  STATUS_CODE,
  STATUS_DESCRIPTION,
  TRACE_ID_SIZE,
  TRACE_STATE,
} from './words.ts'

/** A tag ready to be written; what it holds is the sink's business. */
export type Prepared = Uint8Array

/** Writes one span after the other, in the order of these methods. Ranges are of OTLP bytes. */
export interface SpanSink {
  /** A tag that many spans have. */
  prepareText(key: string, text: Uint8Array): Prepared
  prepareTrue(key: string): Prepared
  /** `name`: its UTF-8 bytes. Tags are the attributes of the resource that is `bytes[start, stop)`, but for one key. */
  prepareProcess(name: Uint8Array, bytes: Uint8Array, start: number, stop: number, but: Uint8Array): Prepared

  begin(out: Writer, traceId: Uint8Array, spanId: Uint8Array): void
  operationName(bytes: Uint8Array, start: number, stop: number): void
  reference(traceId: Uint8Array, spanId: Uint8Array, type: number): void
  startTime(seconds: number, nanos: number): void
  duration(seconds: number, nanos: number): void
  preparedTag(tag: Prepared): void
  /** The attribute that is the KeyValue `bytes[start, stop)`. */
  tag(bytes: Uint8Array, start: number, stop: number): void
  textTag(key: Uint8Array, bytes: Uint8Array, start: number, stop: number): void
  beginLog(seconds: number, nanos: number): void
  /** Tags between these two are the log's fields. */
  endLog(): void
  end(process: Prepared): void
}

const EMPTY = new Uint8Array()
const utf8 = (text: string): Uint8Array => Buffer.from(text)
const SERVICE_NAME_KEY = utf8(SERVICE_NAME)
const EVENT_KEY = utf8(EVENT)
const REF_TYPE_KEY = utf8(REF_TYPE)
const CHILD_OF_VALUE = utf8(CHILD_OF_TEXT)
const STATUS_DESCRIPTION_KEY = utf8(STATUS_DESCRIPTION)
const TRACE_STATE_KEY = utf8(TRACE_STATE)

/** Translates requests. What it keeps is scratch for one span, so several generators of one translator may be under way. */
export class JaegerTranslator {
  readonly #sink: SpanSink
  readonly #span = new SpanView()
  readonly #fields = new Cursor(EMPTY)
  readonly #event = new MessageView()
  readonly #link = new MessageView()
  readonly #traceId = new Uint8Array(TRACE_ID_SIZE)
  readonly #spanId = new Uint8Array(SPAN_ID_SIZE)
  readonly #parentId = new Uint8Array(SPAN_ID_SIZE)
  readonly #linkTraceId = new Uint8Array(TRACE_ID_SIZE)
  readonly #linkSpanId = new Uint8Array(SPAN_ID_SIZE)
  readonly #kinds: (Prepared | undefined)[]
  readonly #statusOk: Prepared
  readonly #statusError: Prepared
  readonly #error: Prepared

  constructor(sink: SpanSink) {
    this.#sink = sink
    this.#kinds = KIND_TEXTS.map(text => (text === '' ? undefined : sink.prepareText(SPAN_KIND, utf8(text))))
    this.#statusOk = sink.prepareText(STATUS_CODE, utf8('OK'))
    this.#statusError = sink.prepareText(STATUS_CODE, utf8('ERROR'))
    this.#error = sink.prepareTrue(ERROR)
  }

  /**
   * One record for each span of a batch, its process included, keyed by the hex of its trace id: 32 digits, or 16 when
   * the upper half is zero. Made one by one as they are asked for: a large resource is repeated in each of its spans.
   */
  *records(chunks: readonly Uint8Array[]): Generator<FormatRecord, void, undefined> {
    const blocks = new Blocks()
    const walker = new ItemWalker(EMPTY, 'traces')
    const around = new Surroundings(this.#sink)
    const keyOf = new TraceKeys()
    for (const chunk of chunks) {
      walker.reset(chunk, 'traces')
      while (walker.next()) {
        around.follow(walker)
        const out = blocks.begin()
        const start = out.pos
        this.#translate(out, walker, around)
        yield { key: keyOf.key(this.#traceId), value: blocks.end(start), items: 1 }
      }
    }
  }

  #translate(out: Writer, { chunk, start, stop }: ItemWalker, around: Surroundings): void {
    const sink = this.#sink
    const span = this.#span.reset(chunk, start, stop)
    copyId(this.#traceId, span, Span.traceId)
    copyId(this.#spanId, span, Span.spanId)
    sink.begin(out, this.#traceId, this.#spanId)
    if (span.has(Span.name)) sink.operationName(chunk, span.startOf(Span.name), span.stopOf(Span.name))
    this.#references(span)
    this.#times(span)
    for (const tag of around.scopeTags) sink.preparedTag(tag)
    this.#tags(chunk, start, stop, Span.attributes)
    this.#spanTags(span)
    if (span.has(Span.events)) this.#logs(chunk, start, stop)
    sink.end(around.process)
  }

  #times(span: MessageView): void {
    readTime(span, Span.startTimeUnixNano)
    const { seconds, nanos } = time
    this.#sink.startTime(seconds, nanos)
    readTime(span, Span.endTimeUnixNano)
    splitDuration(seconds, nanos, time.seconds, time.nanos)
    this.#sink.duration(time.seconds, time.nanos)
  }

  /**
   * The parent first, because readers look for the first CHILD_OF; then the links. A link to the parent only says of
   * which type the reference to it is.
   */
  #references(span: MessageView): void {
    copyId(this.#parentId, span, Span.parentSpanId)
    const hasParent = !isZero(this.#parentId)
    const hasLinks = span.has(Span.links)
    if (hasParent) {
      const type = hasLinks ? this.#parentType(span) : CHILD_OF
      this.#sink.reference(this.#traceId, this.#parentId, type)
    }
    if (!hasLinks) return
    const fields = this.#fields.reset(span.bytes, span.start, span.stop)
    while (fields.next()) {
      if (fields.field !== Span.links) continue
      const type = this.#readLink(fields)
      if (!(hasParent && this.#linksToParent()))
        this.#sink.reference(this.#linkTraceId, this.#linkSpanId, type)
    }
  }

  #parentType(span: MessageView): number {
    let type = CHILD_OF
    const fields = this.#fields.reset(span.bytes, span.start, span.stop)
    while (fields.next()) {
      if (fields.field !== Span.links) continue
      const linkType = this.#readLink(fields)
      if (this.#linksToParent()) type = linkType
    }
    return type
  }

  /** Reads the ids of the link at `fields` and returns its type. */
  #readLink({ bytes, start, stop }: Cursor): number {
    const link = this.#link.reset(bytes, start, stop)
    copyId(this.#linkTraceId, link, SpanLink.traceId)
    copyId(this.#linkSpanId, link, SpanLink.spanId)
    if (!findAttribute(bytes, start, stop, SpanLink.attributes, REF_TYPE_KEY)) return FOLLOWS_FROM
    if (readKind(bytes, foundStart, foundStop) !== AnyValue.stringValue) return FOLLOWS_FROM
    return sameBytes(bytes, valueStart, valueStop, CHILD_OF_VALUE) ? CHILD_OF : FOLLOWS_FROM
  }

  #linksToParent(): boolean {
    return (
      sameBytes(this.#linkSpanId, 0, SPAN_ID_SIZE, this.#parentId) &&
      sameBytes(this.#linkTraceId, 0, TRACE_ID_SIZE, this.#traceId)
    )
  }

  #tags(bytes: Uint8Array, start: number, stop: number, field: number): void {
    const fields = this.#fields.reset(bytes, start, stop)
    while (fields.next()) if (fields.field === field) this.#sink.tag(bytes, fields.start, fields.stop)
  }

  /** What has a field of its own in OTLP and becomes a tag. */
  #spanTags(span: SpanView): void {
    const sink = this.#sink
    const kind = this.#kinds[span.kind]
    if (kind !== undefined) sink.preparedTag(kind)
    if (span.has(Span.status)) this.#statusTags(span)
    const start = span.startOf(Span.traceState)
    const stop = span.stopOf(Span.traceState)
    if (start !== -1 && stop > start) sink.textTag(TRACE_STATE_KEY, span.bytes, start, stop)
  }

  #statusTags(span: SpanView): void {
    const sink = this.#sink
    const { bytes } = span
    const status = this.#event.reset(bytes, span.startOf(Span.status), span.stopOf(Span.status))
    const code = status.int32(Status.code)
    if (code === StatusStatusCode.STATUS_CODE_OK) sink.preparedTag(this.#statusOk)
    else if (code === StatusStatusCode.STATUS_CODE_ERROR) {
      sink.preparedTag(this.#statusError)
      sink.preparedTag(this.#error)
    }
    const start = status.startOf(Status.message)
    const stop = status.stopOf(Status.message)
    if (start !== -1 && stop > start) sink.textTag(STATUS_DESCRIPTION_KEY, bytes, start, stop)
  }

  #logs(bytes: Uint8Array, start: number, stop: number): void {
    const events = new Cursor(bytes, start, stop)
    while (events.next()) {
      if (events.field !== Span.events) continue
      const event = this.#event.reset(bytes, events.start, events.stop)
      readTime(event, SpanEvent.timeUnixNano)
      this.#sink.beginLog(time.seconds, time.nanos)
      const name = event.startOf(SpanEvent.name)
      const nameStop = event.stopOf(SpanEvent.name)
      const named = name !== -1 && nameStop > name
      if (named && !findAttribute(bytes, event.start, event.stop, SpanEvent.attributes, EVENT_KEY))
        this.#sink.textTag(EVENT_KEY, bytes, name, nameStop)
      this.#tags(bytes, event.start, event.stop, SpanEvent.attributes)
      this.#sink.endLog()
    }
  }
}

/** What all spans of a resource and scope have in common, prepared once. */
class Surroundings {
  process: Prepared = EMPTY
  scopeTags: Prepared[] = []
  readonly #sink: SpanSink
  readonly #scope = new MessageView()
  #resource: Range = NO_RANGE
  #scopeAt: Range = NO_RANGE

  constructor(sink: SpanSink) {
    this.#sink = sink
  }

  follow(walker: ItemWalker): void {
    const { chunk, resourceStart, resourceStop, scopeStart, scopeStop } = walker
    if (!isSame(this.#resource, chunk, resourceStart, resourceStop)) {
      this.#resource = { bytes: chunk, start: resourceStart, stop: resourceStop }
      this.process = this.#prepareProcess(chunk, resourceStart, resourceStop)
    }
    if (isSame(this.#scopeAt, chunk, scopeStart, scopeStop)) return
    this.#scopeAt = { bytes: chunk, start: scopeStart, stop: scopeStop }
    const scope = this.#scope.reset(chunk, scopeStart, scopeStop)
    this.scopeTags = []
    const name = utf8(scope.text(InstrumentationScope.name))
    const version = utf8(scope.text(InstrumentationScope.version))
    if (name.length > 0) this.scopeTags.push(this.#sink.prepareText(SCOPE_NAME, name))
    if (version.length > 0) this.scopeTags.push(this.#sink.prepareText(SCOPE_VERSION, version))
  }

  #prepareProcess(bytes: Uint8Array, start: number, stop: number): Prepared {
    let name = EMPTY as Uint8Array
    if (!this.#scope.reset(bytes, start, stop).has(Resource.attributes)) name = utf8(NO_SERVICE_NAME)
    else if (findAttribute(bytes, start, stop, Resource.attributes, SERVICE_NAME_KEY)) {
      if (readKind(bytes, foundStart, foundStop) === AnyValue.stringValue)
        name = bytes.subarray(valueStart, valueStop)
    }
    return this.#sink.prepareProcess(name, bytes, start, stop, SERVICE_NAME_KEY)
  }
}

/** Keys of messages; spans of one trace stand together, so the last one is often right. */
export class TraceKeys {
  readonly #last = new Uint8Array(TRACE_ID_SIZE)
  #key: Uint8Array | undefined

  key(traceId: Uint8Array): Uint8Array {
    if (this.#key !== undefined && sameBytes(traceId, 0, TRACE_ID_SIZE, this.#last)) return this.#key
    this.#last.set(traceId)
    this.#key = traceKey(traceId)
    return this.#key
  }
}

/** Jaeger's spelling of a trace id of 16 bytes: 32 hex digits, or 16 when the upper half is zero. */
export function traceKey(traceId: Uint8Array): Uint8Array {
  let isShort = true
  for (let i = 0; i < TRACE_ID_SIZE - SPAN_ID_SIZE; i++) if (traceId[i] !== 0) isShort = false
  return Buffer.from(readHex(traceId, isShort ? TRACE_ID_SIZE - SPAN_ID_SIZE : 0, TRACE_ID_SIZE), 'latin1')
}

function readTime(message: MessageView, field: number): void {
  const start = message.startOf(field)
  if (start === -1) {
    splitTime(0, 0)
    return
  }
  readFixed64(message.bytes, start)
  splitTime(low, high)
}
