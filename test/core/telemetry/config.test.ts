import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readersOf, telemetryConfig } from '../../../core/telemetry/config.ts'
import { headersOf } from '../../../core/telemetry/otlp-target.ts'
import { pick, resourceOf } from '../../../core/telemetry/resource.ts'
import { readConfig, tryConfig } from '../../kit/read-config.ts'

// Scenario: nothing is written.
// Guarantees: the Collector's defaults: normal metrics on localhost:8888 with short names, info lines on stderr.
test('the defaults are the Collector’s', () => {
  const { logs, metrics, traces } = telemetryConfig.absent()
  assert.deepEqual(
    [logs.level, logs.encoding, logs.output_paths, logs.sampling],
    ['info', 'console', ['stderr'], { enabled: true, tick: 10_000, initial: 10, thereafter: 100 }],
  )
  const page = readersOf(metrics)[0]!.pull!.exporter.prometheus!
  assert.deepEqual([metrics.level, page.host, page.port], ['normal', 'localhost', 8888])
  assert.deepEqual(
    [page.without_type_suffix, page.without_units, page.without_scope_info],
    [true, true, true],
  )
  assert.deepEqual([traces.level, traces.processors, traces.sampler.ratio], ['basic', [], 1])
})

// Scenario: a whole section as in the Collector's documentation, levels in capitals, headers as list and as map.
// Guarantees: it is read without a complaint, and header values stay secrets.
test('the documented forms are read', () => {
  const { value, problems } = tryConfig(telemetryConfig, {
    logs: {
      level: 'DEBUG',
      encoding: 'json',
      processors: [{ batch: { exporter: { otlp: { protocol: 'grpc', endpoint: 'https://backend:4317' } } } }],
    },
    metrics: {
      level: 'Detailed',
      readers: [
        { pull: { exporter: { prometheus: { host: '0.0.0.0', port: 9999, without_units: false } } } },
        {
          periodic: {
            interval: 5000,
            exporter: {
              otlp: {
                protocol: 'http/protobuf',
                endpoint: 'https://backend:4318',
                headers: [{ name: 'Api-Key', value: 'hunter2' }],
                headers_list: 'api-key=no,other=a%20b',
              },
            },
          },
        },
      ],
    },
    traces: {
      processors: [
        {
          batch: { exporter: { otlp: { protocol: 'grpc/protobuf', endpoint: 'b:1', headers: { a: 'b' } } } },
        },
      ],
      sampler: { parent_based: { root: { trace_id_ratio_based: { ratio: 0.25 } } } },
      propagators: ['tracecontext'],
    },
    resource: { 'service.name': 'edge', 'service.instance.id': null },
  })
  assert.deepEqual(problems, [])
  assert.equal(value.logs.level, 'debug')
  const push = value.metrics.readers[1]!.periodic!
  assert.equal(push.interval, 5000)
  assert.deepEqual(
    [...headersOf(push.exporter.otlp!)].map(([name, secret]) => [name, secret.reveal()]),
    [
      ['api-key', 'hunter2'],
      ['other', 'a b'],
    ],
  )
  assert.equal(JSON.stringify(telemetryConfig.print(value, false)).includes('hunter2'), false)
  assert.deepEqual(value.traces.sampler, { ratio: 0.25, parentBased: true })
  assert.deepEqual(resourceOf('sluice', '1.0', value.resource), {
    'service.name': 'edge',
    'service.version': '1.0',
  })
})

// Scenario: the old address key, alone and beside readers; no readers at a level; the resource as a list.
// Guarantees: old forms work with a warning; a level without a way to read it is a mistake.
test('old forms still work', () => {
  const old = tryConfig(telemetryConfig, { metrics: { address: '0.0.0.0:9000' } })
  assert.match(old.problems.join(), /address: is an old name/)
  const page = readersOf(old.value.metrics)[0]!.pull!.exporter.prometheus!
  assert.deepEqual([page.host, page.port], ['0.0.0.0', 9000])
  const printed = telemetryConfig.print(old.value, true) as Record<string, unknown>
  assert.deepEqual(readersOf(tryConfig(telemetryConfig, printed).value.metrics)[0]!.pull!.exporter, {
    prometheus: page,
  })
  assert.match(tryConfig(telemetryConfig, { metrics: { readers: [] } }).problems.join(), /readers: is empty/)
  assert.deepEqual(
    readersOf(readConfig(telemetryConfig, { metrics: { level: 'none', readers: [] } }).metrics),
    [],
  )
  const listed = readConfig(telemetryConfig, {
    resource: { schema_url: 'https://x', attributes: [{ name: 'a', value: 'b' }] },
  })
  assert.deepEqual([...listed.resource], [['a', 'b']])
})

// Scenario: the headers of own signals, written as one text, are printed.
// Guarantees: the tokens in it are redacted.
test('headers_list is a secret', () => {
  const exporter = { otlp: { endpoint: 'http://a', headers_list: 'api-key=hunter2' } }
  const read = readConfig(telemetryConfig, { logs: { processors: [{ simple: { exporter } }] } })
  assert.doesNotMatch(JSON.stringify(telemetryConfig.print(read, false)), /hunter2/)
  assert.match(JSON.stringify(telemetryConfig.print(read, true)), /hunter2/)
})

// Scenario: own metrics, logs and spans are to be printed on the console, as the SDK's exporter of that name does.
// Guarantees: nothing is left out in silence.
test('what is not available is said', () => {
  const exporter = { console: {} }
  for (const config of [
    { metrics: { readers: [{ periodic: { exporter } }] } },
    { logs: { processors: [{ simple: { exporter } }] } },
    { traces: { processors: [{ batch: { exporter } }] } },
  ])
    assert.match(tryConfig(telemetryConfig, config).problems.join(), /console: has no effect here; only otlp/)
})

// Scenario: resource attributes are picked for labels with patterns.
// Guarantees: * and ? mean any text and one character, dots mean dots, excluded wins.
test('constant labels are picked by pattern', () => {
  const resource = { 'service.name': 'a', 'service.version': 'b', 'host.id': 'c', servicexname: 'd' }
  assert.deepEqual(pick(resource, ['service.*', 'host.i?'], ['*.version']), {
    'service.name': 'a',
    'host.id': 'c',
  })
})
