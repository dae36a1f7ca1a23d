/**
 * The gRPC client of every exporter that speaks gRPC: the Collector's configgrpc.ClientConfig keys (0.155) over
 * @grpc/grpc-js, with messages as bytes. It says what the server answered; what an answer means is the exporter's
 * business.
 */

import { isIP, type Socket } from 'node:net'
import { type ConnectionOptions, connect } from 'node:tls'
import {
  CallCredentials,
  ChannelCredentials,
  type ChannelOptions,
  Client,
  compressionAlgorithms,
  Metadata,
  type ServiceError,
} from '@grpc/grpc-js'
import { Refused, type StatusName } from '../component/outcome.ts'
import { STATUS_CODES } from '../otlp/response.ts'
import { type GrpcClientConfig, hostAndPort, securityOf } from './grpc-client-config.ts'
import { type ClientTls, loadClientTls } from './tls.ts'

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
    const { endpoint } = this.#config
    const tls = securityOf(this.#config)
    const credentials =
      tls === undefined
        ? ChannelCredentials.createInsecure()
        : new TlsCredentials(loadClientTls(tls), endpoint)
    this.#client = new Client(targetOf(endpoint), credentials, this.#options)
    this.#openedAt = performance.now()
    this.#client.getChannel().getConnectivityState(true)
  }

  /** After `reload_interval` new connections show the certificate that lies on the disk now. */
  #current(): Client {
    const client = this.#client
    if (client === undefined) throw new Refused('the gRPC client is not started')
    const { reload_interval } = this.#config.tls
    if (reload_interval > 0 && performance.now() - this.#openedAt > reload_interval) {
      try {
        this.open()
      } catch (error) {
        throw new Refused((error as Error).message, { status: 'UNAVAILABLE', cause: error })
      }
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

/**
 * TLS as tls.connect takes it. grpc-js's own credentials hand the host to tls.connect as its server name, which for an
 * IP address is against RFC 6066 and refused by Node.
 */
class TlsCredentials extends ChannelCredentials {
  readonly #options: ConnectionOptions

  constructor({ secureContext, rejectUnauthorized, servername }: ClientTls, endpoint: string) {
    super()
    const host = endpoint.startsWith('unix:')
      ? 'localhost'
      : hostAndPort(endpoint).replace(/^\[|\]?:\d+$/g, '')
    const name = servername ?? (isIP(host) === 0 ? host : undefined)
    this.#options = {
      secureContext,
      rejectUnauthorized,
      host,
      ALPNProtocols: ['h2'],
      ...(name === undefined ? {} : { servername: name }),
    }
  }

  _isSecure(): boolean {
    return true
  }

  _equals(other: ChannelCredentials): boolean {
    return this === other
  }

  _createSecureConnector(_target: unknown, _options: unknown, callCredentials?: CallCredentials) {
    const options = this.#options
    return {
      connect: (socket: Socket) =>
        new Promise<{ socket: Socket; secure: boolean }>((resolve, reject) => {
          const secured = connect({ ...options, socket }, () => resolve({ socket: secured, secure: true }))
          // Stays for the life of the socket: an error after the handshake is the HTTP/2 session's to report.
          secured.on('error', reject)
        }),
      waitForReady: () => Promise.resolve(),
      getCallCredentials: () => callCredentials ?? CallCredentials.createEmpty(),
      destroy() {},
    }
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
