/** OTLP servers that answer what a test tells them: node:http for HTTP, grpc-js for gRPC. On 127.0.0.1, port 0. */

import { once } from 'node:events'
import {
  createServer,
  type IncomingMessage,
  type RequestListener,
  type Server,
  type ServerResponse,
} from 'node:http'
import type { AddressInfo } from 'node:net'
import {
  status as codes,
  Server as GrpcServer,
  type handleUnaryCall,
  Metadata,
  ServerCredentials,
} from '@grpc/grpc-js'
import type { StatusName } from '../../core/component/outcome.ts'
import { encodeResponse, encodeStatus, STATUS_CODES } from '../../core/otlp/response.ts'
import { SIGNAL_WORDS, SIGNALS, type Signal } from '../../core/otlp/signals.ts'

export interface Received {
  readonly signal: Signal | undefined
  readonly path: string
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  /** As it came: HTTP bodies are still compressed. */
  readonly body: Buffer
}

/** What a server does with one request; both doors understand it. */
export type Answer =
  | { readonly kind: 'accept' }
  | { readonly kind: 'partial'; readonly rejected: number; readonly message: string }
  | { readonly kind: 'refuse'; readonly afterMs?: number }
  | { readonly kind: 'reject'; readonly message: string }
  | { readonly kind: 'hang' }

export interface TestServer {
  /** What an exporter's `endpoint` is. */
  readonly endpoint: string
  readonly received: Received[]
  answer: Answer
  /** Resolves when the next request has arrived whole. */
  arrival(): Promise<unknown>
  close(): Promise<void>
}

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const parts: Buffer[] = []
  for await (const part of request) parts.push(part as Buffer)
  return Buffer.concat(parts)
}

/** Any HTTP server, its address, and a close that cuts what is open. */
export async function listen(
  listener: RequestListener,
  make: (listener: RequestListener) => Server = createServer,
): Promise<{ port: number; close: () => Promise<void> }> {
  const server = make(listener)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const close = async () => {
    server.closeAllConnections?.()
    server.close()
    if (server.listening) await once(server, 'close')
  }
  return { port: (server.address() as AddressInfo).port, close }
}

/** Calls whoever waits for the next request. */
class Arrivals {
  #waiting: (() => void)[] = []

  next(): Promise<void> {
    return new Promise(resolve => this.#waiting.push(resolve))
  }

  tell(): void {
    for (const resolve of this.#waiting.splice(0)) resolve()
  }
}

export async function httpServer(
  write?: (response: ServerResponse, request: Received) => void,
): Promise<TestServer> {
  const received: Received[] = []
  const arrivals = new Arrivals()
  const { port, close } = await listen(async (request, response) => {
    const path = request.url ?? ''
    const signal = SIGNALS.find(one => path.endsWith(SIGNAL_WORDS[one].path))
    const one = { signal, path, headers: request.headers, body: await bodyOf(request) }
    received.push(one)
    arrivals.tell()
    if (write !== undefined) write(response, one)
    else answerHttp(response, server.answer, signal ?? 'traces')
  })
  const server: TestServer = {
    endpoint: `http://127.0.0.1:${port}`,
    received,
    answer: { kind: 'accept' },
    arrival: () => arrivals.next(),
    close,
  }
  return server
}

function answerHttp(response: ServerResponse, answer: Answer, signal: Signal): void {
  const type = { 'content-type': 'application/x-protobuf' }
  switch (answer.kind) {
    case 'accept':
      response.writeHead(200, type).end()
      return
    case 'partial':
      response.writeHead(200, type).end(encodeResponse(signal, answer, 'protobuf'))
      return
    case 'refuse': {
      const { afterMs } = answer
      const wait = afterMs === undefined ? {} : { 'retry-after': String(afterMs / 1000) }
      response.writeHead(503, { ...type, ...wait }).end()
      return
    }
    case 'reject': {
      const status = { code: STATUS_CODES.INVALID_ARGUMENT, message: answer.message }
      response.writeHead(400, type).end(encodeStatus(status, 'protobuf'))
      return
    }
    case 'hang':
  }
}

export interface GrpcFailure {
  readonly code: StatusName
  readonly message: string
  /** Sent as `grpc-status-details-bin` with RetryInfo when given. */
  readonly retryDelayMs?: number
}

/** Throws a failure, or gives the response's bytes, or never settles. */
export type GrpcHandler = (request: Received) => Uint8Array | Promise<Uint8Array>

export class Failure extends Error {
  readonly failure: GrpcFailure
  constructor(failure: GrpcFailure) {
    super(failure.message)
    this.failure = failure
  }
}

export async function grpcServer(
  options: {
    readonly handler?: GrpcHandler
    readonly credentials?: ServerCredentials
    /** `unix:/path` instead of a port. */
    readonly address?: string
    /** 127.0.0.1 unless it says otherwise. */
    readonly host?: string
    /** 0 unless it says otherwise. */
    readonly port?: number
  } = {},
): Promise<TestServer> {
  const received: Received[] = []
  const arrivals = new Arrivals()
  const grpc = new GrpcServer({ 'grpc.max_receive_message_length': -1 })
  for (const signal of SIGNALS) {
    const path = SIGNAL_WORDS[signal].method
    const same = (bytes: Buffer) => bytes
    const method = {
      path,
      requestStream: false,
      responseStream: false,
      requestSerialize: same,
      requestDeserialize: same,
      responseSerialize: same,
      responseDeserialize: same,
    }
    const serve: handleUnaryCall<Buffer, Buffer> = async (call, reply) => {
      const headers = call.metadata.getMap() as Received['headers']
      const one = { signal, path, headers, body: call.request }
      received.push(one)
      arrivals.tell()
      try {
        reply(null, Buffer.from(await (options.handler?.(one) ?? answerGrpc(server.answer, signal))))
      } catch (error) {
        reply(serviceError(error as Failure))
      }
    }
    grpc.addService({ Export: method }, { Export: serve })
  }
  const credentials = options.credentials ?? ServerCredentials.createInsecure()
  const { host = '127.0.0.1' } = options
  const port = await new Promise<number>((resolve, reject) =>
    grpc.bindAsync(options.address ?? `${host}:${options.port ?? 0}`, credentials, (error, bound) =>
      error === null ? resolve(bound) : reject(error),
    ),
  )
  const server: TestServer = {
    endpoint: options.address ?? `${host}:${port}`,
    received,
    answer: { kind: 'accept' },
    arrival: () => arrivals.next(),
    close: async () => grpc.forceShutdown(),
  }
  return server
}

function serviceError({ failure }: Failure) {
  const { code, message, retryDelayMs } = failure
  const metadata = new Metadata()
  if (retryDelayMs !== undefined) {
    const details = encodeStatus({ code: STATUS_CODES[code], message, retryDelayMs }, 'protobuf')
    metadata.set('grpc-status-details-bin', Buffer.from(details))
  }
  return { code: codes[code], details: message, metadata }
}

function answerGrpc(answer: Answer, signal: Signal): Uint8Array | Promise<Uint8Array> {
  switch (answer.kind) {
    case 'accept':
      return Buffer.alloc(0)
    case 'partial':
      return encodeResponse(signal, answer, 'protobuf')
    case 'refuse': {
      const retryDelayMs = answer.afterMs
      const failure: GrpcFailure = { code: 'UNAVAILABLE', message: 'busy' }
      throw new Failure(retryDelayMs === undefined ? failure : { ...failure, retryDelayMs })
    }
    case 'reject':
      throw new Failure({ code: 'INVALID_ARGUMENT', message: answer.message })
    case 'hang':
      return new Promise(() => {})
  }
}
