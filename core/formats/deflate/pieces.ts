/**
 * Texts that are made of the same pieces again and again, written as they are into a Writer, or packed (packed-text.ts):
 * then a Writer has what is not in pieces, until the next piece comes.
 */

import type { Writer } from '../../otlp/writer.ts'
import type { PackedText } from './packed-text.ts'
import { Piece } from './piece.ts'

export class Pieces {
  readonly #packed: PackedText | undefined
  /** True while what is written is another text, which is not packed. */
  aside = false

  /** Without `packed`, texts are written as they are. */
  constructor(packed?: PackedText) {
    this.#packed = packed
  }

  place(): number {
    return this.places(1)
  }

  /** The first of so many places. */
  places(count: number): number {
    return this.#packed?.places(count) ?? 0
  }

  /** A piece in a place of its own, or in that of another, which is gone. */
  piece(bytes: Uint8Array, nth = this.place()): Piece {
    const piece = new Piece(bytes, nth)
    this.#packed?.take(piece)
    return piece
  }

  /** The piece in that place has other bytes from now on. */
  forget(nth: number): void {
    this.#packed?.forget(nth)
  }

  write(out: Writer, piece: Piece): void {
    const packed = this.#packed
    if (packed === undefined || this.aside) {
      out.raw(piece.bytes)
      return
    }
    if (out.pos > 0) this.flush(out)
    packed.write(piece)
  }

  /** A piece whose bytes are others now and then: then its place must be forgotten. */
  writeAlone(out: Writer, piece: Piece): void {
    const packed = this.#packed
    if (packed === undefined || this.aside) {
      out.raw(piece.bytes)
      return
    }
    if (out.pos > 0) this.flush(out)
    packed.writeAlone(piece)
  }

  /**
   * The piece of that place. False, and nothing is written, when it would have to be written letter by letter: its parts may
   * be better.
   */
  again(out: Writer, nth: number): boolean {
    const packed = this.#packed
    if (packed === undefined || this.aside) return false
    if (out.pos > 0) this.flush(out)
    return packed.again(nth)
  }

  /** True when pieces are copied. */
  get copies(): boolean {
    return this.#packed === undefined || this.aside
  }

  /** The piece was written as its parts, from where the text was `at` bytes long. */
  stands(piece: Piece, at: number): void {
    this.#packed?.stands(piece, at)
  }

  /** Packs what the Writer has. */
  flush(out: Writer): void {
    const packed = this.#packed
    if (packed === undefined) return
    packed.letters(out.bytes, 0, out.pos)
    out.pos = 0
  }

  /** How long the text is of which the Writer has the end, or all. */
  lengthOf(out: Writer): number {
    return this.#packed === undefined ? out.pos : this.#packed.length + out.pos
  }
}
