/** The gRPC client on @grpc/grpc-js: `client: grpc-js`. With gzip or no compression, and no levels. */

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
import { Refused } from '../../component/outcome.ts'
import type { Logger } from '../../telemetry/log.ts'
import { type GrpcClientConfig, hostAndPort, securityOf } from '../grpc-client-config.ts'
import { ClientTlsFiles } from '../tls-reload.ts'
import {
  ANSWER_BYTES_MAX,
  accepted,
  type CallOptions,
  failed,
  type GrpcAnswer,
  statusName,
  type UnaryClient,
} from './answer.ts'

/** The endpoint as grpc-js names it. */
function targetOf(endpoint: string): string {
  return endpoint.startsWith('unix:') ? endpoint : `dns:${hostAndPort(endpoint)}`
}

export class GrpcJsClient implements UnaryClient {
  readonly #config: GrpcClientConfig
  readonly #log: Logger | undefined
  readonly #options: ChannelOptions
  readonly #metadata: Metadata
  #client: Client | undefined

  /** `log` is told of certificates that change. */
  constructor(config: GrpcClientConfig, userAgent: string, log: Logger | undefined) {
    this.#config = config
    this.#log = log
    this.#options = channelOptions(config, config.user_agent === '' ? userAgent : config.user_agent)
    const headers = [...config.headers].map(([name, value]) => [name, value.reveal()] as const)
    this.#metadata = metadataOf(headers, config.wait_for_ready)
  }

  open(): void {
    const { endpoint } = this.#config
    const tls = securityOf(this.#config)
    const credentials =
      tls === undefined
        ? ChannelCredentials.createInsecure()
        : new TlsCredentials(new ClientTlsFiles(tls, this.#log), endpoint)
    this.#client = new Client(targetOf(endpoint), credentials, this.#options)
    this.#client.getChannel().getConnectivityState(true)
  }

  unary(
    method: string,
    chunks: readonly Uint8Array[],
    { signal, deadline, headers }: CallOptions,
  ): Promise<GrpcAnswer> {
    const message = chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks)
    const { promise, resolve, reject } = Promise.withResolvers<GrpcAnswer>()
    const stopped = () =>
      new Refused(`${this.#config.endpoint} did not answer in time`, {
        status: 'DEADLINE_EXCEEDED',
        cause: signal?.reason,
      })
    if (signal?.aborted) return Promise.reject(stopped())
    if (this.#client === undefined) return Promise.reject(new Refused('the gRPC client is not started'))
    const call = this.#client.makeUnaryRequest(
      method,
      asBuffer,
      same,
      message,
      headers === undefined
        ? this.#metadata
        : metadataOf(Object.entries(headers), this.#config.wait_for_ready),
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

  close(): void {
    this.#client?.close()
    this.#client = undefined
  }
}

function metadataOf(
  headers: Iterable<readonly [name: string, value: string]>,
  waitForReady: boolean,
): Metadata {
  const metadata = new Metadata({ waitForReady })
  for (const [name, value] of headers) {
    const key = name.toLowerCase()
    metadata.set(key, key.endsWith('-bin') ? Buffer.from(value) : value)
  }
  return metadata
}

/**
 * TLS as tls.connect takes it. grpc-js's own credentials hand the host to tls.connect as its server name, which for an
 * IP address is against RFC 6066 and refused by Node.
 */
class TlsCredentials extends ChannelCredentials {
  readonly #files: ClientTlsFiles
  readonly #host: string

  /** Throws when the files cannot be used. */
  constructor(files: ClientTlsFiles, endpoint: string) {
    super()
    this.#files = files
    files.current()
    this.#host = endpoint.startsWith('unix:')
      ? 'localhost'
      : hostAndPort(endpoint).replace(/^\[|\]?:\d+$/g, '')
  }

  /** Asked for each connection: files that have changed are used by the next one. */
  #options(): ConnectionOptions {
    const host = this.#host
    const { secureContext, rejectUnauthorized, servername } = this.#files.current()
    const name = servername ?? (isIP(host) === 0 ? host : undefined)
    return {
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
    return {
      connect: (socket: Socket) =>
        new Promise<{ socket: Socket; secure: boolean }>((resolve, reject) => {
          const secured = connect({ ...this.#options(), socket }, () =>
            resolve({ socket: secured, secure: true }),
          )
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

function refusal(error: ServiceError): GrpcAnswer {
  const details = error.metadata?.get('grpc-status-details-bin')[0]
  const status = statusName(error.code)
  return failed(
    status === 'OK' ? 'UNKNOWN' : status,
    error.details,
    typeof details === 'string' ? undefined : details,
  )
}

/** grpc-js copies from a Buffer, so the bytes get that face; nothing is copied here. */
function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

function same(bytes: Buffer): Uint8Array {
  return bytes
}
