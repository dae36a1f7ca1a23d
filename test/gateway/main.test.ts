import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { goldenRequests } from '../kit/golden.ts'
import { httpServer } from '../kit/otlp-servers.ts'
import { sendHttp } from '../kit/send.ts'
import { freePort } from '../services/ports.ts'
import { type Running, run } from '../services/process.ts'

const main = fileURLToPath(new URL('../../gateway/start.js', import.meta.url))
const traces = goldenRequests().find(({ signal }) => signal === 'traces')!

const FREE_PORTS = [
  'receivers.otlp.protocols.grpc.endpoint=127.0.0.1:0',
  'receivers.otlp.protocols.http.endpoint=127.0.0.1:0',
  'service.telemetry.metrics.readers=[{pull: {exporter: {prometheus: {host: 127.0.0.1, port: 0}}}}]',
].flatMap(set => ['--set', set])

function sluice(args: readonly string[], node: readonly string[] = [], cwd?: string): Running {
  return run(process.execPath, [...node, main, ...args], cwd === undefined ? {} : { cwd })
}

async function httpAddress(gateway: Running): Promise<string> {
  const [, address] = await gateway.printed(/protocol=http endpoint=(\S+)/)
  return address!
}

/** A gateway whose exporter waits for a server that never answers, with one request held. */
async function stuck(t: { after(end: () => unknown): void }, ...args: string[]): Promise<Running> {
  const server = await httpServer(() => {})
  t.after(() => server.close())
  const gateway = sluice([
    '--config',
    `yaml:{receivers: {otlp: {protocols: {http: , grpc: }}}, exporters: {otlp_http: {endpoint: "${server.endpoint}"}}, service: {pipelines: {traces: {receivers: [otlp], exporters: [otlp_http]}}}}`,
    ...FREE_PORTS,
    ...args,
  ])
  t.after(() => gateway.stop('SIGKILL'))
  await gateway.printed(/Everything is ready/)
  const arrived = server.arrival()
  await sendHttp(await httpAddress(gateway), 'traces', traces.plain)
  await arrived
  return gateway
}

// Scenario: SIGHUP again and again from the moment the program has begun until it is ready, then SIGTERM.
// Guarantees: the program lives, is ready, and has read its config again.
test('SIGHUP before it is ready ends nothing', { timeout: 60_000 }, async t => {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-early-'))
  const file = join(folder, 'sluice.yaml')
  writeFileSync(
    file,
    'receivers: {otlp: {protocols: {http: , grpc: }}}\nexporters: {nop: }\nservice: {pipelines: {traces: {receivers: [otlp], exporters: [nop]}}}\n',
  )
  // What is preloaded has the program's own listener for the signal behind it: it stands for a little later than start.js.
  const sign = 'data:text/javascript,process.on("SIGHUP",()=>{});process.stderr.write("begun\\n")'
  const gateway = sluice(['--config', file, ...FREE_PORTS], ['--import', sign])
  t.after(() => gateway.stop('SIGKILL'))
  await gateway.printed(/begun/)
  let ready = false
  const hurry = async (): Promise<void> => {
    while (!ready) {
      process.kill(gateway.pid, 'SIGHUP')
      await new Promise(resolve => setTimeout(resolve, 5))
    }
  }
  const hurrying = hurry()
  await gateway.printed(/Everything is ready/)
  ready = true
  await hurrying
  await gateway.printed(/The config was read again\. Nothing changed/)
  assert.equal(await gateway.stop('SIGTERM'), 0, gateway.output())
})

// Scenario: SIGTERM as soon as the door is open, which is before the program says that it is ready; it waits for its workers.
// Guarantees: the end is orderly all the same, with exit code 0.
test('SIGTERM before it is ready stops it in order', { timeout: 60_000 }, async t => {
  const port = await freePort()
  const config = `yaml:{receivers: {otlp: {protocols: {http: {endpoint: "127.0.0.1:${port}"}}}}, exporters: {nop: }, service: {workers: 2, pipelines: {traces: {receivers: [otlp], exporters: [nop]}}}}`
  const gateway = sluice(['--config', config, ...FREE_PORTS.slice(-2)])
  t.after(() => gateway.stop('SIGKILL'))
  await gateway.printed(/endpoint=/)
  assert.doesNotMatch(gateway.output(), /Everything is ready/)
  assert.equal(await gateway.stop('SIGTERM'), 0, gateway.output())
  assert.match(gateway.output(), /Received a signal to stop[\s\S]*Stopped\./)
})

// Scenario: no config, in an empty folder; one request; SIGTERM.
// Guarantees: the default config runs and says where to point an SDK; what was sent is in the file it named; the end
// is orderly, with exit code 0.
test('without a config it welcomes and works', { timeout: 60_000 }, async t => {
  const cwd = mkdtempSync(join(tmpdir(), 'sluice-main-'))
  const gateway = sluice([...FREE_PORTS, '--set', 'extensions.health_check.endpoint=127.0.0.1:0'], [], cwd)
  t.after(() => gateway.stop('SIGKILL'))
  const [, endpoint] = await gateway.printed(/OTEL_EXPORTER_OTLP_ENDPOINT=http:\/\/(\S+)/)
  const [, file] = await gateway.printed(/What arrives is in +(\S+)/)
  const [, health] = await gateway.printed(/Its health +(\S+)/)
  assert.equal((await fetch(health!)).status, 200)
  await sendHttp(endpoint!, 'traces', traces.plain)
  assert.equal(await gateway.stop('SIGTERM'), 0)
  const [line] = readFileSync(file!, 'utf8').split('\n')
  assert.equal(JSON.parse(line!).resourceSpans.length > 0, true)
  assert.match(gateway.output(), /Stopped\./)
})

// Scenario: SIGTERM while a server does not answer, and then a second one.
// Guarantees: the first drains, the second ends at once with 1.
test('the second signal ends at once', { timeout: 60_000 }, async t => {
  const gateway = await stuck(t)
  process.kill(gateway.pid, 'SIGTERM')
  await gateway.printed(/Stopping:/)
  assert.equal(await gateway.stop('SIGINT'), 1)
  assert.doesNotMatch(gateway.output(), /Stopped\./)
})

// Scenario: SIGTERM while a server does not answer, with --shutdown-timeout 200ms.
// Guarantees: it ends within the deadline and says what became of the items.
test('draining has a deadline', { timeout: 60_000 }, async t => {
  const gateway = await stuck(t, '--shutdown-timeout', '200ms')
  assert.equal(await gateway.stop('SIGTERM'), 0)
  assert.match(gateway.output(), /within_s=0\.2/)
  assert.match(gateway.output(), /Stopped\./)
})

// Scenario: an exception that nobody catches while the gateway runs.
// Guarantees: it is logged with its stack, the gateway drains, and ends with 1.
test('a bug that nobody caught ends the gateway in order', { timeout: 60_000 }, async t => {
  const bug = 'data:text/javascript,process.on("SIGUSR2",()=>{throw new Error("boom")})'
  const gateway = sluice(
    [
      '--config',
      'yaml:{receivers: {otlp: {protocols: {http: , grpc: }}}, exporters: {nop: }, service: {pipelines: {traces: {receivers: [otlp], exporters: [nop]}}}}',
      ...FREE_PORTS,
    ],
    ['--import', bug],
  )
  t.after(() => gateway.stop('SIGKILL'))
  await gateway.printed(/Everything is ready/)
  assert.equal(await gateway.stop('SIGUSR2'), 1)
  assert.match(gateway.output(), /this is a bug.*boom[\s\S]*Stopped\./)
})

// Scenario: a wrong word on the command line; a wrong config; a port that is taken.
// Guarantees: each ends with its exit code and one clear text, without a stack trace.
test('what cannot start says why', { timeout: 60_000 }, async () => {
  const taken = createServer().listen(0, '127.0.0.1')
  await once(taken, 'listening')
  const { port } = taken.address() as { port: number }
  const service = 'service: {pipelines: {traces: {receivers: [otlp], exporters: [nop]}}}'
  const config = (endpoint: string) =>
    `yaml:{receivers: {otlp: {protocols: {http: {endpoint: "${endpoint}"}}}}, exporters: {nop: }, ${service}}`
  const cases: [string[], number, RegExp][] = [
    [['--nonsense'], 2, /unknown flag --nonsense/],
    [
      ['--config', config('nowhere')],
      1,
      /receivers::otlp::protocols::http::endpoint: "nowhere" is not host:port/,
    ],
    [
      ['--config', config(`127.0.0.1:${port}`), ...FREE_PORTS.slice(4)],
      1,
      new RegExp(`receiver/otlp cannot start: .*127\\.0\\.0\\.1:${port}`),
    ],
  ]
  const ended = await Promise.all(
    cases.map(async ([args]) => {
      const program = sluice(args)
      return { code: await program.ended, output: program.output() }
    }),
  )
  taken.close()
  for (const [i, [, code, said]] of cases.entries()) {
    assert.equal(ended[i]!.code, code, ended[i]!.output)
    assert.match(ended[i]!.output, said)
    assert.doesNotMatch(ended[i]!.output, /\n +at /)
  }
})
