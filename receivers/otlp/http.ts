/**
 * OTLP over HTTP/1.1, in protobuf and JSON. fastify routes; bodies stay bytes until they are OTLP requests, so its
 * parsers are not used.
 *
 * Everything that is not a 200 carries a google.rpc.Status in the encoding of the request (OTLP 1.11, "Failures"):
 * also 404, 405, 408, 413 and 415, where the Collector answers in plain text.
 */

import type { IncomingMessage, RequestListener, Server, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { Server as TlsServer } from 'node:tls'
import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'
import type { Identity } from '../../core/component/extensions.ts'
import { discard } from '../../core/component/memory.ts'
import { jsonToRequest } from '../../core/otlp/json.ts'
import { type Encoding, encodeResponse, encodeStatus } from '../../core/otlp/response.ts'
import { SIGNALS, type Signal } from '../../core/otlp/signals.ts'
import { httpAuthRequest, serverAuthenticator } from '../../core/transport/auth.ts'
import type { ContentEncoding } from '../../core/transport/decompress.ts'
import { listen } from '../../core/transport/listen.ts'
import { ServerTlsFiles } from '../../core/transport/tls-reload.ts'
import { BodyAborted, checkLength, readBody } from './body.ts'
import { bodyLimit, type HttpConfig, signalPath } from './config.ts'
import { RequestContext } from './context.ts'
import { Cors, isPreflight } from './cors.ts'
import type { Exports } from './export.ts'
import { Gate, isIdentity } from './gate.ts'
import {
  CONTENT_TYPES,
  contentEncodingOf,
  encodingOf,
  expectsContinue,
  refuseContentEncoding,
  refuseContentType,
  refusePath,
  refuseShape,
} from './headers.ts'
import {
  type ClientError,
  closeHttpServer,
  createHttpServer,
  isHttp2,
  isTls,
  onClientError,
} from './http-server.ts'
import { httpMeta, identified, socketMeta } from './peer.ts'
import { lentPlain } from './plain.ts'
import { type Answer, answer } from './status.ts'
import { HTTP_MISTAKES } from './wrong-port.ts'

const ALLOW = 'POST'

/** Never called: no route has a schema. Its being there keeps fastify from loading ajv and fast-json-stringify. */
const noSchemas = (): never => {
  throw new Error('a route has a schema, and nothing here would check it')
}

/** Found by one listener that all responses share. */
const CONTEXT = Symbol('context')
const TIMER = Symbol('timer')
type Answering = ServerResponse & { [CONTEXT]?: RequestContext; [TIMER]?: NodeJS.Timeout }

function onClose(this: Answering): void {
  clearTimeout(this[TIMER])
  if (!this.writableFinished) this[CONTEXT]!.abort()
}

export class HttpDoor {
  readonly #config: HttpConfig
  readonly #exports: Exports
  readonly #limit: number
  readonly #accepted: ReadonlySet<string>
  readonly #paths: ReadonlySet<string>
  readonly #cors: Cors | undefined
  /** Whether there is still room for what is read. */
  readonly #refusals: Readonly<Record<Signal, () => Error | undefined>>
  readonly #sockets = new Set<Socket>()
  /** When a connection is too old, by the socket that requests come from. Empty without max_connection_age. */
  readonly #retireAt = new WeakMap<Socket, number>()
  readonly #identities = new WeakMap<IncomingMessage, Identity>()
  #app: FastifyInstance | undefined
  #server: Server | undefined
  #files: ServerTlsFiles | undefined
  /** Where it listens; '' until then. */
  address = ''

  constructor(config: HttpConfig, exports: Exports) {
    this.#config = config
    this.#exports = exports
    this.#limit = bodyLimit(config)
    this.#accepted = new Set(config.compression_algorithms)
    this.#refusals = Object.fromEntries(
      SIGNALS.map(signal => [signal, () => exports.refusal(signal)]),
    ) as Record<Signal, () => Error | undefined>
    this.#paths = new Set(SIGNALS.map(signal => signalPath(config, signal)))
    this.#cors =
      config.cors === undefined || config.cors.allowed_origins.length === 0
        ? undefined
        : new Cors(config.cors)
  }

  /** Throws a sentence when the address, the certificate or the authenticator cannot be had. */
  async start(): Promise<void> {
    const app = fastify({
      schemaController: { compilersFactory: { buildValidator: noSchemas, buildSerializer: noSchemas } },
      serverFactory: handler => (this.#server = this.#createServer(handler)),
      clientErrorHandler: (problem, socket) => {
        const error = problem as Error as ClientError
        if (isTls(error)) this.#misplaced('tls', socket)
        else if (isHttp2(error)) this.#misplaced('http2', socket)
        onClientError(error, socket, this.#config.max_request_header_size)
      },
      // A path that cannot be decoded never reaches a route.
      frameworkErrors: (error, request, reply) => {
        // Its own message quotes the whole URL, which may have a secret behind its path.
        const path = (request.raw.url ?? '').split('?', 1)[0]!
        const why = error.statusCode === 400 ? `the path ${path} cannot be decoded` : error.message
        void this.#refuse(request, reply, answer('INVALID_ARGUMENT', why))
      },
      return503OnClosing: false,
      exposeHeadRoutes: false,
    })
    this.#app = app
    this.#routes(app)
    await app.ready()
    this.address = await listen(this.#server!, this.#config)
  }

  /** Another part of the gateway listens in this one's place: its clients come to no closed port. */
  get replaced(): boolean {
    return this.#server?.listening === false
  }

  /**
   * Takes no more connections; what runs may finish until `deadline`, then it is cut off. `linger` is asked again and
   * again: as long as it says true, clients whose connections are idle are waited for, and told with their next answer.
   */
  async stop(deadline: number, linger: () => boolean = () => false): Promise<void> {
    if (this.#server === undefined) return
    this.#files?.stop()
    await closeHttpServer(this.#server, this.#sockets, deadline, linger)
    await this.#app!.close()
  }

  #createServer(handler: RequestListener): Server {
    const { tls, max_connection_age: age } = this.#config
    this.#files = tls === undefined ? undefined : new ServerTlsFiles(tls, this.#exports.log)
    const server = createHttpServer(this.#config, this.#files?.load(), {
      handler,
      misplaced: (mistake, socket) => this.#misplaced(mistake, socket),
      handshakeFailed: (error, socket) => this.#exports.handshakeFailed('http', error, socket),
    })
    server.on('connection', (socket: Socket) => {
      this.#sockets.add(socket)
      socket.once('close', () => this.#sockets.delete(socket))
    })
    // Give or take 10 %, so that clients that came together do not come again together.
    const retire = (socket: Socket) =>
      this.#retireAt.set(socket, performance.now() + age * (0.9 + Math.random() * 0.2))
    if (age > 0) server.on(tls === undefined ? 'connection' : 'secureConnection', retire)
    if (tls !== undefined) this.#files!.follow(server as Server & TlsServer)
    return server
  }

  #misplaced(mistake: keyof typeof HTTP_MISTAKES, socket: Socket): void {
    this.#exports.misdirected('http', HTTP_MISTAKES[mistake], socketMeta(socket).address)
  }

  #routes(app: FastifyInstance): void {
    // The body is read by the handler, once it is known that anybody wants it.
    app.removeAllContentTypeParsers()
    app.addContentTypeParser('*', (_request, _payload, done) => done(null))
    this.#extraHeaders(app)
    this.#guard(app)
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
      if (cors !== undefined && !isPreflight(request.raw))
        reply.headers(cors.actual(request.headers.origin, request.method))
      done()
    })
  }

  /** `auth`: on every path, before anything else is looked at. Browsers ask without credentials whether they may send. */
  #guard(app: FastifyInstance): void {
    const { auth } = this.#config
    const authenticator = serverAuthenticator(auth, this.#exports.host)
    if (authenticator === undefined) return
    const gate = new Gate(authenticator, this.#exports, 'http')
    app.addHook('onRequest', (request, reply, done) => {
      if (this.#cors !== undefined && isPreflight(request.raw)) {
        done()
        return
      }
      const enter = (passed: Identity | Answer): void => {
        if (isIdentity(passed)) {
          this.#identities.set(request.raw, passed)
          done()
          return
        }
        if (passed.http === 401 && gate.challenge !== undefined)
          reply.header('www-authenticate', gate.challenge)
        void this.#refuse(request, reply, passed)
      }
      const peer = request.raw.socket.remoteAddress ?? ''
      const passed = gate.ask(httpAuthRequest(request.raw, auth!.request_params), peer)
      if (passed instanceof Promise) void passed.then(enter)
      else enter(passed)
    })
  }

  async #serve(signal: Signal, request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    const { headers } = request.raw
    const misshapen = refuseShape(request.raw)
    if (misshapen !== undefined) return this.#refuse(request, reply, misshapen)
    const encoding = encodingOf(headers['content-type'])
    if (encoding === undefined)
      return this.#refuse(request, reply, refuseContentType(headers['content-type']))
    const compression = contentEncodingOf(headers['content-encoding'])
    if (!this.#accepted.has(compression)) {
      return this.#refuse(request, reply, refuseContentEncoding(compression, this.#accepted))
    }
    const refused = this.#exports.admit(signal)
    if (refused !== undefined) return this.#refuse(request, reply, refused)
    // Asked now: a connection that is gone no longer knows.
    const peer = request.raw.socket.remoteAddress ?? ''
    try {
      checkLength(request.raw, this.#limit)
      // After any other answer node:http ends the connection: nobody could say whether the body still comes.
      if (expectsContinue(request.raw)) reply.raw.writeContinue()
      const body = await readBody(request.raw, this.#limit, this.#refusals[signal])
      const decoded = this.#decode(signal, body, encoding, compression as ContentEncoding)
      const bytes = decoded instanceof Promise ? await decoded : decoded
      const context = this.#context(request, reply)
      const known = httpMeta(request.raw, this.#config.include_metadata)
      const meta = identified(known, this.#identities.get(request.raw))
      const receipt = await this.#exports.consume(signal, bytes, meta, context)
      return this.#send(reply, 200, encoding, encodeResponse(signal, receipt, encoding))
    } catch (error) {
      const refused = this.#exports.failed(error, signal, 'http', peer)
      return error instanceof BodyAborted ? reply.hijack() : this.#refuse(request, reply, refused)
    }
  }

  /** The request as protobuf. Throws or rejects when it is none. */
  #decode(
    signal: Signal,
    body: Uint8Array,
    encoding: Encoding,
    compression: ContentEncoding,
  ): Uint8Array | Promise<Uint8Array> {
    const plain = compression === '' ? body : lentPlain(body, compression, this.#limit)
    if (encoding !== 'json') return plain
    return plain instanceof Promise ? plain.then(bytes => fromJson(bytes, signal)) : fromJson(plain, signal)
  }

  #context(request: FastifyRequest, reply: FastifyReply): RequestContext {
    const { write_timeout: timeout } = this.#config
    const deadline = timeout > 0 ? performance.now() + timeout : undefined
    const context = new RequestContext(
      'http',
      request.raw.headers['traceparent'] as string | undefined,
      deadline,
    )
    const response: Answering = reply.raw
    response[CONTEXT] = context
    if (timeout > 0) response[TIMER] = setTimeout(() => request.raw.socket.destroy(), timeout)
    response.on('close', onClose)
    return context
  }

  #notFound(request: FastifyRequest, reply: FastifyReply): FastifyReply {
    const misshapen = refuseShape(request.raw)
    if (misshapen !== undefined) return this.#refuse(request, reply, misshapen)
    if (this.#cors !== undefined && isPreflight(request.raw))
      return this.#preflight(this.#cors, request, reply)
    const path = request.url.split('?', 1)[0]!
    if (!this.#paths.has(path)) return this.#refuse(request, reply, refusePath(path, this.#paths))
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
    if (this.#ends(reply.request.raw)) reply.header('connection', 'close')
    // An empty text goes out with the headers in one write; empty bytes would cost a writev.
    return reply
      .code(status)
      .header('content-type', CONTENT_TYPES[encoding])
      .send(body.length === 0 ? '' : body)
  }

  /** Is this the last answer on its connection? */
  #ends({ socket }: IncomingMessage): boolean {
    if (this.#exports.stopping || !this.#config.keep_alives_enabled) return true
    const { max_connection_age: age } = this.#config
    return age > 0 && performance.now() >= (this.#retireAt.get(socket) ?? Infinity)
  }
}

function fromJson(plain: Uint8Array, signal: Signal): Uint8Array {
  const bytes = jsonToRequest(plain, signal)
  discard(plain)
  return bytes
}
