/** What tags of Jaeger's documents are made of. */

import type { Piece } from '../deflate/repeats.ts'
import type { FieldName } from './field-names.ts'

export const KEY = Buffer.from('{"key":')
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
export const TAG = Buffer.from(',"tag":{')
export type TagType = keyof typeof TYPES

/** A tag that many spans have. */
export interface PreparedTag {
  /** As it stands in the list, or as a field with its name. */
  readonly piece: Piece
  /** Undefined when it stays in the list. */
  readonly name: FieldName | undefined
}

/** A key that many tags have. */
export interface PreparedKey {
  readonly json: Uint8Array
  readonly name: FieldName | undefined
}
