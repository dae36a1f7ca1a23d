/** Flags of spans, of which there are few, as they stand in documents between an id and the name of the operation. */

import type { Piece } from '../deflate/piece.ts'
import type { Pieces } from '../deflate/pieces.ts'

/** Others are made anew, in turn. */
const KNOWN_MAX = 16

export class KnownFlags {
  readonly #pieces: Pieces
  readonly #known = new Map<number, Piece>()
  readonly #places: number[] = []
  #made = 0

  constructor(pieces: Pieces) {
    this.#pieces = pieces
  }

  /** `","flags":1,"operationName":` */
  of(flags: number): Piece {
    return this.#known.get(flags) ?? this.#make(flags)
  }

  #make(flags: number): Piece {
    if (this.#known.size === KNOWN_MAX) this.#known.delete(this.#known.keys().next().value!)
    const turn = this.#made++ % KNOWN_MAX
    this.#places[turn] ??= this.#pieces.place()
    const text = `","flags":${flags},"operationName":`
    const piece = this.#pieces.piece(Uint8Array.from(Buffer.from(text)), this.#places[turn])
    this.#known.set(flags, piece)
    return piece
  }
}
