/** Where `export` sends to: bare node:http that counts the spans of each request. Never measured. */

import { createServer } from 'node:http'
import { gunzipSync } from 'node:zlib'
import { countItems } from '../../../core/otlp/walk.ts'
import { arrived, listening, PORT } from './report.ts'

createServer((request, response) => {
  const parts: Buffer[] = []
  request.on('data', part => parts.push(part))
  request.on('end', () => {
    const sent = Buffer.concat(parts)
    const body = request.headers['content-encoding'] === 'gzip' ? gunzipSync(sent) : sent
    arrived(body.length, countItems(body, 'traces'))
    response.writeHead(200, { 'content-type': 'application/x-protobuf', 'content-length': 0 }).end()
  })
}).listen(PORT, '127.0.0.1', listening)
