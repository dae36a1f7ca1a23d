/** Out of Sluice, through a real broker, and in again: the encodings and signals that kafka.real.ts has not. */

import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { jsonToRequest } from '../../core/otlp/json.ts'
import type { Signal } from '../../core/otlp/signals.ts'
import { KAFKA_CLIENTS } from '../../core/transport/kafka/client.ts'
import { comparableSpans } from '../core/formats/formats.ts'
import { imbalances, type RunningGateway, startGateway } from '../kit/gateway-process.ts'
import { generate } from '../kit/generate.ts'
import { goldenRequests } from '../kit/golden.ts'
import { itemsOf } from '../kit/items.ts'
import { receiving } from '../kit/kafka-receiving.ts'
import { normalize } from '../kit/normalize.ts'
import { sendHttp } from '../kit/send.ts'
import { need } from '../services/cache.ts'
import { collectorProgram, startCollector } from '../services/collector.ts'
import { kafkaBrokers, topicName } from '../services/kafka.ts'
import { freePort } from '../services/ports.ts'
import { eventually } from '../services/process.ts'

const ROUTES = [
  { signal: 'traces', encoding: 'zipkin_proto' },
  { signal: 'traces', encoding: 'zipkin_json' },
  { signal: 'logs', encoding: 'raw' },
] as const
type Route = (typeof ROUTES)[number]

const goldenOf = (signal: Signal) => goldenRequests().filter(one => one.signal === signal)

/** A door and an exporter for each route. */
function writing(brokers: readonly string[], ports: readonly number[], prefix: string, more: object): string {
  const name = (type: string, i: number) => (i === 0 ? type : `${type}/${i}`)
  const each = <T>(make: (route: Route, i: number) => readonly [string, T]) =>
    Object.fromEntries(ROUTES.map(make))
  return JSON.stringify({
    receivers: each((_, i) => [
      name('otlp', i),
      { protocols: { http: { endpoint: `127.0.0.1:${ports[i]}` } } },
    ]),
    exporters: each(({ signal, encoding }, i) => [
      name('kafka', i),
      { brokers, [signal]: { topic: `${prefix}.${encoding}`, encoding }, ...more },
    ]),
    service: {
      pipelines: each(({ signal }, i) => [
        `${signal}/${i}`,
        { receivers: [name('otlp', i)], exporters: [name('kafka', i)] },
      ]),
    },
  })
}

async function send(addresses: readonly string[]): Promise<void> {
  for (const [i, { signal }] of ROUTES.entries())
    for (const { plain } of goldenOf(signal)) await sendHttp(addresses[i]!, signal, plain)
}

async function settled(gateway: RunningGateway): Promise<void> {
  await eventually(async () => {
    const metrics = await gateway.metrics()
    const waiting = [...metrics].some(([name, size]) => /exporter_queue_size/.test(name) && size > 0)
    return (!waiting && imbalances(metrics).length === 0) || undefined
  }, 'the queues to be empty and the ledger to balance')
}

/** What Sluice's receiver finds, as texts that can be compared; a record may come as one request or as another. */
async function read(
  t: TestContext,
  brokers: readonly string[],
  { signal, encoding }: Route,
  topic: string,
  items: number | undefined,
): Promise<string[]> {
  const receiver = await receiving(
    { brokers, group_id: topic, initial_offset: 'earliest', [signal]: { topics: [topic], encoding } },
    signal,
  )
  t.after(() => receiver.stop())
  const lag = `otelcol_kafka_receiver_offset_lag{partition="0",topic="${topic}"}`
  const requests = () => receiver.sink.batches.flatMap(({ chunks }) => chunks)
  const found = () =>
    signal === 'traces'
      ? requests().flatMap(comparableSpans)
      : requests()
          .flatMap(request => itemsOf('logs', request))
          .map(({ item }) => (item as { body?: unknown }).body)
  await eventually(
    () =>
      (receiver.settings.metrics.values.get(lag) === 0 &&
        found().length > 0 &&
        found().length >= (items ?? 0)) ||
      undefined,
    `${topic} to be read`,
    30_000,
  )
  await receiver.stop()
  return found()
    .map(one => JSON.stringify(one, comparable))
    .sort()
}

/** Two things are otherwise on purpose (docs/differences.md): scopes do not leak, and a port without an address is kept. */
function comparable(key: string, value: unknown): unknown {
  if (key === 'scope') return (value as { name?: string }).name
  if (key !== 'attributes') return value
  return (value as string[]).filter(text => !text.startsWith('net.peer.port ='))
}

// Scenario: golden requests are written in zipkin_proto, zipkin_json and raw by Sluice, with either client, and by the
// Collector; Sluice's receiver, which is compared with the Collector's elsewhere, reads all three.
// Guarantees: the records say the same whoever wrote them.
test('zipkin and raw, as the Collector writes them', { timeout: 120_000 }, async t => {
  if ((await need(t, 'the Collector', collectorProgram)) === undefined) return
  const brokers = await need(t, 'Kafka', kafkaBrokers)
  if (brokers === undefined) return
  const prefix = topicName('round')
  const ports = await Promise.all(ROUTES.map(freePort))
  const addresses = ports.map(port => `127.0.0.1:${port}`)
  const quiet = ['--set', 'service.telemetry.metrics.level=none']
  const collector = await startCollector(writing(brokers, ports, `${prefix}.otelcol`, {}), quiet)
  t.after(() => collector.stop())
  await send(addresses)
  assert.equal(await collector.stop(), 0, collector.output())
  const theirs = await Promise.all(
    ROUTES.map(route => read(t, brokers, route, `${prefix}.otelcol.${route.encoding}`, undefined)),
  )
  for (const client of KAFKA_CLIENTS) {
    const config = writing(brokers, ports, `${prefix}.${client}`, { client })
    const gateway = await startGateway(['--config', `yaml:${config}`])
    t.after(() => gateway.stop())
    await send([gateway.http, ...addresses.slice(1)])
    await settled(gateway)
    assert.equal(await gateway.stop(), 0, gateway.output())
    const ours: string[][] = await Promise.all(
      ROUTES.map((route, i) =>
        read(t, brokers, route, `${prefix}.${client}.${route.encoding}`, theirs[i]!.length),
      ),
    )
    for (const [i, { encoding }] of ROUTES.entries()) {
      assert.equal(ours[i]!.length, theirs[i]!.length, `${client}, ${encoding}`)
      // One by one: of a long list only the first difference can be read.
      for (const [n, one] of ours[i]!.entries()) assert.equal(one, theirs[i]![n], `${client}, ${encoding}`)
    }
  }
  t.diagnostic(ROUTES.map(({ encoding }, i) => `${encoding} ${theirs[i]!.length}`).join(', '))
})

for (const client of KAFKA_CLIENTS) {
  // Scenario: requests of profiles with every optional field, in both encodings, through one gateway into Kafka, and through
  // another one from there into files.
  // Guarantees: the files have what was sent, dictionary and all, and the ledgers balance.
  test(`${client}: profiles from exporter to receiver`, { timeout: 60_000 }, async t => {
    const brokers = await need(t, 'Kafka', kafkaBrokers)
    if (brokers === undefined) return
    const folder = mkdtempSync(join(tmpdir(), 'sluice-kafka-profiles-'))
    t.after(() => rmSync(folder, { recursive: true }))
    const encodings = ['otlp_proto', 'otlp_json']
    const topic = topicName('profiles')
    const each = <T>(make: (encoding: string) => T) =>
      Object.fromEntries(encodings.map(encoding => [encoding, make(encoding)]))
    const named = (type: string, all: Record<string, unknown>) =>
      Object.fromEntries(Object.entries(all).map(([encoding, one]) => [`${type}/${encoding}`, one]))
    const profiles = (encoding: string) => ({ topic: `${topic}.${encoding}`, encoding })
    const otlp = { otlp: { protocols: { grpc: null, http: null } } }
    const writer = {
      receivers: otlp,
      exporters: named(
        'kafka',
        each(encoding => ({ brokers, client, profiles: profiles(encoding) })),
      ),
      service: {
        pipelines: { profiles: { receivers: ['otlp'], exporters: encodings.map(name => `kafka/${name}`) } },
      },
    }
    const file = (encoding: string) => join(folder, `${encoding}.jsonl`)
    const reader = {
      receivers: {
        ...otlp,
        ...named(
          'kafka',
          each(encoding => ({
            brokers,
            client,
            group_id: `${topic}.${encoding}`,
            initial_offset: 'earliest',
            profiles: { topics: [`${topic}.${encoding}`], encoding },
          })),
        ),
      },
      exporters: named(
        'file',
        each(encoding => ({ path: file(encoding) })),
      ),
      service: {
        pipelines: named(
          'profiles',
          each(encoding => ({
            receivers: [`kafka/${encoding}`, ...(encoding === 'otlp_proto' ? ['otlp'] : [])],
            exporters: [`file/${encoding}`],
          })),
        ),
      },
    }
    const begin = await startGateway(['--config', `yaml:${JSON.stringify(writer)}`])
    t.after(() => begin.stop())
    const sent = [1, 2, 3, 4].map(seed => generate('profiles', seed, 5).bytes)
    for (const request of sent) await sendHttp(begin.http, 'profiles', request)
    await settled(begin)
    assert.equal(await begin.stop(), 0, begin.output())
    const end = await startGateway(['--config', `yaml:${JSON.stringify(reader)}`])
    t.after(() => end.stop())
    const lines = (encoding: string) =>
      existsSync(file(encoding)) ? readFileSync(file(encoding), 'utf8').trim().split('\n') : []
    const all = () => encodings.every(encoding => lines(encoding).length >= sent.length) || undefined
    await eventually(all, 'all profiles to be in the files', 30_000)
    await settled(end)
    assert.equal(await end.stop(), 0, end.output())
    const plain = (requests: Uint8Array[]) =>
      requests.map(bytes => JSON.stringify(normalize('profiles', bytes))).sort()
    for (const encoding of encodings) {
      const found = lines(encoding).map(line => jsonToRequest(Buffer.from(line), 'profiles'))
      assert.deepEqual(plain(found), plain(sent), encoding)
    }
  })
}
