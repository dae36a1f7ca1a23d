import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { type Batch, batchOf } from '../../../core/component/batch.ts'
import { Refused } from '../../../core/component/outcome.ts'
import { sendingChain } from '../../../core/component/sending.ts'
import { jsonToRequest } from '../../../core/otlp/json.ts'
import { KafkaProblem } from '../../../core/transport/kafka/problem.ts'
import { saramaPartition } from '../../../exporters/kafka/partitioner.ts'
import { assertBalanced } from '../../kit/balance.ts'
import { consumeAsEdge } from '../../kit/exporter.ts'
import { down, FakeKafka, tooLarge } from '../../kit/fake-kafka.ts'
import { id, numbersIn, setup, TRACES } from '../../kit/kafka-exporter.ts'
import { lendTo, spoilWhatIsGivenBack } from '../../kit/lending.ts'
import { numbered, numbersOf } from '../../kit/numbered.ts'
import { encodeRequest } from '../../kit/proto.ts'
import { sendingConfig } from '../../kit/sending.ts'
import { eventually } from '../../services/process.ts'

for (const encoding of ['jaeger_proto', 'zipkin_json']) {
  // Scenario: many spans, one of them too large, in encodings that make several records of one batch.
  // Guarantees: all others are there once, that one is alone in the dead letter file.
  test(`one too large among many, ${encoding}`, async t => {
    const folder = mkdtempSync(join(tmpdir(), 'sluice-dead-'))
    t.after(() => rmSync(folder, { recursive: true }))
    const file = join(folder, 'dead.json')
    const { kafka, send } = await setup(t, {
      traces: { encoding },
      dead_letter: { file },
      producer: { max_message_bytes: 2048 },
    })
    const spans = Array.from({ length: 40 }, (_, i) => ({
      traceId: Buffer.alloc(16, i + 1),
      spanId: Buffer.alloc(8, i + 1),
      name: `item ${100 + i}`,
      ...(i === 7 ? { attributes: [{ key: 'k', value: { stringValue: 'x'.repeat(5000) } }] } : {}),
    }))
    const request = encodeRequest('traces', { resourceSpans: [{ scopeSpans: [{ spans }] }] })
    const result = await send(batchOf('traces', [request], 40))
    assert.equal(result.sent, 39)
    assert.deepEqual(
      result.rejected?.map(({ items, reason }) => [items, reason]),
      [[1, 'dead_letter']],
    )
    const text = kafka.records.map(({ value }) => Buffer.from(value).toString('latin1')).join()
    for (let i = 0; i < 40; i++) {
      assert.equal(text.split(`item ${100 + i}`).length - 1, i === 7 ? 0 : 1, `item ${i}`)
    }
    const back = jsonToRequest(readFileSync(file), 'traces')
    assert.deepEqual(numbersOf(batchOf('traces', [back], 1)), [107])
  })
}

// Scenario: an item that is too large, with a dead letter topic, then a file, then a file that is full.
// Guarantees: it is there as it is, with where it belongs; a full file drops it.
test('dead letters', async t => {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-dead-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const spans = [{ name: `item 1`, traceState: 'x'.repeat(600_000) }]
  const large = batchOf(
    'traces',
    [encodeRequest('traces', { resourceSpans: [{ scopeSpans: [{ spans }] }] })],
    1,
  )
  const limits = { producer: { max_message_bytes: 1024 } }
  const topic = await setup(t, { ...limits, dead_letter: { topic: 'dead' } })
  const reasons = async (send: (batch: Batch) => Promise<{ rejected?: readonly { reason: string }[] }>) =>
    (await send(large)).rejected?.map(({ reason }) => reason)
  assert.deepEqual(await reasons(topic.send), ['dead_letter'])
  const [record] = topic.kafka.records
  assert.equal(record!.topic, 'dead')
  assert.equal(record!.value, large.chunks[0])
  const headers = record!.headers.map(({ name, value }) => `${name}=${Buffer.from(value)}`)
  assert.deepEqual(headers, ['sluice.reason=too_large', 'sluice.topic=otlp_spans'])
  topic.kafka.fail = tooLarge
  assert.deepEqual(await reasons(topic.send), ['too_large'])

  const path = join(folder, 'sub', 'dead.json')
  const file = await setup(t, { ...limits, dead_letter: { file: path, max_megabytes: 1 } })
  assert.deepEqual(await reasons(file.send), ['dead_letter'])
  assert.deepEqual(await reasons(file.send), ['too_large'])
  const lines = readFileSync(path, 'utf8').trim().split('\n')
  assert.equal(lines.length, 1)
  const back = jsonToRequest(Buffer.from(lines[0]!), 'traces')
  assert.deepEqual(numbersOf(batchOf('traces', [back], 1)), [1])
})

// Scenario: one item of a batch is too large, and the dead letter topic is away while the others are written.
// Guarantees: when the rest is sent again that item goes to the dead letter, not to its own topic, and the others do not
// come twice.
test('a dead letter that has to wait', async t => {
  const { kafka, send } = await setup(t, {
    producer: { max_message_bytes: 1024 },
    dead_letter: { topic: 'dead' },
  })
  const spans = [0, 1, 2].map(i => ({ name: `item ${i}`, traceState: i === 1 ? 'x'.repeat(5000) : '' }))
  const request = encodeRequest('traces', { resourceSpans: [{ scopeSpans: [{ spans }] }] })
  kafka.fail = topic => (topic === 'dead' ? down() : undefined)
  const first = await send(batchOf('traces', [request], 3))
  assert.equal(first.sent, 2)
  assert.equal(first.retry?.items, 1)
  kafka.fail = () => undefined
  const second = await send(first.retry!)
  assert.deepEqual(
    [second.sent, second.rejected?.map(({ items, reason }) => [items, reason])],
    [0, [[1, 'dead_letter']]],
  )
  const numbers = (topic: string) =>
    kafka.records
      .filter(record => record.topic === topic)
      .flatMap(({ value }) => numbersOf(batchOf('traces', [value], 0)))
  assert.deepEqual(numbers('dead'), [1])
  assert.deepEqual(numbers('otlp_spans').sort(), [0, 2])
})

// Scenario: the brokers take less than max_message_bytes.
// Guarantees: the record is cut until they take it; an item that they never take is dropped.
test('brokers with a lower limit', async t => {
  const { kafka, send } = await setup(t)
  kafka.fail = (_topic, _partition, messages) =>
    messages.some(({ value }) => value.length > 300) ? tooLarge() : undefined
  const spans = Array.from({ length: 50 }, (_, i) => ({
    name: `item ${i}`,
    ...(i === 9 ? { traceState: 'x'.repeat(500) } : {}),
  }))
  const request = encodeRequest('traces', { resourceSpans: [{ scopeSpans: [{ spans }] }] })
  const result = await send(batchOf('traces', [request], 50))
  assert.equal(result.sent, 49)
  assert.deepEqual(
    result.rejected?.map(({ items, reason }) => [items, reason]),
    [[1, 'too_large']],
  )
  const numbers = numbersIn(kafka)
    .flat()
    .sort((a, b) => a - b)
  assert.deepEqual(
    numbers,
    spans.map((_, i) => i).filter(i => i !== 9),
  )
})

// Scenario: one of two partitions fails, and is back for the retry.
// Guarantees: exactly the records that failed are sent again.
test('a batch that was written in part', async t => {
  const kafka = new FakeKafka()
  kafka.partitions = 7
  const bad = saramaPartition(Buffer.from(id('a')), 7)
  const { send } = await setup(t, { partition_traces_by_id: true }, kafka)
  kafka.fail = (_topic, partition) => (partition === bad ? down() : undefined)
  const first = await send(TRACES)
  assert.ok(first.retry !== undefined && first.sent > 0 && first.sent < 5)
  assert.equal(first.sent + first.retry.items, 5)
  kafka.fail = () => undefined
  assert.deepEqual(await send(first.retry), { sent: first.retry.items })
  assert.deepEqual(numbersIn(kafka).flat().sort(), [1, 2, 3, 4, 5])
})

// Scenario: each kind of problem.
// Guarantees: passing trouble, wrong logins and missing topics are tried again; what is wrong for ever is not.
test('what is tried again', async t => {
  const { kafka, send } = await setup(t)
  for (const kind of ['unreachable', 'busy', 'no topic', 'credentials', 'forbidden'] as const) {
    kafka.fail = () => new KafkaProblem(kind, 'why')
    await assert.rejects(send(TRACES), Refused, kind)
  }
  kafka.fail = () => new KafkaProblem('refused', 'INVALID_RECORD, why')
  const { sent, rejected } = await send(TRACES)
  assert.equal(sent, 0)
  assert.deepEqual(rejected, [
    { kind: 'lost', items: 5, reason: 'rejected_by_server', message: 'INVALID_RECORD, why' },
  ])
})

// Scenario: the brokers are gone at the start, stay so for two batches, come back.
// Guarantees: it starts all the same; log and health say so once, and say when it is over.
test('health', async t => {
  const kafka = new FakeKafka()
  kafka.connectFails = new KafkaProblem('unreachable', 'localhost:9092: connect ECONNREFUSED')
  kafka.fail = down
  const { send, settings } = await setup(t, {}, kafka)
  await assert.rejects(send(TRACES), /nobody there/)
  await assert.rejects(send(TRACES), /nobody there/)
  const health = () => settings.host.health.get('exporter/kafka')
  assert.equal(health()?.state, 'recoverable_error')
  assert.equal(settings.log.lines.filter(({ level }) => level === 'error').length, 1)
  kafka.fail = () => undefined
  await send(TRACES)
  assert.equal(health()?.state, 'ok')
  assert.ok(settings.log.lines.some(({ message }) => message === 'Kafka takes records again'))
})

// Scenario: a topic's partitions are asked for, then a leader moves, then the topic is gone.
// Guarantees: asked once for many batches, and again after trouble.
test('topics are asked for once', async t => {
  const { kafka, send } = await setup(t)
  await Promise.all([send(TRACES), send(TRACES)])
  await send(TRACES)
  assert.deepEqual(kafka.asked, ['otlp_spans'])
  kafka.fail = () => new KafkaProblem('busy', 'NOT_LEADER_OR_FOLLOWER')
  await assert.rejects(send(TRACES))
  kafka.fail = () => undefined
  await send(TRACES)
  assert.equal(kafka.asked.length, 2)
  kafka.topicFails = new KafkaProblem('no topic', 'UNKNOWN_TOPIC_OR_PARTITION')
  kafka.fail = () => new KafkaProblem('no topic', 'UNKNOWN_TOPIC_OR_PARTITION')
  await assert.rejects(send(TRACES))
  await assert.rejects(send(TRACES))
  kafka.topicFails = undefined
  kafka.fail = () => undefined
  await send(TRACES)
  assert.ok(kafka.asked.length >= 4)
})

// Scenario: behind its queue, a broker that is gone for some attempts, and an item that is too large.
// Guarantees: nothing else is lost, and the ledger balances with the loss in it.
test('the ledger balances', async t => {
  const kafka = new FakeKafka()
  const { exporter, settings, value } = await setup(
    t,
    {
      producer: { max_message_bytes: 1024 },
      retry_on_failure: { initial_interval: '1ms', max_interval: '2ms', max_elapsed_time: '1m' },
    },
    kafka,
  )
  let failures = 3
  kafka.fail = () => (failures-- > 0 ? down() : undefined)
  const chain = sendingChain(exporter, value, settings)
  const large = { name: 'item 99', traceState: 'x'.repeat(2000) }
  const spans = [...Array.from({ length: 30 }, (_, i) => ({ name: `item ${i}` })), large]
  const request = encodeRequest('traces', { resourceSpans: [{ scopeSpans: [{ spans }] }] })
  await consumeAsEdge(chain, settings.account, batchOf('traces', [request], 31))
  const page = settings.account.of('traces')
  await eventually(() => page.held === 0 || undefined, 'the end of the retries')
  await chain.stop(performance.now() + 5000)
  assertBalanced([settings.account])
  assert.equal(page.out, 30)
  assert.equal(page.dropped.get('too_large')?.items, 1)
  assert.equal(kafka.closed, 1)
})

// Scenario: two lent batches; the brokers are away for the first attempt of one.
// Guarantees: bytes that a client gave up on are left for V8, as it may still mean to send them; the others have ended.
test('bytes of a failed attempt are not given back', async t => {
  const spoiled = spoilWhatIsGivenBack(t)
  const { kafka, exporter, settings } = await setup(t)
  const chain = sendingChain(exporter, sendingConfig({ retry: { initial_interval: 1 } }), settings)
  await chain.start()
  kafka.fail = () => {
    kafka.fail = () => undefined
    return down()
  }
  await lendTo(chain, numbered('traces', 0, 3))
  await eventually(() => kafka.records.length === 1 || undefined, 'the second attempt')
  await lendTo(chain, numbered('traces', 3, 2))
  await eventually(() => spoiled.buffers === 1 || undefined, 'what was sent at once')
  await chain.stop(performance.now() + 5000)
  assert.equal(spoiled.buffers, 1)
  assert.deepEqual(numbersOf(batchOf('traces', [kafka.records[0]!.value], 0)), [0, 1, 2])
})
