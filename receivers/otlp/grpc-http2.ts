/**
 * The gRPC server of the door, on node:http2. Measured with bare servers, @grpc/grpc-js takes 73 µs of CPU for a request
 * of 10 spans, and node:http2 43.
 */

import {
  constants,
  createServer,
  type Http2Server,
  type IncomingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from 'node:http2'
import type { Socket } from 'node:net'
import type { Identity } from '../../core/component/extensions.ts'
import type { Meta } from '../../core/component/meta.ts'
import { SIGNAL_WORDS, SIGNALS, type Signal } from '../../core/otlp/signals.ts'
import { valuesOf } from '../../core/transport/auth.ts'
import { type GrpcConfig, requestLimit } from './config.ts'
import type { Exports } from './export.ts'
import { type Gate, isIdentity } from './gate.ts'
import type { GrpcServer } from './grpc.ts'
import { GrpcCall, type GrpcRequest, metadataOf, notGrpc, refuse, timeoutMs } from './grpc-call.ts'
import { GrpcConnection } from './grpc-connection.ts'
import { ACCEPT_ENCODING, messageEncoding } from './grpc-message.ts'
import { grpcMeta, identified, socketMeta } from './peer.ts'
import { type Answer, answer } from './status.ts'

/**
 * What one request may send before it is read. HTTP/2's default is 64 KiB, with which a request of 272 kB waits four
 * times for a WINDOW_UPDATE; across a continent, 64 KiB a round trip is all that a connection could carry.
 */
export const STREAM_WINDOW = 4 * 1024 * 1024
/** What all requests of a connection may send together before they are read. */
export const CONNECTION_WINDOW = 16 * 1024 * 1024

const SIGNAL_OF = new Map<string, Signal>(SIGNALS.map(signal => [SIGNAL_WORDS[signal].method, signal]))

export class Http2GrpcServer implements GrpcServer {
  readonly #config: GrpcConfig
  readonly #exports: Exports
  readonly #gate: Gate | undefined
  readonly #limit: number
  readonly #server: Http2Server
  readonly #connections = new Set<GrpcConnection>()
  #closing = false

  /** Without a gate everybody gets in. */
  constructor(config: GrpcConfig, exports: Exports, gate: Gate | undefined) {
    this.#config = config
    this.#exports = exports
    this.#gate = gate
    this.#limit = requestLimit(config)
    const { max_concurrent_streams: streams } = config
    // Streams that are reset as soon as they are opened are limited by nghttp2 itself: 1,000 at once, then 33 a second.
    this.#server = createServer({
      maxSessionMemory: 64,
      settings: {
        initialWindowSize: STREAM_WINDOW,
        ...(streams > 0 ? { maxConcurrentStreams: streams } : {}),
      },
    })
    this.#server.on('session', session => this.#connect(session))
  }

  accept(socket: Socket): void {
    this.#server.emit('connection', socket)
  }

  close(): void {
    this.#closing = true
    for (const connection of this.#connections) connection.close()
  }

  cut(): void {
    for (const { session } of this.#connections) session.destroy()
  }

  #connect(session: ServerHttp2Session): void {
    session.setLocalWindowSize(CONNECTION_WINDOW)
    const connection = new GrpcConnection(session, socketMeta(session.socket), this.#config.keepalive)
    this.#connections.add(connection)
    session.once('close', () => this.#connections.delete(connection))
    session.on('stream', (stream, headers, _flags, raw) => this.#serve(connection, stream, headers, raw))
    if (this.#closing) connection.close()
  }

  #serve(
    connection: GrpcConnection,
    stream: ServerHttp2Stream,
    headers: IncomingHttpHeaders,
    raw: readonly string[],
  ): void {
    stream.on('error', () => {}) // 'aborted' has told it before.
    if (stream.destroyed) return
    if (!connection.takes(stream.id!)) {
      stream.close(constants.NGHTTP2_REFUSED_STREAM)
      return
    }
    const wrong = notGrpc(headers)
    if (wrong !== undefined) {
      refuse(stream, answer('INTERNAL', wrong[1]), { ':status': wrong[0] })
      return
    }
    const signal = SIGNAL_OF.get(headers[':path']!)
    if (signal === undefined) {
      refuse(stream, answer('UNIMPLEMENTED', `there is no method ${headers[':path']}`))
      return
    }
    if (this.#gate === undefined) {
      this.#admit(connection, stream, signal, headers, raw, undefined)
      return
    }
    const enter = (passed: Identity | Answer): void => {
      if (stream.destroyed || stream.closed) return
      if (isIdentity(passed)) this.#admit(connection, stream, signal, headers, raw, passed)
      else refuse(stream, passed)
    }
    const passed = this.#gate.ask({ values: name => valuesOf(raw, name) }, connection.peer.address)
    if (passed instanceof Promise) void passed.then(enter)
    else enter(passed)
  }

  #admit(
    connection: GrpcConnection,
    stream: ServerHttp2Stream,
    signal: Signal,
    headers: IncomingHttpHeaders,
    raw: readonly string[],
    auth: Identity | undefined,
  ): void {
    const refused = this.#exports.admit(signal)
    if (refused !== undefined) {
      refuse(stream, refused)
      return
    }
    const request = this.#request(signal, headers, raw, identified(connection.peer, auth))
    if ('code' in request) refuse(stream, request, { 'grpc-accept-encoding': ACCEPT_ENCODING })
    else new GrpcCall(stream, request, connection, this.#exports, this.#limit)
  }

  /** What the headers say, or why they cannot be followed. */
  #request(
    signal: Signal,
    headers: IncomingHttpHeaders,
    raw: readonly string[],
    peer: Meta,
  ): GrpcRequest | Answer {
    const name = headers['grpc-encoding'] as string | undefined
    const encoding = messageEncoding(name)
    if (encoding === undefined) {
      return answer('UNIMPLEMENTED', `grpc-encoding ${name} is not supported; send ${ACCEPT_ENCODING}`)
    }
    const written = headers['grpc-timeout'] as string | undefined
    const timeout = written === undefined ? undefined : timeoutMs(written)
    if (Number.isNaN(timeout)) return answer('INTERNAL', `grpc-timeout ${written} is not a time`)
    const traceparent = headers['traceparent'] as string | undefined
    if (!this.#config.include_metadata) return { signal, encoding, timeout, traceparent, meta: peer }
    const authority = headers[':authority'] ?? headers.host ?? ''
    const meta = identified(grpcMeta(peer.address, authority, metadataOf(raw)), peer.auth)
    return { signal, encoding, timeout, traceparent, meta }
  }
}
