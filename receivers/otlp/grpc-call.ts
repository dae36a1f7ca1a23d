/**
 * One unary gRPC call on a stream of node:http2: its one message is read, handed on, and answered. What the headers
 * and trailers mean is grpc/doc/PROTOCOL-HTTP2.md, which status is for what grpc/doc/statuscodes.md.
 */

import {
  constants,
  type IncomingHttpHeaders,
  type OutgoingHttpHeaders,
  type ServerHttp2Stream,
  type ServerStreamResponseOptions,
} from 'node:http2'
import type { Meta } from '../../core/component/meta.ts'
import type { Receipt } from '../../core/component/outcome.ts'
import { encodeResponse, encodeStatus, STATUS_CODES } from '../../core/otlp/response.ts'
import type { Signal } from '../../core/otlp/signals.ts'
import type { ContentEncoding } from '../../core/transport/decompress.ts'
import { BodyAborted } from './body.ts'
import { RequestContext } from './context.ts'
import type { Exports } from './export.ts'
import type { GrpcConnection } from './grpc-connection.ts'
import { MessageReader } from './grpc-message.ts'
import { type Answer, answer, answerOf } from './status.ts'

/** A request as its headers describe it. */
export interface GrpcRequest {
  readonly signal: Signal
  readonly encoding: ContentEncoding
  /** In ms; undefined when the client waits for ever. */
  readonly timeout: number | undefined
  readonly traceparent: string | undefined
  readonly meta: Meta
}

const HEADERS = [':status', '200', 'content-type', 'application/grpc']
const WITH_TRAILERS = { waitForTrailers: true, sendDate: false } as ServerStreamResponseOptions
const WITHOUT_BODY = { endStream: true, sendDate: false } as ServerStreamResponseOptions
const OK_TRAILERS = { 'grpc-status': '0' }
/** A request that was refused may go on for this long before it is cut off. */
const DRAIN_BYTES = 4 * 1024 * 1024
/** Five bytes of prefix: a response that has nothing to say. */
const EMPTY_MESSAGE = Buffer.alloc(5)

export class GrpcCall {
  readonly #stream: ServerHttp2Stream
  readonly #connection: GrpcConnection
  readonly #exports: Exports
  readonly #request: GrpcRequest
  readonly #reader: MessageReader
  readonly #context: RequestContext
  readonly #timer: NodeJS.Timeout | undefined
  #ended = false

  /** Begins to read. `limit` is that of the message, in bytes. */
  constructor(
    stream: ServerHttp2Stream,
    request: GrpcRequest,
    connection: GrpcConnection,
    exports: Exports,
    limit: number,
  ) {
    this.#stream = stream
    this.#connection = connection
    this.#exports = exports
    this.#request = request
    this.#reader = new MessageReader(request.encoding, limit)
    const { timeout, traceparent } = request
    const deadline = timeout === undefined ? undefined : performance.now() + timeout
    this.#context = new RequestContext('grpc', traceparent, deadline)
    if (timeout !== undefined) this.#timer = setTimeout(() => this.#tooLate(), timeout)
    connection.callBegins()
    stream.on('data', (chunk: Buffer) => this.#read(chunk))
    stream.on('end', () => void this.#serve())
    stream.on('aborted', () => this.#gone())
  }

  #read(chunk: Buffer): void {
    if (this.#ended) return
    const wrong = this.#reader.write(chunk)
    if (wrong !== undefined)
      this.#misframed(
        wrong.code === STATUS_CODES.RESOURCE_EXHAUSTED ? 'too_large' : 'malformed_framing',
        wrong,
      )
    else {
      const full = this.#noRoom()
      if (full !== undefined) this.#refuse(full)
    }
  }

  /** What `MessageReader` says of a message: it is too large, not whole, or none. */
  #misframed(reason: string, why: Answer): void {
    const { signal, meta } = this.#request
    this.#exports.unreadable(reason, why.message, signal, 'grpc', meta.address)
    this.#refuse(why)
  }

  /** Many large messages that were let in one by one may be too much together. */
  #noRoom(): Answer | undefined {
    if (this.#reader.complete) return undefined
    const refused = this.#exports.refusal(this.#request.signal)
    return refused === undefined ? undefined : answerOf(refused)
  }

  async #serve(): Promise<void> {
    if (this.#ended) return
    const { signal, meta } = this.#request
    try {
      const read = this.#reader.end()
      const message = read instanceof Promise ? await read : read
      if (!(message instanceof Uint8Array))
        this.#misframed(this.#reader.begun ? 'cut_off' : 'malformed_framing', message)
      else this.#accept(await this.#exports.consume(signal, message, meta, this.#context))
    } catch (error) {
      this.#refuse(this.#exports.failed(error, signal, 'grpc', meta.address))
    }
  }

  #accept(receipt: Receipt): void {
    if (!this.#end()) return
    const stream = this.#stream
    stream.respond(HEADERS, WITH_TRAILERS)
    stream.on('wantTrailers', sendOkTrailers)
    stream.end(frame(encodeResponse(this.#request.signal, receipt, 'protobuf')))
  }

  #refuse(why: Answer): void {
    if (this.#end()) refuse(this.#stream, why)
  }

  /** The client does not wait any longer, and is told so, in case it does. */
  #tooLate(): void {
    this.#context.abort()
    this.#refuse(answer('DEADLINE_EXCEEDED', 'the deadline of the request has passed'))
  }

  #gone(): void {
    const { signal, meta } = this.#request
    if (!this.#ended && !this.#reader.complete)
      this.#exports.failed(new BodyAborted(), signal, 'grpc', meta.address)
    this.#context.abort()
    this.#end()
  }

  /** False when the call has already been answered, or nobody is there who could be. */
  #end(): boolean {
    if (this.#ended) return false
    this.#ended = true
    clearTimeout(this.#timer)
    this.#connection.callEnds()
    return !this.#stream.closed && !this.#stream.destroyed
  }
}

function sendOkTrailers(this: ServerHttp2Stream): void {
  this.sendTrailers(OK_TRAILERS)
}

function frame(message: Uint8Array): Uint8Array {
  if (message.length === 0) return EMPTY_MESSAGE
  const bytes = Buffer.allocUnsafe(5 + message.length)
  bytes[0] = 0
  bytes.writeUInt32BE(message.length, 1)
  bytes.set(message, 5)
  return bytes
}

/** Answers with trailers alone; what more the client sends is not looked at (RFC 9113 8.1). */
export function refuse(stream: ServerHttp2Stream, why: Answer, more: OutgoingHttpHeaders = {}): void {
  const headers: OutgoingHttpHeaders = {
    ':status': 200,
    'content-type': 'application/grpc',
    'grpc-status': String(why.code),
    'grpc-message': percentEncoded(why.message),
    ...more,
  }
  if (why.retryDelayMs !== undefined) {
    const details = Buffer.from(encodeStatus(why, 'protobuf')).toString('base64')
    headers['grpc-status-details-bin'] = details.replace(/=+$/, '')
  }
  stream.respond(headers, WITHOUT_BODY)
  if (!stream.readableEnded) drain(stream)
}

/**
 * Reads on to nowhere: a reset at once would overtake the answer. A client that still sends after this much has had the
 * time to see it.
 */
function drain(stream: ServerHttp2Stream): void {
  let left = DRAIN_BYTES
  stream.on('data', (chunk: Uint8Array) => {
    left -= chunk.length
    if (left < 0) stream.close(constants.NGHTTP2_NO_ERROR)
  })
}

/** What is not printable ASCII, and the percent sign itself, as gRPC wants it in `grpc-message`. */
function percentEncoded(message: string): string {
  return message.replaceAll(/[^\x20-\x24\x26-\x7e]+/g, encodeURIComponent)
}

const UNIT_MS: Readonly<Record<string, number>> = {
  H: 3_600_000,
  M: 60_000,
  S: 1000,
  m: 1,
  u: 1e-3,
  n: 1e-6,
}

/** The value of `grpc-timeout` in ms; NaN when it is none. */
export function timeoutMs(value: string): number {
  return /^\d{1,8}[HMSmun]$/.test(value) ? Number(value.slice(0, -1)) * UNIT_MS[value.at(-1)!]! : Number.NaN
}

/** Names that are gRPC's own and do not become metadata (grpc-go internal/transport/http_util.go). */
const RESERVED = new Set([
  'te',
  'grpc-encoding',
  'grpc-message',
  'grpc-message-type',
  'grpc-status',
  'grpc-status-details-bin',
  'grpc-timeout',
])

/** Metadata by lower-case name, every value by itself; those of `-bin` keys are decoded. `raw` is [name, value, ...]. */
export function metadataOf(raw: readonly string[]): Map<string, readonly string[]> {
  const values = new Map<string, string[]>()
  for (let i = 0; i < raw.length; i += 2) {
    const name = raw[i]!
    if (name.startsWith(':') || RESERVED.has(name)) continue
    const known = values.get(name)
    const decoded = name.endsWith('-bin')
      ? raw[i + 1]!.split(',').map(part => Buffer.from(part, 'base64').toString())
      : [raw[i + 1]!]
    if (known === undefined) values.set(name, decoded)
    else known.push(...decoded)
  }
  return values
}

/** Why a stream is no gRPC call at all, as an HTTP status and a sentence; undefined when it is one. */
export function notGrpc(headers: IncomingHttpHeaders): readonly [status: number, why: string] | undefined {
  const method = headers[':method']
  if (method !== 'POST') return [405, `gRPC is spoken with POST, not ${method}`]
  const type = headers['content-type']
  if (type === 'application/grpc' || (type !== undefined && /^application\/grpc(?:$|[+;])/i.test(type))) {
    return undefined
  }
  return [
    415,
    `${type ?? 'no content-type'} is not gRPC; send application/grpc, or OTLP/HTTP to the port of protocols.http, usually 4318`,
  ]
}
