/**
 * OTLP over gRPC, 512 spans a request, into Kafka: what the gateway costs with either client, beside the Collector with
 * the same YAML. `node bench/kafka.ts [--quick]`; bench/README.md.
 *
 * Every server is given the same number of requests, the same ones in flight, and is measured until the last span is
 * acknowledged by the broker, which is the same one for all.
 */

import { setTimeout as sleep } from 'node:timers/promises'
import { builtCollector } from '../test/services/collector.ts'
import { kafkaBrokers } from '../test/services/kafka.ts'
import {
  cpuUs,
  IN_FLIGHT,
  open,
  rss,
  type Server,
  SPANS,
  sendOne,
  sentSpans,
  startServer,
} from './kafka-servers.ts'
import { OURS } from './ours.ts'

const quick = process.argv.includes('--quick')
const REQUESTS = quick ? 300 : 1500
const WARM_UP = 150
const ROUNDS = quick ? 1 : 3

interface Measured {
  readonly server: Server
  /** CPU us of each round for one span. */
  readonly rounds: number[]
}

async function send(server: Server, requests: number): Promise<void> {
  const session = open(server)
  let left = requests
  const lane = async (): Promise<void> => {
    while (left-- > 0) {
      // A full queue refuses; an SDK would come again.
      while (!(await sendOne(session))) await sleep(20)
    }
  }
  await Promise.all(Array.from({ length: IN_FLIGHT }, lane))
  session.close()
  server.sent += requests * SPANS
  while ((await sentSpans(server)) < server.sent) await sleep(20)
}

const brokers = await kafkaBrokers()
const collector = builtCollector()
for (const compression of ['none', 'zstd']) {
  const producer = { compression }
  const servers = [
    await startServer('sluice, kafkajs', OURS, brokers, { client: 'kafkajs', producer }),
    await startServer('sluice, platformatic', OURS, brokers, { client: 'platformatic', producer }),
    ...(collector === undefined ? [] : [await startServer('otelcol', [collector], brokers, { producer })]),
  ]
  const measured: Measured[] = servers.map(server => ({ server, rounds: [] }))
  for (const server of servers) await send(server, WARM_UP)
  for (let round = 0; round < ROUNDS; round++) {
    // Who begins changes, so that nobody always has the cold broker.
    for (let turn = 0; turn < measured.length; turn++) {
      const { server, rounds } = measured[(round + turn) % measured.length]!
      const before = cpuUs(server)
      await send(server, REQUESTS)
      rounds.push((cpuUs(server) - before) / (REQUESTS * SPANS))
    }
  }
  console.log(
    `\nOTLP gRPC ${SPANS} -> Kafka, otlp_proto, ${compression}; CPU us for each span, and how much more the Collector needs`,
  )
  const theirs = measured.find(({ server }) => server.name === 'otelcol')?.rounds
  for (const { server, rounds } of measured) {
    const [low, middle, high] = spread(rounds)
    const ratio =
      theirs === undefined ? '' : `${spread(rounds.map((us, i) => theirs[i]! / us))[1].toFixed(2)}x`
    const peak = `${rss(server).peak.toFixed(0)} MiB at most`
    console.log(
      `${server.name.padEnd(24)} ${middle.toFixed(2)}  (${low.toFixed(2)} to ${high.toFixed(2)})  ${ratio.padEnd(8)} ${peak}`,
    )
  }
  for (const server of servers) await server.running.stop()
}
process.exit()

/** Lowest, median, highest. */
function spread(values: readonly number[]): [number, number, number] {
  const sorted = values.toSorted((a, b) => a - b)
  return [sorted[0]!, sorted[sorted.length >> 1]!, sorted.at(-1)!]
}
