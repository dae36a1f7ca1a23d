/**
 * OTLP over HTTP/1.1, in protobuf and JSON. fastify routes; bodies stay bytes until they are OTLP requests, so its
 * parsers are not used.
 *
 * Everything that is not a 200 carries a google.rpc.Status in the encoding of the request (OTLP 1.11, "Failures"):
 * also 404, 405, 408, 413 and 415, where the Collector answers in plain text.
 */

import type { Server } from 'node:http'
import type { Socket } from 'node:net'
import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'
import { jsonToRequest } from '../../core/otlp/json.ts'
import { type Encoding, encodeResponse, encodeStatus } from '../../core/otlp/response.ts'
import { SIGNALS, type Signal } from '../../core/otlp/signals.ts'
import { type ContentEncoding, decompress } from '../../core/transport/decompress.ts'
import { listen } from '../../core/transport/listen.ts'
import { BodyAborted, readBody } from './body.ts'
import { bodyLimit, type HttpConfig, signalPath } from './config.ts'
import { RequestContext } from './context.ts'
import { Cors } from './cors.ts'
import type { Exports } from './export.ts'
import {
  CONTENT_TYPES,
  contentEncodingOf,
  encodingOf,
  refuseContentEncoding,
  refuseContentType,
} from './headers.ts'
import { type ClientError, closeHttpServer, createHttpServer, onClientError } from './http-server.ts'
import { httpMeta } from './peer.ts'
import { type Answer, answer } from './status.ts'
import { FIX_TLS, speaksTls } from './wrong-port.ts'

const ALLOW = 'POST'

/** Never called: no route has a schema. Its being there keeps fastify from loading ajv and fast-json-stringify. */
const noSchemas = (): never => {
  throw new Error('a route has a schema, and nothing here would check it')
}

export class HttpDoor {
  readonly #config: HttpConfig
  readonly #exports: Exports
  readonly #limit: number
  readonly #accepted: ReadonlySet<string>
  readonly #paths: ReadonlySet<string>
  readonly #cors: Cors | undefined
  #app: FastifyInstance | undefined
  #server: Server | undefined
  /** Where it listens; '' until then. */
  address = ''

  constructor(config: HttpConfig, exports: Exports) {
    this.#config = config
    this.#exports = exports
    this.#limit = bodyLimit(config)
    this.#accepted = new Set(config.compression_algorithms)
    this.#paths = new Set(SIGNALS.map(signal => signalPath(config, signal)))
    this.#cors =
      config.cors === undefined || config.cors.allowed_origins.length === 0
        ? undefined
        : new Cors(config.cors)
  }

  /** Throws a sentence when the address cannot be had or the certificate cannot be used. */
  async start(): Promise<void> {
    const app = fastify({
      schemaController: { compilersFactory: { buildValidator: noSchemas, buildSerializer: noSchemas } },
      serverFactory: handler => (this.#server = createHttpServer(this.#config, handler)),
      clientErrorHandler: (problem, socket) => {
        const error = problem as Error as ClientError
        this.#explainWrongProtocol(error, socket)
        onClientError(error, socket)
      },
      // A path that cannot be decoded never reaches a route.
      frameworkErrors: (error, request, reply) => {
        void this.#refuse(request, reply, answer('INVALID_ARGUMENT', error.message))
      },
      return503OnClosing: false,
      exposeHeadRoutes: false,
    })
    this.#app = app
    this.#routes(app)
    await app.ready()
    this.address = await listen(this.#server!, this.#config)
  }

  /** Takes no more connections; what runs may finish until `deadline`, then it is cut off. */
  async stop(deadline: number): Promise<void> {
    if (this.#server === undefined) return
    await closeHttpServer(this.#server, deadline)
    await this.#app!.close()
  }

  #routes(app: FastifyInstance): void {
    // The body is read by the handler, once it is known that anybody wants it.
    app.removeAllContentTypeParsers()
    app.addContentTypeParser('*', (_request, _payload, done) => done(null))
    this.#extraHeaders(app)
    for (const signal of SIGNALS) {
      app.post(signalPath(this.#config, signal), (request, reply) => this.#serve(signal, request, reply))
    }
    app.setNotFoundHandler((request, reply) => this.#notFound(request, reply))
    app.setErrorHandler((error, request, reply) => {
      // What fastify itself refuses, such as a Content-Type that is no media type.
      const http = (error as { statusCode?: number }).statusCode ?? 500
      if (http === 415)
        return this.#refuse(request, reply, refuseContentType(request.headers['content-type']))
      const refused = answer(http < 500 ? 'INVALID_ARGUMENT' : 'INTERNAL', (error as Error).message, http)
      return this.#refuse(request, reply, refused)
    })
  }

  /** `response_headers` and CORS: on every answer, whatever it is. */
  #extraHeaders(app: FastifyInstance): void {
    const fixed = [...this.#config.response_headers].map(([name, value]) => [name, value.reveal()] as const)
    const cors = this.#cors
    if (fixed.length === 0 && cors === undefined) return
    app.addHook('onRequest', (request, reply, done) => {
      for (const [name, value] of fixed) reply.header(name, value)
      if (cors !== undefined && request.method !== 'OPTIONS')
        reply.headers(cors.actual(request.headers.origin))
      done()
    })
  }

  async #serve(signal: Signal, request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    const { headers } = request.raw
    const encoding = encodingOf(headers['content-type'])
    if (encoding === undefined)
      return this.#refuse(request, reply, refuseContentType(headers['content-type']))
    const compression = contentEncodingOf(headers['content-encoding'])
    if (!this.#accepted.has(compression)) {
      return this.#refuse(request, reply, refuseContentEncoding(compression, this.#accepted))
    }
    const refused = this.#exports.admit(signal)
    if (refused !== undefined) return this.#refuse(request, reply, refused)
    try {
      const bytes = await this.#readRequest(signal, request, encoding, compression as ContentEncoding)
      const context = this.#context(request, reply)
      const meta = httpMeta(request.raw, this.#config.include_metadata)
      const receipt = await this.#exports.consume(signal, bytes, meta, context)
      return this.#send(reply, 200, encoding, encodeResponse(signal, receipt, encoding))
    } catch (error) {
      if (error instanceof BodyAborted) return reply.hijack()
      const peer = request.raw.socket.remoteAddress ?? ''
      return this.#refuse(request, reply, this.#exports.failed(error, signal, 'http', peer))
    }
  }

  async #readRequest(
    signal: Signal,
    request: FastifyRequest,
    encoding: Encoding,
    compression: ContentEncoding,
  ): Promise<Uint8Array> {
    const body = await readBody(request.raw, this.#limit, () => this.#exports.refusal(signal))
    const plain = compression === '' ? body : await decompress(body, compression, this.#limit)
    return encoding === 'json' ? jsonToRequest(plain, signal) : plain
  }

  #explainWrongProtocol({ code, rawPacket }: ClientError, socket: Socket): void {
    const peer = socket.remoteAddress ?? ''
    if (speaksTls(rawPacket)) this.#exports.misdirected('http', 'TLS', FIX_TLS, peer)
    else if (code === 'HPE_PAUSED_H2_UPGRADE')
      this.#exports.misdirected(
        'http',
        'HTTP/2 (gRPC?)',
        'OTLP/gRPC goes to the port of protocols.grpc',
        peer,
      )
  }

  #context(request: FastifyRequest, reply: FastifyReply): RequestContext {
    const { write_timeout: timeout } = this.#config
    const deadline = timeout > 0 ? performance.now() + timeout : undefined
    const context = new RequestContext(
      'http',
      request.raw.headers['traceparent'] as string | undefined,
      deadline,
    )
    const timer = timeout > 0 ? setTimeout(() => request.raw.socket.destroy(), timeout) : undefined
    reply.raw.once('close', () => {
      clearTimeout(timer)
      if (!reply.raw.writableFinished) context.abort()
    })
    return context
  }

  #notFound(request: FastifyRequest, reply: FastifyReply): FastifyReply {
    const path = request.url.split('?', 1)[0]!
    if (!this.#paths.has(path)) {
      const known = [...this.#paths].join(', ')
      return this.#refuse(
        request,
        reply,
        answer('UNIMPLEMENTED', `there is nothing at ${path}; paths are ${known}`),
      )
    }
    if (this.#cors !== undefined && request.method === 'OPTIONS')
      return this.#preflight(this.#cors, request, reply)
    reply.header('allow', this.#cors === undefined ? ALLOW : `${ALLOW}, OPTIONS`)
    return this.#refuse(
      request,
      reply,
      answer('UNIMPLEMENTED', `${request.method} is not allowed here, POST is`, 405),
    )
  }

  #preflight(cors: Cors, request: FastifyRequest, reply: FastifyReply): FastifyReply {
    const {
      origin,
      'access-control-request-method': method,
      'access-control-request-headers': wanted,
    } = request.headers
    return reply
      .headers(cors.preflight(origin, method ?? '', wanted ?? ''))
      .code(204)
      .send()
  }

  #refuse(request: FastifyRequest, reply: FastifyReply, refused: Answer): FastifyReply {
    const encoding = encodingOf(request.raw.headers['content-type']) ?? 'json'
    if (refused.retryDelayMs !== undefined)
      reply.header('retry-after', Math.ceil(refused.retryDelayMs / 1000))
    return this.#send(reply, refused.http, encoding, encodeStatus(refused, encoding))
  }

  #send(reply: FastifyReply, status: number, encoding: Encoding, body: Uint8Array): FastifyReply {
    if (this.#exports.stopping || !this.#config.keep_alives_enabled) reply.header('connection', 'close')
    // An empty text goes out with the headers in one write; empty bytes would cost a writev.
    return reply
      .code(status)
      .header('content-type', CONTENT_TYPES[encoding])
      .send(body.length === 0 ? '' : body)
  }
}
