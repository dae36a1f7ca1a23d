import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtempSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { batchOf } from '../../core/component/batch.ts'
import { NO_META } from '../../core/component/meta.ts'
import { imbalances, type RunningGateway, startGateway } from '../kit/gateway-process.ts'
import { numbered, numbersOf } from '../kit/numbered.ts'
import { httpServer, type TestServer } from '../kit/otlp-servers.ts'
import { sendGrpc, sendHttp } from '../kit/send.ts'
import { freePort } from '../services/ports.ts'
import { eventually, run } from '../services/process.ts'

/** The system shares ports among processes on Linux. */
const options = { timeout: 60_000, skip: process.platform !== 'linux' }
const main = fileURLToPath(new URL('../../gateway/start.js', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'sluice-workers-'))

const ITEMS = 5

function configFor(sink: TestServer, health: number, batch = '', workers = 2): string {
  return `{
receivers: {otlp: {protocols: {grpc: , http: }}},
processors: {batch: ${batch}},
exporters: {otlp_http: {endpoint: "${sink.endpoint}", compression: none}},
extensions: {health_check: {endpoint: "127.0.0.1:${health}"}},
service: {workers: ${workers}, extensions: [health_check],
  pipelines: {traces: {receivers: [otlp], processors: [batch], exporters: [otlp_http]}}}}`
}

async function sinkFor(t: TestContext): Promise<TestServer> {
  const sink = await httpServer()
  t.after(() => sink.close())
  return sink
}

async function start(t: TestContext, source: string): Promise<RunningGateway> {
  const gateway = await startGateway(['--config', source])
  t.after(() => gateway.stop('SIGKILL'))
  return gateway
}

/** Sends `requests` times 5 items over each door, each request on a connection of its own; the numbers begin at `from`. */
async function sendAll({ grpc, http }: RunningGateway, requests: number, from = 0): Promise<number> {
  const doors = [sendHttp.bind(null, http), sendGrpc.bind(null, grpc)]
  const sends = doors.flatMap((send, door) =>
    Array.from({ length: requests }, (_, i) =>
      send('traces', numbered('traces', from + (door * requests + i) * ITEMS, ITEMS).chunks[0]!),
    ),
  )
  await Promise.all(sends)
  return sends.length * ITEMS
}

function arrived(sink: TestServer): number[] {
  const batches = sink.received.map(({ body }) => batchOf('traces', [body], 0, NO_META))
  return batches.flatMap(numbersOf).sort((a, b) => a - b)
}

/** Process ids of the workers, the latest of each. */
function pids(gateway: RunningGateway): Map<string, number> {
  const said = gateway.output().matchAll(/A worker is ready worker=(\d+) pid=(\d+)/g)
  return new Map([...said].map(([, worker, pid]) => [worker!, Number(pid)]))
}

type Page = ReadonlyMap<string, number>

/** The sum of a metric's samples with all of these texts in their labels. */
function sumOf(page: Page, name: string, ...labels: string[]): number {
  const hits = [...page].filter(
    ([line]) => line.startsWith(`${name}{`) && labels.every(label => line.includes(label)),
  )
  return hits.reduce((sum, [, value]) => sum + value, 0)
}

/** The metrics, once they are as they should be. */
function pageWith(gateway: RunningGateway, good: (page: Page) => boolean): Promise<Page> {
  return eventually(async () => {
    const page = await gateway.metrics()
    return good(page) ? page : undefined
  }, 'a metrics page as it should be')
}

const accepted = (page: Page): number => sumOf(page, 'otelcol_receiver_accepted_spans')

// Scenario: two workers take requests over both doors and hold what they got; the first one is killed; SIGTERM.
// Guarantees: one metrics page has the sum of both, one health answer tells of both; what the killed one held is
// dropped and counted, what it had counted stays, and the ledger balances; it is replaced; the other one's items all
// arrive when the gateway drains.
test('two workers have one ledger, also when one is killed', options, async t => {
  const sink = await sinkFor(t)
  const health = await freePort()
  const yaml = configFor(sink, health, '{timeout: 60s, send_batch_size: 100000}')
  const gateway = await start(t, `yaml:${yaml}`)
  const healthy = async (): Promise<number> => (await fetch(`http://127.0.0.1:${health}/`)).status
  assert.equal(await healthy(), 200)
  const sent = await sendAll(gateway, 20)
  const held = (page: Page): number =>
    sumOf(page, 'sluice_ledger_items', 'part="processor/batch', 'flow="held"')
  // A page does not wait for a worker that is busy; it is asked again.
  const before = await pageWith(gateway, page => accepted(page) === sent && held(page) === sent)
  assert.equal(before.get('sluice_workers_ready'), 2)
  assert.deepEqual(imbalances(before), [])

  process.kill(pids(gateway).get('1')!, 'SIGKILL')
  const [, lost] = await gateway.printed(/A worker ended.*worker=1 .*ended="by SIGKILL" items_lost=(\d+)/)
  assert.ok(Number(lost) > 0 && Number(lost) < sent, `each had some of ${sent}: ${lost}`)
  const after = await pageWith(gateway, page => page.get('sluice_workers_ready') === 2)
  assert.equal(await healthy(), 200)
  assert.deepEqual([accepted(after), held(after)], [sent, sent - Number(lost)])
  assert.equal(sumOf(after, 'sluice_dropped_items', 'reason="worker_died"'), Number(lost))
  assert.equal(after.get('sluice_worker_deaths'), 1)
  assert.deepEqual(imbalances(after), [])

  const more = await sendAll(gateway, 5, sent)
  assert.equal(await gateway.stop('SIGTERM'), 0)
  const numbers = arrived(sink)
  assert.equal(numbers.length, sent + more - Number(lost))
  assert.equal(new Set(numbers).size, numbers.length)
  assert.match(gateway.output(), /Stopped\.\s*$/)
})

// Scenario: eight senders without a pause, the metrics read all the time; one worker is killed.
// Guarantees: only requests that were under way fail, the others go on; no counter ever falls; in the end the books
// balance and whatever was acknowledged either arrived or was on its way through the one that was killed.
test('a killed worker takes nothing else along', options, async t => {
  const sink = await sinkFor(t)
  const gateway = await start(t, `yaml:${configFor(sink, await freePort(), '{timeout: 10ms}')}`)
  const LANES = 8
  let [next, good, bad, over] = [0, 0, 0, false]
  const lane = async (): Promise<void> => {
    while (!over) {
      const from = next++ * ITEMS
      await sendGrpc(gateway.grpc, 'traces', numbered('traces', from, ITEMS).chunks[0]!).then(
        () => good++,
        () => bad++,
      )
    }
  }
  const highest = new Map<string, number>()
  const fell: string[] = []
  const watch = async (): Promise<void> => {
    while (!over) {
      for (const [name, value] of await gateway.metrics()) {
        if (
          !/^(otelcol_(receiver|processor|exporter)_(accepted|incoming|sent)|otelcol_process_(uptime|cpu))/.test(
            name,
          )
        )
          continue
        if (value < (highest.get(name) ?? 0)) fell.push(`${name}: ${value} after ${highest.get(name)}`)
        highest.set(name, value)
      }
    }
  }
  const work = [...Array.from({ length: LANES }, lane), watch()]
  const until = (count: number) => eventually(() => (good >= count ? true : undefined), `${count} answers`)
  await until(100)
  process.kill(pids(gateway).get('2')!, 'SIGKILL')
  await gateway.printed(/A worker ended[\s\S]*A worker is ready worker=2/)
  await until(good + 100)
  over = true
  await Promise.all(work)
  assert.ok(bad <= 2 * LANES, `${bad} failed, ${good} did not`)
  assert.deepEqual(fell, [])
  assert.ok(highest.size > 3, `${highest.size} counters were watched`)
  const page = await pageWith(gateway, now => imbalances(now).length === 0)
  assert.equal(page.get('sluice_worker_deaths'), 1)
  assert.equal(await gateway.stop('SIGTERM'), 0)
  const numbers = new Set(arrived(sink))
  const lost = good * ITEMS - numbers.size
  // An answer may be lost on the way to its sender, and a batch in the one that was killed: some requests, not many.
  assert.ok(Math.abs(lost) <= (bad + 20 * LANES) * ITEMS, `${lost} of ${good * ITEMS}`)
})

// Scenario: a broken config, and then a worker dies; a good one that sends elsewhere; another number of workers.
// Guarantees: the broken one changes nothing, and who is started later runs the old one as well; the good one is
// followed by both; the number stays, and the log says that it needs a restart.
test('workers follow the config together', options, async t => {
  const [one, two] = [await sinkFor(t), await sinkFor(t)]
  const health = await freePort()
  const path = join(folder, 'config.yaml')
  writeFileSync(path, configFor(one, health))
  const gateway = await start(t, path)
  const reload = async (yaml: string, says: RegExp): Promise<void> => {
    writeFileSync(path, yaml)
    process.kill(gateway.pid, 'SIGHUP')
    await gateway.printed(says)
  }
  await reload(configFor(one, health).replace('[otlp]', '[oltp]'), /cannot be run.*did you mean/)
  process.kill(pids(gateway).get('1')!, 'SIGKILL')
  await gateway.printed(/A worker ended[\s\S]*A worker is ready worker=1/)
  const first = await sendAll(gateway, 10)
  await eventually(() => (arrived(one).length === first ? true : undefined), 'arrival at the first server')

  await reload(configFor(two, health), /The new config runs\..*started=\["exporter\/otlp_http"\]/)
  const second = await sendAll(gateway, 10)
  await eventually(() => (arrived(two).length === second ? true : undefined), 'arrival at the second server')
  assert.equal(arrived(one).length, first)

  await reload(configFor(one, health, '', 3), /service\.workers cannot change while the gateway runs/)
  const page = await pageWith(gateway, now => imbalances(now).length === 0)
  assert.deepEqual(
    ['applied', 'rejected'].map(outcome => page.get(`sluice_config_reloads{outcome="${outcome}"}`)),
    [1, 2],
  )
  assert.equal(page.get('sluice_workers_ready'), 2)
  assert.equal(await gateway.stop('SIGTERM'), 0)
})

// Scenario: a port that another program is willing to share; a port that the system would choose; a Unix socket.
// Guarantees: the gateway does not start, says why and what to do, and leaves no worker behind.
test('what workers cannot listen on is refused', options, async t => {
  const port = await freePort()
  const other = createServer().listen({ port, host: '127.0.0.1', reusePort: true })
  await once(other, 'listening')
  t.after(() => other.close())
  const cases: [string, RegExp][] = [
    [`endpoint: "127.0.0.1:${port}"`, /receiver\/otlp cannot start: .*is taken by another program/],
    ['endpoint: "127.0.0.1:0"', /workers cannot share a port that the system chooses; write a number/],
    [
      `endpoint: ${folder}/socket, transport: unix`,
      /workers cannot share a Unix socket; write transport: tcp/,
    ],
  ]
  await Promise.all(
    cases.map(async ([endpoint, says]) => {
      const yaml = `{receivers: {otlp: {protocols: {http: {${endpoint}}}}}, exporters: {nop: }, service: {workers: 2,
        telemetry: {metrics: {level: none}}, pipelines: {traces: {receivers: [otlp], exporters: [nop]}}}}`
      const gateway = run(process.execPath, [main, '--config', `yaml:${yaml}`])
      assert.equal(await gateway.ended, 1, gateway.output())
      assert.match(gateway.output(), says)
    }),
  )
})

// Scenario: the process that leads the workers is killed.
// Guarantees: they drain and end by themselves.
test('workers do not outlive their primary', options, async t => {
  const sink = await sinkFor(t)
  const gateway = await start(t, `yaml:${configFor(sink, await freePort(), '{timeout: 60s}')}`)
  const workers = [...pids(gateway).values()]
  const sent = await sendAll(gateway, 5)
  await gateway.stop('SIGKILL')
  await eventually(() => (arrived(sink).length === sent ? true : undefined), 'arrival of what was held')
  const alive = (pid: number): boolean => {
    try {
      return process.kill(pid, 0)
    } catch {
      return false
    }
  }
  await eventually(() => (workers.some(alive) ? undefined : true), 'the end of the workers')
})

// Scenario: a server that does not answer; SIGTERM, and then a second signal.
// Guarantees: the first one drains, the second one ends everything at once, workers too.
test('the second signal ends the workers as well', options, async t => {
  const sink = await sinkFor(t)
  sink.answer = { kind: 'hang' }
  const gateway = await start(t, `yaml:${configFor(sink, await freePort(), '{timeout: 10ms}')}`)
  await sendAll(gateway, 2)
  await eventually(() => (sink.received.length > 0 ? true : undefined), 'a request')
  process.kill(gateway.pid, 'SIGTERM')
  await gateway.printed(/Stopping:/)
  // Its output ends only when nobody holds it open any more.
  assert.equal(await gateway.stop('SIGINT'), 1)
  assert.doesNotMatch(gateway.output(), /Stopped\./)
})
