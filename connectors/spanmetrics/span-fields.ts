/**
 * What is counted of a span, found in one walk over its bytes; nothing is allocated. Bytes have passed the door.
 *
 *     Span { trace_id 1, span_id 2, trace_state 3, name 5, kind 6, start 7, end 8, attributes 9, events 11, status 15 }
 */

import { Cursor, I64, LEN, low, readFixed32, readVarint64, VARINT } from '../../core/otlp/cursor.ts'
import { KeyValue, Span, Status } from '../../core/otlp/fields.ts'
import type { KeySet } from '../../core/otlp/keys.ts'
import { SlotValues } from './slot-values.ts'

const TWO_32 = 0x1_0000_0000
const EMPTY = new Uint8Array()

const KEY_TAG = (KeyValue.key << 3) | LEN
const TRACE_ID = (Span.traceId << 3) | LEN
const SPAN_ID = (Span.spanId << 3) | LEN
const TRACE_STATE = (Span.traceState << 3) | LEN
const NAME = (Span.name << 3) | LEN
const KIND = (Span.kind << 3) | VARINT
const START = (Span.startTimeUnixNano << 3) | I64
const END = (Span.endTimeUnixNano << 3) | I64
const ATTRIBUTES = (Span.attributes << 3) | LEN
const EVENTS = (Span.events << 3) | LEN
const STATUS = (Span.status << 3) | LEN

export class SpanFields {
  bytes: Uint8Array
  /** The Span itself. */
  start: number
  stop: number
  nameStart: number
  nameStop: number
  /** Equal start and stop: there is none. */
  stateStart: number
  stateStop: number
  /** -1: there is none. */
  traceId: number
  spanId: number
  kind: number
  status: number
  /** End minus start in nanoseconds; 0 for spans that end before they start. */
  durationNs: number
  hasEvents: boolean
  readonly values: SlotValues
  readonly #wantsValues: boolean
  /** 0 where no key that is asked for has so many bytes; from 128 on nobody knows. */
  readonly #lengths: Uint8Array
  readonly #cursor: Cursor
  readonly #inner: Cursor

  /** `keys`: the attributes that are asked for. */
  constructor(keys: KeySet) {
    this.bytes = EMPTY
    this.start = this.stop = 0
    this.nameStart = this.nameStop = 0
    this.stateStart = this.stateStop = 0
    this.traceId = this.spanId = -1
    this.kind = this.status = 0
    this.durationNs = 0
    this.hasEvents = false
    this.values = new SlotValues(keys)
    this.#wantsValues = keys.size > 0
    this.#lengths = new Uint8Array(256).fill(1)
    this.#lengths.set(keys.lengths)
    this.#cursor = new Cursor(EMPTY)
    this.#inner = new Cursor(EMPTY)
  }

  read(bytes: Uint8Array, start: number, stop: number): void {
    const values = this.values
    const wantsValues = this.#wantsValues
    const lengths = this.#lengths
    if (wantsValues) values.reset(bytes)
    let nameStart = 0
    let nameStop = 0
    let stateStart = 0
    let stateStop = 0
    let traceId = -1
    let spanId = -1
    let kind = 0
    let status = 0
    let begin = -1
    let end = -1
    let hasEvents = false
    let pos = start
    // Written out instead of using a Cursor: this loop is most of what a span costs.
    while (pos < stop) {
      const at = pos
      const tag = bytes[pos++]!
      const wire = tag & 7
      if (wire === LEN && tag < 0x80) {
        let length = bytes[pos++]!
        if (length >= 0x80) {
          const second = bytes[pos]!
          if (second < 0x80) {
            length = (length & 0x7f) | (second << 7)
            pos++
          } else {
            const cursor = this.#cursor.reset(bytes, at, stop)
            cursor.next()
            pos = cursor.start
            length = cursor.stop - pos
          }
        }
        const from = pos
        pos += length
        switch (tag) {
          case ATTRIBUTES:
            // Most attributes are known by the length of their key to be others.
            if (wantsValues && (bytes[from] !== KEY_TAG || lengths[bytes[from + 1]!] !== 0))
              values.note(from, pos)
            break
          case TRACE_ID:
            traceId = length === 16 ? from : -1
            break
          case SPAN_ID:
            spanId = length === 8 ? from : -1
            break
          case NAME:
            nameStart = from
            nameStop = pos
            break
          case STATUS:
            status = this.#statusOf(bytes, from, pos)
            break
          case EVENTS:
            hasEvents = true
            break
          case TRACE_STATE:
            stateStart = from
            stateStop = pos
            break
        }
      } else if (wire === I64 && tag < 0x80) {
        if (tag === START) begin = pos
        else if (tag === END) end = pos
        pos += 8
      } else if (tag === KIND && bytes[pos]! < 0x80) kind = bytes[pos++]!
      else {
        const cursor = this.#cursor.reset(bytes, at, stop)
        cursor.next()
        pos = cursor.pos
        // Numbers that somebody wrote in a long way.
        if (cursor.field === Span.kind && cursor.wire === VARINT) {
          readVarint64(bytes, cursor.start)
          kind = low | 0
        } else if (cursor.field < 16 && cursor.wire !== VARINT) {
          this.#readSlowly(bytes, start, stop)
          return
        }
      }
    }
    this.bytes = bytes
    this.start = start
    this.stop = stop
    this.nameStart = nameStart
    this.nameStop = nameStop
    this.stateStart = stateStart
    this.stateStop = stateStop
    this.traceId = traceId
    this.spanId = spanId
    this.kind = kind
    this.status = status
    this.hasEvents = hasEvents
    this.durationNs = nanosBetween(bytes, begin, end)
  }

  /** Lets go of the bytes. */
  release(): void {
    this.bytes = EMPTY
    this.values.reset(EMPTY)
    this.#cursor.reset(EMPTY, 0, 0)
    this.#inner.reset(EMPTY, 0, 0)
  }

  /** A tag of a field below 16 in more than one byte: legal, and nobody writes it. */
  #readSlowly(bytes: Uint8Array, start: number, stop: number): void {
    this.values.reset(bytes)
    this.bytes = bytes
    this.start = start
    this.stop = stop
    this.nameStart = this.nameStop = this.stateStart = this.stateStop = 0
    this.traceId = this.spanId = -1
    this.kind = this.status = 0
    this.hasEvents = false
    let begin = -1
    let end = -1
    const c = this.#cursor.reset(bytes, start, stop)
    while (c.next()) {
      if (c.field === Span.name) {
        this.nameStart = c.start
        this.nameStop = c.stop
      } else if (c.field === Span.traceState) {
        this.stateStart = c.start
        this.stateStop = c.stop
      } else if (c.field === Span.traceId) this.traceId = c.stop - c.start === 16 ? c.start : -1
      else if (c.field === Span.spanId) this.spanId = c.stop - c.start === 8 ? c.start : -1
      else if (c.field === Span.startTimeUnixNano) begin = c.start
      else if (c.field === Span.endTimeUnixNano) end = c.start
      else if (c.field === Span.attributes) this.values.note(c.start, c.stop)
      else if (c.field === Span.events) this.hasEvents = true
      else if (c.field === Span.status) this.status = this.#statusOf(bytes, c.start, c.stop)
      else if (c.field === Span.kind) {
        readVarint64(bytes, c.start)
        this.kind = low | 0
      }
    }
    this.durationNs = nanosBetween(bytes, begin, end)
  }

  #statusOf(bytes: Uint8Array, start: number, stop: number): number {
    const c = this.#inner.reset(bytes, start, stop)
    let code = 0
    while (c.next()) {
      if (c.field !== Status.code) continue
      readVarint64(bytes, c.start)
      code = low | 0
    }
    return code
  }
}

/** Both positions may be -1: a time that is not there is 0. */
function nanosBetween(bytes: Uint8Array, begin: number, end: number): number {
  if (end < 0) return 0
  let high = readFixed32(bytes, end + 4)
  let low = readFixed32(bytes, end)
  if (begin >= 0) {
    high -= readFixed32(bytes, begin + 4)
    low -= readFixed32(bytes, begin)
  }
  const ns = high * TWO_32 + low
  return ns > 0 ? ns : 0
}
