/** One id, of the span that is written: as bytes and as its digits. */

import type { Writer } from '../../otlp/writer.ts'
import type { Frame } from '../deflate/frame.ts'
import type { Piece } from '../deflate/piece.ts'
import type { Pieces } from '../deflate/pieces.ts'
import type { Ranges } from './span-ranges.ts'

const ZERO = 0x30
/** By byte: its two digits, as they stand in memory. */
const DIGITS = new Uint16Array(
  Uint8Array.from(Buffer.from(Buffer.from(Array.from({ length: 256 }, (_, byte) => byte)).toString('hex')))
    .buffer,
)

const ZEROS = new Uint8Array(16)

export class HexId {
  /** Zeros when the id is absent, or has another size. */
  readonly id: Uint8Array
  isZero = true
  readonly #pieces: Pieces
  readonly #piece: Piece
  /** Two in each. */
  readonly #digits: Uint16Array
  readonly #frames: Frame[] = []

  /** `size` in bytes. */
  constructor(size: number, pieces: Pieces) {
    this.id = new Uint8Array(size)
    this.#pieces = pieces
    this.#piece = pieces.changing(2 * size)
    const { bytes } = this.#piece
    bytes.fill(ZERO)
    this.#digits = new Uint16Array(bytes.buffer, bytes.byteOffset, size)
    pieces.changed(this.#piece)
  }

  /** For `writeFramed`. */
  frame(head: Uint8Array, tail: Uint8Array): Frame {
    const frame = this.#pieces.frame(head, this.#piece, tail)
    this.#frames.push(frame)
    return frame
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
    const digits = this.#digits
    pieces.change(piece.nth)
    let any = 0
    for (let i = 0; i < id.length; i++) {
      const byte = bytes[start + i]!
      id[i] = byte
      any |= byte
      digits[i] = DIGITS[byte]!
    }
    this.isZero = any === 0
    pieces.changed(piece)
    for (const frame of this.#frames) pieces.frameChanged(frame)
  }

  /** Hex digits; an id of zeros has none. */
  write(out: Writer): void {
    if (!this.isZero) this.#pieces.writeChanging(out, this.#piece)
  }

  /** As `write`, in one of its frames. */
  writeFramed(out: Writer, frame: Frame): void {
    const pieces = this.#pieces
    if (!this.isZero) {
      pieces.writeFrame(out, frame)
      return
    }
    pieces.write(out, frame.head)
    pieces.write(out, frame.tail)
  }

  /** Zeros or not. */
  writeDigits(out: Writer): void {
    this.#pieces.writeChanging(out, this.#piece)
  }
}
