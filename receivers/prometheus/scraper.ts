/**
 * One scrape of one target: a page fetched, read, told how it went, and handed on as one batch. A scrape that fails in
 * any way hands on `up` 0 and marks for everything that was there before.
 */

import { batchOf } from '../../core/component/batch.ts'
import type { Consumer, Settings } from '../../core/component/contract.ts'
import type { DropReason } from '../../core/component/ledger.ts'
import { Refused, Rejected } from '../../core/component/outcome.ts'
import { BadPage } from '../../core/formats/prometheus/parse/page.ts'
import type { Series } from '../../core/formats/prometheus/scraped/series.ts'
import { Transaction } from '../../core/formats/prometheus/scraped/transaction.ts'
import { TargetCache } from './cache.ts'
import { type Fetcher, ScrapeFailure } from './fetch.ts'
import type { Job } from './job.ts'
import { reportSeries } from './labels.ts'
import type { JobMeters } from './metrics.ts'
import { noCounts, type PageCounts, PageIntake } from './page.ts'
import type { Target } from './target.ts'
import { Turns } from './turns.ts'

const REFUSED: DropReason = { name: 'refused', intended: false }
const REJECTED: DropReason = { name: 'rejected', intended: false }

const ROOM_MIN = 16 * 1024
/** Values grow longer. */
const ROOM_MORE = 1.05

/** What all scrapers of a job share. */
export interface JobContext {
  readonly job: Job
  readonly fetcher: Fetcher
  readonly meters: JobMeters
  readonly settings: Settings
  readonly next: Consumer
  readonly trimSuffixes: boolean
  /** There are more targets than target_limit. */
  tooMany: ScrapeFailure | undefined
}

interface Report {
  readonly counts: PageCounts
  readonly failure: ScrapeFailure | undefined
  /** Bytes of the page; -1: too many. */
  readonly bytes: number
  readonly seconds: number
}

export class Scraper {
  readonly #target: Target
  readonly #context: JobContext
  readonly #cache = new TargetCache()
  readonly #intake: PageIntake
  /** What the next request will probably need, so that it is not copied into larger and larger buffers. */
  #roomFor = ROOM_MIN
  /** Of `up` and its like. */
  readonly #own = new Map<string, Series>()

  constructor(target: Target, context: JobContext) {
    this.#target = target
    this.#context = context
    this.#intake = new PageIntake(target, context.job, this.#cache)
  }

  /** Texts and families of the target that are remembered. */
  get remembered(): number {
    return this.#cache.size
  }

  /** `millis`: when it is said to be, since 1970. Does not throw. `signal`: gives up, and says nothing. */
  async scrape(millis: number, signal: AbortSignal): Promise<void> {
    const { meters, next } = this.#context
    if (next.admit?.('metrics') !== undefined) {
      // What nobody takes is not worth reading; a gap in the data says so by itself.
      meters.scraped('skipped')
      return
    }
    const start = performance.now()
    const counts = noCounts()
    let made = this.#transaction()
    let failure = this.#context.tooMany
    let bytes = 0
    if (failure === undefined) {
      try {
        const page = await this.#context.fetcher.fetch(this.#target, signal)
        bytes = page.bytes.length
        await this.#intake.take(page, made, millis, counts, this.#inTime(start)).finally(() => page.leave())
      } catch (error) {
        if (signal.aborted) return
        failure = this.#asFailure(error)
        if (failure.reason === 'page_too_large') bytes = -1
        made = this.#transaction()
        this.#cache.failed()
      }
    }
    const turns = new Turns(Infinity, never)
    await this.#intake.markStale(made, millis, turns)
    this.#cache.done(failure === undefined && bytes > 0)
    this.#report(made, millis, { counts, failure, bytes, seconds: (performance.now() - start) / 1000 })
    this.#tell(failure, counts, made)
    await this.#hand(made, turns, signal)
  }

  /** scrape_timeout counts from `start` until the page is read. */
  #inTime(start: number): Turns {
    const { timeout } = this.#target
    return new Turns(
      start + timeout,
      () =>
        new ScrapeFailure(
          'timeout',
          `the page came, but could not be read within ${timeout / 1000} s (scrape_timeout)`,
        ),
    )
  }

  /** The target is gone: marks everything of it. */
  async end(millis: number, signal: AbortSignal): Promise<void> {
    const made = this.#transaction()
    this.#cache.failed()
    const turns = new Turns(Infinity, never)
    await this.#intake.markStale(made, millis, turns)
    this.#cache.done(false)
    for (const series of this.#own.values()) made.sample(series, millis, undefined)
    await this.#hand(made, turns, signal)
  }

  /** Goes on where another one of the same target ended. */
  inherit(from: Scraper): void {
    this.#cache.inherit(from.#cache)
  }

  #asFailure(error: unknown): ScrapeFailure {
    if (error instanceof ScrapeFailure) return error
    if (error instanceof BadPage) return new ScrapeFailure('bad_page', error.message)
    // A mistake of ours is a failed scrape too: what is remembered stays in step, and `up` says it.
    this.#context.settings.log.error('A scrape failed by a mistake in the gateway', {
      job: this.#context.job.name,
      instance: this.#target.instance,
      error: error instanceof Error ? (error.stack ?? error.message) : String(error),
    })
    return new ScrapeFailure('internal', 'a mistake in the gateway, see the line before')
  }

  #transaction(): Transaction {
    const { trimSuffixes, settings } = this.#context
    const { version } = settings.host.build
    return new Transaction(this.#cache.metadata, {
      trimSuffixes,
      version,
      discovered: this.#target.discovered,
    })
  }

  #report(made: Transaction, millis: number, { counts, failure, bytes, seconds }: Report): void {
    const { job } = this.#context
    const values: [name: string, value: number][] = [
      ['up', failure === undefined ? 1 : 0],
      ['scrape_duration_seconds', seconds],
      ['scrape_samples_scraped', counts.total],
      ['scrape_samples_post_metric_relabeling', counts.added],
      ['scrape_series_added', counts.seriesAdded],
    ]
    if (job.extraMetrics) {
      values.push(
        ['scrape_timeout_seconds', this.#target.timeout / 1000],
        ['scrape_sample_limit', job.sampleLimit],
        ['scrape_body_size_bytes', bytes],
      )
    }
    for (const [name, value] of values) {
      let series = this.#own.get(name)
      if (series === undefined) {
        series = reportSeries(name, this.#target, job)
        this.#own.set(name, series)
      }
      made.sample(series, millis, value)
    }
  }

  #tell(failure: ScrapeFailure | undefined, { leftOut }: PageCounts, made: Transaction): void {
    const { meters, settings, job } = this.#context
    meters.scraped(failure?.reason ?? 'ok')
    const target = { job: job.name, instance: this.#target.instance, url: shownUrl(this.#target.url) }
    if (failure !== undefined) {
      const { reason, message } = failure
      settings.log.warn('Failed to scrape Prometheus endpoint', { ...target, reason, error: message })
      return
    }
    for (const [reason, samples] of [...leftOut, ...made.misfits]) {
      meters.leftOut(reason, samples)
      settings.log.warn('Samples of a page became no point', { ...target, reason, samples })
    }
  }

  /** The pipeline's answer is waited for; what it does not take is lost, and counted. */
  async #hand(made: Transaction, turns: Turns, signal: AbortSignal): Promise<void> {
    const { bytes, points } = await made.build(() => turns.next(), this.#roomFor)
    this.#roomFor = Math.max(ROOM_MIN, Math.ceil(bytes.length * ROOM_MORE))
    if (points === 0) return
    const { next, settings } = this.#context
    try {
      const context = { transport: 'http', signal, deadline: performance.now() + this.#target.interval }
      const { rejected, message } = await next.consume(batchOf('metrics', [bytes], points), context)
      if (rejected > 0) this.#lost(rejected, REJECTED, message)
    } catch (error) {
      const reason = error instanceof Rejected ? REJECTED : REFUSED
      if (!(error instanceof Rejected || error instanceof Refused))
        settings.log.error('A scrape could not be handed on', { error: String(error) })
      this.#lost(points, reason, (error as Error).message)
    }
  }

  #lost(items: number, reason: DropReason, why: string): void {
    const { account, log } = this.#context.settings
    account.of('metrics').in += items
    account.drop('metrics', items, reason)
    const { name } = this.#context.job
    log.warn('Points of a scrape were dropped', { job: name, items, reason: reason.name, error: why })
  }
}

function never(): Error {
  return new Error('a time without an end is over')
}

/** Parameters may be secrets. */
function shownUrl(url: URL): string {
  return `${url.origin}${url.pathname}`
}
