/** One page of one target into a transaction: series looked up, limits kept, what vanished marked stale. */

import { setImmediate as breathe } from 'node:timers/promises'
import { coarser, SCALE_MIN } from '../../core/formats/prometheus/native.ts'
import type { ExponentialScraped, ScrapedHistogram } from '../../core/formats/prometheus/parse/histogram.ts'
import { parserFor } from '../../core/formats/prometheus/parse/index.ts'
import type { PageParser } from '../../core/formats/prometheus/parse/page.ts'
import { Scanner } from '../../core/formats/prometheus/parse/scan.ts'
import type { Series } from '../../core/formats/prometheus/scraped/series.ts'
import type { Transaction } from '../../core/formats/prometheus/scraped/transaction.ts'
import type { TargetCache, TrackedSeries } from './cache.ts'
import { type FetchedPage, ScrapeFailure } from './fetch.ts'
import type { Job } from './job.ts'
import { LabelProblem, seriesOf } from './labels.ts'
import { PageOrder } from './page-order.ts'
import type { Target } from './target.ts'

/** A sample may be this much ahead of the gateway's clock, in ms. */
const AHEAD_MS_MAX = 600_000
/** Between two looks at the clock; and after this long others have their turn. */
const ENTRIES_AT_ONCE = 4096
const BREATH_MS = 10
/** Samples and comments of one page, where sample_limit does not ask for more. About 1.4 kB are remembered of each series. */
const ENTRIES_MAX = 2_000_000

/** What a scrape says of itself. */
export interface PageCounts {
  /** Samples on the page. */
  total: number
  /** After metric_relabel_configs. */
  added: number
  /** That were not there last time. */
  seriesAdded: number
  /** Samples that were left out, by why. */
  readonly leftOut: Map<string, number>
}

export function noCounts(): PageCounts {
  return { total: 0, added: 0, seriesAdded: 0, leftOut: new Map() }
}

export class PageIntake {
  readonly #target: Target
  readonly #job: Job
  readonly #cache: TargetCache
  readonly #order = new PageOrder()

  constructor(target: Target, job: Job, cache: TargetCache) {
    this.#target = target
    this.#job = job
    this.#cache = cache
  }

  /** Enters `counts` as it goes; `millis`: the time of the scrape. Throws BadPage or ScrapeFailure. */
  async take(page: FetchedPage, into: Transaction, millis: number, counts: PageCounts): Promise<void> {
    if (page.bytes.length === 0) return
    const most = Math.max(ENTRIES_MAX, 2 * this.#job.sampleLimit)
    const parser = parserFor(page.bytes, page.contentType, this.#job.parse)
    const limits: Limits = { appended: 0, problem: undefined }
    const scanner = parser instanceof Scanner ? parser : undefined
    this.#order.begin(page.bytes)
    let breath = performance.now()
    let entries = 0
    for (;;) {
      if (scanner !== undefined) this.#order.expect(scanner)
      const entry = parser.next()
      if (entry === undefined) break
      if (++entries > most) throw entriesFailure(most)
      if (entries % ENTRIES_AT_ONCE === 0 && performance.now() - breath > BREATH_MS) {
        await breathe()
        breath = performance.now()
      }
      if (entry === 'type') this.#cache.metadata.setType(parser.family, parser.type)
      else if (entry === 'help') this.#cache.metadata.setHelp(parser.family, parser.text)
      else if (entry === 'unit') this.#cache.metadata.setUnit(parser.family, parser.text)
      else this.#sample(parser, scanner, into, millis, counts, limits)
    }
    if (limits.problem !== undefined) throw limits.problem
    if (scanner !== undefined) this.#order.end()
  }

  /** Marks what was there last time and is not now. */
  markStale(into: Transaction, millis: number): void {
    for (const { series, kind } of this.#cache.stale()) {
      if (kind === undefined) into.sample(series, millis, undefined)
      else into.whole(series, millis, kind, undefined)
    }
  }

  #sample(
    parser: PageParser,
    scanner: Scanner | undefined,
    into: Transaction,
    scraped: number,
    counts: PageCounts,
    limits: Limits,
  ): void {
    const { honorTimestamps, trackTimestamps, sampleLimit } = this.#job
    const cache = this.#cache
    counts.total++
    const own = honorTimestamps ? parser.millis : undefined
    let text = scanner?.expected ? this.#order.came() : cache.get(parser.series)
    const again = text !== undefined && cache.see(text)
    let one = text?.is
    let isNew = false
    if (text === undefined) {
      const series = this.#series(parser)
      isNew = series !== undefined
      if (series === undefined) text = cache.add(parser.series, undefined)
      else one = cache.intern(series, parser.histogram?.kind)
    }
    // A rule drops it.
    if (one !== undefined) {
      counts.added++
      const millis = own ?? scraped
      if (again && own === undefined) leaveOut(counts, 'duplicate')
      else if (millis > scraped + AHEAD_MS_MAX) leaveOut(counts, 'in_the_future')
      else if (sampleLimit > 0 && ++limits.appended > sampleLimit)
        limits.problem ??= sampleFailure(sampleLimit)
      else {
        const kept = this.#append(parser, one, into, millis)
        if (isNew) {
          text = cache.add(parser.series, one)
          if (limits.problem === undefined) counts.seriesAdded++
        }
        if (kept && (own === undefined || trackTimestamps)) cache.track(one, parser.histogram?.kind)
      }
    }
    if (scanner !== undefined && text !== undefined) this.#order.push(text, scanner)
  }

  #series(parser: PageParser): Series | undefined {
    try {
      return seriesOf(parser.labels(), this.#target, this.#job)
    } catch (error) {
      if (error instanceof LabelProblem)
        throw new ScrapeFailure(error.reason, `${parser.where()}: ${error.message}`)
      throw error
    }
  }

  #append(parser: PageParser, { series }: TrackedSeries, into: Transaction, millis: number): boolean {
    const kind = parser.histogram?.kind
    const kept =
      parser.histogram === undefined
        ? into.sample(series, millis, parser.value)
        : into.whole(series, millis, parser.histogram.kind, this.#limited(parser.histogram))
    if (!kept) return false
    if (parser.started !== undefined) into.start(series, kind, millis, parser.started)
    const exemplars = parser.exemplars()
    if (exemplars.length > 0) into.exemplars(series, kind, exemplars, millis)
    return true
  }

  /** native_histogram_bucket_limit and native_histogram_min_bucket_factor. */
  #limited(histogram: ScrapedHistogram): ScrapedHistogram {
    const { bucketLimit, scaleMax } = this.#job
    if (histogram.kind === 'custom') {
      const used = histogram.counts.filter(count => count > 0).length
      if (bucketLimit > 0 && used > bucketLimit) throw bucketFailure(bucketLimit)
      return histogram
    }
    let limited = atScale(histogram, scaleMax)
    while (bucketLimit > 0 && used(limited) > bucketLimit) {
      if (limited.scale <= SCALE_MIN) throw bucketFailure(bucketLimit)
      limited = atScale(limited, limited.scale - 1)
    }
    return limited
  }
}

interface Limits {
  appended: number
  problem: ScrapeFailure | undefined
}

function sampleFailure(limit: number): ScrapeFailure {
  return new ScrapeFailure('sample_limit', `there are more than ${limit} samples (sample_limit)`)
}

function entriesFailure(most: number): ScrapeFailure {
  const fix = 'sample_limit raises that to twice its value'
  return new ScrapeFailure('sample_limit', `the page has more than ${most} samples and comments; ${fix}`)
}

function leaveOut(counts: PageCounts, why: string): void {
  counts.leftOut.set(why, (counts.leftOut.get(why) ?? 0) + 1)
}

function bucketFailure(limit: number): ScrapeFailure {
  return new ScrapeFailure(
    'sample_limit',
    `a histogram has more than ${limit} buckets (native_histogram_bucket_limit)`,
  )
}

function used({ positive, negative }: ExponentialScraped): number {
  return [...positive.counts, ...negative.counts].filter(count => count > 0n).length
}

function atScale(histogram: ExponentialScraped, scale: number): ExponentialScraped {
  const by = histogram.scale - scale
  if (by <= 0) return histogram
  return {
    ...histogram,
    scale,
    positive: coarser(histogram.positive, by),
    negative: coarser(histogram.negative, by),
  }
}
