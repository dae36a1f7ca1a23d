/** Sluice and the real Collector talk to each other, both ways, over every transport and compression both have. */

import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { jsonToRequest } from '../../core/otlp/json.ts'
import type { Signal } from '../../core/otlp/signals.ts'
import { startGateway } from '../kit/gateway-process.ts'
import { type GoldenRequest, goldenRequests } from '../kit/golden.ts'
import { decodeRequest } from '../kit/proto.ts'
import { sendHttp } from '../kit/send.ts'
import { need } from '../services/cache.ts'
import { collectorProgram, startCollector } from '../services/collector.ts'
import { freePort } from '../services/ports.ts'

const SIGNALS = ['traces', 'metrics', 'logs'] as const

interface Route {
  readonly name: string
  readonly exporter: 'otlp' | 'otlphttp'
  readonly options: string
  /** Our exporter cannot do it; the Collector's can. */
  readonly onlyInto?: 'Sluice'
}

const ROUTES: readonly Route[] = [
  { name: 'gRPC', exporter: 'otlp', options: 'compression: none' },
  { name: 'gRPC, gzip', exporter: 'otlp', options: 'compression: gzip' },
  { name: 'gRPC, zstd', exporter: 'otlp', options: 'compression: zstd', onlyInto: 'Sluice' },
  { name: 'gRPC, snappy', exporter: 'otlp', options: 'compression: snappy', onlyInto: 'Sluice' },
  { name: 'HTTP', exporter: 'otlphttp', options: 'compression: none' },
  { name: 'HTTP, gzip', exporter: 'otlphttp', options: 'compression: gzip' },
  { name: 'HTTP, zstd', exporter: 'otlphttp', options: 'compression: zstd' },
  { name: 'HTTP, snappy', exporter: 'otlphttp', options: 'compression: snappy' },
  { name: 'HTTP, deflate', exporter: 'otlphttp', options: 'compression: deflate' },
  { name: 'HTTP, JSON', exporter: 'otlphttp', options: 'compression: gzip, encoding: json' },
]

function sender(route: Route, port: number): string {
  const endpoint = route.exporter === 'otlp' ? `127.0.0.1:${port}` : `http://127.0.0.1:${port}`
  return `${route.exporter}: {endpoint: "${endpoint}", tls: {insecure: true}, ${route.options}}`
}

const filePipelines = (folder: string): string => `
exporters:
  ${SIGNALS.map(signal => `file/${signal}: {path: ${folder}/${signal}.jsonl, flush_interval: 100ms}`).join('\n  ')}
service:
  telemetry: {metrics: {level: none}}
  pipelines:
    ${SIGNALS.map(signal => `${signal}: {receivers: [otlp], exporters: [file/${signal}]}`).join('\n    ')}
`

/** All items of the golden set, or of a file of OTLP/JSON lines, each with what is around it, sorted. */
function itemsOf(signal: Signal, requests: readonly Uint8Array[]): string[] {
  const words = {
    traces: ['Spans', 'spans'],
    metrics: ['Metrics', 'metrics'],
    logs: ['Logs', 'logRecords'],
    profiles: ['Profiles', 'profiles'],
  }
  const [middle, leaf] = words[signal] as [string, string]
  const items: string[] = []
  type Level = Record<string, Level[]>
  for (const bytes of requests) {
    const request = decodeRequest(signal, bytes) as Level
    for (const resource of request[`resource${middle}`] ?? []) {
      for (const scope of resource[`scope${middle}`] ?? []) {
        for (const item of scope[leaf] ?? [])
          items.push(JSON.stringify([resource['resource'], scope['scope'], item]))
      }
    }
  }
  return items.sort()
}

function stored(folder: string, signal: Signal): string[] {
  const lines = readFileSync(join(folder, `${signal}.jsonl`), 'utf8').split('\n')
  return itemsOf(
    signal,
    lines.filter(line => line !== '').map(line => jsonToRequest(Buffer.from(line), signal)),
  )
}

const golden = goldenRequests()
const sent = (signal: Signal): string[] =>
  itemsOf(
    signal,
    golden.filter((one: GoldenRequest) => one.signal === signal).map(one => one.plain),
  )

for (const route of ROUTES.filter(({ onlyInto }) => onlyInto === undefined)) {
  // Scenario: golden requests go into Sluice, out over this route into the Collector, and into its files.
  // Guarantees: the Collector understands every request of ours; nothing is lost, changed or doubled.
  test(`Sluice to Collector over ${route.name}`, { timeout: 60_000 }, async t => {
    if ((await need(t, 'the Collector', collectorProgram)) === undefined) return
    const folder = mkdtempSync(join(tmpdir(), 'sluice-out-'))
    t.after(() => rmSync(folder, { recursive: true }))
    const port = await freePort()
    const protocol = route.exporter === 'otlp' ? 'grpc' : 'http'
    const collector = await startCollector(
      `receivers: {otlp: {protocols: {${protocol}: {endpoint: "127.0.0.1:${port}"}}}}\n${filePipelines(folder)}`,
    )
    t.after(() => collector.stop())
    const exporter = sender(route, port)
    const name = route.exporter
    const gateway = await startGateway([
      '--config',
      `yaml:{receivers: {otlp: {protocols: {grpc: , http: }}}, processors: {batch: }, exporters: {${exporter}}, service: {pipelines: {${SIGNALS.map(
        signal => `${signal}: {receivers: [otlp], processors: [batch], exporters: [${name}]}`,
      ).join(', ')}}}}`,
    ])
    t.after(() => gateway.stop())
    for (const one of golden) await sendHttp(gateway.http, one.signal, one.plain)
    assert.equal(await gateway.stop(), 0, gateway.output())
    assert.equal(await collector.stop(), 0, collector.output())
    for (const signal of SIGNALS) assert.deepEqual(stored(folder, signal), sent(signal), signal)
  })
}

for (const route of ROUTES) {
  // Scenario: golden requests go into the Collector, out over this route into Sluice, and into its files.
  // Guarantees: what the Collector sends is understood and kept whole.
  test(`Collector to Sluice over ${route.name}`, { timeout: 60_000 }, async t => {
    if ((await need(t, 'the Collector', collectorProgram)) === undefined) return
    const folder = mkdtempSync(join(tmpdir(), 'sluice-in-'))
    t.after(() => rmSync(folder, { recursive: true }))
    const gateway = await startGateway([
      '--config',
      `yaml:receivers: {otlp: {protocols: {grpc: , http: }}}\n${filePipelines(folder)}`,
    ])
    t.after(() => gateway.stop())
    const target = route.exporter === 'otlp' ? gateway.grpc : gateway.http
    const port = await freePort()
    const collector = await startCollector(
      `receivers: {otlp: {protocols: {http: {endpoint: "127.0.0.1:${port}"}}}}
exporters: {${sender(route, Number(target.split(':')[1]))}}
service:
  telemetry: {metrics: {level: none}}
  pipelines: {${SIGNALS.map(signal => `${signal}: {receivers: [otlp], exporters: [${route.exporter}]}`).join(', ')}}
`,
    )
    t.after(() => collector.stop())
    for (const one of golden) await sendHttp(`127.0.0.1:${port}`, one.signal, one.plain)
    assert.equal(await collector.stop(), 0, collector.output())
    assert.equal(await gateway.stop(), 0, gateway.output())
    for (const signal of SIGNALS) assert.deepEqual(stored(folder, signal), sent(signal), signal)
  })
}
