/**
 * The order of the texts on the last page. Pages are nearly always in the same order, so the text that comes next is
 * known: when the bytes agree nobody needs to look for the end of its labels, make a string of them, or look it up.
 */

import type { Scanner } from '../../core/formats/prometheus/parse/scan.ts'
import type { KnownText } from './cache.ts'

/** What went is looked for this far. */
const NEAR = 64

/** A page that is larger is not kept until the next scrape, which is the slower for it. */
const KEPT_BYTES_MAX = 64 * 1024 * 1024

const NOTHING = new Uint8Array()

/** A page, and where each text stands in it. */
class Page {
  bytes: Uint8Array = NOTHING
  readonly texts: KnownText[] = []
  /** Pairs: start and stop. */
  places = new Uint32Array(64)

  begin(bytes: Uint8Array): void {
    this.bytes = bytes
    this.texts.length = 0
  }

  push(text: KnownText, start: number, stop: number): void {
    const at = this.texts.push(text) * 2
    if (at > this.places.length) {
      const more = new Uint32Array(this.places.length * 2)
      more.set(this.places)
      this.places = more
    }
    this.places[at - 2] = start
    this.places[at - 1] = stop
  }
}

export class PageOrder {
  #last = new Page()
  #now = new Page()
  /** Where in the last page we are. */
  #next = 0

  begin(bytes: Uint8Array): void {
    this.#now.begin(bytes)
    this.#next = 0
  }

  /** Tells the scanner which text is likely to come next. */
  expect(scanner: Scanner): void {
    const { bytes, places, texts } = this.#last
    const at = this.#next
    if (at < texts.length) scanner.expect(bytes, places[at * 2]!, places[at * 2 + 1]!)
  }

  /** The text that was expected, after the scanner said that it came. */
  came(): KnownText {
    return this.#last.texts[this.#next]!
  }

  /** A text of this page. */
  push(text: KnownText, { from, to }: Scanner): void {
    this.#now.push(text, from, to)
    this.#next = this.#last.texts[this.#next] === text ? this.#next + 1 : this.#behind(text)
  }

  /** After a good page; a bad one leaves the order of the last good one. */
  end(): void {
    const last = this.#last
    if (this.#now.bytes.length <= KEPT_BYTES_MAX) {
      this.#last = this.#now
      this.#now = last
    } else last.begin(NOTHING)
    this.#now.begin(NOTHING)
  }

  /** Something new came, or something went: on behind this text, where it stood. */
  #behind(text: KnownText): number {
    const { texts } = this.#last
    const stop = Math.min(this.#next + NEAR, texts.length)
    for (let at = this.#next + 1; at < stop; at++) if (texts[at] === text) return at + 1
    // A text that is new stands in front of the one that was expected; one from far away does not come twice.
    return this.#next
  }
}
