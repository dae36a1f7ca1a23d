/** `kafka`: the same records on the same partitions, with the same keys, headers and topics. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { countItems } from '../../core/otlp/walk.ts'
import { type KafkaRecord, readTopics } from '../kit/kafka-records.ts'
import { makeTopics } from '../kit/kafka-topics.ts'
import { need } from '../services/cache.ts'
import { kafka } from '../services/kafka.ts'
import { pythonTools } from '../services/python.ts'
import { Comparison } from './comparison.ts'
import { post } from './exchange.ts'
import { saying } from './outputs.ts'
import { type Side, startPair } from './pair.ts'
import { generated, golden, random } from './requests.ts'

const SIGNALS = ['traces', 'metrics', 'logs'] as const
type Signal = (typeof SIGNALS)[number]

const PARTITIONS = 5

interface Case {
  readonly name: string
  readonly yaml: string
  readonly encoding?: string
  /** Partitions of records without a key are chosen at random; that they are there is all that can be said. */
  readonly keyed?: boolean
  /** Those that the encoding has. What other formats make of a span is compared where they are (core/formats). */
  readonly signals?: readonly Signal[]
}

const signalsOf = ({ signals = SIGNALS }: Case): readonly Signal[] => signals

const CASES: readonly Case[] = [
  { name: 'plain', yaml: '' },
  { name: 'json', yaml: '', encoding: 'otlp_json' },
  { name: 'traces by id', yaml: 'partition_traces_by_id: true', keyed: true },
  { name: 'by id in json', yaml: 'partition_traces_by_id: true', encoding: 'otlp_json', keyed: true },
  { name: 'logs by id', yaml: 'partition_logs_by_trace_id: true', keyed: true },
  {
    name: 'by resource',
    yaml: 'partition_logs_by_resource_attributes: true, partition_metrics_by_resource_attributes: true',
    keyed: true,
  },
  {
    name: 'murmur2',
    yaml: 'partition_traces_by_id: true, record_partitioner: {sticky_key: {hasher: murmur2}}',
    keyed: true,
  },
  {
    name: 'headers',
    yaml: 'record_headers: [{name: fixed, value: "1"}, {name: fixed, value: "2"}], include_metadata_keys: [X-Tenant, absent]',
  },
  { name: 'jaeger proto', yaml: '', encoding: 'jaeger_proto', keyed: true, signals: ['traces'] },
  { name: 'jaeger json', yaml: '', encoding: 'jaeger_json', keyed: true, signals: ['traces'] },
  { name: 'gzip', yaml: 'producer: {compression: gzip, required_acks: all}' },
  { name: 'snappy', yaml: 'producer: {compression: snappy}' },
  { name: 'lz4', yaml: 'producer: {compression: lz4}' },
  { name: 'zstd', yaml: 'producer: {compression: zstd, compression_params: {level: 3}}' },
  {
    name: 'small batches',
    yaml: 'producer: {flush_max_messages: 1, linger: 0s}, partition_traces_by_id: true',
    keyed: true,
  },
]

const topicOf = ({ name, encoding = 'otlp_proto' }: Case, signal: Signal, side: string) =>
  `${name.replaceAll(' ', '-')}-${side}.${signal}.${encoding}`

function exporter(one: Case, i: number, brokers: readonly string[]): string {
  const signals = signalsOf(one).map(
    signal =>
      `${signal}: {topic: "${topicOf(one, signal, '@side:port@')}", encoding: ${one.encoding ?? 'otlp_proto'}}`,
  )
  const parts = [`brokers: ${JSON.stringify(brokers)}`, ...signals, ...(one.yaml === '' ? [] : [one.yaml])]
  return `  kafka/${i}: {${parts.join(', ')}}`
}

/** Topics and keys that come from the data or the request: names carry the side, so that they do not meet. */
const ROUTED = `{brokers: @@brokers@@, topic_from_attribute: service.name,
    traces: {topic: routed-@side:port@, topic_from_metadata_key: x-topic, message_key_from_metadata_key: x-key},
    metrics: {topic: routed-@side:port@}, logs: {topic: routed-@side:port@},
    record_headers: [{name: side, value: "@side:port@"}]}`

function config(brokers: readonly string[]): string {
  const ids = [...CASES.map((_, i) => `kafka/${i}`), 'kafka/routed']
  return `
receivers: {otlp: {protocols: {http: {endpoint: "@http@", include_metadata: true}}}}
exporters:
${CASES.map((one, i) => exporter(one, i, brokers)).join('\n')}
  kafka/routed: ${ROUTED.replace('@@brokers@@', JSON.stringify(brokers))}
service:
  pipelines:
${SIGNALS.map(signal => `    ${signal}: {receivers: [otlp], exporters: [${ids.join(', ')}]}`).join('\n')}
`
}

const port = (side: Side): string => side.address('side').split(':')[1]!

function ownTopics(side: string): string[] {
  return [...CASES.flatMap(one => signalsOf(one).map(signal => topicOf(one, signal, side))), `routed-${side}`]
}

/** Topics that both write to. */
const shared = [
  ...new Set(golden().flatMap(({ signal, bytes }) => serviceNames(signal, bytes))),
  'from-metadata-0',
  'from-metadata-1',
]

/** Everything that can be compared of records, in an order of its own, and how many have nothing in them. */
function seen(all: readonly KafkaRecord[], signal: Signal, keyed: boolean) {
  const full = all.filter(({ message }) => message === null || countItems(message, signal) > 0)
  return { records: comparable(full, signal, keyed), empty: all.length - full.length }
}

function comparable(records: readonly KafkaRecord[], signal: Signal, keyed: boolean): string[] {
  return records
    .map(({ key, partition, headers, message }) => ({
      key: key === null ? null : key.toString('hex'),
      partition: keyed && key !== null ? partition : 'any',
      headers,
      says: message === null ? 'another format' : saying(signal, [message])[0],
    }))
    .map(record => JSON.stringify(record))
    .sort()
}

// Scenario: real, generated and random requests go into many kafka exporters, which differ in how they make records.
// Guarantees: librdkafka finds the same records of Sluice as of the Collector.
test('kafka', { timeout: 300_000 }, async t => {
  if ((await need(t, 'a Kafka consumer for Python', () => pythonTools('kafka'))) === undefined) return
  const server = await need(t, 'Kafka', () => kafka({ partitions: PARTITIONS }))
  if (server === undefined) return
  const brokers = server.addresses.plain
  await makeTopics(brokers, shared)
  const pair = await startPair(t, config(brokers), {
    before: async (_name, address) => makeTopics(brokers, ownTopics(address('side').split(':')[1]!)),
  })
  if (pair === undefined) return
  const requests = [...golden(), ...generated(8), ...random(4)].filter(
    ({ signal, bytes }) => countItems(bytes, signal) > 0,
  )
  await pair.both(async side => {
    for (const [i, { signal, bytes }] of requests.entries()) {
      const headers = {
        'x-tenant': `t${i % 2}`,
        ...(i % 3 === 0 ? { 'x-topic': `from-metadata-${i % 2}`, 'x-key': `key ${i % 5}` } : {}),
      }
      const { status } = await post(side.address('http'), signal, bytes, headers)
      assert.equal(status, 200)
    }
  })
  await pair.stop()
  // All topics of a side at once: starting Python for each takes longer than reading.
  const [ourRecords, theirRecords] = await pair.both(side =>
    readTopics(
      brokers,
      CASES.flatMap(one => signalsOf(one).map(signal => topicOf(one, signal, port(side)))),
    ),
  )
  const recordsOf = new Map(pair.sides.map((side, i) => [side, [ourRecords, theirRecords][i]!]))
  const comparison = new Comparison('kafka')
  for (const one of CASES) {
    for (const signal of signalsOf(one)) {
      await t.test(`${one.name}, ${signal}`, async () => {
        const [ours, theirs] = await pair.both(async side => {
          const topic = topicOf(one, signal, port(side))
          const records = recordsOf.get(side)!.filter(record => record.topic === topic)
          return seen(records, signal, one.keyed ?? false)
        })
        assert.ok(theirs.records.length >= requests.filter(request => request.signal === signal).length)
        comparison.same(`${one.name}, ${signal}`, ours, theirs)
      })
    }
  }
  await t.test('topics from attributes and metadata', async () => {
    const records = await readTopics(brokers, [...shared, ...pair.sides.map(side => `routed-${port(side)}`)])
    const [ours, theirs] = pair.sides.map(side => ({
      records: records
        .filter(({ headers }) => headers.some(([name, value]) => name === 'side' && value === port(side)))
        // Of which signal is not known; resources without items are seen in the cases above.
        .filter(({ value }) => SIGNALS.some(signal => hasItems(value, signal)))
        .map(({ topic, key, partition }) =>
          JSON.stringify({
            topic: topic.replace(port(side), 'SIDE'),
            key: key === null ? null : String(key),
            partition: key === null ? 'any' : partition,
          }),
        )
        .sort(),
    }))
    assert.ok(theirs!.records.length > requests.length / 2)
    comparison.same('routed', ours!, theirs!)
  })
  comparison.end()
})

function hasItems(value: Uint8Array, signal: Signal): boolean {
  try {
    return countItems(value, signal) > 0
  } catch {
    return false
  }
}

/** Those that are topics, too. */
function serviceNames(signal: Signal, bytes: Uint8Array): string[] {
  const text = JSON.stringify(saying(signal, [bytes]))
  const found = text.matchAll(/"key":"service\.name","value":\{"stringValue":"([\w.-]+)"/g)
  return [...found].map(([, name]) => name!)
}
