/**
 * OTLP over gRPC: where it listens, and how it starts and stops. The four services are one unary method each, and the
 * bytes go on as they are: nothing is decoded here. Connections are looked at before the server gets them: HTTP/1 on
 * this port is the most common mistake there is, and deserves a sentence.
 */

import { createServer, type Server as NetServer, type Socket } from 'node:net'
import { createServer as createTlsServer } from 'node:tls'
import { listen } from '../../core/transport/listen.ts'
import { serverTlsOptions } from '../../core/transport/tls.ts'
import type { GrpcConfig } from './config.ts'
import type { Exports } from './export.ts'
import { Http2GrpcServer } from './grpc-http2.ts'
import { socketMeta } from './peer.ts'
import { refuseHttp1, speaksHttp1, speaksTls } from './wrong-port.ts'

/** What speaks gRPC on the connections of the door. */
export interface GrpcServer {
  /** Takes a connection that speaks HTTP/2, as far as is known. */
  accept(socket: Socket): void
  /** GOAWAY to all clients; each connection ends with its last call. */
  close(): void
  /** Ends all connections now. */
  cut(): void
}

/** For the log, about senders that speak TLS or HTTP/1 to this port. */
const FIX_INSECURE = 'tell it insecure, or add tls: to protocols.grpc'
const FIX_HTTP1 = 'send OTLP/HTTP to the port of protocols.http, usually 4318, or set its protocol to grpc'

const TCP = { noDelay: true, keepAlive: true, keepAliveInitialDelay: 15_000 }

export class GrpcDoor {
  readonly #config: GrpcConfig
  readonly #exports: Exports
  readonly #sockets = new Set<Socket>()
  #server: GrpcServer | undefined
  #listener: NetServer | undefined
  /** Where it listens; '' until then. */
  address = ''

  constructor(config: GrpcConfig, exports: Exports) {
    this.#config = config
    this.#exports = exports
  }

  /** Throws a sentence when the address cannot be had or the certificate cannot be used. */
  async start(): Promise<void> {
    this.#server = await serverOf(this.#config, this.#exports)
    const listener = this.#createListener()
    listener.on('connection', (socket: Socket) => {
      this.#sockets.add(socket)
      socket.once('close', () => this.#sockets.delete(socket))
    })
    this.#listener = listener
    this.address = await listen(listener, this.#config)
  }

  /** GOAWAY to all clients; what runs may finish until `deadline`, then it is cut off. */
  async stop(deadline: number): Promise<void> {
    if (this.#listener === undefined) return
    this.#listener.close()
    // Nobody has said anything there: no session that could be told to go away.
    for (const socket of this.#sockets) if (socket.bytesRead === 0) socket.destroy()
    this.#server?.close()
    const cut = setTimeout(() => this.#cut(), Math.max(0, deadline - performance.now()))
    await Promise.all(Array.from(this.#sockets, closed))
    clearTimeout(cut)
  }

  #createListener(): NetServer {
    const { tls } = this.#config
    if (tls === undefined) return createServer(TCP, socket => this.#sniff(socket))
    const accept = (socket: Socket) => this.#server!.accept(socket)
    const options = { ...TCP, ...serverTlsOptions(tls), ALPNProtocols: ['h2'] }
    return createTlsServer(options, accept).on('tlsClientError', (_error, socket) => socket.destroy())
  }

  /** Hands the socket on once its first bytes are known, unless they are HTTP/1. */
  #sniff(socket: Socket): void {
    socket.on('error', () => {}) // A reset before the first byte; afterwards http2 listens as well.
    socket.once('data', first => {
      socket.pause()
      const bytes = first as Buffer
      const { address } = socketMeta(socket)
      if (speaksTls(bytes)) this.#exports.misdirected('grpc', 'TLS', FIX_INSECURE, address)
      if (speaksHttp1(bytes)) {
        this.#exports.misdirected('grpc', 'HTTP/1', FIX_HTTP1, address)
        refuseHttp1(socket)
        return
      }
      socket.unshift(bytes)
      this.#server!.accept(socket)
    })
  }

  #cut(): void {
    this.#server?.cut()
    for (const socket of this.#sockets) socket.destroy()
  }
}

/** grpc-js is loaded only where it was chosen: 65 modules, 3 MiB. */
async function serverOf(config: GrpcConfig, exports: Exports): Promise<GrpcServer> {
  if (config.server === 'http2') return new Http2GrpcServer(config, exports)
  const { GrpcJsServer } = await import('./grpc-js.ts')
  return new GrpcJsServer(config, exports)
}

function closed(socket: Socket): Promise<void> {
  return new Promise(resolve => socket.once('close', () => resolve()))
}
