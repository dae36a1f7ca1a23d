/** One page of one target into a transaction: series looked up, limits kept, what vanished marked stale. */

import type { LabelSet } from '../../core/formats/prometheus/labels.ts'
import { coarser, SCALE_MIN } from '../../core/formats/prometheus/native.ts'
import type { ExponentialScraped, ScrapedHistogram } from '../../core/formats/prometheus/parse/histogram.ts'
import { parserFor } from '../../core/formats/prometheus/parse/index.ts'
import type { PageParser } from '../../core/formats/prometheus/parse/page.ts'
import { Scanner } from '../../core/formats/prometheus/parse/scan.ts'
import type { Transaction } from '../../core/formats/prometheus/scraped/transaction.ts'
import type { PageText, TargetCache, TrackedSeries } from './cache.ts'
import { type FetchedPage, ScrapeFailure } from './fetch.ts'
import type { Job } from './job.ts'
import { finalLabels, LabelProblem } from './labels.ts'
import { PageOrder } from './page-order.ts'
import type { Target } from './target.ts'
import type { Turns } from './turns.ts'

/** A sample may be this much ahead of the gateway's clock, in ms. */
const AHEAD_MS_MAX = 600_000
/** Between two looks at the clock. A line may be long. */
const ENTRIES_AT_ONCE = 16
const MARKS_AT_ONCE = 256
/** Samples and comments of one page, where sample_limit does not ask for more. Most of a kB may be remembered of each series. */
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
  readonly #order: PageOrder
  /** Used again for each text. */
  readonly #place: Mutable<PageText> = { parent: LINE, bytes: NO_BYTES, start: 0, stop: 0 }

  constructor(target: Target, job: Job, cache: TargetCache) {
    this.#target = target
    this.#job = job
    this.#cache = cache
    this.#order = new PageOrder(cache)
  }

  /** Enters `counts` as it goes; `millis`: the time of the scrape. Throws BadPage, ScrapeFailure, or what `turns` does. */
  async take(
    page: FetchedPage,
    into: Transaction,
    millis: number,
    counts: PageCounts,
    turns: Turns,
  ): Promise<void> {
    if (page.bytes.length === 0) return
    try {
      await this.#read(page, into, millis, counts, turns)
    } finally {
      // The page is not held until the next one.
      this.#place.bytes = NO_BYTES
    }
  }

  async #read(
    page: FetchedPage,
    into: Transaction,
    millis: number,
    counts: PageCounts,
    turns: Turns,
  ): Promise<void> {
    const most = Math.max(ENTRIES_MAX, 2 * this.#job.sampleLimit)
    const parser = parserFor(page.bytes, page.contentType, this.#job.parse)
    const limits: Limits = { appended: 0, problem: undefined }
    const scanner = parser instanceof Scanner ? parser : undefined
    this.#order.begin()
    let entries = 0
    for (;;) {
      if (scanner !== undefined) this.#order.expect(scanner)
      const entry = parser.next()
      if (entry === undefined) break
      if (++entries > most) throw entriesFailure(most)
      const turn = entries % ENTRIES_AT_ONCE === 0 ? turns.next() : undefined
      if (turn !== undefined) await turn
      if (entry === 'type') this.#cache.metadata.setType(parser.family, parser.type)
      else if (entry === 'help') this.#cache.metadata.setHelp(parser.family, parser.text)
      else if (entry === 'unit') this.#cache.metadata.setUnit(parser.family, parser.text)
      else if (entry !== 'nothing') this.#sample(parser, scanner, into, millis, counts, limits)
    }
    if (limits.problem !== undefined) throw limits.problem
    if (scanner !== undefined) this.#order.end()
  }

  /** Marks what was there last time and is not now. */
  async markStale(into: Transaction, millis: number, turns: Turns): Promise<void> {
    let marks = 0
    for (const one of this.#cache.stale()) {
      if (one.kind === undefined) into.sample(one, millis, undefined)
      else into.whole(one, millis, one.kind, undefined)
      if (++marks % MARKS_AT_ONCE === 0) await turns.next()
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
    const place = scanner === undefined ? textOf(parser.series) : this.#placeOf(scanner)
    let text = scanner?.expected ? this.#order.came() : cache.find(place)
    const again = text !== -1 && cache.see(text)
    let one = text === -1 ? undefined : cache.seriesOf(text)
    let isNew = false
    if (text === -1) {
      const labels = this.#labels(parser)
      isNew = labels !== undefined
      if (labels === undefined) text = cache.add(place, undefined)
      else one = cache.intern(labels, this.#target)
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
          text = cache.add(place, one)
          if (limits.problem === undefined) counts.seriesAdded++
        }
        if (kept && (own === undefined || trackTimestamps)) cache.track(one, parser.histogram?.kind)
      }
    }
    if (scanner !== undefined && text !== -1) this.#order.push(text)
  }

  #placeOf({ bytes, from, to }: Scanner): PageText {
    this.#place.bytes = bytes
    this.#place.start = from
    this.#place.stop = to
    return this.#place
  }

  #labels(parser: PageParser): LabelSet | undefined {
    try {
      return finalLabels(parser.labels(), this.#target, this.#job)
    } catch (error) {
      if (error instanceof LabelProblem)
        throw new ScrapeFailure(error.reason, `${parser.where()}: ${error.message}`)
      throw error
    }
  }

  #append(parser: PageParser, series: TrackedSeries, into: Transaction, millis: number): boolean {
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

const NO_BYTES = new Uint8Array()

type Mutable<T> = { -readonly [Key in keyof T]: T[Key] }

/** Whose texts they are: lines of a page, or what a parser says in their place. */
const LINE = 0
const MADE = 1

function textOf(series: string): PageText {
  const bytes = Buffer.from(series)
  return { parent: MADE, bytes, start: 0, stop: bytes.length }
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
