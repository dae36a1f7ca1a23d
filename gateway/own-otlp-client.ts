/**
 * Sends the gateway's own signals to an OTLP server. Not the exporters' clients: those belong to pipelines, and this
 * must work, small and apart, when they do not.
 */

import { readFileSync } from 'node:fs'
import { type ClientHttp2Session, connect } from 'node:http2'
import { request as httpsRequest } from 'node:https'
import type { SecureContextOptions } from 'node:tls'
import { promisify } from 'node:util'
import { gzip } from 'node:zlib'
import { SIGNAL_WORDS, type Signal } from '../core/otlp/signals.ts'
import { headersOf, type OtlpTargetConfig } from '../core/telemetry/otlp-target.ts'
import { request as httpRequest } from '../core/transport/node-http.ts'

export interface OwnClient {
  /** Throws when the server did not say that it took the request. */
  send(signal: Signal, body: Uint8Array): Promise<void>
  close(): void
}

const ANSWER_BYTES_MAX = 64 * 1024

/** Throws when a certificate file cannot be read. */
export function ownClient(target: OtlpTargetConfig): OwnClient {
  return target.protocol === 'grpc' ? new GrpcClient(target) : new HttpClient(target)
}

/** An endpoint without a scheme is https, or http with `insecure`. */
function endpointOf({ endpoint, insecure }: OtlpTargetConfig): URL {
  return new URL(/^https?:\/\//.test(endpoint) ? endpoint : `${insecure ? 'http' : 'https'}://${endpoint}`)
}

function tlsOf({ certificate, client_certificate, client_key }: OtlpTargetConfig): SecureContextOptions {
  return {
    ...(certificate === '' ? {} : { ca: readFileSync(certificate) }),
    ...(client_certificate === '' ? {} : { cert: readFileSync(client_certificate) }),
    ...(client_key === '' ? {} : { key: readFileSync(client_key) }),
  }
}

function plainHeaders(target: OtlpTargetConfig): Record<string, string> {
  return Object.fromEntries([...headersOf(target)].map(([name, value]) => [name, value.reveal()]))
}

/** undefined: no limit. */
const timeoutSignal = ({ timeout }: OtlpTargetConfig): AbortSignal | undefined =>
  timeout === 0 ? undefined : AbortSignal.timeout(timeout)

const compress = promisify(gzip)

class HttpClient implements OwnClient {
  readonly #target: OtlpTargetConfig
  readonly #base: URL
  readonly #tls: SecureContextOptions

  constructor(target: OtlpTargetConfig) {
    this.#target = target
    this.#base = endpointOf(target)
    this.#tls = tlsOf(target)
  }

  async send(signal: Signal, body: Uint8Array): Promise<void> {
    const target = this.#target
    const url = new URL(this.#base)
    // A path that was written is the whole path, as in the configuration schema; without one it is the signal's.
    if (url.pathname === '/') url.pathname = SIGNAL_WORDS[signal].path
    const zipped = target.compression === 'gzip'
    const payload = zipped ? await compress(body) : body
    const headers = {
      ...plainHeaders(target),
      'content-type': target.protocol === 'http/json' ? 'application/json' : 'application/x-protobuf',
      'content-length': String(payload.length),
      ...(zipped ? { 'content-encoding': 'gzip' } : {}),
    }
    const status = await this.#post(url, headers, payload)
    if (status < 200 || status > 299) throw new Error(`${url.origin}${url.pathname} answered ${status}`)
  }

  #post(url: URL, headers: Record<string, string>, payload: Uint8Array): Promise<number> {
    return new Promise((resolve, reject) => {
      const signal = timeoutSignal(this.#target)
      const options = { method: 'POST', headers, ...this.#tls, ...(signal === undefined ? {} : { signal }) }
      const make = url.protocol === 'https:' ? httpsRequest : httpRequest
      const request = make(url, options, response => {
        response.on('end', () => resolve(response.statusCode ?? 0))
        response.on('error', reject)
        response.resume()
      })
      request.on('error', reject)
      request.end(payload)
    })
  }

  close(): void {}
}

/** One unary call a request: five bytes of framing around it, and the outcome in the trailers. */
class GrpcClient implements OwnClient {
  readonly #target: OtlpTargetConfig
  readonly #base: URL
  readonly #tls: SecureContextOptions
  #session: ClientHttp2Session | undefined

  constructor(target: OtlpTargetConfig) {
    this.#target = target
    this.#base = endpointOf(target)
    this.#tls = tlsOf(target)
  }

  async send(signal: Signal, body: Uint8Array): Promise<void> {
    const zipped = this.#target.compression === 'gzip'
    const message = zipped ? await compress(body) : body
    const frame = Buffer.alloc(5 + message.length)
    frame[0] = zipped ? 1 : 0
    frame.writeUInt32BE(message.length, 1)
    frame.set(message, 5)
    const status = await this.#call(SIGNAL_WORDS[signal].method, frame, zipped)
    if (status !== '0') throw new Error(`${this.#base.origin} answered with gRPC status ${status}`)
  }

  #call(path: string, frame: Uint8Array, zipped: boolean): Promise<string> {
    return new Promise((resolve, reject) => {
      const session = this.#connect()
      session.once('error', reject)
      const signal = timeoutSignal(this.#target)
      const stream = session.request(
        {
          ...plainHeaders(this.#target),
          ':method': 'POST',
          ':path': path,
          'content-type': 'application/grpc',
          te: 'trailers',
          ...(zipped ? { 'grpc-encoding': 'gzip' } : {}),
        },
        signal === undefined ? {} : { signal },
      )
      let status = 'missing'
      let received = 0
      const read = (headers: Record<string, unknown>): void => {
        if (headers['grpc-status'] !== undefined) status = String(headers['grpc-status'])
        else if (headers[':status'] !== undefined && headers[':status'] !== 200)
          status = `HTTP ${headers[':status']}`
      }
      stream.on('response', read)
      stream.on('trailers', read)
      stream.on('data', (part: Uint8Array) => {
        received += part.length
        if (received > ANSWER_BYTES_MAX) stream.destroy(new Error('the answer is too large'))
      })
      stream.on('error', reject)
      stream.on('end', () => {
        session.off('error', reject)
        resolve(status)
      })
      stream.end(frame)
    })
  }

  #connect(): ClientHttp2Session {
    if (this.#session !== undefined && !this.#session.closed && !this.#session.destroyed) return this.#session
    const session = connect(this.#base, this.#tls)
    // Errors reach the calls that are under way; between calls nobody needs them.
    session.on('error', () => {})
    session.unref()
    this.#session = session
    return session
  }

  close(): void {
    this.#session?.destroy()
  }
}
