/** The kafka receiver with a group in the test's hands. */

import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { ACCEPTED, Refused, Rejected } from '../../../core/component/outcome.ts'
import type { Signal } from '../../../core/otlp/signals.ts'
import { KafkaProblem } from '../../../core/transport/kafka/problem.ts'
import { factory, KafkaReceiver } from '../../../receivers/kafka/index.ts'
import { assertBalanced } from '../../kit/balance.ts'
import { type FakeConsumer, FakeGroup } from '../../kit/fake-kafka-group.ts'
import { numbered, numbersOf } from '../../kit/numbered.ts'
import { Sink, testSettings } from '../../kit/parts.ts'
import { decodeRequest } from '../../kit/proto.ts'
import { readConfig } from '../../kit/read-config.ts'
import { eventually } from '../../services/process.ts'

const span = (number: number) => numbered('traces', number, 1).chunks[0]!
const QUICK = { error_backoff: { initial_interval: '1ms', max_interval: '2ms' } }

async function start(
  t: TestContext,
  config: Readonly<Record<string, unknown>> = {},
  group = new FakeGroup('otlp_spans'),
  signals: readonly Signal[] = ['traces'],
) {
  const settings = testSettings('receiver', 'kafka')
  const sink = new Sink()
  const next = Object.fromEntries(signals.map(signal => [signal, sink]))
  const all = { autocommit: { interval: '1ms' }, ...QUICK, ...config }
  const receiver = new KafkaReceiver(readConfig(factory.config, all), settings, next, group.clients)
  await receiver.start()
  const stop = () => receiver.stop(performance.now() + 2000)
  t.after(stop)
  const numbers = () => sink.batches.flatMap(numbersOf)
  return { settings, sink, group, receiver, stop, numbers }
}

async function started(t: TestContext, config: Readonly<Record<string, unknown>> = {}, partitions = 1) {
  const all = await start(t, config)
  const consumer = await all.group.consumer()
  consumer.assign(partitions)
  return { ...all, consumer }
}

const committed = (consumer: FakeConsumer, offset: number, partition = 0) =>
  eventually(() => consumer.committed(partition) === offset || undefined, `offset ${offset} to be committed`)

// Scenario: a static member, in a gateway of one process and in the third of several workers.
// Guarantees: every process has a name of its own in the group: two with one name would throw each other out.
test('each worker is a static member of its own', async () => {
  for (const [worker, client, expected] of [
    [undefined, 'platformatic', 'a'],
    [3, 'platformatic', 'a-3'],
    [3, 'kafkajs', ''],
  ] as const) {
    const settings = testSettings('receiver', 'kafka')
    settings.host.worker = worker
    const group = new FakeGroup('otlp_spans')
    const config = readConfig(factory.config, { client, group_instance_id: 'a' })
    const receiver = new KafkaReceiver(config, settings, { traces: new Sink() }, group.clients)
    await receiver.start()
    assert.equal((await group.consumer()).consuming.groupInstanceId, expected)
    await receiver.stop(performance.now() + 2000)
  }
})

// Scenario: records of two partitions, taken by the pipeline.
// Guarantees: they arrive in order, the group is told how far it got, and a record's place and headers are metadata.
test('records become batches, and offsets are committed', async t => {
  const { consumer, numbers, sink, settings } = await started(t, {}, 2)
  consumer.deliver([span(0), { value: span(1), headers: [{ name: 'Who', value: Buffer.from('me') }] }])
  consumer.deliver([span(2)], 1)
  await committed(consumer, 2)
  await committed(consumer, 1, 1)
  assert.deepEqual(numbers().sort(), [0, 1, 2])
  const { metadata } = sink.batches.find(batch => numbersOf(batch)[0] === 1)!.meta
  assert.deepEqual(Object.fromEntries(metadata), {
    'kafka.topic': ['otlp_spans'],
    'kafka.partition': ['0'],
    'kafka.offset': ['1'],
    who: ['me'],
  })
  assert.equal(settings.host.health.get('receiver/kafka')?.state, 'ok')
  const place = '{partition="0",topic="otlp_spans"}'
  assert.equal(settings.metrics.read(`otelcol_kafka_receiver_records${place}`), 2)
  assert.equal(settings.metrics.read(`otelcol_kafka_receiver_current_offset${place}`), 1)
  assert.equal(settings.metrics.read(`otelcol_kafka_receiver_offset_lag${place}`), 0)
})

// Scenario: a group that has no offsets, and no record comes.
// Guarantees: where it begins is committed, so that with `latest` a second start does not skip what came between.
test('the place where reading begins is committed', async t => {
  const { consumer } = await started(t)
  await committed(consumer, 0)
})

// Scenario: autocommit is off.
// Guarantees: offsets are committed as soon as records are done, not by the clock.
test('without autocommit every record is committed when it is done', async t => {
  const { consumer } = await started(t, { autocommit: { enable: false, interval: '1h' } })
  consumer.deliver([span(0), span(1), span(2)])
  await committed(consumer, 3)
  consumer.deliver([span(3)])
  await committed(consumer, 4)
})

// Scenario: the pipeline does not answer yet.
// Guarantees: nothing is committed before it has.
test('what is under way is not committed', async t => {
  const { consumer, sink } = await started(t)
  const taken = Promise.withResolvers<typeof ACCEPTED>()
  sink.answer = () => taken.promise
  consumer.deliver([span(0)])
  await committed(consumer, 0)
  taken.resolve(ACCEPTED)
  await committed(consumer, 1)
})

// Scenario: the second of three records is refused several times, then taken.
// Guarantees: it is offered again and again, the third waits for it, nothing behind the first is committed meanwhile.
test('a refused record is offered again, in order', async t => {
  const { consumer, sink, numbers } = await started(t)
  let refusals = 0
  sink.answer = batch => {
    if (numbersOf(batch)[0] === 1 && refusals < 5) {
      refusals++
      assert.ok((consumer.committed() ?? 0) <= 1)
      throw new Refused('not now')
    }
    return ACCEPTED
  }
  consumer.deliver([span(0), span(1), span(2)])
  await committed(consumer, 3)
  assert.equal(refusals, 5)
  assert.deepEqual(numbers(), [0, 1, 2])
})

// Scenario: records the pipeline rejects for ever, records that are no spans, among good ones.
// Guarantees: by default they are dropped, counted by why, and the others go on; the ledger balances.
test('what is never taken is dropped and counted', async t => {
  const { consumer, sink, numbers, settings } = await started(t)
  sink.answer = batch => {
    if (numbersOf(batch)[0] === 1) throw new Rejected('never')
    return ACCEPTED
  }
  consumer.deliver([span(0), span(1), Buffer.from('no span'), span(2)])
  await committed(consumer, 4)
  assert.deepEqual(numbers(), [0, 2])
  const buried = (reason: string) =>
    settings.metrics.read(
      `sluice_kafka_receiver_buried_records{reason="${reason}",receiver="kafka",to="dropped",topic="otlp_spans"}`,
    )
  assert.deepEqual([buried('rejected'), buried('undecodable')], [1, 1])
  assert.equal(
    settings.metrics.read('otelcol_kafka_receiver_unmarshal_failed_spans{partition="0",topic="otlp_spans"}'),
    1,
  )
  assert.equal(settings.account.of('traces').dropped.get('rejected')?.items, 1)
  assertBalanced([settings.account])
})

// Scenario: the same with a dead letter topic that fails at first.
// Guarantees: both kinds of records are in it as they were, with their place; they count as dead letters.
test('what is never taken goes to the dead letter', async t => {
  const { consumer, sink, settings, group } = await started(t, { dead_letter: { topic: 'letters' } })
  sink.answer = () => {
    throw new Rejected('never')
  }
  let failures = 1
  group.producer.fail = () => (failures-- > 0 ? new KafkaProblem('busy', 'not now') : undefined)
  consumer.deliver([span(0), Buffer.from('no span')])
  await committed(consumer, 2)
  const letters = group.producer.appended.flatMap(({ topic, messages }) =>
    messages.map(one => ({ topic, ...one })),
  )
  assert.deepEqual(
    letters.map(({ topic, value, headers }) => [
      topic,
      Buffer.from(value).toString('base64'),
      headers.map(one => [one.name, String(one.value)]).slice(0, 4),
    ]),
    [span(0), Buffer.from('no span')].map((value, offset) => [
      'letters',
      Buffer.from(value).toString('base64'),
      [
        ['sluice.reason', offset === 0 ? 'rejected' : 'undecodable'],
        ['sluice.topic', 'otlp_spans'],
        ['sluice.partition', '0'],
        ['sluice.offset', String(offset)],
      ],
    ]),
  )
  assert.equal(settings.account.of('traces').dropped.get('dead_letter')?.items, 1)
  assertBalanced([settings.account])
})

// Scenario: on_permanent_error false, as is the Collector's default, and a record that is rejected.
// Guarantees: its partition stands still and is paused, others go on; the next assignment begins with that record.
test('on_permanent_error: false stops the partition', async t => {
  const { consumer, sink, numbers } = await started(t, { message_marking: { on_permanent_error: false } }, 2)
  sink.answer = batch => {
    if (numbersOf(batch)[0] === 1) throw new Rejected('never')
    return ACCEPTED
  }
  consumer.deliver([span(0), span(1), span(2)])
  consumer.deliver([span(3)], 1)
  await committed(consumer, 1)
  await committed(consumer, 1, 1)
  await eventually(() => consumer.paused.has('otlp_spans/0') || undefined, 'the partition to be paused')
  assert.ok(!consumer.paused.has('otlp_spans/1'))
  assert.deepEqual(numbers().sort(), [0, 3])
  sink.answer = () => ACCEPTED
  await consumer.member!.revoking()
  consumer.assign(2)
  consumer.deliver([span(1), span(2)])
  await committed(consumer, 3)
  assert.deepEqual(numbers().sort(), [0, 1, 2, 3])
})

// Scenario: message_marking.after false, the Collector's default, and a pipeline that does not answer, then refuses.
// Guarantees: the record counts as done at once; what fails is dropped and counted.
test('after: false commits what is under way', async t => {
  const { consumer, sink, settings } = await started(t, {
    message_marking: { after: false },
    error_backoff: { enabled: false },
  })
  const asked = Promise.withResolvers<never>()
  sink.answer = () => asked.promise
  consumer.deliver([span(0)])
  await committed(consumer, 1)
  asked.reject(new Refused('no'))
  await eventually(
    () => settings.account.of('traces').dropped.get('retry_disabled')?.items === 1 || undefined,
    'the drop',
  )
  assertBalanced([settings.account])
})

// Scenario: on_error true, and a pipeline that refuses for longer than max_elapsed_time.
// Guarantees: the record is dropped, counted, and the next one goes on.
test('on_error gives up when the backoff does', async t => {
  const { consumer, sink, numbers, settings } = await started(t, {
    message_marking: { on_error: true },
    error_backoff: { initial_interval: '1ms', max_interval: '1ms', max_elapsed_time: '5ms' },
  })
  sink.answer = batch => {
    if (numbersOf(batch)[0] === 0) throw new Refused('no')
    return ACCEPTED
  }
  consumer.deliver([span(0), span(1)])
  await committed(consumer, 2)
  assert.deepEqual(numbers(), [1])
  assert.equal(settings.account.of('traces').dropped.get('retries_exhausted')?.items, 1)
  assertBalanced([settings.account])
})

// Scenario: four records may be in the pipeline at once, and the first answers last.
// Guarantees: they overlap; nothing is committed past the first until it is done.
test('max_records_in_flight overlaps, and commits without gaps', async t => {
  const { consumer, sink } = await started(t, { max_records_in_flight: 4 })
  const answers: (() => void)[] = []
  sink.answer = () => new Promise(resolve => answers.push(() => resolve(ACCEPTED)))
  consumer.deliver([span(0), span(1), span(2), span(3), span(4)])
  await eventually(() => answers.length === 4 || undefined, 'four at once')
  for (const answer of answers.slice(1)) answer()
  await eventually(() => sink.batches.length === 3 || undefined, 'three to be done')
  await new Promise(resolve => setTimeout(resolve, 20))
  assert.equal(consumer.committed(), 0)
  answers[0]!()
  await committed(consumer, 4)
  answers.at(-1)!()
})

// Scenario: more bytes than may be in flight, in two partitions, with a pipeline that stands still, then goes on.
// Guarantees: partitions are paused while that is so, and go on afterwards.
test('partitions are paused while too much is in flight', async t => {
  const { consumer, sink, settings } = await started(
    t,
    { max_bytes_in_flight: 1024 * 1024, max_partition_fetch_size: 100_000 },
    2,
  )
  const go = Promise.withResolvers<typeof ACCEPTED>()
  sink.answer = () => go.promise
  const large = { value: span(0), headers: [{ name: 'x', value: Buffer.alloc(300_000) }] }
  const held = () => settings.metrics.read('sluice_kafka_receiver_in_flight_bytes{receiver="kafka"}')
  consumer.deliver([large])
  assert.deepEqual([...consumer.paused], [])
  consumer.deliver([large])
  // Half of the room is the share of one of two.
  assert.deepEqual([...consumer.paused], ['otlp_spans/0'])
  consumer.deliver([large, large], 1)
  assert.deepEqual([...consumer.paused].sort(), ['otlp_spans/0', 'otlp_spans/1'])
  assert.ok(held() > 1_200_000)
  go.resolve(ACCEPTED)
  await eventually(() => consumer.paused.size === 0 || undefined, 'the partitions to go on')
  assert.equal(held(), 0)
})

// Scenario: the group takes the partitions back while a record is in the pipeline and others wait.
// Guarantees: it is waited for and committed, the others are not taken up; what comes late is not handed on.
test('partitions are given back when what is under way is done', async t => {
  const { consumer, sink, numbers } = await started(t)
  const taken = Promise.withResolvers<typeof ACCEPTED>()
  sink.answer = () => taken.promise
  consumer.deliver([span(0), span(1)])
  const revoked = consumer.member!.revoking()
  consumer.deliver([span(2)])
  taken.resolve(ACCEPTED)
  await revoked
  assert.equal(consumer.committed(), 1)
  assert.deepEqual(numbers(), [0])
})

// Scenario: the same with a pipeline that never answers, and with one that refuses for ever.
// Guarantees: the partitions are given back in time; the record is not committed, so the next owner has it.
test('partitions are given back although the pipeline does not take the record', async t => {
  for (const stuck of [true, false]) {
    const { consumer, sink } = await started(t, { session_timeout: '2s', heartbeat_interval: '1s' })
    let aborted = false
    sink.answer = (_batch, { signal }) => {
      if (!stuck) throw new Refused('not now')
      return new Promise((_resolve, reject) => {
        signal!.addEventListener('abort', () => {
          aborted = true
          reject(new Refused('nobody waits'))
        })
      })
    }
    consumer.deliver([span(0)])
    await consumer.member!.revoking()
    assert.equal(aborted, stuck)
    assert.equal(consumer.committed() ?? 0, 0)
  }
})

// Scenario: the gateway stops while a record is in the pipeline.
// Guarantees: it is waited for, committed, and the group is left.
test('stop finishes and commits', async t => {
  const { consumer, sink, stop } = await started(t)
  const taken = Promise.withResolvers<typeof ACCEPTED>()
  sink.answer = () => taken.promise
  consumer.deliver([span(0), span(1)])
  const stopped = stop()
  taken.resolve(ACCEPTED)
  await stopped
  assert.equal(consumer.committed(), 1)
  assert.ok(consumer.closed)
})

// Scenario: a consumer that breaks, brokers that are away for a while, then a consumer again.
// Guarantees: the trouble is said once and shown in health, and reading goes on from what was committed.
test('a consumer that breaks is replaced', async t => {
  const { group, consumer, settings, numbers } = await started(t)
  consumer.deliver([span(0)])
  await committed(consumer, 1)
  group.listFails = new KafkaProblem('unreachable', 'nobody there')
  consumer.breakWith(new KafkaProblem('unreachable', 'nobody there'))
  await eventually(
    () => settings.host.health.get('receiver/kafka')?.state === 'recoverable_error' || undefined,
    'the trouble',
  )
  group.listFails = undefined
  const second = await group.consumer(1)
  assert.ok(consumer.closed)
  second.assign(1)
  second.deliver([span(1)])
  await eventually(() => numbers().length === 2 || undefined, 'the next record')
  assert.equal(settings.host.health.get('receiver/kafka')?.state, 'ok')
  assert.equal(settings.log.lines.filter(({ message }) => message === 'Kafka cannot be read').length, 1)
})

// Scenario: patterns with exclusions, and topics that come up later.
// Guarantees: only wanted topics are subscribed to; a new one is found and read besides the others.
test('topics by pattern, and new ones', async t => {
  const group = new FakeGroup('spans-a', 'spans-test', 'other')
  const config = {
    traces: { topics: ['^spans-'], exclude_topics: ['-test$'] },
    metadata: { refresh_interval: '5ms' },
  }
  await start(t, config, group)
  const first = await group.consumer()
  assert.deepEqual(first.consuming.topics, ['spans-a'])
  first.assign(1)
  group.there.push('spans-b')
  const second = await group.consumer(1)
  assert.deepEqual(second.consuming.topics, ['spans-a', 'spans-b'])
})

// Scenario: a topic that is not there yet.
// Guarantees: that is said, and it is read once it is.
test('a topic that is made later', async t => {
  const group = new FakeGroup()
  const { settings } = await start(t, { metadata: { refresh_interval: '5ms' } }, group)
  await eventually(
    () => /otlp_spans/.test(settings.host.health.get('receiver/kafka')?.message ?? '') || undefined,
    'the trouble',
  )
  group.there.push('otlp_spans')
  const consumer = await group.consumer()
  assert.deepEqual(consumer.consuming.topics, ['otlp_spans'])
})

// Scenario: headers of records are wanted as resource attributes; some are there twice, some not at all.
// Guarantees: the first of each name is written into every resource, over what is there.
test('headers become resource attributes', async t => {
  const { consumer, sink } = await started(t, {
    header_extraction: { extract_headers: true, headers: ['who', 'absent'] },
  })
  const value = Buffer.concat([span(0), span(1)])
  const headers = ['me', 'you'].map(text => ({ name: 'who', value: Buffer.from(text) }))
  consumer.deliver([{ value, headers }])
  await committed(consumer, 1)
  const { resourceSpans } = decodeRequest('traces', sink.batches[0]!.chunks[0]!) as {
    resourceSpans: { resource: unknown }[]
  }
  const attributes = [{ key: 'kafka.header.who', value: { stringValue: 'me' } }]
  assert.deepEqual(
    resourceSpans.map(({ resource }) => resource),
    [{ attributes }, { attributes }],
  )
})

// Scenario: the broker no longer has the wanted offset.
// Guarantees: it is said, and what comes next is read and committed although its offset is lower.
test('a partition that begins again', async t => {
  const { consumer, numbers, settings } = await started(t)
  consumer.deliver([span(0), span(1)])
  await committed(consumer, 2)
  consumer.member!.outOfRange({ topic: 'otlp_spans', partition: 0 })
  const record = { offset: 0, timestamp: 0, key: undefined, value: span(7), headers: [] }
  consumer.member!.fetched({ topic: 'otlp_spans', partition: 0, records: [record], next: 1, end: 1 })
  await committed(consumer, 1)
  assert.deepEqual(numbers(), [0, 1, 7])
  assert.ok(
    settings.log.lines.some(({ level, message }) => level === 'error' && /no longer has/.test(message)),
  )
})

// Scenario: committing fails for a while.
// Guarantees: it is shown in health, said once, and the next commit carries what was done.
test('a commit that fails is made up for', async t => {
  const { consumer, settings } = await started(t)
  consumer.commitFails = new KafkaProblem('busy', 'coordinator is loading')
  consumer.deliver([span(0), span(1)])
  await eventually(
    () => settings.host.health.get('receiver/kafka')?.state === 'recoverable_error' || undefined,
    'the trouble',
  )
  consumer.commitFails = undefined
  await committed(consumer, 2)
  assert.equal(settings.log.lines.filter(({ message }) => /could not be committed/.test(message)).length, 1)
  assert.equal(settings.host.health.get('receiver/kafka')?.state, 'ok')
})
