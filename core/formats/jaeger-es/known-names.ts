/** Names of operations that come again and again, as they stand in documents. */

import { sameBytes } from '../../otlp/cursor.ts'
import { writeJsonString } from '../../otlp/json-values.ts'
import { Writer } from '../../otlp/writer.ts'
import type { Piece } from '../deflate/piece.ts'
import type { Pieces } from '../deflate/pieces.ts'
import type { Index } from './index-names.ts'

export interface KnownName {
  readonly name: Uint8Array
  /** In quotes. */
  readonly json: Piece
  /** The document of that operation of this process's service is in that index, and stays known until then. */
  process: number
  index: Index | undefined
  untilMs: number
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

  /** Undefined when the name is not known. */
  find(bytes: Uint8Array, start: number, stop: number): KnownName | undefined {
    const known = this.#slots[slotOf(bytes, start, stop)]
    return known !== undefined && sameBytes(bytes, start, stop, known.name) ? known : undefined
  }

  /** Keeps a name, which is UTF-8, unless it is empty or long: then undefined. */
  keep(bytes: Uint8Array, start: number, stop: number): KnownName | undefined {
    if (start === stop || stop - start > LENGTH_MAX) return undefined
    const slot = slotOf(bytes, start, stop)
    this.#text.rewind()
    writeJsonString(this.#text, bytes, start, stop)
    const json = this.#pieces.piece(this.#text.copy(), this.#slots[slot]?.json.nth)
    const name = Uint8Array.prototype.slice.call(bytes, start, stop)
    const made = { name, json, process: 0, index: undefined, untilMs: 0 }
    this.#slots[slot] = made
    return made
  }
}

function slotOf(bytes: Uint8Array, start: number, stop: number): number {
  if (start === stop) return 0
  const mixed = (bytes[start]! << 16) | (bytes[stop - 1]! << 8) | bytes[start + ((stop - start) >> 1)]!
  return Math.imul(mixed + stop - start, 0x9e37_79b1) >>> 23
}
