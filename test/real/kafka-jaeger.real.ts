/**
 * Jaeger's own Kafka writer and ingester (the v2 binary: receiver and exporter of its release, storage in memory, query
 * API) with Sluice on the other side of the broker.
 */

import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { jsonToRequest } from '../../core/otlp/json.ts'
import { KAFKA_CLIENTS } from '../../core/transport/kafka/client.ts'
import { comparableSpans } from '../core/formats/formats.ts'
import { imbalances, startGateway } from '../kit/gateway-process.ts'
import { goldenRequests } from '../kit/golden.ts'
import { itemsOf } from '../kit/items.ts'
import { receiving } from '../kit/kafka-receiving.ts'
import { sendHttp } from '../kit/send.ts'
import { need } from '../services/cache.ts'
import { collectorProgram, startCollector } from '../services/collector.ts'
import { jaegerProgram, runJaeger } from '../services/jaeger.ts'
import { kafkaBrokers, topicName } from '../services/kafka.ts'
import { freePort } from '../services/ports.ts'
import { eventually, type Running } from '../services/process.ts'

const ENCODINGS = ['otlp_proto', 'otlp_json', 'jaeger_proto', 'jaeger_json'] as const
type Encoding = (typeof ENCODINGS)[number]
const WRITERS = [...KAFKA_CLIENTS, 'otelcol', 'jaeger'] as const
type Writer = (typeof WRITERS)[number]

/** One writer and one encoding: a topic, and trace ids of its own, because Jaeger has one storage for all of them. */
interface Lane {
  readonly writer: Writer
  readonly encoding: Encoding
  readonly topic: string
  /** What is sent. */
  readonly requests: readonly Buffer[]
  /** Trace ids in hex, as sent to as they were before. */
  readonly ids: ReadonlyMap<string, string>
}

/** Two programs beside each other would want one port for their metrics. */
const QUIET = { telemetry: { metrics: { level: 'none' } } }

const golden = goldenRequests()
  .filter(({ signal }) => signal === 'traces')
  .map(({ plain }) => Buffer.from(plain))
const goldenIds = [...new Set(golden.flatMap(traceIds))]
const goldenSpans = golden.flatMap(spansOf)

/** The spans of a request, as protobufjs reads them. */
function spansOf(request: Uint8Array): { traceId: string; links?: { traceId: string }[] }[] {
  return itemsOf('traces', request).map(({ item }) => item as never)
}

/** Those of spans and of links, in hex. */
function traceIds(request: Uint8Array): string[] {
  const all = spansOf(request).flatMap(span => [span, ...(span.links ?? [])])
  return all.map(({ traceId }) => Buffer.from(traceId, 'base64').toString('hex'))
}

/** The same request with other trace ids: 16 bytes for 16 bytes, nothing else changes. */
function withIds(request: Uint8Array, ids: ReadonlyMap<string, string>): Buffer {
  const changed = Buffer.from(request)
  for (const [from, to] of ids) {
    const old = Buffer.from(from, 'hex')
    for (let at = changed.indexOf(old); at >= 0; at = changed.indexOf(old, at + old.length))
      changed.write(to, at, 'hex')
  }
  return changed
}

function lanesOf(prefix: string): Lane[] {
  return WRITERS.flatMap((writer, w) =>
    ENCODINGS.map((encoding, e) => {
      const number = (w * ENCODINGS.length + e + 1).toString(16).padStart(4, '0')
      const there = new Map(goldenIds.map(id => [id, number + id.slice(4)]))
      const ids = new Map([...there].map(([before, after]) => [after, before]))
      const requests = golden.map(request => withIds(request, there))
      return { writer, encoding, topic: `${prefix}.${writer}.${encoding}`, requests, ids }
    }),
  )
}

/** Spans in a form that can be compared, with the trace ids they had before. Jaeger keeps no schema URLs. */
function comparable(requests: readonly Uint8Array[], ids: ReadonlyMap<string, string>): string[] {
  const spans = requests.map(request => withIds(request, ids)).flatMap(comparableSpans)
  const kept = (key: string, value: unknown) => (/SchemaUrl$/.test(key) ? undefined : value)
  return spans.map(span => JSON.stringify(span, kept)).sort()
}

/** One OTLP door and one exporter for each encoding; `port` of each door on 127.0.0.1. */
function writing(
  lanes: readonly Lane[],
  ports: readonly number[],
  brokers: readonly string[],
  more: { readonly exporter?: object; readonly service?: object },
) {
  const name = (type: string, { encoding }: Lane) =>
    encoding === 'otlp_proto' ? type : `${type}/${encoding}`
  const exporter = ({ topic, encoding }: Lane) => ({ brokers, traces: { topic, encoding }, ...more.exporter })
  const door = (port: number) => ({ protocols: { http: { endpoint: `127.0.0.1:${port}` } } })
  return JSON.stringify({
    receivers: Object.fromEntries(lanes.map((lane, i) => [name('otlp', lane), door(ports[i]!)])),
    exporters: Object.fromEntries(lanes.map(lane => [name('kafka', lane), exporter(lane)])),
    service: {
      ...more.service,
      pipelines: Object.fromEntries(
        lanes.map(lane => [
          name('traces', lane),
          { receivers: [name('otlp', lane)], exporters: [name('kafka', lane)] },
        ]),
      ),
    },
  })
}

async function send(lanes: readonly Lane[], addresses: readonly string[]): Promise<void> {
  for (const [i, { requests }] of lanes.entries())
    for (const request of requests) await sendHttp(addresses[i]!, 'traces', request)
}

/** Writes all lanes of one writer and ends it, so that everything is in the topics. */
async function write(
  t: TestContext,
  writer: Writer,
  lanes: readonly Lane[],
  brokers: readonly string[],
): Promise<void> {
  const ports = await Promise.all(lanes.map(freePort))
  const addresses = ports.map(port => `127.0.0.1:${port}`)
  if (writer === 'otelcol' || writer === 'jaeger') {
    const config = writing(lanes, ports, brokers, { service: QUIET })
    const running = await (writer === 'otelcol' ? startCollector(config) : runJaeger(config))
    t.after(() => running.stop())
    await running.printed(/Everything is ready/)
    await send(lanes, addresses)
    assert.equal(await running.stop(), 0, running.output())
    return
  }
  const config = writing(lanes, ports, brokers, { exporter: { client: writer } })
  // The gateway has a door of its own for the first, and metrics that say whether the ledger balances.
  const gateway = await startGateway(['--config', `yaml:${config}`])
  t.after(() => gateway.stop())
  await send(lanes, [gateway.http, ...addresses.slice(1)])
  const settled = async () => imbalances(await gateway.metrics()).length === 0 || undefined
  await eventually(settled, 'the ledger to balance')
  assert.equal(await gateway.stop(), 0, gateway.output())
}

interface Ingester extends Running {
  /** Base URL of its query API. */
  readonly query: string
}

/** A group for each topic: two receivers with the default group would share one. */
async function startIngester(lanes: readonly Lane[], brokers: readonly string[]): Promise<Ingester> {
  const [http, grpc] = [await freePort(), await freePort()]
  const receivers = lanes.map(({ topic, encoding }, i) => [
    `kafka/${i}`,
    { brokers, group_id: `${topic}.ingester`, initial_offset: 'earliest', traces: { topic, encoding } },
  ])
  const config = {
    extensions: {
      jaeger_storage: { backends: { memory: { memory: { max_traces: 100_000 } } } },
      jaeger_query: {
        storage: { traces: 'memory' },
        http: { endpoint: `127.0.0.1:${http}` },
        grpc: { endpoint: `127.0.0.1:${grpc}` },
      },
    },
    receivers: Object.fromEntries(receivers),
    exporters: { jaeger_storage_exporter: { trace_storage: 'memory' } },
    service: {
      extensions: ['jaeger_storage', 'jaeger_query'],
      ...QUIET,
      pipelines: {
        traces: { receivers: receivers.map(([name]) => name), exporters: ['jaeger_storage_exporter'] },
      },
    },
  }
  const running = await runJaeger(JSON.stringify(config))
  await running.printed(/Everything is ready/)
  return { ...running, query: `http://127.0.0.1:${http}` }
}

/** What the query API has of a lane; traces that are not there (yet) have nothing. Raw: as they are stored. */
async function ingested({ query }: Ingester, { ids }: Lane): Promise<Uint8Array[]> {
  const requests: Uint8Array[] = []
  for (const id of ids.keys()) {
    const answer = await fetch(`${query}/api/v3/traces/${id}?raw_traces=true`)
    if (answer.status === 404) continue
    assert.equal(answer.status, 200, `${id}: ${await answer.clone().text()}`)
    const { result } = (await answer.json()) as { result: object }
    requests.push(jsonToRequest(Buffer.from(JSON.stringify(result)), 'traces'))
  }
  return requests
}

/** Both are sorted; of long lists only the first difference can be read. */
function assertSame(found: readonly string[], expected: readonly string[], what: string): void {
  assert.equal(found.length, expected.length, `${what}: how many spans`)
  for (const [i, span] of found.entries()) assert.equal(span, expected[i], what)
}

// Scenario: Sluice with either client, the Collector and Jaeger's collector write requests captured from SDKs, in the four
// encodings that Jaeger has. Its ingester reads all of it into memory; Sluice's receiver, with either client, reads what
// Jaeger wrote.
// Guarantees: Jaeger's query API gives the same spans whoever wrote them; in OTLP they are those that were sent, field by
// field. Sluice reads from Jaeger's topics what Jaeger reads from them.
test("Jaeger's writer and ingester", { timeout: 180_000 }, async t => {
  if ((await need(t, 'Jaeger', jaegerProgram)) === undefined) return
  if ((await need(t, 'the Collector', collectorProgram)) === undefined) return
  const brokers = await need(t, 'Kafka', kafkaBrokers)
  if (brokers === undefined) return
  const lanes = lanesOf(topicName('jaeger'))
  for (const writer of WRITERS) {
    const its = lanes.filter(lane => lane.writer === writer)
    await write(t, writer, its, brokers)
  }
  const ingester = await startIngester(lanes, brokers)
  t.after(() => ingester.stop())

  const sent = comparable(golden, new Map())
  const read = new Map<Encoding, string[]>()
  for (const lane of lanes) {
    const { writer, encoding } = lane
    const found = await eventually(
      async () => {
        const spans = comparable(await ingested(ingester, lane), lane.ids)
        return spans.length >= goldenSpans.length ? spans : undefined
      },
      `all spans that ${writer} wrote as ${encoding} to be in Jaeger`,
      30_000,
    )
    const expected = encoding.startsWith('otlp') ? sent : (read.get(encoding) ?? found)
    assertSame(found, expected, `${writer}, ${encoding}`)
    read.set(encoding, expected)
  }

  const reading = lanes
    .filter(({ writer }) => writer === 'jaeger')
    .flatMap(lane => KAFKA_CLIENTS.map(client => [lane, client] as const))
  await Promise.all(
    reading.map(async ([{ topic, encoding, ids }, client]) => {
      const traces = { topics: [topic], encoding }
      const group_id = `${topic}.${client}`
      const receiver = await receiving({ brokers, client, group_id, initial_offset: 'earliest', traces })
      t.after(() => receiver.stop())
      const requests = () => receiver.sink.batches.flatMap(({ chunks }) => chunks)
      const all = () => requests().flatMap(spansOf).length >= goldenSpans.length || undefined
      await eventually(all, `${client} to read ${encoding} of Jaeger`, 30_000)
      await receiver.stop()
      assertSame(comparable(requests(), ids), read.get(encoding)!, `${client}, ${encoding}`)
    }),
  )
  t.diagnostic(`${goldenSpans.length} spans, ${goldenIds.length} traces`)
})
