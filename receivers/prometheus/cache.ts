/**
 * What is remembered of one target from scrape to scrape: which text on the page is which series, so that labels are
 * made and rules applied once, and which series were there last time, so that those that vanish are marked stale.
 */

import type { ScrapedHistogram } from '../../core/formats/prometheus/parse/histogram.ts'
import { MetadataStore } from '../../core/formats/prometheus/scraped/metadata.ts'
import type { Series } from '../../core/formats/prometheus/scraped/series.ts'

export interface KnownSeries {
  readonly series: Series
  /** Undefined for a plain sample. */
  readonly kind: ScrapedHistogram['kind'] | undefined
  /** The scrape that saw it last. */
  seen: number
}

/** Texts that come and go in failed scrapes are forgotten when they are this many more than those of the last good one. */
const SLACK = 1000

export class TargetCache {
  readonly metadata = new MetadataStore()
  /** Of this scrape. */
  scrape = 0
  readonly #known = new Map<string, KnownSeries>()
  /** Texts that a rule drops, and the scrape that saw them last. */
  readonly #dropped = new Map<string, number>()
  /** Series that are to be marked stale when they vanish, by id. */
  #current = new Map<string, KnownSeries>()
  #previous = new Map<string, KnownSeries>()
  #goodSize = 0

  /** Texts, series and families that are remembered. */
  get size(): number {
    return this.#known.size + this.#dropped.size + this.metadata.size
  }

  get(text: string): KnownSeries | undefined {
    return this.#known.get(text)
  }

  add(text: string, series: Series, kind: KnownSeries['kind']): KnownSeries {
    const known = { series, kind, seen: this.scrape }
    this.#known.set(text, known)
    return known
  }

  isDropped(text: string): boolean {
    if (!this.#dropped.has(text)) return false
    this.#dropped.set(text, this.scrape)
    return true
  }

  drop(text: string): void {
    this.#dropped.set(text, this.scrape)
  }

  track(known: KnownSeries): void {
    this.#current.set(known.series.id, known)
  }

  /** Was there last time and is not now. */
  *stale(): Generator<KnownSeries> {
    for (const [id, known] of this.#previous) if (!this.#current.has(id)) yield known
  }

  /** A scrape that failed saw nothing, however far it came. */
  failed(): void {
    this.#current.clear()
  }

  /** Ends a scrape; `good`: it had a page, and what was not on it is forgotten. */
  done(good: boolean): void {
    const { size } = this
    if (good) this.#goodSize = size
    if (good || size > this.#goodSize * 2 + SLACK) {
      for (const [text, { seen }] of this.#known) if (seen !== this.scrape) this.#known.delete(text)
      for (const [text, seen] of this.#dropped) if (seen !== this.scrape) this.#dropped.delete(text)
    }
    this.metadata.scraped(good)
    const last = this.#previous
    last.clear()
    this.#previous = this.#current
    this.#current = last
    this.scrape++
  }
}
