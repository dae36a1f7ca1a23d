/** Both clients against a real broker: logins, TLS, and what they say when something is wrong. */

import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { section } from '../../config/schema.ts'
import type { Extension } from '../../core/component/contract.ts'
import {
  KAFKA_CLIENTS,
  type KafkaMessage,
  type KafkaProducer,
  type KafkaProducing,
} from '../../core/transport/kafka/client.ts'
import { kafkaClientFields, kafkaConnection } from '../../core/transport/kafka/config.ts'
import { openProducer } from '../../core/transport/kafka/open.ts'
import { KafkaProblem, type KafkaProblemKind } from '../../core/transport/kafka/problem.ts'
import { readTopics } from '../kit/kafka-records.ts'
import { testSettings } from '../kit/parts.ts'
import { readConfig } from '../kit/read-config.ts'
import { need } from '../services/cache.ts'
import {
  KAFKA_PASSWORD,
  KAFKA_USER,
  type Kafka,
  kafka,
  topicName,
  unsecuredToken,
} from '../services/kafka.ts'
import { freePort } from '../services/ports.ts'
import { pythonTools } from '../services/python.ts'

const fields = section(kafkaClientFields, { doc: '' })

const PRODUCING: KafkaProducing = {
  acks: 1,
  compression: 'none',
  compressionLevel: 0,
  createTopics: true,
  idempotent: false,
}

const message = (text: string | Buffer): KafkaMessage => ({
  key: undefined,
  value: Buffer.from(text),
  headers: [],
})

/** As an oauth2client would be: it adds a bearer token to requests. */
const tokens = (token: string) =>
  ({
    start: async () => undefined,
    stop: async () => undefined,
    plainTextAllowed: false,
    authorize: (headers: Record<string, string>) => {
      headers['authorization'] = `Bearer ${token}`
    },
  }) as Extension

async function open(
  t: TestContext,
  client: (typeof KAFKA_CLIENTS)[number],
  plain: Record<string, unknown>,
  producing: Partial<KafkaProducing> = {},
  token = unsecuredToken(),
): Promise<KafkaProducer> {
  const settings = testSettings('exporter', 'kafka')
  settings.host.extensions.set('oauth2client', tokens(token))
  const config = readConfig(fields, { ...plain, metadata: { retry: { max: 2, backoff: '100ms' } } })
  const producer = await openProducer(client, kafkaConnection(config, settings, 5000), {
    ...PRODUCING,
    ...producing,
  })
  t.after(() => producer.close())
  return producer
}

async function problemOf(act: () => Promise<unknown>): Promise<KafkaProblem> {
  const problem = await act().then(
    () => undefined,
    error => error,
  )
  assert.ok(problem instanceof KafkaProblem, `a KafkaProblem, not ${problem}`)
  return problem
}

const sasl = (mechanism: string, password = KAFKA_PASSWORD) => ({
  auth: { sasl: { mechanism, username: KAFKA_USER, password } },
})
const oauth = { auth: { sasl: { mechanism: 'OAUTHBEARER', oauthbearer_token_source: 'oauth2client' } } }

/** Where, and with what. */
const WAYS_IN: Readonly<Record<string, (server: Kafka) => Record<string, unknown>>> = {
  nothing: ({ addresses }) => ({ brokers: addresses.plain }),
  TLS: ({ addresses, ca }) => ({ brokers: addresses.tls, tls: { ca_file: ca } }),
  'TLS, reloaded': ({ addresses, ca }) => ({
    brokers: addresses.tls,
    tls: { ca_file: ca, reload_interval: '1ms' },
  }),
  'TLS, any certificate': ({ addresses }) => ({
    brokers: addresses.tls,
    tls: { insecure_skip_verify: true },
  }),
  PLAIN: ({ addresses }) => ({ brokers: addresses.sasl, ...sasl('PLAIN') }),
  plain_text: ({ addresses }) => ({
    brokers: addresses.sasl,
    auth: { plain_text: { username: KAFKA_USER, password: KAFKA_PASSWORD } },
  }),
  'SCRAM-SHA-256': ({ addresses }) => ({ brokers: addresses.sasl, ...sasl('SCRAM-SHA-256') }),
  'SCRAM-SHA-512 over TLS': ({ addresses, ca }) => ({
    brokers: addresses.saslTls,
    tls: { ca_file: ca },
    ...sasl('SCRAM-SHA-512'),
  }),
  OAUTHBEARER: ({ addresses }) => ({ brokers: addresses.sasl, ...oauth }),
}

/** What is wrong, and what is said of it. */
const WRONG: readonly [name: string, (server: Kafka) => Record<string, unknown>, KafkaProblemKind, RegExp][] =
  [
    [
      'a wrong password, PLAIN',
      ({ addresses }) => ({ brokers: addresses.sasl, ...sasl('PLAIN', 'wrong') }),
      'credentials',
      /SASL_AUTHENTICATION_FAILED.*look at auth\.sasl/,
    ],
    [
      'a wrong password, SCRAM',
      ({ addresses }) => ({ brokers: addresses.sasl, ...sasl('SCRAM-SHA-512', 'wrong') }),
      'credentials',
      /SASL_AUTHENTICATION_FAILED/,
    ],
    [
      'no login where one is wanted',
      ({ addresses }) => ({ brokers: addresses.sasl }),
      'unreachable',
      /closed/i,
    ],
    [
      'no TLS where it is wanted',
      ({ addresses }) => ({ brokers: addresses.tls }),
      'unreachable',
      /closed|TLS/i,
    ],
    [
      'TLS where there is none',
      ({ addresses, ca }) => ({ brokers: addresses.plain, tls: { ca_file: ca } }),
      'unreachable',
      /TLS|SSL/i,
    ],
    [
      'an authority that is not known',
      ({ addresses }) => ({ brokers: addresses.tls, tls: {} }),
      'unreachable',
      /certificate/i,
    ],
  ]

for (const client of KAFKA_CLIENTS) {
  for (const [name, way] of Object.entries(WAYS_IN)) {
    // Scenario: a small record and one of many packets are written over this way in.
    // Guarantees: it works with this client, and the records are there.
    test(`${client} with ${name}`, { timeout: 60_000 }, async t => {
      if ((await need(t, 'a Kafka consumer for Python', () => pythonTools('kafka'))) === undefined) return
      const server = await need(t, 'Kafka', () => kafka())
      if (server === undefined) return
      const producer = await open(t, client, way(server))
      const topic = topicName('way-in')
      await producer.connect()
      assert.deepEqual(await producer.topic(topic), { partitions: 1, writable: [0] })
      const large = Buffer.alloc(300_000, 'large')
      await producer.produce(topic, 0, [message('here'), message(large)])
      const records = await readTopics(server.addresses.plain, [topic])
      assert.deepEqual(
        records.map(({ value }) => value.subarray(0, 8).toString()),
        ['here', 'largelar'],
      )
      assert.ok(records[1]!.value.equals(large))
    })
  }

  for (const [name, way, kind, words] of WRONG) {
    // Scenario: something about the connection or the login is wrong.
    // Guarantees: it is thrown as what it is, in words, and soon.
    test(`${client} with ${name}`, { timeout: 60_000 }, async t => {
      const server = await need(t, 'Kafka', () => kafka())
      if (server === undefined) return
      const producer = await open(t, client, way(server))
      const problem = await problemOf(async () => {
        await producer.connect()
        await producer.topic(topicName('never'))
      })
      assert.equal(problem.kind, kind, problem.message)
      assert.match(problem.message, words)
      assert.doesNotMatch(problem.message, /wrong|secret/, 'no password in a message')
    })
  }

  // Scenario: nobody listens; the topic may not be made; its name is none; a record is too large for the broker.
  // Guarantees: each is thrown as what it is, and the producer goes on working.
  test(`${client}: what brokers refuse`, { timeout: 60_000 }, async t => {
    const server = await need(t, 'Kafka', () => kafka())
    if (server === undefined) return
    const brokers = server.addresses.plain
    const nobody = await open(t, client, { brokers: [`127.0.0.1:${await freePort()}`] })
    assert.equal((await problemOf(() => nobody.topic('x'))).kind, 'unreachable')
    const strict = await open(t, client, { brokers }, { createTopics: false })
    const missing = await problemOf(() => strict.topic(topicName('missing')))
    assert.equal(missing.kind, 'no topic')
    assert.match(missing.message, /make the topic/)
    const producer = await open(t, client, { brokers })
    assert.equal((await problemOf(() => producer.topic('no good/name'))).kind, 'refused')
    const topic = topicName('large')
    await producer.topic(topic)
    const large = await problemOf(() => producer.produce(topic, 0, [message(Buffer.alloc(1_200_000))]))
    assert.equal(large.kind, 'too large')
    await producer.produce(topic, 0, [message('small')])
  })

  // Scenario: an idempotent producer with many batches at once, one of which is refused.
  // Guarantees: all others are there exactly once, in the order they were given.
  test(`${client}: idempotent`, { timeout: 60_000 }, async t => {
    if ((await need(t, 'a Kafka consumer for Python', () => pythonTools('kafka'))) === undefined) return
    const server = await need(t, 'Kafka', () => kafka())
    if (server === undefined) return
    const brokers = server.addresses.plain
    const producer = await open(t, client, { brokers }, { acks: -1, idempotent: true })
    const topic = topicName('idempotent')
    await producer.topic(topic)
    const texts = Array.from({ length: 30 }, (_, i) => (i === 12 ? Buffer.alloc(1_200_000) : `record ${i}`))
    const outcomes = await Promise.allSettled(texts.map(text => producer.produce(topic, 0, [message(text)])))
    assert.deepEqual(
      outcomes.flatMap(({ status }, i) => (status === 'rejected' ? [i] : [])),
      [12],
    )
    const records = await readTopics(brokers, [topic])
    assert.deepEqual(
      records.map(({ value }) => String(value)),
      texts.filter(text => typeof text === 'string'),
    )
  })

  // Scenario: acks: 0, keys and headers of every kind, an empty value.
  // Guarantees: what is read is what was written.
  test(`${client}: keys and headers`, { timeout: 60_000 }, async t => {
    if ((await need(t, 'a Kafka consumer for Python', () => pythonTools('kafka'))) === undefined) return
    const server = await need(t, 'Kafka', () => kafka())
    if (server === undefined) return
    const brokers = server.addresses.plain
    const producer = await open(t, client, { brokers }, { compression: 'zstd' })
    const topic = topicName('headers')
    await producer.topic(topic)
    const header = (name: string, value: string) => ({ name, value: Buffer.from(value) })
    await producer.produce(topic, 0, [
      {
        key: Buffer.alloc(0),
        value: Buffer.alloc(0),
        headers: [header('a', '1'), header('b', ''), header('a', '2')],
      },
      { key: Buffer.from([0, 255, 128]), value: Buffer.alloc(10, 1), headers: [header('größe', 'ä')] },
    ])
    const [first, second] = await readTopics(brokers, [topic])
    assert.equal(first!.key?.length, 0)
    assert.equal(first!.value.length, 0)
    assert.deepEqual([...first!.headers].sort(), [
      ['a', '1'],
      ['a', '2'],
      ['b', ''],
    ])
    assert.deepEqual([...second!.key!], [0, 255, 128])
    assert.deepEqual(second!.headers, [['größe', 'ä']])
    const unanswered = await open(t, client, { brokers }, { acks: 0 })
    await unanswered.topic(topic)
    await unanswered.produce(topic, 0, [message('unanswered')])
    await unanswered.close()
    await producer.produce(topic, 0, [message('last')])
    const all = (await readTopics(brokers, [topic])).map(({ value }) => String(value))
    assert.ok(all.includes('unanswered'))
  })
}
