/** The tags of one list that are fields of the `tag` object instead. */

import { Writer } from '../../otlp/writer.ts'
import type { Piece, Repeats } from '../deflate/repeats.ts'
import type { FieldName } from './field-names.ts'
import { TAG } from './tag-words.ts'

const COMMA = 0x2c
const COLON = 0x3a
const CLOSE_OBJECT = 0x7d

const VALUES_BYTES = 4096
/** A buffer for values that has grown larger is let go. */
const KEPT_BYTES_MAX = 256 * 1024

export class TagFields {
  /** The fields' values one after another. */
  values = new Writer(VALUES_BYTES)
  readonly #repeats: Repeats
  readonly #open: Piece
  /** By field: where its value ends, its name, and what is written instead of both. */
  readonly #ends: number[] = []
  readonly #names: FieldName[] = []
  readonly #pieces: (Piece | undefined)[] = []

  constructor(repeats: Repeats) {
    this.#repeats = repeats
    this.#open = repeats.piece(TAG)
  }

  release(): void {
    this.forget()
    if (this.values.bytes.length > KEPT_BYTES_MAX) this.values = new Writer(VALUES_BYTES)
  }

  forget(): void {
    if (this.#names.length === 0) return
    this.values.rewind()
    this.#ends.length = this.#names.length = this.#pieces.length = 0
  }

  /** What was written to `values` since the one before is the value of this one, unless `piece` is name and value. */
  add(name: FieldName, piece?: Piece): void {
    name.last = this.#names.length
    this.#names.push(name)
    this.#pieces.push(piece)
    this.#ends.push(this.values.pos)
  }

  /** `"tag":{...}` behind a comma, when there are any. Of fields with one name the last counts. */
  write(out: Writer): void {
    const names = this.#names
    if (names.length === 0) return
    this.#repeats.write(out, this.#open)
    let start = 0
    let first = true
    for (let i = 0; i < names.length; i++) {
      const name = names[i]!
      const end = this.#ends[i]!
      if (name.last === i) {
        if (!first) out.byte(COMMA)
        first = false
        const piece = this.#pieces[i]
        if (piece !== undefined) this.#repeats.write(out, piece)
        else {
          out.raw(name.json)
          out.byte(COLON)
          out.raw(this.values.bytes, start, end)
        }
      }
      start = end
    }
    out.byte(CLOSE_OBJECT)
  }
}
