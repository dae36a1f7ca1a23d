/** A text that is packed as it is written, beside the same text as it is. */

import assert from 'node:assert/strict'
import { gunzipSync } from 'node:zlib'
import { PackedText } from '../../core/formats/deflate/packed-text.ts'
import type { Piece } from '../../core/formats/deflate/piece.ts'
import { Pieces } from '../../core/formats/deflate/pieces.ts'
import { Writer } from '../../core/otlp/writer.ts'

export class Packed {
  readonly #text = new PackedText()
  readonly pieces = new Pieces(this.#text)
  readonly out = new Writer(64)
  readonly #plain = new Writer(64)

  begin(): void {
    this.#plain.rewind()
    this.out.rewind()
    this.#text.begin(bytes => new Uint8Array(bytes))
  }

  piece(piece: Piece): void {
    this.pieces.write(this.out, piece)
    this.#plain.raw(piece.bytes)
  }

  alone(piece: Piece): void {
    this.pieces.writeAlone(this.out, piece)
    this.#plain.raw(piece.bytes)
  }

  /** False, and nothing is written, when the piece stood too far back. */
  again(piece: Piece): boolean {
    const again = this.pieces.again(this.out, piece.nth)
    if (again) this.#plain.raw(piece.bytes)
    return again
  }

  /** The piece in letters; from now on it stands here. */
  parts(piece: Piece): void {
    const at = this.pieces.lengthOf(this.out)
    this.letters(piece.bytes)
    this.pieces.stands(piece, at)
  }

  letters(bytes: Uint8Array): void {
    this.out.raw(bytes)
    this.#plain.raw(bytes)
  }

  /** Checks that zlib finds the text in it; returns how long both are. */
  end(): { readonly plain: number; readonly packed: number } {
    const { pieces, out } = this
    assert.equal(pieces.lengthOf(out), this.#plain.pos)
    pieces.flush(out)
    const packed = this.#text.end()
    assert.equal(Buffer.compare(gunzipSync(packed), this.#plain.take()), 0)
    return { plain: this.#plain.pos, packed: packed.length }
  }
}
