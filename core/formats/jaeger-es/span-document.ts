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

import { Cursor, high, low, readFixed64 } from '../../otlp/cursor.ts'
import { InstrumentationScope, Span, SpanEvent, Status, StatusStatusCode } from '../../otlp/fields.ts'
import { writeJsonString } from '../../otlp/json-values.ts'
import { MessageView } from '../../otlp/message.ts'
import type { ItemWalker } from '../../otlp/walk.ts'
import type { Writer } from '../../otlp/writer.ts'
import type { CacheBudget } from '../cache-budget.ts'
import { Repeats } from '../deflate/repeats.ts'
import { findAttribute, isSame, NO_RANGE, type Range } from '../jaeger/read-span.ts'
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
import { contentHash, contentHigh, contentLow, viewOf } from './content-hash.ts'
import { type Counts, noCounts } from './counts.ts'
import { durationWarning, isWarnings, WARNINGS } from './duration-warning.ts'
import { FieldNames, type TagsAsFields } from './field-names.ts'
import { HexId } from './hex-id.ts'
import { isUtf8Text, writeAscii, writeHex32, writeNumber } from './letters.ts'
import { NO_PROCESS, type Process, Processes } from './process.ts'
import { References } from './references.ts'
import { type SpanPieces, spanPieces } from './span-pieces.ts'
import { type Ranges, SpanRanges } from './span-ranges.ts'
import type { PreparedKey, PreparedTag } from './tag-words.ts'
import { TagWriter } from './tags.ts'
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

const TIMESTAMP = utf8(',"@timestamp":"')
const QUOTE = 0x22
const UNDERSCORE = 0x5f
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
  readonly #repeats: Repeats
  readonly #pieces: SpanPieces
  readonly #span = new SpanRanges()
  readonly #message = new MessageView()
  readonly #fields = new Cursor(EMPTY)
  readonly #events = new Cursor(EMPTY)
  readonly #traceId: HexId
  readonly #spanId: HexId
  readonly #parentId: HexId
  readonly #references: References
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
  readonly #scopePlaces: readonly number[]
  #startLow = 0
  #startHigh = 0
  #endLow = 0
  #endHigh = 0

  /** `repeats` is told of what is written, all of it to one text. */
  constructor(options: SpanDocumentOptions, budget: CacheBudget, repeats = new Repeats(false)) {
    const tags = new TagWriter(new FieldNames(options.tagsAsFields, budget), options, this.counts, repeats)
    this.#options = options
    this.#repeats = repeats
    this.#pieces = spanPieces(repeats)
    this.#traceId = new HexId(TRACE_ID_SIZE, repeats)
    this.#spanId = new HexId(SPAN_ID_SIZE, repeats)
    this.#parentId = new HexId(SPAN_ID_SIZE, repeats)
    this.#references = new References(repeats)
    this.#scopePlaces = SCOPE_TAGS.map(() => repeats.place())
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
      this.process = this.#processes.get(chunk, this.#view, resourceStart, resourceStop)
    }
    if (!sameChunk || this.#scope.start !== scopeStart || this.#scope.stop !== scopeStop) {
      if (!isSame(this.#scope, chunk, scopeStart, scopeStop)) this.#prepareScope(chunk, scopeStart, scopeStop)
      this.#scope = { bytes: chunk, start: scopeStart, stop: scopeStop }
    }
    const span = this.#span.reset(chunk, start, stop)
    this.#traceId.read(span, Span.traceId)
    this.#spanId.read(span, Span.spanId)
    this.#parentId.read(span, Span.parentSpanId)
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
    contentHash(this.#view, span.start, span.stop, this.process.hashLow, this.process.hashHigh)
    this.#traceId.writeDigits(out)
    out.byte(UNDERSCORE)
    this.#spanId.writeDigits(out)
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
    this.#tags.release()
    this.#message.reset(EMPTY)
  }

  #readOperation(span: SpanRanges): void {
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
    for (const [i, [key, field]] of SCOPE_TAGS.entries()) {
      const from = scope.startOf(field)
      const to = scope.stopOf(field)
      if (from === -1 || to === from) continue
      this.#scopeTags.push(this.#tags.prepareText(key, bytes.subarray(from, to), this.#scopePlaces[i]))
    }
  }

  /** The document of the span that was begun: one line of JSON. */
  write(out: Writer): void {
    const span = this.#span
    const repeats = this.#repeats
    const pieces = this.#pieces
    repeats.write(out, pieces.traceId)
    this.#traceId.write(out)
    repeats.write(out, pieces.spanId)
    this.#spanId.write(out)
    if (this.#options.parentSpanId && !this.#parentId.isZero) {
      repeats.write(out, pieces.parentSpanId)
      this.#parentId.write(out)
    }
    const flags = span.flags & FLAGS_MASK
    if (flags !== 0) {
      repeats.write(out, pieces.flags)
      writeNumber(out, flags)
    }
    repeats.write(out, pieces.operationName)
    writeJsonString(out, this.operation, this.operationStart, this.operationStop)
    this.#references.write(out, span, this.#traceId, this.#parentId)
    const fixed = this.#times(out)
    this.#writeTags(out, span, fixed)
    if (span.has(Span.events)) this.#logs(out, span)
    else repeats.write(out, pieces.noLogs)
    repeats.write(out, this.process.json)
    out.byte(CLOSE_OBJECT)
  }

  /** True when the span ended no later than it began, which Jaeger makes 1 ns, and says so in a tag. */
  #times(out: Writer): boolean {
    const early = isBefore1970(this.#startHigh)
    const low = early ? 0 : this.#startLow
    const high = early ? 0 : this.#startHigh
    const repeats = this.#repeats
    const pieces = this.#pieces
    repeats.write(out, pieces.startTime)
    const from = out.pos
    writeDivided(out, low, high, MICRO)
    const digits = out.pos - from
    repeats.write(out, pieces.startTimeMillis)
    // The same digits without the last three.
    if (digits > 3) {
      repeats.copied(out.pos, digits - 3, out.pos - from)
      out.raw(out.bytes, from, from + digits - 3)
    } else writeDivided(out, low, high, MILLI)
    repeats.write(out, pieces.duration)
    const positive = subtract(this.#endLow, this.#endHigh, this.#startLow, this.#startHigh)
    writeDivided(out, positive ? times.differenceLow : 0, positive ? times.differenceHigh : 0, MICRO)
    if (this.#options.timestamp) this.#timestamp(out)
    return !positive
  }

  #writeTags(out: Writer, span: SpanRanges, fixed: boolean): void {
    const tags = this.#tags
    const { bytes } = span
    this.#repeats.write(out, this.#pieces.tags)
    tags.begin(out, 'span', this.#view)
    for (const tag of this.#scopeTags) tags.prepared(tag)
    let warned = false
    const { attributes, attributesEnd } = span
    for (let i = 0; i < attributesEnd; i += 2) {
      const start = attributes[i]!
      const stop = attributes[i + 1]!
      if (fixed && !warned && isWarnings(bytes, start, stop)) {
        warned = true
        this.#warning(bytes, start, stop)
      } else tags.attribute(bytes, start, stop)
    }
    if (this.operation === INVALID_NAME_BYTES) {
      this.counts.invalidText++
      tags.binary(INVALID_NAME, bytes.subarray(span.startOf(Span.name), span.stopOf(Span.name)))
    }
    if (fixed) this.counts.fixedDurations++
    if (fixed && !warned) this.#warning(EMPTY, 0, 0)
    const kind = this.#kinds[span.kind]
    if (kind !== undefined) tags.prepared(kind)
    if (span.stopOf(Span.status) > span.startOf(Span.status) && span.has(Span.status)) this.#statusTags(span)
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

  #statusTags(span: SpanRanges): void {
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

  #logs(out: Writer, span: SpanRanges): void {
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
      tags.begin(out, 'log', this.#view)
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
    out.byte(COMMA)
  }
}

/** The 64 bits that `readTime` read, 0 where the field is absent. */
let timeLow = 0
let timeHigh = 0

function readTime(message: Ranges, field: number): void {
  const start = message.startOf(field)
  timeLow = timeHigh = 0
  if (start === -1) return
  readFixed64(message.bytes, start)
  timeLow = low
  timeHigh = high
}
