/** Requests through the gateway into a real Kafka, read by an independent consumer. */

import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { type TestContext, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { batchOf } from '../../core/component/batch.ts'
import { KAFKA_CLIENTS, KAFKA_COMPRESSIONS } from '../../core/transport/kafka/client.ts'
import { imbalances, type RunningGateway, startGateway } from '../kit/gateway-process.ts'
import { goldenRequests } from '../kit/golden.ts'
import { type KafkaRecord, readTopics } from '../kit/kafka-records.ts'
import { numbered, numbersOf } from '../kit/numbered.ts'
import { decodeRequest } from '../kit/proto.ts'
import { sendHttp } from '../kit/send.ts'
import { need } from '../services/cache.ts'
import { kafkaBrokers, type OwnKafka, ownKafka, topicName } from '../services/kafka.ts'
import { eventually } from '../services/process.ts'
import { pythonTools } from '../services/python.ts'

const SIGNALS = ['traces', 'metrics', 'logs'] as const
const ENCODINGS = ['otlp_proto', 'otlp_json'] as const
const golden = goldenRequests().filter(one => one.signal !== 'profiles')

async function tools(t: TestContext): Promise<readonly string[] | undefined> {
  if ((await need(t, 'a Kafka consumer for Python', () => pythonTools('kafka'))) === undefined)
    return undefined
  return need(t, 'Kafka', kafkaBrokers)
}

/** One exporter for each compression and encoding, all fed by the same pipelines; topics are PREFIX.SIGNAL.ENCODING. */
function manyExporters(brokers: readonly string[], client: string, prefix: string): string {
  const exporters: Record<string, unknown> = {}
  for (const compression of KAFKA_COMPRESSIONS) {
    for (const encoding of ENCODINGS) {
      const signals = SIGNALS.map(signal => [
        signal,
        { topic: `${prefix}-${compression}.${signal}.${encoding}`, encoding },
      ])
      exporters[`kafka/${compression}-${encoding}`] = {
        brokers,
        client,
        producer: { compression, linger: '1ms' },
        ...Object.fromEntries(signals),
      }
    }
  }
  const pipeline = { receivers: ['otlp'], exporters: Object.keys(exporters) }
  const pipelines = Object.fromEntries(SIGNALS.map(signal => [signal, pipeline]))
  return `yaml:${JSON.stringify({
    receivers: { otlp: { protocols: { grpc: null, http: null } } },
    exporters,
    service: { pipelines },
  })}`
}

/** Short names of what is compared, so that a difference can be read. */
const digest = (bytes: Uint8Array | string) => createHash('sha256').update(bytes).digest('hex').slice(0, 12)
const plain = (signal: (typeof SIGNALS)[number], bytes: Uint8Array) =>
  digest(JSON.stringify(decodeRequest(signal, bytes)))

/** Nothing waits in a queue any more, and the ledger balances. */
async function drained(gateway: RunningGateway): Promise<void> {
  await eventually(
    async () =>
      [...(await gateway.metrics())].every(([name, value]) => !/queue_size\{/.test(name) || value === 0) ||
      undefined,
    'the queue to drain',
    60_000,
  )
  assert.deepEqual(imbalances(await gateway.metrics()), [])
}

for (const client of KAFKA_CLIENTS) {
  // Scenario: golden requests of three signals, in both encodings and all compressions, with this client.
  // Guarantees: librdkafka reads them with their checksums right, otlp_proto is byte for byte what was sent, and the
  // official protobuf classes find the same message in otlp_json.
  test(`${client}: every compression and encoding`, { timeout: 180_000 }, async t => {
    const brokers = await tools(t)
    if (brokers === undefined) return
    const prefix = topicName(client)
    const gateway = await startGateway(['--config', manyExporters(brokers, client, prefix)])
    t.after(() => gateway.stop())
    for (const one of golden) await sendHttp(gateway.http, one.signal, one.plain)
    await drained(gateway)
    assert.equal(await gateway.stop(), 0, gateway.output())
    assert.doesNotMatch(gateway.output(), /Warning/)
    for (const signal of SIGNALS) {
      const sent = golden.filter(one => one.signal === signal).map(one => one.plain)
      const topics = KAFKA_COMPRESSIONS.flatMap(compression =>
        ENCODINGS.map(encoding => `${prefix}-${compression}.${signal}.${encoding}`),
      )
      const records = await readTopics(brokers, topics)
      for (const topic of topics) {
        const found = records.filter(record => record.topic === topic)
        if (topic.endsWith('otlp_proto')) {
          assert.deepEqual(found.map(({ value }) => digest(value)).sort(), sent.map(digest).sort(), topic)
        }
        assert.deepEqual(
          found.map(({ message }) => plain(signal, message!)).sort(),
          sent.map(bytes => plain(signal, bytes)).sort(),
          topic,
        )
        assert.ok(found.every(({ key }) => key === null))
      }
    }
  })

  // Scenario: requests keep coming while the only broker is stopped, stays away, and is started again.
  // Guarantees: everything that was acknowledged is in the topic, and the log says when Kafka was away and back.
  test(`${client}: a broker that goes and comes back`, { timeout: 180_000 }, async t => {
    if ((await tools(t)) === undefined) return
    const kafka = (await need(t, 'Kafka', () => ownKafka()))!
    const broker = kafka.addresses.plain
    const topic = topicName('outage')
    const { acknowledged, output } = await underLoad(t, broker, client, topic, async () => {
      await kafka.stop()
      await sleep(outageMs)
      await kafka.start()
    })
    assert.match(output, /Kafka does not take records/)
    assert.match(output, /Kafka takes records again/)
    judge(await readTopics(broker, [topic]), acknowledged, t)
  })

  // Scenario: under load, the disk of the only broker fills up, really; the broker gives up, as Kafka does when it cannot
  // write its last log directory. Room is made and the broker started again.
  // Guarantees: what was acknowledged meanwhile arrives, and the log says when Kafka was away and back.
  test(`${client}: a broker whose disk is full`, { timeout: 180_000 }, async t => {
    if ((await tools(t)) === undefined) return
    const kafka = await need(t, 'Kafka on a disk of its own', () => ownKafka({ diskBytes: 64 << 20 }))
    if (kafka === undefined) return
    t.after(() => kafka.stopAll())
    const broker = kafka.addresses.plain
    const topic = topicName('disk')
    const { acknowledged, output } = await underLoad(t, broker, client, topic, async () => {
      kafka.fillDisk()
      await kafka.ended()
      await sleep(outageMs)
      kafka.emptyDisk()
      await kafka.start()
    })
    assert.match(readFileSync(kafka.kept[0]!.log, 'utf8'), /No space left on device/)
    assert.match(output, /Kafka does not take records/)
    assert.match(output, /Kafka takes records again/)
    judge(await readTopics(broker, [topic]), acknowledged, t)
  })

  // Scenario: three nodes with three copies of each record; under load the leader of the partition is killed.
  // Guarantees: another node takes over, and nothing that was acknowledged is lost.
  test(`${client}: a leader that dies`, { timeout: 180_000 }, async t => {
    if ((await tools(t)) === undefined) return
    const kafka = (await need(t, 'Kafka', () => ownKafka({ nodes: 3 })))!
    const brokers = kafka.addresses.plain
    const topic = topicName('leader')
    const { acknowledged } = await underLoad(t, brokers, client, topic, () => killOneByOne(kafka))
    judge(await readTopics(brokers, [topic]), acknowledged, t)
  })
}

/** How long the broker is away: longer than one attempt and its retries. SLUICE_OUTAGE_SECONDS=30 for a long look. */
const outageMs = Number(process.env['SLUICE_OUTAGE_SECONDS'] ?? 6) * 1000

/** Each node once; whichever leads is among them. */
async function killOneByOne(kafka: OwnKafka): Promise<void> {
  for (const node of [1, 2, 3]) {
    await kafka.kill(node)
    await sleep(1000)
    await kafka.start(node)
    await sleep(1000)
  }
}

/** Sends ten spans every 50 ms while `disturb` does its work, then stops the gateway once it has drained. */
async function underLoad(
  t: TestContext,
  brokers: readonly string[],
  client: string,
  topic: string,
  disturb: () => Promise<void>,
): Promise<{ acknowledged: number[]; output: string }> {
  const config = {
    receivers: { otlp: { protocols: { grpc: null, http: null } } },
    exporters: {
      kafka: {
        brokers,
        client,
        traces: { topic },
        producer: { required_acks: 'all' },
        timeout: '2s',
        retry_on_failure: { initial_interval: '200ms', max_interval: '1s' },
      },
    },
    service: { pipelines: { traces: { receivers: ['otlp'], exporters: ['kafka'] } } },
  }
  const gateway = await startGateway(['--config', `yaml:${JSON.stringify(config)}`])
  t.after(() => gateway.stop())
  const acknowledged: number[] = []
  let over = false
  const load = (async () => {
    for (let n = 0; !over; n += 10) {
      await sendHttp(gateway.http, 'traces', numbered('traces', n, 10).chunks[0]!)
      acknowledged.push(...Array.from({ length: 10 }, (_, i) => n + i))
      await sleep(50)
    }
  })()
  await eventually(() => acknowledged.length > 200 || undefined, 'the first requests')
  await disturb()
  const before = acknowledged.length
  await eventually(() => acknowledged.length > before + 100 || undefined, 'requests after the disturbance')
  over = true
  await load
  await drained(gateway)
  assert.equal(await gateway.stop(), 0, gateway.output())
  return { acknowledged, output: gateway.output() }
}

function judge(records: readonly KafkaRecord[], acknowledged: readonly number[], t: TestContext): void {
  const counts = new Map<number, number>()
  for (const { value } of records) {
    for (const n of numbersOf(batchOf('traces', [value], 0))) counts.set(n, (counts.get(n) ?? 0) + 1)
  }
  const lost = acknowledged.filter(n => !counts.has(n))
  const doubled = [...counts.values()].filter(count => count > 1).length
  t.diagnostic(
    `${acknowledged.length} spans acknowledged, ${lost.length} lost, ${doubled} there more than once`,
  )
  assert.deepEqual(lost, [])
}
