/** What tags of Jaeger's documents are made of. */

import type { Piece } from '../deflate/piece.ts'
import type { Pieces } from '../deflate/pieces.ts'
import type { FieldName } from './field-names.ts'

export const KEY = Buffer.from(',{"key":')
export const VALUE = Buffer.from(',"value":')
export const TYPES = {
  string: Buffer.from(',"type":"string"}'),
  bool: Buffer.from(',"type":"bool"}'),
  int64: Buffer.from(',"type":"int64"}'),
  float64: Buffer.from(',"type":"float64"}'),
  binary: Buffer.from(',"type":"binary"}'),
} as const
/** Behind the letters of a text. */
export const TEXT_TAIL = Buffer.from('","type":"string"}')
export const NO_TAGS = Buffer.from('[]')
export const OPEN_TAGS = Buffer.from(',"tags":[')
export const OPEN_FIELDS = Buffer.from(',"fields":[')
export interface TagOptions {
  /** Longer values are cut. */
  readonly maxValueBytes: number
}

export type TagType = keyof typeof TYPES

/** A tag that many spans have. */
export interface PreparedTag {
  /** As it stands in the list or as a field with its name, in either case behind a comma. */
  readonly piece: Piece
  /** Undefined when it stays in the list. */
  readonly name: FieldName | undefined
}

/** A key that many tags have. */
export interface PreparedKey {
  /** `,{"key":"error","value":` */
  readonly head: Piece
  readonly name: FieldName | undefined
}

/** A tag behind a comma: in the list, or as the field `name`. `value` is JSON. */
export function tagBytes(
  key: string,
  name: FieldName | undefined,
  value: Uint8Array,
  type: Uint8Array,
): Uint8Array {
  const parts =
    name === undefined
      ? [KEY, Buffer.from(JSON.stringify(key)), VALUE, value, type]
      : [Buffer.from(','), name.json, Buffer.from(':'), value]
  return Uint8Array.from(Buffer.concat(parts))
}

/** Tags that stay in the list and always stand there together, as one in the place of the first. */
export function joined(tags: readonly PreparedTag[], pieces: Pieces): PreparedTag[] {
  const [first] = tags
  if (first === undefined) return []
  const bytes = Uint8Array.from(Buffer.concat(tags.map(({ piece }) => piece.bytes)))
  return [{ piece: pieces.piece(bytes, first.piece.nth), name: undefined }]
}
