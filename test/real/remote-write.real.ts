/** The real Prometheus is written to in both versions of remote write, and scrapes the same metrics from a page of ours. */

import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { prometheusRequests } from '../collector/prometheus-input.ts'
import { golden } from '../collector/requests.ts'
import { imbalances, type RunningGateway, startGateway } from '../kit/gateway-process.ts'
import { decodeRequest, encodeRequest } from '../kit/proto.ts'
import { sendHttp } from '../kit/send.ts'
import { need } from '../services/cache.ts'
import { freePort } from '../services/ports.ts'
import { eventually } from '../services/process.ts'
import { type Prometheus, prometheusProgram, type Sample, startPrometheus } from '../services/prometheus.ts'

const V2 = 'protobuf_message: io.prometheus.write.v2.Request'
const FEATURES = '--enable-feature=exemplar-storage,type-and-unit-labels,created-timestamp-zero-ingestion'
const WRITTEN = ['--web.enable-remote-write-receiver', FEATURES]

type Plain = Record<string, unknown>

/** Moves all times of a request, so that the latest of them is `nanos` since 1970. */
function moved(bytes: Uint8Array, nanos: bigint): Uint8Array {
  const request = decodeRequest('metrics', bytes)
  let latest = 0n
  const walk = (value: unknown, each: (owner: Plain, key: string) => void): void => {
    if (Array.isArray(value)) for (const one of value) walk(one, each)
    else if (typeof value === 'object' && value !== null) {
      for (const [key, inner] of Object.entries(value)) {
        if (/UnixNano$/.test(key)) each(value as Plain, key)
        else walk(inner, each)
      }
    }
  }
  walk(request, (owner, key) => {
    const time = BigInt(String(owner[key]))
    if (key === 'timeUnixNano' && time > latest) latest = time
  })
  walk(request, (owner, key) => {
    const time = BigInt(String(owner[key]))
    if (time !== 0n) owner[key] = String(time + nanos - latest)
  })
  return encodeRequest('metrics', request)
}

/** Every kind, real and made up, but deltas and late points, which remote write does not take. */
function requests(): Uint8Array[] {
  const made = prometheusRequests(1)
  const all = [
    ...golden()
      .filter(({ signal }) => signal === 'metrics')
      .map(({ bytes }) => bytes),
    made[0]!,
    ...made.slice(-2),
  ]
  // One after the other, the last one now.
  const now = BigInt(Date.now()) * 1_000_000n
  return all.map((bytes, i) => moved(bytes, now - BigInt(all.length - i) * 100_000_000n))
}

async function gatewayWith(t: TestContext, exporters: Readonly<Record<string, string>>) {
  const written = Object.entries(exporters).map(([id, config]) => `${id}: {${config}}`)
  const gateway = await startGateway([
    `--config=yaml:{receivers: {otlp: {protocols: {grpc: , http: }}}, exporters: {${written}}, service: {pipelines: {metrics: {receivers: [otlp], exporters: [${Object.keys(exporters)}]}}}}`,
  ])
  t.after(() => gateway.stop())
  return gateway
}

/** Until nothing waits in a queue any more. */
async function written(gateway: RunningGateway): Promise<ReadonlyMap<string, number>> {
  return eventually(
    async () => {
      const metrics = await gateway.metrics()
      const held = [...metrics].filter(([name]) => /^sluice_ledger_items\{.*flow="held"/.test(name))
      assert.ok(held.length > 0)
      return held.every(([, value]) => value === 0) ? metrics : undefined
    },
    'empty queues',
    60_000,
  )
}

/** What is spelled in another way on a page, or belongs to the scrape. */
function keyOf({ metric }: Sample): string {
  const number = (text: string): string => String(Number(text.replace('Inf', 'Infinity')))
  const { __name__: name, __type__: _, __unit__: __, ...labels } = metric
  const kept = Object.entries(labels)
    .filter(([label]) => label !== 'otel_scope_schema_url')
    .filter(([label, value]) => !(label === 'job' && value === 'page'))
    .filter(([label, value]) => !(label === 'instance' && value.startsWith('127.0.0.1:')))
    .map(([label, value]) => `${label}=${label === 'le' || label === 'quantile' ? number(value) : value}`)
  return `${name}{${kept.sort().join()}}`
}

function valueText({ value, histogram }: Sample): string {
  if (value !== undefined) return String(Number(value[1].replace('Inf', 'Infinity')))
  const { count, sum, buckets } = histogram![1]
  return JSON.stringify([count, sum, buckets])
}

/** Everything that is there, by what it is called. */
async function stored(prometheus: Prometheus): Promise<Map<string, string>> {
  const samples = await prometheus.query('{__name__=~".+",__name__!~"up|scrape_.*"}')
  return new Map(samples.map(one => [keyOf(one), valueText(one)] as const).sort())
}

/**
 * What a page and a request say differently, and why: labels whose rule differs (`ünï`, `a.b`), sums that are not there,
 * bounds that are not in order, a resource without an instance.
 */
const PAGE_ONLY =
  /^(?:labels\{|kinds_request_duration_seconds_(?:bucket|sum)\{.*(?:no=sum|odd=bounds)|target_info\{.*job=alone)/

async function exemplarsOf(prometheus: Prometheus): Promise<Map<string, unknown[]>> {
  const end = Math.ceil(Date.now() / 1000) + 60
  const query = encodeURIComponent('{__name__=~".+"}')
  const found = (await prometheus.api(`query_exemplars?query=${query}&start=${end - 7200}&end=${end}`)) as {
    seriesLabels: Record<string, string>
    exemplars: { labels: Record<string, string>; value: string; timestamp: number }[]
  }[]
  return new Map(
    found
      .map(({ seriesLabels, exemplars }) => [keyOf({ metric: seriesLabels }), exemplars] as const)
      .sort(([a], [b]) => (a < b ? -1 : 1)),
  )
}

// Scenario: golden and made-up metrics of every kind go to three Prometheus servers: written in 1.0, written in 2.0, and
// scraped from a page.
// Guarantees: PromQL answers with the same series, labels and values from all three, but for what is listed; exemplars,
// native histograms and their quantiles too; 2.0 brings types and units; everything is accounted for.
test('Prometheus is written to', { timeout: 900_000 }, async t => {
  const program = await need(t, 'Prometheus', () => prometheusProgram('prometheus'))
  if (program === undefined) return
  const page = await freePort()
  const [first, second, scraped] = await Promise.all([
    startPrometheus('{}', WRITTEN),
    startPrometheus('{}', WRITTEN),
    startPrometheus(
      `global: {scrape_interval: 1s, scrape_timeout: 1s}\nscrape_configs:\n  - {job_name: page, honor_labels: true, scrape_protocols: [PrometheusProto], scrape_native_histograms: true, always_scrape_classic_histograms: true, static_configs: [{targets: ["127.0.0.1:${page}"]}]}\n`,
      ['--enable-feature=exemplar-storage'],
    ),
  ])
  t.after(() => Promise.all([first, second, scraped].map(one => one.stop())))
  const gateway = await gatewayWith(t, {
    'prometheus_remote_write/1': `endpoint: "http://${first.address}/api/v1/write"`,
    'prometheusremotewrite/2': `endpoint: "http://${second.address}/api/v1/write", ${V2}`,
    prometheus: `endpoint: "127.0.0.1:${page}"`,
  })
  for (const bytes of requests()) await sendHttp(gateway.http, 'metrics', bytes)
  const metrics = await written(gateway)

  await t.test('nothing but deltas is lost', () => {
    const lost = [...metrics].filter(([name, value]) => name.startsWith('sluice_dropped_items') && value > 0)
    assert.deepEqual(
      lost.filter(([name]) => name.includes('remote') && !name.includes('delta_temporality')),
      [],
    )
    assert.deepEqual(imbalances(metrics), [])
  })

  await t.test('the same series in both versions', async () => {
    const [one, two] = [await stored(first), await stored(second)]
    assert.ok(one.size > 500, `${one.size}`)
    assert.deepEqual(two, one)
  })

  await t.test('the same as by scrape', async () => {
    const one = [...(await stored(first))].filter(([key]) => !PAGE_ONLY.test(key))
    await eventually(async () => {
      const three = [...(await stored(scraped))].filter(([key]) => !PAGE_ONLY.test(key))
      assert.deepEqual(new Map(three), new Map(one))
      return true
    }, 'a scrape of everything')
  })

  await t.test('native histograms', async () => {
    const half: number[] = []
    for (const prometheus of [first, second, scraped]) {
      const one = async (promql: string): Promise<number> =>
        Number((await prometheus.query(promql))[0]!.value![1])
      assert.equal(await one('histogram_count(native_bytes)'), 13)
      assert.equal(await one('histogram_sum(native_bytes)'), 99.5)
      assert.equal(await one('histogram_quantile(1, native_bytes)'), 2 ** (3 / 8))
      half.push(await one('histogram_quantile(0.5, native_fine)'))
    }
    assert.deepEqual(half, [half[0], half[0], half[0]])
  })

  await t.test('exemplars', async () => {
    const [one, two, three] = await Promise.all([first, second, scraped].map(exemplarsOf))
    assert.ok(one!.size > 10, `${one!.size}`)
    assert.deepEqual(two, one)
    // A page has the last one of each series only.
    for (const [key, exemplars] of three!) {
      const written = (one!.get(key) ?? []).map(one => JSON.stringify(one))
      for (const exemplar of exemplars) {
        const { labels, value } = exemplar as { labels: unknown; value: unknown }
        assert.ok(
          written.some(
            text =>
              text.includes(JSON.stringify(value)) && text.includes(JSON.stringify(labels).slice(1, 20)),
          ),
          `${key}: ${JSON.stringify(exemplar)} is not among ${written}`,
        )
      }
    }
  })

  await t.test('types and units of 2.0', async () => {
    const types = {
      requests_total: 'counter',
      queue_size: 'gauge',
      kinds_request_duration_seconds_bucket: 'histogram',
      native_bytes: 'histogram',
      rpc_latency: 'summary',
      target_info: 'gauge',
    }
    for (const [name, type] of Object.entries(types)) {
      const [sample] = await second.query(name)
      assert.equal(sample!.metric['__type__'], type, name)
    }
    const [sample] = await second.query('native_bytes')
    assert.equal(sample!.metric['__unit__'], 'bytes')
  })
})

// Scenario: a counter that began half a minute ago, written for the first time, to a Prometheus that asks for such times.
// Guarantees: with 2.0 it knows that it counted from zero then, so that the first increase is seen; with 1.0 it cannot.
test('when sums began', { timeout: 600_000 }, async t => {
  const program = await need(t, 'Prometheus', () => prometheusProgram('prometheus'))
  if (program === undefined) return
  const [first, second] = await Promise.all([startPrometheus('{}', WRITTEN), startPrometheus('{}', WRITTEN)])
  t.after(() => Promise.all([first.stop(), second.stop()]))
  const gateway = await gatewayWith(t, {
    'prometheus_remote_write/1': `endpoint: "http://${first.address}/api/v1/write"`,
    'prometheus_remote_write/2': `endpoint: "http://${second.address}/api/v1/write", ${V2}`,
  })
  const now = Date.now()
  const points = [{ startTimeUnixNano: `${now - 30_000}000000`, timeUnixNano: `${now}000000`, asInt: '7' }]
  const sum = { isMonotonic: true, aggregationTemporality: 2, dataPoints: points }
  await sendHttp(gateway.http, 'metrics', request({ name: 'c', sum }))
  await written(gateway)
  const values = async (prometheus: Prometheus): Promise<unknown> => {
    const [found] = await prometheus.query('c_total[5m]')
    return (found as unknown as { values: unknown }).values
  }
  assert.deepEqual(await values(first), [[now / 1000, '7']])
  assert.deepEqual(await values(second), [
    [(now - 30_000) / 1000, '0'],
    [now / 1000, '7'],
  ])
})

const gauge = (name: string, millis: number, own: Plain = {}): Plain => ({
  name,
  gauge: { dataPoints: [{ timeUnixNano: `${millis}000000`, asDouble: 1, ...own }] },
})

function request(...metrics: Plain[]): Uint8Array {
  return encodeRequest('metrics', { resourceMetrics: [{ scopeMetrics: [{ metrics }] }] })
}

// Scenario: two processes that say the same of themselves, and whose clocks differ, write in turn in 1.0; one of them sends
// a point without a time.
// Guarantees: Prometheus takes all the others. (It refuses a whole request for one sample that is out of order or from 1970.)
test('two senders of one resource', { timeout: 600_000 }, async t => {
  const program = await need(t, 'Prometheus', () => prometheusProgram('prometheus'))
  if (program === undefined) return
  const prometheus = await startPrometheus('{}', WRITTEN)
  t.after(() => prometheus.stop())
  const gateway = await gatewayWith(t, {
    prometheus_remote_write: `endpoint: "http://${prometheus.address}/api/v1/write"`,
  })
  const now = Date.now()
  const attributes = ['service.name', 'os'].map(key => ({ key, value: { stringValue: key } }))
  const send = async (...metrics: Plain[]): Promise<ReadonlyMap<string, number>> => {
    const resourceMetrics = [{ resource: { attributes }, scopeMetrics: [{ metrics }] }]
    await sendHttp(gateway.http, 'metrics', encodeRequest('metrics', { resourceMetrics }))
    return written(gateway)
  }
  await send(gauge('first', now))
  await send(gauge('second', now - 2000))
  const metrics = await send(gauge('first', now + 1), gauge('third', 0))
  assert.equal((await prometheus.query('target_info')).length, 1)
  assert.equal((await prometheus.query('second')).length, 1)
  assert.equal(((await prometheus.query('first[1m]'))[0] as unknown as { values: [] }).values.length, 2)
  const dropped = [...metrics].filter(([name]) => name.startsWith('sluice_dropped_items'))
  assert.deepEqual(
    dropped.map(([name, value]) => [/reason="(\w+)"/.exec(name)![1], value]),
    [['no_time', 1]],
  )
  assert.deepEqual(imbalances(metrics), [])
})

// Scenario: a sample that is older than the last one of its series, beside a good one; a staleness mark.
// Guarantees: the server's words and a series are in the log, what it took of the request counts as sent in 2.0 and
// nothing in 1.0; a series that has ended is not found any more; everything adds up.
for (const [version, config] of [
  ['1.0', ''],
  ['2.0', `, ${V2}`],
] as const) {
  test(`refusals and staleness in ${version}`, { timeout: 600_000 }, async t => {
    const program = await need(t, 'Prometheus', () => prometheusProgram('prometheus'))
    if (program === undefined) return
    const prometheus = await startPrometheus('{}', WRITTEN)
    t.after(() => prometheus.stop())
    const gateway = await gatewayWith(t, {
      prometheus_remote_write: `endpoint: "http://${prometheus.address}/api/v1/write"${config}`,
    })
    const now = Date.now()
    await sendHttp(gateway.http, 'metrics', request(gauge('late', now), gauge('ends', now)))
    await written(gateway)
    await sendHttp(gateway.http, 'metrics', request(gauge('late', now - 5000), gauge('good', now + 1)))
    await written(gateway)
    await eventually(
      () => /answered 400: out of order sample.*(?:late|good)/.test(gateway.output()) || undefined,
      'the words of the server in the log',
    )
    await sendHttp(gateway.http, 'metrics', request(gauge('ends', now + 2, { flags: 1 })))
    const metrics = await written(gateway)
    assert.equal((await prometheus.query('late')).length, 1)
    assert.equal((await prometheus.query('good')).length, version === '2.0' ? 1 : 0)
    assert.equal((await prometheus.query('ends')).length, 0)
    assert.equal((await prometheus.query('last_over_time(ends[1m])')).length, 1)
    const dropped = [...metrics].filter(([name]) => /^sluice_dropped_items.*rejected_by_server/.test(name))
    assert.deepEqual(
      dropped.map(([, value]) => value),
      [version === '2.0' ? 1 : 2],
    )
    assert.deepEqual(imbalances(metrics), [])
  })
}
