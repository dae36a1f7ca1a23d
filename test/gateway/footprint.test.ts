/** What a gateway loads: each MiB here is paid by every sidecar. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { run } from '../services/process.ts'

const program = fileURLToPath(new URL('../../gateway/main.ts', import.meta.url))

/** At the end of a process: the names of Node's own modules and the paths of CommonJS modules it loaded. */
const SAY_WHAT_WAS_LOADED = `data:text/javascript,
  import Module from 'node:module';
  process.on('exit', () => console.log([...process.moduleLoadList, ...Object.keys(Module._cache)].join('\\n')))`

const CONFIG =
  'yaml:{receivers: {otlp: {protocols: {http: {endpoint: "127.0.0.1:0"}, grpc: {endpoint: "127.0.0.1:0"}}}}, ' +
  'exporters: {nop: }, extensions: {health_check: {endpoint: "127.0.0.1:0"}}, service: {extensions: [health_check], ' +
  'telemetry: {metrics: {readers: [{pull: {exporter: {prometheus: {host: 127.0.0.1, port: 0}}}}]}}, ' +
  'pipelines: {traces: {receivers: [otlp], exporters: [nop]}}}}'

// Scenario: a gateway with both doors, a metrics page and health_check runs and ends.
// Guarantees: it did not load Node's copy of undici (importing node:http does), the schema compilers of fastify,
// prom-client's metric classes, or clients and encoders that the config does not use.
test('a small config loads little', { timeout: 60_000 }, async t => {
  const gateway = run(process.execPath, ['--import', SAY_WHAT_WAS_LOADED, program, '--config', CONFIG])
  t.after(() => gateway.stop('SIGKILL'))
  await gateway.printed(/Everything is ready/)
  assert.equal(await gateway.stop('SIGTERM'), 0)
  const loaded = gateway.output()
  assert.match(loaded, /NativeModule http\n/)
  assert.match(loaded, /node_modules\/fastify\/fastify\.js/)
  const unwanted = [
    'NativeModule internal/deps/undici/undici',
    '/node_modules/ajv/',
    '/node_modules/fast-json-stringify/index.js',
    '/node_modules/prom-client/lib/metrics/',
    '/node_modules/@grpc/',
    '/node_modules/@opentelemetry/',
    '/node_modules/undici/',
    '/node_modules/re2js/',
  ]
  assert.deepEqual(
    unwanted.filter(name => loaded.includes(name)),
    [],
  )
})
