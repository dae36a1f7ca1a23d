/**
 * The gRPC client of every exporter that speaks gRPC: the Collector's configgrpc.ClientConfig keys (0.155), with
 * messages as bytes. It says what the server answered; what an answer means is the exporter's business.
 */

import { Refused } from '../component/outcome.ts'
import type { Logger } from '../telemetry/log.ts'
import type { CallOptions, GrpcAnswer, UnaryClient } from './grpc/answer.ts'
import { Http2Client, type Resolving } from './grpc/http2.ts'
import type { GrpcClientConfig } from './grpc-client-config.ts'

export type { GrpcAnswer } from './grpc/answer.ts'

export class GrpcClient {
  readonly #config: GrpcClientConfig
  readonly #userAgent: string
  readonly #log: Logger | undefined
  readonly #resolving: Resolving
  #client: UnaryClient | undefined

  /** `log` is told of certificates that change. */
  constructor(config: GrpcClientConfig, userAgent: string, log?: Logger, resolving: Resolving = {}) {
    this.#config = config
    this.#userAgent = userAgent
    this.#log = log
    this.#resolving = resolving
  }

  /** Reads certificates and begins to connect, without waiting for it. Throws an Error that names the key at fault. */
  async open(): Promise<void> {
    const client = await this.#make()
    client.open()
    this.#client = client
  }

  async #make(): Promise<UnaryClient> {
    if (this.#config.client === 'http2') {
      return new Http2Client(this.#config, this.#userAgent, this.#log, this.#resolving)
    }
    const { GrpcJsClient } = await import('./grpc/grpc-js.ts')
    return new GrpcJsClient(this.#config, this.#userAgent, this.#log)
  }

  /**
   * One unary call: `chunks` one after another are the message, the response is as it came. Resolves with whatever
   * status the call ended with; throws Refused when it could not be made, or when `signal` stopped it.
   */
  unary(method: string, chunks: readonly Uint8Array[], options: CallOptions): Promise<GrpcAnswer> {
    if (this.#client === undefined) return Promise.reject(new Refused('the gRPC client is not started'))
    return this.#client.unary(method, chunks, options)
  }

  /** Ends the connections; calls that are open still end as they end. Safe twice. */
  close(): void {
    this.#client?.close()
    this.#client = undefined
  }
}
