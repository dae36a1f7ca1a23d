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
import * as fields from '../../otlp/fields.ts'
import { writeJsonString } from '../../otlp/json-values.ts'
import { MessageView } from '../../otlp/message.ts'
import type { ItemWalker } from '../../otlp/walk.ts'
import type { Writer } from '../../otlp/writer.ts'
import type { CacheBudget } from '../cache-budget.ts'
import type { Frame } from '../deflate/frame.ts'
import { Pieces } from '../deflate/pieces.ts'
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
import { type Counts, noCounts } from './counts.ts'
import { durationWarning, isWarnings, WARNINGS } from './duration-warning.ts'
import { FieldNames, type TagsAsFields } from './field-names.ts'
import { HexId } from './hex-id.ts'
import { KnownFlags } from './known-flags.ts'
import { type KnownName, KnownNames } from './known-names.ts'
import { isUtf8Text, writeHex32 } from './letters.ts'
import { NO_PROCESS, type Process, Processes } from './process.ts'
import { References } from './references.ts'
import { type SpanPieces, spanPieces } from './span-pieces.ts'
import { SpanRanges } from './span-ranges.ts'
import { SpanTimes } from './span-times.ts'
import { joined, type PreparedKey, type PreparedTag } from './tag-words.ts'
import { TagWriter } from './tags.ts'
import { isBefore1970, MICRO, writeDivided } from './times.ts'

export interface SpanDocumentOptions {
  readonly tagsAsFields: TagsAsFields
  /** Longer values of tags, and longer names of operations and services, are cut. */
  readonly maxValueBytes: number
  /** Jaeger writes it from 2.20 on, for what reads no references. */
  readonly parentSpanId: boolean
  /** `@timestamp`, which every document of a data stream must have. */
  readonly timestamp: boolean
}

// V8 knows the values of a module's own constants; those that it imports are looked up each time.
const { InstrumentationScope, Span, SpanEvent, Status, StatusStatusCode } = fields

const EMPTY = new Uint8Array()
/** The index has them as a signed integer; OTLP uses 10 bits. */
const FLAGS_MASK = 0x7fff_ffff
const utf8 = (text: string): Uint8Array => Buffer.from(text)
const COMMA = 0x2c
const ZERO = 0x30
const CLOSE_OBJECT = 0x7d

const UNDERSCORE = 0x5f
const TRACE_ID = utf8('{"traceID":"')
/** The end of the line that says where the document goes comes first. */
const TRACE_ID_BEHIND_ID = utf8('"}}\n{"traceID":"')
const SPAN_ID = utf8('","spanID":"')
const LOGS = utf8(',"logs":[')
const LOGS_END = utf8('],')
const LOG_TIME = utf8('{"timestamp":')

const EVENT_KEY = utf8(EVENT)
const SCOPE_TAGS = [
  [SCOPE_NAME, InstrumentationScope.name],
  [SCOPE_VERSION, InstrumentationScope.version],
] as const
const INVALID_NAME = 'invalid-span-name'
const INVALID_NAME_BYTES = utf8(INVALID_NAME)

/** One for each exporter. `begin` reads what decides where the document goes, `write` writes it, once. */
export class SpanDocuments {
  readonly counts: Counts = noCounts()
  /** Of the span that was begun: */
  process: Process = NO_PROCESS
  /** the name of its operation, UTF-8. */
  operation: Uint8Array = EMPTY
  operationStart = 0
  operationStop = 0
  /** What is known of that name, unless it is empty or long. */
  name: KnownName | undefined

  readonly #options: SpanDocumentOptions
  readonly #tags: TagWriter
  readonly #processes: Processes
  readonly #pieces: Pieces
  readonly #words: SpanPieces
  readonly #flags: KnownFlags
  readonly #names: KnownNames
  readonly #times: SpanTimes
  readonly #span = new SpanRanges()
  readonly #message = new MessageView()
  readonly #fields = new Cursor(EMPTY)
  readonly #events = new Cursor(EMPTY)
  readonly #traceId: HexId
  readonly #spanId: HexId
  readonly #parentId: HexId
  readonly #references: References
  /** What a document begins with: alone, and behind its id. */
  #alone: Frame | undefined
  #behindId: Frame | undefined
  readonly #kinds: readonly (PreparedTag | undefined)[]
  readonly #statusOk: PreparedTag
  readonly #error: PreparedTag
  readonly #traceState: PreparedKey
  readonly #description: PreparedKey
  readonly #event: PreparedKey
  readonly #warnings: PreparedKey
  #resource: Range = NO_RANGE
  #scope: Range = NO_RANGE
  #scopeTags: PreparedTag[] = []
  readonly #scopePlaces: readonly number[]

  /** All that is written goes to one text, in which `pieces` are. */
  constructor(options: SpanDocumentOptions, budget: CacheBudget, pieces = new Pieces()) {
    const tags = new TagWriter(
      new FieldNames(options.tagsAsFields, budget),
      options,
      this.counts,
      pieces,
      this.#span.memory,
    )
    this.#options = options
    this.#pieces = pieces
    this.#words = spanPieces(pieces)
    this.#flags = new KnownFlags(pieces)
    this.#names = new KnownNames(pieces)
    this.#times = new SpanTimes(pieces)
    this.#traceId = new HexId(TRACE_ID_SIZE, pieces)
    this.#spanId = new HexId(SPAN_ID_SIZE, pieces)
    this.#parentId = new HexId(SPAN_ID_SIZE, pieces)
    this.#references = new References(pieces, this.#traceId)
    this.#scopePlaces = SCOPE_TAGS.map(() => pieces.place())
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

  /** When the span that was begun began, ms since 1970. */
  get startMillis(): number {
    return this.#times.startMillis
  }

  /** True when it began earlier than documents can say, which is counted; `startMillis` is 0 then. */
  get isBefore1970(): boolean {
    return this.#times.isBefore1970
  }

  /** Reads the span that the walker of a traces request stands on. */
  begin({ chunk, start, stop, resourceStart, resourceStop, scopeStart, scopeStop }: ItemWalker): void {
    const sameChunk = this.#resource.bytes === chunk
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
    this.#traceId.read(span, Span.traceId)
    this.#spanId.read(span, Span.spanId)
    this.#parentId.read(span, Span.parentSpanId)
    this.#times.read(span)
    if (this.#times.isBefore1970) this.counts.impossibleTimes++
    this.#readOperation(span)
  }

  /**
   * The document with an id, which is written first, to the end of the line that says where the document goes: the span's id
   * and a hash of all of the span, in hex.
   */
  writeWithId(out: Writer): void {
    this.#documentId(out)
    this.#behindId ??= this.#traceId.frame(TRACE_ID_BEHIND_ID, SPAN_ID)
    this.#write(out, this.#behindId)
  }

  #documentId(out: Writer): void {
    const span = this.#span
    span.hash(this.process.hashLow, this.process.hashHigh)
    this.#spanId.writeDigits(out)
    out.byte(UNDERSCORE)
    writeHex32(out, span.hashHigh)
    writeHex32(out, span.hashLow)
  }

  /** Adds the time when the span that was begun began to the JSON object that `out` ends with. */
  writeTimestampAtEnd(out: Writer): void {
    out.rewind(out.pos - 1)
    this.#times.writeTimestamp(out)
    out.byte(CLOSE_OBJECT)
  }

  /** Lets go of the request that was walked last. */
  release(): void {
    this.#resource = this.#scope = NO_RANGE
    this.operation = EMPTY
    this.name = undefined
    this.#span.release()
    this.#tags.release()
    this.#message.reset(EMPTY)
  }

  #readOperation(span: SpanRanges): void {
    const { bytes } = span
    const start = span.startOf(Span.name)
    this.name = undefined
    this.operation = bytes
    this.operationStart = this.operationStop = Math.max(start, 0)
    if (start === -1) return
    let stop = span.stopOf(Span.name)
    this.operationStop = stop
    this.name = this.#names.find(bytes, start, stop)
    if (this.name !== undefined) return
    if (!isUtf8Text(bytes, start, stop)) {
      this.operation = INVALID_NAME_BYTES
      this.operationStart = 0
      stop = INVALID_NAME_BYTES.length
    }
    this.operationStop = this.#tags.values.cut(this.operation, this.operationStart, stop)
    // What is counted must be counted again.
    if (this.operation === bytes && this.operationStop === stop)
      this.name = this.#names.keep(bytes, start, stop)
  }

  #prepareScope(bytes: Uint8Array, start: number, stop: number): void {
    const scope = this.#message.reset(bytes, start, stop)
    const made: PreparedTag[] = []
    for (const [i, [key, field]] of SCOPE_TAGS.entries()) {
      const from = scope.startOf(field)
      const to = scope.stopOf(field)
      if (from === -1 || to === from) continue
      made.push(this.#tags.prepareText(key, bytes.subarray(from, to), this.#scopePlaces[i]))
    }
    // All of them are in every span of the scope, one behind the other.
    this.#scopeTags = made.some(({ name }) => name !== undefined) ? made : joined(made, this.#pieces)
  }

  /** The document of the span that was begun: one line of JSON, its end included. */
  write(out: Writer): void {
    this.#alone ??= this.#traceId.frame(TRACE_ID, SPAN_ID)
    this.#write(out, this.#alone)
  }

  #write(out: Writer, start: Frame): void {
    const span = this.#span
    const pieces = this.#pieces
    const words = this.#words
    this.#traceId.writeFramed(out, start)
    this.#spanId.write(out)
    if (this.#options.parentSpanId && !this.#parentId.isZero) {
      pieces.write(out, words.parentSpanId)
      this.#parentId.write(out)
    }
    const flags = span.flags & FLAGS_MASK
    pieces.write(out, flags === 0 ? words.operationBehindId : this.#flags.of(flags))
    if (this.name !== undefined) pieces.write(out, this.name.json)
    else writeJsonString(out, this.operation, this.operationStart, this.operationStop)
    this.#references.write(out, span, this.#traceId, this.#parentId)
    const fixed = this.#times.write(out)
    if (this.#options.timestamp) this.#times.writeTimestamp(out)
    const bracket = this.#writeTags(out, span, fixed)
    if (span.has(Span.events)) {
      if (bracket !== 0) out.byte(bracket)
      this.#logs(out, span)
    } else if (bracket === CLOSE_OBJECT) pieces.write(out, words.noLogsBehindFields)
    else pieces.write(out, bracket === 0 ? words.noLogs : words.noLogsBehindList)
    pieces.write(out, this.process.json)
  }

  /** Returns the bracket that is still to be closed, or 0. */
  #writeTags(out: Writer, span: SpanRanges, fixed: boolean): number {
    const tags = this.#tags
    const { bytes } = span
    tags.begin(out, 'span')
    for (const tag of this.#scopeTags) tags.prepared(tag)
    const warned = fixed && this.#warnedAttributes(span)
    if (!fixed) tags.attributes(span)
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
    return tags.end('null')
  }

  /** The attributes, and the warning where warnings are. False when none has any. */
  #warnedAttributes({ bytes, attributes, attributesEnd }: SpanRanges): boolean {
    let warned = false
    for (let i = 0; i < attributesEnd; i += 2) {
      const start = attributes[i]!
      const stop = attributes[i + 1]!
      if (!warned && isWarnings(bytes, start, stop)) {
        warned = true
        this.#warning(bytes, start, stop)
      } else this.#tags.attribute(bytes, start, stop)
    }
    return warned
  }

  /** The tag with the warnings, of which those in the attribute that there is already come first. */
  #warning(bytes: Uint8Array, start: number, stop: number): void {
    const text = utf8(
      durationWarning(
        bytes.subarray(start, stop),
        this.#times.startLow,
        this.#times.startHigh,
        this.#times.endLow,
        this.#times.endHigh,
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
      const time = event.startOf(SpanEvent.timeUnixNano)
      out.raw(LOG_TIME)
      if (time === -1) out.byte(ZERO)
      else {
        readFixed64(bytes, time)
        writeDivided(out, isBefore1970(high) ? 0 : low, isBefore1970(high) ? 0 : high, MICRO)
      }
      tags.begin(out, 'log')
      const name = event.startOf(SpanEvent.name)
      const nameStop = event.stopOf(SpanEvent.name)
      const named = name !== -1 && nameStop > name
      if (named && !findAttribute(bytes, events.start, events.stop, SpanEvent.attributes, EVENT_KEY))
        tags.text(this.#event, bytes, name, nameStop)
      const fields = this.#fields.reset(bytes, events.start, events.stop)
      while (fields.next())
        if (fields.field === SpanEvent.attributes) tags.attribute(bytes, fields.start, fields.stop)
      const bracket = tags.end('[]')
      if (bracket !== 0) out.byte(bracket)
      out.byte(CLOSE_OBJECT)
    }
    out.raw(LOGS_END)
  }
}
