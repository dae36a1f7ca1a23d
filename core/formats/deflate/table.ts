/**
 * All that packing a text needs to know, in one array of numbers and one of bytes: then the loop that packs (pack-notes.ts)
 * has their addresses at hand, and what belongs together lies together.
 */

import type { Piece } from './piece.ts'

/** By letter, and from LENGTHS on by length of a match, from `symbol << SYMBOL_SHIFT` on: */
export const SYMBOL_SHIFT = 2
export const LENGTHS = 256
export const MATCH_MIN = 3
export const MATCH_MAX = 258
/** the code with what follows it, the first bit lowest, and from BITS_SHIFT on how many bits these are; */
export const CODE = 0
export const BITS_SHIFT = 24
/** how often it came; */
export const COUNT = 1
/** of a letter, as WEIGHT of a place. */
export const LETTER_WEIGHT = 2
const SYMBOLS_END = (LENGTHS + MATCH_MAX + 2) << SYMBOL_SHIFT

/** By symbol of a distance, from `DISTANCES + (symbol << DISTANCE_SHIFT)` on: CODE, without what follows it, and COUNT. */
export const DISTANCES = SYMBOLS_END
export const DISTANCE_SHIFT = 1
export const DISTANCE_COUNT = 30
const DISTANCES_END = DISTANCES + (32 << DISTANCE_SHIFT)

/**
 * What is to be packed. A note is the place of a piece, or, below 0, how many letters come. These flags: of a piece whose bytes
 * change; of a value in a piece that is taken apart; of a piece that is written as letters; of one that is not written, as its
 * bytes are those that stand there last.
 */
const NOTES = DISTANCES_END
export const NOTES_END = NOTES + 1024
/** What is taken apart needs two notes before its own. */
export const NOTES_FIRST = NOTES + 2
export const CHANGING = 1 << 28
export const OF_VALUE = 1 << 29
export const AS_LETTERS = 1 << 30
export const STANDS = AS_LETTERS | OF_VALUE
export const NTH = CHANGING - 1
/** Shorter pieces that change are added up letter by letter: they seldom stand there often before they change. */
export const SUMMED_MIN = 32
/** Deflate reaches no further back. */
export const DISTANCE_MAX = 32_768
/** Of output: what a byte of text takes at most, as a letter or in a match; and room for a match and the end of a block. */
export const BYTE_BYTES = 2
export const ROOM = 64

/** Where the numbers are of places that have a WEIGHT. */
export const WEIGHTED = NOTES_END
const WEIGHTED_END = WEIGHTED + 4096
/** Each note adds one at most. */
export const WEIGHTED_FULL = WEIGHTED_END - 1

/** More than all caches of pieces have together. What is not used is not even in memory. */
const PLACES_MAX = 8192

/** Of place `nth` from `PLACES + (nth << PLACE_SHIFT)` on: */
export const PLACES = WEIGHTED_END
export const PLACE_SHIFT = 2
/** where its piece stood last, and how long it is; */
export const LAST_AT = 0
export const LENGTH = 1
/** the weights (crc.ts) of where it stood in this part of the text, added up; and the sum that they are multiplied with. */
export const WEIGHT = 2
export const SUM = 3
const PLACES_END = PLACES + (PLACES_MAX << PLACE_SHIFT)

/** What is seldom asked of place `nth`, from `DETAILS + (nth << DETAILS_SHIFT)` on: */
export const DETAILS = PLACES_END
export const DETAILS_SHIFT = 3
/** how often the place was taken; */
export const VERSION = 0
/** of a piece that can be taken apart: how long its value is, or 0; places and versions of what is before it and behind it. */
export const VALUE_LENGTH = 1
export const HEAD = 2
export const HEAD_VERSION = 3
export const TAIL = 4
export const TAIL_VERSION = 5
const DETAILS_END = DETAILS + (PLACES_MAX << DETAILS_SHIFT)

/** Of `bytes`, for each place: the value of its piece, or, of a piece that changes, all of it. */
export const VALUE_MAX = 128

const NEVER = -0x4000_0000

export class Table {
  readonly numbers: Int32Array = new Int32Array(DETAILS_END)
  readonly bytes = Buffer.alloc(PLACES_MAX * VALUE_MAX)
  /** By place. Somebody may still have a piece whose place was taken. */
  readonly owners: Piece[] = []
  #count = 0

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
    numbers[detailsAt(nth) + VERSION]!++
    numbers[detailsAt(nth) + VALUE_LENGTH] = 0
    this.forget(nth)
  }

  /** The piece can be taken apart, where its value is not too long. */
  part({ nth }: Piece, head: Piece, value: Uint8Array, tail: Piece): void {
    if (value.length > VALUE_MAX || head.isGone || tail.isGone) return
    const { numbers } = this
    const at = detailsAt(nth)
    numbers[at + VALUE_LENGTH] = value.length
    numbers[at + HEAD] = head.nth
    numbers[at + HEAD_VERSION] = numbers[detailsAt(head.nth) + VERSION]!
    numbers[at + TAIL] = tail.nth
    numbers[at + TAIL_VERSION] = numbers[detailsAt(tail.nth) + VERSION]!
    this.bytes.set(value, nth * VALUE_MAX)
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

function detailsAt(nth: number): number {
  return DETAILS + (nth << DETAILS_SHIFT)
}
