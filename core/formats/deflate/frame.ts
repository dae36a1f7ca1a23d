/** A piece that changes, with what always stands before and behind it: as long as it does not change, all is one piece. */

import { sumOf } from './crc.ts'
import type { Piece } from './piece.ts'

export class Frame {
  readonly head: Piece
  readonly inner: Piece
  readonly tail: Piece
  /** All three. */
  readonly whole: Piece
  /** Checksum (crc.ts) of all three, were `inner` zeros; and as many zeros as `tail` has bytes. */
  readonly sum: number
  readonly zeros: Uint8Array
  /** False until they were written one behind the other, in whatever text, since `inner` changed. */
  stood = false

  /** The bytes of `whole` are there, with zeros for those of `inner`. */
  constructor(head: Piece, inner: Piece, tail: Piece, whole: Piece) {
    this.head = head
    this.inner = inner
    this.tail = tail
    this.whole = whole
    this.sum = sumOf(whole.bytes)
    this.zeros = new Uint8Array(tail.bytes.length)
  }
}
