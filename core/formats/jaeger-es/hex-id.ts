/** One id, of the span that is written: as bytes and as its digits. */

import type { Writer } from '../../otlp/writer.ts'
import type { Piece } from '../deflate/piece.ts'
import type { Pieces } from '../deflate/pieces.ts'
import type { Ranges } from './span-ranges.ts'

const DIGITS = Buffer.from('0123456789abcdef')

export class HexId {
  /** Zeros when the id is absent, or has another size. */
  readonly id: Uint8Array
  isZero = true
  readonly #pieces: Pieces
  readonly #piece: Piece

  /** `size` in bytes. */
  constructor(size: number, pieces: Pieces) {
    this.id = new Uint8Array(size)
    this.#pieces = pieces
    this.#piece = pieces.piece(new Uint8Array(2 * size).fill(DIGITS[0]!))
  }

  /** Reads field `field` of a message. */
  read(message: Ranges, field: number): void {
    const { id } = this
    const { bytes } = message
    const start = message.startOf(field)
    const size = id.length
    let same = 0
    if (start === -1 || message.stopOf(field) - start !== size) {
      if (this.isZero) return
      this.isZero = true
      id.fill(0)
      same = 0
    } else {
      while (same < size && id[same] === bytes[start + same]) same++
      if (same === size) return
      let any = 0
      for (let i = 0; i < size; i++) {
        const byte = bytes[start + i]!
        id[i] = byte
        any |= byte
      }
      this.isZero = any === 0
    }
    const digits = this.#piece.bytes
    for (let i = same; i < size; i++) {
      const byte = id[i]!
      digits[2 * i] = DIGITS[byte >>> 4]!
      digits[2 * i + 1] = DIGITS[byte & 15]!
    }
    this.#pieces.forget(this.#piece.nth)
  }

  /** Hex digits; an id of zeros has none. */
  write(out: Writer): void {
    if (!this.isZero) this.#pieces.writeAlone(out, this.#piece)
  }

  /** Zeros or not. */
  writeDigits(out: Writer): void {
    this.#pieces.writeAlone(out, this.#piece)
  }
}
