/** Tags as they begin a list, which have its opening before them instead of their comma. */

import type { Writer } from '../../otlp/writer.ts'
import type { Piece } from '../deflate/piece.ts'
import type { Pieces } from '../deflate/pieces.ts'

/** More tags seldom come first, or longer ones. */
const KNOWN_MAX = 64
const KNOWN_BYTES_MAX = 512

export class FirstTags {
  readonly #pieces: Pieces
  readonly #opening: Uint8Array
  readonly #known = new Map<Piece, Piece>()
  readonly #places: number[] = []
  #last: Piece | undefined
  #lastFirst: Piece | undefined

  /** `opening`: `,"tags":[` */
  constructor(opening: Uint8Array, pieces: Pieces) {
    this.#opening = opening
    this.#pieces = pieces
  }

  /** The opening and the tag, or what it begins with. */
  write(out: Writer, tag: Piece): void {
    if (tag.bytes.length > KNOWN_BYTES_MAX) {
      out.raw(this.#opening)
      out.raw(tag.bytes, 1)
      return
    }
    if (this.#lastFirst === undefined || this.#last !== tag) {
      this.#lastFirst = this.#known.get(tag) ?? this.#make(tag)
      this.#last = tag
    }
    this.#pieces.write(out, this.#lastFirst)
  }

  #make(tag: Piece): Piece {
    if (this.#known.size === KNOWN_MAX) this.#known.clear()
    const nth = this.#known.size
    this.#places[nth] ??= this.#pieces.place()
    const bytes = Uint8Array.from(Buffer.concat([this.#opening, tag.bytes.subarray(1)]))
    const first = this.#pieces.piece(bytes, this.#places[nth])
    this.#known.set(tag, first)
    return first
  }
}
