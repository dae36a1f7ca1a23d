/**
 * The otlp receiver: OTLP over gRPC and HTTP, all signals on both.
 *
 *     receivers:
 *       otlp:
 *         protocols:
 *           grpc: { endpoint: 0.0.0.0:4317 }
 *           http: { endpoint: 0.0.0.0:4318 }
 *
 * A request is answered when the pipeline has taken responsibility for it, so back-pressure reaches the sender.
 */

import type { Receiver, ReceiverFactory, Settings } from '../../core/component/contract.ts'
import { SIGNALS } from '../../core/otlp/signals.ts'
import { config, type OtlpConfig } from './config.ts'
import { type Consumers, Exports, MALFORMED_REQUESTS, UNKNOWN_SENDERS } from './export.ts'
import { GrpcDoor } from './grpc.ts'
import { HttpDoor } from './http.ts'

export class OtlpReceiver implements Receiver {
  readonly #settings: Settings
  readonly #exports: Exports
  readonly #doors: ReadonlyMap<string, GrpcDoor | HttpDoor>
  /** `grpc` and `http`, with the ports they really have: `127.0.0.1:4317`, or a socket's path. */
  readonly addresses = new Map<string, string>()

  constructor({ protocols }: OtlpConfig, settings: Settings, next: Consumers) {
    this.#settings = settings
    this.#exports = new Exports(settings, next)
    const doors = new Map<string, GrpcDoor | HttpDoor>()
    if (protocols.grpc !== undefined) doors.set('grpc', new GrpcDoor(protocols.grpc, this.#exports))
    if (protocols.http !== undefined) doors.set('http', new HttpDoor(protocols.http, this.#exports))
    this.#doors = doors
  }

  async start(): Promise<void> {
    for (const [protocol, door] of this.#doors) {
      try {
        await door.start()
      } catch (error) {
        await this.stop(0)
        throw new Error(`${this.#settings.id}: protocols.${protocol}: ${(error as Error).message}`, {
          cause: error,
        })
      }
      this.addresses.set(protocol, door.address)
      this.#settings.log.info('Listening', { protocol, endpoint: door.address })
    }
  }

  async stop(deadline: number): Promise<void> {
    this.#exports.stop(deadline)
    const stop = (door: GrpcDoor | HttpDoor): Promise<void> => {
      // After a reload somebody else listens there, so clients may take their time to come over.
      const replaced = door.replaced
      return door.stop(deadline, () => replaced && this.#exports.patient)
    }
    await Promise.all(Array.from(this.#doors.values(), stop))
  }
}

export const factory: ReceiverFactory<OtlpConfig> = {
  kind: 'receiver',
  type: 'otlp',
  doc: 'Takes OTLP over gRPC and HTTP: what every OpenTelemetry SDK, agent and Collector sends.',
  stability: 'stable',
  config,
  metrics: [MALFORMED_REQUESTS, UNKNOWN_SENDERS],
  signals: SIGNALS,
  liveSignals: true,
  listens: ({ protocols }) =>
    (['grpc', 'http'] as const).flatMap(protocol => {
      const own = protocols[protocol]
      if (own === undefined) return []
      const { endpoint, transport } = own
      return [{ key: `protocols::${protocol}::endpoint`, endpoint, transport }]
    }),
  create: (config, settings, next) => new OtlpReceiver(config, settings, next),
}
