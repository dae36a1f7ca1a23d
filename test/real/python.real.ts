/**
 * Python zero-code applications against the default config, and every golden request, judged by the official protobuf
 * package: what the file exporter wrote is what was sent, item by item.
 */

import assert from 'node:assert/strict'
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { imbalances, startGateway } from '../kit/gateway-process.ts'
import { goldenRequests } from '../kit/golden.ts'
import { runPythonApp } from '../kit/python-app.ts'
import { sendGrpc, sendHttp } from '../kit/send.ts'
import { need } from '../services/cache.ts'
import { complete } from '../services/process.ts'
import { pythonTools } from '../services/python.ts'

const SIGNALS = ['traces', 'metrics', 'logs'] as const
const judge = fileURLToPath(new URL('python/judge.py', import.meta.url))

// Scenario: two zero-code Python runs, gRPC and HTTP, against the default config; then SIGTERM.
// Guarantees: each span, data point and log record is in the file once, unchanged; the ledger balances; exit code 0.
test('a Python zero-code application loses nothing', { timeout: 240_000 }, async t => {
  const bin = await need(t, 'Python with OpenTelemetry', pythonTools)
  if (bin === undefined) return
  const folder = mkdtempSync(join(tmpdir(), 'sluice-python-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const gateway = await startGateway([], folder)
  t.after(() => gateway.stop())
  const sent = join(folder, 'sent')
  await runPythonApp(bin, gateway, 'grpc', sent)
  await runPythonApp(bin, gateway, 'http/protobuf', sent)
  const metrics = await gateway.metrics()
  assert.equal(await gateway.stop(), 0, gateway.output())
  assert.deepEqual(imbalances(metrics), [])
  for (const signal of SIGNALS) {
    const verdict = await complete(join(bin, 'python'), [
      judge,
      signal,
      `${sent}.${signal}`,
      join(folder, 'data', 'telemetry.jsonl'),
    ])
    assert.match(verdict, /\d+ sent, \d+ arrived/)
    t.diagnostic(verdict.trim())
  }
})

// Scenario: every golden request, as captured and over the other transport too, into JSON and length-prefixed files.
// Guarantees: all are accepted, and both files hold exactly what was sent.
test('every golden request is stored as it was sent', { timeout: 120_000 }, async t => {
  const bin = await need(t, 'Python with OpenTelemetry', pythonTools)
  if (bin === undefined) return
  const folder = mkdtempSync(join(tmpdir(), 'sluice-golden-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const files = SIGNALS.flatMap(signal => [
    `file/${signal}_json: {path: ${folder}/${signal}.jsonl}`,
    `file/${signal}_proto: {path: ${folder}/${signal}.pb, format: proto}`,
  ])
  const pipelines = SIGNALS.map(
    signal =>
      `${signal}: {receivers: [otlp], processors: [batch], exporters: [file/${signal}_json, file/${signal}_proto]}`,
  )
  const config = join(folder, 'config.yaml')
  writeFileSync(
    config,
    `receivers: {otlp: {protocols: {grpc: , http: }}}
processors: {batch: }
exporters:
  ${files.join('\n  ')}
service:
  pipelines:
    ${pipelines.join('\n    ')}
`,
  )
  const gateway = await startGateway(['--config', config], folder)
  t.after(() => gateway.stop())
  mkdirSync(join(folder, 'sent'))
  for (const request of goldenRequests()) {
    for (const send of [sendGrpc, sendHttp]) {
      await send(send === sendGrpc ? gateway.grpc : gateway.http, request.signal, request.plain, request.gzip)
      const length = Buffer.alloc(4)
      length.writeUInt32BE(request.plain.length)
      writeFileSync(join(folder, 'sent', request.signal), Buffer.concat([length, request.plain]), {
        flag: 'a',
      })
    }
  }
  assert.equal(await gateway.stop(), 0, gateway.output())
  for (const signal of SIGNALS) {
    for (const kind of ['jsonl', 'pb']) {
      const written = join(folder, `${signal}.${kind}`)
      assert.ok(existsSync(written))
      t.diagnostic(
        (await complete(join(bin, 'python'), [judge, signal, join(folder, 'sent', signal), written])).trim(),
      )
    }
  }
})
