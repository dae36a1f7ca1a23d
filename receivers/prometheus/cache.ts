/**
 * What is remembered of one target from scrape to scrape: which text on the page is which series, so that labels are
 * made and rules applied once, and which series were there last time, so that those that vanish are marked stale.
 */

import type { ScrapedHistogram } from '../../core/formats/prometheus/parse/histogram.ts'
import { MetadataStore } from '../../core/formats/prometheus/scraped/metadata.ts'
import type { Series } from '../../core/formats/prometheus/scraped/series.ts'

/** A series, in whatever order and spelling its labels are written. */
export interface TrackedSeries {
  readonly id: string
  readonly series: Series
  /** Undefined for a plain sample. */
  kind: ScrapedHistogram['kind'] | undefined
  /** The scrape after which its end will be told. */
  tracked: number
  /** Texts that mean it. */
  texts: number
}

/** A text on the page. */
export interface KnownText {
  /** Undefined: a rule drops it. */
  readonly is: TrackedSeries | undefined
  /** The scrape that saw it last. */
  seen: number
}

/** Texts that come and go in failed scrapes are forgotten when they are this many more than those of the last good one. */
const SLACK = 1000

export class TargetCache {
  readonly metadata = new MetadataStore()
  /** Of this scrape. */
  scrape = 1
  readonly #texts = new Map<string, KnownText>()
  readonly #series = new Map<string, TrackedSeries>()
  #current: TrackedSeries[] = []
  #previous: TrackedSeries[] = []
  /** Texts of this scrape. */
  #seen = 0
  #failed = false
  #goodSize = 0

  /** Texts, series and families that are remembered. */
  get size(): number {
    return this.#texts.size + this.metadata.size
  }

  get(text: string): KnownText | undefined {
    return this.#texts.get(text)
  }

  /** True when it was seen in this scrape before. */
  see(known: KnownText): boolean {
    if (known.seen === this.scrape) return true
    known.seen = this.scrape
    this.#seen++
    return false
  }

  /** One series for all texts that mean it. */
  intern(series: Series, kind: TrackedSeries['kind']): TrackedSeries {
    const { id } = series
    return this.#series.get(id) ?? { id, series, kind, tracked: 0, texts: 0 }
  }

  add(text: string, is: TrackedSeries | undefined): KnownText {
    const known = { is, seen: this.scrape }
    this.#texts.set(text, known)
    this.#seen++
    if (is !== undefined && ++is.texts === 1) this.#series.set(is.id, is)
    return known
  }

  track(one: TrackedSeries, kind: TrackedSeries['kind']): void {
    one.kind = kind
    if (one.tracked === this.scrape) return
    one.tracked = this.scrape
    this.#current.push(one)
  }

  /** Was there last time and is not now. */
  *stale(): Generator<TrackedSeries> {
    for (const one of this.#previous) if (this.#failed || one.tracked !== this.scrape) yield one
  }

  /** A scrape that failed saw nothing, however far it came. */
  failed(): void {
    this.#failed = true
    this.#current.length = 0
  }

  /** Ends a scrape; `good`: it had a page, and what was not on it is forgotten. */
  done(good: boolean): void {
    const { size } = this
    if (good) this.#goodSize = size
    const tooMuch = size > this.#goodSize * 2 + SLACK
    if (good ? this.#seen < this.#texts.size : tooMuch) this.#forget()
    this.metadata.scraped(good || tooMuch)
    const last = this.#previous
    last.length = 0
    this.#previous = this.#current
    this.#current = last
    this.#failed = false
    this.#seen = 0
    this.scrape++
  }

  #forget(): void {
    for (const [text, { is, seen }] of this.#texts) {
      if (seen === this.scrape) continue
      this.#texts.delete(text)
      if (is !== undefined && --is.texts === 0) this.#series.delete(is.id)
    }
  }
}
