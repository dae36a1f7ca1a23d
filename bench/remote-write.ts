/**
 * Metrics over OTLP gRPC into remote write, 1.0 and 2.0: what the gateway costs for a data point, beside the Collector
 * with the same YAML. `node bench/remote-write.ts [--quick]`; bench/README.md.
 *
 * Every server is given the same number of requests with the same ones in flight, and is measured until its last point
 * is acknowledged by the receiver, which reads nothing but keeps one body of each server to be looked into.
 */

import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import { type ClientHttp2Session, connect } from 'node:http2'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { decompressBlock } from '../core/formats/snappy-read.ts'
import { realisticMetrics } from '../test/kit/realistic-metrics.ts'
import { readRequest1, readRequest2 } from '../test/kit/remote-write.ts'
import { builtCollector } from '../test/services/collector.ts'
import { freePort } from '../test/services/ports.ts'
import { type Running, run } from '../test/services/process.ts'
import { ProcessTree } from './load/process-tree.ts'
import { OURS } from './ours.ts'

const quick = process.argv.includes('--quick')
/** Instances of the service, each with series of its own; each sends once a step. */
const INSTANCES = 64
const STEPS = quick ? 20 : 60
/** As long as V8 goes on optimizing. */
const WARM_UP = quick ? 40 : 120
const ROUNDS = quick ? 1 : 5
const IN_FLIGHT = 8
const METHOD = '/opentelemetry.proto.collector.metrics.v1.MetricsService/Export'
const MESSAGES = ['prometheus.WriteRequest', 'io.prometheus.write.v2.Request'] as const
const GATE = '--feature-gates=exporter.prometheusremotewritexporter.enableSendingRW2'

interface Server {
  readonly name: string
  readonly running: Running
  readonly tree: ProcessTree
  readonly grpc: number
  readonly metrics: number
  /** Points that it was given. */
  sent: number
  /** Where its steps are, so that no time comes twice. */
  step: bigint
}

/** The first body of each server, by the path that it writes to. */
const bodies = new Map<string, { body: Buffer; type: string }>()
const written = {
  'X-Prometheus-Remote-Write-Samples-Written': '1000000000',
  'X-Prometheus-Remote-Write-Histograms-Written': '1000000000',
  'X-Prometheus-Remote-Write-Exemplars-Written': '1000000000',
}
const sink = createServer((request: IncomingMessage, response) => {
  const keep = !bodies.has(request.url!)
  const chunks: Buffer[] = []
  request.on('data', chunk => keep && chunks.push(chunk))
  request.on('end', () => {
    if (keep)
      bodies.set(request.url!, { body: Buffer.concat(chunks), type: request.headers['content-type']! })
    response.writeHead(204, written).end()
  })
}).listen(0, '127.0.0.1')
await once(sink, 'listening')

async function startServer(name: string, program: readonly string[], message: string): Promise<Server> {
  const [grpc, metrics] = [await freePort(), await freePort()]
  const reader = { pull: { exporter: { prometheus: { host: '127.0.0.1', port: metrics } } } }
  const endpoint = `http://127.0.0.1:${(sink.address() as AddressInfo).port}/${name.replaceAll(' ', '-')}`
  const config = {
    receivers: { otlp: { protocols: { grpc: { endpoint: `127.0.0.1:${grpc}` } } } },
    processors: { batch: {} },
    exporters: { prometheusremotewrite: { endpoint, protobuf_message: message } },
    service: {
      telemetry: { metrics: { readers: [reader] }, logs: { level: 'error' } },
      pipelines: {
        metrics: { receivers: ['otlp'], processors: ['batch'], exporters: ['prometheusremotewrite'] },
      },
    },
  }
  const args = ['--config', `yaml:${JSON.stringify(config)}`, GATE]
  const running = run(program[0]!, [...program.slice(1), ...args])
  for (let tries = 0; ; tries++) {
    if ((await fetch(`http://127.0.0.1:${metrics}/metrics`).catch(() => undefined))?.ok) break
    if (tries > 300) throw new Error(`${name} did not start: ${running.output()}`)
    await sleep(100)
  }
  return { name, running, tree: new ProcessTree(running.pid!), grpc, metrics, sent: 0, step: 0n }
}

async function sentPoints({ metrics }: Server): Promise<number> {
  const page = await (await fetch(`http://127.0.0.1:${metrics}/metrics`)).text()
  const lines = page.split('\n').filter(line => line.startsWith('otelcol_exporter_sent_metric_points'))
  return lines.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0)
}

async function sendOne(session: ClientHttp2Session, bytes: Uint8Array): Promise<boolean> {
  let status = ''
  const head = Buffer.alloc(5)
  head.writeUInt32BE(bytes.length, 1)
  const headers = { ':method': 'POST', ':path': METHOD, 'content-type': 'application/grpc', te: 'trailers' }
  const stream = session.request(headers)
  stream.on('trailers', trailers => void (status = String(trailers['grpc-status'])))
  stream.on('response', got => void (status = String(got['grpc-status'] ?? status)))
  stream.resume().end(Buffer.concat([head, bytes]))
  await once(stream, 'close')
  return status === '0'
}

async function send(
  server: Server,
  loads: readonly ReturnType<typeof realisticMetrics>[],
  steps: number,
): Promise<void> {
  const session = connect(`http://127.0.0.1:${server.grpc}`)
  const first = 1_770_000_000_000_000_000n
  for (let step = 0; step < steps; step++) {
    const time = first + 10_000_000_000n * server.step++
    let next = 0
    const lane = async (): Promise<void> => {
      while (next < loads.length) {
        const load = loads[next++]!
        // A full queue refuses; an SDK would come again.
        while (!(await sendOne(session, load.at(time)))) await sleep(20)
        server.sent += load.points
      }
    }
    await Promise.all(Array.from({ length: IN_FLIGHT }, lane))
  }
  session.close()
  while ((await sentPoints(server)) < server.sent) await sleep(20)
}

/** Lowest, median, highest. */
function spread(values: readonly number[]): [number, number, number] {
  const sorted = values.toSorted((a, b) => a - b)
  return [sorted[0]!, sorted[sorted.length >> 1]!, sorted.at(-1)!]
}

/** Series of the body that was kept; throws when it holds nothing. */
function seriesIn(server: Server): number {
  const { body, type } = bodies.get(`/${server.name.replaceAll(' ', '-')}`)!
  const plain = decompressBlock(body, 64 * 1024 * 1024)
  const { series } = type.includes('v2') ? readRequest2(plain) : readRequest1(plain)
  if (!series.some(({ samples }) => samples.length > 0)) throw new Error(`${server.name} wrote nothing`)
  return series.length
}

const collector = builtCollector()
for (const histograms of [false, true]) {
  const loads = Array.from({ length: INSTANCES }, (_, i) => realisticMetrics(i + 1, histograms))
  const points = loads.reduce((sum, load) => sum + load.points, 0)
  for (const [i, message] of MESSAGES.entries()) {
    const version = `${i + 1}.0 ${histograms ? 'with histograms' : 'numbers'}`
    bodies.clear()
    const servers = [
      await startServer(`sluice ${version}`, OURS, message),
      ...(collector === undefined ? [] : [await startServer(`otelcol ${version}`, [collector], message)]),
    ]
    const rounds = servers.map((): number[] => [])
    for (const server of servers) await send(server, loads, WARM_UP)
    for (let round = 0; round < ROUNDS; round++) {
      // Who begins changes.
      for (let turn = 0; turn < servers.length; turn++) {
        const at = (round + turn) % servers.length
        const server = servers[at]!
        const before = server.tree.cpuUs()
        await send(server, loads, STEPS)
        rounds[at]!.push((server.tree.cpuUs() - before) / (STEPS * points))
      }
    }
    console.log(
      `\nOTLP gRPC, ${points / INSTANCES} points a request -> remote write ${version}; CPU us for each point`,
    )
    for (const [at, server] of servers.entries()) {
      const [low, middle, high] = spread(rounds[at]!)
      const theirs = rounds[1]
      const ratio =
        theirs === undefined ? '' : spread(rounds[at]!.map((us, n) => theirs[n]! / us))[1].toFixed(2)
      console.log(
        `${server.name.padEnd(32)} ${middle.toFixed(2)}  (${low.toFixed(2)} to ${high.toFixed(2)})  ${ratio}x  ${(1000 / middle).toFixed(0)} k points/CPU-s  ${server.tree.rssMib().peak.toFixed(0)} MiB at most, ${seriesIn(server)} series in its first request`,
      )
    }
    for (const server of servers) await server.running.stop()
  }
}
process.exit()
