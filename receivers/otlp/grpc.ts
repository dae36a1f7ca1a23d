/**
 * OTLP over gRPC. The four services are one unary method each, so they are registered by path with the bytes as they
 * are: nothing is decoded here.
 *
 * @grpc/grpc-js sees to framing, the limit of a message on the wire, deadlines and unknown methods. Connections come through a listener of ours, which looks at the first bytes: HTTP/1 on this port is
 * the most common mistake there is, and deserves a sentence.
 */

import { createServer, type Server as NetServer, type Socket } from 'node:net'
import type { SecureContextOptions, TlsOptions } from 'node:tls'
import {
  Metadata,
  Server,
  ServerCredentials,
  ServerInterceptingCall,
  type ServerInterceptingCallInterface,
  type ServerMethodDefinition,
  type ServerUnaryCall,
  type sendUnaryData,
  type UntypedHandleCall,
} from '@grpc/grpc-js'
import { encodeResponse, encodeStatus } from '../../core/otlp/response.ts'
import { SIGNAL_WORDS, SIGNALS, type Signal } from '../../core/otlp/signals.ts'
import { listen } from '../../core/transport/listen.ts'
import { serverTlsOptions } from '../../core/transport/tls.ts'
import { type GrpcConfig, requestLimit } from './config.ts'
import { RequestContext } from './context.ts'
import type { Exports } from './export.ts'
import { type Decompress, decompression, useDecompression, widenWindows } from './grpc-inner.ts'
import { grpcMeta } from './peer.ts'
import type { Answer } from './status.ts'
import { refuseHttp1, speaksHttp1 } from './wrong-port.ts'

type Call = ServerUnaryCall<Buffer, Buffer>

const identity = (bytes: Buffer): Buffer => bytes

export class GrpcDoor {
  readonly #config: GrpcConfig
  readonly #exports: Exports
  readonly #server: Server
  readonly #methods = new Map<string, { readonly signal: Signal; readonly inflate: Decompress }>()
  readonly #sockets = new Set<Socket>()
  #listener: NetServer | undefined
  /** Where it listens; '' until then. */
  address = ''

  constructor(config: GrpcConfig, exports: Exports) {
    this.#config = config
    this.#exports = exports
    this.#server = new Server({ ...channelOptions(config), interceptors: [this.#door] })
    widenWindows(this.#server)
    const limit = requestLimit(config)
    for (const signal of SIGNALS) {
      const path = SIGNAL_WORDS[signal].method
      const handler = (call: Call, callback: sendUnaryData<Buffer>) =>
        void this.#serve(signal, call, callback)
      this.#server.register(path, handler as UntypedHandleCall, identity, identity, 'unary')
      const inflate = decompression(limit, error => void exports.failed(error, signal, 'grpc', ''))
      this.#methods.set(path, { signal, inflate })
    }
  }

  /** Throws a sentence when the address cannot be had or the certificate cannot be used. */
  async start(): Promise<void> {
    const { tls } = this.#config
    const credentials =
      tls === undefined ? ServerCredentials.createInsecure() : new TlsCredentials(serverTlsOptions(tls))
    const injector = this.#server.createConnectionInjector(credentials)
    const accept = (socket: Socket) => injector.injectConnection(socket)
    this.#listener = createServer(
      { noDelay: true, keepAlive: true, keepAliveInitialDelay: 15_000 },
      socket => {
        this.#sockets.add(socket)
        socket.once('close', () => this.#sockets.delete(socket))
        if (tls === undefined) sniff(socket, accept)
        else accept(socket)
      },
    )
    this.address = await listen(this.#listener, this.#config)
  }

  /** GOAWAY to all clients; what runs may finish until `deadline`, then it is cut off. */
  async stop(deadline: number): Promise<void> {
    if (this.#listener === undefined) return
    this.#listener.close()
    // Nobody has said anything there: no session that could be told to go away.
    for (const socket of this.#sockets) if (socket.bytesRead === 0) socket.destroy()
    const cut = setTimeout(() => this.#cut(), Math.max(0, deadline - performance.now()))
    await new Promise<void>(resolve => this.#server.tryShutdown(() => resolve()))
    // grpc-js does not wait for connections that it did not accept itself.
    await Promise.all(Array.from(this.#sockets, closed))
    clearTimeout(cut)
    this.#server.forceShutdown()
  }

  #cut(): void {
    this.#server.forceShutdown()
    for (const socket of this.#sockets) socket.destroy()
  }

  /** Runs before a body is read. Returning the call as it is costs nothing; refused ones are answered at once. Only known methods come here. */
  #door = (
    method: ServerMethodDefinition<unknown, unknown>,
    call: ServerInterceptingCallInterface,
  ): ServerInterceptingCall => {
    const { signal, inflate } = this.#methods.get(method.path)!
    const refused = this.#exports.admit(signal)
    if (refused === undefined) {
      useDecompression(call, inflate)
      return call as ServerInterceptingCall
    }
    return new ServerInterceptingCall(call, {
      start: next => next({ onReceiveMetadata: () => call.sendStatus(statusOf(refused)) }),
    })
  }

  async #serve(signal: Signal, call: Call, callback: sendUnaryData<Buffer>): Promise<void> {
    const context = new RequestContext('grpc', header(call.metadata, 'traceparent'), deadlineOf(call))
    const onCancel = () => context.abort()
    call.once('cancelled', onCancel)
    try {
      const values = this.#config.include_metadata ? valuesOf(call.metadata) : undefined
      const meta = grpcMeta(call.getPeer(), call.getHost(), values)
      const receipt = await this.#exports.consume(signal, call.request, meta, context)
      callback(null, encodeResponse(signal, receipt, 'protobuf') as Buffer)
    } catch (error) {
      callback(statusOf(this.#exports.failed(error, signal, 'grpc', call.getPeer())))
    } finally {
      call.off('cancelled', onCancel)
    }
  }
}

function channelOptions(config: GrpcConfig) {
  const { server_parameters: connection } = config.keepalive
  const positive = (key: string, ms: number) => (ms > 0 ? { [key]: ms } : {})
  return {
    'grpc.max_receive_message_length': requestLimit(config),
    'grpc.max_send_message_length': -1,
    'grpc.enable_channelz': 0,
    'grpc.keepalive_time_ms': connection.time,
    'grpc.keepalive_timeout_ms': connection.timeout,
    ...positive('grpc.max_concurrent_streams', config.max_concurrent_streams),
    ...positive('grpc.max_connection_idle_ms', connection.max_connection_idle),
    ...positive('grpc.max_connection_age_ms', connection.max_connection_age),
    ...positive('grpc.max_connection_age_grace_ms', connection.max_connection_age_grace),
  }
}

/** grpc-js takes certificates alone; this hands it the whole of what the `tls` section says. */
class TlsCredentials extends ServerCredentials {
  constructor(options: TlsOptions) {
    super(options, options as SecureContextOptions)
  }

  _equals(other: ServerCredentials): boolean {
    return this === other
  }
}

/** Hands the socket on once its first bytes are known, unless they are HTTP/1. */
function sniff(socket: Socket, accept: (socket: Socket) => void): void {
  socket.on('error', () => {}) // A reset before the first byte; afterwards http2 listens as well.
  socket.once('data', first => {
    socket.pause()
    if (speaksHttp1(first as Buffer)) {
      refuseHttp1(socket)
      return
    }
    socket.unshift(first)
    accept(socket)
  })
}

function closed(socket: Socket): Promise<void> {
  return new Promise(resolve => socket.once('close', () => resolve()))
}

function header(metadata: Metadata, name: string): string | undefined {
  return metadata.get(name)[0] as string | undefined
}

function valuesOf(metadata: Metadata): Map<string, readonly string[]> {
  return new Map(Object.keys(metadata.getMap()).map(name => [name, metadata.get(name).map(String)]))
}

/** When the client stops waiting, on the clock of performance.now(). */
function deadlineOf(call: Call): number | undefined {
  const deadline = Number(call.getDeadline())
  return deadline === Infinity ? undefined : deadline - Date.now() + performance.now()
}

/** RetryInfo travels in `grpc-status-details-bin`, and only when there is a wait to tell. */
function statusOf(answer: Answer) {
  const metadata = new Metadata()
  if (answer.retryDelayMs !== undefined) {
    metadata.set('grpc-status-details-bin', Buffer.from(encodeStatus(answer, 'protobuf')))
  }
  return { code: answer.code, details: answer.message, metadata }
}
