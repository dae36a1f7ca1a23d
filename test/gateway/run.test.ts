import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { NO_CONTEXT } from '../../core/component/contract.ts'
import { Refused } from '../../core/component/outcome.ts'
import { ConfigError, type RunningGateway, startGateway } from '../../gateway/run.ts'
import { assertBalanced } from '../kit/balance.ts'
import { Stage } from '../kit/fake-parts.ts'
import { numbered, numbersOf } from '../kit/numbered.ts'

const folder = mkdtempSync(join(tmpdir(), 'sluice-run-'))
const QUIET = `
  telemetry:
    metrics: {readers: [{pull: {exporter: {prometheus: {host: 127.0.0.1, port: 0}}}}]}
    logs: {encoding: json, output_paths: [${join(folder, 'log')}]}`

const PARTS = `
receivers: {fake: , fake/2: }
processors: {fake: , fake/2: }
exporters: {fake: , fake/2: }
connectors: {forward: }
extensions: {fake: }`

async function start(t: TestContext, stage: Stage, service: string, parts = PARTS): Promise<RunningGateway> {
  const yaml = `${parts}\nservice:\n  extensions: [fake]${QUIET}\n  pipelines:\n${service}`
  const gateway = await startGateway({ sources: [`yaml:${yaml}`], catalog: stage.catalog() })
  t.after(() => gateway.stop())
  return gateway
}

// Scenario: two pipelines joined by forward; 10 traces go in at the front.
// Guarantees: parts start from the extensions and exporters to the receivers and stop the other way; every item
// arrives at both ends; the ledger balances on every page.
test('a gateway carries items through joined pipelines', async t => {
  const stage = new Stage()
  const gateway = await start(
    t,
    stage,
    `
    traces: {receivers: [fake], processors: [fake], exporters: [fake, forward]}
    traces/2: {receivers: [forward], processors: [fake/2], exporters: [fake/2]}`,
  )
  assert.equal(gateway.host.ready, true)
  await stage.inlet('fake', 'traces').consume(numbered('traces', 0, 10), NO_CONTEXT)
  await gateway.stop()
  assert.equal(gateway.host.ready, false)
  const arrived = (id: string) => stage.sent.get(id)!.flatMap(numbersOf)
  assert.deepEqual([arrived('fake'), arrived('fake/2')], [[...Array(10).keys()], [...Array(10).keys()]])
  assertBalanced(gateway.accounts)
  const out = gateway.accounts.find(({ name }) => name === 'connector/forward/traces-traces')!
  assert.deepEqual([out.of('traces').in, out.of('traces').out], [10, 10])
  assert.deepEqual(stage.events, [
    'start extension/fake',
    'start exporter/fake/2',
    'start exporter/fake',
    'start processor/fake/2/traces/2',
    'start processor/fake/traces',
    'start receiver/fake',
    'stop receiver/fake',
    'stop processor/fake/traces',
    'stop processor/fake/2/traces/2',
    'stop exporter/fake/2',
    'stop exporter/fake',
    'stop extension/fake',
  ])
})

// Scenario: one receiver feeds two pipelines with one exporter each; one of the exporters refuses.
// Guarantees: the sender is refused, the receiver's page has nothing in, the pages of the other branch have theirs.
test('a refusal reaches the sender through fan-out', async t => {
  const stage = new Stage()
  const gateway = await start(
    t,
    stage,
    `
    logs: {receivers: [fake], exporters: [fake]}
    logs/2: {receivers: [fake], exporters: [fake/2]}`,
  )
  stage.answers.set('fake/2', () => {
    throw new Refused('busy', { afterMs: 50 })
  })
  const outcome = stage.inlet('fake', 'logs').consume(numbered('logs', 0, 4), NO_CONTEXT)
  await assert.rejects(outcome, (error: Refused) => error instanceof Refused && error.afterMs === 50)
  await gateway.stop()
  const page = (name: string) => gateway.accounts.find(one => one.name === name)!.of('logs')
  assert.deepEqual([page('receiver/fake').in, page('receiver/fake').refused], [0, 4])
  assert.deepEqual([page('exporter/fake').in, page('exporter/fake/2').refused], [4, 4])
  assertBalanced(gateway.accounts)
})

// Scenario: one exporter is used by three pipelines of two signals, a receiver by none.
// Guarantees: one exporter instance for all; processors one for each pipeline; what no pipeline names is not made.
test('instances are shared as the contract says', async t => {
  const stage = new Stage()
  const gateway = await start(
    t,
    stage,
    `
    traces: {receivers: [fake], processors: [fake], exporters: [fake]}
    traces/2: {receivers: [fake], processors: [fake], exporters: [fake]}
    logs: {receivers: [fake], processors: [fake], exporters: [fake]}`,
  )
  await gateway.stop()
  const started = stage.events.filter(event => event.startsWith('start')).map(event => event.slice(6))
  assert.deepEqual(started.sort(), [
    'exporter/fake',
    'extension/fake',
    'processor/fake/logs',
    'processor/fake/traces',
    'processor/fake/traces/2',
    'receiver/fake',
  ])
  assert.equal(gateway.host.extension('fake') === undefined, false)
  assert.equal(gateway.host.extension('fake/9'), undefined)
})

// Scenario: a processor cannot start.
// Guarantees: the error names it; the exporter behind it is stopped again; nothing in front was started.
test('a part that cannot start ends the start', async t => {
  const stage = new Stage()
  const parts = PARTS.replace('processors: {fake:', 'processors: {fake: {fail: start}')
  const started = start(
    t,
    stage,
    'traces: {receivers: [fake], processors: [fake], exporters: [fake]}'.padStart(70),
    parts,
  )
  await assert.rejects(started, /processor\/fake\/traces cannot start: told to fail at start/)
  assert.deepEqual(stage.events.slice(-4), [
    'stop processor/fake/traces',
    'stop exporter/fake',
    'stop extension/fake',
    // It was made, and may have registered something.
    'stop receiver/fake',
  ])
  assert.equal(stage.events.includes('start receiver/fake'), false)
})

// Scenario: a config with two mistakes, and one whose pipelines go round in a circle.
// Guarantees: a ConfigError has all of them with their places, and nothing was started.
test('a wrong config is a ConfigError', async t => {
  const stage = new Stage()
  const wrong = start(
    t,
    stage,
    '    traces: {receivers: [fake], exporters: [fakes]}\n    trace: {receivers: [fake]}',
  )
  await assert.rejects(wrong, (error: ConfigError) => {
    return error instanceof ConfigError && error.problems.length >= 2 && /fakes/.test(error.message)
  })
  const circle = start(t, stage, '    traces: {receivers: [fake, forward], exporters: [forward]}')
  await assert.rejects(circle, /traces -> forward -> traces/)
  assert.deepEqual(stage.events, [])
})

// Scenario: a gateway is asked for its page while items are dropped, then stopped twice at once.
// Guarantees: the page has the Collector's names and the ledger; both stops end, parts stop once; the log is JSON
// lines with the Collector's keys.
test('the page shows what went through, and stop is safe twice', async t => {
  const stage = new Stage()
  const gateway = await start(
    t,
    stage,
    '    traces: {receivers: [fake], processors: [fake], exporters: [fake]}',
  )
  stage.treatments.set('fake', async (batch, context, next) => {
    await next.consume(numbered('traces', 0, batch.items - 1), context)
    const { account } = stage.settings.get('processor/fake/traces')!
    account.drop('traces', 1, { name: 'sampled_out', intended: true })
    return { rejected: 0, message: '' }
  })
  await stage.inlet('fake', 'traces').consume(numbered('traces', 0, 7), { transport: 'grpc' })
  const page = await (await fetch(gateway.addresses.get('telemetry/metrics')!)).text()
  assert.match(page, /^otelcol_receiver_accepted_spans\{receiver="fake",transport="grpc"\} 7$/m)
  assert.match(page, /^otelcol_processor_outgoing_items\{processor="fake",otel_signal="traces"\} 6$/m)
  assert.match(
    page,
    /^sluice_dropped_items\{component="fake",part="processor\/fake\/traces",signal="traces",reason="sampled_out",intended="true"\} 1$/m,
  )
  assert.match(
    page,
    /^sluice_ledger_items\{kind="exporter",component="fake",part="exporter\/fake",signal="traces",flow="out"\} 6$/m,
  )
  for (const line of page.split('\n').filter(one => one.startsWith('sluice_ledger_imbalance')))
    assert.match(line, / 0$/)
  await Promise.all([gateway.stop(), gateway.stop()])
  assert.equal(stage.events.filter(event => event === 'stop receiver/fake').length, 1)
  await assert.rejects(fetch(gateway.addresses.get('telemetry/metrics')!))
  const lines = readFileSync(join(folder, 'log'), 'utf8').trim().split('\n')
  const last = JSON.parse(lines.at(-1)!)
  assert.deepEqual([last.level, last.msg, last.resource['service.name']], ['info', 'Stopped.', 'sluice'])
})
