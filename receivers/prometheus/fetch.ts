/** Asking one target for its page: the HTTP side of a job. */

import { readFile } from 'node:fs/promises'
import { Secret, section } from '../../config/schema.ts'
import { SecretFile } from '../../core/component/secret-file.ts'
import type { Logger } from '../../core/telemetry/log.ts'
import type { Extensions } from '../../core/transport/auth.ts'
import { BodyCorrupt, BodyTooLarge, decompress } from '../../core/transport/decompress.ts'
import { HttpClient, httpClientFields } from '../../core/transport/http-client.ts'
import type { HttpClientConfig } from '../../core/transport/http-client-config.ts'
import { STATUS_CODES } from '../../core/transport/node-http.ts'
import { proxyFromEnvironment } from '../../core/transport/proxy.ts'
import type { HttpSettings } from './config/http.ts'
import type { Job } from './job.ts'
import { type HeldPage, NoRoom, PageRoom } from './page-room.ts'
import type { Target } from './target.ts'

/** A scrape that failed: why in one word, for a label, and in a sentence. */
export type FailureReason =
  | 'unreachable'
  | 'timeout'
  | 'http_status'
  | 'credentials'
  | 'page_too_large'
  | 'no_room'
  | 'bad_page'
  | 'sample_limit'
  | 'label_limit'
  | 'target_limit'
  | 'internal'

export class ScrapeFailure extends Error {
  readonly reason: FailureReason

  constructor(reason: FailureReason, message: string, options?: ErrorOptions) {
    super(message, options)
    this.reason = reason
  }
}

export interface FetchedPage {
  readonly bytes: Uint8Array
  readonly contentType: string
  /** To be called when the bytes are let go. */
  leave(): void
}

const DEFAULTS = section(httpClientFields({ compression: '', writeBufferSize: 0 }), { doc: '' })
/** Certificates on the disk are looked at again this often. */
const TLS_RELOAD_MS = 10_000
const TLS_VERSIONS = { '': '', TLS10: '1.0', TLS11: '1.1', TLS12: '1.2', TLS13: '1.3' } as const

/** The client of one job. */
export class Fetcher {
  readonly #job: Job
  readonly #log: Logger
  readonly #agent: string
  readonly #room: PageRoom
  readonly #files = new Map<string, SecretFile>()
  #client: HttpClient | undefined

  /** `agent`: how it introduces itself; `room`: that of the pages of all jobs. */
  constructor(job: Job, agent: string, log: Logger, room = new PageRoom()) {
    this.#job = job
    this.#agent = agent
    this.#log = log
    this.#room = room
  }

  /** Reads certificates and files of secrets. Throws an Error that names the key at fault. */
  async open(extensions: Extensions): Promise<void> {
    const { http } = this.#job
    const headers = new Map<string, Secret>()
    for (const [name, { values, secrets, files }] of http.http_headers) {
      const texts = await Promise.all(files.map(file => readFile(file, 'utf8')))
      const all = [...values, ...secrets.map(one => one.reveal()), ...texts.map(text => text.trim())]
      headers.set(name.toLowerCase(), new Secret(all.join(', ')))
    }
    const client = new HttpClient({ ...clientConfig(http), headers }, this.#agent, this.#log, target =>
      proxyFor(http, target),
    )
    client.open(extensions)
    for (const [key, path] of secretFiles(http)) {
      const file = new SecretFile({ key, path, log: this.#log })
      await file.start()
      this.#files.set(key, file)
    }
    this.#client = client
  }

  async close(deadline: number): Promise<void> {
    for (const file of this.#files.values()) file.stop()
    await this.#client?.close(deadline)
  }

  /** Throws ScrapeFailure. Who has a page calls its `leave`. */
  async fetch(target: Target, signal: AbortSignal): Promise<FetchedPage> {
    const timer = AbortSignal.timeout(target.timeout)
    const held = this.#room.enter()
    try {
      return await this.#fetch(target, AbortSignal.any([timer, signal]), held)
    } catch (error) {
      held.leave()
      throw failureOf(error, timer.aborted, target.timeout, this.#job.pageBytes)
    }
  }

  async #fetch({ url, timeout }: Target, signal: AbortSignal, held: HeldPage): Promise<FetchedPage> {
    const { accept, compression, pageBytes, http } = this.#job
    const answer = await this.#client!.send({
      method: 'GET',
      url,
      headers: {
        accept,
        'accept-encoding': compression ? 'gzip' : 'identity',
        'x-prometheus-scrape-timeout-seconds': String(timeout / 1000),
      },
      secrets: this.#authorization(http),
      redirects: http.follow_redirects ? 'all' : 'none',
      answerBytesMax: pageBytes,
      chunks: [],
      byteLength: 0,
      takeBytes: bytes => held.take(bytes),
      signal,
    })
    if (answer.status !== 200) {
      const words = STATUS_CODES[answer.status] ?? ''
      throw new ScrapeFailure(
        'http_status',
        `the server answered with HTTP status ${answer.status} ${words}`.trim(),
      )
    }
    // As Prometheus counts: a page of the limit's size is too large.
    if (answer.cut || answer.body.length >= pageBytes) throw new BodyTooLarge(pageBytes)
    const encoding = answer.header('content-encoding') === 'gzip' ? 'gzip' : ''
    const bytes = encoding === '' ? answer.body : await inflated(answer.body, pageBytes - 1, held)
    return { bytes, contentType: answer.header('content-type'), leave: () => held.leave() }
  }

  #authorization(http: HttpSettings): Readonly<Record<string, string>> {
    const text = (key: string, written: string): string => this.#files.get(key)?.text ?? written
    if (http.basic_auth !== undefined) {
      const { username, password } = http.basic_auth
      const pair = `${text('username_file', username)}:${text('password_file', password.reveal())}`
      return { authorization: `Basic ${Buffer.from(pair).toString('base64')}` }
    }
    if (http.authorization !== undefined) {
      const { type, credentials } = http.authorization
      return { authorization: `${type.trim() || 'Bearer'} ${text('credentials_file', credentials.reveal())}` }
    }
    const token = text('bearer_token_file', http.bearer_token.reveal())
    return token === '' ? {} : { authorization: `Bearer ${token}` }
  }
}

async function inflated(body: Uint8Array, limit: number, held: HeldPage): Promise<Uint8Array> {
  const { most } = held
  try {
    const bytes = await decompress(body, 'gzip', Math.min(limit, most))
    held.take(bytes.length)
    return bytes
  } catch (error) {
    throw error instanceof BodyTooLarge && most < limit ? held.full() : error
  }
}

function failureOf(error: unknown, late: boolean, timeout: number, pageBytes: number): ScrapeFailure {
  if (error instanceof ScrapeFailure) return error
  const { cause } = error as Error
  const full = error instanceof NoRoom ? error : cause instanceof NoRoom ? cause : undefined
  if (full !== undefined) return new ScrapeFailure('no_room', full.message)
  if (error instanceof BodyTooLarge)
    return new ScrapeFailure(
      'page_too_large',
      `body size limit exceeded: the page has ${pageBytes} bytes or more`,
    )
  if (error instanceof BodyCorrupt) return new ScrapeFailure('bad_page', error.message)
  if (late)
    return new ScrapeFailure('timeout', `the page did not come within ${timeout / 1000} s`, { cause: error })
  const message = (error as Error).message.replace(/^cannot send to \S+: /, '')
  return new ScrapeFailure('unreachable', message, { cause: error })
}

function secretFiles(http: HttpSettings): [key: string, path: string][] {
  const { basic_auth, authorization, bearer_token_file } = http
  const all: [string, string][] = [
    ['username_file', basic_auth?.username_file ?? ''],
    ['password_file', basic_auth?.password_file ?? ''],
    ['credentials_file', authorization?.credentials_file ?? ''],
    ['bearer_token_file', bearer_token_file],
  ]
  return all.filter(([, path]) => path !== '')
}

function clientConfig({ tls_config: tls, enable_http2 }: HttpSettings): HttpClientConfig {
  const usual = DEFAULTS.absent()
  return {
    ...usual,
    force_attempt_http2: enable_http2,
    tls: {
      ...usual.tls,
      ca_pem: tls.ca,
      cert_pem: tls.cert,
      key_pem: tls.key,
      ca_file: tls.ca_file,
      cert_file: tls.cert_file,
      key_file: tls.key_file,
      server_name_override: tls.server_name,
      insecure_skip_verify: tls.insecure_skip_verify,
      min_version: TLS_VERSIONS[tls.min_version],
      max_version: TLS_VERSIONS[tls.max_version],
      reload_interval: TLS_RELOAD_MS,
    },
  }
}

function proxyFor(http: HttpSettings, { protocol, hostname, port }: URL): string | undefined {
  const tls = protocol === 'https:'
  const ask = (env?: Readonly<Record<string, string>>) =>
    proxyFromEnvironment(tls ? 'https:' : 'http:', hostname, Number(port || (tls ? 443 : 80)), env)?.href
  if (http.proxy_from_environment) return ask()
  if (http.proxy_url === '' || http.no_proxy === '') return http.proxy_url || undefined
  return ask({ HTTP_PROXY: http.proxy_url, HTTPS_PROXY: http.proxy_url, NO_PROXY: http.no_proxy })
}
