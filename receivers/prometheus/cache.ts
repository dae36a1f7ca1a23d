/**
 * What is remembered of one target from scrape to scrape: which text on the page is which series, so that labels are
 * made and rules applied once, and which series were there last time, so that those that vanish are marked stale.
 *
 * Texts and labels are bytes in a few large buffers, and are known by numbers; what is forgotten stays there until there
 * is enough of it to copy the rest.
 */

import { ByteTable } from '../../core/formats/byte-table.ts'
import type { LabelSet } from '../../core/formats/prometheus/labels.ts'
import type { ScrapedHistogram } from '../../core/formats/prometheus/parse/histogram.ts'
import { MetadataStore } from '../../core/formats/prometheus/scraped/metadata.ts'
import {
  type EncodedLabels,
  encodeLabels,
  identityOf,
  Series,
  type SeriesIdentity,
} from '../../core/formats/prometheus/scraped/series.ts'

/** A series, in whatever order and spelling its labels are written. */
export class TrackedSeries extends Series {
  /** Undefined for a plain sample. */
  kind: ScrapedHistogram['kind'] | undefined = undefined
  /** The scrape after which its end will be told. */
  tracked = 0
}

/** Where a text lies. `parent` tells texts of different formats apart. */
export interface PageText {
  readonly parent: number
  readonly bytes: Uint8Array
  readonly start: number
  readonly stop: number
}

/** Texts that come and go in failed scrapes are forgotten when they are this many more than those of the last good one. */
const SLACK = 1000
/** What is forgotten stays until it is more than half of the rest, and more than this. */
const DEAD_MAX = 100

export class TargetCache {
  readonly metadata = new MetadataStore()
  /** Of this scrape. */
  scrape = 1
  #texts = new ByteTable()
  /** By the number of the text: its series, or undefined where a rule drops it, and the scrape that saw it last. */
  #is: (TrackedSeries | undefined)[] = []
  #seen: number[] = []
  /** Series by their labels; those that are no text's any more too. */
  #labels = new ByteTable()
  #series: TrackedSeries[] = []
  readonly #identities = new Map<string, SeriesIdentity>()
  /** Texts that were seen last before this scrape are forgotten. */
  #oldest = 0
  #generation = 0
  #current: TrackedSeries[] = []
  #previous: TrackedSeries[] = []
  /** Texts of this scrape. */
  #seenNow = 0
  #failed = false
  #goodSize = 0

  /** Texts (or series, if there are more of them) and families that are remembered. */
  get size(): number {
    return Math.max(this.#texts.size, this.#series.length) + this.metadata.size
  }

  /** Another one means that numbers of texts are others, or forgotten. */
  get generation(): number {
    return this.#generation
  }

  /** The number of a text; -1: it is not known. */
  find({ parent, bytes, start, stop }: PageText): number {
    const text = this.#texts.find(parent, bytes, start, stop)
    return text !== -1 && this.#seen[text]! >= this.#oldest ? text : -1
  }

  /** Undefined: a rule drops it. */
  seriesOf(text: number): TrackedSeries | undefined {
    return this.#is[text]
  }

  /** The texts, which lie at their numbers. */
  get texts(): ByteTable {
    return this.#texts
  }

  /** True when it was seen in this scrape before. */
  see(text: number): boolean {
    if (this.#seen[text] === this.scrape) return true
    this.#seen[text] = this.scrape
    this.#seenNow++
    return false
  }

  /** One series for all texts that mean it. `labels`: sorted; `target` stands in for job and instance. */
  intern(labels: LabelSet, target: { readonly job: string; readonly instance: string }): TrackedSeries {
    return this.#intern(encodeLabels(labels), () => this.#identity(labels, target))
  }

  #intern(encoded: EncodedLabels, identity: () => SeriesIdentity): TrackedSeries {
    const { bytes, start, stop, ownStop } = encoded
    const found = this.#labels.find(0, bytes, start, stop)
    if (found !== -1) return this.#series[found]!
    const at = this.#labels.add(0, bytes, start, stop)
    const place = this.#labels.startOf(at)
    const series = new TrackedSeries(identity(), {
      bytes: this.#labels.bytesOf(at),
      start: place,
      ownStop: place + ownStop - start,
      stop: place + stop - start,
    })
    this.#series.push(series)
    return series
  }

  /** What the last scrape of another cache had counts as there last time: it is marked when the next one has it not. */
  inherit(from: TargetCache): void {
    for (const one of from.#previous) {
      const own = this.#intern(one, () => one.identity)
      if (own.tracked >= this.scrape - 1 && own.tracked > 0) continue
      own.kind = one.kind
      this.#previous.push(own)
    }
  }

  #identity(labels: LabelSet, target: { readonly job: string; readonly instance: string }): SeriesIdentity {
    const made = identityOf(labels, target)
    const key = `${made.name}\xff${made.job}\xff${made.instance}\xff${made.scope.key}`
    const known = this.#identities.get(key)
    if (known !== undefined) return known
    this.#identities.set(key, made)
    return made
  }

  /** Remembers a text that is not known, as one of this scrape. */
  add({ parent, bytes, start, stop }: PageText, is: TrackedSeries | undefined): number {
    let text = this.#texts.find(parent, bytes, start, stop)
    if (text === -1) text = this.#texts.add(parent, bytes, start, stop)
    this.#is[text] = is
    this.#seen[text] = this.scrape
    this.#seenNow++
    return text
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
    const tooMuch = this.size > this.#goodSize * 2 + SLACK
    if (good || tooMuch) this.#forget(good)
    this.metadata.scraped(good || tooMuch)
    if (good) this.#goodSize = this.size
    const last = this.#previous
    last.length = 0
    this.#previous = this.#current
    this.#current = last
    this.#failed = false
    this.#seenNow = 0
    this.scrape++
  }

  /** All that this scrape has not seen. */
  #forget(good: boolean): void {
    this.#oldest = this.scrape
    // Of a good page all texts are known; one that failed may have left out what the last good one had.
    if (!good) this.#generation++
    const kept = this.#seenNow
    if (Math.max(this.#texts.size, this.#series.length) - kept > kept / 2 + DEAD_MAX) this.#compact()
  }

  #compact(): void {
    const [texts, is, seen] = [this.#texts, this.#is, this.#seen]
    this.#texts = new ByteTable()
    this.#is = []
    this.#seen = []
    this.#labels = new ByteTable()
    this.#series = []
    this.#identities.clear()
    this.#generation++
    for (let text = 0; text < texts.size; text++) {
      if (seen[text]! < this.#oldest) continue
      const start = texts.startOf(text)
      const stop = start + texts.lengthOf(text)
      const parent = texts.parentOf(text)
      this.#texts.find(parent, texts.bytesOf(text), start, stop)
      this.#texts.add(parent, texts.bytesOf(text), start, stop)
      const series = is[text]
      this.#is.push(series)
      this.#seen.push(seen[text]!)
      if (series !== undefined) this.#move(series)
    }
  }

  #move(series: TrackedSeries): void {
    const { bytes, start, stop } = series
    if (this.#labels.find(0, bytes, start, stop) !== -1) return
    const at = this.#labels.add(0, bytes, start, stop)
    series.move(this.#labels.bytesOf(at), this.#labels.startOf(at))
    this.#series.push(series)
  }
}
