/** Profiles go from Sluice to the real Collector and from there to another Sluice. */

import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { jsonToRequest } from '../../core/otlp/json.ts'
import { startGateway } from '../kit/gateway-process.ts'
import { generate } from '../kit/generate.ts'
import { normalize } from '../kit/normalize.ts'
import { sendHttp } from '../kit/send.ts'
import { need } from '../services/cache.ts'
import { collectorProgram, startCollector } from '../services/collector.ts'
import { freePort } from '../services/ports.ts'

const ROUTES = [
  { protocol: 'grpc', exporter: 'otlp_grpc', scheme: '', options: 'compression: gzip' },
  { protocol: 'http', exporter: 'otlp_http', scheme: 'http://', options: 'compression: zstd' },
  { protocol: 'http', exporter: 'otlp_http', scheme: 'http://', options: 'encoding: json' },
] as const

for (const { protocol, exporter, scheme, options } of ROUTES) {
  const pipelines = `service: {telemetry: {metrics: {level: none}}, pipelines: {profiles: {receivers: [otlp], exporters: [${exporter}]}}}`
  const sender = (port: number): string =>
    `exporters: {${exporter}: {endpoint: "${scheme}127.0.0.1:${port}", tls: {insecure: true}, ${options}}}`

  // Scenario: requests of profiles with every optional field, through a gateway, the Collector and a gateway.
  // Guarantees: the Collector understands ours and we understand its, over every transport and encoding.
  test(`profiles through the Collector, ${exporter}, ${options}`, { timeout: 60_000 }, async t => {
    if ((await need(t, 'the Collector', collectorProgram)) === undefined) return
    const folder = mkdtempSync(join(tmpdir(), 'sluice-profiles-'))
    t.after(() => rmSync(folder, { recursive: true }))
    const file = join(folder, 'profiles.jsonl')
    const end = await startGateway([
      '--config',
      `yaml:{receivers: {otlp: {protocols: {grpc: , http: }}}, exporters: {file: {path: "${file}"}}, service: {pipelines: {profiles: {receivers: [otlp], exporters: [file]}}}}`,
    ])
    t.after(() => end.stop())
    const port = await freePort()
    const target = Number((protocol === 'grpc' ? end.grpc : end.http).split(':')[1])
    const collector = await startCollector(
      `receivers: {otlp: {protocols: {${protocol}: {endpoint: "127.0.0.1:${port}"}}}}\n${sender(target)}\n${pipelines}`,
      ['--feature-gates=service.profilesSupport'],
    )
    t.after(() => collector.stop())
    const begin = await startGateway([
      '--config',
      `yaml:receivers: {otlp: {protocols: {grpc: , http: }}}\n${sender(port)}\n${pipelines}`,
    ])
    t.after(() => begin.stop())
    const sent = [1, 2, 3].map(seed => generate('profiles', seed, 5).bytes)
    for (const request of sent) await sendHttp(begin.http, 'profiles', request)
    for (const one of [begin, collector, end]) assert.equal(await one.stop(), 0, one.output())

    const plain = (requests: Uint8Array[]): string[] =>
      requests.map(bytes => JSON.stringify(normalize('profiles', bytes))).sort()
    const lines = readFileSync(file, 'utf8').trim().split('\n')
    assert.deepEqual(plain(lines.map(line => jsonToRequest(Buffer.from(line), 'profiles'))), plain(sent))
  })
}
