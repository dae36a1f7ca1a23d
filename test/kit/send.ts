/** Plain OTLP clients for tests: one request, and an error unless it was accepted. */

import { once } from 'node:events'
import { connect, constants } from 'node:http2'
import { gzipSync } from 'node:zlib'
import { SIGNAL_WORDS, type Signal } from '../../core/otlp/signals.ts'

/** OTLP/HTTP with a protobuf body. `address` is `host:port`. */
export async function sendHttp(
  address: string,
  signal: Signal,
  request: Uint8Array,
  gzip = false,
): Promise<void> {
  const answer = await fetch(`http://${address}${SIGNAL_WORDS[signal].path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/x-protobuf', ...(gzip ? { 'content-encoding': 'gzip' } : {}) },
    body: (gzip ? gzipSync(request) : Buffer.from(request)) as Uint8Array<ArrayBuffer>,
  })
  const body = await answer.text()
  if (answer.status !== 200) throw new Error(`HTTP ${answer.status}: ${body}`)
}

/** OTLP/gRPC on a connection of its own, without a gRPC library. */
export async function sendGrpc(
  address: string,
  signal: Signal,
  request: Uint8Array,
  gzip = false,
): Promise<void> {
  const session = connect(`http://${address}`)
  // A connection that dies fails the stream below; without a listener it would end the test's process as well.
  session.on('error', () => {})
  try {
    const stream = session.request({
      [constants.HTTP2_HEADER_METHOD]: 'POST',
      [constants.HTTP2_HEADER_PATH]: SIGNAL_WORDS[signal].method,
      'content-type': 'application/grpc',
      te: 'trailers',
      ...(gzip ? { 'grpc-encoding': 'gzip' } : {}),
    })
    let status: unknown
    let message: unknown
    const note = (headers: Record<string, unknown>): void => {
      status ??= headers['grpc-status']
      message ??= headers['grpc-message']
    }
    stream.on('response', note).on('trailers', note)
    const body = gzip ? gzipSync(request) : request
    const prefix = Buffer.alloc(5)
    prefix.writeUInt8(gzip ? 1 : 0)
    prefix.writeUInt32BE(body.length, 1)
    stream.end(Buffer.concat([prefix, body]))
    stream.resume()
    await once(stream, 'close')
    if (status !== '0') throw new Error(`gRPC status ${status}: ${message}`)
  } finally {
    session.close()
  }
}
