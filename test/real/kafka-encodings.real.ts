/** Every encoding of the kafka receiver beside the Collector's own receiver, most of it written by the Collector. */

import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { jsonToRequest } from '../../core/otlp/json.ts'
import type { Signal } from '../../core/otlp/signals.ts'
import { KAFKA_CLIENTS } from '../../core/transport/kafka/client.ts'
import { encodingNames } from '../../receivers/kafka/encodings.ts'
import { comparableSpans } from '../core/formats/formats.ts'
import { thriftSpans } from '../core/formats/thrift-writer.ts'
import { goldenRequests } from '../kit/golden.ts'
import { message, receiving, writer } from '../kit/kafka-receiving.ts'
import { decodeRequest } from '../kit/proto.ts'
import { Random } from '../kit/random.ts'
import { sendHttp } from '../kit/send.ts'
import { need } from '../services/cache.ts'
import { collectorProgram, startCollector } from '../services/collector.ts'
import { kafkaBrokers, topicName } from '../services/kafka.ts'
import { freePort } from '../services/ports.ts'
import { eventually } from '../services/process.ts'

const SIGNALS = ['traces', 'metrics', 'logs'] as const
type Tested = (typeof SIGNALS)[number]

/** Those that the Collector's exporter does not write. */
const BY_HAND: Readonly<Record<string, readonly (string | Uint8Array)[]>> = {
  zipkin_thrift: Array.from({ length: 20 }, (_, seed) => thriftSpans(new Random(seed))),
  text: ['a line', 'Zürich ✓', ''],
  text_shift_jis: [Buffer.from('93fa967b8cea', 'hex')],
  'text_utf-16': [Buffer.from('eine Zeile', 'utf16le')],
  json: ['{"a": [1, 2.5, "x", null, true], "b": {"c": {}}}', '{}', '{"big": 9007199254740990}'],
}

interface Case {
  readonly name: string
  readonly signal: Tested
  readonly encoding: string
  readonly topic: string
}

function cases(prefix: string): Case[] {
  return SIGNALS.flatMap(signal => {
    const names = [...encodingNames(signal), ...(signal === 'logs' ? ['text_shift_jis', 'text_utf-16'] : [])]
    return names.map(encoding => {
      const name = `${signal}_${encoding}`
      return { name, signal, encoding, topic: `${prefix}.${name}` }
    })
  })
}

const quiet = { telemetry: { metrics: { level: 'none' } } }

/** The Collector's exporter, one for each encoding it has, fed with the golden requests. */
async function write(t: TestContext, brokers: readonly string[], all: readonly Case[]): Promise<void> {
  const byCollector = all.filter(({ encoding }) => BY_HAND[encoding] === undefined)
  const port = await freePort()
  const exporters = byCollector.map(({ name, signal, encoding, topic }) => [
    `kafka/${name}`,
    { brokers, [signal]: { topic, encoding }, sending_queue: { enabled: false } },
  ])
  const pipelines = SIGNALS.map(signal => [
    signal,
    {
      receivers: ['otlp'],
      exporters: byCollector.filter(one => one.signal === signal).map(({ name }) => `kafka/${name}`),
    },
  ])
  const collector = await startCollector(
    JSON.stringify({
      receivers: { otlp: { protocols: { http: { endpoint: `127.0.0.1:${port}` } } } },
      exporters: Object.fromEntries(exporters),
      service: { ...quiet, pipelines: Object.fromEntries(pipelines) },
    }),
  )
  t.after(() => collector.stop())
  for (const { signal, plain } of goldenRequests())
    if (signal !== 'profiles') await sendHttp(`127.0.0.1:${port}`, signal, plain)
  assert.equal(await collector.stop(), 0, collector.output())
  const producer = await writer(brokers)
  for (const { encoding, topic } of all) {
    const values = BY_HAND[encoding]
    if (values === undefined) continue
    await producer.topic(topic)
    // Headers too: which become attributes, and which do not.
    const headers = { who: 'müller', other: 'x' }
    await producer.produce(
      topic,
      0,
      values.map(value => message(value, headers)),
    )
  }
  await producer.close()
}

const EXTRACTION = { extract_headers: true, headers: ['who', 'absent'] }

/** What the Collector's receiver makes of each topic: requests by the case's name. */
async function readByCollector(
  t: TestContext,
  brokers: readonly string[],
  all: readonly Case[],
  counts: ReadonlyMap<string, number>,
): Promise<Map<string, Uint8Array[]>> {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-encodings-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const config = {
    receivers: Object.fromEntries(
      all.map(({ name, signal, encoding, topic }) => [
        `kafka/${name}`,
        {
          brokers,
          group_id: `${topic}.collector`,
          initial_offset: 'earliest',
          [signal]: { topics: [topic], encoding },
          header_extraction: EXTRACTION,
        },
      ]),
    ),
    exporters: Object.fromEntries(
      all.map(({ name }) => [`file/${name}`, { path: join(folder, name), flush_interval: '50ms' }]),
    ),
    service: {
      ...quiet,
      pipelines: Object.fromEntries(
        all.map(({ name, signal }) => [
          `${signal}/${name}`,
          { receivers: [`kafka/${name}`], exporters: [`file/${name}`] },
        ]),
      ),
    },
  }
  const collector = await startCollector(JSON.stringify(config))
  t.after(() => collector.stop())
  const linesOf = ({ name }: Case) => {
    const path = join(folder, name)
    return existsSync(path) ? readFileSync(path, 'utf8').split('\n').slice(0, -1) : []
  }
  const enough = () => all.every(one => linesOf(one).length >= counts.get(one.name)!) || undefined
  await eventually(enough, 'the Collector to read everything', 60_000)
  assert.equal(await collector.stop(), 0, collector.output())
  return new Map(
    all.map(one => [one.name, linesOf(one).map(line => jsonToRequest(Buffer.from(line), one.signal))]),
  )
}

/**
 * Read by protobufjs, with what may differ taken out: the time at which a line was read, a resource or scope without
 * anything, and orders without meaning.
 */
function comparable(signal: Signal, requests: readonly Uint8Array[]): string[] {
  if (signal === 'traces')
    return requests
      .flatMap(comparableSpans)
      .map(one => JSON.stringify(one))
      .sort()
  return requests.map(request => JSON.stringify(decodeRequest(signal, request), withoutNothing)).sort()
}

function withoutNothing(key: string, value: unknown): unknown {
  if (key === 'observedTimeUnixNano') return undefined
  if (key === 'kvlistValue') {
    // Go's maps come in any order.
    const { values = [] } = value as { values?: { key: string }[] }
    return values.toSorted((a, b) => (a.key < b.key ? -1 : 1))
  }
  const empty = (key === 'resource' || key === 'scope') && Object.keys(value as object).length === 0
  return empty ? undefined : value
}

// Scenario: the Collector's exporter writes the golden requests in every encoding it has; the others are written by hand,
// with headers. Sluice's receiver, with both clients, and the Collector's read all of it.
// Guarantees: both make the same of every record, headers that were asked for included.
test('every encoding, as the Collector reads it', { timeout: 180_000 }, async t => {
  if ((await need(t, 'the Collector', collectorProgram)) === undefined) return
  const brokers = await need(t, 'Kafka', kafkaBrokers)
  if (brokers === undefined) return
  const all = cases(topicName('encodings'))
  await write(t, brokers, all)
  const ours = new Map<string, Uint8Array[]>()
  for (const client of KAFKA_CLIENTS) {
    for (const signal of SIGNALS) {
      const some = all.filter(one => one.signal === signal)
      await Promise.all(
        some.map(async ({ name, encoding, topic }) => {
          const one = await receiving(
            {
              brokers,
              client,
              group_id: `${topic}.${client}`,
              initial_offset: 'earliest',
              [signal]: { topics: [topic], encoding },
              header_extraction: EXTRACTION,
            },
            signal,
          )
          // All of it: everything is there already, and the lag says how much is left.
          const lag = `otelcol_kafka_receiver_offset_lag{partition="0",topic="${topic}"}`
          await eventually(
            () => (one.settings.metrics.values.get(lag) === 0 && one.sink.batches.length > 0) || undefined,
            `${name} to be read`,
            30_000,
          )
          await one.stop()
          const requests = one.sink.batches.map(batch => batch.chunks[0]!)
          const before = ours.get(name)
          if (before !== undefined)
            assert.deepEqual(comparable(signal, requests), comparable(signal, before), `${name}, ${client}`)
          ours.set(name, requests)
        }),
      )
    }
  }
  const counts = new Map([...ours].map(([name, requests]) => [name, requests.length]))
  const theirs = await readByCollector(t, brokers, all, counts)
  for (const { name, signal } of all)
    assert.deepEqual(comparable(signal, ours.get(name)!), comparable(signal, theirs.get(name)!), name)
  t.diagnostic([...counts].map(([name, count]) => `${name} ${count}`).join(', '))
})
