import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatProblem } from '../../config/node.ts'
import { CATALOG } from '../../gateway/catalog.ts'
import { openConfig } from '../../gateway/open-config.ts'

/** What is said of two otlp receivers with these protocols. */
async function said(one: string, two: string, more: { extensions?: string; service?: string } = {}) {
  const yaml = `yaml:
extensions: {${more.extensions ?? ''}}
receivers: {otlp: {protocols: ${one}}, otlp/2: {protocols: ${two}}, otlp/idle: {protocols: ${one}}}
exporters: {nop: }
service: {pipelines: {traces: {receivers: [otlp, otlp/2], exporters: [nop]}}, ${more.service ?? ''}}`
  const gates = { sources: [yaml], sets: [], gates: [] }
  const { check } = await openConfig(gates, { env: {}, cwd: '/' }, CATALOG)
  return check.problems.map(formatProblem)
}

const http = (endpoint: string, transport = 'tcp') =>
  `{http: {endpoint: "${endpoint}", transport: ${transport}}}`

// Scenario: pairs of addresses that cannot both be had, written in the same and in other ways, and pairs that can.
// Guarantees: the former are a mistake at the second one, which names the first; a receiver in no pipeline takes nothing.
test('two receivers on one address', async () => {
  const [problem, ...rest] = await said(http('localhost:4318'), http('localhost:4318'))
  assert.match(
    problem!,
    /:3:\d+: receivers::otlp\/2::protocols::http::endpoint: localhost:4318 is taken by receivers::otlp::protocols::http::endpoint; write another/,
  )
  assert.deepEqual(rest, [])
  const pairs: [string, string, boolean][] = [
    ['localhost:1', '127.0.0.1:1', true],
    ['0.0.0.0:1', '127.0.0.1:1', true],
    ['127.0.0.1:1', ':1', true],
    [':1', '[::1]:1', true],
    ['0.0.0.0:1', '[::]:1', true],
    ['LOCALHOST:1', 'localhost:1', true],
    ['0.0.0.0:1', '[::1]:1', false],
    ['127.0.0.1:1', '[::1]:1', false],
    ['127.0.0.1:1', '127.0.0.2:1', false],
    ['127.0.0.1:1', '127.0.0.1:2', false],
    ['127.0.0.1:0', '127.0.0.1:0', false],
  ]
  for (const [a, b, taken] of pairs)
    assert.equal((await said(http(a), http(b))).length, taken ? 1 : 0, `${a} ${b}`)
  assert.equal((await said(http('/a.sock', 'unix'), http('/a.sock', 'unix'))).length, 1)
  assert.equal((await said(http('/a.sock', 'unix'), http('/b.sock', 'unix'))).length, 0)
})

// Scenario: both protocols of a receiver, an extension and the gateway's own metrics want an address that is taken.
// Guarantees: each is told.
test('protocols, extensions and the metrics page count too', async () => {
  const one = '{grpc: {endpoint: "localhost:8888"}, http: {endpoint: "localhost:8888"}}'
  const problems = await said(one, http('localhost:13133'), {
    extensions: 'health_check: {endpoint: "localhost:13133"}',
    service: 'extensions: [health_check]',
  })
  assert.deepEqual(problems.map(line => line.replace(/^\S+ /, '').replace(/; write.*/, '')).sort(), [
    'extensions::health_check::endpoint: localhost:13133 is taken by receivers::otlp/2::protocols::http::endpoint',
    'receivers::otlp::protocols::http::endpoint: localhost:8888 is taken by receivers::otlp::protocols::grpc::endpoint',
    'service::telemetry::metrics::readers: localhost:8888 is taken by receivers::otlp::protocols::grpc::endpoint',
  ])
})
