/**
 * The `jaeger_json` encoding: one model.Span in protobuf's JSON. Like gogo's jsonpb it takes members in lowerCamelCase or
 * as in the .proto, enums by name or number, integers with or without quotes; unlike it, members that it does not know.
 */

import { BadMessage } from '../bad-message.ts'
import { parseGoInt } from '../go-numbers.ts'
import { isObject, type JsonObject, type JsonValue, parseJson } from '../json-value.ts'
import { parseDuration, parseTime } from '../nanos.ts'
import {
  emptySpan,
  type JaegerLog,
  type JaegerProcess,
  type JaegerReference,
  type JaegerSpan,
  type JaegerTag,
} from './model.ts'
import { spansToOtlp } from './to-otlp.ts'
import { SPAN_ID_SIZE, TRACE_ID_SIZE, VALUE_TYPE, VALUE_TYPES } from './words.ts'

const FORMAT = 'jaeger_json'
const REFERENCE_TYPES = ['CHILD_OF', 'FOLLOWS_FROM']

/** One model.Span as an ExportTraceServiceRequest. @throws BadMessage */
export function decodeJaegerJson(bytes: Uint8Array): Uint8Array {
  return spansToOtlp([readSpan(objectAt(parseJson(bytes, FORMAT), 'the span'))])
}

function readSpan(from: JsonObject): JaegerSpan {
  const span = emptySpan()
  span.traceId = readTraceId(from)
  span.spanId = readSpanId(from)
  span.operationName = textOf(member(from, 'operationName', 'operation_name'), 'operationName')
  span.references = listOf(from, 'references').map(readReference)
  span.startTime = readTime(member(from, 'startTime', 'start_time'), 'startTime')
  span.duration = readDuration(from['duration'])
  span.tags = listOf(from, 'tags').map(readTag)
  span.logs = listOf(from, 'logs').map(readLog)
  const process = from['process'] ?? null
  if (process !== null) span.process = readProcess(objectAt(process, 'process'))
  return span
}

function readProcess(from: JsonObject): JaegerProcess {
  return {
    serviceName: textOf(member(from, 'serviceName', 'service_name'), 'serviceName'),
    tags: listOf(from, 'tags').map(readTag),
  }
}

function readLog(from: JsonObject): JaegerLog {
  return {
    time: readTime(from['timestamp'] ?? null, 'timestamp'),
    fields: listOf(from, 'fields').map(readTag),
  }
}

function readReference(from: JsonObject): JaegerReference {
  return {
    traceId: readTraceId(from),
    spanId: readSpanId(from),
    type: readEnum(member(from, 'refType', 'ref_type'), REFERENCE_TYPES, 'refType'),
  }
}

function readTag(from: JsonObject): JaegerTag {
  const key = textOf(from['key'] ?? null, 'key')
  const type = readEnum(member(from, 'vType', 'v_type'), VALUE_TYPES, 'vType')
  return { key, type, value: readValue(from, type) }
}

function readValue(from: JsonObject, type: number): JaegerTag['value'] {
  switch (type) {
    case VALUE_TYPE.BOOL: {
      const value = member(from, 'vBool', 'v_bool')
      if (value !== null && typeof value !== 'boolean') fail('vBool is not true or false')
      return value ?? false
    }
    case VALUE_TYPE.INT64:
      return readInt64(member(from, 'vInt64', 'v_int64'))
    case VALUE_TYPE.FLOAT64:
      return readDouble(member(from, 'vFloat64', 'v_float64'))
    case VALUE_TYPE.BINARY:
      return base64Of(member(from, 'vBinary', 'v_binary'), 'vBinary')
    default:
      return textOf(member(from, 'vStr', 'v_str'), 'vStr')
  }
}

function fail(reason: string): never {
  throw new BadMessage(FORMAT, reason)
}

/** null is as good as absent. */
function member(from: JsonObject, name: string, original: string): JsonValue {
  return from[name] ?? from[original] ?? null
}

function objectAt(value: JsonValue, what: string): JsonObject {
  if (!isObject(value)) fail(`${what} is not an object`)
  return value
}

function listOf(from: JsonObject, name: string): JsonObject[] {
  const list = from[name] ?? null
  if (list === null) return []
  if (!Array.isArray(list)) fail(`${name} is not an array`)
  return list.map(one => objectAt(one, `what stands in ${name}`))
}

function textOf(value: JsonValue, what: string): string {
  if (value === null) return ''
  if (typeof value !== 'string') fail(`${what} is not a text`)
  return value
}

function readInt64(value: JsonValue): bigint {
  if (value === null) return 0n
  const isNumber = typeof value === 'bigint' || Number.isInteger(value)
  const read = isNumber || typeof value === 'string' ? parseGoInt(String(value)) : undefined
  return read ?? fail('vInt64 is not a 64-bit integer')
}

function readDouble(value: JsonValue): number {
  if (value === null) return 0
  if (typeof value === 'number' || typeof value === 'bigint') return Number(value)
  if (value === 'NaN') return Number.NaN
  if (value === 'Infinity') return Number.POSITIVE_INFINITY
  if (value === '-Infinity') return Number.NEGATIVE_INFINITY
  if (typeof value !== 'string' || !/^-?\d+(\.\d+)?([eE][-+]?\d+)?$/.test(value))
    fail('vFloat64 is not a number')
  return Number(value)
}

/** 0, the first, when absent. */
function readEnum(value: JsonValue, names: readonly string[], what: string): number {
  if (value === null) return 0
  if (typeof value === 'number' && Number.isInteger(value)) return value
  const found = names.indexOf(String(value))
  if (found === -1) fail(`${what} is none of ${names.join(', ')}`)
  return found
}

function base64Of(value: JsonValue, what: string): Uint8Array {
  const text = textOf(value, what)
  if (!/^[A-Za-z0-9+/\-_]*={0,2}$/.test(text)) fail(`${what} is not base64`)
  return Buffer.from(text, 'base64')
}

function readTraceId(from: JsonObject): Uint8Array {
  const id = new Uint8Array(TRACE_ID_SIZE)
  const value = member(from, 'traceId', 'trace_id')
  if (value === null) return id
  const bytes = base64Of(value, 'traceId')
  if (bytes.length !== TRACE_ID_SIZE && bytes.length !== SPAN_ID_SIZE)
    fail(`traceId has ${bytes.length} bytes`)
  id.set(bytes, TRACE_ID_SIZE - bytes.length)
  return id
}

function readSpanId(from: JsonObject): Uint8Array {
  const value = member(from, 'spanId', 'span_id')
  if (value === null) return new Uint8Array(SPAN_ID_SIZE)
  const bytes = base64Of(value, 'spanId')
  if (bytes.length !== SPAN_ID_SIZE) fail(`spanId has ${bytes.length} bytes`)
  return bytes
}

function readTime(value: JsonValue, what: string): bigint {
  if (value === null) return 0n
  return parseTime(textOf(value, what)) ?? fail(`${what} is not a time as in RFC 3339`)
}

function readDuration(value: JsonValue | undefined): bigint {
  if (value === undefined || value === null) return 0n
  return parseDuration(textOf(value, 'duration')) ?? fail('duration is not seconds, as in "1.5s"')
}
