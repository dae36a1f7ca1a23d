/** Attributes that come again and again with the same value, as they stand in the list of tags. */

import type { Piece, Repeats } from '../deflate/repeats.ts'

export interface KnownAttribute extends Piece {
  /** What it begins and ends with, which others begin and end with too. */
  readonly head: Piece
  readonly tail: Piece
}

const SLOTS = 2048
/** Longer attributes seldom come again. */
const WORDS = 32
const LENGTH_MAX = 4 * WORDS
const LENGTH_MIN = 4
/** Two that take each other's place are not written down each time. */
const TRIES = 4

export class KnownAttributes {
  /** True when the attribute that was not found came before: it is worth to be kept. */
  wanted = false
  readonly #repeats: Repeats
  /** By slot: the attribute's bytes, four at a time, the last four at the end; how many; and what it is. */
  readonly #words = new Int32Array(SLOTS * WORDS)
  readonly #lengths = new Uint8Array(SLOTS)
  readonly #known: (KnownAttribute | undefined)[] = new Array<undefined>(SLOTS).fill(undefined)
  /** By slot: the hash of what was looked for last in vain. */
  readonly #seen = new Int32Array(SLOTS)
  #slot = 0
  #tries = 0

  constructor(repeats: Repeats) {
    this.#repeats = repeats
  }

  /** The KeyValue `[start, stop)` of what `view` shows. */
  find(view: DataView, start: number, stop: number): KnownAttribute | undefined {
    const length = stop - start
    this.wanted = false
    if (length < LENGTH_MIN || length > LENGTH_MAX) return undefined
    const last = stop - 4
    let hash = length
    for (let i = start; i < last; i += 4) hash = mix(hash, view.getInt32(i, true))
    hash = mix(hash, view.getInt32(last, true))
    const slot = hash >>> 21
    if (this.#is(slot, view, start, last)) return this.#known[slot]
    if (this.#is(slot ^ 1, view, start, last)) return this.#known[slot ^ 1]
    if (this.#seen[slot] === hash) {
      this.#slot = slot
      this.wanted = true
    } else this.#seen[slot] = hash
    return undefined
  }

  #is(slot: number, view: DataView, start: number, last: number): boolean {
    if (this.#lengths[slot] !== last + 4 - start) return false
    const words = this.#words
    let word = slot * WORDS
    for (let i = start; i < last; i += 4) if (words[word++] !== view.getInt32(i, true)) return false
    return words[word] === view.getInt32(last, true)
  }

  /**
   * Keeps the wanted attribute, which `find` did not find: `json` is how it stands in the list, from `head` to `tail`, and
   * is copied.
   */
  keep(view: DataView, start: number, stop: number, json: Uint8Array, head: Piece, tail: Piece): void {
    let slot = this.#slot
    if (this.#lengths[slot] !== 0) {
      slot ^= 1
      if (this.#lengths[slot] !== 0 && ++this.#tries % TRIES !== 0) return
    }
    const last = stop - 4
    let word = slot * WORDS
    for (let i = start; i < last; i += 4) this.#words[word++] = view.getInt32(i, true)
    this.#words[word] = view.getInt32(last, true)
    this.#lengths[slot] = stop - start
    const nth = this.#known[slot]?.nth ?? this.#repeats.place()
    this.#repeats.forget(nth)
    this.#known[slot] = { bytes: Uint8Array.from(json), nth, head, tail }
  }
}

function mix(hash: number, word: number): number {
  return Math.imul(((hash << 5) | (hash >>> 27)) ^ word, 0x9e37_79b1)
}
