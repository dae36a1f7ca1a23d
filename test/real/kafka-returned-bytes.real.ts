/** Batches that end once they were sent (core/component/memory.ts), through both clients and a real broker. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { batchOf } from '../../core/component/batch.ts'
import { heldBytes } from '../../core/component/memory.ts'
import { sendingChain } from '../../core/component/sending.ts'
import { KAFKA_CLIENTS, KAFKA_COMPRESSIONS } from '../../core/transport/kafka/client.ts'
import { factory } from '../../exporters/kafka/index.ts'
import { realisticTraces } from '../kit/generate.ts'
import { readTopics } from '../kit/kafka-records.ts'
import { lendTo, spoilWhatIsGivenBack } from '../kit/lending.ts'
import { testSettings } from '../kit/parts.ts'
import { readConfig } from '../kit/read-config.ts'
import { sendingConfig } from '../kit/sending.ts'
import { need } from '../services/cache.ts'
import { kafkaBrokers, topicName } from '../services/kafka.ts'
import { eventually } from '../services/process.ts'
import { pythonTools } from '../services/python.ts'

/** Records that are copied, that go to the socket as they are, and that share a record batch. */
const REQUESTS = [1, 400, 20, 600, 5, 500, 2, 3].map((spans, i) => realisticTraces(spans, i + 1))

const texts = (all: readonly Uint8Array[]): string[] =>
  all.map(one => Buffer.from(one).toString('base64')).sort()

for (const client of KAFKA_CLIENTS) {
  for (const compression of KAFKA_COMPRESSIONS) {
    // Scenario: requests of many sizes, all at once, each lent until it was sent and spoiled from then on.
    // Guarantees: an independent consumer reads what was sent; all of it has ended, and nothing is held.
    test(`${client}, ${compression}`, async t => {
      if ((await need(t, 'a Kafka consumer for Python', () => pythonTools('kafka'))) === undefined) return
      const brokers = await need(t, 'Kafka', kafkaBrokers)
      if (brokers === undefined) return
      const spoiled = spoilWhatIsGivenBack(t)
      const before = heldBytes()
      const topic = topicName()
      const config = { client, brokers, traces: { topic }, producer: { compression } }
      const settings = testSettings('exporter', 'kafka')
      const exporter = factory.create(readConfig(factory.config, config), settings, ['traces'])
      const chain = sendingChain(exporter, sendingConfig({}), settings)
      await chain.start()
      await Promise.all(REQUESTS.map(bytes => lendTo(chain, batchOf('traces', [bytes], 1))))
      await eventually(() => spoiled.buffers === REQUESTS.length || undefined, 'all of it has ended')
      await chain.stop(performance.now() + 10_000)
      const records = await readTopics(brokers, [topic])
      assert.deepEqual(texts(records.map(({ value }) => value)), texts(REQUESTS))
      assert.equal(heldBytes(), before)
    })
  }
}
