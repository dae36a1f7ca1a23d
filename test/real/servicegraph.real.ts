/** The real Prometheus scrapes what service_graph makes, and answers what Grafana's service graph panel asks it. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { imbalances, startGateway } from '../kit/gateway-process.ts'
import { type GraphSpan, graphRequest, pairOf } from '../kit/graph.ts'
import { sendHttp } from '../kit/send.ts'
import { need } from '../services/cache.ts'
import { freePort } from '../services/ports.ts'
import { eventually } from '../services/process.ts'
import { type Prometheus, prometheusProgram, type Sample, startPrometheus } from '../services/prometheus.ts'

/** What its Tempo data source asks for (public/app/plugins/datasource/tempo, 12). */
const METRICS = [
  'traces_service_graph_request_server_seconds_sum',
  'traces_service_graph_request_total',
  'traces_service_graph_request_failed_total',
  'traces_service_graph_request_server_seconds_bucket',
]
const RANGE = '[5m]'

const edgeOf = ({ client, server }: Sample['metric']): string => `${client} -> ${server}`

/** All at one time, as a panel asks: each rate is an extrapolation from there. */
async function rates(prometheus: Prometheus, metric: string, time: number): Promise<Map<string, number>> {
  const promql = encodeURIComponent(`sum by (client, server) (rate(${metric}${RANGE}))`)
  const { result } = (await prometheus.api(`query?time=${time}&query=${promql}`)) as { result: Sample[] }
  return new Map(result.map(({ metric, value }) => [edgeOf(metric), Number(value![1])]))
}

/** Of one user who buys something: shop -> cart, cart -> pay by a queue, cart -> database orders, user -> shop. */
function visit(trace: number, failed: boolean): GraphSpan[] {
  const [client, server] = pairOf('shop', 'cart', trace, { failed })
  return [
    { service: 'shop', trace, id: 9, kind: 'server', ms: 40 },
    { ...client!, parent: 9 },
    server!,
    { service: 'cart', trace, id: 3, parent: 2, kind: 'producer', ms: 1 },
    { service: 'pay', trace, id: 4, parent: 3, kind: 'consumer', ms: 400 },
    {
      service: 'cart',
      trace,
      id: 5,
      parent: 2,
      kind: 'client',
      ms: 8,
      attributes: { 'db.namespace': 'orders' },
    },
  ]
}

// Scenario: visits of which every fourth fails go through the connector and the prometheus exporter; Prometheus scrapes
// twice with visits in between; then everything is asked that Grafana's panel asks.
// Guarantees: counters are exact; every edge is found with its type, its failed share, its mean duration and its
// quantile; a root's caller is "user"; the ledger balances.
test("Grafana's service graph", { timeout: 900_000 }, async t => {
  const program = await need(t, 'Prometheus', () => prometheusProgram('prometheus'))
  if (program === undefined) return
  const port = await freePort()
  const gateway = await startGateway([
    `--config=yaml:{receivers: {otlp: {protocols: {grpc: , http: }}}, connectors: {service_graph: {metrics_flush_interval: 200ms, store_expiration_loop: 100ms, store: {ttl: 500ms, max_items: 10000}}}, exporters: {prometheus: {endpoint: "127.0.0.1:${port}"}}, service: {pipelines: {traces: {receivers: [otlp], exporters: [service_graph]}, metrics: {receivers: [service_graph], exporters: [prometheus]}}}}`,
  ])
  t.after(() => gateway.stop())
  const prometheus = await startPrometheus(
    `global: {scrape_interval: 1s, scrape_timeout: 1s}\nscrape_configs:\n  - {job_name: graph, static_configs: [{targets: ["127.0.0.1:${port}"]}]}\n`,
  )
  t.after(() => prometheus.stop())
  let trace = 0
  const visits = async (count: number): Promise<void> => {
    for (let i = 0; i < count; i++)
      await sendHttp(gateway.http, 'traces', graphRequest(visit(++trace, trace % 4 === 0)))
    const total = 'sum(traces_service_graph_request_total{client="user"})'
    await eventually(
      async () => {
        const [sample] = await prometheus.query(total)
        return Number(sample?.value?.[1]) === trace || undefined
      },
      `${trace} visits in Prometheus`,
      60_000,
    )
  }
  await visits(20)
  await visits(60)

  await t.test('counters', async () => {
    const found = await prometheus.query('sum by (client, server) (traces_service_graph_request_total)')
    const all = Object.fromEntries(found.map(({ metric, value }) => [edgeOf(metric), Number(value![1])]))
    const edges = { 'user -> shop': 80, 'shop -> cart': 80, 'cart -> pay': 80, 'cart -> orders': 80 }
    assert.deepEqual(Object.entries(all).sort(), Object.entries(edges).sort())
    const failed = await prometheus.query('traces_service_graph_request_failed_total')
    assert.deepEqual(
      failed.map(({ metric, value }) => [edgeOf(metric), metric['failed'], value![1]]),
      [['shop -> cart', 'true', '20']],
    )
  })

  await t.test('the panel', async () => {
    const keys = (await prometheus.api(
      `labels?match[]=${encodeURIComponent(`{__name__=~"${METRICS.slice(0, 3).join('|')}"}`)}`,
    )) as string[]
    for (const key of ['client', 'server', 'connection_type', 'failed']) assert.ok(keys.includes(key), key)
    const now = Date.now() / 1000
    const [seconds, totals, failed, buckets] = await Promise.all(
      METRICS.map(metric => rates(prometheus, metric, now)),
    )
    for (const [edge, mean] of Object.entries({
      'shop -> cart': 0.02,
      'cart -> pay': 0.4,
      'cart -> orders': 0.008,
    })) {
      const rate = totals!.get(edge)!
      assert.ok(rate > 0, edge)
      assert.ok(buckets!.get(edge)! > 0, edge)
      assert.ok(Math.abs(seconds!.get(edge)! / rate - mean) < 1e-6, `mean of ${edge}`)
    }
    assert.deepEqual([...failed!.keys()], ['shop -> cart'])
    // Two series with firsts of their own are two extrapolations.
    assert.ok(Math.abs(failed!.get('shop -> cart')! / totals!.get('shop -> cart')! - 0.25) < 0.1)
    const types = await prometheus.query(`group by (client, connection_type, server) (${METRICS[1]})`)
    assert.deepEqual(
      types.map(({ metric }) => `${edgeOf(metric)} ${metric['connection_type'] ?? ''}`).sort(),
      [
        'cart -> orders database',
        'cart -> pay messaging_system',
        'shop -> cart ',
        'user -> shop virtual_node',
      ],
    )
  })

  await t.test('the links of an edge', async () => {
    const one = async (promql: string): Promise<number> =>
      Number((await prometheus.query(promql))[0]!.value![1])
    const edge = '{client="shop",server="cart"}'
    const quantile = `histogram_quantile(0.9, sum(rate(${METRICS[3]}${edge}${RANGE})) by (le, client, server))`
    assert.ok(Math.abs((await one(quantile)) - 0.046) < 1e-6)
    assert.ok((await one(`sum by (client, server)(rate(${METRICS[2]}${edge}${RANGE}))`)) > 0)
    const client = await one(`sum(traces_service_graph_request_client_seconds_sum${edge})`)
    assert.ok(Math.abs(client - 80 * 0.03) < 1e-9)
  })

  const own = await gateway.metrics()
  assert.deepEqual(imbalances(own), [])
  assert.equal(own.get('otelcol_connector_servicegraph_expired_edges'), 80)
  assert.equal(own.get('otelcol_connector_servicegraph_total_edges'), 320)
})
