/** Metrics from spans, as they are used: scraped by Prometheus and asked for by Jaeger's Monitor; and under attack. */

import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { imbalances, startGateway } from '../kit/gateway-process.ts'
import { encodeRequest } from '../kit/proto.ts'
import { sendHttp } from '../kit/send.ts'
import { need } from '../services/cache.ts'
import { jaegerProgram, startJaegerMonitor } from '../services/jaeger.ts'
import { freePort } from '../services/ports.ts'
import { eventually } from '../services/process.ts'
import { type Prometheus, prometheusProgram, startPrometheus } from '../services/prometheus.ts'

type Plain = Record<string, unknown>

const MS = 1_000_000n
const START = 1_760_000_000_000n * MS

function request(service: string, spans: readonly Plain[]): Uint8Array {
  const resource = { attributes: [{ key: 'service.name', value: { stringValue: service } }] }
  return encodeRequest('traces', { resourceSpans: [{ resource, scopeSpans: [{ spans }] }] })
}

function span(name: string, ms: number, status: number, kind = 2): Plain {
  const times = {
    startTimeUnixNano: String(START),
    endTimeUnixNano: String(START + BigInt(Math.round(ms * 1e6))),
  }
  return {
    traceId: Buffer.alloc(16, 7),
    spanId: Buffer.alloc(8, 9),
    name,
    kind,
    ...times,
    status: { code: status },
  }
}

/**
 * Of eight calls of `GET /cart` two fail and all take 10 to 50 ms; `GET /pay` takes 100 to 200 ms and never fails; what is
 * not of a server Monitor does not ask for.
 */
const ROUND = request('shop', [
  ...[1, 2, 1, 0, 0, 2, 1, 0].map(status => span('GET /cart', 30, status)),
  ...[150, 160].map(ms => span('GET /pay', ms, 1)),
  span('SELECT', 5, 2, 3),
])
const ROUNDS = 20

interface Family {
  readonly name: string
  readonly metrics: readonly {
    readonly labels: readonly { readonly name: string; readonly value: string }[]
    readonly metricPoints: readonly { readonly gaugeValue: { readonly doubleValue?: number } }[]
  }[]
}

/** The latest value of each operation ('' when they are not told apart). */
async function monitor(
  query: string,
  now: number,
  what: string,
  more: string,
): Promise<Record<string, number>> {
  const times = `endTs=${now}&lookback=60000&step=1000&ratePer=600000`
  const answer = await fetch(`${query}/api/metrics/${what}?service=shop&${times}&${more}`)
  const text = await answer.text()
  assert.equal(answer.status, 200, text)
  const { metrics } = JSON.parse(text) as Family
  return Object.fromEntries(
    metrics.map(({ labels, metricPoints }) => [
      labels.find(({ name }) => name === 'operation')?.value ?? '',
      metricPoints.at(-1)!.gaugeValue.doubleValue ?? 0,
    ]),
  )
}

/** Sluice, scraped each second by Prometheus; resolves once all rounds are there. */
async function scraped(
  t: TestContext,
  connector: string,
  exporter: string,
  calls: string,
): Promise<Prometheus> {
  const port = await freePort()
  const gateway = await startGateway([
    `--config=yaml:{receivers: {otlp: {protocols: {grpc: , http: }}}, connectors: {span_metrics: {metrics_flush_interval: 500ms, ${connector}}}, exporters: {prometheus: {endpoint: "127.0.0.1:${port}", ${exporter}}}, service: {pipelines: {traces: {receivers: [otlp], exporters: [span_metrics]}, metrics: {receivers: [span_metrics], exporters: [prometheus]}}}}`,
  ])
  t.after(() => gateway.stop())
  const prometheus = await startPrometheus(
    `global: {scrape_interval: 500ms}\nscrape_configs: [{job_name: sluice, honor_labels: true, static_configs: [{targets: ["127.0.0.1:${port}"]}]}]\n`,
  )
  t.after(() => prometheus.stop())
  const value = async (): Promise<number> =>
    Number((await prometheus.query(`sum(${calls})`))[0]?.value?.[1] ?? -1)
  // The zero that a series begins with has to be scraped: from there on Prometheus counts.
  await sendHttp(gateway.http, 'traces', ROUND)
  await eventually(async () => (await value()) === 11 || undefined, 'the first round in Prometheus', 30_000)
  for (let round = 1; round < ROUNDS; round++) {
    await sendHttp(gateway.http, 'traces', ROUND)
    await sleep(250)
  }
  await eventually(
    async () => (await value()) === 11 * ROUNDS || undefined,
    'all rounds in Prometheus',
    30_000,
  )
  assert.deepEqual(imbalances(await gateway.metrics()), [])
  return prometheus
}

function near(actual: number | undefined, expected: number, share: number, what: string): void {
  const off = Math.abs((actual ?? Number.NaN) - expected)
  assert.ok(off <= share * expected, `${what}: ${actual} instead of ${expected}`)
}

const SETUPS = [
  {
    name: 'the Collector keys',
    exporter: '',
    calls: 'traces_span_metrics_calls_total',
    jaeger: 'normalize_calls: true, normalize_duration: true',
    connector: '',
  },
  {
    name: 'seconds',
    exporter: '',
    calls: 'traces_span_metrics_calls_total',
    jaeger: 'normalize_calls: true, normalize_duration: true, latency_unit: s',
    connector: 'histogram: {unit: s}',
  },
  {
    name: 'names without suffixes, as Jaeger asks by itself',
    exporter: 'translation_strategy: UnderscoreEscapingWithoutSuffixes',
    calls: 'traces_span_metrics_calls',
    jaeger: '',
    connector: '',
  },
]

// Scenario: twenty rounds of spans; Prometheus scrapes the metrics; Jaeger's Monitor asks for rates, errors and latencies, of
// the service and of its operations, with each way to make the names meet.
// Guarantees: they are those of the spans: shares of errors and quantiles exactly, rates within what rate() makes of them.
for (const { name, exporter, calls, jaeger, connector } of SETUPS)
  test(`Jaeger's Monitor: ${name}`, { timeout: 180_000 }, async t => {
    if ((await need(t, 'Prometheus', () => prometheusProgram('prometheus'))) === undefined) return
    if ((await need(t, 'Jaeger', jaegerProgram)) === undefined) return
    const prometheus = await scraped(t, connector, exporter, calls)
    const { query, stop } = await startJaegerMonitor(prometheus.address, jaeger)
    t.after(() => stop())
    const now = Date.now()
    const rates = await monitor(query, now, 'calls', 'groupByOperation=true')
    assert.deepEqual(Object.keys(rates).sort(), ['GET /cart', 'GET /pay'])
    near(rates['GET /cart']! * 600, 8 * ROUNDS, 0.15, 'calls of GET /cart')
    near(rates['GET /pay']! * 600, 2 * ROUNDS, 0.15, 'calls of GET /pay')
    near(rates['GET /cart']! / rates['GET /pay']!, 4, 1e-6, 'calls of one against the other')
    const all = await monitor(query, now, 'calls', '')
    near(all['']!, rates['GET /cart']! + rates['GET /pay']!, 0.01, 'calls of the service')
    const clients = await monitor(query, now, 'calls', 'groupByOperation=true&spanKind=client')
    assert.deepEqual(Object.keys(clients), ['SELECT'])
    near((await monitor(query, now, 'errors', ''))['']!, 0.2, 1e-6, 'errors of the service')
    const errors = await monitor(query, now, 'errors', 'groupByOperation=true')
    near(errors['GET /cart'], 0.25, 1e-6, 'errors of GET /cart')
    const factor = connector === '' ? 1 : 0.001
    const slow = await monitor(query, now, 'latencies', 'groupByOperation=true&quantile=0.95')
    // All of a bucket's values are spread evenly in it: 10 to 50, and 100 to 200.
    near(slow['GET /cart'], 48 * factor, 1e-6, 'the 95th percentile of GET /cart')
    near(slow['GET /pay'], 195 * factor, 1e-6, 'the 95th percentile of GET /pay')
    const median = await monitor(query, now, 'latencies', 'quantile=0.5')
    near(median[''], (10 + 40 * (0.5 / 0.8)) * factor, 1e-6, 'the median of the service')
  })

// Scenario: the preset tempo, scraped.
// Guarantees: the series that dashboards for Tempo's metrics generator ask for are there, with their labels and values.
test("dashboards for Tempo's metrics", { timeout: 120_000 }, async t => {
  if ((await need(t, 'Prometheus', () => prometheusProgram('prometheus'))) === undefined) return
  const prometheus = await scraped(t, 'preset: tempo', '', 'traces_spanmetrics_calls_total')
  const value = async (promql: string): Promise<number> =>
    Number((await prometheus.query(promql))[0]?.value?.[1])
  const cart = '{service="shop", span_name="GET /cart", span_kind="SPAN_KIND_SERVER"}'
  assert.equal(await value(`sum(traces_spanmetrics_calls_total${cart})`), 8 * ROUNDS)
  assert.equal(await value(`sum(traces_spanmetrics_latency_count${cart})`), 8 * ROUNDS)
  near(
    await value(`sum(traces_spanmetrics_latency_sum${cart})`),
    0.03 * 8 * ROUNDS,
    1e-9,
    'the sum in seconds',
  )
  const failed = `traces_spanmetrics_calls_total{service="shop", status_code="STATUS_CODE_ERROR", span_kind="SPAN_KIND_SERVER"}`
  assert.equal(await value(`sum(${failed})`), 2 * ROUNDS)
  const slow =
    'histogram_quantile(0.95, sum by (le) (traces_spanmetrics_latency_bucket{span_name="GET /pay"}))'
  // The bounds double from 2 ms on: 128 to 256 ms.
  near(await value(slow), 0.128 + 0.128 * 0.95, 1e-6, 'the 95th percentile')
})

// Scenario: a million span names from one service, beside another one; limits as they are by default.
// Guarantees: memory does not grow with the names; every span is counted; the offender is named in the log
// and in a metric.
test('a million span names', { timeout: 300_000 }, async t => {
  const port = await freePort()
  const gateway = await startGateway([
    `--config=yaml:{receivers: {otlp: {protocols: {grpc: , http: }}}, connectors: {span_metrics: {metrics_flush_interval: 2s}}, exporters: {prometheus: {endpoint: "127.0.0.1:${port}"}}, service: {pipelines: {traces: {receivers: [otlp], exporters: [span_metrics]}, metrics: {receivers: [span_metrics], exporters: [prometheus]}}}}`,
  ])
  t.after(() => gateway.stop())
  const resident = async (): Promise<number> =>
    [...(await gateway.metrics())].find(([name]) => name.startsWith('otelcol_process_memory_rss'))![1]
  const names = (from: number): Uint8Array =>
    request(
      'careless',
      Array.from({ length: 5000 }, (_, i) => span(`GET /users/${from + i}/profile`, 3, 0)),
    )
  await sendHttp(gateway.http, 'traces', request('careful', [span('GET /', 3, 0)]))
  for (let from = 0; from < 50_000; from += 5000) await sendHttp(gateway.http, 'traces', names(from))
  await sleep(5000)
  const before = await resident()
  for (let from = 50_000; from < 1_000_000; from += 5000) await sendHttp(gateway.http, 'traces', names(from))
  await sleep(5000)
  const after = await resident()
  const page = async (): Promise<string> => await (await fetch(`http://127.0.0.1:${port}/metrics`)).text()
  const total = async (): Promise<number> => {
    const lines = (await page())
      .split('\n')
      .filter(line => line.startsWith('traces_span_metrics_calls_total{'))
    assert.ok(lines.length <= 10_002)
    return lines.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0)
  }
  await eventually(async () => (await total()) === 1_000_001 || undefined, 'all spans on the page', 60_000)
  t.diagnostic(`resident: ${Math.round(before / 2 ** 20)} MiB, then ${Math.round(after / 2 ** 20)} MiB`)
  // A million series would take 600 MiB in the connector alone; requests and garbage of 10,000 series take some, too.
  assert.ok(after - before < 200 * 2 ** 20, `${before} bytes, then ${after}`)
  const metrics = await gateway.metrics()
  const read = (start: string): number => [...metrics].find(([key]) => key.startsWith(start))?.[1] ?? 0
  assert.ok(read('sluice_spanmetrics_series_bytes') < 128 * 2 ** 20)
  const named = [...metrics].filter(([key]) => key.startsWith('sluice_spanmetrics_overflowed'))
  assert.equal(named.length, 1)
  assert.match(named[0]![0], /service="careless",dimension="span.name"/)
  assert.ok(named[0]![1] > 900_000)
  assert.match(gateway.output(), /more series than the limit.*careless.*span\.name/s)
  assert.deepEqual(imbalances(metrics), [])
})
