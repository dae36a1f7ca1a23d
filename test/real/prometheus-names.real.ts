/** Every metric of the semantic conventions, in a real Prometheus, under the names that docs/prometheus-names.md has. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { conventions } from '../../gateway/conventions.ts'
import {
  conventionRequest,
  conventionValue,
  type DocumentedMetric,
  documentedMetrics,
} from '../kit/conventions.ts'
import { imbalances, startGateway } from '../kit/gateway-process.ts'
import { sendHttp } from '../kit/send.ts'
import { need } from '../services/cache.ts'
import { freePort } from '../services/ports.ts'
import { eventually } from '../services/process.ts'
import { type Prometheus, prometheusProgram, startPrometheus } from '../services/prometheus.ts'

/** What a unit is called in a name. Those in braces are not called anything, and 1 only of a gauge. */
const UNIT_WORDS: Readonly<Record<string, string>> = {
  s: 'seconds',
  By: 'bytes',
  J: 'joules',
  W: 'watts',
  V: 'volts',
  A: 'amperes',
  Hz: 'hertz',
  Cel: 'celsius',
  'By/s': 'bytes_per_second',
  '%': 'percent',
  rpm: 'rpm',
}

/** Families that a gateway must not get wrong. */
const FAMILIES = [
  'general: the OpenTelemetry SDK and Collector',
  'HTTP',
  'database',
  'messaging',
  'RPC',
  'FaaS',
  'system',
  'hardware',
  'process',
  'JVM runtime',
  'CPython runtime',
  'Node.js runtime',
  'V8 runtime',
]

/** The series of a metric and their values. */
function seriesOf({ metric, name, type }: DocumentedMetric): [series: string, value: number][] {
  const value = conventionValue(metric)
  if (type !== 'histogram') return [[name, value]]
  return [
    [`${name}_sum`, value],
    [`${name}_count`, 3],
    [`${name}_bucket`, 1],
  ]
}

async function stored(prometheus: Prometheus): Promise<Map<string, number>> {
  const samples = await prometheus.query('{job="conventions", le!="+Inf"}')
  return new Map(samples.map(({ metric, value }) => [metric['__name__']!, Number(value![1])]))
}

// Scenario: one point of every metric of the semantic conventions is sent to a gateway whose page a real Prometheus scrapes.
// Guarantees: every one of them is there under its documented name, with its value and its type, and nothing else is; the
// unit is in the name; each family of the conventions is among them.
test('the metrics of the semantic conventions', { timeout: 300_000 }, async t => {
  const program = await need(t, 'Prometheus', () => prometheusProgram('prometheus'))
  if (program === undefined) return
  const documented = documentedMetrics()
  assert.deepEqual(
    documented.map(one => one.metric),
    conventions().map(one => one.name),
  )
  const port = await freePort()
  const gateway = await startGateway([
    `--config=yaml:{receivers: {otlp: {protocols: {grpc: , http: }}}, exporters: {prometheus: {endpoint: "127.0.0.1:${port}"}}, service: {pipelines: {metrics: {receivers: [otlp], exporters: [prometheus]}}}}`,
  ])
  t.after(() => gateway.stop())
  await sendHttp(gateway.http, 'metrics', conventionRequest())
  const prometheus = await startPrometheus(
    `global: {scrape_interval: 2s, scrape_timeout: 2s}\nscrape_configs:\n  - {job_name: sluice, honor_labels: true, static_configs: [{targets: ["127.0.0.1:${port}"]}]}\n`,
  )
  t.after(() => prometheus.stop())
  const values = await eventually(
    async () => {
      const found = await stored(prometheus)
      return found.size > 0 ? found : undefined
    },
    'a scrape',
    60_000,
  )
  const metadata = (await prometheus.api('metadata')) as Record<string, { type: string }[]>
  const missing = new Set(values.keys())
  missing.delete('target_info')
  for (const family of new Set(documented.map(one => one.family))) {
    await t.test(family, () => {
      for (const one of documented.filter(row => row.family === family)) {
        for (const [series, value] of seriesOf(one)) {
          assert.equal(values.get(series), value, `${one.metric} as ${series}`)
          missing.delete(series)
        }
        assert.equal(metadata[one.name]?.[0]?.type, one.type, one.name)
        checkUnit(one)
      }
    })
  }
  assert.deepEqual([...missing], [], 'nothing else is there')
  const families = new Set(documented.map(one => one.family))
  assert.deepEqual(
    FAMILIES.filter(family => !families.has(family)),
    [],
  )
  assert.deepEqual(imbalances(await gateway.metrics()), [])
})

function checkUnit({ unit, name, type, metric, instrument }: DocumentedMetric): void {
  assert.equal(name.endsWith('_total'), type === 'counter', name)
  if (unit.startsWith('{')) return
  if (unit === '1') {
    assert.equal(name.endsWith('_ratio'), instrument === 'gauge', name)
    return
  }
  const word = UNIT_WORDS[unit]
  assert.ok(word !== undefined, `${metric}: write the unit "${unit}" into UNIT_WORDS`)
  assert.ok(`${name}_`.includes(`_${word}_`), `${name} says ${word}`)
}
