/** `prometheus_remote_write`: the same metrics from both, in both versions and under every key, to a receiver of ours. */

import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import type { ReadSeries } from '../kit/remote-write.ts'
import { RemoteWriteServer } from '../kit/remote-write-server.ts'
import { Comparison } from './comparison.ts'
import { post } from './exchange.ts'
import { startPair } from './pair.ts'
import { prometheusRequests } from './prometheus-input.ts'
import { ODD, ODD_REQUESTS } from './remote-write-input.ts'
import { golden, seed } from './requests.ts'

const V2 = 'protobuf_message: io.prometheus.write.v2.Request'

/** One exporter each. */
const OPTIONS: Readonly<Record<string, string>> = {
  'version 1': '',
  'version 2': V2,
  'no suffixes': 'add_metric_suffixes: false',
  'escaped without suffixes': 'translation_strategy: UnderscoreEscapingWithoutSuffixes',
  'UTF-8 with suffixes': `translation_strategy: NoUTF8EscapingWithSuffixes, ${V2}`,
  'no translation': `translation_strategy: NoTranslation, ${V2}`,
  'namespace and labels':
    'namespace: ns, external_labels: {zone.a: "a\\"b", Env: prod, job: external, _x: y}',
  'resource labels': 'resource_to_telemetry_conversion: {enabled: true}',
  'fewer resource labels': `resource_to_telemetry_conversion: {enabled: true, exclude_service_attributes: true}, ${V2}`,
  'no scope, no target': 'disable_scope_info: true, target_info: {enabled: false}',
  metadata: 'send_metadata: true',
  'small requests': 'max_batch_size_bytes: 20000, max_batch_request_parallelism: 2',
}
const names = Object.keys(OPTIONS)
const CONFIG = `
receivers: {otlp: {protocols: {http: {endpoint: "@http@"}}}}
exporters:
${names.map((name, i) => `  prometheusremotewrite/${i}: {endpoint: "http://@server@/${i}", remote_write_queue: {enabled: false}${OPTIONS[name] === '' ? '' : `, ${OPTIONS[name]}`}}`).join('\n')}
service:
  pipelines:
    metrics: {receivers: [otlp], exporters: [${names.map((_, i) => `prometheusremotewrite/${i}`).join(', ')}]}
`

/** What reached the receiver, by exporter. */
interface Written {
  readonly series: readonly (readonly [key: string, seen: unknown])[]
  readonly metadata: readonly string[]
}

function seen(server: RemoteWriteServer, i: number): Written {
  const own = new RemoteWriteServer()
  own.requests.push(...server.requests.filter(({ path }) => path === `/${i}`))
  const series = [...own.taken()].map(([key, one]) => [key, tidy(one)] as const)
  const metadata = own.requests.flatMap(one =>
    one.metadata.map(entry => JSON.stringify(Object.entries(entry).sort())),
  )
  return {
    series: series.sort(([a], [b]) => (a < b ? -1 : 1)),
    // The Collector says it again for each request; types that a name has had are told once here.
    metadata: [...new Set(metadata)].sort(),
  }
}

/** What is listed as a difference, out of the way: starts, exemplars, samples that come twice. */
function tidy({ samples, histograms, exemplars, metadata }: ReadSeries): unknown {
  const plain = samples.map(({ value, time }) => ({ value, time }))
  return {
    samples: unique(plain),
    // Of one that ends nothing but that counts.
    histograms: unique(
      histograms.map(({ start: _, ...rest }) => (rest.sum === 'stale' ? { stale: rest.time } : rest)),
    ),
    // The Collector writes their labels in any order, which no receiver minds.
    exemplars: unique(exemplars.map(one => ({ ...one, labels: Object.entries(one.labels).sort() }))),
    metadata,
  }
}

function unique(list: readonly unknown[]): string[] {
  return [...new Set(list.map(one => JSON.stringify(one, numbers)))].sort()
}

function numbers(_: string, value: unknown): unknown {
  return typeof value === 'number' && !Number.isFinite(value) ? String(value) : value
}

/** Series of one odd case together, every other series for itself: what was seen of it, aspect by aspect. */
function byCase(series: Written['series']): Map<string, Record<string, unknown>> {
  const cases = new Map<string, Record<string, unknown>>()
  for (const [key, one] of series) {
    const odd = Object.keys(ODD).find(name => key.replace(/^ns_/, '').startsWith(name))
    if (odd === undefined) cases.set(key, one as Record<string, unknown>)
    else cases.set(odd, { ...cases.get(odd), [key]: one })
  }
  return cases
}

async function servers(t: TestContext) {
  const made = { Sluice: new RemoteWriteServer(), Collector: new RemoteWriteServer() }
  t.after(() => Promise.all(Object.values(made).map(one => one.close())))
  return made
}

// Scenario: golden metrics of real clients and metrics of every kind go to twelve exporters of each with the same keys,
// which write to a receiver of ours.
// Guarantees: equal series with equal samples, histograms, exemplars and metadata, but for the list of differences.
test(`remote write (SLUICE_SEED=${seed})`, { timeout: 240_000 }, async t => {
  const made = await servers(t)
  const pair = await startPair(t, CONFIG, {
    flags: ['--feature-gates=exporter.prometheusremotewritexporter.enableSendingRW2'],
    before: async (name, address) => {
      await made[name].listen(Number(address('server').split(':')[1]))
    },
  })
  if (pair === undefined) return
  const requests = [
    ...golden()
      .filter(({ signal }) => signal === 'metrics')
      .map(({ bytes }) => bytes),
    ...prometheusRequests(seed),
    ...ODD_REQUESTS,
  ]
  await pair.both(async side => {
    for (const bytes of requests) await post(side.address('http'), 'metrics', bytes)
  })
  for (const server of Object.values(made)) assert.deepEqual(server.problems, [])
  const comparison = new Comparison('remote-write')
  for (const [i, name] of names.entries()) {
    const [ours, theirs] = [seen(made.Sluice, i), seen(made.Collector, i)]
    assert.ok(ours.series.length > 100, `${name}: ${ours.series.length}`)
    const [a, b] = [byCase(ours.series), byCase(theirs.series)]
    await t.test(name, () => {
      for (const one of new Set([...a.keys(), ...b.keys()]))
        comparison.same(`${name}: ${one}`, a.get(one) ?? {}, b.get(one) ?? {})
      comparison.same(`${name}: metadata`, { entries: ours.metadata }, { entries: theirs.metadata })
    })
  }
  comparison.end()
})
