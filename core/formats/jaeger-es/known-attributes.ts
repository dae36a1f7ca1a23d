/** Attributes that come again and again with the same value, as they stand in the list of tags. */

import { ownCopy } from '../../otlp/slab.ts'
import type { Piece } from '../deflate/piece.ts'
import type { Pieces } from '../deflate/pieces.ts'
import * as layout from './reading-layout.ts'
import type { ReadingMemory } from './reading-memory.ts'

/** Two that take each other's place are not written down each time. */
const TRIES = 16
// V8 knows the values of a module's own constants; those that it imports are looked up each time.
const { FOUND, KNOWN_SHIFT, SLOTS, WANTED } = layout

export class KnownAttributes {
  /** Of the piece of slot 0; the others follow. */
  readonly firstPlace: number
  readonly #pieces: Pieces
  readonly #memory: ReadingMemory
  readonly #numbers: Int32Array
  readonly #known: (Piece | undefined)[] = new Array<undefined>(SLOTS).fill(undefined)
  #tries = 0

  constructor(pieces: Pieces, memory: ReadingMemory) {
    this.#pieces = pieces
    this.#memory = memory
    this.#numbers = memory.numbers
    this.firstPlace = pieces.places(SLOTS)
  }

  /** True when the attribute that was not found came before: it is worth to be kept. */
  get wanted(): boolean {
    return this.#numbers[WANTED]! >= 0
  }

  /** It is not to be kept. */
  forgo(): void {
    this.#numbers[WANTED] = -1
  }

  /** The slot of the KeyValue `bytes[start, stop)`, the `nth` of its list; -1 when it is not known. */
  find(bytes: Uint8Array, start: number, stop: number, nth: number): number {
    return this.#memory.findAttribute(bytes, start, stop, nth)
  }

  /**
   * Finds those of a span from the `next`th to before the `count`th, until one is neither known nor a text of a known key, or is
   * wanted. Returns which, or `count`. The list then says of texts where what is not known begins.
   */
  findMany(next: number, count: number): number {
    return this.#memory.findAttributes(next, count)
  }

  /** What `findMany` found as the `nth`: a slot, or a text (FOUND in reading-layout.ts). */
  found(nth: number): number {
    return this.#numbers[FOUND + nth]!
  }

  /** What was found, as it stands in the list, behind its comma. */
  at(slot: number): Piece {
    return this.#known[slot]!
  }

  /** Keeps the wanted attribute, which was not found: `value` is what stands between `head` and `tail`. */
  keep(bytes: Uint8Array, start: number, stop: number, head: Piece, value: Uint8Array, tail: Piece): void {
    const { lengths, known } = this.#memory
    let slot = this.#numbers[WANTED]!
    if (lengths[slot] !== 0) {
      slot ^= 1
      if (lengths[slot] !== 0 && ++this.#tries % TRIES !== 0) return
    }
    const text = ownCopy(Buffer.concat([head.bytes, value, tail.bytes]))
    // What makes a piece may throw.
    lengths[slot] = 0
    const json = this.#pieces.piece(text, this.firstPlace + slot)
    this.#pieces.part(json, head, value, tail)
    this.#known[slot] = json
    known.set(bytes.subarray(start, stop), slot << KNOWN_SHIFT)
    lengths[slot] = stop - start
  }
}
