/** What the two say of themselves: names and labels of their metrics after the same traffic, and health. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isDeepStrictEqual } from 'node:util'
import { need } from '../services/cache.ts'
import { collectorProgram } from '../services/collector.ts'
import { eventually } from '../services/process.ts'
import { Comparison } from './comparison.ts'
import { askHttp, post } from './exchange.ts'
import { type Side, startPair } from './pair.ts'
import { golden } from './requests.ts'

const CONFIG = (level: string, reader: string): string => `
receivers: {otlp: {protocols: {grpc: {endpoint: "@grpc@"}, http: {endpoint: "@http@"}}}}
processors:
  memory_limiter: {check_interval: 1s, limit_mib: 2000}
  batch: {timeout: 10ms}
  attributes: {actions: [{key: a, action: insert, value: b}]}
  probabilistic_sampler: {sampling_percentage: 50}
connectors: {forward: }
exporters:
  nop:
  debug: {verbosity: basic}
  otlp_http: {endpoint: "http://127.0.0.1:1", retry_on_failure: {enabled: false}}
extensions:
  health_check: {endpoint: "@health@"}
  health_check/own: {endpoint: "@health-own@", path: /alive, response_body: {healthy: fine, unhealthy: poor}}
service:
  extensions: [health_check, health_check/own]
  telemetry:
    metrics:
      level: ${level}
      readers: [{pull: {exporter: {prometheus: {host: 127.0.0.1, port: @metrics:port@${reader}}}}}]
  pipelines:
    traces: {receivers: [otlp], processors: [memory_limiter, probabilistic_sampler, attributes, batch], exporters: [debug, forward]}
    traces/2: {receivers: [forward], exporters: [nop, otlp_http]}
    metrics: {receivers: [otlp], processors: [batch], exporters: [debug]}
    logs: {receivers: [otlp], exporters: [debug]}
`

/** Labels that name one process, one machine or the program. */
const OWN_LABELS = [
  'otel_scope_name',
  'service_instance_id',
  'service_name',
  'service_version',
  'otel_scope_version',
  'server_port',
]

/** Samples whose values do not depend on time or memory. */
const COUNTED = /_(?:spans|metric_points|log_records|requests|items)(?:__\w+__)?(?:_total)?\{/

interface Page {
  /** `name{labels}` to value. */
  readonly samples: ReadonlyMap<string, string>
  readonly types: ReadonlyMap<string, string>
}

async function pageOf(side: Side): Promise<Page> {
  const { body } = await askHttp(side.address('metrics'), { method: 'GET', path: '/metrics' })
  const samples = new Map<string, string>()
  const types = new Map<string, string>()
  for (const line of body.toString().split('\n')) {
    const type = /^# TYPE (\S+) (\S+)/.exec(line)
    if (type !== null) types.set(type[1]!, type[2]!)
    const sample = /^([a-z_]+)(?:\{(.*)\})? (\S+)$/.exec(line)
    if (sample === null) continue
    const labels = [...(sample[2] ?? '').matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)]
      .filter(([, name]) => !OWN_LABELS.includes(name!) && name !== 'le')
      .map(([, name, value]) => `${name}=${value}`)
    samples.set(`${sample[1]}{${labels.sort().join(',')}}`, sample[3]!)
  }
  return { samples, types }
}

const LEVELS: readonly [name: string, level: string, reader: string][] = [
  ['normal', 'normal', ''],
  ['basic', 'basic', ''],
  [
    'detailed, every part of names',
    'detailed',
    ', without_scope_info: false, without_type_suffix: false, without_units: false',
  ],
]

/** The page once everything has left: when it says the same twice. */
async function settled(side: Side): Promise<Page> {
  let before: unknown
  return eventually(async () => {
    const page = await pageOf(side)
    const counts = [...page.samples].filter(([sample]) => COUNTED.test(sample))
    const same = isDeepStrictEqual(counts, before)
    before = counts
    return same && page.samples.size > 0 ? page : undefined
  }, `${side.name}: metrics that stay`)
}

const comparison = new Comparison('telemetry')

for (const [name, level, reader] of LEVELS) {
  // Scenario: the same requests go through the same pipelines, good and bad ones, and then the metrics page is read.
  // Guarantees: the Collector's metrics are there, of the same type, with the same labels; counts of items are equal.
  test(`metrics, ${name}`, { timeout: 60_000 }, async t => {
    const pair = await startPair(t, CONFIG(level, reader), { telemetry: true })
    if (pair === undefined) return
    const pages = await pair.both(async side => {
      for (const { signal, bytes } of golden())
        assert.equal((await post(side.address('http'), signal, bytes)).status, 200)
      await post(side.address('http'), 'traces', Buffer.from('broken'))
      return settled(side)
    })
    // What only Sluice has is its own business.
    const own = (one: string): boolean => one.startsWith('otelcol_')
    const types = pages.map(page => page.types)
    const known = [...types[1]!.keys()].filter(own)
    await t.test('types', () => {
      const [ours, theirs] = types.map(one =>
        Object.fromEntries(known.map(metric => [metric, one.get(metric)])),
      )
      comparison.same(`${name}, types`, ours!, theirs!)
    })
    await t.test('samples', () => {
      const [ours, theirs] = pages.map(({ samples }) =>
        Object.fromEntries(
          [...pages[1].samples.keys()].filter(own).map(sample => {
            const value = samples.get(sample)
            return [sample, COUNTED.test(sample) ? value : value !== undefined]
          }),
        ),
      )
      comparison.same(`${name}, samples`, ours!, theirs!)
    })
    if (name === 'normal') {
      for (const [door, path, method] of [
        ['health', '/', 'GET'],
        ['health', '/other', 'GET'],
        ['health', '/', 'POST'],
        ['health-own', '/alive', 'GET'],
        ['health-own', '/', 'GET'],
      ] as const) {
        const asked = `health: ${door} ${method} ${path}`
        await t.test(asked, async () => {
          const [a, b] = await pair.both(async side => {
            const { status, headers, body } = await askHttp(side.address(door), { method, path })
            const type = headers['content-type']
            const json = String(type).includes('json') ? Object.keys(JSON.parse(body.toString())) : undefined
            return { status, type, body: json ?? (status === 200 ? body.toString() : 'ours') }
          })
          comparison.same(asked, a, b)
        })
      }
    }
    await pair.stop()
  })
}

// Scenario: the list of differences after all of the above.
// Guarantees: none of them is gone.
test('listed differences of telemetry occur', async t => {
  if ((await need(t, 'the Collector', collectorProgram)) !== undefined) comparison.end()
})
