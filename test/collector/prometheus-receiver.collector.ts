/** `prometheus` receiver: the same pages and jobs for both, and equal OTLP of every scrape. */

import assert from 'node:assert/strict'
import { createServer, type Server } from 'node:http'
import { type TestContext, test } from 'node:test'
import { gzipSync } from 'node:zlib'
import { eventually } from '../services/process.ts'
import { Comparison } from './comparison.ts'
import { readProto, saying } from './outputs.ts'
import { type Side, startPair } from './pair.ts'
import { CASES, type PageCase, type Step } from './prometheus-pages.ts'

const names = Object.keys(CASES)

function jobYaml(name: string, i: number): string {
  const { yaml = '', path = `/${i}` } = CASES[name]!
  const targets = yaml.includes('static_configs') ? '' : 'static_configs: [{targets: ["@page@"]}]'
  return `        - {${[`job_name: "${name}"`, `metrics_path: ${path}`, yaml.replaceAll('\n', ' '), targets].filter(Boolean).join(', ')}}`
}

const CONFIG = `
receivers:
  prometheus:
    config:
      global: {scrape_interval: 700ms, scrape_timeout: 600ms}
      scrape_configs:
${names
  .map((name, i) => (CASES[name]!.receiver === undefined ? jobYaml(name, i) : ''))
  .filter(Boolean)
  .join('\n')}
${names
  .map((name, i) =>
    CASES[name]!.receiver === undefined
      ? ''
      : `  prometheus/${i}:
    ${CASES[name]!.receiver}
    config:
      global: {scrape_interval: 700ms, scrape_timeout: 600ms${CASES[name]!.global ?? ''}}
      scrape_configs:
${jobYaml(name, i)}`,
  )
  .filter(Boolean)
  .join('\n')}
exporters: {file: {path: "@folder@/out.proto", format: proto, flush_interval: 50ms}}
service:
  pipelines:
    metrics: {receivers: [prometheus${names.map((name, i) => (CASES[name]!.receiver === undefined ? '' : `, prometheus/${i}`)).join('')}], exporters: [file]}
`

/** Serves `/<number of the case>`: each request the next step, the last one for ever. Records what was asked. */
class Pages {
  readonly asked = new Map<string, Record<string, unknown>>()
  readonly #served = new Map<string, number>()
  readonly server: Server

  constructor() {
    this.server = createServer((request, response) => {
      const path = request.url!.split('?')[0]!
      const i = Number(path.split('/').at(-1))
      const one = CASES[names[i]!]
      if (one === undefined) {
        response.writeHead(404).end()
        return
      }
      const served = this.#served.get(path) ?? 0
      this.#served.set(path, served + 1)
      const { accept, 'accept-encoding': encoding, authorization } = request.headers
      const timeout = request.headers['x-prometheus-scrape-timeout-seconds']
      this.asked.set(names[i]!, { url: request.url, accept, encoding, authorization, timeout })
      answer(one.steps[Math.min(served, one.steps.length - 1)]!, encoding === 'gzip', response)
    })
  }
}

function answer(
  step: Step,
  gzip: boolean,
  response: Parameters<Parameters<typeof createServer>[1] & {}>[1],
): void {
  const { status = 200, body = '', type = 'text/plain; version=0.0.4', headers = {} } = step
  const bytes = Buffer.from(body)
  const packed = gzip && step.gzip === true
  response.writeHead(status, {
    ...(type === '' ? {} : { 'content-type': type }),
    ...(packed ? { 'content-encoding': 'gzip' } : {}),
    ...headers,
  })
  response.end(packed ? gzipSync(bytes) : bytes)
}

// biome-ignore lint/suspicious/noExplicitAny: decoded messages, whose fields are looked into by name.
type Plain = Record<string, any>

/** What one scrape gave, without what differs from run to run. */
function tidy(request: Plain, side: Side): unknown {
  const [host, port] = side.address('page').split(':') as [string, string]
  const when = scrapedAt(request)
  const text = JSON.stringify(request, (key, value) => {
    if (/TimeUnixNano$/i.test(key) && value === when) return 'T'
    if (key === 'version' && /^\d+\.\d+\.\d+$/.test(value)) return 'VERSION'
    return value
  })
  const plain = JSON.parse(
    text.replaceAll(`${host}:${port}`, 'PAGE').replaceAll(`"${port}"`, '"PORT"'),
  ) as Plain
  for (const { scopeMetrics = [] } of plain['resourceMetrics']) {
    for (const { metrics = [] } of scopeMetrics) {
      for (const metric of metrics) {
        if (metric.name.startsWith('scrape_duration') && metric.gauge.dataPoints[0].asDouble > 0)
          metric.gauge.dataPoints[0].asDouble = 'some'
      }
    }
  }
  return sorted(plain)
}

/** The time of `up`. */
function scrapedAt(request: Plain): string {
  return up(request)!.metric.gauge.dataPoints[0].timeUnixNano
}

function up(request: Plain): { job: string; metric: Plain } | undefined {
  for (const { resource, scopeMetrics = [] } of request['resourceMetrics'] ?? []) {
    const job = resource.attributes.find((one: Plain) => one['key'] === 'service.name')?.value.stringValue
    for (const { metrics = [] } of scopeMetrics)
      for (const metric of metrics) if (metric.name === 'up') return { job, metric }
  }
  return undefined
}

/** Everything whose order says nothing. */
function sorted(value: unknown, key = ''): unknown {
  if (Array.isArray(value)) {
    const list = value.map(one => sorted(one))
    if (/bucketCounts|explicitBounds|quantileValues/.test(key)) return list
    return list.sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1))
  }
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value)
      .map(([name, one]): [string, unknown] => [name, sorted(one, name)])
      .sort(([a], [b]) => (a < b ? -1 : 1)),
  )
}

function scrapesOf(side: Side): Map<string, unknown[]> {
  const found = new Map<string, unknown[]>()
  for (const request of saying('metrics', readProto(side, 'out')) as Plain[]) {
    const job = up(request)?.job
    if (job === undefined) continue
    const list = found.get(job) ?? []
    list.push(tidy(request, side))
    found.set(job, list)
  }
  return found
}

const wanted = ({ steps }: PageCase) => steps.length + 1

function complete(scrapes: Map<string, unknown[]>): boolean {
  return names.every(name => (scrapes.get(CASES[name]!.job ?? name)?.length ?? 0) >= wanted(CASES[name]!))
}

// Scenario: many jobs, each with pages of its own that change from scrape to scrape: every format, every kind of metric,
// labels that clash, rules, limits, pages that are wrong or vanish.
// Guarantees: equal OTLP of every scrape, and equal requests for the pages, but for the list of differences.
test('prometheus receiver', { timeout: 180_000 }, async t => {
  const servers = new Map<string, Pages>()
  const before = async (name: string, address: (word: string) => string) => {
    const pages = new Pages()
    servers.set(name, pages)
    const [host, port] = address('page').split(':')
    await new Promise<void>(resolve => pages.server.listen(Number(port), host, resolve))
    t.after(() => {
      pages.server.closeAllConnections()
      pages.server.close()
    })
  }
  const pair = await startPair(t, CONFIG, { before })
  if (pair === undefined) return
  const seen = await pair.both(async side => {
    await eventually(() => complete(scrapesOf(side)) || undefined, `${side.name}: all scrapes`, 60_000)
    return scrapesOf(side)
  })
  await pair.stop()
  await compare(t, seen, servers)
})

async function compare(
  t: TestContext,
  [ours, theirs]: [Map<string, unknown[]>, Map<string, unknown[]>],
  servers: Map<string, Pages>,
): Promise<void> {
  const comparison = new Comparison('prometheus-receiver')
  for (const name of names) {
    const job = CASES[name]!.job ?? name
    await t.test(name, () => {
      const { anyOrder = false } = CASES[name]!
      const steps = (scrapes: unknown[]) => {
        const first = scrapes.slice(0, wanted(CASES[name]!))
        return Object.fromEntries(
          (anyOrder ? (sorted(first) as unknown[]) : first).map((one, i) => [`scrape ${i}`, one]),
        )
      }
      const asked = (side: string) => JSON.parse(JSON.stringify(servers.get(side)!.asked.get(name) ?? null))
      assert.ok(ours.get(job)!.length > 0)
      comparison.same(
        name,
        { ...steps(ours.get(job)!), asked: asked('Sluice') },
        { ...steps(theirs.get(job)!), asked: asked('Collector') },
      )
    })
  }
  comparison.end()
}
