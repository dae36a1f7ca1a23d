/** How far a gzip member is (packed-text.ts): its bytes, the match that may go on, and the checksum of the text before. */

import { CodeBook } from './code-book.ts'
import { CRC_TABLE, moved, Products } from './crc.ts'
import {
  BITS_SHIFT,
  CODE,
  COUNT,
  DISTANCE_MAX,
  DISTANCE_SHIFT,
  DISTANCES,
  LENGTHS,
  LETTER_WEIGHT,
  MATCH_MAX,
  MATCH_MIN,
  ROOM,
  SUM,
  SYMBOL_SHIFT,
  Table,
  WEIGHT,
  WEIGHTED,
} from './table.ts'

/**
 * Positions go on through all texts, so that nothing of the one before is in reach. A text begins at no higher one than this,
 * and may have twice as many bytes: what never stood anywhere (NEVER in table.ts) is out of reach below 2^30.
 */
const POSITION_MAX = 0x1000_0000
const HEADER = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 4, 0xff] as const
const TRAILER_BYTES = 8
const CODE_BITS = (1 << BITS_SHIFT) - 1
/** After so many bytes of text a block ends, and the next one has codes that fit better. */
const BLOCK_BYTES = 512 * 1024
const EMPTY = new Uint8Array()

/** Gives memory for at least so many bytes. */
export type Room = (bytes: number) => Uint8Array

export class PackState {
  readonly table = new Table()
  readonly #book = new CodeBook(this.table)
  /** Where the text that is packed begins and ends, and where its block is to end. */
  start = 0
  at = 0
  #blockEnd = 0
  /** A match that may go on. */
  matchLength = 0
  matchDistance = 0

  /** Of the text before this part of it, which begins at `partStart`. */
  crc = 0
  partStart = 0
  readonly #products = new Products()
  weightedEnd = WEIGHTED

  /** Of the letters that are noted: how many are packed. */
  outPacked = 0

  #room: Room = () => EMPTY
  #packed: Uint8Array = EMPTY
  view: DataView = new DataView(new ArrayBuffer(0))
  pos = 0
  held = 0
  count = 0

  /** Bytes of text that are packed. */
  get length(): number {
    return this.at - this.start
  }

  begin(room: Room): void {
    // Of a text that somebody gave up.
    this.endPart()
    this.#room = room
    this.#use(room(ROOM))
    this.#packed.set(HEADER)
    this.pos = HEADER.length
    this.held = this.count = 0
    this.at += DISTANCE_MAX + 1
    if (this.at > POSITION_MAX) {
      this.at = 0
      this.table.forgetAll()
    }
    this.start = this.partStart = this.at
    this.crc = -1
    this.matchLength = this.matchDistance = 0
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
    const packed = this.#packed
    for (; this.count > 0; this.count -= 8, this.held >>>= 8) packed[this.pos++] = this.held
    this.view.setInt32(this.pos, ~this.crc, true)
    this.view.setUint32(this.pos + 4, this.length, true)
    const whole = packed.subarray(0, this.pos + TRAILER_BYTES)
    this.#use(EMPTY)
    return whole
  }

  #use(packed: Uint8Array): void {
    this.#packed = packed
    this.view = new DataView(packed.buffer, packed.byteOffset, packed.byteLength)
  }

  /** Makes room for so many bytes of output. False when there is. */
  grow(more: number): boolean {
    if (this.pos + more <= this.#packed.length) return false
    const before = this.#packed.subarray(0, this.pos)
    this.#use(this.#room(Math.max(2 * this.#packed.length, this.pos + more)))
    this.#packed.set(before)
    return true
  }

  /** Ends a block that is long enough. */
  nextBlock(): void {
    if (this.at <= this.#blockEnd) return
    this.#endBlock()
    this.#beginBlock()
  }

  #beginBlock(): void {
    const { words, bits } = this.#book.header
    this.grow(2 * words.length + ROOM)
    this.#put(0, 1)
    for (let i = 0; i < words.length - 1; i++) this.#put(words[i]!, 16)
    this.#put(words.at(-1)!, bits)
    this.#blockEnd = this.at + BLOCK_BYTES
  }

  #endBlock(): void {
    this.grow(ROOM)
    this.putCode(this.#book.end)
    this.#book.learn()
  }

  putCode(code: number): void {
    this.#put(code & CODE_BITS, code >>> BITS_SHIFT)
  }

  #put(value: number, bits: number): void {
    const held = this.held | (value << this.count)
    const count = this.count + bits
    this.view.setInt32(this.pos, held, true)
    this.pos += count >>> 3
    this.held = held >>> (count & 24)
    this.count = count & 7
  }

  /** The sum of the piece in that place will be another one. */
  endWeight(place: number): void {
    const { numbers } = this.table
    this.#products.add(numbers[place + SUM]!, numbers[place + WEIGHT]!)
    numbers[place + WEIGHT] = 0
  }

  /** Adds up what stands in this part of the text. The next one begins. */
  endPart(): void {
    const { numbers } = this.table
    const products = this.#products
    for (let i = WEIGHTED; i < this.weightedEnd; i++) {
      const place = numbers[i]!
      products.add(numbers[place + SUM]!, numbers[place + WEIGHT]!)
      numbers[place + WEIGHT] = 0
    }
    this.weightedEnd = WEIGHTED
    for (let letter = 0; letter < CRC_TABLE.length; letter++) {
      const at = (letter << SYMBOL_SHIFT) + LETTER_WEIGHT
      const weight = numbers[at]!
      if (weight === 0) continue
      products.add(CRC_TABLE[letter]!, weight)
      numbers[at] = 0
    }
    this.crc = moved(this.crc ^ products.take(), this.at - this.partStart)
    this.partStart = this.at
  }

  /** As packNotes does in its loop, for the few that end elsewhere. */
  endMatch(): void {
    const { numbers } = this.table
    const from = this.matchDistance - 1
    const high = 31 - Math.clz32(from)
    const extra = from < 4 ? 0 : high - 1
    const distance = DISTANCES + ((from < 4 ? from : 2 * high + ((from >>> extra) & 1)) << DISTANCE_SHIFT)
    this.grow((this.matchLength >>> 4) + ROOM)
    for (let length = this.matchLength; length > 0; ) {
      const part = firstPart(length)
      length -= part
      const symbol = (LENGTHS + part) << SYMBOL_SHIFT
      numbers[symbol + COUNT]!++
      numbers[distance + COUNT]!++
      this.putCode(numbers[symbol + CODE]!)
      this.putCode(numbers[distance + CODE]!)
      this.#put(from & ((1 << extra) - 1), extra)
    }
    this.matchLength = this.matchDistance = 0
  }
}

/** How long the first match is of those that a long one is made of: no rest may be shorter than a match can be. */
function firstPart(length: number): number {
  if (length <= MATCH_MAX) return length
  return length < MATCH_MAX + MATCH_MIN ? MATCH_MAX - MATCH_MIN : MATCH_MAX
}
