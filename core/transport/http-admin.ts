/**
 * A tiny server for the gateway's own pages: metrics, health, zpages, profiles. GET and HEAD only, no bodies, few
 * connections, short waits: it must never be the way to hurt the gateway.
 */

import { createServer, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface Page {
  /** 200 when not given. */
  readonly status?: number
  readonly type: string
  readonly body: string | Uint8Array
  readonly headers?: Readonly<Record<string, string>>
}

/** Answers one request; undefined is 404. What it throws is answered as 500 without details. */
export type Handler = (url: URL, request: IncomingMessage) => Page | undefined | Promise<Page | undefined>

export interface AdminServer {
  /** `http://127.0.0.1:13133`, with the port it really has. */
  readonly address: string
  /** Stops listening and ends open connections. Safe twice. */
  close(): Promise<void>
}

export interface Endpoint {
  readonly host: string
  readonly port: number
}

const HEADER_TIMEOUT_MS = 5_000
const REQUEST_TIMEOUT_MS = 10_000
const IDLE_TIMEOUT_MS = 15_000
const HEADER_BYTES_MAX = 16 * 1024
const CONNECTIONS_MAX = 64

/** `localhost:13133`, `:13133` (all addresses), `[::1]:13133`; undefined when it is none of these. */
export function parseEndpoint(endpoint: string): Endpoint | undefined {
  const parts = /^(?:\[([^\]]+)\]|([^:]*)):(\d{1,5})$/.exec(endpoint)
  if (parts === null) return undefined
  const port = Number(parts[3])
  return port > 65_535 ? undefined : { host: parts[1] ?? parts[2]!, port }
}

/** For a schema's `check` of an endpoint key. */
export function endpointProblem(endpoint: string): readonly [wrong: string, fix: string] | undefined {
  if (parseEndpoint(endpoint) !== undefined) return undefined
  return [`"${endpoint}" is not host:port`, 'write it like localhost:8888']
}

/** Starts listening. Throws when the address cannot be taken; the message says which and what for. */
export async function serveAdmin(
  endpoint: Endpoint,
  purpose: string,
  handler: Handler,
): Promise<AdminServer> {
  const server = createServer(
    {
      headersTimeout: HEADER_TIMEOUT_MS,
      requestTimeout: REQUEST_TIMEOUT_MS,
      maxHeaderSize: HEADER_BYTES_MAX,
    },
    (request, response) => {
      void answer(handler, request).then(page => {
        const body = typeof page.body === 'string' ? Buffer.from(page.body) : page.body
        response.writeHead(page.status ?? 200, {
          'content-type': page.type,
          'content-length': body.length,
          'x-content-type-options': 'nosniff',
          'cache-control': 'no-store',
          ...page.headers,
        })
        response.end(request.method === 'HEAD' ? undefined : body)
      })
      // A body is not read; its sender gets the answer and the connection ends.
      request.resume()
    },
  )
  server.keepAliveTimeout = IDLE_TIMEOUT_MS
  server.maxConnections = CONNECTIONS_MAX
  await listen(server, endpoint, purpose)
  const { address, port } = server.address() as AddressInfo
  return {
    address: `http://${address.includes(':') ? `[${address}]` : address}:${port}`,
    close: () =>
      new Promise(resolve => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

function listen(server: Server, { host, port }: Endpoint, purpose: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const why = error.code === 'EADDRINUSE' ? 'another program has this port' : error.message
      reject(new Error(`${purpose} cannot listen on ${host}:${port}: ${why}`, { cause: error }))
    })
    server.listen(host === '' ? { port } : { host, port }, resolve)
  })
}

const text = (status: number, body: string): Page => ({ status, type: 'text/plain; charset=utf-8', body })

async function answer(handler: Handler, request: IncomingMessage): Promise<Page> {
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    return { ...text(405, 'only GET and HEAD are answered here\n'), headers: { allow: 'GET, HEAD' } }
  }
  const url = URL.parse(request.url ?? '/', 'http://admin')
  if (url === null) return text(400, 'the path cannot be read\n')
  try {
    return (await handler(url, request)) ?? text(404, 'there is no such page\n')
  } catch {
    return text(500, 'the page could not be made; the log says more\n')
  }
}

/** Text for HTML, in content and in quoted attributes. */
export function escapeHtml(plain: string): string {
  const names: Record<string, string> = {
    '&': '&amp;',
    '<': '&lt;',
    '>': '&gt;',
    '"': '&quot;',
    "'": '&#39;',
  }
  return plain.replaceAll(/[&<>"']/g, char => names[char]!)
}
