import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { KafkaMessage } from '../../../core/transport/kafka/client.ts'
import { batchSize, RecordBatches, recordSize } from '../../../exporters/kafka/record-batches.ts'
import { down, FakeKafka, tooLarge } from '../../kit/fake-kafka.ts'

const message = (size: number, key?: string): KafkaMessage => ({
  key: key === undefined ? undefined : Buffer.from(key),
  value: Buffer.alloc(size, 'v'),
  headers: [],
})

function setup(limits: { maxBytes?: number; maxRecords?: number; lingerMs?: number } = {}) {
  const kafka = new FakeKafka()
  const batches = new RecordBatches(
    { maxBytes: 10_000, maxRecords: 100, lingerMs: 10, ...limits },
    (...all) => kafka.produce(...all),
  )
  return { kafka, batches }
}

const sizes = (kafka: FakeKafka) => kafka.appended.map(({ messages }) => messages.length)

// Scenario: records for two partitions come one after another; the linger time passes.
// Guarantees: one record batch for each partition, not before the time is over.
test('records wait for others of their partition', async t => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const { kafka, batches } = setup()
  const all = [0, 1, 0, 0].map(partition => batches.add('t', partition, message(10)))
  t.mock.timers.tick(9)
  assert.equal(kafka.appended.length, 0)
  t.mock.timers.tick(1)
  await Promise.all(all)
  assert.deepEqual(sizes(kafka).sort(), [1, 3])
})

// Scenario: records that together are more than the limit in bytes, then in number.
// Guarantees: no record batch is larger than either limit, and a full one does not wait.
test('limits', async () => {
  const bytes = setup({ maxBytes: batchSize(message(100)) + recordSize(message(100)), lingerMs: 0 })
  await Promise.all([1, 2, 3, 4, 5].map(() => bytes.batches.add('t', 0, message(100))))
  assert.deepEqual(sizes(bytes.kafka), [2, 2, 1])
  const records = setup({ maxRecords: 3, lingerMs: 1_000_000 })
  await Promise.all([1, 2, 3].map(() => records.batches.add('t', 0, message(1))))
  assert.deepEqual(sizes(records.kafka), [3])
})

// Scenario: linger: 0s, and several records within one turn.
// Guarantees: they share a record batch all the same.
test('without linger', async () => {
  const { kafka, batches } = setup({ lingerMs: 0 })
  await Promise.all([batches.add('t', 0, message(1)), batches.add('t', 0, message(1))])
  assert.deepEqual(sizes(kafka), [2])
})

// Scenario: the broker refuses a batch of three as too large, and then one of the three alone.
// Guarantees: the others get through; only that one fails.
test('too large together', async () => {
  const { kafka, batches } = setup({ lingerMs: 0 })
  kafka.fail = (_topic, _partition, messages) =>
    messages.length > 1 || messages[0]!.value.length > 500 ? tooLarge() : undefined
  const outcomes = await Promise.allSettled([10, 900, 20].map(size => batches.add('t', 0, message(size))))
  assert.deepEqual(
    outcomes.map(({ status }) => status),
    ['fulfilled', 'rejected', 'fulfilled'],
  )
  assert.equal(kafka.records.length, 2)
})

// Scenario: the broker is gone.
// Guarantees: everyone in the record batch hears it, and what is under way is counted down again.
test('failures reach everyone', async () => {
  const { kafka, batches } = setup({ lingerMs: 0 })
  kafka.fail = down
  const all = [1, 2].map(() => batches.add('t', 0, message(1)))
  assert.equal(batches.traffic('t', 10).pending(0), 2)
  for (const outcome of await Promise.allSettled(all)) assert.equal(outcome.status, 'rejected')
  assert.equal(batches.traffic('t', 10).pending(0), 0)
})

// Scenario: a record batch waits; then everything is flushed.
// Guarantees: what a partitioner is told fits, and nothing stays behind at the end.
test('traffic and flush', async () => {
  const { kafka, batches } = setup({ maxBytes: 1000, lingerMs: 1_000_000 })
  const sent = batches.add('t', 0, message(500))
  assert.equal(batches.traffic('t', 100).beginsBatch(0), false)
  assert.equal(batches.traffic('t', 600).beginsBatch(0), true)
  assert.equal(batches.traffic('t', 100).beginsBatch(1), true)
  batches.flush()
  await sent
  assert.equal(batches.traffic('t', 100).beginsBatch(0), true)
  assert.deepEqual(sizes(kafka), [1])
})
