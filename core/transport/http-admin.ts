/**
 * A tiny server for the gateway's own pages: metrics, health, zpages, profiles. GET and HEAD only, no bodies, few
 * connections, short waits: it must never be the way to hurt the gateway.
 */

import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { Part } from '../component/contract.ts'
import { Refused, Rejected } from '../component/outcome.ts'
import type { Logger } from '../telemetry/log.ts'
import { type Extensions, type HttpServerAuthConfig, httpAuthRequest, serverAuthenticator } from './auth.ts'
import { listen } from './listen.ts'
import { createServer } from './node-http.ts'
import type { ServerTlsConfig } from './tls.ts'
import { ServerTlsFiles } from './tls-reload.ts'

export interface Page {
  /** 200 when not given. */
  readonly status?: number
  readonly type: string
  /** In one piece or in several. */
  readonly body: string | Uint8Array | readonly Uint8Array[]
  readonly headers?: Readonly<Record<string, string>>
}

/** Answers one request; undefined is 404. What it throws is answered as 500 without details. */
export type Handler = (url: URL, request: IncomingMessage) => Page | undefined | Promise<Page | undefined>

export interface AdminServer {
  /** `http://127.0.0.1:13133`, or `https:`, with the port it really has. */
  readonly address: string
  /** Stops listening and ends open connections. Safe twice. */
  close(): Promise<void>
}

const HEADER_TIMEOUT_MS = 5_000
const REQUEST_TIMEOUT_MS = 10_000
const IDLE_TIMEOUT_MS = 15_000
const HEADER_BYTES_MAX = 16 * 1024
const CONNECTIONS_MAX = 64

/** Who may see the pages, and how they travel: the sections of the config, and what these need. */
export interface AdminGuard {
  readonly tls: ServerTlsConfig | undefined
  readonly auth: HttpServerAuthConfig | undefined
  readonly host: Extensions
  /** Is told of certificates that change and of readers that are turned away. */
  readonly log: Logger
}

/** Listens on `host:port`. Throws when that, a certificate or the authenticator cannot be had, saying what for. */
export async function serveAdmin(
  endpoint: string,
  purpose: string,
  handler: Handler,
  guard?: AdminGuard,
): Promise<AdminServer> {
  const options = {
    headersTimeout: HEADER_TIMEOUT_MS,
    requestTimeout: REQUEST_TIMEOUT_MS,
    maxHeaderSize: HEADER_BYTES_MAX,
  }
  const guarded = guard?.auth === undefined ? handler : behind(guard, guard.auth, handler)
  const serve = (request: IncomingMessage, response: ServerResponse) => respond(guarded, request, response)
  const files = guard?.tls === undefined ? undefined : new ServerTlsFiles(guard.tls, guard.log)
  const https = files === undefined ? undefined : createTlsServer({ ...options, ...files.load() }, serve)
  if (https !== undefined) files?.follow(https)
  const server = https ?? createServer(options, serve)
  server.keepAliveTimeout = IDLE_TIMEOUT_MS
  server.maxConnections = CONNECTIONS_MAX
  const address = await listen(server, { endpoint, transport: 'tcp' }).catch((error: Error) => {
    files?.stop()
    throw new Error(`${purpose}: ${error.message}`, { cause: error })
  })
  return {
    address: `${https === undefined ? 'http' : 'https'}://${address}`,
    close: () =>
      new Promise(resolve => {
        files?.stop()
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

/**
 * `handler` for those the authenticator lets in. That one is looked up here, so that nobody starts without it, and for
 * each request, because a reload may put another in its place.
 */
function behind({ host, log }: AdminGuard, auth: HttpServerAuthConfig, handler: Handler): Handler {
  serverAuthenticator(auth, host)
  return async (url, request) => {
    const authenticator = serverAuthenticator(auth, host)!
    try {
      await authenticator.authenticate(httpAuthRequest(request, auth.request_params))
    } catch (error) {
      if (!(error instanceof Rejected || error instanceof Refused)) {
        log.error('An authenticator failed in a way it should not; this is a bug', { error })
        throw error
      }
      log.warn('A reader of these pages was turned away', {
        peer: request.socket.remoteAddress,
        reason: error.message,
      })
      if (error instanceof Refused) return text(503, `${error.message}\n`)
      const { challenge } = authenticator
      const page = text(401, `${error.message}\n`)
      return challenge === undefined ? page : { ...page, headers: { 'www-authenticate': challenge } }
    }
    return handler(url, request)
  }
}

/** A part that is such a server and nothing else; its one address is called `http`. */
export class AdminPages implements Part {
  readonly addresses = new Map<string, string>()
  readonly #serve: () => Promise<AdminServer>
  #server: AdminServer | undefined

  constructor(endpoint: string, purpose: string, handler: Handler, guard?: AdminGuard) {
    this.#serve = () => serveAdmin(endpoint, purpose, handler, guard)
  }

  async start(): Promise<void> {
    this.#server = await this.#serve()
    this.addresses.set('http', this.#server.address.replace(/^https?:\/\//, ''))
  }

  async stop(): Promise<void> {
    await this.#server?.close()
  }
}

function respond(handler: Handler, request: IncomingMessage, response: ServerResponse): void {
  void answer(handler, request).then(page => {
    const { body } = page
    const pieces = typeof body === 'string' ? [Buffer.from(body)] : body instanceof Uint8Array ? [body] : body
    response.writeHead(page.status ?? 200, {
      'content-type': page.type,
      'content-length': pieces.reduce((sum, { length }) => sum + length, 0),
      'x-content-type-options': 'nosniff',
      'cache-control': 'no-store',
      ...page.headers,
    })
    if (request.method === 'HEAD') response.end()
    else {
      for (const piece of pieces.slice(0, -1)) response.write(piece)
      response.end(pieces.at(-1))
    }
  })
  // A body is not read; its sender gets the answer and the connection ends.
  request.resume()
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
