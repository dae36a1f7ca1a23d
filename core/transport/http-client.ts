/**
 * The HTTP client of every exporter that speaks HTTP: the Collector's confighttp.ClientConfig keys (0.155) over undici.
 * One instance per exporter, with its own connections. It says what the server answered; what an answer means is the
 * exporter's business. Whatever kept it from an answer is thrown as Refused: nobody knows that the server took it.
 */

import { Agent, buildConnector, type Dispatcher, EnvHttpProxyAgent, ProxyAgent } from 'undici'
import { duration, flag, integer, section, text, type ValueOf } from '../../config/schema.ts'
import { Refused } from '../component/outcome.ts'
import { type Compressor, compressionFields, compressorFor, type HttpCompression } from './compress.ts'
import { headersField } from './headers.ts'
import { type ClientTlsConfig, clientTls, loadClientTls, namesFiles } from './tls.ts'
import { unsupported } from './unsupported.ts'

export interface HttpClientDefaults {
  readonly compression: HttpCompression
  readonly writeBufferSize: number
}

/** The keys besides `timeout`, which stands in the sending chain's fields, and `endpoint`, which each exporter words. */
export function httpClientFields(defaults: HttpClientDefaults) {
  return {
    ...compressionFields(defaults.compression),
    headers: headersField,
    tls: clientTls,
    proxy_url: text({
      default: '',
      doc: 'Proxy to go through. Empty: what HTTP_PROXY, HTTPS_PROXY and NO_PROXY say.',
      check: url =>
        url === '' || /^https?:\/\/[^/]+/.test(url)
          ? undefined
          : ['is not the address of a proxy', 'write http://host:port'],
    }),
    read_buffer_size: integer({ default: 0, min: 0, doc: 'Taken; Node sizes its read buffers itself.' }),
    write_buffer_size: integer({
      default: defaults.writeBufferSize,
      min: 0,
      doc: 'Taken; requests are written without a buffer in between.',
    }),
    max_idle_conns: integer({
      default: 100,
      min: 0,
      doc: 'Taken; idle connections end by idle_conn_timeout.',
    }),
    max_idle_conns_per_host: integer({
      default: 0,
      min: 0,
      doc: 'Taken; idle connections end by idle_conn_timeout.',
    }),
    max_conns_per_host: integer({
      default: 0,
      min: 0,
      doc: 'No more connections than this at once; further requests wait. 0 means no limit.',
    }),
    idle_conn_timeout: duration({
      default: '1m30s',
      doc: 'A connection without a request is closed after this long. 0 means never.',
    }),
    disable_keep_alives: flag({ default: false, doc: 'A new connection for every request. Costly.' }),
    force_attempt_http2: flag({
      default: true,
      doc: 'Use HTTP/2 over TLS when the server offers nothing else.',
    }),
    http2_read_idle_timeout: duration({ default: '0s', doc: 'Taken; see idle_conn_timeout.' }),
    http2_ping_timeout: duration({ default: '0s', doc: 'Taken; see idle_conn_timeout.' }),
    auth: unsupported({
      doc: 'Authenticator extension for outgoing requests.',
      what: 'authenticators for outgoing requests are not available yet',
      fix: 'remove auth: and put the token into headers',
    }),
    middlewares: unsupported({
      doc: 'Extensions that wrap the client.',
      what: 'middlewares are not available',
      fix: 'remove middlewares:',
    }),
    cookies: unsupported({
      doc: 'Cookie handling.',
      what: 'cookies are not kept between requests',
      fix: 'remove cookies:',
    }),
  }
}

const whole = section(httpClientFields({ compression: '', writeBufferSize: 0 }), { doc: '' })
export type HttpClientConfig = ValueOf<typeof whole>

export interface HttpRequest {
  readonly method: 'POST' | 'PUT' | 'GET' | 'HEAD' | 'DELETE'
  readonly url: URL
  /** Lower-case names. Those of the config win over these. */
  readonly headers: Readonly<Record<string, string>>
  /** Sent one after another as one body. */
  readonly chunks: readonly Uint8Array[]
  readonly byteLength: number
  /** Stops waiting. */
  readonly signal: AbortSignal | undefined
}

export interface HttpAnswer {
  readonly status: number
  /** First value of a header by its lower-case name; '' when there is none. */
  header(name: string): string
  readonly body: Uint8Array
  /** The body was longer than the limit and `body` is its beginning. */
  readonly cut: boolean
}

/** OTLP 1.11 recommends this limit for responses. */
const ANSWER_BYTES_MAX = 4 * 1024 * 1024
/** Of an error's text no more is kept. */
const ERROR_BYTES_MAX = 64 * 1024
/** As long as Go's default dialer waits. */
const CONNECT_MS_MAX = 30_000
/**
 * Chunks that are smaller than this on average are joined before they are written, larger ones are written one by one.
 * Measured: 64 chunks of 4 kB cost 1.3 times as much one by one, 16 chunks of 16 kB the same, 16 of 262 kB 0.7 times.
 */
const WRITE_BYTES_MIN = 16 * 1024
/** undici wants a number; this is its "never". */
const NEVER_MS = 2 ** 31 - 1

/** How connections with TLS are made since the files were last read. */
interface SecureTarget {
  readonly connect: buildConnector.connector
  readonly servername: string | undefined
  readonly loadedAt: number
}

export class HttpClient {
  readonly #config: HttpClientConfig
  readonly #headers: Readonly<Record<string, string>>
  readonly #compressor: Compressor | undefined
  #dispatcher: Dispatcher | undefined
  readonly #plain = buildConnector({ timeout: CONNECT_MS_MAX })
  #secure: SecureTarget | undefined

  constructor(config: HttpClientConfig, userAgent: string) {
    this.#config = config
    const headers: Record<string, string> = { 'user-agent': userAgent }
    for (const [name, value] of config.headers) headers[name.toLowerCase()] = value.reveal()
    this.#headers = headers
    this.#compressor = compressorFor(config)
  }

  /** Reads certificates and makes the pool; connects to nobody. Throws an Error that names the key at fault. */
  open(): void {
    const config = this.#config
    // Without files there is nothing to be wrong with, and http:// needs none of it: the system's authorities take
    // 70 ms to read.
    if (namesFiles(config.tls)) this.#load()
    const options: Agent.Options = {
      // The sending chain owns the timeout of an attempt; two clocks would only confuse.
      headersTimeout: 0,
      bodyTimeout: 0,
      allowH2: config.force_attempt_http2,
      pipelining: config.disable_keep_alives ? 0 : 1,
      connections: config.max_conns_per_host === 0 ? null : config.max_conns_per_host,
      keepAliveTimeout: config.idle_conn_timeout === 0 ? NEVER_MS : config.idle_conn_timeout,
      keepAliveMaxTimeout: config.idle_conn_timeout === 0 ? NEVER_MS : config.idle_conn_timeout,
      connect: (target, callback) => this.#dial(target, callback),
    }
    this.#dispatcher = proxied(config.proxy_url, options, config.tls)
  }

  #load(): SecureTarget {
    const { servername, secureContext, rejectUnauthorized } = loadClientTls(this.#config.tls)
    const allowH2 = this.#config.force_attempt_http2
    const connect = buildConnector({ timeout: CONNECT_MS_MAX, allowH2, secureContext, rejectUnauthorized })
    this.#secure = { connect, servername, loadedAt: performance.now() }
    return this.#secure
  }

  /** New connections show the certificate that lies on the disk now, at most `reload_interval` old. */
  #dial(target: buildConnector.Options, callback: buildConnector.Callback): void {
    if (target.protocol !== 'https:') {
      this.#plain(target, callback)
      return
    }
    const { reload_interval } = this.#config.tls
    try {
      let secure = this.#secure ?? this.#load()
      if (reload_interval > 0 && performance.now() - secure.loadedAt > reload_interval) secure = this.#load()
      const { connect, servername } = secure
      connect(servername === undefined ? target : { ...target, servername }, callback)
    } catch (error) {
      callback(error as Error, null)
    }
  }

  /**
   * Sends one request and waits for the whole answer, whatever its status. Throws Refused when there is none: no
   * connection, a connection that died, an abort.
   */
  async send(request: HttpRequest): Promise<HttpAnswer> {
    const { url, signal } = request
    if (this.#dispatcher === undefined) throw new Refused('the HTTP client is not started')
    try {
      const { body, headers } = await this.#encode(request)
      signal?.throwIfAborted()
      const response = await this.#dispatcher.request({
        origin: url.origin,
        path: url.pathname + url.search,
        method: request.method,
        headers,
        // undici takes any iterable of Uint8Array; its types do not say so.
        body: body as Uint8Array | null,
        signal: signal ?? null,
      })
      return await readAnswer(response)
    } catch (error) {
      throw new Refused(failure(url, error, signal), { status: 'UNAVAILABLE', cause: error })
    }
  }

  async #encode(request: HttpRequest): Promise<{ body: unknown; headers: Record<string, string> }> {
    const { chunks, byteLength, url } = request
    const headers: Record<string, string> = { ...request.headers, ...this.#headers }
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
    const dispatcher = this.#dispatcher
    if (dispatcher === undefined) return
    this.#dispatcher = undefined
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<void>(resolve => {
      timer = setTimeout(resolve, Math.max(0, deadline - performance.now()))
    })
    await Promise.race([dispatcher.close(), late])
    clearTimeout(timer)
    await dispatcher.destroy()
  }
}

/** Go's rules: an explicit proxy always, one from the environment never for this machine itself. */
function proxied(proxyUrl: string, pool: Agent.Options, tls: ClientTlsConfig): Dispatcher {
  const env = process.env
  const fromEnv = env['HTTP_PROXY'] ?? env['http_proxy'] ?? env['HTTPS_PROXY'] ?? env['https_proxy'] ?? ''
  if (proxyUrl === '' && fromEnv === '') return new Agent(pool)
  const { servername, ...requestTls } = loadClientTls(tls)
  const options = {
    ...pool,
    proxyTunnel: false,
    requestTls: servername === undefined ? requestTls : { ...requestTls, servername },
  }
  if (proxyUrl !== '') return new ProxyAgent({ ...options, uri: proxyUrl })
  const noProxy = [env['NO_PROXY'] ?? env['no_proxy'] ?? '', 'localhost', '127.0.0.1', '::1']
  return new EnvHttpProxyAgent({ ...options, noProxy: noProxy.filter(Boolean).join(',') })
}

function joined(chunks: readonly Uint8Array[], byteLength: number): Uint8Array {
  return chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks, byteLength)
}

async function readAnswer(response: Dispatcher.ResponseData): Promise<HttpAnswer> {
  const { statusCode, headers, body } = response
  const most = statusCode < 300 ? ANSWER_BYTES_MAX : ERROR_BYTES_MAX
  const parts: Uint8Array[] = []
  let size = 0
  let cut = false
  for await (const part of body as AsyncIterable<Uint8Array>) {
    if (size + part.length > most) {
      parts.push(part.subarray(0, most - size))
      size = most
      cut = true
      // Leaving the loop destroys the rest, and with HTTP/1.1 the connection: nobody drains what has no end.
      break
    }
    parts.push(part)
    size += part.length
  }
  return {
    status: statusCode,
    header(name) {
      const value = headers[name]
      return (Array.isArray(value) ? value[0] : value) ?? ''
    },
    body: parts.length === 1 ? parts[0]! : Buffer.concat(parts, size),
    cut,
  }
}

const REASONS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nothing listens there',
  ENOTFOUND: 'its name is not known',
  EAI_AGAIN: 'its name could not be looked up',
  ECONNRESET: 'it closed the connection',
  EPIPE: 'it closed the connection',
  UND_ERR_SOCKET: 'it closed the connection',
  UND_ERR_CONNECT_TIMEOUT: 'it did not take the connection in time',
  EHOSTUNREACH: 'no way leads to it',
  ENETUNREACH: 'no way leads to it',
}

/** One sentence: where to, what happened. Never the user and password of the URL. */
function failure(url: URL, error: unknown, signal: AbortSignal | undefined): string {
  const where = `${url.origin}${url.pathname}`
  if (signal?.aborted) return `${where} did not answer in time`
  const { code, message } = innermost(error)
  const reason = code === undefined ? undefined : REASONS[code]
  return `cannot send to ${where}: ${reason === undefined ? message : `${reason} (${code})`}`
}

/** Several addresses tried give an AggregateError without a message of its own. */
function innermost(error: unknown): { code: string | undefined; message: string } {
  if (error instanceof AggregateError && error.errors.length > 0) return innermost(error.errors[0])
  if (!(error instanceof Error)) return { code: undefined, message: String(error) }
  const code = (error as NodeJS.ErrnoException).code
  return { code, message: error.message === '' ? error.name : error.message }
}
