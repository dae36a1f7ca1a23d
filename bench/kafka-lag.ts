/**
 * Memory while Kafka lags: the broker hangs (stopped by a signal, its sockets stay open) and then is away (its port refuses),
 * 20 s each, and senders keep coming, 8 requests of 512 spans at a time. Sluice with either client beside the Collector
 * with the same YAML: RSS at most, and whether everything that was acknowledged got there. `node bench/kafka-lag.ts`.
 */

import { setTimeout as sleep } from 'node:timers/promises'
import { builtCollector } from '../test/services/collector.ts'
import { type OwnKafka, ownKafka } from '../test/services/kafka.ts'
import { IN_FLIGHT, open, rss, type Server, SPANS, sendOne, sentSpans, startServer } from './kafka-servers.ts'
import { OURS } from './ours.ts'

const LAG_MS = process.argv.includes('--quick') ? 8_000 : 20_000
const BUSY_MS = 4_000
const retry_on_failure = { initial_interval: '500ms', max_interval: '2s', max_elapsed_time: '5m' }

async function lag(server: Server, kafka: OwnKafka): Promise<void> {
  const session = open(server)
  let over = false
  const lane = async (): Promise<void> => {
    while (!over) {
      if (await sendOne(session)) server.sent += SPANS
      else await sleep(20)
    }
  }
  const lanes = Array.from({ length: IN_FLIGHT }, lane)
  await sleep(BUSY_MS)
  const before = rss(server)
  await kafka.hang()
  await sleep(LAG_MS)
  const hanging = rss(server)
  await kafka.goOn()
  await sleep(BUSY_MS)
  await kafka.stop()
  await sleep(LAG_MS)
  const away = rss(server)
  await kafka.start()
  await sleep(BUSY_MS)
  over = true
  await Promise.all(lanes)
  session.close()
  const end = performance.now() + 60_000
  while ((await sentSpans(server)) < server.sent && performance.now() < end) await sleep(100)
  const after = rss(server)
  const mib = ({ now, peak }: { now: number; peak: number }) =>
    `${now.toFixed(0)} (${peak.toFixed(0)})`.padEnd(12)
  console.log(
    `${server.name.padEnd(24)} ${[before, hanging, away, after].map(mib).join('')}`,
    `${server.sent} spans acknowledged, ${await sentSpans(server)} written`,
  )
}

const kafka = await ownKafka()
const brokers = kafka.addresses.plain
const collector = builtCollector()
console.log('RSS in MiB now (at most so far): busy, broker hangs, broker away, after')
const only = process.argv.find(arg => arg.startsWith('--only='))?.slice('--only='.length)
for (const [name, program, exporter] of [
  ['sluice, kafkajs', OURS, { client: 'kafkajs' }],
  ['sluice, platformatic', OURS, { client: 'platformatic' }],
  ['otelcol', collector === undefined ? [] : [collector], {}],
] as const) {
  if (program.length === 0 || (only !== undefined && !name.includes(only))) continue
  const server = await startServer(name, program, brokers, { retry_on_failure, ...exporter })
  await lag(server, kafka)
  if (process.env['SHOW']) console.log(server.running.output())
  await server.running.stop()
}
await kafka.stopAll()
process.exit()
