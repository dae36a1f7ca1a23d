/**
 * Jaeger's System Architecture page over documents that Sluice wrote. The judge is a Jaeger that keeps the same spans in
 * memory and counts their calls itself.
 */

import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { imbalances, startGateway } from '../kit/gateway-process.ts'
import { type GraphSpan, graphRequest } from '../kit/graph.ts'
import { Random } from '../kit/random.ts'
import { sendHttp } from '../kit/send.ts'
import { need } from '../services/cache.ts'
import { elasticsearchUrl, indexPrefix } from '../services/elasticsearch.ts'
import { jaegerProgram, runJaeger, startJaeger } from '../services/jaeger.ts'
import { freePort } from '../services/ports.ts'
import { eventually } from '../services/process.ts'

const SERVICES = ['shop', 'cart', 'pay', 'mail', 'stock']
const TRACES = 40

/** `host:port` of OTLP over HTTP, and its query API. */
async function startInMemory(t: TestContext) {
  const [otlp, http, grpc] = [await freePort(), await freePort(), await freePort()]
  const config = {
    extensions: {
      jaeger_storage: { backends: { memory: { memory: { max_traces: 10_000 } } } },
      jaeger_query: {
        storage: { traces: 'memory' },
        http: { endpoint: `127.0.0.1:${http}` },
        grpc: { endpoint: `127.0.0.1:${grpc}` },
      },
    },
    receivers: { otlp: { protocols: { http: { endpoint: `127.0.0.1:${otlp}` } } } },
    exporters: { jaeger_storage_exporter: { trace_storage: 'memory' } },
    service: {
      extensions: ['jaeger_storage', 'jaeger_query'],
      telemetry: { metrics: { level: 'none' } },
      pipelines: { traces: { receivers: ['otlp'], exporters: ['jaeger_storage_exporter'] } },
    },
  }
  const running = await runJaeger(JSON.stringify(config))
  t.after(() => running.stop())
  await running.printed(/Everything is ready/)
  return { otlp: `127.0.0.1:${otlp}`, query: `http://127.0.0.1:${http}` }
}

/** What the page asks for: links of the last hour, `parent -> child` to calls. */
async function dependencies(query: string): Promise<[string, number][]> {
  const answer = await fetch(`${query}/api/dependencies?endTs=${Date.now() + 1000}&lookback=3600000`)
  assert.equal(answer.status, 200, await answer.clone().text())
  const { data } = (await answer.json()) as {
    data: { parent: string; child: string; callCount: number }[]
  }
  return data
    .map(({ parent, child, callCount }): [string, number] => [`${parent} -> ${child}`, callCount])
    .sort()
}

/** Traces of up to 20 spans, each a child of an earlier one, or of none that ever comes. */
function traces(random: Random): GraphSpan[] {
  return Array.from({ length: TRACES }, (_, trace) =>
    Array.from(
      { length: 1 + random.below(20) },
      (_, i): GraphSpan => ({
        service: random.pick(SERVICES),
        trace,
        id: i + 1,
        ...(i > 0 ? { parent: random.chance(0.95) ? 1 + random.below(i) : 500 } : {}),
        kind: random.pick(['internal', 'client', 'server', 'producer', 'consumer']),
        ms: 1,
      }),
    ),
  ).flat()
}

// Scenario: spans of five services, in any order, in requests of any size, over several intervals, some twice; Sluice
// writes them and who calls whom to Elasticsearch; a stock Jaeger reads it.
// Guarantees: /api/dependencies answers what a Jaeger says that has all spans in memory, but for calls of a service to
// itself; nothing is counted twice, also not by documents of several intervals; the ledger balances.
test("Jaeger's System Architecture", { timeout: 900_000 }, async t => {
  const url = await need(t, 'Elasticsearch', elasticsearchUrl)
  if (url === undefined) return
  if ((await need(t, 'Jaeger', jaegerProgram)) === undefined) return
  const prefix = indexPrefix('dependencies')
  const judge = await startInMemory(t)
  const reader = await startJaeger(url, prefix)
  t.after(() => reader.stop())
  const one = '{shards: 1, replicas: 0}'
  const exporter = `{endpoint: "${url}", mapping: {mode: jaeger}, sending_queue: {batch: {flush_timeout: 50ms}}, jaeger: {version: "8", dependencies: {interval: 1s, ttl: 3s}, indices: {index_prefix: ${prefix}, spans: ${one}, services: ${one}, dependencies: ${one}}}}`
  const gateway = await startGateway([
    `--config=yaml:{receivers: {otlp: {protocols: {grpc: , http: }}}, exporters: {elasticsearch: ${exporter}}, service: {pipelines: {traces: {receivers: [otlp], exporters: [elasticsearch]}}}}`,
  ])
  t.after(() => gateway.stop())
  const random = new Random(11)
  const now = BigInt(Date.now() - 10_000) * 1_000_000n
  const spans = random.shuffle(traces(random))
  const requests: GraphSpan[][] = []
  for (const rest = [...spans]; rest.length > 0; ) requests.push(rest.splice(0, 1 + random.below(15)))
  // What is sent twice is there twice in Jaeger's memory, so it only gets it once.
  for (const request of requests) {
    const bytes = graphRequest(request, now)
    await sendHttp(judge.otlp, 'traces', bytes)
    await sendHttp(gateway.http, 'traces', bytes)
    if (random.chance(0.2)) await sendHttp(gateway.http, 'traces', bytes)
  }
  const all = await dependencies(judge.query)
  const expected = all.filter(([link]) => new Set(link.split(' -> ')).size === 2)
  assert.ok(expected.length >= 15, 'most pairs call each other')
  await eventually(
    async () => {
      const found = await dependencies(reader.query)
      const calls = (links: readonly [string, number][]) => links.reduce((sum, [, count]) => sum + count, 0)
      if (calls(found) < calls(expected)) return undefined
      assert.deepEqual(found, expected)
      return true
    },
    'all calls',
    60_000,
  )
  const own = await gateway.metrics()
  assert.deepEqual(imbalances(own), [])
  const documents = own.get(
    'sluice_elasticsearch_dependency_documents{exporter="elasticsearch",outcome="written"}',
  )
  assert.ok(documents! >= 1)
  t.diagnostic(`${expected.length} links in ${documents} documents`)
})
