/**
 * What the values of a key begin with, nearly all of them: paths, hosts, networks. It is written together with the key, and
 * only the rest is not known.
 */

import { ownCopy } from '../../otlp/slab.ts'
import type { Piece } from '../deflate/piece.ts'
import type { Pieces } from '../deflate/pieces.ts'

const LENGTH_MAX = 32
/** Shorter ones are not worth a piece. */
const LENGTH_MIN = 3
/** How many more values may begin otherwise than begin so, before another start is looked for. */
const PATIENCE = 16
const QUOTE = 0x22
const EMPTY = new Uint8Array()

export class CommonStart {
  /** Head, quote and start. Undefined as long as there is none. */
  piece: Piece | undefined
  readonly #head: Piece
  readonly #pieces: Pieces
  readonly #place: number
  #start = EMPTY
  /** What the last value that began otherwise begins with. */
  #other = EMPTY
  #patience = 0

  /** `head`: the key, and all that stands before the value. `place`: for `piece`. */
  constructor(head: Piece, place: number, pieces: Pieces) {
    this.#head = head
    this.#place = place
    this.#pieces = pieces
  }

  /** How much of the text `bytes[start, stop)` is in `piece`: 0 when it begins otherwise. */
  of(bytes: Uint8Array, start: number, stop: number): number {
    const known = this.#start
    const { length } = known
    if (length > 0 && stop - start >= length) {
      let same = 0
      while (same < length && known[same] === bytes[start + same]) same++
      if (same === length) {
        if (this.#patience < PATIENCE) this.#patience++
        return length
      }
    }
    if (--this.#patience <= 0) this.#learn(bytes, start, stop)
    return 0
  }

  #learn(bytes: Uint8Array, start: number, stop: number): void {
    const other = this.#other
    const most = Math.min(other.length, stop - start)
    let same = 0
    while (same < most && other[same] === bytes[start + same] && isPlain(other[same]!)) same++
    this.#other = Uint8Array.prototype.slice.call(bytes, start, Math.min(stop, start + LENGTH_MAX))
    this.#patience = 0
    if (same < LENGTH_MIN) return
    const common = other.subarray(0, same)
    const whole = ownCopy(Buffer.concat([this.#head.bytes, Buffer.of(QUOTE), common]))
    this.piece = this.#pieces.piece(whole, this.#place)
    // What makes a piece may throw.
    this.#start = common
    this.#patience = PATIENCE
  }
}

/** In JSON it stands as it is. */
function isPlain(byte: number): boolean {
  return byte >= 0x20 && byte < 0x7f && byte !== QUOTE && byte !== 0x5c
}
