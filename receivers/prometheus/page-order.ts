/**
 * The order of the texts on the last page. Pages are nearly always in the same order, so the text that comes next is
 * known: when the bytes agree nobody needs to look for the end of its labels, or look it up.
 */

import type { Scanner } from '../../core/formats/prometheus/parse/scan.ts'
import type { TargetCache } from './cache.ts'

/** What went is looked for this far. */
const NEAR = 64

export class PageOrder {
  readonly #cache: TargetCache
  /** Numbers of texts. */
  #last: number[] = []
  #now: number[] = []
  /** Which numbers those of the last page are. */
  #generation = 0
  /** Where in the last page we are. */
  #next = 0

  constructor(cache: TargetCache) {
    this.#cache = cache
  }

  begin(): void {
    this.#now.length = 0
    this.#next = 0
    if (this.#generation !== this.#cache.generation) this.#last = []
    this.#generation = this.#cache.generation
  }

  /** Tells the scanner which text is likely to come next. */
  expect(scanner: Scanner): void {
    const text = this.#last[this.#next]
    if (text === undefined) return
    const { texts } = this.#cache
    const start = texts.startOf(text)
    scanner.expect(texts.bytesOf(text), start, start + texts.lengthOf(text))
  }

  /** The text that was expected, after the scanner said that it came. */
  came(): number {
    return this.#last[this.#next]!
  }

  /** A text of this page. */
  push(text: number): void {
    this.#now.push(text)
    this.#next = this.#last[this.#next] === text ? this.#next + 1 : this.#behind(text)
  }

  /** After a good page; a bad one leaves the order of the last good one. */
  end(): void {
    const last = this.#last
    this.#last = this.#now
    this.#now = last
    last.length = 0
  }

  /** Something new came, or something went: on behind this text, where it stood. */
  #behind(text: number): number {
    const last = this.#last
    const stop = Math.min(this.#next + NEAR, last.length)
    for (let at = this.#next + 1; at < stop; at++) if (last[at] === text) return at + 1
    // A text that is new stands in front of the one that was expected; one from far away does not come twice.
    return this.#next
  }
}
