import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseCommandLine } from '../../../gateway/cli.ts'
import { runCommand } from '../../../gateway/commands/index.ts'

async function run(...argv: readonly string[]) {
  const parsed = parseCommandLine(argv)
  assert.ok(!('error' in parsed), argv.join(' '))
  let out = ''
  let err = ''
  const io = {
    out: (text: string) => void (out += text),
    err: (text: string) => void (err += text),
    env: {},
    cwd: '.',
  }
  return { code: await runCommand(parsed, io), out, err }
}

const CONFIG = `--config=yaml:{receivers: {otlp: {protocols: {grpc: {endpoint: "127.0.0.1:0"}}}}, exporters: {
  prometheus: {endpoint: "127.0.0.1:0", namespace: shop, const_labels: {zone: a}, without_scope_info: true, resource_to_telemetry_conversion: {enabled: true}},
  prometheus/raw: {endpoint: "127.0.0.1:1", translation_strategy: NoTranslation}, nop: },
  service: {pipelines: {metrics: {receivers: [otlp], exporters: [prometheus, nop]}}}}`

// Scenario: a metric of the conventions, without a config.
// Guarantees: its series, each step to the name, its labels, and the name in every strategy.
test('a metric that the conventions know', async () => {
  const { code, out } = await run(
    'explain',
    'metric',
    'http.server.request.duration',
    '--attribute',
    'a.b',
    '--attribute',
    'a-b',
  )
  assert.equal(code, 0)
  assert.match(
    out,
    /^http\.server\.request\.duration\n {2}histogram, unit s; semantic conventions [\d.]+, HTTP, stable\n/,
  )
  for (const part of ['_bucket{le="..."}', '_sum', '_count'])
    assert.ok(out.includes(`http_server_request_duration_seconds${part}`))
  assert.match(
    out,
    /-> http_server_request_duration +characters other .*\n +-> http_server_request_duration_seconds +unit "s" is appended/,
  )
  assert.match(out, /a_b +attribute a\.b and a-b: .*; their values are joined by ;/)
  assert.match(
    out,
    /all values of translation_strategy:\n.*\n.*\n.*\n {2}NoTranslation +http\.server\.request\.duration\n$/,
  )
})

// Scenario: the same with a config that has two exporters, one of them in no pipeline.
// Guarantees: each is explained by its own keys.
test('the exporters of a config', async () => {
  const { code, out } = await run('explain', 'metric', 'cpu.load', '--type=gauge', '--unit=1', CONFIG)
  assert.equal(code, 0)
  const [head, first, second, ...more] = out.split('\n\n')
  assert.equal(head, 'cpu.load\n  gauge, unit 1; as you said')
  assert.match(
    first!,
    /^exporter prometheus, with UnderscoreEscapingWithSuffixes:\n {2}shop_cpu_load_ratio {3}a gauge\n/,
  )
  assert.match(first!, /namespace: "shop" stands in front/)
  assert.match(first!, /zone +the same on every series/)
  assert.match(first!, /resource_to_telemetry_conversion/)
  assert.doesNotMatch(first!, /otel_scope/)
  assert.match(
    second!,
    /^exporter prometheus\/raw \(in no pipeline\), with NoTranslation:\n {2}\{"cpu\.load"\} {3}a gauge\n/,
  )
  assert.match(second!, /gets it escaped, with underscores/)
  assert.deepEqual(more, [])
})

// Scenario: every type of metric, and an exponential histogram by both ways.
// Guarantees: the series of each are named.
test('series of each type', async () => {
  const series = async (type: string) => {
    const { out } = await run('explain', 'metric', 'x', '--type', type)
    return [...out.matchAll(/^ {2}(x\S*) {3}/gm)].map(([, name]) => name)
  }
  assert.deepEqual(await series('counter'), ['x_total'])
  assert.deepEqual(await series('updowncounter'), ['x'])
  assert.deepEqual(await series('gauge'), ['x'])
  assert.deepEqual(await series('histogram'), ['x_bucket{le="..."}', 'x_sum', 'x_count'])
  assert.deepEqual(await series('exponential_histogram'), ['x', 'x_sum', 'x_count'])
  assert.deepEqual(await series('summary'), ['x{quantile="..."}', 'x_sum', 'x_count'])
  assert.match(
    (await run('explain', 'metric', '...', '--type', 'gauge')).out,
    /has no name in Prometheus, and its points are dropped/,
  )
})

// Scenario: no name, a name that nobody knows, a config without such an exporter, a broken one, a wrong type.
// Guarantees: a sentence that says what to write, and the exit code.
test('mistakes', async () => {
  assert.deepEqual(await run('explain'), {
    code: 2,
    out: '',
    err: 'write: sluice explain metric NAME, such as: sluice explain metric http.server.request.duration\n',
  })
  assert.equal((await run('explain', 'label', 'a')).code, 2)
  assert.equal((await run('explain', 'metric', 'a', 'b')).code, 2)
  const unknown = await run('explain', 'metric', 'http.server.request.durations')
  assert.equal(unknown.code, 1)
  assert.match(
    unknown.err,
    /its type is not known; write --type counter\|.* did you mean "http\.server\.request\.duration"\?/,
  )
  const other =
    '--config=yaml:{receivers: {otlp: {protocols: {grpc: }}}, exporters: {nop: }, service: {pipelines: {metrics: {receivers: [otlp], exporters: [nop]}}}}'
  const none = await run('explain', 'metric', 'a', '--type', 'gauge', other)
  assert.equal(none.code, 1)
  assert.match(none.err, /has no exporter prometheus or prometheus_remote_write/)
  assert.match(
    (await run('explain', 'metric', 'a', '--type', 'gauge', CONFIG.replace('shop', '[]'))).err,
    /1 mistake in the config/,
  )
  assert.match(
    (parseCommandLine(['explain', 'metric', 'a', '--type', 'counters']) as { error: string }).error,
    /"counters" is not one of counter, /,
  )
  assert.match(
    (parseCommandLine(['run', '--unit', 's']) as { error: string }).error,
    /belongs to the command explain/,
  )
})
