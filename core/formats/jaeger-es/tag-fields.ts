/** The tags of one list that are fields of the `tag` object instead. */

import { Writer } from '../../otlp/writer.ts'
import type { Piece } from '../deflate/piece.ts'
import type { Pieces } from '../deflate/pieces.ts'
import type { FieldName } from './field-names.ts'
import { FirstTags } from './first-tags.ts'

const COMMA = 0x2c
const COLON = 0x3a
const OPEN_OBJECT = Buffer.from(',"tag":{')
const BEHIND_LIST = Buffer.from('],"tag":{')

const VALUES_BYTES = 4096
/** A buffer for values that has grown larger is let go. */
const KEPT_BYTES_MAX = 256 * 1024

interface Field {
  name: FieldName
  /** What is written instead of name and value, behind a comma. */
  piece: Piece | undefined
  /** Where its value ends. */
  end: number
}

export class TagFields {
  /** The fields' values one after another. */
  values = new Writer(VALUES_BYTES)
  readonly #pieces: Pieces
  readonly #firsts: FirstTags
  /** The first `#count` are of this list. A list that is emptied would grow anew with every span. */
  #fields: Field[] = []
  #count = 0

  constructor(pieces: Pieces) {
    this.#pieces = pieces
    this.#firsts = new FirstTags(BEHIND_LIST, pieces)
  }

  get any(): boolean {
    return this.#count > 0
  }

  release(): void {
    this.forget()
    if (this.values.bytes.length > KEPT_BYTES_MAX) this.values = new Writer(VALUES_BYTES)
    // They hold names.
    this.#fields = []
  }

  forget(): void {
    this.values.rewind()
    this.#count = 0
  }

  /** What was written to `values` since the one before is the value of this one, unless `piece` is name and value. */
  add(name: FieldName, piece?: Piece): void {
    const nth = this.#count++
    const field = this.#fields[nth]
    name.last = nth
    if (field === undefined) {
      this.#fields.push({ name, piece, end: this.values.pos })
      return
    }
    field.name = name
    field.piece = piece
    field.end = this.values.pos
  }

  /**
   * The object with all fields but for its last bracket, when there are any. Of fields with one name the last counts.
   * `behindList`: the list before it still has its last bracket to come.
   */
  write(out: Writer, behindList: boolean): void {
    let start = 0
    let first = true
    for (let i = 0; i < this.#count; i++) {
      const { name, piece, end } = this.#fields[i]!
      if (name.last === i) {
        if (first && behindList && piece !== undefined) this.#firsts.write(out, piece)
        else {
          if (first) out.raw(behindList ? BEHIND_LIST : OPEN_OBJECT)
          if (piece !== undefined) this.#write(out, piece, first)
          else {
            if (!first) out.byte(COMMA)
            out.raw(name.json)
            out.byte(COLON)
            out.raw(this.values.bytes, start, end)
          }
        }
        first = false
      }
      start = end
    }
  }

  #write(out: Writer, piece: Piece, first: boolean): void {
    if (first) out.raw(piece.bytes, 1)
    else this.#pieces.write(out, piece)
  }
}
