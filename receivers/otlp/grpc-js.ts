/**
 * The gRPC server of the door on @grpc/grpc-js, for those who want it: `server: grpc-js`. It sees to framing, limits,
 * deadlines and unknown methods by itself; of compressions it knows gzip and deflate, and it does not count pings.
 */

import type { Socket } from 'node:net'
import {
  Metadata,
  Server,
  ServerCredentials,
  ServerInterceptingCall,
  type ServerInterceptingCallInterface,
  type ServerMethodDefinition,
  type ServerUnaryCall,
  type sendUnaryData,
  type UntypedHandleCall,
} from '@grpc/grpc-js'
import type { Identity } from '../../core/component/extensions.ts'
import { encodeResponse, encodeStatus } from '../../core/otlp/response.ts'
import { SIGNAL_WORDS, SIGNALS, type Signal } from '../../core/otlp/signals.ts'
import { type GrpcConfig, requestLimit } from './config.ts'
import { RequestContext } from './context.ts'
import type { Exports } from './export.ts'
import { type Gate, isIdentity } from './gate.ts'
import type { GrpcServer } from './grpc.ts'
import { Http2GrpcServer } from './grpc-http2.ts'
import { grpcMeta, identified } from './peer.ts'
import type { Answer } from './status.ts'

type Call = ServerUnaryCall<Buffer, Buffer>

const identity = (bytes: Buffer): Buffer => bytes

export class GrpcJsServer implements GrpcServer {
  readonly #config: GrpcConfig
  readonly #exports: Exports
  readonly #gate: Gate | undefined
  /** Who sent what is on its way, by the metadata that goes with it from the door to the method. */
  readonly #identities = new WeakMap<Metadata, Identity>()
  readonly #server: Server
  readonly #injector: ReturnType<Server['createConnectionInjector']>
  readonly #signals = new Map<string, Signal>()
  /**
   * Has the connections that were accepted before the door closed and whose first bytes come after it: a server of
   * grpc-js that has shut down would serve them for ever.
   */
  #late: GrpcServer | undefined

  /** Without a gate everybody gets in. */
  constructor(config: GrpcConfig, exports: Exports, gate: Gate | undefined) {
    this.#config = config
    this.#exports = exports
    this.#gate = gate
    this.#server = new Server({ ...channelOptions(config), interceptors: [this.#door] })
    for (const signal of SIGNALS) {
      const path = SIGNAL_WORDS[signal].method
      const handler = (call: Call, callback: sendUnaryData<Buffer>) =>
        void this.#serve(signal, call, callback)
      this.#server.register(path, handler as UntypedHandleCall, identity, identity, 'unary')
      this.#signals.set(path, signal)
    }
    this.#injector = this.#server.createConnectionInjector(ServerCredentials.createInsecure())
  }

  accept(socket: Socket): void {
    if (this.#late === undefined) this.#injector.injectConnection(socket)
    else this.#late.accept(socket)
  }

  close(): void {
    this.#late = new Http2GrpcServer(this.#config, this.#exports, this.#gate)
    this.#late.close()
    this.#server.tryShutdown(() => {})
  }

  cut(): void {
    this.#late?.cut()
    this.#server.forceShutdown()
  }

  /** Runs before a body is read. Returning the call as it is costs nothing; refused ones are answered at once. Only known methods come here. */
  #door = (
    method: ServerMethodDefinition<unknown, unknown>,
    call: ServerInterceptingCallInterface,
  ): ServerInterceptingCall => {
    const signal = this.#signals.get(method.path)!
    if (this.#gate !== undefined) return this.#guarded(this.#gate, signal, call)
    const refused = this.#exports.admit(signal)
    if (refused === undefined) return call as ServerInterceptingCall
    return new ServerInterceptingCall(call, {
      start: next => next({ onReceiveMetadata: () => call.sendStatus(statusOf(refused)) }),
    })
  }

  #guarded(gate: Gate, signal: Signal, call: ServerInterceptingCallInterface): ServerInterceptingCall {
    return new ServerInterceptingCall(call, {
      start: next =>
        next({
          onReceiveMetadata: async (metadata, mdNext) => {
            const asked = { values: (name: string) => metadata.get(name).map(String) }
            const passed = await gate.ask(asked, call.getPeer())
            const refused = isIdentity(passed) ? this.#exports.admit(signal) : passed
            if (refused !== undefined) call.sendStatus(statusOf(refused))
            else {
              this.#identities.set(metadata, passed as Identity)
              mdNext(metadata)
            }
          },
        }),
    })
  }

  async #serve(signal: Signal, call: Call, callback: sendUnaryData<Buffer>): Promise<void> {
    const context = new RequestContext('grpc', header(call.metadata, 'traceparent'), deadlineOf(call))
    const onCancel = () => context.abort()
    call.once('cancelled', onCancel)
    try {
      const values = this.#config.include_metadata ? valuesOf(call.metadata) : undefined
      const peer = grpcMeta(call.getPeer(), call.getHost(), values)
      const meta = identified(peer, this.#identities.get(call.metadata))
      const receipt = await this.#exports.consume(signal, call.request, meta, context)
      callback(null, encodeResponse(signal, receipt, 'protobuf') as Buffer)
    } catch (error) {
      callback(statusOf(this.#exports.failed(error, signal, 'grpc', call.getPeer())))
    } finally {
      call.off('cancelled', onCancel)
    }
  }
}

function channelOptions(config: GrpcConfig) {
  const { server_parameters: connection } = config.keepalive
  const positive = (key: string, ms: number) => (ms > 0 ? { [key]: ms } : {})
  return {
    'grpc.max_receive_message_length': requestLimit(config),
    'grpc.max_send_message_length': -1,
    'grpc.enable_channelz': 0,
    'grpc.keepalive_time_ms': connection.time,
    'grpc.keepalive_timeout_ms': connection.timeout,
    ...positive('grpc.max_concurrent_streams', config.max_concurrent_streams),
    ...positive('grpc.max_connection_idle_ms', connection.max_connection_idle),
    ...positive('grpc.max_connection_age_ms', connection.max_connection_age),
    ...positive('grpc.max_connection_age_grace_ms', connection.max_connection_age_grace),
  }
}

function header(metadata: Metadata, name: string): string | undefined {
  return metadata.get(name)[0] as string | undefined
}

function valuesOf(metadata: Metadata): Map<string, readonly string[]> {
  return new Map(Object.keys(metadata.getMap()).map(name => [name, metadata.get(name).map(String)]))
}

/** When the client stops waiting, on the clock of performance.now(). */
function deadlineOf(call: Call): number | undefined {
  const deadline = Number(call.getDeadline())
  return deadline === Infinity ? undefined : deadline - Date.now() + performance.now()
}

/** RetryInfo travels in `grpc-status-details-bin`, and only when there is a wait to tell. */
function statusOf(answer: Answer) {
  const metadata = new Metadata()
  if (answer.retryDelayMs !== undefined) {
    metadata.set('grpc-status-details-bin', Buffer.from(encodeStatus(answer, 'protobuf')))
  }
  return { code: answer.code, details: answer.message, metadata }
}
