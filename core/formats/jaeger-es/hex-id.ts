/** One id, of the span that is written: as bytes and as its digits. */

import type { Writer } from '../../otlp/writer.ts'
import type { Piece } from '../deflate/piece.ts'
import type { Pieces } from '../deflate/pieces.ts'
import type { Ranges } from './span-ranges.ts'

const ZERO = 0x30
/** By byte: its two digits, the first one lowest. */
const DIGITS = Uint16Array.from({ length: 256 }, (_, byte) =>
  Buffer.from(byte.toString(16).padStart(2, '0')).readUInt16LE(),
)

const ZEROS = new Uint8Array(16)

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
    this.#piece = pieces.changing(2 * size)
    this.#piece.bytes.fill(ZERO)
    pieces.changed(this.#piece)
  }

  /** Reads field `field` of a message. */
  read(message: Ranges, field: number): void {
    const { id } = this
    const { bytes } = message
    const start = message.startOf(field)
    const size = id.length
    if (start === -1 || message.stopOf(field) - start !== size) {
      if (!this.isZero) this.#set(ZEROS, 0)
      return
    }
    let same = 0
    while (same < size && id[same] === bytes[start + same]) same++
    if (same < size) this.#set(bytes, start)
  }

  #set(bytes: Uint8Array, start: number): void {
    const { id } = this
    const pieces = this.#pieces
    const piece = this.#piece
    const digits = piece.bytes
    pieces.change(piece.nth)
    let any = 0
    for (let i = 0; i < id.length; i++) {
      const byte = bytes[start + i]!
      const both = DIGITS[byte]!
      id[i] = byte
      any |= byte
      digits[2 * i] = both
      digits[2 * i + 1] = both >>> 8
    }
    this.isZero = any === 0
    pieces.changed(piece)
  }

  /** Hex digits; an id of zeros has none. */
  write(out: Writer): void {
    if (!this.isZero) this.#pieces.writeChanging(out, this.#piece)
  }

  /** Zeros or not. */
  writeDigits(out: Writer): void {
    this.#pieces.writeChanging(out, this.#piece)
  }
}
