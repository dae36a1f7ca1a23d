/** How far a gzip member is (packed-text.ts): its bytes, the match that may go on, and the checksum of the text before. */

import { CodeBook } from './code-book.ts'
import { moved } from './crc.ts'
import * as layout from './layout.ts'
import { PackMemory } from './pack-memory.ts'
import { Table } from './table.ts'

// V8 knows the values of a module's own constants; those that it imports are looked up each time.
const { AT, BITS_SHIFT, CODE, CODE_BITS, COUNT, DISTANCE_MAX, DISTANCE_SHIFT, DISTANCES, HELD, HELD_BITS } =
  layout
const { LENGTHS, LETTER_PACKED, MATCH_DISTANCE, MATCH_ENDS, MATCH_LENGTH, MATCH_MAX, MATCH_MIN, PACKED } =
  layout
const { PACKED_FULL, PART_START, POS, SYMBOL_SHIFT, WEIGHTED, WEIGHTED_NEXT } = layout

/**
 * Positions go on through all texts, so that nothing of the one before is in reach. A text begins at no higher one than this,
 * and may have twice as many bytes: what never stood anywhere (NEVER in layout.ts) is out of reach below 2^30.
 */
const POSITION_MAX = 0x1000_0000
const HEADER = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 4, 0xff] as const
const TRAILER_BYTES = 8
/** After so many bytes of text a block ends, and the next one has codes that fit better. */
const BLOCK_BYTES = 512 * 1024
const EMPTY = new Uint8Array()

/** Gives memory for at least so many bytes. */
export type Room = (bytes: number) => Uint8Array

export class PackState {
  readonly memory = new PackMemory()
  readonly table = new Table(this.memory)
  readonly #numbers = this.memory.numbers
  readonly #book = new CodeBook(this.#numbers)
  readonly #view: DataView
  /** Where the text that is packed begins, and where its block is to end. */
  #start = 0
  #blockEnd = 0
  /** Of the text before the part of it that is being packed. */
  #crc = 0

  #room: Room = () => EMPTY
  /** What was taken out of the memory that is packed into, which is the member's beginning. */
  #taken: Uint8Array = EMPTY
  #takenBytes = 0

  constructor() {
    const { buffer, byteOffset, byteLength } = this.memory.packed
    this.#view = new DataView(buffer, byteOffset, byteLength)
    const numbers = this.#numbers
    numbers[WEIGHTED_NEXT] = WEIGHTED
    numbers[POS] = PACKED
  }

  /** The byte of text that comes next. */
  get at(): number {
    return this.#numbers[AT]!
  }

  /** Bytes of text that are packed. */
  get length(): number {
    return this.#numbers[AT]! - this.#start
  }

  begin(room: Room): void {
    // Of a text that somebody gave up.
    this.endPart()
    this.#room = room
    this.#taken = EMPTY
    this.#takenBytes = 0
    this.memory.packed.set(HEADER)
    const numbers = this.#numbers
    numbers[POS] = PACKED + HEADER.length
    numbers[HELD] = numbers[HELD_BITS] = 0
    let at = numbers[AT]! + DISTANCE_MAX + 1
    if (at > POSITION_MAX) {
      at = 0
      this.table.forgetAll()
    }
    numbers[AT] = numbers[PART_START] = this.#start = at
    this.#crc = -1
    numbers[MATCH_LENGTH] = numbers[MATCH_DISTANCE] = 0
    this.#beginBlock()
  }

  /** The whole member. What was written is forgotten; the memory is who asked for it's. */
  end(): Uint8Array {
    this.endPart()
    this.endMatch()
    this.#endBlock()
    // An empty one with fixed codes: the last.
    this.#put(0b011, 3)
    this.#put(0, 7)
    // What is left of a byte, and some zeros more, where the trailer comes.
    const numbers = this.#numbers
    this.#put(0, -numbers[HELD_BITS]! & 7)
    const view = this.#view
    const pos = numbers[POS]! - PACKED
    view.setInt32(pos, ~this.#crc, true)
    view.setUint32(pos + 4, this.length, true)
    numbers[POS] = PACKED + pos + TRAILER_BYTES
    this.#takeOut()
    const whole = this.#taken.subarray(0, this.#takenBytes)
    this.#taken = EMPTY
    this.#room = () => EMPTY
    return whole
  }

  /** Makes room where the loop packs to for so many letters. False when there is. */
  makeRoom(letters: number): boolean {
    const numbers = this.#numbers
    const bytes = LETTER_PACKED * letters + (numbers[MATCH_LENGTH]! >>> 4)
    if (numbers[POS]! + bytes <= PACKED_FULL) return false
    this.#takeOut()
    if (numbers[MATCH_LENGTH]! > MATCH_ENDS) this.endMatch()
    return true
  }

  #takeOut(): void {
    const numbers = this.#numbers
    const { packed } = this.memory
    const more = numbers[POS]! - PACKED
    const before = this.#takenBytes
    if (before + more > this.#taken.length) {
      const larger = this.#room(Math.max(2 * before, before + more))
      larger.set(this.#taken.subarray(0, before))
      this.#taken = larger
    }
    packed.copy(this.#taken, before, 0, more)
    this.#takenBytes = before + more
    numbers[POS] = PACKED
  }

  /** Ends a block that is long enough. */
  nextBlock(): void {
    if (this.at <= this.#blockEnd) return
    this.#endBlock()
    this.#beginBlock()
  }

  #beginBlock(): void {
    const { words, bits } = this.#book.header
    this.#put(0, 1)
    for (let i = 0; i < words.length - 1; i++) this.#put(words[i]!, 16)
    this.#put(words.at(-1)!, bits)
    this.#blockEnd = this.at + BLOCK_BYTES
  }

  #endBlock(): void {
    this.putCode(this.#book.end)
    this.#book.learn()
  }

  putCode(code: number): void {
    this.#put(code & CODE_BITS, code >>> BITS_SHIFT)
  }

  /** Up to 24 bits. */
  #put(value: number, bits: number): void {
    const numbers = this.#numbers
    if (numbers[POS]! > PACKED_FULL) this.#takeOut()
    const held = numbers[HELD]! | (value << numbers[HELD_BITS]!)
    const count = numbers[HELD_BITS]! + bits
    this.#view.setInt32(numbers[POS]! - PACKED, held, true)
    numbers[POS]! += count >>> 3
    numbers[HELD] = held >>> (count & 24)
    numbers[HELD_BITS] = count & 7
  }

  /** Adds up what stands in this part of the text. The next one begins. */
  endPart(): void {
    this.#crc = this.memory.endPart(this.#crc)
  }

  /** The next `length` bytes of text, whose checksum is `sum`, are not added up: a part begins, and is as long. */
  skipPart(length: number, sum: number): void {
    const numbers = this.#numbers
    numbers[AT]! += length
    numbers[PART_START] = this.at
    this.#crc = moved(this.#crc, length) ^ sum
  }

  /** As the loop does, for the few matches that end elsewhere. */
  endMatch(): void {
    const numbers = this.#numbers
    const from = numbers[MATCH_DISTANCE]! - 1
    const high = 31 - Math.clz32(from)
    const extra = from < 4 ? 0 : high - 1
    const distance = DISTANCES + ((from < 4 ? from : 2 * high + ((from >>> extra) & 1)) << DISTANCE_SHIFT)
    for (let length = numbers[MATCH_LENGTH]!; length > 0; ) {
      const part = firstPart(length)
      length -= part
      const symbol = (LENGTHS + part) << SYMBOL_SHIFT
      numbers[symbol + COUNT]!++
      numbers[distance + COUNT]!++
      this.putCode(numbers[symbol + CODE]!)
      this.putCode(numbers[distance + CODE]!)
      this.#put(from & ((1 << extra) - 1), extra)
    }
    numbers[MATCH_LENGTH] = numbers[MATCH_DISTANCE] = 0
  }
}

/** How long the first match is of those that a long one is made of: no rest may be shorter than a match can be. */
function firstPart(length: number): number {
  if (length <= MATCH_MAX) return length
  return length < MATCH_MAX + MATCH_MIN ? MATCH_MAX - MATCH_MIN : MATCH_MAX
}
