/** Attributes that come again and again with the same value, as they stand in the list of tags. */

import { ownCopy } from '../../otlp/slab.ts'
import type { Piece } from '../deflate/piece.ts'
import type { Pieces } from '../deflate/pieces.ts'

const SLOTS = 4096
const SLOT_SHIFT = 20
/** Places in a list further back share one with others. */
const EXPECTED_MASK = 63
/** Longer attributes seldom come again. */
const WORDS = 32
const LENGTH_MAX = 4 * WORDS
const LENGTH_MIN = 4
/** Two that take each other's place are not written down each time. */
const TRIES = 16

export class KnownAttributes {
  /** True when the attribute that was not found came before: it is worth to be kept. */
  wanted = false
  /** Of the piece of slot 0; the others follow. */
  readonly firstPlace: number
  readonly #pieces: Pieces
  /** By slot: the attribute's bytes, four at a time, the last four at the end; how many; and what it is. */
  readonly #words = new Int32Array(SLOTS * WORDS)
  readonly #lengths = new Uint8Array(SLOTS)
  readonly #known: (Piece | undefined)[] = new Array<undefined>(SLOTS).fill(undefined)
  /** By slot: the hash of what was looked for last in vain. */
  readonly #seen = new Int32Array(SLOTS)
  /** By place in a list: the slot of what was there the last two times; of what was there once, its bits turned over. */
  readonly #expected = new Int32Array(EXPECTED_MASK + 1)
  #slot = 0
  #tries = 0

  constructor(pieces: Pieces) {
    this.#pieces = pieces
    this.firstPlace = pieces.places(SLOTS)
  }

  /**
   * The slot of the KeyValue `[start, stop)` of what `view` shows, the `nth` of its list; -1 when it is not known. Many are in
   * the same place of each list, always with the same value: there it is tried first.
   */
  find(view: DataView, start: number, stop: number, nth: number): number {
    const length = stop - start
    this.wanted = false
    if (length < LENGTH_MIN || length > LENGTH_MAX) return -1
    const last = stop - 4
    const expected = this.#expected[nth & EXPECTED_MASK]!
    if (expected >= 0 && this.#is(expected, view, start, last)) return expected
    const hash = hashOf(view, start, last)
    let slot = hash >>> SLOT_SHIFT
    if (!this.#is(slot, view, start, last)) {
      slot ^= 1
      if (!this.#is(slot, view, start, last)) {
        slot ^= 1
        if (this.#seen[slot] === hash) {
          this.#slot = slot
          this.wanted = true
        } else this.#seen[slot] = hash
        return -1
      }
    }
    // Whatever is there twice in a row is expected to stay.
    this.#expected[nth & EXPECTED_MASK] = ~slot === expected ? slot : ~slot
    return slot
  }

  /** What `find` found, as it stands in the list, behind its comma. */
  at(slot: number): Piece {
    return this.#known[slot]!
  }

  #is(slot: number, view: DataView, start: number, last: number): boolean {
    if (this.#lengths[slot] !== last + 4 - start) return false
    const words = this.#words
    let word = slot * WORDS
    for (let i = start; i < last; i += 4) if (words[word++] !== view.getInt32(i, true)) return false
    return words[word] === view.getInt32(last, true)
  }

  /** Keeps the wanted attribute, which `find` did not find: `value` is what stands between `head` and `tail`. */
  keep(view: DataView, start: number, stop: number, head: Piece, value: Uint8Array, tail: Piece): void {
    let slot = this.#slot
    if (this.#lengths[slot] !== 0) {
      slot ^= 1
      if (this.#lengths[slot] !== 0 && ++this.#tries % TRIES !== 0) return
    }
    const bytes = ownCopy(Buffer.concat([head.bytes, value, tail.bytes]))
    // What makes a piece may throw.
    this.#lengths[slot] = 0
    const json = this.#pieces.piece(bytes, this.firstPlace + slot)
    this.#pieces.part(json, head, value, tail)
    this.#known[slot] = json
    const last = stop - 4
    let word = slot * WORDS
    for (let i = start; i < last; i += 4) this.#words[word++] = view.getInt32(i, true)
    this.#words[word] = view.getInt32(last, true)
    this.#lengths[slot] = stop - start
  }
}

/** Of up to seven words: where keys begin, in the middle, and where values end. */
function hashOf(view: DataView, start: number, last: number): number {
  let hash = last - start
  if (hash <= 24) for (let i = start; i < last; i += 4) hash = mix(hash, view.getInt32(i, true))
  else {
    hash = mix(hash, view.getInt32(start + 4, true))
    hash = mix(hash, view.getInt32(start + 12, true))
    hash = mix(hash, view.getInt32((start + last) >> 1, true))
    hash = mix(hash, view.getInt32(last - 12, true))
    hash = mix(hash, view.getInt32(last - 8, true))
    hash = mix(hash, view.getInt32(last - 4, true))
  }
  return mix(hash, view.getInt32(last, true))
}

function mix(hash: number, word: number): number {
  return Math.imul(((hash << 5) | (hash >>> 27)) ^ word, 0x9e37_79b1)
}
