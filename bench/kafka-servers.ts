/** What the Kafka benches share, and that of Elasticsearch in part: servers with an OTLP door and a kafka exporter, and a load of 512 spans a request. */

import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { type ClientHttp2Session, connect } from 'node:http2'
import { realisticTraces } from '../test/kit/realistic.ts'
import { topicName } from '../test/services/kafka.ts'
import { freePort } from '../test/services/ports.ts'
import { type Running, run } from '../test/services/process.ts'

export const SPANS = 512
export const IN_FLIGHT = 8
const METHOD = '/opentelemetry.proto.collector.trace.v1.TraceService/Export'

const bytes = realisticTraces(SPANS)
const head = Buffer.alloc(5)
head.writeUInt32BE(bytes.length, 1)
const message = Buffer.concat([head, bytes])

export interface Server {
  readonly name: string
  readonly running: Running
  /** Ports on 127.0.0.1. */
  readonly grpc: number
  readonly metrics: number
  /** Spans that it has acknowledged. */
  sent: number
}

/** `exporter` is what the kafka exporter is told besides brokers and topic; the same YAML for whichever program. */
export async function startServer(
  name: string,
  program: readonly string[],
  brokers: readonly string[],
  exporter: Readonly<Record<string, unknown>>,
): Promise<Server> {
  const [grpc, metrics] = [await freePort(), await freePort()]
  const reader = { pull: { exporter: { prometheus: { host: '127.0.0.1', port: metrics } } } }
  const config = {
    receivers: { otlp: { protocols: { grpc: { endpoint: `127.0.0.1:${grpc}` } } } },
    exporters: { kafka: { brokers, traces: { topic: topicName('bench') }, ...exporter } },
    service: {
      telemetry: { metrics: { readers: [reader] } },
      pipelines: { traces: { receivers: ['otlp'], exporters: ['kafka'] } },
    },
  }
  const running = run(program[0]!, [...program.slice(1), '--config', `yaml:${JSON.stringify(config)}`])
  await running.printed(/Everything is ready/)
  return { name, running, grpc, metrics, sent: 0 }
}

/** us on a core since it started, all threads. */
export function cpuUs({ running }: Pick<Server, 'running'>): number {
  const tasks = `/proc/${running.pid}/task`
  const ns = readdirSync(tasks).map(task => readFileSync(`${tasks}/${task}/schedstat`, 'utf8').split(' ')[0])
  return ns.reduce((sum, one) => sum + Number(one), 0) / 1000
}

/** MiB: now, and the most there ever was. */
export function rss({ running }: Pick<Server, 'running'>): { now: number; peak: number } {
  const status = readFileSync(`/proc/${running.pid}/status`, 'utf8')
  const mib = (name: string) => Number(new RegExp(`${name}:\\s+(\\d+) kB`).exec(status)?.[1] ?? 0) / 1024
  return { now: mib('VmRSS'), peak: mib('VmHWM') }
}

/** Spans that the broker has acknowledged. */
export async function sentSpans({ metrics }: Server): Promise<number> {
  const page = await (await fetch(`http://127.0.0.1:${metrics}/metrics`)).text()
  const lines = page.split('\n').filter(line => line.startsWith('otelcol_exporter_sent_spans'))
  return lines.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0)
}

export function open({ grpc }: Pick<Server, 'grpc'>): ClientHttp2Session {
  return connect(`http://127.0.0.1:${grpc}`)
}

/** One request, behind its five bytes of gRPC; true when it was acknowledged. */
export async function sendOne(session: ClientHttp2Session, body: Uint8Array = message): Promise<boolean> {
  let status = ''
  const headers = { ':method': 'POST', ':path': METHOD, 'content-type': 'application/grpc', te: 'trailers' }
  const stream = session.request(headers)
  stream.on('trailers', trailers => void (status = String(trailers['grpc-status'])))
  stream.on('response', got => void (status = String(got['grpc-status'] ?? status)))
  stream.resume().end(body)
  await once(stream, 'close')
  return status === '0'
}
