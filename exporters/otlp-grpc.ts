/**
 * `otlp_grpc`: sends batches to an OTLP/gRPC server, the bytes as they came.
 *
 *     exporters:
 *       otlp_grpc:
 *         endpoint: gateway:4317
 *         tls: {insecure: true}
 *         headers: {x-tenant: blue}
 *
 * The Collector's keys, defaults and answers (exporter/otlpexporter 0.155).
 */

import { section, type ValueOf } from '../config/schema.ts'
import type { Batch } from '../core/component/batch.ts'
import type {
  ConsumeContext,
  Exporter,
  ExporterFactory,
  SendResult,
  Settings,
} from '../core/component/contract.ts'
import { sendingFields } from '../core/component/sending-config.ts'
import { readResponse, readStatus } from '../core/otlp/response.ts'
import { SIGNAL_WORDS, SIGNALS } from '../core/otlp/signals.ts'
import { GrpcClient } from '../core/transport/grpc-client.ts'
import { checkGrpcClient, grpcClientFields } from '../core/transport/grpc-client-config.ts'
import { isRetryableGrpc, oneLine, sentResult, throwOutcome } from '../core/transport/otlp-outcome.ts'
import { userAgent } from '../core/transport/user-agent.ts'

const config = section(
  {
    ...grpcClientFields({ compression: 'gzip', writeBufferSize: 512 * 1024 }),
    ...sendingFields('5s'),
  },
  { doc: 'Sends to an OTLP/gRPC server.', check: checkGrpcClient },
)

export type OtlpGrpcConfig = ValueOf<typeof config>

class OtlpGrpcExporter implements Exporter {
  /** The socket reads what was made of the bytes; without compression it would be the bytes themselves. */
  readonly returnsBytes: boolean
  readonly #settings: Settings
  readonly #endpoint: string
  readonly #client: GrpcClient

  constructor(config: OtlpGrpcConfig, settings: Settings) {
    this.#settings = settings
    this.#endpoint = config.endpoint
    this.#client = new GrpcClient(config, userAgent(settings.host.build), settings.log)
    this.returnsBytes = this.#client.compresses
  }

  async start(): Promise<void> {
    await this.#client.open(this.#settings.host)
  }

  async stop(): Promise<void> {
    this.#client.close()
  }

  async send(batch: Batch, { signal, deadline }: ConsumeContext): Promise<SendResult> {
    const { method } = SIGNAL_WORDS[batch.signal]
    const answer = await this.#client.unary(method, batch.chunks, { signal, deadline, meta: batch.meta })
    if (answer.status === 'OK') return sentResult(batch, readResponse(answer.body), this.#settings.log)
    const retryMs = answer.details === undefined ? undefined : readStatus(answer.details).retryDelayMs
    const message = `${this.#endpoint} answered ${answer.status}: ${oneLine(answer.message)}`
    throwOutcome(isRetryableGrpc(answer.status, retryMs !== undefined), message, answer.status, retryMs)
  }
}

export const factory: ExporterFactory<OtlpGrpcConfig> = {
  kind: 'exporter',
  type: 'otlp_grpc',
  aliases: ['otlp'],
  doc: 'Sends to an OTLP/gRPC server: another gateway, a Collector, a vendor.',
  stability: 'beta',
  signals: SIGNALS,
  config,
  sending: config => config,
  liveSignals: true,
  create: (config, settings) => new OtlpGrpcExporter(config, settings),
}
