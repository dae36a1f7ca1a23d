/** The real Prometheus scrapes our page in every format; promtool judges it. */

import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { prometheusRequests } from '../collector/prometheus-input.ts'
import { golden } from '../collector/requests.ts'
import { imbalances, type RunningGateway, startGateway } from '../kit/gateway-process.ts'
import { PROTOBUF, readProtoPage } from '../kit/prometheus-page.ts'
import { sendHttp } from '../kit/send.ts'
import { need } from '../services/cache.ts'
import { freePort } from '../services/ports.ts'
import { eventually } from '../services/process.ts'
import { checkMetrics, type Prometheus, prometheusProgram, startPrometheus } from '../services/prometheus.ts'

const GOLDEN = golden()
  .filter(({ signal }) => signal === 'metrics')
  .map(({ bytes }) => bytes)
const ALL = [...GOLDEN, ...prometheusRequests(1)]

/** How each job scrapes; the exporter's port takes the place of PORT. */
const JOBS: Readonly<Record<string, string>> = {
  text: 'scrape_protocols: [PrometheusText0.0.4]',
  openmetrics: 'scrape_protocols: [OpenMetricsText1.0.0]',
  protobuf:
    'scrape_protocols: [PrometheusProto], scrape_native_histograms: true, always_scrape_classic_histograms: true',
}

async function gatewayWith(t: TestContext, exporters: string, ids: string, requests: readonly Uint8Array[]) {
  const gateway = await startGateway([
    `--config=yaml:{receivers: {otlp: {protocols: {grpc: , http: }}}, exporters: {${exporters}}, service: {pipelines: {metrics: {receivers: [otlp], exporters: [${ids}]}}}}`,
  ])
  t.after(() => gateway.stop())
  for (const bytes of requests) await sendHttp(gateway.http, 'metrics', bytes)
  return gateway
}

/** `name{labels}` of every line of a text page, as Prometheus stores it, to its value. */
function linesOf(page: string): Map<string, string> {
  const lines = page.split('\n').filter(line => line !== '' && !line.startsWith('#'))
  return new Map(
    lines.map(line => {
      const [, name, inner = '', value] = /^([^{ ]+)(?:\{(.*)\})? (\S+)$/.exec(line)!
      const labels = [...inner.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)].map(([, label, text]) => [
        label!,
        text!.replaceAll(/\\(.)/g, (_, letter: string) => (letter === 'n' ? '\n' : letter)),
      ])
      return [
        seriesKey(name!, labels as [string, string][]),
        String(Number(value!.replace('Inf', 'Infinity'))),
      ]
    }),
  )
}

/** Prometheus spells bounds in its own way and stores no empty labels. */
function seriesKey(name: string, labels: readonly (readonly [string, string])[]): string {
  const kept = labels
    .filter(([, value]) => value !== '')
    .map(
      ([label, value]) =>
        `${label}=${label === 'le' || label === 'quantile' ? Number(value.replace('Inf', 'Infinity')) : value}`,
    )
  return `${name}{${kept.sort().join()}}`
}

async function stored(prometheus: Prometheus, via: string): Promise<Map<string, string>> {
  const samples = await prometheus.query(`{via="${via}"}`)
  const own = samples.filter(
    ({ metric, value }) => value !== undefined && !/^(up|scrape_.*)$/.test(metric['__name__']!),
  )
  return new Map(
    own.map(({ metric, value }) => {
      const { __name__: name, via: _, ...labels } = metric
      // What the target itself is called, where a series says nothing else.
      const told = Object.entries(labels).filter(
        ([label, text]) =>
          !(label === 'job' && text === `scrape_${via}`) &&
          !(label === 'instance' && text.startsWith('127.')),
      )
      return [seriesKey(name!, told), String(Number(value![1].replace('Inf', 'Infinity')))]
    }),
  )
}

function isNative({ histogram }: Readonly<Record<string, unknown>>): boolean {
  return typeof histogram === 'object' && histogram !== null && 'schema' in histogram
}

async function scraped(prometheus: Prometheus, via: string): Promise<void> {
  await eventually(
    async () => {
      const [up] = await prometheus.query(`up{via="${via}"}`)
      const targets = JSON.stringify(await prometheus.api('targets?state=active'))
      if (up !== undefined && up.value![1] !== '1') throw new Error(`the scrape failed: ${targets}`)
      return up
    },
    `a scrape by ${via}`,
    60_000,
  )
}

// Scenario: golden and made-up metrics of every kind; Prometheus scrapes the page as text, OpenMetrics and protobuf.
// Guarantees: PromQL answers with every series of the page and its value, whatever the format; native histograms come
// by protobuf with their quantiles; types and exemplars arrive; the gateway's ledger balances.
test('Prometheus scrapes Sluice', { timeout: 900_000 }, async t => {
  const program = await need(t, 'Prometheus', () => prometheusProgram('prometheus'))
  if (program === undefined) return
  const port = await freePort()
  const utf8Port = await freePort()
  const gateway: RunningGateway = await gatewayWith(
    t,
    `prometheus: {endpoint: "127.0.0.1:${port}", enable_open_metrics: true}, prometheus/utf8: {endpoint: "127.0.0.1:${utf8Port}", translation_strategy: NoTranslation}`,
    'prometheus, prometheus/utf8',
    ALL,
  )
  const job = (via: string, target: number, options: string): string =>
    `  - {job_name: scrape_${via}, honor_labels: true, ${options}, static_configs: [{targets: ["127.0.0.1:${target}"], labels: {via: ${via}}}]}`
  const prometheus = await startPrometheus(
    `global: {scrape_interval: 3s, scrape_timeout: 3s}\nscrape_configs:\n${[
      ...Object.entries(JOBS).map(([via, options]) => job(via, port, options)),
      job('utf8', utf8Port, 'scrape_protocols: [PrometheusText1.0.0, PrometheusText0.0.4]'),
    ].join('\n')}\n`,
    ['--enable-feature=exemplar-storage'],
  )
  t.after(() => prometheus.stop())
  const expected = linesOf(await (await fetch(`http://127.0.0.1:${port}/metrics`)).text())
  assert.ok(expected.size > 500)
  const asked = await fetch(`http://127.0.0.1:${port}/metrics`, { headers: { accept: PROTOBUF } })
  const families = readProtoPage(new Uint8Array(await asked.arrayBuffer()))
  const natives = families.filter(({ metric }) => isNative(metric[0]!)).map(({ name }) => name)
  assert.ok(natives.includes('native_bytes') && !natives.includes('kinds_request_duration_seconds'))
  for (const via of Object.keys(JOBS)) {
    await t.test(`every series by ${via}`, async () => {
      await scraped(prometheus, via)
      // What a text page says of a native histogram is one bucket; with protobuf it is the histogram itself.
      const native = (series: string): boolean =>
        via === 'protobuf' && natives.includes(series.replace(/(_bucket|_sum|_count)?\{.*/s, ''))
      const wanted = [...expected].filter(([name]) => !native(name))
      // A scrape that comes too late on a busy machine takes every series away until the next one.
      await eventually(async () => {
        const found = await stored(prometheus, via)
        assert.deepEqual([...found].filter(([name]) => !native(name)).sort(), wanted.sort())
        return true
      }, `every series of the page by ${via}`)
    })
  }

  await t.test('native histograms', async () => {
    const one = async (promql: string): Promise<number> =>
      Number((await prometheus.query(promql))[0]!.value![1])
    const series = 'native_bytes{via="protobuf"}'
    assert.equal(await one(`histogram_count(${series})`), 13)
    assert.equal(await one(`histogram_sum(${series})`), 99.5)
    // Six values below zero, two around it, one in the first bucket: the 13th lies at the end of the last one.
    assert.equal(await one(`histogram_quantile(1, ${series})`), 2 ** (3 / 8))
    assert.equal(await one(`histogram_count(delta_native{via="protobuf",gap=""})`), 39)
  })

  await t.test('types and exemplars', async () => {
    const metadata = (await prometheus.api('metadata')) as Record<string, { type: string }[]>
    const types = [
      'requests_total',
      'requests',
      'queue_size',
      'kinds_request_duration_seconds',
      'rpc_latency',
      'target_info',
    ]
    assert.deepEqual(
      types.map(name => metadata[name]?.[0]?.type).filter(type => type !== undefined),
      ['counter', 'counter', 'gauge', 'histogram', 'summary', 'gauge'],
    )
    for (const via of ['openmetrics', 'protobuf']) {
      const query = encodeURIComponent(`requests_total{via="${via}"}`)
      const found = (await prometheus.api(
        `query_exemplars?query=${query}&start=1699999000&end=1700001000`,
      )) as {
        exemplars: { labels: Record<string, string>; value: string }[]
      }[]
      assert.deepEqual(
        found.flatMap(({ exemplars }) => exemplars.map(({ labels, value }) => [labels, Number(value)])),
        [[{ span_id: 'b7ad6b7169203332' }, 9e9]],
      )
    }
  })

  await t.test('names in UTF-8', async () => {
    await scraped(prometheus, 'utf8')
    const [sample] = await prometheus.query('{"queue.size", via="utf8"}')
    assert.equal(sample!.value![1], '-3.5')
    const labelled = await prometheus.query('labels{via="utf8", "a.b"="x", "ünï"="ü"}')
    assert.equal(labelled.length, 1)
  })

  // Points that cannot be shown are in the ledger, so it balances.
  assert.deepEqual(imbalances(await gateway.metrics()), [])
})

/** Advice about names and help texts that came with the metrics. */
const CHOSEN_BY_AUTHORS = /no help text|camelCase|use base unit|should not have "_count" suffix|abbreviated/

// Scenario: `promtool check metrics` reads pages of golden metrics and of every kind made up here.
// Guarantees: it can read both; of real clients' metrics it has nothing to say but what their authors chose.
test('promtool', { timeout: 900_000 }, async t => {
  const promtool = await need(t, 'promtool', () => prometheusProgram('promtool'))
  if (promtool === undefined) return
  for (const [name, requests] of Object.entries({ golden: GOLDEN, all: ALL })) {
    const port = await freePort()
    await gatewayWith(t, `prometheus: {endpoint: "127.0.0.1:${port}"}`, 'prometheus', requests)
    const said = checkMetrics(promtool, await (await fetch(`http://127.0.0.1:${port}/metrics`)).text())
    const other = said.split('\n').filter(line => line !== '' && !CHOSEN_BY_AUTHORS.test(line))
    if (name === 'golden') assert.deepEqual(other, [])
    t.diagnostic(`${name}: ${said}`)
  }
})
