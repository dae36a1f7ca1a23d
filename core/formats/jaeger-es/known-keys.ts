/** Keys of attributes that come again and again: as they stand in the list of tags, and whether they become fields. */

import { isUtf8 } from 'node:buffer'
import { sameBytes } from '../../otlp/cursor.ts'
import type { Piece } from '../deflate/piece.ts'
import type { Pieces } from '../deflate/pieces.ts'
import { readCachedString } from '../text-cache.ts'
import { CommonStart } from './common-start.ts'
import type { FieldName, FieldNames } from './field-names.ts'

export interface KnownKey {
  readonly bytes: Uint8Array
  /** `,{"key":"http.method","value":` */
  readonly head: Piece
  /** Of its values that are texts. */
  readonly start: CommonStart
  /** Undefined when the tag stays in the list. */
  readonly name: FieldName | undefined
  readonly generation: number
}

// Not Buffer.from, whose memory is a part of some that others use: one key would keep 64 KiB.
const encoder = new TextEncoder()
const SLOTS = 1024
/** Longer keys seldom come again. */
const LENGTH_MAX = 64

export class KnownKeys {
  readonly #names: FieldNames
  readonly #pieces: Pieces
  readonly #slots = new Array<KnownKey | undefined>(SLOTS).fill(undefined)

  constructor(names: FieldNames, pieces: Pieces) {
    this.#names = names
    this.#pieces = pieces
  }

  /** Undefined for a key that is empty, long or no UTF-8. */
  find(bytes: Uint8Array, start: number, stop: number): KnownKey | undefined {
    const length = stop - start
    if (length === 0 || length > LENGTH_MAX) return undefined
    // Keys of one length differ at their ends, or in the middle.
    const mixed = (bytes[start]! << 16) | (bytes[stop - 1]! << 8) | bytes[start + (length >> 1)]!
    const slot = (Math.imul(mixed + length, 0x9e37_79b1) >>> 22) & (SLOTS - 1)
    const first = this.#slots[slot]
    if (first !== undefined && this.#is(first, bytes, start, stop)) return first
    // Two keys of one slot have room side by side.
    const second = this.#slots[slot ^ 1]
    if (second !== undefined && this.#is(second, bytes, start, stop)) return second
    // Who is made takes the place of who is pushed out, and who is pushed aside keeps its own.
    const made = this.#make(bytes.subarray(start, stop), first === undefined ? undefined : second?.head.nth)
    if (made === undefined) return undefined
    if (first !== undefined) this.#slots[slot ^ 1] = first
    this.#slots[slot] = made
    return made
  }

  #is(known: KnownKey, bytes: Uint8Array, start: number, stop: number): boolean {
    return known.generation === this.#names.generation && sameBytes(bytes, start, stop, known.bytes)
  }

  #make(key: Uint8Array, takesPlace: number | undefined): KnownKey | undefined {
    if (!isUtf8(key)) return undefined
    const text = readCachedString(key, 0, key.length)
    // One for the head, and one for what values begin with.
    const place = takesPlace ?? this.#pieces.places(2)
    const head = this.#pieces.piece(encoder.encode(`,{"key":${JSON.stringify(text)},"value":`), place)
    const name = this.#names.of(text)
    return {
      bytes: Uint8Array.from(key),
      head,
      start: new CommonStart(head, place + 1, this.#pieces),
      name,
      generation: this.#names.generation,
    }
  }
}
