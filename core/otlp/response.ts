/**
 * What an OTLP server answers: `Export<Signal>ServiceResponse` when it took the request, `google.rpc.Status` when it
 * did not. Both in protobuf and in JSON, both directions: receivers write them, exporters read them.
 *
 * The four responses differ in the name of one field, not in its number:
 *
 *     ExportTraceServiceResponse { ExportTracePartialSuccess partial_success = 1 }
 *     ExportTracePartialSuccess  { int64 rejected_spans = 1; string error_message = 2 }
 *     google.rpc.Status          { int32 code = 1; string message = 2; repeated google.protobuf.Any details = 3 }
 *     google.protobuf.Any        { string type_url = 1; bytes value = 2 }
 *     google.rpc.RetryInfo       { google.protobuf.Duration retry_delay = 1 }
 *     google.protobuf.Duration   { int64 seconds = 1; int32 nanos = 2 }
 *
 * Reading is for answers of servers we do not control: garbage is never an error, only an answer that says nothing.
 */

import { Cursor, LEN, readString, readVarint, readVarintInt64, VARINT } from './cursor.ts'
import type { Signal } from './signals.ts'
import { Writer } from './writer.ts'

/** `protobuf` is `application/x-protobuf`, `json` is `application/json`. */
export type Encoding = 'protobuf' | 'json'

/** The numbers of google/rpc/code.proto, as gRPC sends them in `grpc-status`. */
export const STATUS_CODES = {
  OK: 0,
  CANCELLED: 1,
  UNKNOWN: 2,
  INVALID_ARGUMENT: 3,
  DEADLINE_EXCEEDED: 4,
  NOT_FOUND: 5,
  ALREADY_EXISTS: 6,
  PERMISSION_DENIED: 7,
  RESOURCE_EXHAUSTED: 8,
  FAILED_PRECONDITION: 9,
  ABORTED: 10,
  OUT_OF_RANGE: 11,
  UNIMPLEMENTED: 12,
  INTERNAL: 13,
  UNAVAILABLE: 14,
  DATA_LOSS: 15,
  UNAUTHENTICATED: 16,
} as const

/** What an export response says: nothing was rejected, or this much for ever, and why. */
export interface ExportResponse {
  /** Spans, data points, log records or profiles. */
  readonly rejected: number
  /** '' when there is nothing to say. With `rejected: 0` it is a warning. */
  readonly message: string
}

export interface Status {
  /** One of STATUS_CODES. */
  readonly code: number
  readonly message: string
  /** RetryInfo: how long the client should wait before it sends again. Absent: the server did not say. */
  readonly retryDelayMs?: number
}

const REJECTED_KEYS: Readonly<Record<Signal, string>> = {
  traces: 'rejectedSpans',
  metrics: 'rejectedDataPoints',
  logs: 'rejectedLogRecords',
  profiles: 'rejectedProfiles',
}

const RETRY_INFO = 'type.googleapis.com/google.rpc.RetryInfo'
const NOTHING_TO_SAY: ExportResponse = Object.freeze({ rejected: 0, message: '' })
const EMPTY = Buffer.alloc(0)
const EMPTY_JSON = Buffer.from('{}')

/** The body that says "taken". `partial_success` stays unset when there is nothing to say, as OTLP asks. */
export function encodeResponse(signal: Signal, response: ExportResponse, encoding: Encoding): Uint8Array {
  const { rejected, message } = response
  if (rejected === 0 && message === '') return encoding === 'json' ? EMPTY_JSON : EMPTY
  if (encoding === 'json') {
    const partialSuccess = {
      ...(rejected === 0 ? {} : { [REJECTED_KEYS[signal]]: String(rejected) }),
      ...(message === '' ? {} : { errorMessage: message }),
    }
    return Buffer.from(JSON.stringify({ partialSuccess }))
  }
  const w = new Writer(message.length * 3 + 32)
  const partial = w.open(1)
  if (rejected !== 0) {
    w.tag(1, VARINT)
    w.varint(rejected)
  }
  if (message !== '') w.string(2, message)
  w.close(partial)
  return w.take()
}

/** The body that says "not taken". In protobuf it is also the value of gRPC's `grpc-status-details-bin`. */
export function encodeStatus(status: Status, encoding: Encoding): Uint8Array {
  const { code, message, retryDelayMs } = status
  if (encoding === 'json') {
    const details = [{ '@type': RETRY_INFO, retryDelay: `${(retryDelayMs ?? 0) / 1000}s` }]
    return Buffer.from(JSON.stringify({ code, message, ...(retryDelayMs === undefined ? {} : { details }) }))
  }
  const w = new Writer(message.length * 3 + 96)
  if (code !== 0) {
    w.tag(1, VARINT)
    w.varint(code)
  }
  if (message !== '') w.string(2, message)
  if (retryDelayMs !== undefined) writeRetryInfo(w, retryDelayMs)
  return w.take()
}

function writeRetryInfo(w: Writer, delayMs: number): void {
  const seconds = Math.floor(delayMs / 1000)
  const nanos = Math.round((delayMs - seconds * 1000) * 1e6)
  const any = w.open(3)
  w.string(1, RETRY_INFO)
  const info = w.open(2)
  const delay = w.open(1)
  if (seconds !== 0) {
    w.tag(1, VARINT)
    w.varint(seconds)
  }
  if (nanos !== 0) {
    w.tag(2, VARINT)
    w.varint(nanos)
  }
  w.close(delay)
  w.close(info)
  w.close(any)
}

/**
 * What a server's answer to an export says. `contentType` is the answer's; '' for gRPC. An answer that cannot be read
 * counts as "nothing was rejected": the server said it took the request.
 */
export function readResponse(bytes: Uint8Array, contentType = ''): ExportResponse {
  if (isJson(bytes, contentType)) return readJsonResponse(bytes)
  const c = new Cursor(bytes)
  let rejected = 0
  let message = ''
  while (nextWhole(c)) {
    if (c.field !== 1 || c.wire !== LEN) continue
    const partial = new Cursor(bytes, c.start, c.stop)
    while (nextWhole(partial)) {
      if (partial.field === 1 && partial.wire === VARINT)
        rejected = count(readVarintInt64(bytes, partial.start))
      else if (partial.field === 2 && partial.wire === LEN) {
        message = readString(bytes, partial.start, partial.stop)
      }
    }
  }
  return rejected === 0 && message === '' ? NOTHING_TO_SAY : { rejected, message }
}

/**
 * A `google.rpc.Status` in protobuf (an HTTP body, or `grpc-status-details-bin`) or in JSON. Bytes that are neither
 * (a proxy's HTML page) give code UNKNOWN and no message: the HTTP or gRPC status must be enough then.
 */
export function readStatus(bytes: Uint8Array, contentType = ''): Status {
  if (isJson(bytes, contentType)) return readJsonStatus(bytes)
  const c = new Cursor(bytes)
  let code: number = STATUS_CODES.UNKNOWN
  let message = ''
  let retryDelayMs: number | undefined
  while (nextWhole(c)) {
    if (c.field === 1 && c.wire === VARINT) code = readVarint(bytes, c.start)
    else if (c.field === 2 && c.wire === LEN) message = readString(bytes, c.start, c.stop)
    else if (c.field === 3 && c.wire === LEN) retryDelayMs = readRetryInfo(bytes, c) ?? retryDelayMs
    else return { code: STATUS_CODES.UNKNOWN, message: '' }
  }
  if (c.pos !== c.end) return { code: STATUS_CODES.UNKNOWN, message: '' }
  return retryDelayMs === undefined ? { code, message } : { code, message, retryDelayMs }
}

/** `any` stands on a google.protobuf.Any: its delay in ms when it is a RetryInfo. */
function readRetryInfo(bytes: Uint8Array, any: Cursor): number | undefined {
  const c = new Cursor(bytes, any.start, any.stop)
  let isRetryInfo = false
  let delayMs: number | undefined
  while (nextWhole(c)) {
    if (c.wire !== LEN) continue
    if (c.field === 1) isRetryInfo = readString(bytes, c.start, c.stop).endsWith('/google.rpc.RetryInfo')
    else if (c.field === 2) {
      const info = new Cursor(bytes, c.start, c.stop)
      while (nextWhole(info)) {
        if (info.field === 1 && info.wire === LEN) delayMs = readDuration(bytes, info.start, info.stop)
      }
    }
  }
  return isRetryInfo ? (delayMs ?? 0) : undefined
}

/** A google.protobuf.Duration in ms; negative ones are 0. */
function readDuration(bytes: Uint8Array, start: number, stop: number): number {
  const c = new Cursor(bytes, start, stop)
  let ms = 0
  while (nextWhole(c)) {
    if (c.wire !== VARINT) continue
    const value = Number(readVarintInt64(bytes, c.start))
    if (c.field === 1) ms += value * 1000
    else if (c.field === 2) ms += value / 1e6
  }
  return Math.max(0, ms)
}

/** `next()` for bytes nobody validated: false as well when the field runs past the end, which leaves `pos` past it. */
function nextWhole(c: Cursor): boolean {
  return c.next() && c.stop <= c.end
}

/** A protobuf message never begins with `{` (the start of a group, which none of these has). */
function isJson(bytes: Uint8Array, contentType: string): boolean {
  return contentType.startsWith('application/json') || bytes[0] === 0x7b
}

type Json = Readonly<Record<string, unknown>>

function parseObject(bytes: Uint8Array): Json {
  try {
    return asObject(JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString()))
  } catch {
    return {}
  }
}

function asObject(value: unknown): Json {
  return typeof value === 'object' && value !== null ? (value as Json) : {}
}

function readJsonResponse(bytes: Uint8Array): ExportResponse {
  const body = parseObject(bytes)
  const partial = asObject(body['partialSuccess'] ?? body['partial_success'])
  let rejected = 0
  for (const key of Object.keys(partial)) {
    if (key.startsWith('rejected')) rejected = count(Number(partial[key]))
  }
  const text = partial['errorMessage'] ?? partial['error_message']
  const message = typeof text === 'string' ? text : ''
  return rejected === 0 && message === '' ? NOTHING_TO_SAY : { rejected, message }
}

function readJsonStatus(bytes: Uint8Array): Status {
  const body = parseObject(bytes)
  const code = Number.isInteger(body['code']) ? (body['code'] as number) : STATUS_CODES.UNKNOWN
  const message = typeof body['message'] === 'string' ? body['message'] : ''
  const details = Array.isArray(body['details']) ? body['details'].map(asObject) : []
  const info = details.find(one => String(one['@type']).endsWith('/google.rpc.RetryInfo'))
  const seconds = Number.parseFloat(String(info?.['retryDelay'] ?? info?.['retry_delay']))
  return Number.isNaN(seconds)
    ? { code, message }
    : { code, message, retryDelayMs: Math.max(0, seconds * 1000) }
}

/** A count of items as a server wrote it: nonsense (negative, not a number) is 0. */
function count(value: number | bigint): number {
  const number = Number(value)
  return number > 0 ? Math.min(number, Number.MAX_SAFE_INTEGER) : 0
}
