/**
 * Spans as the documents that Jaeger keeps in Elasticsearch, written as JSON text straight from OTLP's bytes.
 *
 * Which field becomes what is what Jaeger 1.76 does: its three sanitizers (internal/jptrace/sanitizer), then its
 * translator (internal/storage/v2/elasticsearch/tracestore/to_dbmodel.go) and its writer's tags as fields
 * (internal/storage/v1/elasticsearch/spanstore/writer.go). That is nearly what the jaeger_* formats beside this do, but a
 * failed span has no `otel.status_code`, flags are kept, and times are microseconds.
 *
 * Different on purpose: NaN and infinities are texts (there the span is lost); invalid keys stay in their place and are
 * numbered from the first; times before 1970 are 0 and flags have 31 bits, as the index has no place for others.
 */

import { isUtf8 } from 'node:buffer'
import { Cursor, high, low, readFixed64 } from '../../otlp/cursor.ts'
import { InstrumentationScope, Span, SpanEvent, Status, StatusStatusCode } from '../../otlp/fields.ts'
import { writeJsonString } from '../../otlp/json-values.ts'
import { MessageView } from '../../otlp/message.ts'
import { SpanView } from '../../otlp/span.ts'
import type { ItemWalker } from '../../otlp/walk.ts'
import type { Writer } from '../../otlp/writer.ts'
import type { CacheBudget } from '../cache-budget.ts'
import { copyId, findAttribute, isSame, NO_RANGE, type Range } from '../jaeger/read-span.ts'
import {
  ERROR,
  EVENT,
  KIND_TEXTS,
  SCOPE_NAME,
  SCOPE_VERSION,
  SPAN_ID_SIZE,
  SPAN_KIND,
  STATUS_CODE,
  STATUS_DESCRIPTION,
  TRACE_ID_SIZE,
  TRACE_STATE,
} from '../jaeger/words.ts'
import { isZero } from '../otlp-spans.ts'
import { contentHash, contentHigh, contentLow, viewOf } from './content-hash.ts'
import { type Counts, noCounts } from './counts.ts'
import { durationWarning, isWarnings, WARNINGS } from './duration-warning.ts'
import { FieldNames, type TagsAsFields } from './field-names.ts'
import { writeAscii, writeHex32, writeHexDigits, writeId, writeNumber } from './letters.ts'
import { NO_PROCESS, type Process, Processes } from './process.ts'
import { References } from './references.ts'
import { type PreparedKey, type PreparedTag, TagWriter } from './tags.ts'
import * as times from './times.ts'
import { isBefore1970, MICRO, MILLI, millisOf, subtract, timestampText, writeDivided } from './times.ts'

export interface SpanDocumentOptions {
  readonly tagsAsFields: TagsAsFields
  /** Longer values of tags, and longer names of operations and services, are cut. */
  readonly maxValueBytes: number
  /** Jaeger writes it from 2.20 on, for what reads no references. */
  readonly parentSpanId: boolean
  /** `@timestamp`, which every document of a data stream must have. */
  readonly timestamp: boolean
}

const EMPTY = new Uint8Array()
/** The index has them as a signed integer; OTLP uses 10 bits. */
const FLAGS_MASK = 0x7fff_ffff
const utf8 = (text: string): Uint8Array => Buffer.from(text)
const COMMA = 0x2c
const CLOSE_ARRAY = 0x5d
const CLOSE_OBJECT = 0x7d

const TRACE_ID = utf8('{"traceID":')
const SPAN_ID = utf8(',"spanID":')
const PARENT_SPAN_ID = utf8(',"parentSpanID":')
const FLAGS = utf8(',"flags":')
const OPERATION_NAME = utf8(',"operationName":')
const START_TIME = utf8(',"startTime":')
const START_TIME_MILLIS = utf8(',"startTimeMillis":')
const DURATION = utf8(',"duration":')
const TIMESTAMP = utf8(',"@timestamp":"')
const QUOTE = 0x22
const UNDERSCORE = 0x5f
const TAGS = utf8(',"tags":')
const NO_LOGS = utf8(',"logs":null')
const LOGS = utf8(',"logs":[')
const LOG_TIME = utf8('{"timestamp":')
const FIELDS = utf8(',"fields":')

const EVENT_KEY = utf8(EVENT)
const SCOPE_TAGS = [
  [SCOPE_NAME, InstrumentationScope.name],
  [SCOPE_VERSION, InstrumentationScope.version],
] as const
const INVALID_NAME = 'invalid-span-name'
const INVALID_NAME_BYTES = utf8(INVALID_NAME)

/** One for each exporter. `begin` reads what decides where the document goes, `write` writes it. */
export class SpanDocuments {
  readonly counts: Counts = noCounts()
  /** Of the span that was begun: */
  process: Process = NO_PROCESS
  /** when it began, ms since 1970. */
  startMillis = 0
  /** true when it began earlier than documents can say, which is counted; `startMillis` is 0 then. */
  isBefore1970 = false
  /** the name of its operation, UTF-8. */
  operation: Uint8Array = EMPTY
  operationStart = 0
  operationStop = 0

  readonly #options: SpanDocumentOptions
  readonly #tags: TagWriter
  readonly #processes: Processes
  readonly #span = new SpanView()
  readonly #message = new MessageView()
  readonly #fields = new Cursor(EMPTY)
  readonly #events = new Cursor(EMPTY)
  readonly #traceId = new Uint8Array(TRACE_ID_SIZE)
  readonly #spanId = new Uint8Array(SPAN_ID_SIZE)
  readonly #parentId = new Uint8Array(SPAN_ID_SIZE)
  readonly #references = new References()
  readonly #kinds: readonly (PreparedTag | undefined)[]
  readonly #statusOk: PreparedTag
  readonly #error: PreparedTag
  readonly #traceState: PreparedKey
  readonly #description: PreparedKey
  readonly #event: PreparedKey
  readonly #warnings: PreparedKey
  /** Of the bytes that `#resource` is in. */
  #view = viewOf(EMPTY)
  #resource: Range = NO_RANGE
  #scope: Range = NO_RANGE
  #scopeTags: PreparedTag[] = []
  #startLow = 0
  #startHigh = 0
  #endLow = 0
  #endHigh = 0

  constructor(options: SpanDocumentOptions, budget: CacheBudget) {
    const tags = new TagWriter(new FieldNames(options.tagsAsFields, budget), options, this.counts)
    this.#options = options
    this.#tags = tags
    this.#processes = new Processes(tags, budget, this.counts)
    this.#kinds = KIND_TEXTS.map(text => (text === '' ? undefined : tags.prepareText(SPAN_KIND, utf8(text))))
    this.#statusOk = tags.prepareText(STATUS_CODE, utf8('OK'))
    this.#error = tags.prepareTrue(ERROR)
    this.#traceState = tags.prepareKey(TRACE_STATE)
    this.#description = tags.prepareKey(STATUS_DESCRIPTION)
    this.#event = tags.prepareKey(EVENT)
    this.#warnings = tags.prepareKey(WARNINGS)
  }

  /** Reads the span that the walker of a traces request stands on. */
  begin({ chunk, start, stop, resourceStart, resourceStop, scopeStart, scopeStop }: ItemWalker): void {
    const sameChunk = this.#resource.bytes === chunk
    if (!sameChunk) this.#view = viewOf(chunk)
    // Contents are compared once for each resource and scope, not for each span.
    if (!sameChunk || this.#resource.start !== resourceStart || this.#resource.stop !== resourceStop) {
      this.#resource = { bytes: chunk, start: resourceStart, stop: resourceStop }
      this.process = this.#processes.get(chunk, resourceStart, resourceStop)
    }
    if (!sameChunk || this.#scope.start !== scopeStart || this.#scope.stop !== scopeStop) {
      if (!isSame(this.#scope, chunk, scopeStart, scopeStop)) this.#prepareScope(chunk, scopeStart, scopeStop)
      this.#scope = { bytes: chunk, start: scopeStart, stop: scopeStop }
    }
    const span = this.#span.reset(chunk, start, stop)
    readTime(span, Span.endTimeUnixNano)
    this.#endLow = timeLow
    this.#endHigh = timeHigh
    readTime(span, Span.startTimeUnixNano)
    this.#startLow = timeLow
    this.#startHigh = timeHigh
    this.isBefore1970 = isBefore1970(timeHigh)
    if (this.isBefore1970) {
      this.counts.impossibleTimes++
      this.startMillis = 0
    } else this.startMillis = millisOf(timeLow, timeHigh)
    this.#readOperation(span)
  }

  /** An id for the document of the span that was begun: both its ids and a hash of the rest, in hex. */
  writeDocumentId(out: Writer): void {
    const span = this.#span
    copyId(this.#traceId, span, Span.traceId)
    copyId(this.#spanId, span, Span.spanId)
    contentHash(this.#view, span.start, span.stop, this.process.hashLow, this.process.hashHigh)
    writeHexDigits(out, this.#traceId)
    out.byte(UNDERSCORE)
    writeHexDigits(out, this.#spanId)
    out.byte(UNDERSCORE)
    writeHex32(out, contentHigh)
    writeHex32(out, contentLow)
  }

  /** Adds the time when the span that was begun began to the JSON object that `out` ends with. */
  writeTimestampAtEnd(out: Writer): void {
    out.rewind(out.pos - 1)
    this.#timestamp(out)
    out.byte(CLOSE_OBJECT)
  }

  #timestamp(out: Writer): void {
    const early = isBefore1970(this.#startHigh)
    out.raw(TIMESTAMP)
    writeAscii(out, timestampText(early ? 0 : this.#startLow, early ? 0 : this.#startHigh))
    out.byte(QUOTE)
  }

  /** Lets go of the request that was walked last. */
  release(): void {
    this.#resource = this.#scope = NO_RANGE
    this.#view = viewOf(EMPTY)
    this.operation = EMPTY
    this.#span.reset(EMPTY)
    this.#message.reset(EMPTY)
    this.#tags.release()
  }

  #readOperation(span: SpanView): void {
    const { bytes } = span
    const start = span.startOf(Span.name)
    this.operation = bytes
    this.operationStart = this.operationStop = Math.max(start, 0)
    if (start === -1) return
    let stop = span.stopOf(Span.name)
    if (!isUtf8Text(bytes, start, stop)) {
      this.operation = INVALID_NAME_BYTES
      this.operationStart = 0
      stop = INVALID_NAME_BYTES.length
    }
    this.operationStop = this.#tags.cut(this.operation, this.operationStart, stop)
  }

  #prepareScope(bytes: Uint8Array, start: number, stop: number): void {
    const scope = this.#message.reset(bytes, start, stop)
    this.#scopeTags = []
    for (const [key, field] of SCOPE_TAGS) {
      const from = scope.startOf(field)
      const to = scope.stopOf(field)
      if (from !== -1 && to > from)
        this.#scopeTags.push(this.#tags.prepareText(key, bytes.subarray(from, to)))
    }
  }

  /** The document of the span that was begun: one line of JSON. */
  write(out: Writer): void {
    const span = this.#span
    copyId(this.#traceId, span, Span.traceId)
    copyId(this.#spanId, span, Span.spanId)
    copyId(this.#parentId, span, Span.parentSpanId)
    out.raw(TRACE_ID)
    writeId(out, this.#traceId)
    out.raw(SPAN_ID)
    writeId(out, this.#spanId)
    if (this.#options.parentSpanId && !isZero(this.#parentId)) {
      out.raw(PARENT_SPAN_ID)
      writeId(out, this.#parentId)
    }
    const flags = span.flags & FLAGS_MASK
    if (flags !== 0) {
      out.raw(FLAGS)
      writeNumber(out, flags)
    }
    out.raw(OPERATION_NAME)
    writeJsonString(out, this.operation, this.operationStart, this.operationStop)
    this.#references.write(out, span, this.#traceId, this.#parentId)
    const fixed = this.#times(out)
    this.#writeTags(out, span, fixed)
    if (span.has(Span.events)) this.#logs(out, span)
    else out.raw(NO_LOGS)
    out.byte(COMMA)
    out.raw(this.process.json)
    out.byte(CLOSE_OBJECT)
  }

  /** True when the span ended no later than it began, which Jaeger makes 1 ns, and says so in a tag. */
  #times(out: Writer): boolean {
    const early = isBefore1970(this.#startHigh)
    const low = early ? 0 : this.#startLow
    const high = early ? 0 : this.#startHigh
    out.raw(START_TIME)
    const from = out.pos
    writeDivided(out, low, high, MICRO)
    const digits = out.pos - from
    out.raw(START_TIME_MILLIS)
    // The same digits without the last three.
    if (digits > 3) out.raw(out.bytes, from, from + digits - 3)
    else writeDivided(out, low, high, MILLI)
    out.raw(DURATION)
    const positive = subtract(this.#endLow, this.#endHigh, this.#startLow, this.#startHigh)
    writeDivided(out, positive ? times.differenceLow : 0, positive ? times.differenceHigh : 0, MICRO)
    if (this.#options.timestamp) this.#timestamp(out)
    return !positive
  }

  #writeTags(out: Writer, span: SpanView, fixed: boolean): void {
    const tags = this.#tags
    const { bytes } = span
    out.raw(TAGS)
    tags.begin(out, 'span')
    for (const tag of this.#scopeTags) tags.prepared(tag)
    let warned = false
    const fields = this.#fields.reset(bytes, span.start, span.stop)
    while (fields.next()) {
      if (fields.field !== Span.attributes) continue
      if (fixed && !warned && isWarnings(bytes, fields.start, fields.stop)) {
        warned = true
        this.#warning(bytes, fields.start, fields.stop)
      } else tags.attribute(bytes, fields.start, fields.stop)
    }
    if (this.operation === INVALID_NAME_BYTES) {
      this.counts.invalidText++
      tags.binary(INVALID_NAME, bytes.subarray(span.startOf(Span.name), span.stopOf(Span.name)))
    }
    if (fixed) this.counts.fixedDurations++
    if (fixed && !warned) this.#warning(EMPTY, 0, 0)
    const kind = this.#kinds[span.kind]
    if (kind !== undefined) tags.prepared(kind)
    if (span.has(Span.status)) this.#statusTags(span)
    const start = span.startOf(Span.traceState)
    const stop = span.stopOf(Span.traceState)
    if (start !== -1 && stop > start) tags.text(this.#traceState, bytes, start, stop)
    tags.end('null')
    tags.writeFields(out)
  }

  /** The tag with the warnings, of which those in the attribute that there is already come first. */
  #warning(bytes: Uint8Array, start: number, stop: number): void {
    const text = utf8(
      durationWarning(
        bytes.subarray(start, stop),
        this.#startLow,
        this.#startHigh,
        this.#endLow,
        this.#endHigh,
      ),
    )
    this.#tags.text(this.#warnings, text, 0, text.length)
  }

  #statusTags(span: SpanView): void {
    const tags = this.#tags
    const { bytes } = span
    const status = this.#message.reset(bytes, span.startOf(Span.status), span.stopOf(Span.status))
    const code = status.int32(Status.code)
    if (code === StatusStatusCode.STATUS_CODE_OK) tags.prepared(this.#statusOk)
    else if (code === StatusStatusCode.STATUS_CODE_ERROR) tags.prepared(this.#error)
    const start = status.startOf(Status.message)
    const stop = status.stopOf(Status.message)
    if (start !== -1 && stop > start) tags.text(this.#description, bytes, start, stop)
  }

  #logs(out: Writer, span: SpanView): void {
    const tags = this.#tags
    const { bytes } = span
    out.raw(LOGS)
    let first = true
    const events = this.#events.reset(bytes, span.start, span.stop)
    while (events.next()) {
      if (events.field !== Span.events) continue
      const event = this.#message.reset(bytes, events.start, events.stop)
      if (!first) out.byte(COMMA)
      first = false
      readTime(event, SpanEvent.timeUnixNano)
      const early = isBefore1970(timeHigh)
      out.raw(LOG_TIME)
      writeDivided(out, early ? 0 : timeLow, early ? 0 : timeHigh, MICRO)
      out.raw(FIELDS)
      tags.begin(out, 'log')
      const name = event.startOf(SpanEvent.name)
      const nameStop = event.stopOf(SpanEvent.name)
      const named = name !== -1 && nameStop > name
      if (named && !findAttribute(bytes, events.start, events.stop, SpanEvent.attributes, EVENT_KEY))
        tags.text(this.#event, bytes, name, nameStop)
      const fields = this.#fields.reset(bytes, events.start, events.stop)
      while (fields.next())
        if (fields.field === SpanEvent.attributes) tags.attribute(bytes, fields.start, fields.stop)
      tags.end('[]')
      out.byte(CLOSE_OBJECT)
    }
    out.byte(CLOSE_ARRAY)
  }
}

/** The 64 bits that `readTime` read, 0 where the field is absent. */
let timeLow = 0
let timeHigh = 0

function readTime(message: MessageView, field: number): void {
  const start = message.startOf(field)
  timeLow = timeHigh = 0
  if (start === -1) return
  readFixed64(message.bytes, start)
  timeLow = low
  timeHigh = high
}

/** ASCII, as nearly all names are, or else UTF-8. */
function isUtf8Text(bytes: Uint8Array, start: number, stop: number): boolean {
  for (let i = start; i < stop; i++) if (bytes[i]! >= 0x80) return isUtf8(bytes.subarray(start, stop))
  return true
}
