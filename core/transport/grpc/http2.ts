/**
 * The gRPC client on node:http2. Measured against @grpc/grpc-js, a request of 272 kB costs 80 us of CPU instead of 380,
 * one of 6 kB 25 instead of 75; and it compresses with whatever we have.
 */

import type { OutgoingHttpHeaders } from 'node:http2'
import { Refused } from '../../component/outcome.ts'
import type { Logger } from '../../telemetry/log.ts'
import { type Compressor, compressorFor } from '../compress.ts'
import { type GrpcClientConfig, hostAndPort, securityOf } from '../grpc-client-config.ts'
import { proxyFromEnvironment } from '../proxy.ts'
import { ClientTlsFiles } from '../tls-reload.ts'
import { type CallOptions, failed, type GrpcAnswer, type UnaryClient } from './answer.ts'
import { UNPROCESSED } from './call.ts'
import { GrpcChannel } from './channel.ts'
import type { GrpcConnection } from './connection.ts'
import { dial } from './dial.ts'
import { ANSWER_ENCODINGS } from './encodings.ts'
import { KeepAliveConfig } from './keepalive.ts'
import { type Address, type Lookup, type Target, targetOf } from './target.ts'

/** For tests: what stands in for DNS, and how often it is asked, in ms. */
export interface Resolving {
  readonly lookup?: Lookup
  readonly lookupGapMs?: number
}

/** A call that no server looked at is made again, so many times. */
const TRIES_MAX = 3
const PREFIX = 5
/** Chunks that are smaller than this on average are joined before they are written; see http-client.ts. */
const WRITE_BYTES_MIN = 16 * 1024

export class Http2Client implements UnaryClient {
  readonly #config: GrpcClientConfig
  readonly #target: Target
  readonly #log: Logger | undefined
  readonly #resolving: Resolving
  readonly #compressor: Compressor | undefined
  /** What every call has, without and with the headers of the config. */
  readonly #own: OutgoingHttpHeaders
  readonly #headers: OutgoingHttpHeaders
  #channel: GrpcChannel | undefined

  /** `log` is told of certificates that change. */
  constructor(
    config: GrpcClientConfig,
    userAgent: string,
    log: Logger | undefined,
    resolving: Resolving = {},
  ) {
    this.#config = config
    this.#log = log
    this.#resolving = resolving
    this.#target = targetOf(config.endpoint, resolving.lookup)
    this.#compressor = grpcCompressor(config)
    this.#own = this.#headersFor(userAgent)
    const written = [...config.headers].map(([name, value]) => [name, value.reveal()] as const)
    this.#headers = { ...this.#own, ...onTheWire(written) }
  }

  #headersFor(userAgent: string): OutgoingHttpHeaders {
    const { authority, tls, user_agent, compression } = this.#config
    const agent = user_agent === '' ? userAgent : user_agent
    const all: OutgoingHttpHeaders = {
      ':method': 'POST',
      ':scheme': securityOf(this.#config) === undefined ? 'http' : 'https',
      // As grpc-go: a name that overrides the server's is also asked for.
      ':authority': authority || tls.server_name_override || this.#target.authority,
      ':path': '',
      'content-type': 'application/grpc',
      'user-agent': `${agent} grpc-node/${process.versions.node}`,
      te: 'trailers',
      'grpc-accept-encoding': ANSWER_ENCODINGS,
    }
    if (this.#compressor !== undefined) all['grpc-encoding'] = compression
    return all
  }

  open(): void {
    const { balancer_name, wait_for_ready, keepalive, authority } = this.#config
    const { host } = this.#target
    const security = securityOf(this.#config)
    const files = security === undefined ? undefined : new ClientTlsFiles(security, this.#log)
    // What is wrong with them is said now, not when the first connection is made.
    files?.current()
    const tls = files === undefined ? undefined : () => files.current()
    const proxy = this.#proxy()
    const name = authority === '' ? host : hostOf(authority)
    // A proxy looks the name up itself.
    const target = proxy === undefined ? this.#target : { ...this.#target, resolve: undefined }
    this.#channel = new GrpcChannel(target, {
      policy: balancer_name === 'round_robin' ? 'round_robin' : 'pick_first',
      waitForReady: wait_for_ready,
      keepalive:
        keepalive && new KeepAliveConfig(keepalive.time, keepalive.timeout, keepalive.permit_without_stream),
      dial: (address: Address, signal) => dial(address, { tls, host: name, proxy }, signal),
      ...(this.#resolving.lookupGapMs === undefined ? {} : { lookupGapMs: this.#resolving.lookupGapMs }),
    })
    this.#channel.open()
  }

  #proxy(): URL | undefined {
    const [address] = this.#target.fixed
    if (address?.host === undefined) return undefined
    return proxyFromEnvironment('https:', address.host, address.port)
  }

  async unary(
    method: string,
    chunks: readonly Uint8Array[],
    { signal, deadline, headers: instead }: CallOptions,
  ): Promise<GrpcAnswer> {
    const channel = this.#channel
    if (channel === undefined) throw new Refused('the gRPC client is closed')
    if (signal?.aborted) throw this.#stopped(signal)
    const packed = this.#compressor === undefined ? plain(chunks) : this.#compressed(chunks, this.#compressor)
    const parts = packed instanceof Promise ? await packed : packed
    const all =
      instead === undefined ? this.#headers : { ...this.#own, ...onTheWire(Object.entries(instead)) }
    const headers: OutgoingHttpHeaders = { ...all, ':path': method }
    for (let tries = 0; tries < TRIES_MAX; tries++) {
      const connection = channel.ready() ?? (await this.#wait(channel, signal))
      if (deadline !== undefined) headers['grpc-timeout'] = timeoutText(deadline - performance.now())
      const answer = await this.#call(connection, headers, parts, signal)
      if (answer !== UNPROCESSED) return answer
    }
    return failed('UNAVAILABLE', 'the server does not take any more calls')
  }

  async #call(
    connection: GrpcConnection,
    headers: OutgoingHttpHeaders,
    parts: readonly Uint8Array[],
    signal: AbortSignal | undefined,
  ): Promise<GrpcAnswer | typeof UNPROCESSED> {
    if (signal?.aborted) throw this.#stopped(signal)
    const call = connection.call(headers, parts)
    if (signal === undefined) return call.end
    const cancel = () => call.cancel()
    signal.addEventListener('abort', cancel, { once: true })
    const answer = await call.end
    signal.removeEventListener('abort', cancel)
    if (signal.aborted && answer !== UNPROCESSED && answer.status !== 'OK') throw this.#stopped(signal)
    return answer
  }

  async #wait(channel: GrpcChannel, signal: AbortSignal | undefined): Promise<GrpcConnection> {
    try {
      return await channel.wait(signal)
    } catch (error) {
      if (signal?.aborted) throw this.#stopped(signal)
      const { message, status } = error as Refused
      throw new Refused(`cannot connect to ${this.#config.endpoint}: ${message}`, {
        ...(status === undefined ? {} : { status }),
        cause: error,
      })
    }
  }

  #stopped(signal: AbortSignal): Refused {
    return new Refused(`${this.#config.endpoint} did not answer in time`, {
      status: 'DEADLINE_EXCEEDED',
      cause: signal.reason,
    })
  }

  #compressed(chunks: readonly Uint8Array[], compressor: Compressor): Uint8Array[] | Promise<Uint8Array[]> {
    const packed = compressor.compress(chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks))
    const framed = (bytes: Uint8Array) => [prefix(1, bytes.length), bytes]
    return packed instanceof Promise ? packed.then(framed) : framed(packed)
  }

  close(): void {
    this.#channel?.close()
    this.#channel = undefined
  }
}

/** Metadata whose name ends with -bin is base64. */
function onTheWire(headers: Iterable<readonly [name: string, value: string]>): OutgoingHttpHeaders {
  const all: OutgoingHttpHeaders = {}
  for (const [name, value] of headers) {
    const key = name.toLowerCase()
    all[key] = key.endsWith('-bin') ? Buffer.from(value).toString('base64').replace(/=+$/, '') : value
  }
  return all
}

/** gRPC's snappy is the framed form; its levels are those of HTTP. */
function grpcCompressor({ compression, compression_params }: GrpcClientConfig): Compressor | undefined {
  return compressorFor({
    compression: compression === 'snappy' ? 'x-snappy-framed' : compression,
    compression_params,
  })
}

function prefix(flag: number, length: number): Uint8Array {
  const bytes = Buffer.allocUnsafe(PREFIX)
  bytes[0] = flag
  bytes.writeUInt32BE(length, 1)
  return bytes
}

function plain(chunks: readonly Uint8Array[]): readonly Uint8Array[] {
  let length = 0
  for (const chunk of chunks) length += chunk.length
  const head = prefix(0, length)
  if (length / chunks.length >= WRITE_BYTES_MIN) return [head, ...chunks]
  return [Buffer.concat([head, ...chunks], PREFIX + length)]
}

/** `grpc-timeout`: at most eight digits. */
function timeoutText(ms: number): string {
  const whole = Math.max(1, Math.ceil(ms))
  return whole < 1e8 ? `${whole}m` : `${Math.ceil(whole / 1000)}S`
}

function hostOf(authority: string): string {
  return hostAndPort(authority)
    .replace(/:\d+$/, '')
    .replace(/^\[|\]$/g, '')
}
