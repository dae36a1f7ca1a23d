/** The HTTP server under fastify: its timeouts, what it says to those that speak no HTTP, and how it ends. */

import type { RequestListener, Server } from 'node:http'
import { createServer as createTlsServer, type Server as TlsServer } from 'node:https'
import { Server as NetServer, type Socket } from 'node:net'
import type { TLSSocket, TlsOptions } from 'node:tls'
import { encodeStatus, STATUS_CODES } from '../../core/otlp/response.ts'
import { createServer, STATUS_CODES as STATUS_TEXTS } from '../../core/transport/node-http.ts'
import type { HttpConfig } from './config.ts'
import { untilClosed } from './drain.ts'
import { beforeHandshake } from './first-bytes.ts'
import { endWith, HTTP_1_1_REQUIRED, HTTP_MISTAKES, refuseHttp1, refuseHttp2 } from './wrong-port.ts'

const HANDSHAKE_MS = 30_000

/** Those that offer only HTTP/2, as gRPC does, are let in, to be told where they are. */
function chooseProtocol({ protocols }: { protocols: readonly string[] }): string | undefined {
  return ['http/1.1', 'h2'].find(known => protocols.includes(known))
}

export interface HttpServerEvents {
  readonly handler: RequestListener
  /** A client sent to this port what belongs elsewhere; it has been told. */
  readonly misplaced: (mistake: keyof typeof HTTP_MISTAKES, socket: Socket) => void
  readonly handshakeFailed: (error: Error, socket: TLSSocket) => void
}

/** `secure` is what the tls section gave, undefined without one. */
export function createHttpServer(
  config: HttpConfig,
  secure: TlsOptions | undefined,
  { handler, misplaced, handshakeFailed }: HttpServerEvents,
): Server {
  const { read_header_timeout: headers, read_timeout: whole, idle_timeout: idle } = config
  const shortest = Math.min(...[headers, whole].filter(ms => ms > 0))
  const options = {
    // A header may never take longer than the whole; node:http insists on it.
    headersTimeout: whole > 0 ? Math.min(headers || whole, whole) : headers,
    requestTimeout: whole,
    // One timer for all connections looks this often, so that a slow one costs the others nothing.
    connectionsCheckingInterval: Math.min(Math.max(shortest / 2, 20), 30_000),
    keepAliveTimeout: idle,
    keepAlive: true,
    keepAliveInitialDelay: 15_000,
    noDelay: true,
    maxHeaderSize: config.max_request_header_size,
    // A request without one gets a Status from us, instead of a bare 400.
    requireHostHeader: false,
  }
  const server = secure === undefined ? createServer(options) : secured({ ...options, ...secure })
  server.on('request', handler)
  // `Expect` is answered by the handler: 100 when it wants the body, 417 when it is something else.
  server.on('checkContinue', handler).on('checkExpectation', handler)
  return server

  function secured(all: TlsOptions): TlsServer {
    const https = createTlsServer({ ...all, handshakeTimeout: HANDSHAKE_MS, ALPNCallback: chooseProtocol })
    https.on('tlsClientError', (error, socket) => {
      handshakeFailed(error, socket)
      socket.destroy()
    })
    beforeHandshake(https, (spoken, socket) => {
      if (spoken !== 'http1' && spoken !== 'http2') return false
      const mistake = spoken === 'http1' ? 'plain' : 'http2'
      misplaced(mistake, socket)
      if (spoken === 'http1') refuseHttp1(socket, HTTP_MISTAKES.plain)
      else refuseHttp2(socket, HTTP_MISTAKES.http2, HTTP_1_1_REQUIRED)
      return true
    })
    return https
  }
}

/** What node:http knows about a request that it could not read: llhttp's code and reason, and the bytes. */
export type ClientError = Error & {
  readonly code?: string
  readonly reason?: string
  readonly rawPacket?: Uint8Array
}

/** For bytes that are no HTTP request, and requests that take too long to arrive. `headerLimit` in bytes. */
export function onClientError(error: ClientError, socket: Socket, headerLimit: number): void {
  if (socket.destroyed || socket.writableEnded || !socket.writable || error.code === 'ECONNRESET') return
  if (isHttp2(error)) refuseHttp2(socket, HTTP_MISTAKES.http2, HTTP_1_1_REQUIRED)
  else if (isTls(error)) refuse(socket, 400, HTTP_MISTAKES.tls.tell)
  else if (error.code === 'ERR_HTTP_REQUEST_TIMEOUT')
    refuse(socket, 408, 'the request took too long to arrive')
  else if (error.code === 'HPE_HEADER_OVERFLOW')
    refuse(socket, 431, `more than ${headerLimit} bytes of headers`)
  else if (error.code === 'HPE_INVALID_EOF_STATE')
    refuse(socket, 400, 'the connection ended before the request was whole')
  else refuse(socket, 400, `this is not an HTTP/1.1 request: ${error.reason ?? error.message}`)
}

export const isHttp2 = ({ code }: ClientError): boolean => code === 'HPE_PAUSED_H2_UPGRADE'
export const isTls = ({ rawPacket }: ClientError): boolean => rawPacket?.[0] === 0x16 && rawPacket[1] === 3

function refuse(socket: Socket, http: number, message: string): void {
  const body = encodeStatus({ code: STATUS_CODES.INVALID_ARGUMENT, message }, 'json')
  endWith(socket, [
    `HTTP/1.1 ${http} ${STATUS_TEXTS[http]}\r\ncontent-type: application/json\r\nconnection: close\r\ncontent-length: ${body.length}\r\n\r\n`,
    body,
  ])
}

/**
 * Takes no more connections, waits for running requests until `deadline`, then cuts them off. As long as `linger` says
 * true, clients that have a connection and no request are waited for: a connection that is closed while a request is
 * on its way to it looks to the client like a refusal. Safe twice.
 */
export async function closeHttpServer(
  server: Server,
  sockets: ReadonlySet<Socket>,
  deadline: number,
  linger: () => boolean,
): Promise<void> {
  // node:http's own close would end idle connections at once, and stop looking at timeouts.
  const closed = new Promise<void>(resolve => void NetServer.prototype.close.call(server, () => resolve()))
  await untilClosed(closed, deadline, () => {
    if (linger()) return
    server.closeIdleConnections()
    for (const socket of sockets) if (socket.bytesRead === 0) socket.destroy()
  })
  server.closeAllConnections()
  for (const socket of sockets) socket.destroy()
  await closed
  server.close()
}
