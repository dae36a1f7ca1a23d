/**
 * The HTTP client of every exporter that speaks HTTP: the Collector's confighttp.ClientConfig keys (0.155) over undici.
 * One instance per exporter, with its own connections. It says what the server answered; what an answer means is the
 * exporter's business. Whatever kept it from an answer is thrown as Refused: nobody knows that the server took it.
 */

import { Agent, buildConnector, Client, type Dispatcher, Pool, ProxyAgent } from 'undici'
import type { ClientAuthenticator } from '../component/extensions.ts'
import { type Meta, NO_META } from '../component/meta.ts'
import { Refused, Rejected } from '../component/outcome.ts'
import type { Logger } from '../telemetry/log.ts'
import { clientAuthenticator, type Extensions } from './auth.ts'
import { type Compressor, compressorFor } from './compress.ts'
import { CookieJar } from './cookies.ts'
import { failure, type HttpAnswer, readAnswer } from './http-answer.ts'
import type { HttpClientConfig } from './http-client-config.ts'
import { proxyFromEnvironment } from './proxy.ts'
import { type ClientTls, namesFiles } from './tls.ts'
import { ClientTlsFiles } from './tls-reload.ts'

export type { HttpAnswer } from './http-answer.ts'
export { httpClientFields } from './http-client-config.ts'

export interface HttpRequest {
  readonly method: 'POST' | 'PUT' | 'GET' | 'HEAD' | 'DELETE'
  readonly url: URL
  /** Lower-case names. Those of the config win over these. */
  readonly headers: Readonly<Record<string, string>>
  /** Sent one after another as one body. */
  readonly chunks: readonly Uint8Array[]
  readonly byteLength: number
  /** That of the batch; an authenticator may take headers from it. */
  readonly meta?: Meta
  /** Headers that a redirection to another host does not get. Lower-case names. */
  readonly secrets?: Readonly<Record<string, string>>
  /** `all`: 301, 302 and 303 too, as for pages that are read; `none`: a redirection is an answer. */
  readonly redirects?: 'all' | 'none'
  /** How much of a body is read, in bytes; 4 MiB unless said. */
  readonly answerBytesMax?: number
  /** Told of each part of a body before it is kept, in bytes. When it throws, that is the end: `cause` of what `send` throws. */
  readonly takeBytes?: (bytes: number) => void
  /** Stops waiting. */
  readonly signal: AbortSignal | undefined
}

/** As long as Go's default dialer waits. */
const CONNECT_MS_MAX = 30_000
/**
 * Chunks that are smaller than this on average are joined before they are written, larger ones are written one by one.
 * Measured: 64 chunks of 4 kB cost 1.3 times as much one by one, 16 chunks of 16 kB the same, 16 of 262 kB 0.7 times.
 */
const WRITE_BYTES_MIN = 16 * 1024
/** undici wants a number; this is its "never". */
const NEVER_MS = 2 ** 31 - 1
/** Requests at once on one HTTP/2 connection; what undici itself takes for the most. */
const HTTP2_STREAMS_MAX = 100
/** As many as Go's client follows. */
const REDIRECTS_MAX = 10

/** The proxy for a target, or undefined: for those who do not go by `proxy_url` and the environment. */
export type ProxyChoice = (target: URL) => string | undefined

/** A request as it is sent. */
interface Encoded {
  readonly body: unknown
  readonly headers: Readonly<Record<string, string>>
}

/** How connections with TLS are made since the files last changed. */
interface SecureTarget {
  readonly connect: buildConnector.connector
  readonly tls: ClientTls
}

export class HttpClient {
  readonly #config: HttpClientConfig
  readonly #headers: Readonly<Record<string, string>>
  readonly #compressor: Compressor | undefined
  readonly #cookies: CookieJar | undefined
  readonly #proxyFor: ProxyChoice
  #auth: ClientAuthenticator | undefined
  /** By the proxy that they go through; '' is none. Undefined before `open` and after `close`. */
  #dispatchers: Map<string, Dispatcher> | undefined
  readonly #plain = buildConnector({ timeout: CONNECT_MS_MAX })
  readonly #tls: ClientTlsFiles
  #secure: SecureTarget | undefined

  /** `log` is told of certificates that change. */
  constructor(
    config: HttpClientConfig,
    userAgent: string,
    log?: Logger,
    proxyFor: ProxyChoice = target => usualProxy(config.proxy_url, target),
  ) {
    this.#config = config
    this.#proxyFor = proxyFor
    this.#tls = new ClientTlsFiles(config.tls, log)
    const headers: Record<string, string> = { 'user-agent': userAgent }
    for (const [name, value] of config.headers) headers[name.toLowerCase()] = value.reveal()
    this.#headers = headers
    this.#compressor = compressorFor(config)
    this.#cookies = config.cookies === undefined ? undefined : new CookieJar()
  }

  /** Whether what goes to the socket are other bytes than those of the request. */
  get compresses(): boolean {
    return this.#compressor !== undefined
  }

  /**
   * Finds its authenticator in `extensions`, reads certificates and makes the pool; connects to nobody. Throws an Error
   * that names the key at fault.
   */
  open(extensions: Extensions): void {
    const config = this.#config
    this.#auth = clientAuthenticator(config.auth, extensions)
    // Without files there is nothing to be wrong with, and http:// needs none of it: the system's authorities take
    // 70 ms to read.
    if (namesFiles(config.tls)) this.#secured()
    this.#dispatchers = new Map()
  }

  #dispatcher(target: URL): Dispatcher {
    const known = this.#dispatchers
    if (known === undefined) throw new Error('the client is not started')
    const proxy = this.#proxyFor(target)
    const key = proxy ?? ''
    let dispatcher = known.get(key)
    if (dispatcher === undefined) {
      dispatcher = proxy === undefined ? this.#direct() : this.#proxied(proxy)
      known.set(key, dispatcher)
    }
    return dispatcher
  }

  #options(): Client.Options {
    const config = this.#config
    const idle = config.idle_conn_timeout === 0 ? NEVER_MS : config.idle_conn_timeout
    return {
      // The sending chain owns the timeout of an attempt; two clocks would only confuse.
      headersTimeout: 0,
      bodyTimeout: 0,
      allowH2: config.force_attempt_http2,
      h2Options: { maxConcurrentStreams: HTTP2_STREAMS_MAX, pingInterval: config.http2_read_idle_timeout },
      pipelining: config.disable_keep_alives ? 0 : 1,
      keepAliveTimeout: idle,
      keepAliveMaxTimeout: idle,
    }
  }

  get #connections(): number | null {
    return this.#config.max_conns_per_host === 0 ? null : this.#config.max_conns_per_host
  }

  #direct(): Dispatcher {
    const options = this.#options()
    return new Agent({
      factory: origin =>
        new Pool(origin, {
          ...options,
          connections: this.#connections,
          factory: one => this.#client(one, options),
        }),
    })
  }

  /** How many requests a connection takes at once shows when it is made: HTTP/2 shares it, HTTP/1.1 does not. */
  #client(origin: URL, options: Client.Options): Client {
    const client: Client = new Client(origin, {
      ...options,
      connect: (target, callback) =>
        this.#dial(target, (...[error, socket]: Parameters<buildConnector.Callback>) => {
          if (error === null && options.pipelining !== 0) {
            const shared = 'alpnProtocol' in socket && socket.alpnProtocol === 'h2'
            client.pipelining = shared ? HTTP2_STREAMS_MAX : 1
          }
          if (error === null) callback(null, socket)
          else callback(error, null)
        }),
    })
    return client
  }

  #proxied(uri: string): Dispatcher {
    const { servername, ...tls } = this.#tls.current()
    return new ProxyAgent({
      ...this.#options(),
      connections: this.#connections,
      proxyTunnel: false,
      requestTls: servername === undefined ? tls : { ...tls, servername },
      uri,
    })
  }

  /** Throws when the files cannot be used. */
  #secured(): SecureTarget {
    const tls = this.#tls.current()
    if (this.#secure?.tls !== tls) {
      const { secureContext, rejectUnauthorized } = tls
      const allowH2 = this.#config.force_attempt_http2
      const connect = buildConnector({
        timeout: CONNECT_MS_MAX,
        allowH2,
        // As Go: a server that speaks both is spoken to in HTTP/2.
        preferH2: true,
        secureContext,
        rejectUnauthorized,
      })
      this.#secure = { connect, tls }
    }
    return this.#secure!
  }

  /** New connections show the certificate that lies on the disk now, at most `reload_interval` old. */
  #dial(target: buildConnector.Options, callback: buildConnector.Callback): void {
    if (target.protocol !== 'https:') {
      this.#plain(target, callback)
      return
    }
    let secure: SecureTarget
    try {
      secure = this.#secured()
    } catch (error) {
      callback(error as Error, null)
      return
    }
    const { servername } = secure.tls
    secure.connect(servername === undefined ? target : { ...target, servername }, callback)
  }

  /**
   * Sends one request and waits for the whole answer, whatever its status. Throws Refused when there is none: no
   * connection, a connection that died, an abort, no credentials.
   */
  async send(request: HttpRequest): Promise<HttpAnswer> {
    const { url, signal } = request
    if (this.#dispatchers === undefined) throw new Refused('the HTTP client is not started')
    try {
      const encoded = await this.#encode(request)
      signal?.throwIfAborted()
      const headers = await this.#authorized(request, encoded)
      const answer = await this.#follow(request, { ...encoded, headers })
      if (answer.status !== 401 || !this.#auth?.renew?.(headers)) return answer
      return await this.#follow(request, { ...encoded, headers: await this.#authorized(request, encoded) })
    } catch (error) {
      // Of the authenticator.
      if (error instanceof Refused || error instanceof Rejected) throw error
      throw new Refused(failure(url, error, signal), { status: 'UNAVAILABLE', cause: error })
    }
  }

  /** The authenticator comes last, as in the Collector: it sees what is sent, and wins over `headers`. */
  async #authorized(
    { meta = NO_META, signal }: HttpRequest,
    { headers: own }: Encoded,
  ): Promise<Encoded['headers']> {
    if (this.#auth === undefined) return own
    const headers = { ...own }
    await this.#auth.authorize(headers, meta, signal)
    signal?.throwIfAborted()
    return headers
  }

  /** 307 and 308 ask for the same request elsewhere (RFC 9110 15.4.8); other redirects are answers like others. */
  async #follow(request: HttpRequest, { body, headers }: Encoded): Promise<HttpAnswer> {
    let { url } = request
    let sent = headers
    for (let redirects = 0; ; redirects++) {
      const answer = await this.#once(request, url, body, sent)
      const target = redirects < REDIRECTS_MAX ? redirection(answer, url, request.redirects) : undefined
      if (target === undefined) return answer
      // Whoever is at another host is not to see the tokens of this one.
      if (target.hostname !== url.hostname || isDowngrade(url, target))
        sent = this.#withoutSecrets(request, sent)
      url = target
    }
  }

  async #once(
    { method, signal, answerBytesMax, takeBytes }: HttpRequest,
    url: URL,
    body: unknown,
    headers: Readonly<Record<string, string>>,
  ): Promise<HttpAnswer> {
    const cookie = this.#cookies?.header(url, Date.now())
    const response = await this.#dispatcher(url).request({
      origin: url.origin,
      path: url.pathname + url.search,
      method,
      headers: cookie === undefined ? headers : { ...headers, cookie },
      // undici takes any iterable of Uint8Array; its types do not say so.
      body: body as Uint8Array | null,
      signal: signal ?? null,
    })
    const set = response.headers['set-cookie']
    if (set !== undefined) this.#cookies?.take(url, typeof set === 'string' ? [set] : set, Date.now())
    return readAnswer(response, answerBytesMax, takeBytes)
  }

  /** The headers of the request itself, and what says how its body is written. */
  #withoutSecrets(request: HttpRequest, sent: Encoded['headers']): Encoded['headers'] {
    const keep = new Set([
      ...Object.keys(request.headers),
      'user-agent',
      'content-encoding',
      'content-length',
    ])
    return Object.fromEntries(Object.entries(sent).filter(([name]) => keep.has(name)))
  }

  async #encode(request: HttpRequest): Promise<Encoded> {
    const { chunks, byteLength, url } = request
    const headers: Record<string, string> = { ...request.headers, ...request.secrets, ...this.#headers }
    if (url.username !== '' && headers['authorization'] === undefined) {
      const pair = `${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}`
      headers['authorization'] = `Basic ${Buffer.from(pair).toString('base64')}`
    }
    if (chunks.length === 0) return { body: null, headers }
    if (this.#compressor !== undefined) {
      headers['content-encoding'] = this.#compressor.encoding
      return { body: await this.#compressor.compress(joined(chunks, byteLength)), headers }
    }
    const small = byteLength / chunks.length < WRITE_BYTES_MIN
    if (chunks.length === 1 || small) return { body: joined(chunks, byteLength), headers }
    headers['content-length'] = String(byteLength)
    return { body: chunks, headers }
  }

  /** Waits for open requests until `deadline` (ms, `performance.now()` clock), then cuts them. Safe twice. */
  async close(deadline: number): Promise<void> {
    if (this.#dispatchers === undefined) return
    const all = [...this.#dispatchers.values()]
    this.#dispatchers = undefined
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<void>(resolve => {
      timer = setTimeout(resolve, Math.max(0, deadline - performance.now()))
    })
    await Promise.race([Promise.all(all.map(dispatcher => dispatcher.close())), late])
    clearTimeout(timer)
    await Promise.all(all.map(dispatcher => dispatcher.destroy()))
  }
}

/** Go's rules: an explicit proxy always, one from the environment never for this machine itself. */
function usualProxy(proxyUrl: string, { protocol, hostname, port }: URL): string | undefined {
  if (proxyUrl !== '') return proxyUrl
  const tls = protocol === 'https:'
  return proxyFromEnvironment(tls ? 'https:' : 'http:', hostname, Number(port || (tls ? 443 : 80)))?.href
}

const SAME_REQUEST = [307, 308]
const ANY_REDIRECTION = [301, 302, 303, 307, 308]

/** Where the same request is wanted instead. */
function redirection(answer: HttpAnswer, from: URL, wanted: HttpRequest['redirects']): URL | undefined {
  const followed = wanted === 'none' ? [] : wanted === 'all' ? ANY_REDIRECTION : SAME_REQUEST
  if (!followed.includes(answer.status)) return undefined
  const location = answer.header('location')
  if (location === '' || !URL.canParse(location, from.href)) return undefined
  const target = new URL(location, from)
  return /^https?:$/.test(target.protocol) ? target : undefined
}

function isDowngrade(from: URL, to: URL): boolean {
  return from.protocol === 'https:' && to.protocol === 'http:'
}

function joined(chunks: readonly Uint8Array[], byteLength: number): Uint8Array {
  return chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks, byteLength)
}
