import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatProblem } from '../../../config/node.ts'
import { readersOf } from '../../../core/telemetry/config.ts'
import { CATALOG } from '../../../gateway/catalog.ts'
import { openConfig } from '../../../gateway/open-config.ts'
import { shareOf } from '../../../gateway/workers/share.ts'

const CONFIG = `
receivers: {otlp: {protocols: {http: }}}
exporters:
  nop:
  file: {path: ./out.json}
extensions: {health_check: , zpages: , pprof: }
service:
  workers: 2
  extensions: [health_check, zpages, pprof]
  telemetry: {logs: {level: warn}}
  pipelines: {traces: {receivers: [otlp], exporters: [nop]}}`

async function open(yaml: string) {
  const { config, check } = await openConfig(
    { sources: [`yaml:${yaml}`], sets: [], gates: [] },
    { env: {}, cwd: '/' },
  )
  return { config, said: check.problems.map(formatProblem) }
}

// Scenario: two workers and a file exporter, in a pipeline and not in one; the same with one worker; numbers that are none.
// Guarantees: a component that cannot exist twice is refused where it stands, with what to do, when it is used and
// would exist twice; workers is a number from 1 to 64.
test('what cannot exist twice is refused', async () => {
  assert.deepEqual((await open(CONFIG)).said, [])
  const used = CONFIG.replace('[nop]', '[nop, file]')
  const [problem, ...more] = (await open(used)).said
  assert.match(
    problem!,
    /:5:3: exporters::file: does not go with service.workers: several processes cannot write one file; leave out service.workers/,
  )
  assert.deepEqual(more, [])
  assert.deepEqual((await open(used.replace('workers: 2', 'workers: 1'))).said, [])
  assert.match(
    (await open(CONFIG.replace('workers: 2', 'workers: 0'))).said[0]!,
    /service::workers: 0 is less than 1/,
  )
  assert.match(
    (await open(CONFIG.replace('workers: 2', 'workers: two'))).said[0]!,
    /service::workers: .*"two"/,
  )
})

// Scenario: two workers count spans; what tells their series apart is taken out of them.
// Guarantees: the first goes, the second is refused where it stands; with one worker it goes.
test('what clashes only in some configs is refused only there', async () => {
  const counting = (connector: string): string => `
receivers: {otlp: {protocols: {http: }}}
connectors:
  span_metrics: ${connector}
exporters: {nop: }
service:
  workers: 2
  pipelines: {traces: {receivers: [otlp], exporters: [span_metrics]}, metrics: {receivers: [span_metrics], exporters: [nop]}}`
  assert.deepEqual((await open(counting(''))).said, [])
  const clashing = counting('{exclude_dimensions: [collector.instance.id]}')
  const [problem, ...more] = (await open(clashing)).said
  assert.match(
    problem!,
    /:4:3: connectors::span_metrics: does not go with service.workers: .*; take collector.instance.id out/,
  )
  assert.deepEqual(more, [])
  assert.deepEqual((await open(clashing.replace('workers: 2', 'workers: 1'))).said, [])
})

// Scenario: the shares of a config with all kinds of extensions.
// Guarantees: pages are the primary's, profiles the first worker's; workers have the pipelines, and neither an output
// for the log nor a page of metrics; without workers the config stays what it is.
test('each process has its share', async () => {
  const { config } = await open(CONFIG)
  const idsOf = (share: ReturnType<typeof shareOf>) => share.service.extensions.map(({ id }) => id)
  const primary = shareOf(config!, 'primary')
  const [one, two] = [1, 2].map(worker => shareOf(config!, { worker }))
  assert.deepEqual(idsOf(primary), ['health_check', 'zpages'])
  assert.deepEqual([idsOf(one!), idsOf(two!)], [['pprof'], []])
  assert.deepEqual(
    [primary, one!, two!].map(share => share.service.pipelines.length),
    [0, 1, 1],
  )
  assert.deepEqual(
    [primary, one!].map(share => readersOf(share.service.telemetry.metrics).length),
    [1, 0],
  )
  assert.deepEqual(one!.service.telemetry.logs.output_paths, [])
  assert.equal(one!.service.telemetry.logs.level, 'warn')
  assert.equal(shareOf(config!, 'alone'), config)
})

// Scenario: health behind an authenticator, which receivers have too, and an authenticator that only exporters have.
// Guarantees: the primary runs the first one besides its pages, and not the second; workers run both.
test('the primary has the authenticators of its pages', async () => {
  const { config, said } = await open(
    CONFIG.replace(
      'extensions: {health_check: ,',
      'extensions: {bearertokenauth/a: {token: x}, headers_setter: {headers: [{action: delete, key: y}]}, health_check: {auth: {authenticator: bearertokenauth / a}},',
    ).replace('extensions: [', 'extensions: [bearertokenauth/a, headers_setter, '),
  )
  assert.deepEqual(said, [])
  const idsOf = (share: ReturnType<typeof shareOf>) => share.service.extensions.map(({ id }) => id)
  assert.deepEqual(idsOf(shareOf(config!, 'primary')), ['bearertokenauth/a', 'health_check', 'zpages'])
  assert.deepEqual(idsOf(shareOf(config!, { worker: 2 })), ['bearertokenauth/a', 'headers_setter'])
})

// Scenario: every component of this build.
// Guarantees: only extensions run once for all; everything else is in every worker or cannot be.
test('the rules of the catalog can be followed', async () => {
  const factories = await Promise.all(CATALOG.map(({ load }) => load()))
  const once = factories.filter(({ workers }) => workers === 'primary' || workers === 'first')
  assert.deepEqual([...new Set(once.map(({ kind }) => kind))], ['extension'])
})
