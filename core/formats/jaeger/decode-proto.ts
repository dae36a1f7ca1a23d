/** The `jaeger_proto` encoding, and the protobuf that Jaeger's gRPC clients send: messages of jaeger-idl's model.proto. */

import {
  high,
  I64,
  LEN,
  low,
  readDouble,
  readVarint64,
  readVarintInt64,
  sameBytes,
  VARINT,
} from '../../otlp/cursor.ts'
import { Budget } from '../bad-message.ts'
import { CheckedCursor } from '../checked-cursor.ts'
import { readCachedString } from '../text-cache.ts'
import {
  emptySpan,
  type JaegerLog,
  type JaegerProcess,
  type JaegerReference,
  type JaegerSpan,
  type JaegerTag,
} from './model.ts'
import { spansToOtlp } from './to-otlp.ts'
import {
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

const FORMAT = 'jaeger_proto'
const BILLION = 1_000_000_000n
const EMPTY: Uint8Array = new Uint8Array()

// One for each kind of message: none of them holds another of its kind.
const inSpan = new CheckedCursor(FORMAT)
const inProcess = new CheckedCursor(FORMAT)
const inReference = new CheckedCursor(FORMAT)
const inLog = new CheckedCursor(FORMAT)
const inTag = new CheckedCursor(FORMAT)
const inTime = new CheckedCursor(FORMAT)

/** One model.Span as an ExportTraceServiceRequest. @throws BadMessage */
export function decodeJaegerProto(bytes: Uint8Array): Uint8Array {
  return spansToOtlp([readSpan(new CheckedCursor(FORMAT, bytes), new Budget(FORMAT))])
}

/** model.Batch: spans, and the process of those that have none. @throws BadMessage */
export function decodeJaegerBatch(bytes: Uint8Array): Uint8Array {
  const budget = new Budget(FORMAT)
  const spans: JaegerSpan[] = []
  let process: JaegerProcess | undefined
  const batch = new CheckedCursor(FORMAT, bytes)
  while (batch.next()) {
    if (batch.field === 1) {
      budget.spend()
      spans.push(readSpan(batch.enter(inSpan), budget))
    } else if (batch.field === 2) process = readProcess(batch, budget)
  }
  for (const span of spans) span.process ??= process
  return spansToOtlp(spans)
}

function readSpan(c: CheckedCursor, budget: Budget): JaegerSpan {
  const span = emptySpan()
  while (c.next()) {
    switch (c.field) {
      case JSpan.traceId:
        span.traceId = readTraceId(c)
        break
      case JSpan.spanId:
        span.spanId = readSpanId(c)
        break
      case JSpan.operationName:
        span.operationName = readText(c)
        break
      case JSpan.references:
        budget.spend()
        span.references.push(readReference(c.enter(inReference)))
        break
      case JSpan.startTime:
        span.startTime = readTime(c.enter(inTime))
        break
      case JSpan.duration:
        span.duration = readTime(c.enter(inTime))
        break
      case JSpan.tags:
        budget.spend()
        span.tags.push(readTag(c.enter(inTag)))
        break
      case JSpan.logs:
        budget.spend()
        span.logs.push(readLog(c.enter(inLog), budget))
        break
      case JSpan.process:
        span.process = readProcess(c, budget)
        break
    }
  }
  return span
}

/** The process of the message before is nearly always the one of this message: it is read once. */
let lastBytes: Uint8Array = EMPTY
let lastProcess: JaegerProcess = { serviceName: '', tags: [] }
/** A larger one is not kept. */
const PROCESS_MAX = 16 * 1024

function readProcess(outer: CheckedCursor, budget: Budget): JaegerProcess {
  const c = outer.enter(inProcess)
  const { bytes, pos, end } = c
  if (sameBytes(bytes, pos, end, lastBytes)) return lastProcess
  const process = readNewProcess(c, budget)
  if (end - pos > PROCESS_MAX) return process
  lastBytes = Uint8Array.from(bytes.subarray(pos, end))
  lastProcess = process
  return process
}

function readNewProcess(c: CheckedCursor, budget: Budget): JaegerProcess {
  let serviceName = ''
  const tags: JaegerTag[] = []
  while (c.next()) {
    if (c.field === JProcess.serviceName) serviceName = readText(c)
    else if (c.field === JProcess.tags) {
      budget.spend()
      tags.push(readTag(c.enter(inTag)))
    }
  }
  return { serviceName, tags }
}

function readLog(c: CheckedCursor, budget: Budget): JaegerLog {
  let time = 0n
  const fields: JaegerTag[] = []
  while (c.next()) {
    if (c.field === JLog.timestamp) time = readTime(c.enter(inTime))
    else if (c.field === JLog.fields) {
      budget.spend()
      fields.push(readTag(c.enter(inTag)))
    }
  }
  return { time, fields }
}

function readReference(c: CheckedCursor): JaegerReference {
  let traceId: Uint8Array = new Uint8Array(TRACE_ID_SIZE)
  let spanId: Uint8Array = new Uint8Array(SPAN_ID_SIZE)
  let type = 0
  while (c.next()) {
    if (c.field === JSpanRef.traceId) traceId = readTraceId(c)
    else if (c.field === JSpanRef.spanId) spanId = readSpanId(c)
    else if (c.field === JSpanRef.refType) type = readInt32(c)
  }
  return { traceId, spanId, type }
}

/** The value is the field that the type names, whatever else is there and in whatever order. */
function readTag(c: CheckedCursor): JaegerTag {
  const { bytes } = c
  let key = ''
  let type: number = VALUE_TYPE.STRING
  let textStart = 0
  let textStop = 0
  let bool = false
  let intAt = -1
  let double = 0
  let binary = EMPTY
  while (c.next()) {
    switch (c.field) {
      case JKeyValue.key:
        key = readText(c)
        break
      case JKeyValue.vType:
        type = readInt32(c)
        break
      case JKeyValue.vStr:
        c.expect(LEN)
        textStart = c.start
        textStop = c.stop
        break
      case JKeyValue.vBool:
        c.expect(VARINT)
        readVarint64(bytes, c.start)
        bool = low !== 0 || high !== 0
        break
      case JKeyValue.vInt64:
        c.expect(VARINT)
        intAt = c.start
        break
      case JKeyValue.vFloat64:
        c.expect(I64)
        double = readDouble(bytes, c.start)
        break
      case JKeyValue.vBinary:
        c.expect(LEN)
        binary = bytes.subarray(c.start, c.stop)
        break
    }
  }
  switch (type) {
    case VALUE_TYPE.STRING:
      return { key, type, value: readCachedString(bytes, textStart, textStop) }
    case VALUE_TYPE.BOOL:
      return { key, type, value: bool }
    case VALUE_TYPE.INT64:
      return { key, type, value: intAt === -1 ? 0n : readVarintInt64(bytes, intAt) }
    case VALUE_TYPE.FLOAT64:
      return { key, type, value: double }
    case VALUE_TYPE.BINARY:
      return { key, type, value: binary }
    default:
      return { key, type, value: '' }
  }
}

function readText(c: CheckedCursor): string {
  c.expect(LEN)
  return readCachedString(c.bytes, c.start, c.stop)
}

function readInt32(c: CheckedCursor): number {
  c.expect(VARINT)
  readVarint64(c.bytes, c.start)
  return low | 0
}

/** Old clients send the lower half alone. */
function readTraceId(c: CheckedCursor): Uint8Array {
  c.expect(LEN)
  const size = c.stop - c.start
  if (size !== TRACE_ID_SIZE && size !== SPAN_ID_SIZE) c.fail(`a trace id of ${size} bytes`)
  return copyOf(c, new Uint8Array(TRACE_ID_SIZE))
}

function readSpanId(c: CheckedCursor): Uint8Array {
  c.expect(LEN)
  if (c.stop - c.start !== SPAN_ID_SIZE) c.fail(`a span id of ${c.stop - c.start} bytes`)
  return copyOf(c, new Uint8Array(SPAN_ID_SIZE))
}

/** The value at the end of `id`. A loop, because a view of a Buffer costs more than sixteen bytes. */
function copyOf({ bytes, start, stop }: CheckedCursor, id: Uint8Array): Uint8Array {
  for (let from = stop - 1, to = id.length - 1; from >= start; from--, to--) id[to] = bytes[from]!
  return id
}

/** Timestamp or Duration in nanoseconds. */
function readTime(c: CheckedCursor): bigint {
  let time = 0n
  while (c.next()) {
    if (c.field !== JTime.seconds && c.field !== JTime.nanos) continue
    c.expect(VARINT)
    const value = readVarintInt64(c.bytes, c.start)
    time += c.field === JTime.seconds ? value * BILLION : value
  }
  return time
}
