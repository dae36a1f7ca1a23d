import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { parse } from 'yaml'
import { type RunningGateway, startGateway } from '../../gateway/run.ts'
import { assertBalanced } from '../kit/balance.ts'
import { goldenRequests } from '../kit/golden.ts'
import { sendGrpc, sendHttp } from '../kit/send.ts'

const folder = fileURLToPath(new URL('../../config/examples/', import.meta.url))
const examples = readdirSync(folder).filter(file => file.endsWith('.yaml'))
const goldens = goldenRequests()

/** Extensions with an endpoint of their own. */
const LISTENING = /^(?:health_check|pprof|zpages)\b/

interface Written {
  readonly extensions?: Record<string, unknown>
  readonly exporters: Record<string, { path?: string } | null>
}

/** Every port is a free one, and files are in a folder of the test. */
function overrides(file: string, cwd: string): string[] {
  const { extensions = {}, exporters } = parse(readFileSync(folder + file, 'utf8')) as Written
  return [
    'receivers.otlp.protocols.grpc.endpoint=127.0.0.1:0',
    'receivers.otlp.protocols.http.endpoint=127.0.0.1:0',
    ...Object.keys(extensions)
      .filter(id => LISTENING.test(id))
      .map(id => `extensions.${id}.endpoint=127.0.0.1:0`),
    ...Object.entries(exporters).flatMap(([id, config]) =>
      config?.path === undefined ? [] : [`exporters.${id}.path=${join(cwd, config.path)}`],
    ),
    'service.telemetry.metrics.readers=[{pull: {exporter: {prometheus: {host: 127.0.0.1, port: 0}}}}]',
    `service.telemetry.logs.output_paths=[${join(cwd, 'log')}]`,
  ]
}

function start(file: string): Promise<RunningGateway> {
  const cwd = mkdtempSync(join(tmpdir(), 'sluice-example-'))
  return startGateway({ sources: [folder + file], sets: overrides(file, cwd), env: {} })
}

// Scenario: each example is started as it is, on free ports, gets a request of each signal it has, and is stopped.
// Guarantees: every example works with the components there are, says what it is for on top, takes what is sent when
// it does not need a server, and its ledger balances.
for (const file of examples) {
  test(`the example ${file} runs`, async t => {
    assert.match(readFileSync(folder + file, 'utf8'), /^# \w.{30,}/)
    const gateway = await start(file)
    t.after(() => gateway.stop(0))
    const senders: Promise<void>[] = []
    for (const { signal } of gateway.config.service.pipelines) {
      const golden = goldens.find(one => one.signal === signal)
      if (golden === undefined) continue
      senders.push(sendHttp(gateway.addresses.get('receiver/otlp/http')!, signal, golden.plain))
      senders.push(sendGrpc(gateway.addresses.get('receiver/otlp/grpc')!, signal, golden.plain))
    }
    // Where an example leads to a server that is not there, a sender may wait until the end.
    const sent = Promise.allSettled(senders)
    const local = [...gateway.config.exporters.keys()].every(id => !id.startsWith('otlp'))
    if (local) await Promise.all(senders)
    const page = await (await fetch(gateway.addresses.get('telemetry/metrics')!)).text()
    assert.match(page, /^target_info\{/m)
    await gateway.stop(500)
    await sent
    assertBalanced(gateway.accounts)
  })
}
