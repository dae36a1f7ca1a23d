/** The HTTP server under fastify: its timeouts, what it says to those that speak no HTTP, and how it ends. */

import type { RequestListener, Server } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { Socket } from 'node:net'
import { encodeStatus, STATUS_CODES } from '../../core/otlp/response.ts'
import { createServer, STATUS_CODES as STATUS_TEXTS } from '../../core/transport/node-http.ts'
import { serverTlsOptions } from '../../core/transport/tls.ts'
import type { HttpConfig } from './config.ts'
import { endWith, refuseHttp2 } from './wrong-port.ts'

const HEADER_BYTES_MAX = 64 * 1024
/** While it stops, how often connections that have become idle are ended. */
const SWEEP_MS = 20

/** Throws a sentence when the certificate cannot be used. */
export function createHttpServer(config: HttpConfig, handler: RequestListener): Server {
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
    maxHeaderSize: HEADER_BYTES_MAX,
  }
  if (config.tls === undefined) return createServer(options, handler)
  return createTlsServer({ ...options, ...serverTlsOptions(config.tls) }, handler)
}

/** What node:http knows about a request that it could not read: llhttp's code and reason, and the bytes. */
export type ClientError = Error & {
  readonly code?: string
  readonly reason?: string
  readonly rawPacket?: Uint8Array
}

/** For bytes that are no HTTP request, and requests that take too long to arrive. */
export function onClientError(error: ClientError, socket: Socket): void {
  if (socket.destroyed || socket.writableEnded || !socket.writable || error.code === 'ECONNRESET') return
  if (error.code === 'HPE_PAUSED_H2_UPGRADE') {
    refuseHttp2(socket)
    return
  }
  if (error.code === 'ERR_HTTP_REQUEST_TIMEOUT') refuse(socket, 408, 'the request took too long to arrive')
  else if (error.code === 'HPE_HEADER_OVERFLOW')
    refuse(socket, 431, `more than ${HEADER_BYTES_MAX} bytes of headers`)
  else refuse(socket, 400, `this is not an HTTP/1.1 request: ${error.reason ?? error.message}`)
}

function refuse(socket: Socket, http: number, message: string): void {
  const body = encodeStatus({ code: STATUS_CODES.INVALID_ARGUMENT, message }, 'json')
  endWith(socket, [
    `HTTP/1.1 ${http} ${STATUS_TEXTS[http]}\r\ncontent-type: application/json\r\nconnection: close\r\ncontent-length: ${body.length}\r\n\r\n`,
    body,
  ])
}

/** Takes no more connections, waits for running requests until `deadline`, then cuts them off. Safe twice. */
export async function closeHttpServer(server: Server, deadline: number): Promise<void> {
  const closed = new Promise<void>(resolve => server.close(() => resolve()))
  const sweep = setInterval(() => {
    if (performance.now() < deadline) server.closeIdleConnections()
    else server.closeAllConnections()
  }, SWEEP_MS)
  server.closeIdleConnections()
  await closed
  clearInterval(sweep)
}
