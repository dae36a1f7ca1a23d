/** The gateway and Jaeger with an OTLP door and Jaeger's documents behind it, and spans that are new each time. */

import { Span } from '../core/otlp/fields.ts'
import { SpanView } from '../core/otlp/span.ts'
import { ItemWalker } from '../core/otlp/walk.ts'
import { realisticTraces } from '../test/kit/realistic.ts'
import { indexPrefix } from '../test/services/elasticsearch.ts'
import { localJaeger } from '../test/services/jaeger.ts'
import { freePort } from '../test/services/ports.ts'
import { type Running, run } from '../test/services/process.ts'
import { OURS } from './ours.ts'

const HEAD = 5
const NANOS = 1_000_000n

export interface Server {
  readonly name: string
  readonly running: Running
  readonly grpc: number
  /** Of its indices. */
  readonly prefix: string
  /** Spans that were acknowledged. */
  sent: number
}

/** One backend section for whichever program: `jaeger_storage` and `jaeger_storage_exporter` are in both. */
async function start(
  name: string,
  program: readonly string[],
  elasticsearch: string,
  backend: object,
  exporter: object,
): Promise<Server> {
  const prefix = indexPrefix('bench')
  const grpc = await freePort()
  const one = { shards: 1, replicas: 0 }
  const cluster = {
    server_urls: [elasticsearch],
    version: 8,
    disable_health_check: true,
    indices: { index_prefix: prefix, spans: one, services: one },
    ...backend,
  }
  const config = {
    receivers: { otlp: { protocols: { grpc: { endpoint: `127.0.0.1:${grpc}` } } } },
    exporters: { jaeger_storage_exporter: { trace_storage: 'main', ...exporter } },
    extensions: { jaeger_storage: { backends: { main: { elasticsearch: cluster } } } },
    service: {
      extensions: ['jaeger_storage'],
      telemetry: { metrics: { level: 'none' } },
      pipelines: { traces: { receivers: ['otlp'], exporters: ['jaeger_storage_exporter'] } },
    },
  }
  const running = run(program[0]!, [...program.slice(1), '--config', `yaml:${JSON.stringify(config)}`])
  await running.printed(/Everything is ready/)
  return { name, running, grpc, prefix, sent: 0 }
}

export const startOurs = (name: string, url: string, backend: object, exporter: object = {}) =>
  start(name, OURS, url, backend, exporter)

export const startJaegerCollector = async (url: string, backend: object) =>
  start('jaeger', [await localJaeger()], url, backend, {})

/** Requests take turns, so that values of which there are many do not come again soon. */
const VARIANTS = 64

interface Variant {
  readonly request: Buffer
  /** Where the ids are. */
  readonly ids: readonly number[]
}

function variant(spans: number, seed: number): Variant {
  const { buffer, byteOffset, length } = realisticTraces(spans, seed)
  const request = Buffer.from(buffer, byteOffset, length)
  const ids: number[] = []
  const walker = new ItemWalker(request, 'traces')
  const span = new SpanView()
  const now = BigInt(Date.now()) * NANOS
  let shift = 0n
  while (walker.next()) {
    span.reset(request, walker.start, walker.stop)
    ids.push(span.startOf(Span.traceId), span.startOf(Span.spanId))
    for (const field of [Span.startTimeUnixNano, Span.endTimeUnixNano]) {
      const at = span.startOf(field)
      const time = request.readBigUInt64LE(at)
      if (shift === 0n) shift = now - time
      request.writeBigUInt64LE(time + shift, at)
    }
  }
  return { request, ids }
}

/** Requests of so many spans that began a moment ago, each with ids that no other has, as gRPC sends them. */
export class FreshRequests {
  readonly spans: number
  readonly #variants: readonly Variant[]
  #nth = 0

  constructor(spans: number) {
    this.spans = spans
    this.#variants = Array.from({ length: VARIANTS }, (_, nth) => variant(spans, VARIANTS * spans + nth))
  }

  next(): Uint8Array {
    const { request, ids } = this.#variants[this.#nth % VARIANTS]!
    const message = Buffer.alloc(HEAD + request.length)
    message.writeUInt32BE(request.length, 1)
    message.set(request, HEAD)
    this.#nth++
    for (const at of ids) message.writeUInt32BE(this.#nth, HEAD + at)
    return message
  }
}
