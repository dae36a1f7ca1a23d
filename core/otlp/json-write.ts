/**
 * OTLP bytes to OTLP/JSON text, in one pass and without decoding: fields in the order of the .proto files, which is
 * the order and the choice of fields of the Collector's own writer (pdata/internal, MarshalJSON, 1.61).
 *
 * What that choice is: default values are left out, except in a oneof and in `optional` fields; a message that is
 * neither repeated nor in a oneof is always there, if need be as `{}`; an id of only zero bytes is left out.
 */

import {
  Cursor,
  high,
  I32,
  LEN,
  low,
  readDouble,
  readFixed32,
  readFixed64,
  readVarint,
  readVarint64,
  varintEnd,
} from './cursor.ts'
import { writeInt64, writeUint, writeUint64 } from './decimal.ts'
import { type Field, KIND, MESSAGES, type Message } from './json-table.ts'
import { writeBase64, writeDouble, writeHex, writeJsonString } from './json-values.ts'
import type { Writer } from './writer.ts'

const OPEN_OBJECT = 0x7b
const CLOSE_OBJECT = 0x7d
const OPEN_ARRAY = 0x5b
const CLOSE_ARRAY = 0x5d
const COMMA = 0x2c
const QUOTE = 0x22

/** For each field of the message being written: where it stands in the bytes. */
const COUNT = 0
/** Where its first tag begins. */
const FIRST = 1
/** Where its last value begins and ends. */
const START = 2
const STOP = 3
const PLACE = 4
const FIELDS_MAX = 32

/** One level of nesting: what is reused from message to message instead of being allocated. */
interface Level {
  readonly cursor: Cursor
  readonly places: Int32Array
}

const levels: Level[] = []

function levelAt(depth: number): Level {
  let level = levels[depth]
  if (level === undefined) {
    level = { cursor: new Cursor(new Uint8Array(0)), places: new Int32Array(FIELDS_MAX * PLACE) }
    levels[depth] = level
  }
  return level
}

/** Writes the message in `bytes[start, stop)` as a JSON object. Trusts the bytes, as all code behind the door does. */
export function writeMessage(
  out: Writer,
  message: Message,
  bytes: Uint8Array,
  start: number,
  stop: number,
  depth: number,
): void {
  if (message === KEY_VALUE && writeAttribute(out, bytes, start, stop)) return
  const level = levelAt(depth)
  const { fields } = message
  const { places } = level
  findFields(message, level, bytes, start, stop)
  out.byte(OPEN_OBJECT)
  let first = true
  for (let i = 0; i < fields.length; i++) {
    const field = fields[i]!
    const at = i * PLACE
    const count = places[at + COUNT]!
    if (count === 0) {
      if (field.kind !== KIND.message || field.repeated || field.oneof) continue
    } else if (!field.repeated && isDefault(field, bytes, places[at + START]!, places[at + STOP]!)) continue
    out.raw(first ? field.label : field.commaLabel)
    first = false
    if (field.repeated) writeArray(out, field, level, bytes, depth)
    else if (count === 0) writeEmpty(out)
    else if (count > 1 && field.kind === KIND.message)
      writeMerged(out, field, level, bytes, start, stop, depth)
    else writeValue(out, field, bytes, places[at + START]!, places[at + STOP]!, depth)
  }
  out.byte(CLOSE_OBJECT)
}

const KEY_VALUE = MESSAGES.get('KeyValue')!
const KEY_TAG = 0x0a
const VALUE_TAG = 0x12
const STRING_TAG = 0x0a
const INT_TAG = 0x18
const KEY = Buffer.from('{"key":')
const STRING_VALUE = Buffer.from(',"value":{"stringValue":')
const INT_VALUE = Buffer.from(',"value":{"intValue":')
const CLOSE_TWO = Buffer.from('}}')

/**
 * Attributes are nine tenths of most requests, and nearly all are a key, then a string or an integer: those skip the
 * table. False, with nothing written, when this one is anything else.
 */
function writeAttribute(out: Writer, bytes: Uint8Array, start: number, stop: number): boolean {
  if (bytes[start] !== KEY_TAG) return false
  let length = readVarint(bytes, start + 1)
  const key = varintEnd
  const keyStop = key + length
  if (length === 0 || bytes[keyStop] !== VALUE_TAG || keyStop >= stop) return false
  length = readVarint(bytes, keyStop + 1)
  const value = varintEnd
  if (length === 0 || value + length !== stop) return false
  const tag = bytes[value]!
  if (tag === STRING_TAG) {
    length = readVarint(bytes, value + 1)
    if (varintEnd + length !== stop) return false
    const text = varintEnd
    out.raw(KEY)
    writeJsonString(out, bytes, key, keyStop)
    out.raw(STRING_VALUE)
    writeJsonString(out, bytes, text, stop)
  } else if (tag === INT_TAG) {
    readVarint64(bytes, value + 1)
    if (varintEnd !== stop) return false
    const lo = low
    const hi = high
    out.raw(KEY)
    writeJsonString(out, bytes, key, keyStop)
    out.raw(INT_VALUE)
    writeQuoted(out, true, lo, hi)
  } else return false
  out.raw(CLOSE_TWO)
  return true
}

/** The one pass over a message: where each field is. Of a oneof only the member that came last stays. */
function findFields(message: Message, level: Level, bytes: Uint8Array, start: number, stop: number): void {
  const { byNumber } = message
  const { places } = level
  places.fill(0, 0, message.fields.length * PLACE)
  const cursor = level.cursor.reset(bytes, start, stop)
  let chosen: Field | undefined
  while (cursor.next()) {
    const field = byNumber[cursor.field]
    if (field === undefined || !fits(field, cursor)) continue
    if (field.oneof) {
      if (chosen !== undefined && chosen !== field) places[chosen.index * PLACE + COUNT] = 0
      chosen = field
    }
    const at = field.index * PLACE
    if (places[at + COUNT] === 0) places[at + FIRST] = cursor.tagStart
    places[at + COUNT]!++
    places[at + START] = cursor.start
    places[at + STOP] = cursor.stop
  }
}

/** A field of another wire type is unknown to us, as it is to protobuf; an empty run of packed numbers is nothing. */
function fits(field: Field, cursor: Cursor): boolean {
  if (field.packed && cursor.wire === LEN) return cursor.start < cursor.stop
  return cursor.wire === field.wire
}

function isDefault(field: Field, bytes: Uint8Array, start: number, stop: number): boolean {
  if (field.presence || field.kind === KIND.message) return false
  if (field.kind === KIND.string || field.kind === KIND.bytes) return start === stop
  // Whatever the encoding of a number, all its bits are zero exactly when it is its default (-0 has one bit set).
  const varint = field.kind >= KIND.bool && field.kind !== KIND.double && field.wire === 0
  for (let i = start; i < stop; i++) if ((varint ? bytes[i]! & 0x7f : bytes[i]!) !== 0) return false
  return true
}

function writeEmpty(out: Writer): void {
  out.byte(OPEN_OBJECT)
  out.byte(CLOSE_OBJECT)
}

function writeArray(out: Writer, field: Field, level: Level, bytes: Uint8Array, depth: number): void {
  const at = field.index * PLACE
  // The pass over the fields is done, so its cursor is free; places stays, deeper messages have their own.
  const cursor = level.cursor.reset(bytes, level.places[at + FIRST]!, level.places[at + STOP]!)
  out.byte(OPEN_ARRAY)
  let first = true
  while (cursor.next()) {
    if (cursor.field !== field.number || !fits(field, cursor)) continue
    if (!first) out.byte(COMMA)
    first = false
    if (field.packed && cursor.wire === LEN) writePacked(out, field, bytes, cursor.start, cursor.stop)
    else writeValue(out, field, bytes, cursor.start, cursor.stop, depth)
  }
  out.byte(CLOSE_ARRAY)
}

function writePacked(out: Writer, field: Field, bytes: Uint8Array, start: number, stop: number): void {
  let pos = start
  while (pos < stop) {
    if (pos > start) out.byte(COMMA)
    let end = pos + (field.wire === I32 ? 4 : 8)
    if (field.wire === 0) {
      end = pos
      while (end < stop && bytes[end]! >= 0x80) end++
      end++
    }
    writeValue(out, field, bytes, pos, end, 0)
    pos = end
  }
}

/** protobuf merges a message that comes in several pieces, and concatenating the pieces is that merge. */
function writeMerged(
  out: Writer,
  field: Field,
  level: Level,
  bytes: Uint8Array,
  start: number,
  stop: number,
  depth: number,
): void {
  const pieces: Uint8Array[] = []
  const cursor = level.cursor.reset(bytes, start, stop)
  while (cursor.next()) {
    if (cursor.field === field.number && cursor.wire === LEN)
      pieces.push(bytes.subarray(cursor.start, cursor.stop))
  }
  const merged = Buffer.concat(pieces)
  writeMessage(out, field.message, merged, 0, merged.length, depth + 1)
}

function writeValue(
  out: Writer,
  field: Field,
  bytes: Uint8Array,
  start: number,
  stop: number,
  depth: number,
): void {
  switch (field.kind) {
    case KIND.message:
      writeMessage(out, field.message, bytes, start, stop, depth + 1)
      return
    case KIND.string:
      writeJsonString(out, bytes, start, stop)
      return
    case KIND.id:
      writeHex(out, bytes, start, stop)
      return
    case KIND.bytes:
      writeBase64(out, bytes, start, stop)
      return
    case KIND.double:
      writeDouble(out, readDouble(bytes, start))
      return
    case KIND.fixed64:
    case KIND.sfixed64:
      readFixed64(bytes, start)
      writeQuoted(out, field.kind === KIND.sfixed64, low, high)
      return
    case KIND.int64:
    case KIND.uint64:
      readVarint64(bytes, start)
      writeQuoted(out, field.kind === KIND.int64, low, high)
      return
    case KIND.bool:
      readVarint64(bytes, start)
      out.raw(low !== 0 || high !== 0 ? TRUE : FALSE)
      return
    case KIND.fixed32:
      writeInteger(out, readFixed32(bytes, start))
      return
    default:
      readVarint64(bytes, start)
      if (field.kind === KIND.uint32) writeInteger(out, low)
      else if (field.kind === KIND.sint32) writeInteger(out, (low >>> 1) ^ -(low & 1))
      else writeInteger(out, low | 0)
  }
}

/** A 64-bit value as a string, because JavaScript's numbers would round it. */
function writeQuoted(out: Writer, signed: boolean, lo: number, hi: number): void {
  out.reserve(22)
  const { bytes } = out
  bytes[out.pos] = QUOTE
  const end = signed ? writeInt64(bytes, out.pos + 1, lo, hi) : writeUint64(bytes, out.pos + 1, lo, hi)
  bytes[end] = QUOTE
  out.pos = end + 1
}

function writeInteger(out: Writer, value: number): void {
  out.reserve(12)
  if (value < 0) {
    out.bytes[out.pos++] = 0x2d
    value = -value
  }
  out.pos = writeUint(out.bytes, out.pos, value)
}

const TRUE = Buffer.from('true')
const FALSE = Buffer.from('false')
