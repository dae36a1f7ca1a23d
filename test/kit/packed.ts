/** A text that is packed as it is written, beside the same text as it is. */

import assert from 'node:assert/strict'
import { gunzipSync } from 'node:zlib'
import type { Frame } from '../../core/formats/deflate/frame.ts'
import { PackedText } from '../../core/formats/deflate/packed-text.ts'
import type { Piece } from '../../core/formats/deflate/piece.ts'
import { Pieces } from '../../core/formats/deflate/pieces.ts'
import { Writer } from '../../core/otlp/writer.ts'

export class Packed {
  readonly #text = new PackedText()
  readonly pieces = new Pieces(this.#text)
  readonly out = this.#text.out
  readonly #plain = new Writer(64)

  begin(): void {
    this.#plain.rewind()
    this.#text.begin(bytes => new Uint8Array(bytes))
  }

  piece(piece: Piece): void {
    this.pieces.write(this.out, piece)
    this.#plain.raw(piece.bytes)
  }

  /** One of `pieces.changing`. */
  changing(piece: Piece): void {
    this.pieces.writeChanging(this.out, piece)
    this.#plain.raw(piece.bytes)
  }

  frame(frame: Frame): void {
    this.pieces.writeFrame(this.out, frame)
    for (const { bytes } of [frame.head, frame.inner, frame.tail]) this.#plain.raw(bytes)
  }

  /** A piece that is noted by its place. */
  place(piece: Piece): void {
    this.pieces.writePlace(piece.nth)
    this.#plain.raw(piece.bytes)
  }

  /** A piece that may be taken apart. */
  parted(head: Piece, value: Uint8Array, tail: Piece): Piece {
    const piece = this.pieces.piece(Buffer.concat([head.bytes, value, tail.bytes]))
    this.pieces.part(piece, head, value, tail)
    return piece
  }

  /** What is written until then is packed. */
  pack(): void {
    this.#text.pack()
    assert.equal(this.#text.length, this.#plain.pos)
  }

  letters(bytes: Uint8Array): void {
    this.out.raw(bytes)
    this.#plain.raw(bytes)
  }

  /** Checks that zlib finds the text in it; returns how long both are. */
  end(): { readonly plain: number; readonly packed: number } {
    const packed = this.#text.end()
    assert.equal(Buffer.compare(gunzipSync(packed), this.#plain.take()), 0)
    return { plain: this.#plain.pos, packed: packed.length }
  }
}
