/** Names of operations that come again and again, as they stand in documents. */

import { sameBytes } from '../../otlp/cursor.ts'
import { writeJsonString } from '../../otlp/json-values.ts'
import { Writer } from '../../otlp/writer.ts'
import type { Piece } from '../deflate/piece.ts'
import type { Pieces } from '../deflate/pieces.ts'

interface KnownName {
  readonly name: Uint8Array
  /** In quotes. */
  readonly json: Piece
}

const SLOTS = 512
/** Longer names seldom come again. */
const LENGTH_MAX = 128

export class KnownNames {
  readonly #pieces: Pieces
  readonly #slots = new Array<KnownName | undefined>(SLOTS).fill(undefined)
  readonly #text = new Writer(2 * LENGTH_MAX)

  constructor(pieces: Pieces) {
    this.#pieces = pieces
  }

  /** The name `bytes[start, stop)`, which is UTF-8, as JSON. */
  write(out: Writer, bytes: Uint8Array, start: number, stop: number): void {
    const length = stop - start
    if (length === 0 || length > LENGTH_MAX) {
      writeJsonString(out, bytes, start, stop)
      return
    }
    const mixed = (bytes[start]! << 16) | (bytes[stop - 1]! << 8) | bytes[start + (length >> 1)]!
    const slot = Math.imul(mixed + length, 0x9e37_79b1) >>> 23
    const known = this.#slots[slot]
    const { json } =
      known !== undefined && sameBytes(bytes, start, stop, known.name)
        ? known
        : this.#make(slot, bytes.subarray(start, stop))
    this.#pieces.write(out, json)
  }

  #make(slot: number, name: Uint8Array): KnownName {
    this.#text.rewind()
    writeJsonString(this.#text, name, 0, name.length)
    const json = this.#pieces.piece(this.#text.copy(), this.#slots[slot]?.json.nth)
    const made = { name: Uint8Array.from(name), json }
    this.#slots[slot] = made
    return made
  }
}
