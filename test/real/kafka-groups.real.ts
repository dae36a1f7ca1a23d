/** The kafka receiver in one group with members on other clients: librdkafka, and the Collector (franz-go). */

import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { batchOf } from '../../core/component/batch.ts'
import { jsonToRequest } from '../../core/otlp/json.ts'
import type { KafkaClientName, KafkaProducer } from '../../core/transport/kafka/client.ts'
import type { KafkaStrategy } from '../../core/transport/kafka/consumer.ts'
import { type Receiving, receiving, span, tally, writer } from '../kit/kafka-receiving.ts'
import { numbersOf } from '../kit/numbered.ts'
import { need } from '../services/cache.ts'
import { collectorProgram, startCollector } from '../services/collector.ts'
import { kafka, topicName } from '../services/kafka.ts'
import { eventually, type Running, run } from '../services/process.ts'
import { pythonTools } from '../services/python.ts'

const PARTITIONS = 6
const broker = async () => (await kafka({ partitions: PARTITIONS })).addresses.plain
const script = fileURLToPath(new URL('kafka/member.py', import.meta.url))

/** Writes a record every few ms, to all partitions, until told to stop. */
class Load {
  written = 0
  #going = true
  readonly #over: Promise<void>

  constructor(producer: KafkaProducer, topic: string) {
    this.#over = (async () => {
      while (this.#going) {
        await producer.produce(topic, this.written % PARTITIONS, [span(this.written)])
        this.written++
        await sleep(3)
      }
    })()
  }

  async stop(): Promise<void> {
    this.#going = false
    await this.#over
  }
}

/** Somebody else in the group. */
interface Other {
  numbers(): number[]
  stop(): Promise<unknown>
}

async function rdkafka(brokers: readonly string[], topic: string, strategy: string): Promise<Other> {
  const settings = {
    'bootstrap.servers': brokers.join(','),
    'group.id': topic,
    'heartbeat.interval.ms': 300,
    'partition.assignment.strategy': strategy,
  }
  const python = join(await pythonTools('kafka'), 'python')
  const running = run(python, [script, JSON.stringify(settings), topic])
  return {
    numbers: () =>
      running
        .output()
        .split('\n')
        .filter(line => line.startsWith('{"value"') && line.endsWith('}'))
        .flatMap(line => numbersOf(batchOf('traces', [Buffer.from(JSON.parse(line).value, 'base64')], 0))),
    stop: () => running.stop(),
  }
}

/** The real Collector, with what it got in a file. */
async function collector(
  t: TestContext,
  brokers: readonly string[],
  topic: string,
  strategy: string,
): Promise<Other> {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-group-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const path = join(folder, 'traces.jsonl')
  const receiver = {
    brokers,
    group_id: topic,
    initial_offset: 'earliest',
    session_timeout: '6s',
    heartbeat_interval: '300ms',
    group_rebalance_strategies: [strategy],
    traces: { topics: [topic] },
    message_marking: { after: true },
  }
  const running: Running = await startCollector(
    JSON.stringify({
      receivers: { kafka: receiver },
      exporters: { file: { path, flush_interval: '50ms' } },
      service: {
        telemetry: { metrics: { level: 'none' } },
        pipelines: { traces: { receivers: ['kafka'], exporters: ['file'] } },
      },
    }),
  )
  return {
    numbers: () => {
      const lines = readFileSync(path, 'utf8').split('\n').slice(0, -1)
      return lines.flatMap(line =>
        numbersOf(batchOf('traces', [jsonToRequest(Buffer.from(line), 'traces')], 0)),
      )
    },
    stop: () => running.stop(),
  }
}

/**
 * One of ours is there first and leads, then the other joins; then ours leaves, so that the other leads when ours comes
 * back. Every record is read by one of them, and both have had their share.
 */
async function together(
  t: TestContext,
  client: KafkaClientName,
  strategy: KafkaStrategy,
  join: (brokers: readonly string[], topic: string) => Promise<Other>,
): Promise<void> {
  const brokers = await need(t, 'Kafka', broker)
  if (brokers === undefined) return
  const topic = topicName(`${client}-${strategy}`)
  const producer = await writer(brokers)
  await producer.topic(topic)
  const load = new Load(producer, topic)
  const config = {
    brokers,
    client,
    group_id: topic,
    initial_offset: 'earliest',
    session_timeout: '6s',
    heartbeat_interval: '300ms',
    group_rebalance_strategies: [strategy],
    traces: { topics: [topic] },
  }
  const shared = async (ours: Receiving) => {
    const half = () => ours.assignments().partitions === PARTITIONS / 2 || undefined
    await eventually(half, 'ours to have half of the partitions', 30_000)
    const [before, theirs] = [ours.numbers().length, other.numbers().length]
    await eventually(() => ours.numbers().length > before + 10 || undefined, 'records for ours')
    await eventually(() => other.numbers().length > theirs + 10 || undefined, 'records for the other')
  }
  const first = await receiving(config)
  await first.joined()
  const other = await join(brokers, topic)
  await shared(first)
  await first.stop()
  const second = await receiving(config)
  await shared(second)
  await load.stop()
  const all = () => [...first.numbers(), ...second.numbers(), ...other.numbers()]
  const there = () => tally(all(), load.written).lost.length === 0 || undefined
  await eventually(there, 'all records', 20_000).catch(() => undefined)
  await second.stop()
  await other.stop()
  await producer.close()
  const { lost, twice } = tally(all(), load.written)
  t.diagnostic(`${load.written} records, ${twice} came twice`)
  assert.deepEqual(lost, [])
  // The others commit by the clock.
  assert.ok(twice < load.written / 2, `${twice} of ${load.written} came twice`)
}

const CASES: readonly (readonly [KafkaClientName, KafkaStrategy])[] = [
  ['kafkajs', 'range'],
  ['kafkajs', 'roundrobin'],
  ['platformatic', 'range'],
  ['platformatic', 'roundrobin'],
  ['platformatic', 'cooperative-sticky'],
]

for (const [client, strategy] of CASES) {
  // Scenario: a group with one member of ours and one on librdkafka; each of them leads once.
  // Guarantees: they share the partitions, and every record is read by one of them.
  test(`${client} and librdkafka share out by ${strategy}`, { timeout: 90_000 }, async t => {
    if ((await need(t, 'a Kafka consumer for Python', () => pythonTools('kafka'))) === undefined) return
    await together(t, client, strategy, (brokers, topic) => rdkafka(brokers, topic, strategy))
  })
}

const COLLECTOR_CASES: readonly (readonly [KafkaClientName, KafkaStrategy])[] = [
  ['kafkajs', 'range'],
  ['kafkajs', 'sticky'],
  ['platformatic', 'range'],
  ['platformatic', 'sticky'],
  ['platformatic', 'cooperative-sticky'],
]

for (const [client, strategy] of COLLECTOR_CASES) {
  // Scenario: the same with the real Collector; cooperative-sticky is what it does by default.
  // Guarantees: a member of ours can join a group of Collectors and lead it.
  test(`${client} and the Collector share out by ${strategy}`, { timeout: 90_000 }, async t => {
    if ((await need(t, 'the Collector', collectorProgram)) === undefined) return
    await together(t, client, strategy, (brokers, topic) => collector(t, brokers, topic, strategy))
  })
}
