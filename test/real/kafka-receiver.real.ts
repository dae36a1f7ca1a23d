/** The kafka receiver against a real Kafka, with both clients. */

import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { ACCEPTED } from '../../core/component/outcome.ts'
import { KAFKA_CLIENTS, KAFKA_COMPRESSIONS } from '../../core/transport/kafka/client.ts'
import { assertBalanced } from '../kit/balance.ts'
import { message, type Receiving, receiving, span, tally, upTo, writer } from '../kit/kafka-receiving.ts'
import { need } from '../services/cache.ts'
import { KAFKA_PASSWORD, KAFKA_USER, kafka, topicName } from '../services/kafka.ts'
import { eventually } from '../services/process.ts'

const PARTITIONS = 6
const broker = async () => (await kafka({ partitions: PARTITIONS })).addresses.plain

for (const client of KAFKA_CLIENTS) {
  // Scenario: records in every compression, each written by both clients.
  // Guarantees: all arrive, once; what was committed is not read again by the next member.
  test(`${client}: every compression`, { timeout: 60_000 }, async t => {
    const brokers = await need(t, 'Kafka', broker)
    if (brokers === undefined) return
    const topic = topicName('compressions')
    let number = 0
    for (const by of KAFKA_CLIENTS) {
      for (const compression of KAFKA_COMPRESSIONS) {
        const producer = await writer(brokers, by, { compression })
        if (number === 0) await producer.topic(topic)
        await producer.produce(topic, number % PARTITIONS, [span(number++), span(number++), span(number++)])
        await producer.close()
      }
    }
    const config = {
      brokers,
      client,
      group_id: topic,
      initial_offset: 'earliest',
      traces: { topics: [topic] },
    }
    const first = await receiving(config)
    await eventually(() => first.numbers().length >= number || undefined, 'all records')
    await first.stop()
    assert.deepEqual(
      first.numbers().sort((a, b) => a - b),
      upTo(number),
    )
    assertBalanced([first.settings.account])
    const second = await receiving(config)
    await second.joined()
    const producer = await writer(brokers)
    await producer.produce(topic, 0, [span(number)])
    await eventually(() => second.numbers().includes(number) || undefined, 'the next record')
    await second.stop()
    await producer.close()
    assert.deepEqual(second.numbers(), [number])
  })

  // Scenario: while records are written all the time, a second and a third member join the group and the first leaves.
  // Guarantees: nothing is lost and nothing comes twice, because partitions are given back in order.
  test(`${client}: members come and go`, { timeout: 90_000 }, async t => {
    const brokers = await need(t, 'Kafka', broker)
    if (brokers === undefined) return
    const topic = topicName('members')
    const producer = await writer(brokers)
    await producer.topic(topic)
    let written = 0
    let writing = true
    const load = (async () => {
      while (writing) {
        const partition = written % PARTITIONS
        await producer.produce(topic, partition, [span(written)])
        written++
        await sleep(2)
      }
    })()
    const config = {
      brokers,
      client,
      group_id: topic,
      initial_offset: 'earliest',
      heartbeat_interval: '300ms',
      traces: { topics: [topic] },
    }
    const first = await receiving(config)
    await first.joined()
    const second = await receiving(config)
    await second.joined()
    const third = await receiving(config)
    await third.joined()
    await sleep(500)
    await first.stop()
    await eventually(() => second.assignments().partitions === 3 || undefined, 'the second to have half')
    await eventually(() => third.assignments().partitions === 3 || undefined, 'the third to have half')
    await sleep(500)
    writing = false
    await load
    const all = () => [first, second, third].flatMap(one => one.numbers())
    await eventually(() => tally(all(), written).lost.length === 0 || undefined, 'all records', 20_000).catch(
      () => undefined,
    )
    await second.stop()
    await third.stop()
    await producer.close()
    const { lost, twice } = tally(all(), written)
    t.diagnostic(`${written} records, ${twice} came twice`)
    assert.deepEqual(lost, [])
    assert.equal(twice, 0)
    for (const one of [first, second, third]) assert.ok(one.numbers().length > 0)
  })

  // Scenario: records that cannot be decoded among good ones; a dead letter topic, a file, and neither.
  // Guarantees: the good ones arrive in order, the bad ones are where the config says with their place, and are counted.
  test(`${client}: records that cannot be decoded`, { timeout: 60_000 }, async t => {
    const brokers = await need(t, 'Kafka', broker)
    if (brokers === undefined) return
    const folder = mkdtempSync(join(tmpdir(), 'sluice-letters-'))
    t.after(() => rmSync(folder, { recursive: true }))
    const [topic, letters] = [topicName('poison'), topicName('letters')]
    const file = join(folder, 'letters.jsonl')
    const producer = await writer(brokers)
    await producer.topic(topic)
    await producer.produce(topic, 2, [span(0), message('no span', { who: 'me' }), span(1)])
    await producer.close()
    for (const dead_letter of [{ topic: letters }, { file }, undefined]) {
      const one = await receiving({
        brokers,
        client,
        group_id: topicName('group'),
        initial_offset: 'earliest',
        traces: { topics: [topic] },
        ...(dead_letter === undefined ? {} : { dead_letter }),
      })
      await eventually(() => one.numbers().length === 2 || undefined, 'the good records')
      assert.deepEqual(one.numbers(), [0, 1])
      const to = dead_letter === undefined ? 'dropped' : 'dead_letter'
      const labels = `{reason="undecodable",receiver="kafka",to="${to}",topic="${topic}"}`
      assert.equal(one.settings.metrics.read(`sluice_kafka_receiver_buried_records${labels}`), 1)
      const place = `{partition="2",topic="${topic}"}`
      assert.equal(one.settings.metrics.read(`otelcol_kafka_receiver_unmarshal_failed_spans${place}`), 1)
      assertBalanced([one.settings.account])
      await one.stop()
    }
    const line = JSON.parse(readFileSync(file, 'utf8'))
    assert.deepEqual([line.topic, line.partition, line.offset, line.reason], [topic, 2, 1, 'undecodable'])
    assert.equal(Buffer.from(line.value, 'base64').toString(), 'no span')
    const reader = await receiving(
      {
        brokers,
        client,
        group_id: letters,
        initial_offset: 'earliest',
        logs: { topics: [letters], encoding: 'text' },
      },
      'logs',
    )
    await eventually(() => reader.sink.items === 1 || undefined, 'the dead letter')
    await reader.stop()
    const { metadata } = reader.sink.batches[0]!.meta
    assert.deepEqual(
      ['who', 'sluice.reason', 'sluice.topic', 'sluice.partition', 'sluice.offset'].map(key =>
        metadata.get(key),
      ),
      [['me'], ['undecodable'], [topic], ['2'], ['1']],
    )
  })

  // Scenario: brokers that want TLS and a login; the receiver logs in with SCRAM, and once with a wrong password.
  // Guarantees: it reads; what is wrong is told in words that name the key.
  test(`${client}: TLS and a login`, { timeout: 60_000 }, async t => {
    const server = await need(t, 'Kafka', () => kafka({ partitions: PARTITIONS }))
    if (server === undefined) return
    const topic = topicName('login')
    const producer = await writer(server.addresses.plain)
    await producer.topic(topic)
    await producer.produce(topic, 0, [span(0)])
    await producer.close()
    const config = (password: string) => ({
      brokers: server.addresses.saslTls,
      client,
      group_id: topic,
      initial_offset: 'earliest',
      tls: { ca_file: server.ca },
      auth: { sasl: { mechanism: 'SCRAM-SHA-512', username: KAFKA_USER, password } },
      traces: { topics: [topic] },
    })
    const wrong = await receiving(config('wrong'))
    const trouble = () => wrong.settings.host.health.get('receiver/kafka')?.message
    await eventually(() => (trouble()?.includes('look at auth.sasl') ? true : undefined), 'the trouble')
    await wrong.stop()
    const right = await receiving(config(KAFKA_PASSWORD))
    await eventually(() => right.numbers().length === 1 || undefined, 'the record')
    await right.stop()
  })

  // Scenario: a pattern of topics, and a topic that is made while the receiver runs.
  // Guarantees: its records are read as well, from the beginning, and those of other topics are not.
  test(`${client}: topics that come later`, { timeout: 60_000 }, async t => {
    const brokers = await need(t, 'Kafka', broker)
    if (brokers === undefined) return
    const prefix = topicName('pattern')
    const producer = await writer(brokers)
    const put = async (topic: string, number: number) => {
      await producer.topic(topic)
      await producer.produce(topic, 0, [span(number)])
    }
    await put(`${prefix}-a`, 0)
    await put(`${prefix}-not`, 1)
    const one = await receiving({
      brokers,
      client,
      group_id: prefix,
      initial_offset: 'earliest',
      metadata: { refresh_interval: '500ms' },
      traces: { topics: [`^${prefix}-`], exclude_topics: ['not$'] },
    })
    await eventually(() => one.numbers().length === 1 || undefined, 'the first topic')
    await put(`${prefix}-b`, 2)
    await eventually(() => one.numbers().length === 2 || undefined, 'the second topic')
    await one.stop()
    await producer.close()
    assert.deepEqual(one.numbers(), [0, 2])
  })

  // Scenario: a pipeline that does not answer for longer than a session lasts, with more records than may be in flight.
  // Guarantees: what is held stays within the limit and one answer of a broker, the group does not take the member for
  // dead, and afterwards everything arrives once.
  test(`${client}: a pipeline that stands still`, { timeout: 90_000 }, async t => {
    const brokers = await need(t, 'Kafka', broker)
    if (brokers === undefined) return
    const topic = topicName('stalled')
    const producer = await writer(brokers)
    await producer.topic(topic)
    const padding = 'x'.repeat(100_000)
    const count = 240
    for (let number = 0; number < count; number++) {
      const { value } = span(number)
      await producer.produce(topic, number % PARTITIONS, [{ ...message(value, { padding }) }])
    }
    await producer.close()
    const limit = 4 * 1024 * 1024
    const go = Promise.withResolvers<void>()
    const one = await receiving({
      brokers,
      client,
      group_id: topic,
      initial_offset: 'earliest',
      session_timeout: '6s',
      heartbeat_interval: '1s',
      max_bytes_in_flight: limit,
      traces: { topics: [topic] },
    })
    one.sink.answer = async () => {
      await go.promise
      return ACCEPTED
    }
    await one.joined()
    const held = () => one.settings.metrics.read('sluice_kafka_receiver_in_flight_bytes{receiver="kafka"}')
    let most = 0
    for (const end = performance.now() + 8_000; performance.now() < end; await sleep(50))
      most = Math.max(most, held())
    t.diagnostic(`${most} bytes held at most`)
    assert.ok(most > limit / 2 && most <= limit + 2 * 1024 * 1024, `${most} bytes`)
    assert.equal(one.assignments().times, 1)
    go.resolve()
    await eventually(() => one.numbers().length >= count || undefined, 'all records', 30_000)
    await one.stop()
    assert.deepEqual(tally(one.numbers(), count), { lost: [], twice: 0 })
    assert.equal(held(), 0)
  })
}

// Scenario: two static members share a group; one is stopped and started again within the session, then stopped for good.
// Guarantees: it has the partitions it had, the other one does not even hear of it, and nothing is lost or comes twice; the
// group gives its partitions away only when the session is over.
test('platformatic: a static member keeps its partitions over a restart', { timeout: 60_000 }, async t => {
  const brokers = await need(t, 'Kafka', broker)
  if (brokers === undefined) return
  const topic = topicName('static')
  const producer = await writer(brokers)
  await producer.topic(topic)
  const member = (group_instance_id: string) =>
    receiving({
      brokers,
      client: 'platformatic',
      group_id: topic,
      group_instance_id,
      initial_offset: 'earliest',
      session_timeout: '6s',
      heartbeat_interval: '300ms',
      traces: { topics: [topic] },
    })
  const given = (one: Receiving) =>
    JSON.stringify(
      one.settings.log.lines.findLast(({ message }) => message === 'Partitions assigned')?.fields[
        'partitions'
      ],
    )
  const half = (one: Receiving) =>
    eventually(() => one.assignments().partitions === PARTITIONS / 2 || undefined, 'half of the partitions')
  const stays = await member('a')
  await stays.joined()
  const before = await member('b')
  await half(before)
  await half(stays)
  let written = 0
  const write = async () => {
    for (let i = 0; i < PARTITIONS; i++) await producer.produce(topic, i, [span(written++)])
  }
  await write()
  const all = (...members: Receiving[]) => members.flatMap(one => one.numbers())
  await eventually(() => all(stays, before).length >= written || undefined, 'the first records')
  const { times } = stays.assignments()
  await before.stop()
  await write()
  const after = await member('b')
  await half(after)
  assert.equal(given(after), given(before))
  await eventually(() => all(stays, before, after).length >= written || undefined, 'the next records')
  assert.equal(stays.assignments().times, times)
  assert.deepEqual(tally(all(stays, before, after), written), { lost: [], twice: 0 })
  await after.stop()
  await eventually(
    () => stays.assignments().partitions === PARTITIONS || undefined,
    'all partitions after the session',
    30_000,
  )
  await stays.stop()
  await producer.close()
})
