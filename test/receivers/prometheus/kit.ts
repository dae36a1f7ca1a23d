/** A receiver with targets of a test's own, and what it hands on. */

import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { TestContext } from 'node:test'
import { Fetcher } from '../../../receivers/prometheus/fetch.ts'
import { factory } from '../../../receivers/prometheus/index.ts'
import { jobOf } from '../../../receivers/prometheus/job.ts'
import { JobMeters } from '../../../receivers/prometheus/metrics.ts'
import { PageRoom } from '../../../receivers/prometheus/page-room.ts'
import { Scraper } from '../../../receivers/prometheus/scraper.ts'
import { targetOf } from '../../../receivers/prometheus/target.ts'
import { normalize } from '../../kit/normalize.ts'
import { Sink, testSettings } from '../../kit/parts.ts'
import { readConfig } from '../../kit/read-config.ts'

export type Answer = (request: IncomingMessage, response: ServerResponse, nth: number) => void

/** A target; gives its address. */
export async function target(t: TestContext, answer: Answer): Promise<string> {
  let served = 0
  const server = createServer((request, response) => answer(request, response, served++))
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  return `127.0.0.1:${(server.address() as AddressInfo).port}`
}

/** Answers with these pages one after another; the last one stays. */
export const pages =
  (...texts: readonly string[]): Answer =>
  (_, response, nth) => {
    response.setHeader('content-type', 'text/plain; version=0.0.4')
    response.end(texts[Math.min(nth, texts.length - 1)])
  }

/** One point of one scrape: the number, `stale`, or whatever it is. */
export type Values = Readonly<Record<string, unknown>>

export class Harness {
  readonly sink = new Sink()
  readonly settings: ReturnType<typeof testSettings> = testSettings('receiver', 'prometheus')
  readonly receiver

  /** `before`: one that a reload replaces by this one. */
  constructor(written: unknown, before?: Harness) {
    if (before !== undefined) this.settings = { ...this.settings, metrics: before.settings.metrics }
    this.receiver = factory.create(readConfig(factory.config, written), this.settings, { metrics: this.sink })
  }

  /** The scrapes so far: values by `name{label=value}`, without labels where there are none. */
  get scrapes(): Values[] {
    return this.sink.batches.map(({ chunks }) => valuesOf(chunks[0]!))
  }

  read(metric: string): number {
    return this.settings.metrics.read(`sluice_prometheus_receiver_${metric}`)
  }

  get warnings(): readonly Readonly<Record<string, unknown>>[] {
    return this.settings.log.lines.filter(({ level }) => level === 'warn').map(({ fields }) => fields)
  }
}

/** One target scraped when a test says so, with all the time it needs. */
export class ByHand extends Harness {
  readonly #scraper: Scraper
  readonly #fetcher: Fetcher
  /** When the next scrape is said to be; each a second later. */
  millis = 1_700_000_000_000

  constructor(address: string, keys: object = {}, global: object = {}, room = new PageRoom()) {
    super(job(address, keys, {}, { scrape_interval: '10s', ...global }))
    const { config } = readConfig(
      factory.config,
      job(address, keys, {}, { scrape_interval: '10s', ...global }),
    )
    const one = jobOf(config.scrape_configs[0]!, config.global)
    this.#fetcher = new Fetcher(one, 'test', this.settings.log, room)
    const context = {
      job: one,
      fetcher: this.#fetcher,
      meters: new JobMeters(this.settings.metrics, 'prometheus', one.name),
      settings: this.settings,
      next: this.sink,
      trimSuffixes: false,
      tooMany: undefined,
    }
    const group = { source: 'test', targets: [address], labels: new Map() }
    this.#scraper = new Scraper(targetOf(address, group, one)!, context)
  }

  get remembered(): number {
    return this.#scraper.remembered
  }

  /** What it gave. */
  async scrape(): Promise<Values> {
    await this.#fetcher.open(this.settings.host)
    await this.#scraper.scrape(this.millis, new AbortController().signal)
    this.millis += 1000
    await this.#fetcher.close(performance.now())
    return this.scrapes.at(-1) ?? {}
  }
}

// biome-ignore lint/suspicious/noExplicitAny: decoded messages, whose fields are looked into by name.
type Plain = Record<string, any>

function valuesOf(request: Uint8Array): Values {
  const values: Record<string, unknown> = {}
  for (const { scopeMetrics } of (normalize('metrics', request)['resourceMetrics'] ?? []) as Plain[]) {
    for (const { metrics } of scopeMetrics) {
      for (const { name, gauge, sum, histogram, exponentialHistogram, summary } of metrics) {
        const { dataPoints } = gauge ?? sum ?? histogram ?? exponentialHistogram ?? summary
        for (const { attributes = [], flags, asDouble, count } of dataPoints) {
          const labels = attributes.map((one: Plain) => `${one['key']}=${one['value'].stringValue}`).join(',')
          values[labels === '' ? name : `${name}{${labels}}`] =
            flags === 1 ? 'stale' : (asDouble ?? `count ${count ?? 0}`)
        }
      }
    }
  }
  return values
}

/** Without what every scrape says of itself, but `up`. */
export function own(values: Values | undefined): Values {
  return Object.fromEntries(Object.entries(values ?? {}).filter(([name]) => !name.startsWith('scrape_')))
}

/** A config of one job. */
export function job(address: string, keys: object = {}, receiver: object = {}, global: object = {}): object {
  const config = {
    global: { scrape_interval: '250ms', ...global },
    scrape_configs: [{ job_name: 'j', static_configs: [{ targets: [address] }], ...keys }],
  }
  return { ...receiver, config }
}
