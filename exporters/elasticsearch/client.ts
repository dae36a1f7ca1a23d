/**
 * The one file that knows @elastic/elasticsearch: requests to the nodes of a cluster in turn, without those that fail.
 *
 * Only the client's transport is used. Its check of the product is off, because OpenSearch does not pass it, and media
 * types are plain JSON, which Elasticsearch 7 to 9 and OpenSearch all take (a client's own ask for one major version). It
 * never tries again by itself: what is to be sent again is decided item by item.
 */

import {
  Client,
  ClusterConnectionPool,
  errors,
  Serializer,
  SniffingTransport,
  UndiciConnection,
} from '@elastic/elasticsearch'
import type { ClientAuthenticator } from '../../core/component/extensions.ts'
import { type Meta, NO_META } from '../../core/component/meta.ts'
import { Refused } from '../../core/component/outcome.ts'
import type { Logger } from '../../core/telemetry/log.ts'
import type { ElasticsearchConfig } from './config.ts'
import { type Dial, plainFingerprint, tlsDial } from './dial.ts'
import { nodesIn } from './discovery.ts'

export interface ClusterRequest {
  readonly method: 'GET' | 'POST' | 'PUT'
  readonly path: string
  /** JSON, or JSON lines for `_bulk`. */
  readonly body?: Uint8Array
  readonly contentType?: string
  /** What `body` is compressed with; '' for nothing. */
  readonly encoding?: string
  /** The header of that name, instead of the one that the config gives. */
  readonly authorization?: string
  /** Stops waiting. */
  readonly signal?: AbortSignal | undefined
  /** What an authenticator is told of the sender. */
  readonly meta?: Meta
}

export interface ClusterAnswer {
  readonly status: number
  /** Parsed when it is JSON, else a text. */
  readonly body: unknown
  readonly retryAfter: string
}

export interface Cluster {
  /** Whatever the server answered; throws Refused when nobody did. */
  request(request: ClusterRequest): Promise<ClusterAnswer>
  close(): Promise<void>
}

/** The check of the product is an option that the client does not hand through. */
class AnyProduct extends SniffingTransport {
  constructor(options: ConstructorParameters<typeof SniffingTransport>[0]) {
    super({ ...options, productCheck: null as unknown as string })
  }
}

/** A node that failed is left out for so long, twice as long each time that it fails again, and no longer than 40 s. */
const LEFT_OUT_MS = 5_000
const DOUBLINGS_MAX = 3

/** The client's own goes up to half an hour, which after an outage all data would go to the node that came back first. */
class Nodes extends ClusterConnectionPool {
  constructor(options: ConstructorParameters<typeof ClusterConnectionPool>[0]) {
    super(options)
    this.resurrectTimeout = LEFT_OUT_MS
    this.resurrectTimeoutCutoff = DOUBLINGS_MAX
  }
}

/** A proxy that says it answers JSON and does not must not hide its status. */
class PatientSerializer extends Serializer {
  override deserialize<T = unknown>(json: string): T {
    try {
      return super.deserialize(json)
    } catch {
      return json as T
    }
  }
}

/** How an answer to a bulk request begins whose documents are all there; each of them is named behind it. */
const ALL_THERE = '{"errors":false'

/** Reads no more of an answer than its first word where that says it all. */
class BriefSerializer extends PatientSerializer {
  override deserialize<T = unknown>(json: string): T {
    return json.startsWith(ALL_THERE) ? ({ errors: false } as T) : super.deserialize(json)
  }
}

/** Larger answers are an error: one to a bulk request of 10,000 documents has 1 MiB. */
const ANSWER_BYTES_MAX = 64 * 1024 * 1024
/** The sending chain's timeout ends requests. */
const NEVER_MS = 2 ** 31 - 1
/** Asking for the nodes of the cluster takes no longer. */
const DISCOVERY_MS = 30_000

/** So many a node, unless the config says otherwise. */
const CONNECTIONS = 256

type ConnectionOptions = ConstructorParameters<typeof UndiciConnection>[0]

/** Those that are discovered must not have other timeouts than those that are configured, and no other TLS. */
function connectionsBy(config: ElasticsearchConfig, dial: Dial | undefined): typeof UndiciConnection {
  const { max_conns_per_host, idle_conn_timeout, disable_keep_alives } = config
  const idle = idle_conn_timeout === 0 ? NEVER_MS : idle_conn_timeout
  const usual = {
    connections: max_conns_per_host === 0 ? CONNECTIONS : max_conns_per_host,
    keepAliveTimeout: idle,
    keepAliveMaxTimeout: idle,
    pipelining: disable_keep_alives ? 0 : 1,
  }
  return class extends UndiciConnection {
    constructor(options: ConnectionOptions) {
      const isSecure = dial !== undefined && options.url.protocol === 'https:'
      const agent = isSecure ? { ...usual, connect: dial } : usual
      // Its types know less of undici's options than it hands on.
      super({ ...options, timeout: NEVER_MS, agent: agent as NonNullable<ConnectionOptions['agent']> })
    }
  }
}

/** Connects to nobody yet. Throws an Error that names the key at fault when a certificate cannot be read. */
export function openCluster(
  config: ElasticsearchConfig,
  nodes: readonly string[],
  agent: string,
  auth?: ClientAuthenticator,
  log?: Logger,
): Cluster {
  const headers: Record<string, string> = {
    'user-agent': agent,
    accept: 'application/json',
    ...authorization(config),
  }
  for (const [name, value] of config.headers) headers[name.toLowerCase()] = value.reveal()
  const secure = nodes.some(node => /^https:/i.test(node))
  const { tls, ca_fingerprint } = config
  const dial = secure ? tlsDial(tls, plainFingerprint(ca_fingerprint), log) : undefined
  const client = new Client({
    nodes: nodes.map(node => ({ url: new URL(node) })),
    Transport: AnyProduct,
    Serializer: config.telemetry.log_response_body ? PatientSerializer : BriefSerializer,
    ConnectionPool: Nodes,
    Connection: connectionsBy(config, dial),
    // A node that failed is asked again after a while, by the request whose turn it is.
    resurrectStrategy: 'optimistic',
    maxRetries: 0,
    requestTimeout: NEVER_MS,
    maxResponseSize: ANSWER_BYTES_MAX,
    headers,
    enableMetaHeader: false,
    // The client would copy the request into each error without its secrets: bodies byte by byte, 0.14 s of CPU and tens of
    // megabytes for 400 kB, with every 429. Its errors go no further than this file (`plain`) instead.
    redaction: { type: 'off' },
  })
  return new ElasticCluster(client, nodes, auth, config.discover, log)
}

function authorization({ user, password, api_key }: ElasticsearchConfig): Record<string, string> {
  if (api_key.reveal() !== '') return { authorization: `ApiKey ${api_key.reveal()}` }
  if (user === '') return {}
  const pair = Buffer.from(`${user}:${password.reveal()}`).toString('base64')
  return { authorization: `Basic ${pair}` }
}

type Discovery = ElasticsearchConfig['discover']

class ElasticCluster implements Cluster {
  readonly #client: Client
  readonly #where: string
  readonly #auth: ClientAuthenticator | undefined
  readonly #log: Logger | undefined
  readonly #everyMs: number
  readonly #protocol: string
  /** When to ask for nodes again, by performance.now(). */
  #discoverAt: number

  constructor(
    client: Client,
    nodes: readonly string[],
    auth: ClientAuthenticator | undefined,
    { on_start, interval }: Discovery,
    log: Logger | undefined,
  ) {
    this.#client = client
    this.#auth = auth
    this.#log = log
    this.#where = nodes.map(node => new URL(node).origin).join(', ')
    this.#protocol = new URL(nodes[0]!).protocol
    this.#everyMs = interval > 0 ? interval : Number.POSITIVE_INFINITY
    this.#discoverAt = on_start ? 0 : performance.now() + this.#everyMs
  }

  async request(request: ClusterRequest): Promise<ClusterAnswer> {
    const now = performance.now()
    if (now >= this.#discoverAt) {
      this.#discoverAt = now + this.#everyMs
      void this.#discover(request)
    }
    return this.#authorized(request)
  }

  /**
   * With the credentials of `request`, which is about to be made. Never throws: as long as the nodes are not known, those
   * that are configured do.
   */
  async #discover(request: ClusterRequest): Promise<void> {
    const { body: _body, contentType: _type, encoding: _encoding, ...same } = request
    const signal = AbortSignal.timeout(DISCOVERY_MS)
    try {
      const answer = await this.#authorized({ ...same, method: 'GET', path: '/_nodes/_all/http', signal })
      const { status, body } = answer
      const found = nodesIn(body, this.#protocol)
      if (found.length > 0) this.#client.connectionPool.update(found)
      else
        this.#log?.warn('The cluster does not tell its nodes; those that are known stay in use.', { status })
    } catch (error) {
      this.#log?.warn('The nodes of the cluster cannot be asked for; those that are known stay in use.', {
        detail: (error as Error).message,
      })
    }
  }

  /** An authenticator that has other credentials is asked for them once when the first were not taken. */
  async #authorized(request: ClusterRequest): Promise<ClusterAnswer> {
    const auth = this.#auth
    const { meta = NO_META, signal } = request
    if (auth === undefined) return this.#ask(request, {})
    const headers = {}
    await auth.authorize(headers, meta, signal)
    const answer = await this.#ask(request, headers)
    if (answer.status !== 401 || !auth.renew?.(headers)) return answer
    const renewed = {}
    await auth.authorize(renewed, meta, signal)
    return this.#ask(request, renewed)
  }

  async #ask(
    { method, path, body, contentType, encoding, authorization, signal }: ClusterRequest,
    headers: Record<string, string>,
  ): Promise<ClusterAnswer> {
    if (authorization !== undefined) headers['authorization'] = authorization
    if (body !== undefined) headers['content-type'] = contentType ?? 'application/json'
    if (encoding !== undefined && encoding !== '') headers['content-encoding'] = encoding
    try {
      const {
        statusCode,
        body: said,
        headers: heard,
      } = await this.#client.transport.request(
        { method, path, ...(body === undefined ? {} : { body: asBuffer(body) }) },
        { headers, meta: true, ...(signal === undefined ? {} : { signal }) },
      )
      return { status: statusCode!, body: said, retryAfter: String(heard['retry-after'] ?? '') }
    } catch (error) {
      if (error instanceof errors.ResponseError) {
        const { statusCode, body: said, headers: heard } = error.meta
        return { status: statusCode!, body: said, retryAfter: String(heard?.['retry-after'] ?? '') }
      }
      if (signal !== undefined && isTimeout(signal.reason)) this.#eject(error)
      throw new Refused(this.#failure(error, signal), { status: 'UNAVAILABLE', cause: plain(error) })
    }
  }

  /** A node that does not answer in time is as good as one that cannot be reached, which the client leaves out itself. */
  #eject(error: unknown): void {
    const connection = connectionOf(error)
    if (connection !== undefined) this.#client.connectionPool.markDead(connection)
  }

  #failure(error: unknown, signal: AbortSignal | undefined): string {
    const where = urlOf(error) ?? this.#where
    if (signal?.aborted) return `${where} did not answer in time`
    const { message } = error as Error
    return `cannot send to ${where}: ${message === '' ? (error as Error).name : message}`
  }

  async close(): Promise<void> {
    await this.#client.close()
  }
}

/** True for what the sending chain, send.ts or AbortSignal.timeout gives as its reason, false when nobody waits any longer. */
function isTimeout(reason: unknown): boolean {
  if (reason instanceof Refused) return reason.status === 'DEADLINE_EXCEEDED'
  return reason instanceof DOMException && reason.name === 'TimeoutError'
}

/** What the client says without what it hangs on to: the request, with its body and its secrets. */
function plain(error: unknown): unknown {
  if (!(error instanceof errors.ElasticsearchClientError)) return error
  const { name, message } = error
  return Object.assign(new Error(message), { name })
}

type Connection = Parameters<Client['connectionPool']['markDead']>[0]

function connectionOf(error: unknown): Connection | undefined {
  if (!(error instanceof errors.ElasticsearchClientError)) return undefined
  return (error as { meta?: { meta?: { connection?: Connection } } }).meta?.meta?.connection ?? undefined
}

/** The node that was asked, without user and password. */
function urlOf(error: unknown): string | undefined {
  return connectionOf(error)?.url.origin
}

/** The client takes Buffers as they are and would write any other object as JSON. */
function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
}
