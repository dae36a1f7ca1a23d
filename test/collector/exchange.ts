/** One request to one side, anything in it as a test wants, and everything that came back. */

import { once } from 'node:events'
import { request as httpRequest } from 'node:http'
import { connect, constants } from 'node:http2'
import { SIGNAL_WORDS, type Signal } from '../../core/otlp/signals.ts'

export interface HttpQuestion {
  readonly method?: string
  readonly path?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: Uint8Array | string
}

export interface HttpAnswer {
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly body: Buffer
}

/** HTTP/1.1 on a connection of its own. */
export async function askHttp(address: string, question: HttpQuestion): Promise<HttpAnswer> {
  const { method = 'POST', path = '/v1/traces', headers = {}, body } = question
  const [host, port] = address.split(':')
  const request = httpRequest({ host, port, method, path, headers, agent: false })
  // A server may answer and hang up before it has read everything; what it answered counts.
  let answered = false
  const response = new Promise<HttpAnswer>((resolve, reject) => {
    request.on('error', error => answered || reject(error))
    request.on('response', message => {
      answered = true
      const parts: Buffer[] = []
      message.on('data', part => parts.push(part))
      message.on('error', reject)
      message.on('end', () =>
        resolve({ status: message.statusCode!, headers: message.headers, body: Buffer.concat(parts) }),
      )
    })
  })
  request.end(body)
  return response
}

export interface GrpcAnswer {
  /** `grpc-status`, or undefined when none came. */
  readonly status: number | undefined
  readonly message: string
  readonly headers: Readonly<Record<string, unknown>>
  readonly trailers: Readonly<Record<string, unknown>>
  /** What came before the trailers, prefix and all. */
  readonly body: Buffer
}

/** A gRPC message with its prefix. */
export function framed(message: Uint8Array, compressed = false): Buffer {
  const prefix = Buffer.alloc(5)
  prefix.writeUInt8(compressed ? 1 : 0)
  prefix.writeUInt32BE(message.length, 1)
  return Buffer.concat([prefix, message])
}

/** gRPC without a gRPC library, on a connection of its own. `body` is as it goes over the wire: see `framed`. */
export async function askGrpc(
  address: string,
  body: Uint8Array,
  headers: Readonly<Record<string, string>> = {},
  path: string = SIGNAL_WORDS.traces.method,
): Promise<GrpcAnswer> {
  const session = connect(`http://${address}`)
  session.on('error', () => {})
  try {
    const request = {
      [constants.HTTP2_HEADER_METHOD]: 'POST',
      [constants.HTTP2_HEADER_PATH]: path,
      'content-type': 'application/grpc',
      te: 'trailers',
      ...headers,
    }
    const stream = session.request(request, { endStream: false })
    let first: Record<string, unknown> = {}
    let last: Record<string, unknown> = {}
    const parts: Buffer[] = []
    stream.on('response', got => void (first = got)).on('trailers', got => void (last = got))
    stream.on('data', (part: Buffer) => parts.push(part))
    stream.on('error', () => {})
    stream.end(body)
    await once(stream, 'close')
    const status = last['grpc-status'] ?? first['grpc-status']
    return {
      status: status === undefined ? undefined : Number(status),
      message: decodeURIComponent(String(last['grpc-message'] ?? first['grpc-message'] ?? '')),
      headers: first,
      trailers: last,
      body: Buffer.concat(parts),
    }
  } finally {
    session.close()
  }
}

/** One protobuf request over HTTP, as SDKs send it. */
export function post(
  address: string,
  signal: Signal,
  bytes: Uint8Array,
  headers: Readonly<Record<string, string>> = {},
): Promise<HttpAnswer> {
  return askHttp(address, {
    path: SIGNAL_WORDS[signal].path,
    headers: { 'content-type': 'application/x-protobuf', ...headers },
    body: bytes,
  })
}
