/**
 * The gRPC client of every exporter that speaks gRPC: the Collector's configgrpc.ClientConfig keys (0.155), with
 * messages as bytes. It says what the server answered; what an answer means is the exporter's business.
 */

import type { ClientAuthenticator } from '../component/extensions.ts'
import { type Meta, NO_META } from '../component/meta.ts'
import { Refused, Rejected } from '../component/outcome.ts'
import type { Logger } from '../telemetry/log.ts'
import { clientAuthenticator, type Extensions } from './auth.ts'
import type { CallOptions, GrpcAnswer, UnaryClient } from './grpc/answer.ts'
import { Http2Client, type Resolving } from './grpc/http2.ts'
import { type GrpcClientConfig, securityOf } from './grpc-client-config.ts'

export type { GrpcAnswer } from './grpc/answer.ts'

export interface UnaryContext extends Omit<CallOptions, 'headers'> {
  /** That of the batch; an authenticator may take headers from it. */
  readonly meta?: Meta
}

export class GrpcClient {
  readonly #config: GrpcClientConfig
  readonly #userAgent: string
  readonly #log: Logger | undefined
  readonly #resolving: Resolving
  readonly #headers: Readonly<Record<string, string>>
  #auth: ClientAuthenticator | undefined
  #client: UnaryClient | undefined

  /** `log` is told of certificates that change. */
  constructor(config: GrpcClientConfig, userAgent: string, log?: Logger, resolving: Resolving = {}) {
    this.#config = config
    this.#userAgent = userAgent
    this.#log = log
    this.#resolving = resolving
    const headers: Record<string, string> = {}
    for (const [name, value] of config.headers) headers[name.toLowerCase()] = value.reveal()
    this.#headers = headers
  }

  /** Whether what goes to the socket are other bytes than the chunks, made before `unary` settles. grpc-js does not say when. */
  get compresses(): boolean {
    const { client, compression } = this.#config
    return client === 'http2' && compression !== '' && compression !== 'none'
  }

  /**
   * Finds its authenticator in `extensions`, reads certificates and begins to connect, without waiting for it. Throws an
   * Error that names the key at fault.
   */
  async open(extensions: Extensions): Promise<void> {
    const { auth, tls } = this.#config
    this.#auth = clientAuthenticator(auth, extensions)
    if (this.#auth?.plainTextAllowed === false && securityOf(this.#config) === undefined)
      throw new Error(
        `auth: ${auth!.authenticator} adds secrets to requests, which gRPC sends over TLS only; remove tls: insecure: ${tls.insecure}`,
      )
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
   * status the call ended with; throws Refused when it could not be made, when `signal` stopped it, or when there are no
   * credentials.
   */
  async unary(method: string, chunks: readonly Uint8Array[], context: UnaryContext): Promise<GrpcAnswer> {
    const client = this.#client
    if (client === undefined) throw new Refused('the gRPC client is not started')
    const auth = this.#auth
    if (auth === undefined) return client.unary(method, chunks, context)
    const headers = await this.#authorized(auth, context)
    const answer = await client.unary(method, chunks, { ...context, headers })
    if (answer.status !== 'UNAUTHENTICATED' || !auth.renew?.(headers)) return answer
    return client.unary(method, chunks, { ...context, headers: await this.#authorized(auth, context) })
  }

  async #authorized(
    auth: ClientAuthenticator,
    { meta = NO_META, signal }: UnaryContext,
  ): Promise<Record<string, string>> {
    const headers = { ...this.#headers }
    await auth.authorize(headers, meta, signal)
    // Said here, because libraries quote the value, which may be a secret.
    for (const [name, value] of Object.entries(headers))
      if (!name.endsWith('-bin') && /[^\x20-\x7e]/.test(value))
        throw new Rejected(`the header ${name} has a value that gRPC cannot carry`)
    return headers
  }

  /** Ends the connections; calls that are open still end as they end. Safe twice. */
  close(): void {
    this.#client?.close()
    this.#client = undefined
  }
}
