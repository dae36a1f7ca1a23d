/**
 * The `jaeger_json` encoding: each record one model.Span as gogo's jsonpb writes it: ids in base64, 64-bit integers in
 * quotes, enums by name, fields with their default left out, times as RFC 3339.
 */

import { Cursor, high, low, readDouble, readVarint64 } from '../../otlp/cursor.ts'
import { writeInt64 } from '../../otlp/decimal.ts'
import { AnyValue, Resource } from '../../otlp/fields.ts'
import { writeBase64, writeDouble, writeJsonString } from '../../otlp/json-values.ts'
import { KeyValueRange } from '../../otlp/value.ts'
import { Writer } from '../../otlp/writer.ts'
import { readKind, valueStart, valueStop, valueText } from '../any-value.ts'
import { durationText, timeText } from '../nanos.ts'
import type { FormatRecord } from '../record.ts'
import { hasKey } from './encode-proto.ts'
import { JaegerTranslator, type Prepared, type SpanSink } from './from-otlp.ts'
import { CHILD_OF, SPAN_ID_SIZE, TRACE_ID_SIZE } from './words.ts'

const EMPTY = new Uint8Array()
const COMMA = 0x2c
const QUOTE = 0x22

const TRACE_ID = Buffer.from('{"traceId":')
const SPAN_ID = Buffer.from(',"spanId":')
const OPERATION_NAME = Buffer.from(',"operationName":')
const REFERENCES = Buffer.from(',"references":[')
const FOLLOWS_FROM = Buffer.from(',"refType":"FOLLOWS_FROM"}')
const START_TIME = Buffer.from(',"startTime":"')
const DURATION = Buffer.from('","duration":"')
const TAGS = Buffer.from(',"tags":[')
const LOGS = Buffer.from(',"logs":[')
const TIMESTAMP = Buffer.from('{"timestamp":"')
const FIELDS = Buffer.from('","fields":[')
const PROCESS = Buffer.from(',"process":{')
const SERVICE_NAME = Buffer.from('"serviceName":')
const KEY = Buffer.from('{"key":')
const V_STR = Buffer.from(',"vStr":')
const V_BOOL = Buffer.from(',"vType":"BOOL"')
const V_BOOL_TRUE = Buffer.from(',"vBool":true')
const V_INT = Buffer.from(',"vType":"INT64"')
const V_INT_VALUE = Buffer.from(',"vInt64":"')
const V_FLOAT = Buffer.from(',"vType":"FLOAT64"')
const V_FLOAT_VALUE = Buffer.from(',"vFloat64":')
const V_BINARY = Buffer.from(',"vType":"BINARY"')
const V_BINARY_VALUE = Buffer.from(',"vBinary":')
const CLOSE_OBJECT = Buffer.from('}')
const CLOSE_ARRAY = Buffer.from(']')
const CLOSE_BOTH = Buffer.from(']}')

class JsonSink implements SpanSink {
  #out = new Writer(64)
  readonly #entry = new Cursor(EMPTY)
  readonly #tag = new KeyValueRange()
  /** What is open: references, tags, logs, or none of them. */
  #list: Uint8Array | undefined
  #first = true

  prepareText(key: string, text: Uint8Array): Prepared {
    const out = new Writer(64)
    const name = Buffer.from(key)
    writeText(out, name, 0, name.length, text, 0, text.length)
    return out.copy()
  }

  prepareTrue(key: string): Prepared {
    return Buffer.from(`{"key":${JSON.stringify(key)},"vType":"BOOL","vBool":true}`)
  }

  prepareProcess(
    name: Uint8Array,
    bytes: Uint8Array,
    start: number,
    stop: number,
    but: Uint8Array,
  ): Prepared {
    const out = new Writer(2 * (stop - start) + 128)
    out.raw(PROCESS)
    if (name.length > 0) {
      out.raw(SERVICE_NAME)
      writeJsonString(out, name, 0, name.length)
    }
    const tags = new Cursor(bytes, start, stop)
    let first = true
    while (tags.next()) {
      if (tags.field !== Resource.attributes || hasKey(this.#entry, tags, but)) continue
      if (!first) out.byte(COMMA)
      else if (name.length > 0) out.raw(TAGS)
      else out.raw(TAGS, 1)
      first = false
      writeTag(out, this.#tag, bytes, tags.start, tags.stop)
    }
    if (!first) out.raw(CLOSE_ARRAY)
    out.raw(CLOSE_OBJECT)
    return out.copy()
  }

  begin(out: Writer, traceId: Uint8Array, spanId: Uint8Array): void {
    this.#out = out
    this.#list = undefined
    writeIds(out, traceId, spanId)
  }

  operationName(bytes: Uint8Array, start: number, stop: number): void {
    if (stop === start) return
    this.#out.raw(OPERATION_NAME)
    writeJsonString(this.#out, bytes, start, stop)
  }

  reference(traceId: Uint8Array, spanId: Uint8Array, type: number): void {
    this.#element(REFERENCES)
    writeIds(this.#out, traceId, spanId)
    this.#out.raw(type === CHILD_OF ? CLOSE_OBJECT : FOLLOWS_FROM)
  }

  startTime(seconds: number, nanos: number): void {
    this.#closeList()
    this.#out.raw(START_TIME)
    writeAscii(this.#out, timeText(seconds, nanos))
  }

  duration(seconds: number, nanos: number): void {
    this.#out.raw(DURATION)
    writeAscii(this.#out, durationText(seconds, nanos))
    this.#out.byte(QUOTE)
  }

  preparedTag(tag: Prepared): void {
    this.#tagElement()
    this.#out.raw(tag)
  }

  tag(bytes: Uint8Array, start: number, stop: number): void {
    this.#tagElement()
    writeTag(this.#out, this.#tag, bytes, start, stop)
  }

  textTag(key: Uint8Array, bytes: Uint8Array, start: number, stop: number): void {
    this.#tagElement()
    writeText(this.#out, key, 0, key.length, bytes, start, stop)
  }

  beginLog(seconds: number, nanos: number): void {
    this.#element(LOGS)
    this.#out.raw(TIMESTAMP)
    writeAscii(this.#out, timeText(seconds, nanos))
    this.#out.raw(FIELDS)
    this.#list = FIELDS
    this.#first = true
  }

  endLog(): void {
    this.#out.raw(CLOSE_BOTH)
    this.#list = LOGS
    this.#first = false
  }

  end(process: Prepared): void {
    this.#closeList()
    this.#out.raw(process)
    this.#out.raw(CLOSE_OBJECT)
  }

  /** Tags and a log's fields are the same to the translator. */
  #tagElement(): void {
    this.#element(this.#list === FIELDS ? FIELDS : TAGS)
  }

  #element(list: Uint8Array): void {
    if (this.#list !== list) {
      this.#closeList()
      this.#out.raw(list)
      this.#list = list
    } else if (!this.#first) this.#out.byte(COMMA)
    this.#first = false
  }

  #closeList(): void {
    if (this.#list !== undefined) this.#out.raw(CLOSE_ARRAY)
    this.#list = undefined
  }
}

function writeIds(out: Writer, traceId: Uint8Array, spanId: Uint8Array): void {
  out.raw(TRACE_ID)
  writeBase64(out, traceId, 0, TRACE_ID_SIZE)
  out.raw(SPAN_ID)
  writeBase64(out, spanId, 0, SPAN_ID_SIZE)
}

function writeAscii(out: Writer, text: string): void {
  out.reserve(text.length)
  for (let i = 0; i < text.length; i++) out.bytes[out.pos++] = text.charCodeAt(i)
}

function writeText(
  out: Writer,
  key: Uint8Array,
  keyStart: number,
  keyStop: number,
  bytes: Uint8Array,
  start: number,
  stop: number,
): void {
  out.raw(KEY)
  writeJsonString(out, key, keyStart, keyStop)
  if (stop > start) {
    out.raw(V_STR)
    writeJsonString(out, bytes, start, stop)
  }
  out.raw(CLOSE_OBJECT)
}

/** OTLP's KeyValue `bytes[start, stop)`. */
function writeTag(out: Writer, tag: KeyValueRange, bytes: Uint8Array, start: number, stop: number): void {
  const { keyStart, keyStop, valueStart: anyStart, valueStop: anyStop } = tag.find(bytes, start, stop)
  const kind = readKind(bytes, anyStart, anyStop)
  const from = valueStart
  const to = valueStop
  if (kind === AnyValue.stringValue) {
    writeText(out, bytes, keyStart, keyStop, bytes, from, to)
    return
  }
  out.raw(KEY)
  writeJsonString(out, bytes, keyStart, keyStop)
  writeOther(out, kind, bytes, from, to, anyStart, anyStop)
  out.raw(CLOSE_OBJECT)
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
    case AnyValue.boolValue:
      out.raw(V_BOOL)
      readVarint64(bytes, from)
      if (low !== 0 || high !== 0) out.raw(V_BOOL_TRUE)
      return
    case AnyValue.intValue:
      out.raw(V_INT)
      readVarint64(bytes, from)
      if (low === 0 && high === 0) return
      out.raw(V_INT_VALUE)
      out.reserve(20)
      out.pos = writeInt64(out.bytes, out.pos, low, high)
      out.byte(QUOTE)
      return
    case AnyValue.doubleValue:
      out.raw(V_FLOAT)
      out.raw(V_FLOAT_VALUE)
      writeDouble(out, readDouble(bytes, from))
      return
    case AnyValue.bytesValue:
      out.raw(V_BINARY)
      if (to === from) return
      out.raw(V_BINARY_VALUE)
      writeBase64(out, bytes, from, to)
      return
    case AnyValue.arrayValue:
    case AnyValue.kvlistValue: {
      const text = Buffer.from(valueText(bytes, anyStart, anyStop))
      out.raw(V_STR)
      writeJsonString(out, text, 0, text.length)
    }
  }
}

const translator = new JaegerTranslator(new JsonSink())

/**
 * The spans of a batch of OTLP traces, one record each; see `JaegerTranslator.records`. `chunks` have passed
 * `validate`; concatenated they are a request.
 */
export function jaegerJsonRecords(chunks: readonly Uint8Array[]): Generator<FormatRecord, void, undefined> {
  return translator.records(chunks)
}
