/** The `jaeger_proto` encoding: each record one model.Span of jaeger-idl in protobuf, its Process in it. */

import { Cursor, high, LEN, low, readFixed64, readVarint64, sameBytes, VARINT } from '../../otlp/cursor.ts'
import { AnyValue, KeyValue, Resource } from '../../otlp/fields.ts'
import { KeyValueRange } from '../../otlp/value.ts'
import { Writer } from '../../otlp/writer.ts'
import { readKind, valueStart, valueStop, valueText } from '../any-value.ts'
import type { FormatRecord } from '../record.ts'
import { JaegerTranslator, type Prepared, type SpanSink } from './from-otlp.ts'
import {
  CHILD_OF,
  JKeyValue,
  JLog,
  JProcess,
  JSpan,
  JSpanRef,
  JTime,
  SPAN_ID_SIZE,
  TRACE_ID_SIZE,
  VALUE_TYPE,
} from './words.ts'

const EMPTY = new Uint8Array()

class ProtoSink implements SpanSink {
  #out = new Writer(64)
  #log = -1
  readonly #entry = new Cursor(EMPTY)
  readonly #tag = new KeyValueRange()

  prepareText(key: string, text: Uint8Array): Prepared {
    const out = new Writer(64)
    writeText(out, JSpan.tags, Buffer.from(key), text, 0, text.length)
    return out.copy()
  }

  prepareTrue(key: string): Prepared {
    const out = new Writer(64)
    const tag = out.open(JSpan.tags)
    out.string(JKeyValue.key, key)
    writeType(out, VALUE_TYPE.BOOL)
    out.tag(JKeyValue.vBool, VARINT)
    out.byte(1)
    out.close(tag)
    return out.copy()
  }

  prepareProcess(
    name: Uint8Array,
    bytes: Uint8Array,
    start: number,
    stop: number,
    but: Uint8Array,
  ): Prepared {
    const out = new Writer(stop - start + 128)
    const process = out.open(JSpan.process)
    if (name.length > 0) out.lengthDelimited(JProcess.serviceName, name)
    const fields = new Cursor(bytes, start, stop)
    while (fields.next()) {
      if (fields.field !== Resource.attributes || hasKey(this.#entry, fields, but)) continue
      writeTag(out, JProcess.tags, this.#tag, bytes, fields.start, fields.stop)
    }
    out.close(process)
    return out.copy()
  }

  begin(out: Writer, traceId: Uint8Array, spanId: Uint8Array): void {
    this.#out = out
    writeIds(out, traceId, spanId)
  }

  operationName(bytes: Uint8Array, start: number, stop: number): void {
    if (stop > start) this.#out.lengthDelimited(JSpan.operationName, bytes, start, stop)
  }

  reference(traceId: Uint8Array, spanId: Uint8Array, type: number): void {
    const out = this.#out
    const reference = out.open(JSpan.references)
    writeIds(out, traceId, spanId)
    if (type !== CHILD_OF) {
      out.tag(JSpanRef.refType, VARINT)
      out.varint(type)
    }
    out.close(reference)
  }

  startTime(seconds: number, nanos: number): void {
    writeTime(this.#out, JSpan.startTime, seconds, nanos)
  }

  duration(seconds: number, nanos: number): void {
    writeTime(this.#out, JSpan.duration, seconds, nanos)
  }

  preparedTag(tag: Prepared): void {
    this.#out.raw(tag)
  }

  tag(bytes: Uint8Array, start: number, stop: number): void {
    writeTag(this.#out, this.#log === -1 ? JSpan.tags : JLog.fields, this.#tag, bytes, start, stop)
  }

  textTag(key: Uint8Array, bytes: Uint8Array, start: number, stop: number): void {
    writeText(this.#out, this.#log === -1 ? JSpan.tags : JLog.fields, key, bytes, start, stop)
  }

  beginLog(seconds: number, nanos: number): void {
    this.#log = this.#out.open(JSpan.logs)
    writeTime(this.#out, JLog.timestamp, seconds, nanos)
  }

  endLog(): void {
    this.#out.close(this.#log)
    this.#log = -1
  }

  end(process: Prepared): void {
    this.#out.raw(process)
  }
}

/** Fields 1 and 2 of a span and of a reference, always there. */
function writeIds(out: Writer, traceId: Uint8Array, spanId: Uint8Array): void {
  out.lengthDelimited(JSpan.traceId, traceId, 0, TRACE_ID_SIZE)
  out.lengthDelimited(JSpan.spanId, spanId, 0, SPAN_ID_SIZE)
}

/** Timestamp and Duration have the same fields. Negative numbers take ten bytes, as in any protobuf. */
function writeTime(out: Writer, field: number, seconds: number, nanos: number): void {
  const mark = out.open(field)
  writeSigned(out, JTime.seconds, seconds)
  writeSigned(out, JTime.nanos, nanos)
  out.close(mark)
}

function writeSigned(out: Writer, field: number, value: number): void {
  if (value === 0) return
  out.tag(field, VARINT)
  if (value > 0) out.varint(value)
  else out.bigVarint(BigInt(value))
}

function writeType(out: Writer, type: number): void {
  out.tag(JKeyValue.vType, VARINT)
  out.byte(type)
}

function writeText(
  out: Writer,
  field: number,
  key: Uint8Array,
  bytes: Uint8Array,
  start: number,
  stop: number,
): void {
  const tag = out.open(field)
  out.lengthDelimited(JKeyValue.key, key)
  out.lengthDelimited(JKeyValue.vStr, bytes, start, stop)
  out.close(tag)
}

/** Whether the KeyValue at `fields` has that key. */
export function hasKey(entry: Cursor, fields: Cursor, key: Uint8Array): boolean {
  let found = false
  entry.reset(fields.bytes, fields.start, fields.stop)
  while (entry.next())
    if (entry.field === KeyValue.key) found = sameBytes(fields.bytes, entry.start, entry.stop, key)
  return found
}

// Tags of OTLP's AnyValue and of Jaeger's KeyValue, and what a tag's value begins with there, in one byte each.
const STRING_IN = (AnyValue.stringValue << 3) | LEN
const INT_IN = (AnyValue.intValue << 3) | VARINT
const STRING_OUT = (JKeyValue.vStr << 3) | LEN
const INT_OUT = (JKeyValue.vInt64 << 3) | VARINT
const TYPE_OUT = (JKeyValue.vType << 3) | VARINT
const KEY_IN = (KeyValue.key << 3) | LEN
const VALUE_IN = (KeyValue.value << 3) | LEN

/**
 * Nearly every attribute is a short key and a short string or integer, nothing left out and in this order; then Jaeger's
 * bytes are OTLP's without the length around the value. False, with nothing written, for any other.
 */
function writePlainTag(out: Writer, field: number, bytes: Uint8Array, start: number, stop: number): boolean {
  const keyLength = bytes[start + 1]!
  const at = start + keyLength + 4
  if (stop - start > 0x7d || bytes[start] !== KEY_IN || keyLength === 0 || at + 1 >= stop) return false
  if (bytes[at - 2] !== VALUE_IN || at + bytes[at - 1]! !== stop) return false
  const kind = bytes[at]
  const isInt = kind === INT_IN
  if (isInt) {
    if (bytes[at + 1] === 0 || stop - at > 11) return false
    for (let i = at + 1; i < stop - 1; i++) if (bytes[i]! < 0x80) return false
    if (bytes[stop - 1]! >= 0x80) return false
  } else if (kind !== STRING_IN || bytes[at + 1] === 0 || at + 2 + bytes[at + 1]! !== stop) return false
  out.reserve(stop - start + 4)
  const target = out.bytes
  let pos = out.pos
  target[pos++] = (field << 3) | LEN
  target[pos++] = stop - start - 2 + (isInt ? 2 : 0)
  for (let i = start; i < at - 2; i++) target[pos++] = bytes[i]!
  if (isInt) {
    target[pos++] = TYPE_OUT
    target[pos++] = VALUE_TYPE.INT64
    target[pos++] = INT_OUT
  } else target[pos++] = STRING_OUT
  for (let i = at + 1; i < stop; i++) target[pos++] = bytes[i]!
  out.pos = pos
  return true
}

/** OTLP's KeyValue `bytes[start, stop)` as Jaeger's in field `field`. */
function writeTag(
  out: Writer,
  field: number,
  range: KeyValueRange,
  bytes: Uint8Array,
  start: number,
  stop: number,
): void {
  if (writePlainTag(out, field, bytes, start, stop)) return
  const { keyStart, keyStop, valueStart: anyStart, valueStop: anyStop } = range.find(bytes, start, stop)
  const kind = readKind(bytes, anyStart, anyStop)
  const from = valueStart
  const to = valueStop
  const tag = out.open(field)
  if (keyStop > keyStart) out.lengthDelimited(JKeyValue.key, bytes, keyStart, keyStop)
  writeOther(out, kind, bytes, from, to, anyStart, anyStop)
  out.close(tag)
}

function writeOther(
  out: Writer,
  kind: number,
  bytes: Uint8Array,
  from: number,
  to: number,
  anyStart: number,
  anyStop: number,
): void {
  switch (kind) {
    case AnyValue.stringValue:
      if (to > from) out.lengthDelimited(JKeyValue.vStr, bytes, from, to)
      return
    case AnyValue.boolValue:
      writeType(out, VALUE_TYPE.BOOL)
      readVarint64(bytes, from)
      if (low === 0 && high === 0) return
      out.tag(JKeyValue.vBool, VARINT)
      out.byte(1)
      return
    case AnyValue.intValue:
      writeType(out, VALUE_TYPE.INT64)
      readVarint64(bytes, from)
      if (low === 0 && high === 0) return
      out.tag(JKeyValue.vInt64, VARINT)
      out.varint64(low, high)
      return
    case AnyValue.doubleValue:
      writeType(out, VALUE_TYPE.FLOAT64)
      readFixed64(bytes, from)
      if (low === 0 && high === 0) return
      out.tag(JKeyValue.vFloat64, 1)
      out.raw(bytes, from, to)
      return
    case AnyValue.bytesValue:
      writeType(out, VALUE_TYPE.BINARY)
      if (to > from) out.lengthDelimited(JKeyValue.vBinary, bytes, from, to)
      return
    case AnyValue.arrayValue:
    case AnyValue.kvlistValue: {
      const text = valueText(bytes, anyStart, anyStop)
      if (text !== '') out.string(JKeyValue.vStr, text)
    }
  }
}

const translator = new JaegerTranslator(new ProtoSink())

/**
 * The spans of a batch of OTLP traces, one record each; see `JaegerTranslator.records`. `chunks` have passed
 * `validate`; concatenated they are a request.
 */
export function jaegerProtoRecords(chunks: readonly Uint8Array[]): Generator<FormatRecord, void, undefined> {
  return translator.records(chunks)
}
