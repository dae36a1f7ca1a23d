/** Bare fastify: the same with routing and a content type parser that gives the body as a Buffer. */

import { gunzipSync } from 'node:zlib'
import Fastify from 'fastify'
import { arrived, listening, PORT } from './report.ts'

const app = Fastify({ bodyLimit: 64 << 20 })
app.addContentTypeParser('application/x-protobuf', { parseAs: 'buffer' }, (_request, body, done) =>
  done(null, body),
)
app.post('/v1/traces', async (request, reply) => {
  const body = request.body as Buffer
  arrived(request.headers['content-encoding'] === 'gzip' ? gunzipSync(body).length : body.length)
  return reply.type('application/x-protobuf').send(Buffer.alloc(0))
})
await app.listen({ port: PORT, host: '127.0.0.1' })
listening()
