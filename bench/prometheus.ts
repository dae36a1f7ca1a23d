/**
 * 100,000 series at both ends of Prometheus' way: kept for a page that is fed and scraped at the same time, and scraped
 * from a target. CPU for a scrape and the peak of resident memory, beside the Collector with the same YAML.
 * `node bench/prometheus.ts [--quick] [page|scrape]`; bench/README.md.
 */

import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { encodeRequest } from '../test/kit/proto.ts'
import { builtCollector } from '../test/services/collector.ts'
import { freePort } from '../test/services/ports.ts'
import { type Running, run } from '../test/services/process.ts'
import { ProcessTree } from './load/process-tree.ts'
import { OURS } from './ours.ts'

const quick = process.argv.includes('--quick')
const SERIES = 100_000
/** Instances of the service; each has one request a push. */
const INSTANCES = 100
const METRICS = 10
const SCRAPES = quick ? 3 : 8
const EVERY_MS = 2000
const RUNS = quick ? 1 : 3

interface Result {
  /** For one scrape, and for taking a value for each series. */
  readonly cpuMs: number
  readonly fedMs: number
  readonly startMib: number
  readonly peakMib: number
}

function serve(program: readonly string[], config: object): Running {
  return run(program[0]!, [...program.slice(1), '--config', `yaml:${JSON.stringify(config)}`])
}

function telemetry(metrics: number): object {
  const reader = { pull: { exporter: { prometheus: { host: '127.0.0.1', port: metrics } } } }
  return { metrics: { readers: [reader] }, logs: { level: 'error' } }
}

async function answers(url: string, running: Running): Promise<void> {
  for (let tries = 0; !(await fetch(url).catch(() => undefined))?.ok; tries++) {
    if (tries > 300) throw new Error(`a server did not start: ${running.output()}`)
    await sleep(100)
  }
}

/** What one instance sends: counters with four attributes of their own, half of them fractions. */
function pushOf(instance: number, nth: number): Uint8Array {
  const text = (key: string, stringValue: string) => ({ key, value: { stringValue } })
  const time = String(1_770_000_000_000_000_000n + BigInt(nth) * 10_000_000_000n)
  const points = (metric: number) =>
    Array.from({ length: SERIES / INSTANCES / METRICS }, (_, i) => ({
      startTimeUnixNano: '1760000000000000000',
      timeUnixNano: time,
      attributes: [
        text('http.request.method', ['GET', 'POST'][i % 2]!),
        text('http.route', `/api/orders/{id}/items/${i % 50}`),
        text('http.response.status_code', String(200 + (i % 7))),
        text('customer', `customer-${i}`),
      ],
      ...(metric % 2 === 0 ? { asInt: String(nth * 1000 + i) } : { asDouble: nth * 1000 + i / 7 }),
    }))
  const metrics = Array.from({ length: METRICS }, (_, metric) => ({
    name: `app.requests.${metric}`,
    unit: 's',
    description: 'What was asked for so far.',
    sum: { aggregationTemporality: 2, isMonotonic: true, dataPoints: points(metric) },
  }))
  const resource = {
    attributes: [text('service.name', 'shop'), text('service.instance.id', `instance-${instance}`)],
  }
  const scopeMetrics = [{ scope: { name: 'shop/orders', version: '1.2.3' }, metrics }]
  return encodeRequest('metrics', { resourceMetrics: [{ resource, scopeMetrics }] })
}

async function page(program: readonly string[]): Promise<Result> {
  const [otlp, scraped, metrics] = [await freePort(), await freePort(), await freePort()]
  const running = serve(program, {
    receivers: { otlp: { protocols: { http: { endpoint: `127.0.0.1:${otlp}` } } } },
    exporters: { prometheus: { endpoint: `127.0.0.1:${scraped}`, metric_expiration: '1h' } },
    service: {
      telemetry: telemetry(metrics),
      pipelines: { metrics: { receivers: ['otlp'], exporters: ['prometheus'] } },
    },
  })
  const tree = new ProcessTree(running.pid)
  try {
    await answers(`http://127.0.0.1:${metrics}/metrics`, running)
    await answers(`http://127.0.0.1:${scraped}/metrics`, running)
    const startMib = tree.rssMib().now
    const push = async (nth: number): Promise<void> => {
      for (let instance = 0; instance < INSTANCES; instance++) {
        const body = pushOf(instance, nth)
        const headers = { 'content-type': 'application/x-protobuf' }
        const answer = await fetch(`http://127.0.0.1:${otlp}/v1/metrics`, { method: 'POST', headers, body })
        if (!answer.ok) throw new Error(`a push was refused: ${await answer.text()}`)
        await answer.arrayBuffer()
      }
    }
    const scrape = async (): Promise<number> => {
      const headers = { accept: 'text/plain;version=0.0.4', 'accept-encoding': 'gzip' }
      const answer = await fetch(`http://127.0.0.1:${scraped}/metrics`, { headers })
      return (await answer.text()).split('\n').filter(line => line.startsWith('app_requests')).length
    }
    await push(0)
    for (let nth = 1; nth <= SCRAPES; nth++) {
      const pushing = push(nth)
      const found = await scrape()
      if (found !== SERIES) throw new Error(`the page has ${found} series`)
      await pushing
    }
    // Each alone, for its price.
    const [before, peakMib] = [tree.cpuUs(), tree.rssMib().peak]
    for (let nth = 0; nth < SCRAPES; nth++) await scrape()
    const between = tree.cpuUs()
    for (let nth = 0; nth < SCRAPES; nth++) await push(SCRAPES + 1 + nth)
    const fedMs = (tree.cpuUs() - between) / SCRAPES / 1000
    return { cpuMs: (between - before) / SCRAPES / 1000, fedMs, startMib, peakMib }
  } finally {
    await running.stop()
  }
}

function scrapedPage(nth: number): Buffer {
  const lines: string[] = []
  for (let metric = 0; metric < METRICS; metric++) {
    lines.push(`# HELP app_requests_${metric}_total What was asked for so far.`)
    lines.push(`# TYPE app_requests_${metric}_total counter`)
    for (let i = 0; i < SERIES / METRICS; i++) {
      const labels = `method="${['GET', 'POST'][i % 2]}",route="/api/orders/items/${i % 50}",status="${200 + (i % 7)}",customer="customer-${i}"`
      lines.push(`app_requests_${metric}_total{${labels}} ${nth * 1000 + i}`)
    }
  }
  return Buffer.from(`${lines.join('\n')}\n`)
}

async function scrape(program: readonly string[]): Promise<Result> {
  let served = 0
  const target = createServer((_, response) => {
    response.setHeader('content-type', 'text/plain; version=0.0.4')
    response.end(scrapedPage(served++))
  }).listen(0, '127.0.0.1')
  await once(target, 'listening')
  const address = `127.0.0.1:${(target.address() as AddressInfo).port}`
  const metrics = await freePort()
  const job = {
    job_name: 'bench',
    scrape_interval: `${EVERY_MS}ms`,
    scrape_timeout: `${EVERY_MS}ms`,
    static_configs: [{ targets: [address] }],
  }
  const running = serve(program, {
    receivers: { prometheus: { config: { scrape_configs: [job] } } },
    exporters: { nop: null },
    service: {
      telemetry: telemetry(metrics),
      pipelines: { metrics: { receivers: ['prometheus'], exporters: ['nop'] } },
    },
  })
  const tree = new ProcessTree(running.pid)
  try {
    await answers(`http://127.0.0.1:${metrics}/metrics`, running)
    const startMib = tree.rssMib().now
    const until = async (count: number): Promise<void> => {
      while (served < count) await sleep(20)
    }
    await until(4)
    const [from, cpu] = [served, tree.cpuUs()]
    await until(from + SCRAPES)
    return { cpuMs: (tree.cpuUs() - cpu) / SCRAPES / 1000, fedMs: 0, startMib, peakMib: tree.rssMib().peak }
  } finally {
    await running.stop()
    target.closeAllConnections()
    target.close()
  }
}

const CASES = { page, scrape }
const collector = builtCollector()
for (const [name, measure] of Object.entries(CASES)) {
  const wanted = process.argv.slice(2).filter(one => one in CASES)
  if (wanted.length > 0 && !wanted.includes(name)) continue
  console.log(`\n${name}: ${SERIES} series`)
  for (let nth = 0; nth < RUNS; nth++) {
    const ours = await measure(OURS)
    const show = (who: string, { cpuMs, fedMs, startMib, peakMib }: Result) =>
      `${who} ${cpuMs.toFixed(0)} ms of CPU a scrape${fedMs > 0 ? ` and ${fedMs.toFixed(0)} to be fed` : ''}, ${startMib.toFixed(0)} MiB when started, ${peakMib.toFixed(0)} at its peak`
    console.log(show('sluice ', ours))
    if (collector === undefined) continue
    const theirs = await measure([collector])
    console.log(show('otelcol', theirs))
    console.log(
      `        sluice / otelcol: CPU ${(ours.cpuMs / theirs.cpuMs).toFixed(2)}, memory ${(ours.peakMib / theirs.peakMib).toFixed(2)}`,
    )
  }
}
process.exit()
