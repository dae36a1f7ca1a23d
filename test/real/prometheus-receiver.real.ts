/**
 * The metrics of a real Prometheus, scraped by Sluice and by another Prometheus beside it: what comes out of Sluice's own
 * page is what the other one has scraped itself.
 */

import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type TestContext, test } from 'node:test'
import { imbalances, startGateway } from '../kit/gateway-process.ts'
import { OPEN_METRICS, PROTOBUF } from '../kit/prometheus-page.ts'
import { need } from '../services/cache.ts'
import { freePort } from '../services/ports.ts'
import { eventually } from '../services/process.ts'
import {
  checkMetrics,
  type Prometheus,
  prometheusProgram,
  type Sample,
  startPrometheus,
} from '../services/prometheus.ts'

/** What a page is asked for with, and how a job scrapes it. */
const FORMATS: Readonly<Record<string, readonly [accept: string, keys: string]>> = {
  text: ['text/plain;version=0.0.4', 'scrape_protocols: [PrometheusText0.0.4]'],
  openmetrics: [`${OPEN_METRICS};escaping=allow-utf-8`, 'scrape_protocols: [OpenMetricsText1.0.0]'],
  protobuf: [PROTOBUF, 'scrape_protocols: [PrometheusProto], scrape_native_histograms: true'],
}
const NAMES = Object.keys(FORMATS)

/** Pages as they are now, served for ever: two scrapes of them see the same. */
async function frozen(t: TestContext, pages: ReadonlyMap<string, Response>): Promise<string> {
  const kept = new Map<string, readonly [type: string, body: Buffer]>()
  for (const [name, page] of pages)
    kept.set(`/${name}`, [page.headers.get('content-type')!, Buffer.from(await page.arrayBuffer())])
  const server = createServer((request, response) => {
    const [type, body] = kept.get(request.url!) ?? ['text/plain', '']
    response.writeHead(200, { 'content-type': type }).end(body)
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  return `127.0.0.1:${(server.address() as AddressInfo).port}`
}

/** Every series of a job but what scrapes say of themselves: its labels, and its value as the API tells it. */
function seriesOf(samples: readonly Sample[]): Map<string, unknown> {
  const own = samples.filter(({ metric }) => !/^(?:up|scrape_.*|target_info)$/.test(metric['__name__']!))
  return new Map(
    own.map(({ metric, value, histogram }) => {
      const { job: _, instance: __, via: ___, ...labels } = metric
      return [JSON.stringify(Object.entries(labels).sort()), value?.[1] ?? histogram![1]]
    }),
  )
}

async function compared(prometheus: Prometheus, name: string): Promise<number> {
  let size = 0
  await eventually(
    async () => {
      const [direct, via] = await Promise.all(
        ['direct', 'sluice'].map(async way => seriesOf(await prometheus.query(`{via="${way}-${name}"}`))),
      )
      assert.ok(direct!.size > 200, `${direct!.size} series`)
      assert.deepEqual([...via!].sort(), [...direct!].sort())
      size = direct!.size
      return true
    },
    `the same series by ${name}`,
    90_000,
  )
  return size
}

// Scenario: the page of a real Prometheus in its three formats is scraped by another Prometheus, and by Sluice, whose
// page that other one scrapes as well.
// Guarantees: the same series with the same values in every format, native histograms included, and the ledger balances;
// promtool reads what went through Sluice; Sluice scrapes itself too.
test('Sluice scrapes Prometheus', { timeout: 900_000 }, async t => {
  const program = await need(t, 'Prometheus', () => prometheusProgram('prometheus'))
  if (program === undefined) return
  const source = await startPrometheus('global: {scrape_interval: 1m}\n')
  t.after(() => source.stop())
  // So that its histograms have seen something.
  for (let i = 0; i < 20; i++) await source.query('1')
  const address = /listen on.*?"?address"?[:=]"?(127\.0\.0\.1:\d+)|address=(127\.0\.0\.1:\d+)/i.exec(
    source.running.output(),
  )
  const at = address?.[1] ?? address?.[2]
  assert.ok(at, source.running.output())
  const pages = new Map<string, Response>()
  for (const [name, [accept]] of Object.entries(FORMATS))
    pages.set(name, await fetch(`http://${at}/metrics`, { headers: { accept } }))
  const target = await frozen(t, pages)

  const ports = new Map<string, number>()
  for (const name of [...NAMES, 'self']) ports.set(name, await freePort())
  const own = await freePort()
  const receiver = (name: string) =>
    `prometheus/${name}: {config: {global: {scrape_interval: 1s}, scrape_configs: [{job_name: ${name}, metrics_path: /${name}, ${FORMATS[name]![1]}, static_configs: [{targets: ["${target}"]}]}]}}`
  const exporter = (name: string) =>
    `prometheus/${name}: {endpoint: "127.0.0.1:${ports.get(name)}", translation_strategy: NoTranslation, without_scope_info: true, enable_open_metrics: true}`
  const self = `prometheus/self: {config: {global: {scrape_interval: 1s}, scrape_configs: [{job_name: self, static_configs: [{targets: ["127.0.0.1:${own}"]}]}]}}`
  const pipelines = [...NAMES, 'self'].map(
    name => `metrics/${name}: {receivers: [prometheus/${name}], exporters: [prometheus/${name}]}`,
  )
  const gateway = await startGateway([
    `--config=yaml:{receivers: {${[...NAMES.map(receiver), self].join(', ')}}, exporters: {${[...NAMES, 'self'].map(exporter).join(', ')}}, service: {pipelines: {${pipelines.join(', ')}}}}`,
    `--set=exporters.prometheus/own.endpoint=127.0.0.1:${own}`,
    '--set=service.pipelines.metrics/own.receivers=[prometheus/text]',
    '--set=service.pipelines.metrics/own.exporters=[prometheus/own]',
  ])
  t.after(() => gateway.stop())

  const job = (name: string, way: string, at: string, keys: string) =>
    `  - {job_name: ${way}-${name}, ${keys}, static_configs: [{targets: ["${at}"], labels: {via: ${way}-${name}}}]}`
  const prometheus = await startPrometheus(
    `global: {scrape_interval: 2s, scrape_timeout: 2s}\nscrape_configs:\n${NAMES.flatMap(name => [
      job(name, 'direct', target, `${FORMATS[name]![1]}, metrics_path: /${name}`),
      job(name, 'sluice', `127.0.0.1:${ports.get(name)}`, `honor_labels: true, ${FORMATS[name]![1]}`),
    ]).join('\n')}\n`,
  )
  t.after(() => prometheus.stop())

  for (const name of NAMES) {
    await t.test(`the same series by ${name}`, async t => {
      t.diagnostic(`${await compared(prometheus, name)} series`)
    })
  }
  await t.test('promtool reads it', async () => {
    const page = await (await fetch(`http://127.0.0.1:${ports.get('text')}/metrics`)).text()
    assert.ok(page.length > 10_000)
    checkMetrics(await prometheusProgram('promtool'), page)
  })
  await t.test('Sluice scrapes a page of its own', async () => {
    const page = async (port: number) => (await fetch(`http://127.0.0.1:${port}/metrics`)).text()
    const value = /^prometheus_ready\{.*\} (\S+)$/m
    await eventually(
      async () => value.exec(await page(ports.get('self')!)) ?? undefined,
      'its own page, scraped',
    )
    assert.equal(value.exec(await page(ports.get('self')!))![1], value.exec(await page(own))![1])
  })
  await t.test('the ledger balances', async () => {
    const metrics = await gateway.metrics()
    assert.deepEqual(imbalances(metrics), [])
    const scrapes = [...metrics].filter(([name]) => /prometheus_receiver_scrapes\{.*outcome="ok"/.test(name))
    assert.equal(scrapes.length, NAMES.length + 1)
  })
})
