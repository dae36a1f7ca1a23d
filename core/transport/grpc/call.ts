/**
 * One unary gRPC call on an HTTP/2 session: the client's half of grpc/doc/PROTOCOL-HTTP2.md. It never throws; whatever
 * the server or the connection does becomes an answer.
 */

import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  constants,
  type IncomingHttpHeaders,
  type OutgoingHttpHeaders,
} from 'node:http2'
import type { StatusName } from '../../component/outcome.ts'
import { BodyTooLarge, decompress } from '../decompress.ts'
import { ANSWER_BYTES_MAX, accepted, failed, type GrpcAnswer, statusName } from './answer.ts'
import { messageEncoding } from './encodings.ts'

const PREFIX = 5

/** The server has not looked at the call: it may be made again on another connection, and nothing happens twice. */
export const UNPROCESSED = Symbol('unprocessed')
export type CallEnd = GrpcAnswer | typeof UNPROCESSED

/** RST_STREAM's codes in gRPC's words; those that are missing are INTERNAL. */
const OF_RESET: Readonly<Record<number, StatusName>> = {
  [constants.NGHTTP2_REFUSED_STREAM]: 'UNAVAILABLE',
  [constants.NGHTTP2_CANCEL]: 'CANCELLED',
  [constants.NGHTTP2_ENHANCE_YOUR_CALM]: 'RESOURCE_EXHAUSTED',
  [constants.NGHTTP2_INADEQUATE_SECURITY]: 'PERMISSION_DENIED',
}

/** HTTP statuses of what is no gRPC server (grpc/doc/http-grpc-status-mapping.md); others are UNKNOWN. */
const OF_HTTP: Readonly<Record<number, StatusName>> = {
  400: 'INTERNAL',
  401: 'UNAUTHENTICATED',
  403: 'PERMISSION_DENIED',
  404: 'UNIMPLEMENTED',
  429: 'UNAVAILABLE',
  502: 'UNAVAILABLE',
  503: 'UNAVAILABLE',
  504: 'UNAVAILABLE',
}

export class UnaryCall {
  /** Resolves once, when the call is over. */
  readonly end: Promise<CallEnd>
  readonly #session: ClientHttp2Session
  #stream: ClientHttp2Stream | undefined
  #settle: (end: CallEnd | Promise<CallEnd>) => void
  #head: IncomingHttpHeaders | undefined
  #trailers: IncomingHttpHeaders | undefined
  #parts: Uint8Array[] = []
  #size = 0
  #tooLarge = false
  #error: Error | undefined

  /** `parts` one after another are the whole message, prefix included. */
  constructor(session: ClientHttp2Session, headers: OutgoingHttpHeaders, parts: readonly Uint8Array[]) {
    const { promise, resolve } = Promise.withResolvers<CallEnd>()
    this.end = promise
    this.#settle = resolve
    this.#session = session
    try {
      this.#stream = session.request(headers, { endStream: false })
    } catch (error) {
      // A session that has just ended, or a header that no server could take.
      const ended = session.closed || session.destroyed
      resolve(ended ? UNPROCESSED : failed('INTERNAL', (error as Error).message))
      return
    }
    const stream = this.#stream
    stream.on('response', head => {
      this.#head = head
    })
    stream.on('trailers', trailers => {
      this.#trailers = trailers
    })
    stream.on('data', (part: Uint8Array) => this.#take(part))
    stream.on('end', () => {
      if (this.#verdict() !== undefined) this.#over()
    })
    stream.on('error', error => {
      this.#error = error
    })
    stream.on('close', () => this.#over())
    if (parts.length === 1) stream.end(parts[0])
    else {
      // Together they leave in one writev.
      stream.cork()
      for (const part of parts) stream.write(part)
      stream.end()
      stream.uncork()
    }
  }

  /** Nobody waits any longer: the server is told. */
  cancel(): void {
    this.#stream?.close(constants.NGHTTP2_CANCEL)
  }

  #take(part: Uint8Array): void {
    this.#size += part.length
    if (this.#size > ANSWER_BYTES_MAX + PREFIX) {
      this.#tooLarge = true
      this.#parts = []
      this.cancel()
    } else this.#parts.push(part)
  }

  /** The headers that hold `grpc-status`: trailers, or the only ones there are. */
  #verdict(): IncomingHttpHeaders | undefined {
    if (this.#trailers !== undefined) return this.#trailers
    return this.#head?.['grpc-status'] === undefined ? undefined : this.#head
  }

  #over(): void {
    const stream = this.#stream
    if (stream === undefined) return
    this.#stream = undefined
    // A server may answer before it has read the request; the rest of it is of no use to anybody.
    if (!stream.writableFinished && !stream.destroyed) stream.close(constants.NGHTTP2_CANCEL)
    this.#settle(this.#judge(stream.rstCode ?? 0))
  }

  #judge(reset: number): CallEnd | Promise<CallEnd> {
    if (this.#tooLarge) {
      return failed('RESOURCE_EXHAUSTED', `the answer is larger than ${ANSWER_BYTES_MAX} bytes`)
    }
    const head = this.#head
    const notGrpc = head === undefined ? undefined : whyNotGrpc(head)
    if (notGrpc !== undefined) return notGrpc
    const verdict = this.#verdict()
    if (verdict?.['grpc-status'] !== undefined) return this.#told(verdict)
    if (head === undefined && reset === constants.NGHTTP2_REFUSED_STREAM) return UNPROCESSED
    if (this.#session.destroyed) {
      const why = this.#error === undefined ? '' : `: ${this.#error.message}`
      return failed('UNAVAILABLE', `the connection was closed before the answer came${why}`)
    }
    if (reset !== 0)
      return failed(OF_RESET[reset] ?? 'INTERNAL', `the server reset the stream (code ${reset})`)
    return failed('INTERNAL', 'the server ended the stream without a status')
  }

  #told(verdict: IncomingHttpHeaders): GrpcAnswer | Promise<GrpcAnswer> {
    const status = statusName(Number(verdict['grpc-status']))
    if (status === 'OK') return this.#body()
    const written = verdict['grpc-status-details-bin']
    const details = typeof written === 'string' ? Buffer.from(written, 'base64') : undefined
    return failed(status, decoded(String(verdict['grpc-message'] ?? '')), details)
  }

  /** The message of a success. What cannot be read is empty: the server has the items all the same. */
  #body(): GrpcAnswer | Promise<GrpcAnswer> {
    const bytes = this.#parts.length === 1 ? this.#parts[0]! : Buffer.concat(this.#parts, this.#size)
    if (bytes.length <= PREFIX) return accepted(undefined)
    const content = bytes.subarray(PREFIX)
    if (bytes[0] === 0) return accepted(content)
    const encoding = messageEncoding(this.#head?.['grpc-encoding'] as string | undefined)
    if (encoding === undefined || encoding === '') return accepted(undefined)
    return inflated(content, encoding)
  }
}

async function inflated(
  content: Uint8Array,
  encoding: Parameters<typeof decompress>[1],
): Promise<GrpcAnswer> {
  try {
    return accepted(await decompress(content, encoding, ANSWER_BYTES_MAX))
  } catch (error) {
    if (error instanceof BodyTooLarge) return failed('RESOURCE_EXHAUSTED', error.message)
    return accepted(undefined)
  }
}

function whyNotGrpc(head: IncomingHttpHeaders): GrpcAnswer | undefined {
  const type = head['content-type']
  const http = Number(head[':status'])
  if (http === 200 && type !== undefined && /^application\/grpc(?:$|[+;])/i.test(type)) return undefined
  // An answer without a body may lack the type.
  if (http === 200 && type === undefined && head['grpc-status'] !== undefined) return undefined
  const said = http === 200 ? `content-type ${type ?? 'missing'}` : `HTTP status ${http}`
  return failed(OF_HTTP[http] ?? 'UNKNOWN', `${said}: this is no gRPC server`)
}

/** `grpc-message` is percent-encoded UTF-8; one that is not is shown as it came. */
function decoded(message: string): string {
  try {
    return decodeURIComponent(message)
  } catch {
    return message
  }
}
