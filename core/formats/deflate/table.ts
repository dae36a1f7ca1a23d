/** Who is in which place of a text, and what packing needs to know of it (layout.ts). */

import {
  HEAD,
  HEAD_VERSION,
  LAST_AT,
  LENGTH,
  NEVER,
  PLACE_SHIFT,
  PLACES,
  PLACES_MAX,
  SUM,
  TAIL,
  TAIL_VERSION,
  VALUE_LENGTH,
  VALUE_MAX,
  VERSION,
} from './layout.ts'
import type { PackMemory } from './pack-memory.ts'
import type { Piece } from './piece.ts'

export class Table {
  readonly numbers: Int32Array
  readonly values: Buffer
  /** By place. Somebody may still have a piece whose place was taken. */
  readonly owners: Piece[] = []
  #count = 0

  constructor({ numbers, values }: PackMemory) {
    this.numbers = numbers
    this.values = values
  }

  /** The first of so many new places, which are numbered one after the other. */
  places(count: number): number {
    const first = this.#count
    this.#count += count
    if (this.#count > PLACES_MAX) throw new RangeError(`a text has at most ${PLACES_MAX} places for pieces`)
    for (let nth = first; nth < this.#count; nth++) this.forget(nth)
    return first
  }

  /** The piece takes its place, which was nobody's or another's. */
  take(piece: Piece, sum: number): void {
    const { numbers } = this
    const { nth } = piece
    const before = this.owners[nth]
    if (before !== undefined) before.isGone = true
    piece.isGone = false
    this.owners[nth] = piece
    numbers[placeAt(nth) + LENGTH] = piece.bytes.length
    numbers[placeAt(nth) + SUM] = sum
    numbers[placeAt(nth) + VERSION]!++
    numbers[placeAt(nth) + VALUE_LENGTH] = 0
    this.forget(nth)
  }

  /** The piece can be taken apart, where its value is not too long. */
  part({ nth }: Piece, head: Piece, value: Uint8Array, tail: Piece): void {
    if (value.length > VALUE_MAX || head.isGone || tail.isGone) return
    const { numbers } = this
    const at = placeAt(nth)
    numbers[at + VALUE_LENGTH] = value.length
    numbers[at + HEAD] = head.nth
    numbers[at + HEAD_VERSION] = numbers[placeAt(head.nth) + VERSION]!
    numbers[at + TAIL] = tail.nth
    numbers[at + TAIL_VERSION] = numbers[placeAt(tail.nth) + VERSION]!
    this.values.set(value, nth * VALUE_MAX)
  }

  /** It is not known where the piece of that place stood. */
  forget(nth: number): void {
    this.numbers[placeAt(nth) + LAST_AT] = NEVER
  }

  forgetAll(): void {
    for (let nth = 0; nth < this.#count; nth++) this.forget(nth)
  }
}

function placeAt(nth: number): number {
  return PLACES + (nth << PLACE_SHIFT)
}
