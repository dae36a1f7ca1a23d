/**
 * Two things that grpc-js has no option for. What is reached here is private to it (1.14.7, pinned), so tests see that
 * both still do what is meant.
 *
 * Flow control: 64 KiB a connection, HTTP/2's default, means that a request of 272 kB waits four times for a
 * WINDOW_UPDATE. Measured with such requests: 1,600 µs of CPU each, and 500 with the windows below; across a continent,
 * 64 KiB a round trip is all that a connection could carry.
 *
 * Decompression: grpc-js knows gzip and deflate, through a stream for each message, which costs 150 µs for a small one
 * and 1,400 µs more than ours for 272 kB. The Collector, whose exporter compresses by default, also takes zstd and
 * snappy.
 */

import type { ServerHttp2Session, Settings } from 'node:http2'
import { type ContentEncoding, decompress } from '../../core/transport/decompress.ts'
import { answer, answerOf } from './status.ts'

/** What one request may send before it is read. */
export const STREAM_WINDOW = 4 * 1024 * 1024
/** What all requests of a connection may send together before they are read. */
export const CONNECTION_WINDOW = 16 * 1024 * 1024

interface Sessions {
  on(event: 'session', listener: (session: ServerHttp2Session) => void): void
}

interface Inner {
  readonly commonServerOptions: { settings?: Settings }
  createHttp2Server(credentials: unknown): Sessions
}

/** Call it before the server makes its first listener. */
export function widenWindows(server: object): void {
  const inner = server as Inner
  const create = inner.createHttp2Server.bind(server)
  inner.commonServerOptions.settings = {
    ...inner.commonServerOptions.settings,
    initialWindowSize: STREAM_WINDOW,
  }
  inner.createHttp2Server = credentials => {
    const http2 = create(credentials)
    http2.on('session', session => session.setLocalWindowSize(CONNECTION_WINDOW))
    return http2
  }
}

/** gRPC's names for encodings (configgrpc 0.155: gzip, snappy in its framed form, zstd; deflate is grpc-js's). */
const ENCODINGS: ReadonlyMap<string, ContentEncoding> = new Map([
  ['identity', ''],
  ['gzip', 'gzip'],
  ['deflate', 'deflate'],
  ['zstd', 'zstd'],
  ['snappy', 'x-snappy-framed'],
])

/** How grpc-js hands over a message: a flag, four bytes of length, then the content. */
const PREFIX = 5

export type Decompress = (message: Uint8Array, encoding: string) => Promise<Uint8Array> | Uint8Array

/**
 * For `useDecompression`: messages of up to `limit` bytes once inflated. `failed` sees why one was refused. What is
 * thrown is a status, as grpc-js wants it.
 */
export function decompression(limit: number, failed: (error: unknown) => void): Decompress {
  const refuse = (error: unknown): never => {
    failed(error)
    const { code, message } = answerOf(error)
    throw { code, details: message, metadata: null }
  }
  return (message, name) => {
    const encoding = ENCODINGS.get(name)
    if (encoding === undefined) {
      const known = [...ENCODINGS.keys()].join(', ')
      const { code, message: details } = answer(
        'UNIMPLEMENTED',
        `grpc-encoding ${name} is not supported; send ${known}`,
      )
      throw { code, details, metadata: null }
    }
    const content = message.subarray(PREFIX)
    if (encoding === '') return content
    try {
      const plain = decompress(content, encoding, limit)
      return plain instanceof Promise ? plain.catch(refuse) : plain
    } catch (error) {
      return refuse(error)
    }
  }
}

/** Makes a call, as an interceptor sees it, decompress its message in this way. */
export function useDecompression(call: object, how: Decompress): void {
  ;(call as { decompressMessage: Decompress }).decompressMessage = how
}
