/** Gateway -> Kafka -> gateway, while consumers are killed and the broker goes away. */

import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { batchOf } from '../../core/component/batch.ts'
import { KAFKA_CLIENTS } from '../../core/transport/kafka/client.ts'
import { imbalances, type RunningGateway, startGateway } from '../kit/gateway-process.ts'
import { tally } from '../kit/kafka-receiving.ts'
import { numbered, numbersOf } from '../kit/numbered.ts'
import { httpServer, type TestServer } from '../kit/otlp-servers.ts'
import { decodeRequest } from '../kit/proto.ts'
import { sendHttp } from '../kit/send.ts'
import { need } from '../services/cache.ts'
import { ownKafka, topicName } from '../services/kafka.ts'
import { eventually } from '../services/process.ts'

/** How long the broker is away. */
const outageMs = Number(process.env['SLUICE_OUTAGE_SECONDS'] ?? 30) * 1000

async function gateway(t: TestContext, config: object): Promise<RunningGateway> {
  const running = await startGateway(['--config', `yaml:${JSON.stringify(config)}`])
  t.after(() => running.stop('SIGKILL'))
  return running
}

const OTLP = { protocols: { grpc: null, http: null } }

/** Both topics get everything: they differ in who reads them. */
function toKafka(brokers: readonly string[], topics: readonly string[]) {
  const exporters = topics.map(topic => [
    `kafka/${topic}`,
    {
      brokers,
      client: 'platformatic',
      traces: { topic },
      producer: { required_acks: 'all' },
      timeout: '2s',
      retry_on_failure: { initial_interval: '200ms', max_interval: '1s' },
    },
  ])
  return {
    receivers: { otlp: OTLP },
    exporters: Object.fromEntries(exporters),
    service: { pipelines: { traces: { receivers: ['otlp'], exporters: exporters.map(([name]) => name) } } },
  }
}

/** Without a queue: taken means that the server behind has it. Spans say which record they came in. */
function fromKafka(brokers: readonly string[], client: string, topic: string, endpoint: string) {
  return {
    receivers: {
      otlp: OTLP,
      kafka: {
        brokers,
        client,
        group_id: topic,
        initial_offset: 'earliest',
        session_timeout: '6s',
        heartbeat_interval: '1s',
        traces: { topics: [topic] },
      },
    },
    processors: {
      attributes: {
        actions: ['partition', 'offset'].map(what => ({
          key: what,
          from_context: `metadata.kafka.${what}`,
          action: 'upsert',
        })),
      },
    },
    exporters: { otlp_http: { endpoint, compression: 'none', sending_queue: { enabled: false } } },
    service: {
      pipelines: {
        traces: { receivers: ['otlp', 'kafka'], processors: ['attributes'], exporters: ['otlp_http'] },
      },
    },
  }
}

interface Request {
  readonly resourceSpans: {
    readonly scopeSpans: {
      readonly spans: { readonly attributes: { readonly key: string; readonly value: unknown }[] }[]
    }[]
  }[]
}

/** What arrived behind one client's consumers. */
class Arrivals {
  readonly #sink: TestServer
  readonly #numbers: number[] = []
  readonly #records = new Map<string, number>()

  constructor(sink: TestServer) {
    this.#sink = sink
  }

  get numbers(): readonly number[] {
    for (const { body } of this.#sink.received.splice(0)) {
      this.#numbers.push(...numbersOf(batchOf('traces', [body], 0)))
      const { resourceSpans } = decodeRequest('traces', body) as unknown as Request
      const place = JSON.stringify(resourceSpans[0]!.scopeSpans[0]!.spans[0]!.attributes)
      this.#records.set(place, (this.#records.get(place) ?? 0) + 1)
    }
    return this.#numbers
  }

  lost(written: number): number[] {
    return tally(this.numbers, written).lost
  }

  /** How many records were handed on more than once; a record that the producer wrote twice is two records. */
  get recordsTwice(): number {
    return [...this.#records.values()].filter(count => count > 1).length
  }

  get records(): number {
    return this.#records.size
  }
}

// Scenario: two groups, one for each client, under load. One of two consumers is killed (kill -9) and another one
// started; then the only broker is stopped, stays away, and is started again; then a consumer is stopped as it should be.
// Guarantees: every span that was acknowledged arrives in both groups, how many records come twice is printed and small
// against what would come again if nothing was committed, the ledgers balance, and the log says when Kafka was away.
test('consumers that die and a broker that goes away', { timeout: 300_000 }, async t => {
  const kafka = await need(t, 'Kafka', () => ownKafka({ partitions: 4 }))
  if (kafka === undefined) return
  t.after(() => kafka.stopAll())
  const brokers = kafka.addresses.plain
  const sides = await Promise.all(
    KAFKA_CLIENTS.map(async client => {
      const sink = await httpServer()
      t.after(() => sink.close())
      const topic = topicName(client)
      return {
        client,
        topic,
        arrivals: new Arrivals(sink),
        config: fromKafka(brokers, client, topic, sink.endpoint),
      }
    }),
  )
  const from = await gateway(
    t,
    toKafka(
      brokers,
      sides.map(({ topic }) => topic),
    ),
  )
  let acknowledged = 0
  let refused = 0
  let sending = true
  t.after(() => {
    sending = false
  })
  // While the broker is away the queue fills, and requests are refused: a sender tries them again.
  const load = (async () => {
    while (sending) {
      try {
        await sendHttp(from.http, 'traces', numbered('traces', acknowledged, 10).chunks[0]!)
        acknowledged += 10
      } catch (error) {
        if (!/HTTP 503/.test((error as Error).message)) throw error
        refused++
      }
      await sleep(20)
    }
  })()
  const eachSide = () => Promise.all(sides.map(({ config }) => gateway(t, config)))
  const past = async (more: number, what: string) => {
    const aim = acknowledged + more
    const there = () => sides.every(({ arrivals }) => arrivals.lost(aim).length === 0)
    await eventually(() => there() || undefined, what, 120_000)
  }
  const first = await eachSide()
  const second = await eachSide()
  await past(300, 'the first spans')

  for (const one of first) process.kill(one.pid, 'SIGKILL')
  const third = await eachSide()
  await past(100, 'spans after consumers were killed')

  await kafka.stop()
  await sleep(outageMs)
  await kafka.start()
  await past(100, 'spans after the broker was away')

  for (const one of second) assert.equal(await one.stop(), 0, one.output())
  await past(100, 'spans after consumers were stopped')
  sending = false
  await load
  const all = () => sides.every(({ arrivals }) => arrivals.lost(acknowledged).length === 0) || undefined
  await eventually(all, 'all spans', 30_000).catch(() => undefined)
  for (const { client, arrivals } of sides) {
    const lost = arrivals.lost(acknowledged)
    const { records, recordsTwice } = arrivals
    t.diagnostic(
      `${client}: ${acknowledged} spans, ${lost.length} lost; ${recordsTwice} of ${records} records twice; ${refused} requests refused and sent again`,
    )
    assert.deepEqual(lost, [])
    assert.ok(recordsTwice < records / 4)
  }
  for (const one of third) {
    assert.deepEqual(imbalances(await one.metrics()), [])
    assert.match(one.output(), /Kafka cannot be read/)
    assert.match(one.output(), /is well again/)
    assert.equal(await one.stop(), 0, one.output())
    assert.doesNotMatch(one.output(), /this is a bug|Warning/)
  }
  await from.stop()
})
