/**
 * OTLP over gRPC, 512 spans a request, into Kafka: what the gateway costs with either client, beside the Collector with
 * the same YAML. `node bench/kafka.ts [--quick]`; bench/README.md.
 *
 * Every server is given the same number of requests, the same ones in flight, and is measured until the last span is
 * acknowledged by the broker, which is the same one for all.
 */

import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { connect } from 'node:http2'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { realisticTraces } from '../test/kit/realistic.ts'
import { builtCollector } from '../test/services/collector.ts'
import { kafkaBrokers, topicName } from '../test/services/kafka.ts'
import { freePort } from '../test/services/ports.ts'
import { type Running, run } from '../test/services/process.ts'

const SPANS = 512
const IN_FLIGHT = 8
const quick = process.argv.includes('--quick')
const REQUESTS = quick ? 300 : 1500
const WARM_UP = 150
const ROUNDS = quick ? 1 : 3
const METHOD = '/opentelemetry.proto.collector.trace.v1.TraceService/Export'
const start = fileURLToPath(new URL('../gateway/start.js', import.meta.url))

const bytes = realisticTraces(SPANS)
const head = Buffer.alloc(5)
head.writeUInt32BE(bytes.length, 1)
const message = Buffer.concat([head, bytes])

interface Server {
  readonly name: string
  readonly running: Running
  readonly grpc: number
  readonly metrics: number
  sent: number
  /** CPU us of each round for one span. */
  readonly rounds: number[]
}

function config(
  brokers: readonly string[],
  client: string | undefined,
  compression: string,
  ports: number[],
): string {
  const exporter = {
    brokers,
    ...(client === undefined ? {} : { client }),
    traces: { topic: topicName('bench') },
    producer: { compression },
  }
  const reader = { pull: { exporter: { prometheus: { host: '127.0.0.1', port: ports[1] } } } }
  return JSON.stringify({
    receivers: { otlp: { protocols: { grpc: { endpoint: `127.0.0.1:${ports[0]}` } } } },
    exporters: { kafka: exporter },
    service: {
      telemetry: { metrics: { readers: [reader] } },
      pipelines: { traces: { receivers: ['otlp'], exporters: ['kafka'] } },
    },
  })
}

async function startServer(
  name: string,
  program: readonly string[],
  client: string | undefined,
  compression: string,
): Promise<Server> {
  const ports = [await freePort(), await freePort()]
  const yaml = config(await kafkaBrokers(), client, compression, ports)
  const running = run(program[0]!, [...program.slice(1), '--config', `yaml:${yaml}`])
  await running.printed(/Everything is ready/)
  return { name, running, grpc: ports[0]!, metrics: ports[1]!, sent: 0, rounds: [] }
}

/** us on a core since it started, all threads. */
function cpuUs({ running }: Server): number {
  const tasks = `/proc/${running.pid}/task`
  const ns = readdirSync(tasks).map(task => readFileSync(`${tasks}/${task}/schedstat`, 'utf8').split(' ')[0])
  return ns.reduce((sum, one) => sum + Number(one), 0) / 1000
}

function rssPeakMib({ running }: Server): number {
  const status = readFileSync(`/proc/${running.pid}/status`, 'utf8')
  return Number(/VmHWM:\s+(\d+) kB/.exec(status)?.[1] ?? 0) / 1024
}

async function sentSpans({ metrics }: Server): Promise<number> {
  const page = await (await fetch(`http://127.0.0.1:${metrics}/metrics`)).text()
  const lines = page.split('\n').filter(line => line.startsWith('otelcol_exporter_sent_spans'))
  return lines.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0)
}

async function send(server: Server, requests: number): Promise<void> {
  const session = connect(`http://127.0.0.1:${server.grpc}`)
  const headers = { ':method': 'POST', ':path': METHOD, 'content-type': 'application/grpc', te: 'trailers' }
  let left = requests
  const lane = async (): Promise<void> => {
    while (left-- > 0) {
      let status = ''
      // A full queue refuses; an SDK would come again.
      while (status !== '0') {
        const stream = session.request(headers)
        stream.on('trailers', trailers => void (status = String(trailers['grpc-status'])))
        stream.on('response', got => void (status = String(got['grpc-status'] ?? status)))
        stream.resume().end(message)
        await once(stream, 'close')
        if (status !== '0') await sleep(20)
      }
    }
  }
  await Promise.all(Array.from({ length: IN_FLIGHT }, lane))
  session.close()
  server.sent += requests * SPANS
  while ((await sentSpans(server)) < server.sent) await sleep(20)
}

const collector = builtCollector()
for (const compression of ['none', 'zstd']) {
  const ours = [process.execPath, '--max-semi-space-size=4', start]
  const servers = [
    await startServer('sluice, kafkajs', ours, 'kafkajs', compression),
    await startServer('sluice, platformatic', ours, 'platformatic', compression),
    ...(collector === undefined ? [] : [await startServer('otelcol', [collector], undefined, compression)]),
  ]
  for (const server of servers) await send(server, WARM_UP)
  for (let round = 0; round < ROUNDS; round++) {
    for (const server of servers) {
      const before = cpuUs(server)
      await send(server, REQUESTS)
      server.rounds.push((cpuUs(server) - before) / (REQUESTS * SPANS))
    }
  }
  console.log(`\nOTLP gRPC ${SPANS} -> Kafka, otlp_proto, ${compression}; CPU us for each span`)
  for (const server of servers) {
    const sorted = server.rounds.toSorted((a, b) => a - b)
    const median = sorted[sorted.length >> 1]!
    const [low, high] = [sorted[0]!, sorted.at(-1)!]
    console.log(
      `${server.name.padEnd(24)} ${median.toFixed(2)}  (${low.toFixed(2)} to ${high.toFixed(2)})  ${rssPeakMib(server).toFixed(0)} MiB at most`,
    )
  }
  for (const server of servers) await server.running.stop()
}
process.exit()
