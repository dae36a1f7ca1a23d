/**
 * The gRPC client of every exporter that speaks gRPC: the Collector's configgrpc.ClientConfig keys (0.155) over
 * @grpc/grpc-js, with messages as bytes. It says what the server answered; what an answer means is the exporter's
 * business.
 */

import {
  ChannelCredentials,
  type ChannelOptions,
  Client,
  compressionAlgorithms,
  Metadata,
  type ServiceError,
} from '@grpc/grpc-js'
import {
  choice,
  duration,
  flag,
  integer,
  optional,
  type SectionOptions,
  section,
  text,
  type ValueOf,
} from '../../config/schema.ts'
import { Refused, type StatusName } from '../component/outcome.ts'
import { STATUS_CODES } from '../otlp/response.ts'
import { headersField } from './headers.ts'
import { clientTls, loadClientTls } from './tls.ts'
import { unsupported } from './unsupported.ts'

const COMPRESSIONS = ['', 'none', 'gzip', 'snappy', 'zstd'] as const

const keepalive = section(
  {
    time: duration({ default: '10s', doc: 'Ping a quiet connection this often; 10s at least.' }),
    timeout: duration({ default: '20s', doc: 'Close it when a ping is not answered for this long.' }),
    permit_without_stream: flag({ default: false, doc: 'Ping also while no request is open.' }),
  },
  { doc: 'Pings that find dead connections.' },
)

export interface GrpcClientDefaults {
  readonly compression: (typeof COMPRESSIONS)[number]
  readonly writeBufferSize: number
}

/** The keys; call `checkGrpcClient` in the section's `check`. */
export function grpcClientFields(defaults: GrpcClientDefaults) {
  return {
    endpoint: text({
      required: true,
      doc: 'host:port of the server; http://, https://, dns:///host:port and unix:///path are taken too.',
      check: endpointProblem,
    }),
    compression: choice(COMPRESSIONS, {
      default: defaults.compression,
      doc: 'How requests are compressed: gzip or none.',
    }),
    tls: clientTls,
    keepalive: optional(keepalive),
    headers: headersField,
    user_agent: text({ default: '', doc: 'Sent as user-agent. Empty: name and version of this gateway.' }),
    balancer_name: choice(['', 'round_robin', 'pick_first'], {
      default: 'round_robin',
      doc: 'How requests are spread over the addresses behind the name; empty means pick_first.',
    }),
    authority: text({ default: '', doc: 'Sent as :authority instead of the host of the endpoint.' }),
    wait_for_ready: flag({
      default: false,
      doc: 'While there is no connection, let requests wait for one instead of failing.',
    }),
    read_buffer_size: integer({ default: 0, min: 0, doc: 'Taken; Node sizes its read buffers itself.' }),
    write_buffer_size: integer({
      default: defaults.writeBufferSize,
      min: 0,
      doc: 'Taken; requests are written without a buffer in between.',
    }),
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
  }
}

const whole = section(grpcClientFields({ compression: '', writeBufferSize: 0 }), { doc: '' })
export type GrpcClientConfig = ValueOf<typeof whole>
type Report = Parameters<NonNullable<SectionOptions<ReturnType<typeof grpcClientFields>>['check']>>[1]

const SCHEMES = ['http', 'https', 'dns', 'passthrough']

/** What follows `scheme://authority/`: configgrpc's sanitizedEndpoint. `dns://host:port` is taken too. */
function hostAndPort(endpoint: string): string {
  return endpoint.replace(/^[a-z0-9+.-]+:\/\/([^/]*\/(?=.))?/i, '')
}

function endpointProblem(endpoint: string): readonly [wrong: string, fix: string] | undefined {
  if (endpoint === '') return ['is empty', 'write host:4317']
  if (endpoint.startsWith('unix:')) {
    const path = endpoint.slice(5).replace(/^\/\//, '')
    return path === '' ? ['names no socket', 'write unix:///path/of/the.sock'] : undefined
  }
  const scheme = /^([a-z0-9+.-]+):\/\//i.exec(endpoint)?.[1]?.toLowerCase()
  if (scheme !== undefined && !SCHEMES.includes(scheme)) {
    return [`the scheme ${scheme}:// is not known`, 'write host:port, dns:///host:port or unix:///path']
  }
  const address = scheme?.startsWith('http') ? endpoint.slice(scheme.length + 3) : hostAndPort(endpoint)
  if (/^(\[[^\]]+\]|[^:/]+):\d{1,5}$/.test(address)) return undefined
  if (address.includes('/')) return [`"${endpoint}" has a path, which gRPC has not`, 'write host:port only']
  return [`"${endpoint}" has no port`, 'write host:port; the usual port is 4317']
}

/** Rules across the keys. */
export function checkGrpcClient(value: GrpcClientConfig, report: Report): void {
  if (value.compression === 'zstd' || value.compression === 'snappy') {
    report.error('compression', `${value.compression} is not available over gRPC yet`, 'write gzip or none')
  }
  if (value.endpoint.startsWith('http://') && isSecure(value)) {
    report.warn(
      'endpoint',
      'begins with http:// but TLS is used all the same, as in the Collector',
      'write tls: {insecure: true} for a connection without TLS',
    )
  }
  if (value.endpoint.endsWith(':4318')) {
    report.warn('endpoint', "4318 is the port of OTLP/HTTP, usually not gRPC's", 'write 4317')
  }
}

/** TLS unless `tls.insecure` says otherwise; naming an authority or https:// asks for it again. */
function isSecure({ endpoint, tls }: GrpcClientConfig): boolean {
  const hasAuthority = tls.ca_file !== '' || tls.ca_pem.reveal() !== ''
  return !tls.insecure || hasAuthority || endpoint.startsWith('https://')
}

/** The endpoint as grpc-js names it. */
function targetOf(endpoint: string): string {
  return endpoint.startsWith('unix:') ? endpoint : `dns:${hostAndPort(endpoint)}`
}

/** The server's answer: `OK` and a message, or why not. */
export interface GrpcAnswer {
  readonly status: 'OK' | StatusName
  /** The server's words, or the client's own when no answer came. */
  readonly message: string
  /** The response; empty unless the status is OK. */
  readonly body: Uint8Array
  /** A serialized google.rpc.Status, when the server sent one. */
  readonly details: Uint8Array | undefined
}

const EMPTY = new Uint8Array(0)
const NAMES = new Map<number, StatusName | 'OK'>(
  Object.entries(STATUS_CODES).map(([name, code]) => [code, name as StatusName | 'OK']),
)
/** OTLP 1.11 recommends this limit for responses; it is also what grpc-go has. */
const ANSWER_BYTES_MAX = 4 * 1024 * 1024

export class GrpcClient {
  readonly #config: GrpcClientConfig
  readonly #options: ChannelOptions
  readonly #metadata: Metadata
  #client: Client | undefined
  #openedAt = 0

  constructor(config: GrpcClientConfig, userAgent: string) {
    this.#config = config
    this.#options = channelOptions(config, config.user_agent === '' ? userAgent : config.user_agent)
    this.#metadata = new Metadata({ waitForReady: config.wait_for_ready })
    for (const [name, value] of config.headers) {
      const key = name.toLowerCase()
      this.#metadata.set(key, key.endsWith('-bin') ? Buffer.from(value.reveal()) : value.reveal())
    }
  }

  /** Reads certificates and begins to connect, without waiting for it. Throws an Error that names the key at fault. */
  open(): void {
    const { endpoint, tls } = this.#config
    let credentials = ChannelCredentials.createInsecure()
    let options = this.#options
    if (isSecure(this.#config)) {
      const loaded = loadClientTls(tls.insecure ? clientTls.absent() : tls)
      credentials = ChannelCredentials.createFromSecureContext(loaded.secureContext, {
        rejectUnauthorized: loaded.rejectUnauthorized,
      })
      if (loaded.servername !== undefined) {
        options = { ...options, 'grpc.ssl_target_name_override': loaded.servername }
      }
    }
    this.#client = new Client(targetOf(endpoint), credentials, options)
    this.#openedAt = performance.now()
    this.#client.getChannel().getConnectivityState(true)
  }

  /** After `reload_interval` new connections show the certificate that lies on the disk now. */
  #current(): Client {
    const client = this.#client
    if (client === undefined) throw new Refused('the gRPC client is not started')
    const { reload_interval } = this.#config.tls
    if (reload_interval > 0 && performance.now() - this.#openedAt > reload_interval) {
      this.open()
      client.close()
    }
    return this.#client!
  }

  /**
   * One unary call: `message` as it is, the response as it came. Resolves with whatever status the call ended with;
   * throws Refused only when `signal` stopped it. `deadline` (ms, `performance.now()` clock) is told to the server.
   */
  unary(
    method: string,
    message: Uint8Array,
    {
      signal,
      deadline,
    }: { readonly signal?: AbortSignal | undefined; readonly deadline?: number | undefined },
  ): Promise<GrpcAnswer> {
    const { promise, resolve, reject } = Promise.withResolvers<GrpcAnswer>()
    const stopped = () =>
      new Refused(`${this.#config.endpoint} did not answer in time`, {
        status: 'DEADLINE_EXCEEDED',
        cause: signal?.reason,
      })
    if (signal?.aborted) return Promise.reject(stopped())
    const call = this.#current().makeUnaryRequest(
      method,
      asBuffer,
      same,
      message,
      this.#metadata,
      deadline === undefined ? {} : { deadline: Date.now() + deadline - performance.now() },
      (error, body) => {
        signal?.removeEventListener('abort', cancel)
        if (signal?.aborted && error !== null) reject(stopped())
        else resolve(error === null ? accepted(body) : refusal(error))
      },
    )
    const cancel = () => call.cancel()
    signal?.addEventListener('abort', cancel, { once: true })
    return promise
  }

  /** Ends the connections; calls that are open still end as they end. Safe twice. */
  close(): void {
    this.#client?.close()
    this.#client = undefined
  }
}

function channelOptions(config: GrpcClientConfig, userAgent: string): ChannelOptions {
  const { keepalive, balancer_name, authority, compression, endpoint } = config
  const policy = balancer_name === '' ? 'pick_first' : balancer_name
  return {
    'grpc.primary_user_agent': userAgent,
    'grpc.max_send_message_length': -1,
    'grpc.max_receive_message_length': ANSWER_BYTES_MAX,
    // Each exporter has its own connections, and retries are the sending chain's.
    'grpc.use_local_subchannel_pool': 1,
    'grpc.enable_retries': 0,
    'grpc.service_config': JSON.stringify({ loadBalancingConfig: [{ [policy]: {} }] }),
    'grpc.service_config_disable_resolution': 1,
    // As Go does: a proxy from the environment is never used for this machine itself.
    'grpc.enable_http_proxy': /^(localhost|127\.[\d.]+|\[::1\]):\d+$/.test(hostAndPort(endpoint)) ? 0 : 1,
    'grpc.default_compression_algorithm':
      compression === 'gzip' ? compressionAlgorithms.gzip : compressionAlgorithms.identity,
    ...(authority === '' ? {} : { 'grpc.default_authority': authority }),
    ...(keepalive === undefined
      ? {}
      : {
          // Go's floor: servers answer more frequent pings with GOAWAY.
          'grpc.keepalive_time_ms': Math.max(keepalive.time, 10_000),
          'grpc.keepalive_timeout_ms': keepalive.timeout === 0 ? 20_000 : keepalive.timeout,
          'grpc.keepalive_permit_without_calls': keepalive.permit_without_stream ? 1 : 0,
        }),
  }
}

function accepted(body: Uint8Array | undefined): GrpcAnswer {
  return { status: 'OK', message: '', body: body ?? EMPTY, details: undefined }
}

function refusal(error: ServiceError): GrpcAnswer {
  const details = error.metadata?.get('grpc-status-details-bin')[0]
  const status = NAMES.get(error.code) ?? 'UNKNOWN'
  return {
    status: status === 'OK' ? 'UNKNOWN' : status,
    message: error.details,
    body: EMPTY,
    details: typeof details === 'string' ? undefined : details,
  }
}

/** grpc-js copies from a Buffer, so the bytes get that face; nothing is copied here. */
function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

function same(bytes: Buffer): Uint8Array {
  return bytes
}
