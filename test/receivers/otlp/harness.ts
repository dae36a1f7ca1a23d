/** A running otlp receiver with a sink behind each signal, and raw clients for it. */

import { once } from 'node:events'
import { request as httpRequest, type IncomingHttpHeaders, type RequestOptions } from 'node:http'
import { connect } from 'node:net'
import { after } from 'node:test'
import { Client, credentials, Metadata, type ServiceError, type StatusObject } from '@grpc/grpc-js'
import type { Extension } from '../../../core/component/contract.ts'
import { SIGNAL_WORDS, SIGNALS, type Signal } from '../../../core/otlp/signals.ts'
import type { OtlpConfig } from '../../../receivers/otlp/config.ts'
import { factory, type OtlpReceiver } from '../../../receivers/otlp/index.ts'
import { Sink, type TestSettings, testSettings } from '../../kit/parts.ts'
import { readConfig } from '../../kit/read-config.ts'

export interface Running {
  readonly receiver: OtlpReceiver
  readonly settings: TestSettings
  readonly sinks: Readonly<Record<Signal, Sink>>
  readonly grpc: string
  readonly http: string
  stop(ms?: number): Promise<void>
}

export interface Protocols {
  readonly grpc?: Record<string, unknown> | null
  readonly http?: Record<string, unknown> | null
}

// A test that failed leaves its receiver running; the process must end all the same.
const started: OtlpReceiver[] = []
after(() => Promise.all(started.map(receiver => receiver.stop(0))))

const ANY_PORT = '127.0.0.1:0'

/** What speaks gRPC where a test does not say it; grpc-js.test.ts runs tests of other files with its own. */
let grpcServer: 'http2' | 'grpc-js' = 'http2'
export function useGrpcServer(server: typeof grpcServer): void {
  grpcServer = server
}

/** Both protocols unless `protocols` says otherwise; `signals` have a pipeline, `extensions` run. */
export async function startReceiver(
  protocols: Protocols = { grpc: {}, http: {} },
  signals: readonly Signal[] = SIGNALS,
  extensions: Readonly<Record<string, Extension>> = {},
): Promise<Running> {
  const withPort = Object.fromEntries(
    Object.entries(protocols).map(([name, keys]) => {
      const defaults = { endpoint: ANY_PORT, ...(name === 'grpc' ? { server: grpcServer } : {}) }
      return [name, { ...defaults, ...keys }]
    }),
  )
  const settings = testSettings('receiver', 'otlp')
  for (const [id, extension] of Object.entries(extensions)) settings.host.extensions.set(id, extension)
  const sinks = Object.fromEntries(SIGNALS.map(signal => [signal, new Sink()])) as Record<Signal, Sink>
  const next = Object.fromEntries(signals.map(signal => [signal, sinks[signal]]))
  const config = readConfig(factory.config, { protocols: withPort }) as OtlpConfig
  const receiver = factory.create(config, settings, next) as OtlpReceiver
  await receiver.start()
  started.push(receiver)
  return {
    receiver,
    settings,
    sinks,
    grpc: receiver.addresses.get('grpc') ?? '',
    http: receiver.addresses.get('http') ?? '',
    stop: (ms = 1000) => receiver.stop(performance.now() + ms),
  }
}

export interface HttpAnswer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: Buffer
}

const PROTOBUF = { 'content-type': 'application/x-protobuf' }

/** POSTs `body` to the path of `signal` unless `options` say otherwise. */
export async function post(
  address: string,
  signal: Signal,
  body: Uint8Array | string,
  headers: Record<string, string> = PROTOBUF,
  options: RequestOptions = {},
): Promise<HttpAnswer> {
  const target = address.startsWith('/')
    ? { socketPath: address }
    : { host: '127.0.0.1', port: portOf(address) }
  const chunked = Object.keys(headers).some(name => name.toLowerCase() === 'transfer-encoding')
  const request = httpRequest({
    ...target,
    method: 'POST',
    path: SIGNAL_WORDS[signal].path,
    headers: chunked ? headers : { 'content-length': String(Buffer.byteLength(body)), ...headers },
    agent: false,
    ...options,
  })
  request.end(body)
  const [response] = await once(request, 'response')
  const parts: Buffer[] = []
  for await (const part of response) parts.push(part)
  return { status: response.statusCode, headers: response.headers, body: Buffer.concat(parts) }
}

/** Sends bytes on a fresh connection and gives back all that comes, until the server ends it. */
export async function raw(address: string, bytes: string | Uint8Array): Promise<Buffer> {
  const socket = connect({ host: '127.0.0.1', port: portOf(address) })
  socket.on('error', () => {})
  socket.write(bytes)
  const parts: Buffer[] = []
  socket.on('data', (part: Buffer) => parts.push(part))
  await once(socket, 'close')
  return Buffer.concat(parts)
}

export function portOf(address: string): number {
  return Number(address.slice(address.lastIndexOf(':') + 1))
}

export interface GrpcAnswer {
  readonly code: number
  readonly details: string
  readonly metadata: Metadata
  readonly response: Buffer | undefined
}

const identity = (bytes: Uint8Array): Buffer => Buffer.from(bytes)

export class GrpcClient {
  readonly client: Client

  constructor(address: string, options: Record<string, string | number> = {}) {
    const target = address.startsWith('/') ? `unix:${address}` : address
    this.client = new Client(target, credentials.createInsecure(), {
      'grpc.max_send_message_length': -1,
      'grpc.use_local_subchannel_pool': 1,
      'grpc.enable_http_proxy': 0,
      ...options,
    })
  }

  export(
    method: Signal | string,
    body: Uint8Array,
    headers: Record<string, string> = {},
    options: { deadline?: number } = {},
  ): Promise<GrpcAnswer> & { cancel(): void } {
    const path = method in SIGNAL_WORDS ? SIGNAL_WORDS[method as Signal].method : method
    const metadata = new Metadata()
    for (const [name, value] of Object.entries(headers)) metadata.set(name, value)
    let cancel = () => {}
    const answer = new Promise<GrpcAnswer>(resolve => {
      let result: { error: ServiceError | null; response: Buffer | undefined }
      const call = this.client.makeUnaryRequest(
        path,
        identity,
        identity,
        body,
        metadata,
        options,
        (error, response) => {
          result = { error, response }
        },
      )
      cancel = () => call.cancel()
      call.on('status', (status: StatusObject) =>
        queueMicrotask(() =>
          resolve({
            code: status.code,
            details: status.details,
            metadata: status.metadata,
            response: result?.error === null ? result.response : undefined,
          }),
        ),
      )
    })
    return Object.assign(answer, { cancel })
  }

  close(): void {
    this.client.close()
  }
}
