/**
 * OTLP over gRPC: where it listens, and how it starts and stops. The four services are one unary method each, and the
 * bytes go on as they are: nothing is decoded here. Connections are looked at before the server gets them: HTTP/1 on
 * this port is the most common mistake there is, and deserves a sentence.
 */

import { createServer, type Server as NetServer, type Socket } from 'node:net'
import { createServer as createTlsServer, type TLSSocket } from 'node:tls'
import { serverAuthenticator } from '../../core/transport/auth.ts'
import { listen } from '../../core/transport/listen.ts'
import { ServerTlsFiles } from '../../core/transport/tls-reload.ts'
import type { GrpcConfig } from './config.ts'
import { untilClosed } from './drain.ts'
import type { Exports } from './export.ts'
import { beforeHandshake, onFirstBytes, type Spoken } from './first-bytes.ts'
import { Gate } from './gate.ts'
import { Http2GrpcServer } from './grpc-http2.ts'
import { socketMeta } from './peer.ts'
import { GRPC_MISTAKES, INADEQUATE_SECURITY, type Mistake, refuseHttp1, refuseHttp2 } from './wrong-port.ts'

/** What speaks gRPC on the connections of the door. */
export interface GrpcServer {
  /** Takes a connection that speaks HTTP/2, as far as is known. After `close` it is told at once to come again. */
  accept(socket: Socket): void
  /** GOAWAY to all clients; each connection ends with its last call. */
  close(): void
  /** Ends all connections now. */
  cut(): void
}

const TCP = { noDelay: true, keepAlive: true, keepAliveInitialDelay: 15_000 }
const HANDSHAKE_MS = 30_000

export class GrpcDoor {
  readonly #config: GrpcConfig
  readonly #exports: Exports
  readonly #sockets = new Set<Socket>()
  #server: GrpcServer | undefined
  #listener: NetServer | undefined
  #files: ServerTlsFiles | undefined
  /** Where it listens; '' until then. */
  address = ''

  constructor(config: GrpcConfig, exports: Exports) {
    this.#config = config
    this.#exports = exports
  }

  /** Throws a sentence when the address, the certificate or the authenticator cannot be had. */
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

  /** Another part of the gateway listens in this one's place: its clients come to no closed port. */
  get replaced(): boolean {
    return this.#listener?.listening === false
  }

  /**
   * GOAWAY to all clients; what runs may finish until `deadline`, then it is cut off. `linger` is asked again and again:
   * as long as it says true, clients that have connected and said nothing yet are waited for.
   */
  async stop(deadline: number, linger: () => boolean = () => false): Promise<void> {
    if (this.#listener === undefined) return
    this.#files?.stop()
    this.#listener.close()
    this.#server?.close()
    const all = Promise.all(Array.from(this.#sockets, closed))
    await untilClosed(all, deadline, () => {
      // Nobody has said anything there: no session that could be told to go away.
      if (!linger()) this.#cut(socket => socket.bytesRead === 0)
    })
    this.#server?.cut()
    this.#cut(() => true)
    await all
  }

  #createListener(): NetServer {
    const { tls } = this.#config
    if (tls === undefined) return createServer(TCP, socket => this.#sniff(socket))
    const files = new ServerTlsFiles(tls, this.#exports.log)
    const options = { ...TCP, ...files.load(), handshakeTimeout: HANDSHAKE_MS, ALPNCallback: chooseProtocol }
    const server = createTlsServer(options, socket => this.#secured(socket))
    server.on('tlsClientError', (error, socket) => {
      this.#exports.handshakeFailed('grpc', error, socket)
      socket.destroy()
    })
    beforeHandshake(server, (spoken, socket) => this.#misplaced(spoken, socket))
    files.follow(server)
    this.#files = files
    return server
  }

  /** What is not TLS on a port with TLS. */
  #misplaced(spoken: Spoken, socket: Socket): boolean {
    if (spoken === 'http2') {
      this.#report(GRPC_MISTAKES.plain, socket)
      refuseHttp2(socket, GRPC_MISTAKES.plain, INADEQUATE_SECURITY)
      return true
    }
    return spoken === 'http1' && this.#refuseHttp1(socket)
  }

  /** HTTP/2 over TLS needs ALPN (RFC 9113 3.2); who did not ask for it speaks HTTP/1, most likely. */
  #secured(socket: TLSSocket): void {
    if (socket.alpnProtocol === 'h2') this.#server!.accept(socket)
    else this.#sniff(socket)
  }

  /** Hands the socket on once its first bytes are known, unless they are HTTP/1. */
  #sniff(socket: Socket): void {
    onFirstBytes(socket, spoken => {
      if (spoken === 'http1') this.#refuseHttp1(socket)
      else {
        if (spoken === 'tls') this.#report(GRPC_MISTAKES.tls, socket)
        this.#server!.accept(socket)
      }
    })
  }

  #refuseHttp1(socket: Socket): true {
    this.#report(GRPC_MISTAKES.http1, socket)
    refuseHttp1(socket, GRPC_MISTAKES.http1)
    return true
  }

  #report(mistake: Mistake, socket: Socket): void {
    this.#exports.misdirected('grpc', mistake, socketMeta(socket).address)
  }

  #cut(which: (socket: Socket) => boolean): void {
    for (const socket of this.#sockets) if (which(socket)) socket.destroy()
  }
}

/** Those that offer only HTTP/1.1 are let in, to be told where they are. */
function chooseProtocol({ protocols }: { protocols: readonly string[] }): string | undefined {
  return ['h2', 'http/1.1'].find(known => protocols.includes(known))
}

/** grpc-js is loaded only where it was chosen: 65 modules, 3 MiB. */
async function serverOf(config: GrpcConfig, exports: Exports): Promise<GrpcServer> {
  const authenticator = serverAuthenticator(config.auth, exports.host)
  const gate = authenticator === undefined ? undefined : new Gate(authenticator, exports, 'grpc')
  if (config.server === 'http2') return new Http2GrpcServer(config, exports, gate)
  const { GrpcJsServer } = await import('./grpc-js.ts')
  return new GrpcJsServer(config, exports, gate)
}

function closed(socket: Socket): Promise<void> {
  return new Promise(resolve => (socket.destroyed ? resolve() : socket.once('close', () => resolve())))
}
