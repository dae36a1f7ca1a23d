/**
 * Texts that are made of the same pieces again and again: written as they are into a Writer, or packed (packed-text.ts), and
 * then the Writer is that of the packed text, for what is not in pieces. Whatever makes or changes a piece may then pack all
 * that was written: positions in the Writer mean nothing any longer, and no memory may be left, which throws.
 */

import type { Writer } from '../../otlp/writer.ts'
import { Frame } from './frame.ts'
import { VALUE_MAX } from './layout.ts'
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

  /** The first of so many places, which are numbered one after the other. */
  places(count: number): number {
    return this.#packed?.places(count) ?? 0
  }

  /** A piece in a place of its own, or in that of another, which is gone. */
  piece(bytes: Uint8Array, nth = this.place()): Piece {
    const piece = new Piece(bytes, nth)
    this.#packed?.take(piece)
    return piece
  }

  /** A piece of `length` bytes, 128 at most, which change: `change` must be told before, and `changed` when they have. */
  changing(length: number): Piece {
    if (length > VALUE_MAX) throw new RangeError(`a piece that changes has at most ${VALUE_MAX} bytes`)
    const packed = this.#packed
    if (packed === undefined) return new Piece(Buffer.alloc(length), 0)
    const nth = this.place()
    const piece = new Piece(packed.changing(length, nth), nth)
    packed.take(piece)
    return piece
  }

  /** `inner`, one of `changing`, between two pieces; all three have 128 bytes at most. */
  frame(head: Uint8Array, inner: Piece, tail: Uint8Array): Frame {
    const whole = this.changing(head.length + inner.bytes.length + tail.length)
    whole.bytes.set(head)
    whole.bytes.set(tail, head.length + inner.bytes.length)
    const frame = new Frame(this.piece(head), inner, this.piece(tail), whole)
    this.#fill(frame)
    return frame
  }

  /** What the frame holds has changed, as `changed` was told. Each frame of it must be told, too. */
  frameChanged(frame: Frame): void {
    this.change(frame.whole.nth)
    this.#fill(frame)
    frame.stood = false
  }

  #fill(frame: Frame): void {
    const { whole, head, inner } = frame
    whole.bytes.set(inner.bytes, head.bytes.length)
    this.#packed?.frameChanged(frame)
  }

  /** The piece may be written as a head, `value` and a tail. */
  part(piece: Piece, head: Piece, value: Uint8Array, tail: Piece): void {
    this.#packed?.part(piece, head, value, tail)
  }

  /** The piece in that place will have other bytes from now on. */
  change(nth: number): void {
    this.#packed?.change(nth)
  }

  /** It has them. */
  changed(piece: Piece): void {
    this.#packed?.changed(piece)
  }

  write(out: Writer, piece: Piece): void {
    const packed = this.#packed
    if (packed === undefined || this.aside) out.raw(piece.bytes)
    else packed.write(piece)
  }

  /** One of `changing`. */
  writeChanging(out: Writer, piece: Piece): void {
    const packed = this.#packed
    if (packed === undefined || this.aside) out.raw(piece.bytes)
    else packed.writeChanging(piece)
  }

  writeFrame(out: Writer, frame: Frame): void {
    const packed = this.#packed
    if (packed === undefined || this.aside) out.raw(frame.whole.bytes)
    else packed.writeFrame(frame)
  }

  /** The piece of that place. False, and nothing is written, where pieces are copied. */
  writePlace(nth: number): boolean {
    const packed = this.#packed
    if (packed === undefined || this.aside) return false
    packed.writePlace(nth)
    return true
  }
}
