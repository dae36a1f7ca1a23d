/** Attributes that come again and again with the same value, as they stand in the list of tags. */

import type { Piece } from '../deflate/piece.ts'
import type { Pieces } from '../deflate/pieces.ts'

export interface KnownAttribute {
  /** As it stands in the list, behind its comma. */
  readonly json: Piece
  /** What that begins and ends with, as others do. */
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
  /** Of the piece of slot 0; the others follow. */
  readonly firstPlace: number
  readonly #pieces: Pieces
  /** By slot: the attribute's bytes, four at a time, the last four at the end; how many; and what it is. */
  readonly #words = new Int32Array(SLOTS * WORDS)
  readonly #lengths = new Uint8Array(SLOTS)
  readonly #known: (KnownAttribute | undefined)[] = new Array<undefined>(SLOTS).fill(undefined)
  /** By slot: the hash of what was looked for last in vain. */
  readonly #seen = new Int32Array(SLOTS)
  #slot = 0
  #tries = 0

  constructor(pieces: Pieces) {
    this.#pieces = pieces
    this.firstPlace = pieces.places(SLOTS)
  }

  /** The slot of the KeyValue `[start, stop)` of what `view` shows; -1 when it is not known. */
  find(view: DataView, start: number, stop: number): number {
    const length = stop - start
    this.wanted = false
    if (length < LENGTH_MIN || length > LENGTH_MAX) return -1
    const last = stop - 4
    const hash = hashOf(view, start, last)
    const slot = hash >>> 21
    if (this.#is(slot, view, start, last)) return slot
    if (this.#is(slot ^ 1, view, start, last)) return slot ^ 1
    if (this.#seen[slot] === hash) {
      this.#slot = slot
      this.wanted = true
    } else this.#seen[slot] = hash
    return -1
  }

  /** What `find` found. */
  at(slot: number): KnownAttribute {
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
    const last = stop - 4
    let word = slot * WORDS
    for (let i = start; i < last; i += 4) this.#words[word++] = view.getInt32(i, true)
    this.#words[word] = view.getInt32(last, true)
    this.#lengths[slot] = stop - start
    const json = Uint8Array.from(Buffer.concat([head.bytes, value, tail.bytes]))
    this.#known[slot] = { json: this.#pieces.piece(json, this.firstPlace + slot), head, tail }
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
