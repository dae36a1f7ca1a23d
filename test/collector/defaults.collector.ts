/** The config in effect: `print-config` of both, every key that both have, defaults included. */

import { test } from 'node:test'
import { parse } from 'yaml'
import { parseCommandLine } from '../../gateway/cli.ts'
import { runCommand } from '../../gateway/commands/index.ts'
import { need } from '../services/cache.ts'
import { collectorProgram } from '../services/collector.ts'
import { complete } from '../services/process.ts'
import { Comparison } from './comparison.ts'

const PIPELINES = ['traces', 'metrics', 'logs']
  .map(
    signal =>
      `${signal}: {receivers: [otlp], processors: [memory_limiter, batch, batch/own], exporters: [debug, file, otlp_grpc, otlp_http, otlp_http/own, nop]}`,
  )
  .join(', ')

/** Every component with as little as it can have, and some with values of every form. */
const CONFIG = `
receivers: {otlp: {protocols: {grpc: {auth: {authenticator: bearertokenauth}}, http: {auth: {authenticator: bearertokenauth}}}}}
processors:
  memory_limiter: {check_interval: 1s, limit_mib: 100}
  batch:
  batch/own: {timeout: 90s, send_batch_size: 0x10, metadata_keys: [a, b]}
  attributes: {actions: [{key: a, action: delete}]}
  resource: {attributes: [{key: a, action: upsert, value: 1}]}
  probabilistic_sampler:
exporters:
  debug:
  file: {path: /tmp/sluice-x}
  otlp_grpc: {endpoint: "a:1", sending_queue: {batch: }}
  otlp_http: {endpoint: "http://a:1"}
  otlp_http/own: {endpoint: "http://a:1", auth: {authenticator: basicauth}, timeout: 1500ms, headers: {x: y}, retry_on_failure: {max_elapsed_time: 0}, sending_queue: {sizer: bytes, queue_size: 5000000}}
  nop:
  prometheus: {endpoint: "a:1"}
extensions: {health_check: , zpages: , pprof: , bearertokenauth: {tokens: [a]}, basicauth: {client_auth: {username: a, password: b}}}
connectors: {span_metrics: }
service:
  extensions: [health_check, zpages, pprof, bearertokenauth, basicauth]
  pipelines: {${PIPELINES}, traces/2: {receivers: [otlp], processors: [attributes, resource, probabilistic_sampler], exporters: [nop]}, metrics/2: {receivers: [otlp, span_metrics], exporters: [prometheus]}, traces/3: {receivers: [otlp], exporters: [span_metrics]}}
`

/** Null, nothing and an empty text say the same; levels are written in any case. */
function plain(value: unknown): unknown {
  if (typeof value === 'string') return value.toLowerCase()
  if (Array.isArray(value)) return value.map(plain)
  if (typeof value !== 'object' || value === null) return value ?? ''
  return Object.fromEntries(
    Object.entries(value)
      .map(([key, one]) => [key, plain(one)])
      .filter(([, one]) => one !== ''),
  )
}

/** Leaves by their path. Lists are leaves. */
function leaves(value: unknown, path = ''): [path: string, value: unknown][] {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return [[path, plain(value)]]
  return Object.entries(value).flatMap(([key, one]) => leaves(one, path === '' ? key : `${path}::${key}`))
}

// Scenario: one config with all components, most of them with their defaults, is printed by both.
// Guarantees: the same values for all keys that both know, so the same defaults.
test('print-config', { timeout: 60_000 }, async t => {
  const program = await need(t, 'the Collector', collectorProgram)
  if (program === undefined) return
  const flags = ['print-config', `--config=yaml:${CONFIG}`]
  const theirs = new Map(leaves(parse(await complete(program, flags))))
  let printed = ''
  const line = parseCommandLine(flags)
  if ('error' in line) throw new Error(line.error)
  const out = (text: string): void => void (printed += text)
  await runCommand(line, { out, err: () => {}, env: {}, cwd: '.' })
  const ours = new Map(leaves(parse(printed)))
  const shared = [...theirs.keys()].filter(key => ours.has(key))
  const comparison = new Comparison('defaults')
  const seen = (of: ReadonlyMap<string, unknown>) => Object.fromEntries(shared.map(key => [key, of.get(key)]))
  comparison.same('all components', seen(ours), seen(theirs))
  comparison.same(
    'all components',
    { 'shared keys, at least 100': shared.length >= 100 },
    { 'shared keys, at least 100': true },
  )
  comparison.end()
})
