/**
 * What the values of a key begin with, nearly all of them: paths, hosts, networks. It is written together with the key, and
 * only the rest is not known.
 */

import { ownCopy } from '../../otlp/slab.ts'
import type { Piece } from '../deflate/piece.ts'
import type { Pieces } from '../deflate/pieces.ts'
import * as layout from './reading-layout.ts'

/** Shorter ones are not worth a piece. */
const LENGTH_MIN = 3
/** Where values have nothing in common, one of so many is looked at. */
const PAUSE = 8
const QUOTE = 0x22
const EMPTY = new Uint8Array()
// V8 knows the values of a module's own constants; those that it imports are looked up each time.
const { PATIENCE, PATIENCE_MAX, START, START_LENGTH, START_MAX } = layout

/** Of one key. The loop (assembly/reading.ts) does what `of` does, where nothing is to be learned. */
export class CommonStart {
  /** Head, quote and start. Undefined as long as there is none. */
  piece: Piece | undefined
  readonly #head: Piece
  readonly #pieces: Pieces
  readonly #place: number
  /** The entries of all keys, and where this one is. */
  readonly #keys: Uint8Array
  readonly #at: number
  /** What the last value that began otherwise begins with. */
  #other: Uint8Array = EMPTY

  /** `head`: the key, and all that stands before the value. `place`: for `piece`. `at`: of its entry in `keys`, with no start. */
  constructor(head: Piece, place: number, pieces: Pieces, keys: Uint8Array, at: number) {
    this.#head = head
    this.#place = place
    this.#pieces = pieces
    this.#keys = keys
    this.#at = at
  }

  /** How much of the text `bytes[start, stop)` is in `piece`: 0 when it begins otherwise. */
  of(bytes: Uint8Array, start: number, stop: number): number {
    const keys = this.#keys
    const at = this.#at
    const length = keys[at + START_LENGTH]!
    const patience = keys[at + PATIENCE]!
    if (length > 0 && stop - start >= length) {
      let same = 0
      while (same < length && keys[at + START + same] === bytes[start + same]) same++
      if (same === length) {
        if (patience < PATIENCE_MAX) keys[at + PATIENCE] = patience + 1
        return length
      }
    }
    if (patience > 1) keys[at + PATIENCE] = patience - 1
    else this.#learn(bytes, start, stop)
    return 0
  }

  #learn(bytes: Uint8Array, start: number, stop: number): void {
    const keys = this.#keys
    const at = this.#at
    const other = this.#other
    const most = Math.min(other.length, stop - start)
    let same = 0
    while (same < most && other[same] === bytes[start + same] && isPlain(other[same]!)) same++
    this.#other = Uint8Array.prototype.slice.call(bytes, start, Math.min(stop, start + START_MAX))
    keys[at + PATIENCE] = most === 0 ? 0 : PAUSE
    if (same < LENGTH_MIN) return
    const common = other.subarray(0, same)
    const whole = ownCopy(Buffer.concat([this.#head.bytes, Buffer.of(QUOTE), common]))
    this.piece = this.#pieces.piece(whole, this.#place)
    // What makes a piece may throw.
    keys.set(common, at + START)
    keys[at + START_LENGTH] = same
    keys[at + PATIENCE] = PATIENCE_MAX
  }
}

/** In JSON it stands as it is. */
function isPlain(byte: number): boolean {
  return byte >= 0x20 && byte < 0x7f && byte !== QUOTE && byte !== 0x5c
}
