import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer as createHttpServer } from 'node:http'
import { type AddressInfo, createServer } from 'node:net'
import { type TestContext, test } from 'node:test'
import { NO_CONTEXT } from '../../core/component/contract.ts'
import type { ReloadResult } from '../../gateway/reload.ts'
import { type RunningGateway, startGateway } from '../../gateway/run.ts'
import { assertBalanced } from '../kit/balance.ts'
import { Stage } from '../kit/fake-parts.ts'
import { numbered, numbersOf } from '../kit/numbered.ts'
import { RecordingLog } from '../kit/parts.ts'

const PAGE = 'metrics: {readers: [{pull: {exporter: {prometheus: {host: 127.0.0.1, port: 0}}}}]}'

interface Config {
  /** The sections of components. */
  parts?: string
  pipelines?: string
  extensions?: string
  telemetry?: string
}

const PARTS = `
receivers: {fake: , fake/2: }
processors: {fake: , fake/2: , fake/3: }
exporters: {fake: , fake/2: }
connectors: {forward: }
extensions: {fake: , fake/2: }`
const PIPELINES = 'traces: {receivers: [fake], processors: [fake, fake/2], exporters: [fake]}'

function yamlOf({
  parts = PARTS,
  pipelines = PIPELINES,
  extensions = '[fake]',
  telemetry = PAGE,
}: Config): string {
  return `${parts}\nservice:\n  extensions: ${extensions}\n  telemetry: {${telemetry}}\n  pipelines:\n    ${pipelines}\n`
}

interface Under {
  readonly stage: Stage
  readonly gateway: RunningGateway
  readonly log: RecordingLog
  /** `stage.events` begins anew. */
  attempt(config: Config): Promise<ReloadResult>
  /** What reloading this did: `start exporter/fake`, and so on, sorted. */
  change(config: Config): Promise<readonly string[]>
}

/** The config comes from the environment, where a test can change it. */
async function run(t: TestContext, config: Config = {}): Promise<Under> {
  const stage = new Stage()
  const env = { CONFIG: yamlOf(config) }
  const log = new RecordingLog()
  const root = Object.assign(log, {
    tee: () => () => {},
    relay: () => {},
    setLevel: (level: string) => log.info('level', { level }),
    flush() {},
    close: async () => {},
  })
  const gateway = await startGateway({
    sources: ['env:CONFIG'],
    env,
    catalog: stage.catalog(),
    log: root,
    shutdownTimeoutMs: 5_000,
  })
  t.after(() => gateway.stop())
  const attempt = (next: Config): Promise<ReloadResult> => {
    env.CONFIG = yamlOf(next)
    stage.events.length = 0
    return gateway.reload()
  }
  return {
    stage,
    gateway,
    log,
    attempt,
    async change(next) {
      assert.notEqual((await attempt(next)).outcome, 'rejected')
      // Parts that nobody calls have drained by the next turn.
      await turn()
      return [...stage.events].sort()
    },
  }
}

const turn = (): Promise<void> => new Promise(resolve => setImmediate(resolve))

const changed = (section: string, id: string): string =>
  PARTS.replace(new RegExp(`(${section}: .*?)${id}: `), `$1${id}: {fail: never}`)

// Scenario: one thing of the config is changed at a time.
// Guarantees: exactly the parts it is about are started and stopped; a part's neighbours stay.
test('only what changed is rebuilt', async t => {
  const cases: readonly [what: string, config: Config, events: readonly string[]][] = [
    ['nothing', {}, []],
    ['a comment and a blank', { parts: `${PARTS} # kept` }, []],
    ['a component nobody uses', { parts: changed('processors', 'fake/3') }, []],
    ['an exporter', { parts: changed('exporters', 'fake') }, ['start exporter/fake', 'stop exporter/fake']],
    [
      'a processor',
      { parts: changed('processors', 'fake/2') },
      ['start processor/fake/2/traces', 'stop processor/fake/2/traces'],
    ],
    ['a receiver', { parts: changed('receivers', 'fake') }, ['start receiver/fake', 'stop receiver/fake']],
    [
      'an extension',
      { parts: changed('extensions', 'fake') },
      ['start extension/fake', 'stop extension/fake'],
    ],
    ['an extension more', { extensions: '[fake, fake/2]' }, ['start extension/fake/2']],
    [
      'an exporter more',
      { pipelines: PIPELINES.replace('exporters: [fake]', 'exporters: [fake, fake/2]') },
      ['start exporter/fake/2'],
    ],
    [
      'a processor less',
      { pipelines: PIPELINES.replace('[fake, fake/2]', '[fake/2]') },
      ['stop processor/fake/traces'],
    ],
    [
      'a processor more, behind',
      { pipelines: PIPELINES.replace('fake/2]', 'fake/2, fake/3]') },
      ['start processor/fake/3/traces'],
    ],
    [
      'a pipeline more, with a receiver of its own',
      {
        pipelines: `${PIPELINES}\n    traces/2: {receivers: [fake/2], processors: [fake], exporters: [fake]}`,
      },
      ['start processor/fake/traces/2', 'start receiver/fake/2'],
    ],
    [
      'a signal more: these fakes do not say that they can do with it',
      { pipelines: `${PIPELINES}\n    logs: {receivers: [fake], exporters: [fake]}` },
      ['start exporter/fake', 'start receiver/fake', 'stop exporter/fake', 'stop receiver/fake'],
    ],
    [
      'what a processor that is gone held would miss the one behind it',
      { pipelines: PIPELINES.replace('[fake, fake/2]', '[fake]') },
      ['start processor/fake/traces', 'stop processor/fake/2/traces', 'stop processor/fake/traces'],
    ],
    [
      'processors change places',
      { pipelines: PIPELINES.replace('[fake, fake/2]', '[fake/2, fake]') },
      [
        'start processor/fake/2/traces',
        'start processor/fake/traces',
        'stop processor/fake/2/traces',
        'stop processor/fake/traces',
      ],
    ],
    [
      'a connector and the pipeline behind it',
      {
        pipelines: `traces: {receivers: [fake], processors: [fake, fake/2], exporters: [forward]}
    traces/2: {receivers: [forward], exporters: [fake]}`,
      },
      [],
    ],
    ['the log level', { telemetry: `${PAGE}, logs: {level: debug}` }, []],
  ]
  for (const [what, config, events] of cases) {
    await t.test(what, async t => {
      const { change } = await run(t)
      assert.deepEqual(await change(config), events)
    })
  }
})

// Scenario: an extension changes that an exporter names in its config, and one that it does not.
// Guarantees: who uses a changed extension is rebuilt and finds the new one; others stay.
test('users of a changed extension are rebuilt', async t => {
  const parts = PARTS.replace('exporters: {fake: ', 'exporters: {fake: {fail: fake/2}')
  const { change, stage } = await run(t, { parts, extensions: '[fake, fake/2]' })
  const before = stage.settings.get('exporter/fake')!.host.extension('fake/2')
  const other = parts.replace('extensions: {fake: ', 'extensions: {fake: {fail: never}')
  assert.deepEqual(await change({ parts: other, extensions: '[fake, fake/2]' }), [
    'start extension/fake',
    'stop extension/fake',
  ])
  const used = other.replace(/(extensions: .*)fake\/2: /, '$1fake/2: {fail: never}')
  assert.deepEqual(await change({ parts: used, extensions: '[fake, fake/2]' }), [
    'start exporter/fake',
    'start extension/fake/2',
    'stop exporter/fake',
    'stop extension/fake/2',
  ])
  const after = stage.settings.get('exporter/fake')!.host.extension('fake/2')
  assert.ok(after !== undefined && after !== before)
})

// Scenario: batches go in before, between and after reloads that change an exporter, add one, and take one away.
// Guarantees: every batch is where the config of its moment says; pages and counters go on; the ledger balances.
test('traffic follows the config, and the counts go on', async t => {
  const { change, stage, gateway } = await run(t)
  const send = (first: number) =>
    stage.inlet('fake', 'traces').consume(numbered('traces', first, 10), NO_CONTEXT)
  const got = (id: string): number[] => stage.sent.get(id)!.flatMap(numbersOf)
  const tens = (...firsts: number[]) => firsts.flatMap(first => [...Array(10).keys()].map(i => first + i))
  await send(0)
  const old = stage.sent.get('fake')!
  await change({ parts: changed('exporters', 'fake') })
  await send(10)
  assert.deepEqual(old.flatMap(numbersOf), tens(0))
  assert.deepEqual(got('fake'), tens(10))
  await change({
    parts: changed('exporters', 'fake'),
    pipelines: PIPELINES.replace('exporters: [fake]', 'exporters: [fake, fake/2]'),
  })
  await send(20)
  assert.deepEqual([got('fake'), got('fake/2')], [tens(10, 20), tens(20)])
  await change({
    parts: changed('exporters', 'fake'),
    pipelines: PIPELINES.replace('exporters: [fake]', 'exporters: [fake/2]'),
  })
  await send(30)
  assert.deepEqual([got('fake'), got('fake/2')], [tens(10, 20), tens(20, 30)])
  const page = await (await fetch(gateway.addresses.get('telemetry/metrics')!)).text()
  assert.match(page, /^otelcol_receiver_accepted_spans\{receiver="fake",transport=""\} 40$/m)
  assert.match(page, /^sluice_config_reloads\{outcome="applied"\} 3$/m)
  const names = gateway.accounts.map(({ name }) => name)
  assert.equal(new Set(names).size, names.length, 'one page for each name')
  assert.equal(gateway.accounts.find(({ name }) => name === 'exporter/fake')!.of('traces').out, 30)
  assertBalanced(gateway.accounts)
})

// Scenario: a batch is inside a processor that is then replaced, together with the exporter behind it.
// Guarantees: it still goes the old way to its end, and the old exporter is stopped only after that.
test('what is under way goes the old way', async t => {
  const { change, stage, gateway } = await run(t)
  const gate = Promise.withResolvers<void>()
  stage.treatments.set('fake/2', async (batch, context, next) => {
    await gate.promise
    return next.consume(batch, context)
  })
  const sending = stage.inlet('fake', 'traces').consume(numbered('traces', 0, 3), NO_CONTEXT)
  const old = stage.sent.get('fake')!
  const both = PARTS.replace('exporters: {fake: ', 'exporters: {fake: {fail: never}').replace(
    'processors: {fake: , fake/2: ',
    'processors: {fake: , fake/2: {fail: never}',
  )
  const started = ['start exporter/fake', 'start processor/fake/2/traces']
  assert.deepEqual(await change({ parts: both }), started)
  stage.treatments.clear()
  await stage.inlet('fake', 'traces').consume(numbered('traces', 3, 3), NO_CONTEXT)
  assert.deepEqual(stage.sent.get('fake')!.flatMap(numbersOf), [3, 4, 5])
  gate.resolve()
  await sending
  await turn()
  await gateway.stop()
  assert.deepEqual(old.flatMap(numbersOf), [0, 1, 2])
  assert.deepEqual(stage.events.slice(2), [
    'stop processor/fake/2/traces',
    'stop exporter/fake',
    'stop receiver/fake',
    'stop processor/fake/traces',
    'stop processor/fake/2/traces',
    'stop exporter/fake',
    'stop extension/fake',
  ])
  assertBalanced(gateway.accounts)
})

// Scenario: configs with mistakes, with a circle, with a part that cannot start, and with a page whose port is taken.
// Guarantees: each is rejected with all it is about, nothing that runs is stopped, traffic goes on; the log, the metric
// and the description say so; a good config afterwards is applied.
test('a config that cannot be run changes nothing', async t => {
  const { stage, gateway, log, attempt } = await run(t)
  const busy = createServer().listen(0, '127.0.0.1')
  await once(busy, 'listening')
  t.after(() => busy.close())
  const { port } = busy.address() as AddressInfo
  const typos = await attempt({
    parts: changed('exporters', 'fake').replace('never', 'never, wrong: 1'),
    pipelines: PIPELINES.replace('fake/2]', 'fake/9]'),
  })
  assert.equal(typos.outcome, 'rejected')
  assert.deepEqual(
    typos.problems.map(({ path }) => path),
    ['exporters::fake::wrong', 'service::pipelines::traces::processors'],
  )
  const line = log.lines.findLast(({ message }) => message.startsWith('The new config cannot be run'))!
  assert.equal(line.level, 'error')
  const said = line.fields['problems'] as string[]
  assert.match(said[0]!, /^env:CONFIG:4:\d+: exporters::fake::wrong: /)
  assert.deepEqual(gateway.host.describe().lastReload!.problems, said)

  const circle = await attempt({
    pipelines: 'traces: {receivers: [fake, forward], exporters: [fake, forward]}',
  })
  assert.match(circle.problems[0]!.wrong, /traces -> forward -> traces/)
  assert.deepEqual(stage.events, [])

  const broken = {
    parts: changed('receivers', 'fake')
      .replace('never', 'start')
      .replace('exporters: {fake: ', 'exporters: {fake: {fail: never}'),
  }
  const failed = await attempt(broken)
  assert.match(failed.error!, /receiver\/fake cannot start: told to fail at start/)
  assert.deepEqual(stage.events, [
    'start exporter/fake',
    'start receiver/fake',
    'stop receiver/fake',
    'stop exporter/fake',
  ])
  assert.equal(gateway.host.describe().health.get('exporter/fake')!.state, 'ok')

  const taken = await attempt({
    parts: changed('exporters', 'fake'),
    telemetry: PAGE.replace('port: 0', `port: ${port}`),
  })
  assert.match(taken.error!, /taken by another program/)
  const page = await (await fetch(gateway.addresses.get('telemetry/metrics')!)).text()
  assert.match(page, /^sluice_config_reloads\{outcome="rejected"\} 4$/m)
  assert.match(
    page,
    /^sluice_config_last_success_timestamp 1\.\d+e\+?9$|^sluice_config_last_success_timestamp \d{10}/m,
  )

  const good = await attempt({ parts: changed('exporters', 'fake') })
  assert.equal(good.outcome, 'applied')
  assert.equal(gateway.host.describe().lastReload!.outcome, 'applied')
  assert.equal(gateway.host.ready, true)
})

// Scenario: many ask for a reload at once, while the first one is under way.
// Guarantees: they share one more reload, which has the latest config; reloads never overlap.
test('reloads that are asked for together are one', async t => {
  const { stage, gateway } = await run(t)
  stage.events.length = 0
  const asked = [1, 2, 3, 4, 5].map(() => gateway.reload())
  assert.equal(asked[0], asked[1])
  const outcomes = (await Promise.all(asked)).map(({ outcome }) => outcome)
  assert.deepEqual(new Set(outcomes), new Set(['unchanged']))
  assert.deepEqual(stage.events, [])
})

// Scenario: the reader of the metrics page moves to another port, then changes how names are written; the level of the
// log changes.
// Guarantees: the page is where the config says, and not where it was; it stays on its port when only its form
// changes; the level applies.
test('telemetry follows the config', async t => {
  const { change, gateway, log } = await run(t)
  const address = () => gateway.addresses.get('telemetry/metrics')!
  const first = address()
  await change({ telemetry: PAGE.replace('127.0.0.1', 'localhost') })
  await assert.rejects(fetch(first))
  const second = address()
  await change({ telemetry: PAGE.replace('host: 127.0.0.1', 'without_type_suffix: false, host: localhost') })
  assert.equal(address(), second)
  assert.match(await (await fetch(second)).text(), /sluice_config_reloads_total/)
  await change({ telemetry: `${PAGE}, logs: {level: warn}` })
  assert.equal(log.lines.findLast(({ message }) => message === 'level')?.fields['level'], 'warn')
  await change({ telemetry: `${PAGE}, logs: {level: warn, encoding: json}` })
  assert.equal(log.lines.filter(({ message }) => message.includes('only after a restart')).length, 1)
})

// Scenario: the gateway's own spans go to another server after a reload.
// Guarantees: a batch before it makes a span there, a batch after it here.
test('own signals follow the config', async t => {
  const server = async () => {
    const asked = Promise.withResolvers<string>()
    const listening = createHttpServer((request, response) => {
      asked.resolve(request.url!)
      // Closed, because a client that keeps its connection keeps this process for seconds.
      response.setHeader('connection', 'close').end()
    }).listen(0, '127.0.0.1')
    await once(listening, 'listening')
    t.after(() => listening.close())
    return { port: (listening.address() as AddressInfo).port, asked: asked.promise }
  }
  const [a, b] = [await server(), await server()]
  const telemetry = ({ port }: { port: number }): string =>
    `${PAGE}, traces: {processors: [{simple: {exporter: {otlp: {protocol: http/protobuf, endpoint: "http://127.0.0.1:${port}"}}}}]}`
  const { change, stage } = await run(t, { telemetry: telemetry(a) })
  const inlet = stage.inlet('fake', 'traces')
  await inlet.consume(numbered('traces', 0, 1), NO_CONTEXT)
  assert.equal(await a.asked, '/v1/traces')
  assert.deepEqual(await change({ telemetry: telemetry(b) }), [])
  await inlet.consume(numbered('traces', 1, 1), NO_CONTEXT)
  assert.equal(await b.asked, '/v1/traces')
})
