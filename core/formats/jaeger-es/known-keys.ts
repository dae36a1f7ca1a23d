/** Keys of attributes that come again and again: as they stand in the list of tags, and whether they become fields. */

import { isUtf8 } from 'node:buffer'
import type { Piece } from '../deflate/piece.ts'
import type { Pieces } from '../deflate/pieces.ts'
import { readCachedString } from '../text-cache.ts'
import { CommonStart } from './common-start.ts'
import type { FieldName, FieldNames } from './field-names.ts'
import * as layout from './reading-layout.ts'
import type { ReadingMemory } from './reading-memory.ts'

export interface KnownKey {
  /** `,{"key":"http.method","value":` */
  readonly head: Piece
  /** Of its values that are texts. */
  readonly start: CommonStart
  /** Undefined when the tag stays in the list. */
  readonly name: FieldName | undefined
}

// Not Buffer.from, whose memory is a part of some that others use: one key would keep 64 KiB.
const encoder = new TextEncoder()
// V8 knows the values of a module's own constants; those that it imports are looked up each time.
const { IN_LIST, KEY_LENGTH, KEY_MAX, KEY_SHIFT, KEY_SLOT, KEY_SLOTS, KEYS, PATIENCE, START_LENGTH } = layout

export class KnownKeys {
  /** Of the head of entry 0, and behind it that of what its values begin with; those of the others follow. */
  readonly firstPlace: number
  readonly #names: FieldNames
  readonly #pieces: Pieces
  readonly #memory: ReadingMemory
  /** Slots are looked up by the loop (assembly/reading.ts); they have the numbers of these. */
  readonly #entries: KnownKey[] = []
  #generation: number

  constructor(names: FieldNames, pieces: Pieces, memory: ReadingMemory) {
    this.#names = names
    this.#pieces = pieces
    this.#memory = memory
    this.#generation = names.generation
    this.firstPlace = pieces.places(2 * KEYS)
  }

  /** Before each list: what names were known may have changed. */
  begin(): void {
    const { generation } = this.#names
    if (this.#generation === generation) return
    this.#generation = generation
    this.#memory.numbers.fill(0, KEY_SLOTS, KEY_SLOTS + KEYS)
    this.#entries.length = 0
  }

  /** Undefined for a key that is empty, long or no UTF-8. */
  find(bytes: Uint8Array, start: number, stop: number): KnownKey | undefined {
    const entry = this.#memory.findKey(bytes, start, stop)
    if (entry >= 0) return this.#entries[entry]
    if (start === stop || stop - start > KEY_MAX) return undefined
    return this.#make(bytes.subarray(start, stop))
  }

  at(entry: number): KnownKey {
    return this.#entries[entry]!
  }

  #make(key: Uint8Array): KnownKey | undefined {
    if (!isUtf8(key)) return undefined
    const { numbers, keys } = this.#memory
    const slot = KEY_SLOTS + numbers[KEY_SLOT]!
    // Who was there is pushed aside, and pushes out who was aside.
    const aside = KEY_SLOTS + (numbers[KEY_SLOT]! ^ 1)
    const first = numbers[slot]!
    const second = numbers[aside]!
    const entry = first === 0 || second === 0 ? this.#entries.length : second - 1
    const text = readCachedString(key, 0, key.length)
    const name = this.#names.of(text)
    const place = this.firstPlace + 2 * entry
    // What makes a piece may throw, and what it takes the place of is still found until its slot is another's.
    const head = this.#pieces.piece(encoder.encode(`,{"key":${JSON.stringify(text)},"value":`), place)
    const at = entry << KEY_SHIFT
    const made = { head, start: new CommonStart(head, place + 1, this.#pieces, keys, at), name }
    keys.set(key, at)
    keys[at + KEY_LENGTH] = key.length
    keys[at + START_LENGTH] = keys[at + PATIENCE] = 0
    keys[at + IN_LIST] = name === undefined ? 1 : 0
    this.#entries[entry] = made
    if (first !== 0) numbers[aside] = first
    numbers[slot] = entry + 1
    return made
  }
}
