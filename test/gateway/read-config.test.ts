import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { formatProblem } from '../../config/node.ts'
import { openConfig } from '../../gateway/open-config.ts'
import { testCatalog } from '../kit/catalog.ts'

const folder = mkdtempSync(join(tmpdir(), 'sluice-read-'))
after(() => rmSync(folder, { recursive: true }))

const GOOD = `receivers:
  otlp:
    protocols:
      grpc:
processors:
  batch:
exporters:
  debug:
service:
  pipelines:
    traces:
      receivers: [otlp]
      processors: [batch]
      exporters: [debug]
`

/** `config.yaml` with this text, then `more` over it. */
async function open(text: string, more: string[] = [], gates: string[] = []) {
  writeFileSync(join(folder, 'config.yaml'), text)
  const loaded: string[] = []
  const { config, check } = await openConfig(
    { sources: ['config.yaml', ...more.map(one => `yaml:${one}`)], sets: [], gates },
    { env: { SECRET: 'hunter2' }, cwd: folder },
    testCatalog(loaded),
  )
  return { config, loaded, said: check.problems.map(formatProblem) }
}

// Scenario: a config without mistakes.
// Guarantees: components and pipelines are read, null sections mean defaults, and nothing else is loaded.
test('a good config is read', async () => {
  const { config, loaded, said } = await open(GOOD)
  assert.deepEqual(said, [])
  assert.deepEqual(loaded, ['receiver/otlp', 'processor/batch', 'exporter/debug'])
  assert.deepEqual(config!.receivers.get('otlp')!.config, { protocols: { grpc: { endpoint: '' } } })
  assert.deepEqual(config!.processors.get('batch')!.config, { timeout: 200, send_batch_size: 8192 })
  assert.deepEqual(config!.service.pipelines, [
    {
      id: 'traces',
      signal: 'traces',
      receivers: [{ id: 'otlp', at: { file: 'config.yaml', line: 12, column: 19 } }],
      processors: [{ id: 'batch', at: { file: 'config.yaml', line: 13, column: 20 } }],
      exporters: [{ id: 'debug', at: { file: 'config.yaml', line: 14, column: 19 } }],
      at: { file: 'config.yaml', line: 11, column: 5 },
    },
  ])
})

// Scenario: one file with five different mistakes: a typo in a component, a key, a type, a duration and a reference.
// Guarantees: all five are listed, each with its place and what to do, in the order of the file.
test('five mistakes are five lines', async () => {
  const { config, said } = await open(`receivers:
  otpl:
    protocols:
      grpc:
processors:
  batch:
    timeout: soon
    send_batch_sise: 10
exporters:
  debug:
  otlp_http:
    endpoint: 8080
service:
  pipelines:
    traces:
      receivers: [otpl]
      processors: [bacth]
      exporters: [debug, otlp_http]
`)
  assert.equal(config, undefined)
  assert.deepEqual(said, [
    'config.yaml:2:3: receivers::otpl: there is no receiver "otpl"; did you mean "otlp"?',
    'config.yaml:7:14: processors::batch::timeout: expected a duration, got the text "soon"; write a number with a unit, such as 200ms, 5s or 1m30s',
    'config.yaml:8:5: processors::batch::send_batch_sise: is not a known key; did you mean "send_batch_size"?',
    'config.yaml:12:15: exporters::otlp_http::endpoint: expected a text, got the number 8080; write it in quotes',
    'config.yaml:17:20: service::pipelines::traces::processors: bacth is not configured; did you mean "batch"?',
  ])
})

/** [what goes over GOOD, ...what is said]; the place in `yaml:...` is left out. */
const MISTAKES: readonly (readonly [over: string, ...said: string[]])[] = [
  ['recievers: {}', 'recievers: is not a known key; did you mean "receivers"?'],
  [
    'receivers: [otlp]',
    'receivers: expected a map from ids to configs; write "id:" lines below it',
    'service::pipelines::traces::receivers: otlp is not configured; write otlp: below receivers:',
  ],
  [
    'processors:',
    'service::pipelines::traces::processors: batch is not configured; write batch: below processors:',
  ],
  [
    'exporters::kafka:',
    'exporters::kafka: the Collector has an exporter "kafka", but Sluice does not have it yet; remove it here and in the pipelines, or run it in a Collector beside Sluice and connect the two with OTLP',
  ],
  [
    'receivers::host_metrics/2:',
    'receivers::host_metrics/2: the Collector has a receiver "host_metrics", but Sluice does not have it yet; remove it here and in the pipelines, or run it in a Collector beside Sluice and connect the two with OTLP',
  ],
  [
    'exporters::logging:',
    'exporters::logging: the exporter "logging" was removed from the Collector; write debug, which took its place',
  ],
  [
    'exporters::frobnicate:',
    'exporters::frobnicate: there is no exporter "frobnicate"; known here: debug, otlp_http',
  ],
  ['exporters::otlphtp:', 'exporters::otlphtp: there is no exporter "otlphtp"; did you mean "otlp_http"?'],
  ['exporters::OTLPHTTP:', 'exporters::OTLPHTTP: there is no exporter "OTLPHTTP"; did you mean "otlp_http"?'],
  [
    'extensions::debug:',
    'extensions::debug: debug is an exporter, not an extension; move it below exporters:',
  ],
  [
    'exporters::otlphttp: {endpoint: a}',
    'warning: exporters::otlphttp: "otlphttp" is a deprecated name; write otlp_http',
  ],
  [
    'processors::batch: 5',
    'processors::batch: expected a section, got the number 5; write timeout, send_batch_size: below it',
  ],
  [
    'processors::batch/:',
    'processors: the id "batch/" has nothing behind the slash; write batch or batch/name',
  ],
  ['processors::/a:', 'processors: the id "/a" has nothing before the slash; write type or type/name'],
  [
    'processors::batch/a b:',
    'processors: the name "a b" has a space, a symbol or a control character; use letters, digits and punctuation such as - and _',
  ],
  [
    'processors::1batch:',
    'processors: "1batch" cannot be the type of a component; write type or type/name; a type has letters, digits and _, and begins with a letter',
  ],
  [
    'processors: {" batch ": }',
    'processors::batch: is written twice, with and without spaces; rename one of the two',
  ],
  ['connectors::forward:'],
  [
    '{connectors: {forward: }, exporters: {forward: }}',
    'connectors::forward: there is also an exporter with this id; rename this to forward/connector',
    'exporters::forward: forward is a connector, not an exporter; move it below connectors:',
  ],
  [
    'service::pipelines:',
    'service::pipelines: there is no pipeline; write traces: with its receivers and exporters',
  ],
  ['service:', 'service::pipelines: there is no pipeline; write traces: with its receivers and exporters'],
  ['service::telemetri: 1', 'service::telemetri: is not a known key; did you mean "telemetry"?'],
  [
    'service::telemetry::logs::lvel: x',
    'service::telemetry::logs::lvel: is not a known key; did you mean "level"?',
  ],
  [
    'service::pipelines::trace: {receivers: [otlp], exporters: [debug]}',
    'service::pipelines: "trace" is not a signal; did you mean "traces"?',
  ],
  [
    'service::pipelines::spans: {receivers: [otlp], exporters: [debug]}',
    'service::pipelines: "spans" is not a signal; write one of traces, metrics, logs, profiles, or <signal>/name',
  ],
  [
    'service::pipelines::logs:',
    'service::pipelines::logs: has no receivers; write receivers: [id]',
    'service::pipelines::logs: has no exporters; write exporters: [id]',
  ],
  [
    'service::pipelines::logs: {receivers: [otlp], exporters: []}',
    'service::pipelines::logs: has no exporters; write exporters: [id]',
  ],
  [
    'service::pipelines::logs: [otlp]',
    'service::pipelines::logs: expected a map from ids to configs; write "id:" lines below it',
  ],
  [
    'service::pipelines::traces::recievers: [otlp]',
    'service::pipelines::traces::recievers: is not a known key; did you mean "receivers"?',
  ],
  [
    'service::pipelines::traces::receivers: otlp',
    'service::pipelines::traces::receivers: expected a list of ids; write [a, b] or one "- " line for each',
  ],
  [
    'service::pipelines::traces::receivers: [5]',
    'service::pipelines::traces::receivers::0: expected an id; write type or type/name',
  ],
  [
    'service::pipelines::traces::processors: [batch, batch]',
    'service::pipelines::traces::processors: lists batch twice; give the second one a name of its own',
  ],
  [
    'service::pipelines::traces::exporters: [debug, debug]',
    'warning: service::pipelines::traces::exporters: lists debug twice; once is enough',
  ],
  [
    'service::pipelines::traces::exporters: [batch]',
    'service::pipelines::traces::exporters: batch is a processor, not an exporter; list it under processors:',
  ],
  [
    'service::pipelines::traces::processors: [otlp]',
    'service::pipelines::traces::processors: otlp is a receiver, not a processor; list it under receivers:',
  ],
  [
    '{extensions: {health_check: }, service::pipelines::traces::receivers: [otlp, health_check]}',
    'service::pipelines::traces::receivers: health_check is an extension, not a receiver; list it under service::extensions',
  ],
  [
    '{connectors: {forward: }, service::pipelines::traces::processors: [forward]}',
    'service::pipelines::traces::processors: forward is a connector, not a processor; list it as an exporter of one pipeline and a receiver of another',
  ],
  [
    'service::extensions: [health_check]',
    'service::extensions: health_check is not configured; write health_check: below extensions:',
  ],
  [
    'service::extensions: [debug]',
    'service::extensions: debug is an exporter, not an extension; list it under exporters:',
  ],
  [
    '{receivers: {zipkin: }, service::pipelines::logs: {receivers: [zipkin], exporters: [debug]}}',
    'service::pipelines::logs::receivers: zipkin does not support logs; it supports traces',
  ],
  [
    'exporters::debug::never: traces',
    'service::pipelines::traces::exporters: debug does not fit here: traces are not wanted',
  ],
  [
    '{connectors: {spanmetrics: }, service::pipelines::traces::exporters: [spanmetrics]}',
    'service::pipelines::traces::exporters: the connector spanmetrics takes traces here, but no pipeline receives from it; list it under the receivers of another pipeline; it goes from traces to metrics',
  ],
  [
    '{connectors: {spanmetrics: }, service::pipelines::metrics: {receivers: [spanmetrics], exporters: [debug]}}',
    'service::pipelines::metrics::receivers: the connector spanmetrics gives metrics here, but no pipeline exports to it; list it under the exporters of another pipeline; it goes from traces to metrics',
  ],
  [
    '{connectors: {spanmetrics: }, service::pipelines: {traces/a: {receivers: [otlp], exporters: [spanmetrics]}, logs: {receivers: [spanmetrics], exporters: [debug]}}}',
    'service::pipelines::traces/a::exporters: the connector spanmetrics takes traces here, but no pipeline receives what it makes of them; list it under the receivers of another pipeline; it goes from traces to metrics',
    'service::pipelines::logs::receivers: the connector spanmetrics gives logs here, but no pipeline exports what it needs for them; list it under the exporters of another pipeline; it goes from traces to metrics',
  ],
  [
    '{connectors: {spanmetrics: }, service::pipelines: {traces/a: {receivers: [otlp], exporters: [spanmetrics]}, metrics: {receivers: [spanmetrics], exporters: [debug]}}}',
  ],
  ['exporters: {Debug: }', 'exporters::Debug: there is no exporter "Debug"; did you mean "debug"?'],
  [
    'exporters: {otlp-http/2: }',
    'exporters: "otlp-http" has a "-", which no type has; did you mean "otlp_http/2"?',
  ],
  [
    'exporters: {otlp_http: {endpoint: "${vault:x}"}}',
    'exporters::otlp_http::endpoint: "vault:" is not a kind of source; known here: env, file, yaml',
  ],
  [
    'exporters: {otlp_http: {endpoint: [1], key: {a: "${env:SECRET}"}}}',
    'exporters::otlp_http::endpoint: expected a text, got a list; write it in quotes',
    'exporters::otlp_http::key: expected a text, got something else; write it in quotes, or take it from the environment with ${env:NAME}',
  ],
]

// Scenario: every mistake around components and pipelines that the Collector refuses too, and some it does not explain.
// Guarantees: each is said once, in words; warnings do not stop the config.
test('mistakes around components are explained', async () => {
  for (const [over, ...expected] of MISTAKES) {
    const { config, said } = await open(GOOD, [over])
    assert.deepEqual(
      said.map(line => line.replace(/^.*?:\d+:\d+: /s, '')),
      expected,
      over,
    )
    assert.equal(
      config === undefined,
      expected.some(line => !line.startsWith('warning: ')),
      over,
    )
  }
})

// Scenario: configs that are empty, not there, or not YAML.
// Guarantees: one sentence, and no complaints about everything that is missing in them.
test('a config that cannot be read is one mistake', async () => {
  assert.deepEqual((await open('')).said, [
    'config.yaml:1:1: the config is empty; write receivers:, exporters: and service:',
  ])
  assert.deepEqual((await open('receivers:\n\totlp:\n')).said, [
    'config.yaml:2:1: a tab stands where only spaces may; indent with spaces',
  ])
  assert.equal((await open(GOOD, ['service: ['])).said.length, 1)
})

// Scenario: gates that Sluice has, has not, and cannot turn off.
// Guarantees: those it has work; the others are warned of and do not stop the config.
test('feature gates', async () => {
  assert.deepEqual((await open(GOOD, ['service::pipelines:'], ['service.AllowNoPipelines'])).said, [])
  const { config, said } = await open(GOOD, [], ['-service.profilesSupport', 'some.gate'])
  assert.ok(config !== undefined)
  assert.deepEqual(said, [
    'command line:1:1: warning: --feature-gates: service.profilesSupport can no longer be turned off',
    'command line:1:1: warning: --feature-gates: some.gate has no meaning here and is ignored',
  ])
})
