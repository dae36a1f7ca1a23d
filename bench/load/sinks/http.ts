/** Bare node:http: takes a body, answers 200. The floor for OTLP/HTTP. */

import { createServer } from 'node:http'
import { gunzipSync } from 'node:zlib'
import { arrived, listening, PORT } from './report.ts'

createServer((request, response) => {
  const parts: Buffer[] = []
  request.on('data', part => parts.push(part))
  request.on('end', () => {
    const body = parts.length === 1 ? parts[0]! : Buffer.concat(parts)
    arrived(request.headers['content-encoding'] === 'gzip' ? gunzipSync(body).length : body.length)
    response.writeHead(200, { 'content-type': 'application/x-protobuf', 'content-length': 0 }).end()
  })
}).listen(PORT, '127.0.0.1', listening)
