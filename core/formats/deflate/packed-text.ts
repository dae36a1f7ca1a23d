/**
 * A gzip member (RFC 1952) that is written as its text comes, which is nowhere whole: letters, and pieces that stood in it
 * before. Nothing is searched for: who writes the text knows what it repeats. So a piece that comes again costs a match
 * (RFC 1951) however long it is, and neither copying it nor looking at its bytes.
 *
 * What is written is only noted at first, as numbers, and packed in one go: then all that changes with each piece and letter
 * stays in the processor's registers.
 */

import { Writer } from '../../otlp/writer.ts'
import { sumOf } from './crc.ts'
import type { Frame } from './frame.ts'
import * as layout from './layout.ts'
import { PackState, type Room } from './pack-state.ts'
import type { Piece } from './piece.ts'

// V8 knows the values of a module's own constants; those that it imports are looked up each time.
const { AS_LETTERS, CHANGING, CODE, COUNT, DISTANCE_MAX, LAST_AT, LENGTH, LETTER_END, LETTER_NEXT } = layout
const { LETTERS, LETTERS_BYTES, MATCH_DISTANCE, MATCH_LENGTH, NEVER, NOTES_END, NOTES_FIRST, NTH } = layout
const { PART_BYTES, PART_START, PLACE_SHIFT, PLACES, SLACK, STANDS, SUM, SUMMED_MIN, SYMBOL_SHIFT } = layout
const { VALUE_SHIFT, WEIGHT, WEIGHTED_FULL, WEIGHTED_NEXT } = layout

/** A piece's, letters before it and behind it. */
const NOTES_FULL = NOTES_END - 3

/** One text after the other. */
export class PackedText {
  /** For what is not in pieces. Where it all has room, it is written to where the loop reads it. */
  readonly out = new Writer(0)
  readonly #state = new PackState()
  readonly #memory = this.#state.memory
  readonly #table = this.#state.table
  #noted = NOTES_FIRST
  /** How much of `out` is noted. */
  #outNoted = 0

  constructor() {
    this.out.bytes = this.#memory.letters
  }

  /** Bytes of text that are packed. */
  get length(): number {
    return this.#state.length
  }

  /** The first of so many new places, which are numbered one after the other. */
  places(count: number): number {
    return this.#table.places(count)
  }

  /** The piece takes its place, which was nobody's or another's. May pack, as `change` may. */
  take(piece: Piece): void {
    if (this.#table.owners[piece.nth] !== undefined) {
      // Notes and weights are of the one before.
      this.pack()
      this.#memory.endWeight(PLACES + (piece.nth << PLACE_SHIFT))
    }
    this.#table.take(piece, sumOf(piece.bytes))
  }

  /** Where that is better, the piece is taken apart: into others, and `value` between them. */
  part(piece: Piece, head: Piece, value: Uint8Array, tail: Piece): void {
    this.#table.part(piece, head, value, tail)
  }

  /** Bytes for a piece that changes: at most VALUE_MAX. */
  changing(length: number, nth: number): Buffer {
    const start = nth << VALUE_SHIFT
    return this.#table.values.subarray(start, start + length)
  }

  /** The piece in that place will have other bytes from now on. */
  change(nth: number): void {
    if (this.#noted > NOTES_FIRST) this.pack()
    const { numbers } = this.#memory
    const place = PLACES + (nth << PLACE_SHIFT)
    if (numbers[place + WEIGHT] !== 0) this.#memory.endWeight(place)
    numbers[place + LAST_AT] = NEVER
  }

  /** It has them. */
  changed({ nth, bytes }: Piece): void {
    if (bytes.length >= SUMMED_MIN) this.#table.numbers[PLACES + (nth << PLACE_SHIFT) + SUM] = sumOf(bytes)
  }

  /** As `changed`, from the sum of `inner`, which `changed` was told of before. */
  frameChanged({ inner, whole, sum, zeros }: Frame): void {
    const { numbers } = this.#table
    if (inner.bytes.length < SUMMED_MIN) this.changed(whole)
    else
      numbers[PLACES + (whole.nth << PLACE_SHIFT) + SUM] =
        sum ^ sumOf(zeros, numbers[PLACES + (inner.nth << PLACE_SHIFT) + SUM])
  }

  /** A piece. */
  write(piece: Piece): void {
    if (piece.isGone) this.take(piece)
    this.writePlace(piece.nth)
  }

  /** A piece whose bytes are others now and then. */
  writeChanging({ nth }: Piece): void {
    this.writePlace(nth | CHANGING)
  }

  /** What the frame holds together, and what it holds. */
  writeFrame(frame: Frame): void {
    const { head, inner, tail, whole } = frame
    if (frame.stood) {
      this.writeChanging(whole)
      return
    }
    this.write(head)
    this.writeChanging(inner)
    this.write(tail)
    this.writePlace(whole.nth | STANDS)
    frame.stood = true
  }

  /** The piece of that place. */
  writePlace(nth: number): void {
    const { numbers } = this.#table
    const { pos } = this.out
    let noted = this.#noted
    if (pos > this.#outNoted) {
      numbers[noted++] = this.#outNoted - pos
      this.#outNoted = pos
    }
    numbers[noted++] = nth
    this.#noted = noted
    if (noted > NOTES_FULL) this.pack()
  }

  begin(room: Room): void {
    // Of a text that somebody gave up.
    this.#forget()
    this.#state.begin(room)
  }

  /** The whole member. What was written is forgotten; the memory is who asked for it's. */
  end(): Uint8Array {
    this.pack()
    this.#forget()
    return this.#state.end()
  }

  #forget(): void {
    const { out } = this
    out.bytes = this.#memory.letters
    out.pos = this.#outNoted = 0
    this.#noted = NOTES_FIRST
  }

  /** Packs all that was written. */
  pack(): void {
    const { out } = this
    const memory = this.#memory
    const { numbers } = memory
    const state = this.#state
    let noted = this.#noted
    if (out.pos > this.#outNoted) numbers[noted++] = this.#outNoted - out.pos
    const { bytes, pos } = out
    out.pos = this.#outNoted = 0
    this.#noted = NOTES_FIRST
    if (noted === NOTES_FIRST) return
    state.nextBlock()
    numbers[LETTER_NEXT] = LETTERS
    numbers[LETTER_END] = LETTERS + pos
    let copied = pos
    if (bytes !== memory.letters) copied = this.#copyLetters(bytes, 0, pos)
    for (let next = memory.packNotes(NOTES_FIRST, noted); next < noted; ) {
      // Something is in the way. A value of a piece that is taken apart is shorter than the piece.
      const note = numbers[next]!
      const nth = note & NTH
      const length = note < 0 ? -note : numbers[PLACES + (nth << PLACE_SHIFT) + LENGTH]!
      if (length > SLACK) next = this.#packLong(next, note, length)
      else if (state.at - numbers[PART_START]! >= PART_BYTES || numbers[WEIGHTED_NEXT]! >= WEIGHTED_FULL)
        state.endPart()
      else if (!state.makeRoom(length)) {
        if (note < 0)
          copied = this.#copyLetters(bytes, copied - (numbers[LETTER_END]! - numbers[LETTER_NEXT]!), pos)
        else {
          numbers[next] = note | AS_LETTERS
          memory.piece.set(this.#table.owners[nth]!.bytes)
        }
      }
      next = memory.packNotes(next, noted)
    }
  }

  /** Copies of what there was no room for where the loop reads: from `start` on, which comes next. Returns how far. */
  #copyLetters(bytes: Uint8Array, start: number, stop: number): number {
    const { letters, numbers } = this.#memory
    const end = Math.min(stop, start + LETTERS_BYTES)
    letters.set(bytes.subarray(start, end))
    numbers[LETTER_NEXT] = LETTERS
    numbers[LETTER_END] = LETTERS + end - start
    return end
  }

  /** Packs a note of which there seldom is one: `note`, which is the `next`th, of `length` bytes. Returns where to go on. */
  #packLong(next: number, note: number, length: number): number {
    const state = this.#state
    const { numbers, owners } = this.#table
    if (note < 0) {
      numbers[next - 1] = -SLACK
      numbers[next] = note + SLACK
      return next - 1
    }
    state.endPart()
    const nth = note & NTH
    const place = PLACES + (nth << PLACE_SHIFT)
    const distance = state.at - numbers[place + LAST_AT]!
    if (distance <= DISTANCE_MAX) {
      if (distance !== numbers[MATCH_DISTANCE]) {
        state.endMatch()
        numbers[MATCH_DISTANCE] = distance
      }
      numbers[MATCH_LENGTH]! += length
    } else {
      state.endMatch()
      for (const letter of owners[nth]!.bytes) {
        numbers[(letter << SYMBOL_SHIFT) + COUNT]!++
        state.putCode(numbers[(letter << SYMBOL_SHIFT) + CODE]!)
      }
    }
    numbers[place + LAST_AT] = state.at
    state.skipPart(length, numbers[place + SUM]!)
    return next + 1
  }
}
