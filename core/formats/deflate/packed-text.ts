/**
 * A gzip member (RFC 1952) that is written as its text comes, which is nowhere whole: letters, and pieces that stood in it
 * before. Nothing is searched for: who writes the text knows what it repeats. So a piece that comes again costs a match
 * (RFC 1951) however long it is, and neither copying it nor looking at its bytes.
 */

import { CodeBook, END_OF_BLOCK } from './code-book.ts'
import { CRC_TABLE, moved, sumOf } from './crc.ts'
import type { Piece } from './piece.ts'

/** Deflate reaches no further back. */
const DISTANCE_MAX = 32_768
const MATCH_MAX = 258
const MATCH_MIN = 3
/** Shorter ones are as short as letters. */
const REPEAT_MIN = 4
const NEVER = -0x4000_0000
const HEAD = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 4, 0xff] as const
const TRAILER_BYTES = 8
/** Of output: what a letter takes at most, and one part of a match; and room for the end of a block and a checksum. */
const LETTER_BYTES = 2
const MATCH_BYTES = 8
const ROOM = 64
/** After so many bytes of text a block ends, and the next one has codes that fit better. */
const BLOCK_BYTES = 512 * 1024
const EMPTY: Uint8Array = new Uint8Array()
/** Of what follows a piece. */
const FOLLOWED_BYTES = 24

/** By length of a match: its symbol, and from bit 16 on the number of bits that follow, from bit 24 on these. */
const LENGTH_CODES = new Int32Array(MATCH_MAX + 1)
{
  let symbol = 257
  let length = MATCH_MIN
  for (let bits = 0; bits <= 5; bits++)
    for (let i = bits === 0 ? 8 : 4; i > 0; i--, symbol++)
      for (let extra = 0; extra < 1 << bits; extra++)
        LENGTH_CODES[length++] = symbol | (bits << 16) | (extra << 24)
  // The longest has a symbol of its own.
  LENGTH_CODES[MATCH_MAX] = 285
}

/** Gives memory for at least so many bytes. */
export type Room = (bytes: number) => Uint8Array

/** One text after the other. */
export class PackedText {
  /** Bytes of text so far. */
  length = 0
  readonly #book = new CodeBook()
  /** By place: where in the text its piece stood last. */
  #lastAt = new Int32Array(1024).fill(NEVER)
  /** By place: how long its piece is, and what it adds to the checksum. Two numbers each. */
  #pieces = new Int32Array(2 * 1024)
  /** By place: whose it is. Somebody may still have a piece whose place was taken. */
  readonly #owners: Piece[] = []
  #places = 0
  /** The piece that was written last, unless letters followed, and where it stood before that. */
  #piece: Piece | undefined
  #before = NEVER
  /** The number of the text. */
  #turn = 0
  /** A match that may go on. */
  #matchLength = 0
  #matchDistance = 0
  #blockEnd = 0
  #crc = 0
  #room: Room = () => EMPTY
  #out = EMPTY
  #view: DataView = new DataView(new ArrayBuffer(0))
  #pos = 0
  #held = 0
  #count = 0

  /** The first of so many new places, which are numbered one after the other. */
  places(count: number): number {
    const first = this.#places
    this.#places += count
    if (this.#places > this.#lastAt.length) {
      const size = Math.max(this.#places, 2 * this.#lastAt.length)
      const [lastAt, pieces] = [new Int32Array(size).fill(NEVER), new Int32Array(2 * size)]
      lastAt.set(this.#lastAt)
      pieces.set(this.#pieces)
      this.#lastAt = lastAt
      this.#pieces = pieces
    }
    return first
  }

  /** The piece takes its place, which was nobody's or another's. */
  take(piece: Piece): void {
    const { bytes, nth } = piece
    const before = this.#owners[nth]
    if (before !== undefined) before.isGone = true
    this.#owners[nth] = piece
    piece.isGone = false
    this.#lastAt[nth] = NEVER
    this.#pieces[2 * nth] = bytes.length
    this.#pieces[2 * nth + 1] = sumOf(bytes)
  }

  /** The piece in that place has other bytes from now on. */
  forget(nth: number): void {
    this.#lastAt[nth] = NEVER
  }

  /** The piece of that place, when it stood here not long ago. False, and nothing was written, when it did not. */
  again(nth: number): boolean {
    const at = this.length
    const length = this.#pieces[2 * nth]!
    if (!this.#matches(at - this.#lastAt[nth]!, length)) return false
    this.#piece = undefined
    this.#lastAt[nth] = at
    this.#crc = moved(this.#crc, length) ^ this.#pieces[2 * nth + 1]!
    this.length = at + length
    return true
  }

  /** The piece, whose place is its own, stands at `at`, put together from others. */
  stands({ nth }: Piece, at: number): void {
    this.#lastAt[nth] = at
  }

  begin(room: Room): void {
    this.#turn++
    this.#room = room
    this.#use(room(ROOM))
    this.#out.set(HEAD)
    this.#pos = HEAD.length
    this.#held = this.#count = 0
    this.#lastAt.fill(NEVER)
    this.#piece = undefined
    this.length = 0
    this.#crc = -1
    this.#matchLength = this.#matchDistance = 0
    this.#beginBlock()
  }

  /** The whole member. What was written is forgotten; the memory is who asked for it's. */
  end(): Uint8Array {
    if (this.#matchLength > 0) this.#endMatch()
    this.#grow(ROOM)
    this.#endBlock()
    // An empty one with fixed codes: the last.
    this.#put(0b011, 3)
    this.#put(0, 7)
    const out = this.#out
    for (; this.#count > 0; this.#count -= 8, this.#held >>>= 8) out[this.#pos++] = this.#held
    this.#view.setInt32(this.#pos, ~this.#crc, true)
    this.#view.setUint32(this.#pos + 4, this.length, true)
    const packed = out.subarray(0, this.#pos + TRAILER_BYTES)
    this.#use(EMPTY)
    return packed
  }

  #use(out: Uint8Array): void {
    this.#out = out
    this.#view = new DataView(out.buffer, out.byteOffset, out.byteLength)
  }

  /** Makes room for so many bytes of output. */
  #grow(more: number): void {
    if (this.#pos + more <= this.#out.length) return
    const before = this.#out.subarray(0, this.#pos)
    this.#use(this.#room(Math.max(2 * this.#out.length, this.#pos + more)))
    this.#out.set(before)
  }

  #beginBlock(): void {
    const { words, bits } = this.#book.header
    this.#grow(2 * words.length + ROOM)
    this.#put(0, 1)
    for (let i = 0; i < words.length - 1; i++) this.#put(words[i]!, 16)
    this.#put(words.at(-1)!, bits)
    this.#blockEnd = this.length + BLOCK_BYTES
  }

  #endBlock(): void {
    const end = this.#book.literals[END_OF_BLOCK]!
    this.#put(end & 0xffff, end >>> 16)
    this.#book.learn()
  }

  #put(value: number, bits: number): void {
    const held = this.#held | (value << this.#count)
    const count = this.#count + bits
    this.#view.setInt32(this.#pos, held, true)
    this.#pos += count >>> 3
    this.#held = held >>> (count & 24)
    this.#count = count & 7
  }

  /** A piece whose bytes stay what they are. */
  write(piece: Piece): void {
    if (piece.isGone) this.take(piece)
    this.#before = this.#lastAt[piece.nth]!
    this.#piece = piece
    this.#write(piece)
  }

  /** A piece that has other bytes now and then (`forget`). */
  writeAlone(piece: Piece): void {
    if (piece.isGone) this.take(piece)
    this.#piece = undefined
    this.#write(piece)
  }

  /** Letters that nothing is known of. */
  letters(bytes: Uint8Array, start: number, stop: number): void {
    const piece = this.#piece
    let from = start
    if (piece !== undefined) {
      this.#piece = undefined
      const isKnown = piece.followedAt === this.#before && piece.followedIn === this.#turn
      if (isKnown && this.#matchLength > 0) from = this.#goOn(piece, bytes, start, stop)
      this.#follow(piece, bytes, start, stop)
    }
    if (from < stop) this.#crc = this.#letters(bytes, from, stop, this.#crc)
  }

  /** Lets the match with the piece go on as far as the letters are those that followed it before; returns how far. */
  #goOn({ followed, followedLength }: Piece, bytes: Uint8Array, start: number, stop: number): number {
    const end = Math.min(stop, start + followedLength)
    let i = start
    let crc = this.#crc
    for (; i < end; i++) {
      const letter = bytes[i]!
      if (letter !== followed[i - start]) break
      crc = CRC_TABLE[(crc ^ letter) & 0xff]! ^ (crc >>> 8)
    }
    this.#crc = crc
    this.#matchLength += i - start
    this.length += i - start
    return i
  }

  /** Remembers what stands behind a piece. */
  #follow(piece: Piece, bytes: Uint8Array, start: number, stop: number): void {
    if (piece.followed.length === 0) piece.followed = new Uint8Array(FOLLOWED_BYTES)
    const { followed } = piece
    const length = Math.min(stop - start, FOLLOWED_BYTES)
    for (let i = 0; i < length; i++) followed[i] = bytes[start + i]!
    piece.followedLength = length
    piece.followedAt = this.#lastAt[piece.nth]!
    piece.followedIn = this.#turn
  }

  /** Returns the sum that began with `crc`. */
  #letters(bytes: Uint8Array, start: number, stop: number, crc: number): number {
    if (this.#matchLength > 0) this.#endMatch()
    this.#grow(LETTER_BYTES * (stop - start) + ROOM)
    if (this.length >= this.#blockEnd) {
      this.#endBlock()
      this.#beginBlock()
      this.#grow(LETTER_BYTES * (stop - start) + ROOM)
    }
    const { literals, literalCounts } = this.#book
    const view = this.#view
    let pos = this.#pos
    let held = this.#held
    let count = this.#count
    for (let i = start; i < stop; i++) {
      const letter = bytes[i]!
      crc = CRC_TABLE[(crc ^ letter) & 0xff]! ^ (crc >>> 8)
      literalCounts[letter]!++
      const code = literals[letter]!
      held |= (code & 0xffff) << count
      count += code >>> 16
      // Whole bytes go, without asking whether there are any: nobody could guess that.
      view.setInt32(pos, held, true)
      pos += count >>> 3
      held >>>= count & 24
      count &= 7
    }
    this.#pos = pos
    this.#held = held
    this.#count = count
    this.length += stop - start
    this.#matchDistance = 0
    return crc
  }

  #write(piece: Piece): void {
    const { bytes, nth } = piece
    const { length } = bytes
    const at = this.length
    if (this.#matches(at - this.#lastAt[nth]!, length)) this.length = at + length
    else this.#pieces[2 * nth + 1] = this.#letters(bytes, 0, length, 0)
    this.#lastAt[nth] = at
    this.#crc = moved(this.#crc, length) ^ this.#pieces[2 * nth + 1]!
  }

  /** False when `length` bytes that stood `distance` before are to be written as letters. */
  #matches(distance: number, length: number): boolean {
    if (distance === this.#matchDistance) {
      this.#matchLength += length
      return true
    }
    if (distance > DISTANCE_MAX || length < REPEAT_MIN) return false
    if (this.#matchLength > 0) this.#endMatch()
    this.#matchDistance = distance
    this.#matchLength = length
    return true
  }

  #endMatch(): void {
    const { literals, literalCounts, distances, distanceCounts } = this.#book
    let length = this.#matchLength
    this.#matchLength = 0
    const distance = this.#matchDistance - 1
    this.#matchDistance = 0
    const symbol = distanceSymbol(distance)
    const distanceCode = distances[symbol]!
    // 11 bits, and 13.
    const extra = symbol < 4 ? 0 : (symbol >>> 1) - 1
    const distanceBits = (distanceCode & 0xffff) | ((distance & ((1 << extra) - 1)) << (distanceCode >>> 16))
    const distanceCount = (distanceCode >>> 16) + extra
    this.#grow(MATCH_BYTES * Math.ceil(length / (MATCH_MAX - MATCH_MIN)) + ROOM)
    const view = this.#view
    let pos = this.#pos
    let held = this.#held
    let count = this.#count
    while (length > 0) {
      // No rest may be shorter than a match can be.
      const part =
        length <= MATCH_MAX ? length : length - MATCH_MAX < MATCH_MIN ? MATCH_MAX - MATCH_MIN : MATCH_MAX
      length -= part
      const matched = LENGTH_CODES[part]!
      const lengthSymbol = matched & 0xffff
      literalCounts[lengthSymbol]!++
      distanceCounts[symbol]!++
      const code = literals[lengthSymbol]!
      // 15 bits, and 5, and 7 that wait.
      held |= ((code & 0xffff) | ((matched >>> 24) << (code >>> 16))) << count
      count += (code >>> 16) + ((matched >>> 16) & 0xff)
      view.setInt32(pos, held, true)
      pos += count >>> 3
      held >>>= count & 24
      count &= 7
      held |= distanceBits << count
      count += distanceCount
      view.setInt32(pos, held, true)
      pos += count >>> 3
      held >>>= count & 24
      count &= 7
    }
    this.#pos = pos
    this.#held = held
    this.#count = count
  }
}

/** Of a distance, less one: 0 to 29. */
function distanceSymbol(from: number): number {
  if (from < 4) return from
  const high = 31 - Math.clz32(from)
  return 2 * high + ((from >>> (high - 1)) & 1)
}
