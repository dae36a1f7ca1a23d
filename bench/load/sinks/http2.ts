/** Bare node:http2 with gRPC's framing: five bytes before the message, the status in trailers. The floor for OTLP/gRPC. */

import { createServer, type ServerHttp2Stream } from 'node:http2'
import { gunzipSync } from 'node:zlib'
import { arrived, listening, PORT } from './report.ts'

const EMPTY_MESSAGE = Buffer.alloc(5)

const server = createServer({ settings: { initialWindowSize: 4 << 20 } })
server.on('session', session => session.setLocalWindowSize(16 << 20))
server.on('stream', (stream: ServerHttp2Stream) => {
  const parts: Buffer[] = []
  stream.on('data', (part: Buffer) => parts.push(part))
  stream.on('error', () => {})
  stream.on('end', () => {
    const frame = parts.length === 1 ? parts[0]! : Buffer.concat(parts)
    const message = frame.subarray(5)
    arrived(frame[0] === 1 ? gunzipSync(message).length : message.length)
    stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true })
    stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }))
    stream.end(EMPTY_MESSAGE)
  })
})
server.listen(PORT, '127.0.0.1', listening)
