/** A small set of byte strings, each with a slot from 0 on, that says quickly that something is not in it. */

import { sameBytes } from './cursor.ts'

const encoder = new TextEncoder()
const NONE: readonly number[] = Object.freeze([])

export class KeySet {
  /** 1 where there is a key with so many bytes; longer keys than these are in the set's `find` all the same. */
  readonly lengths: Uint8Array
  readonly #keys: Uint8Array[]
  readonly #slotsByLength: Map<number, number[]>

  constructor(texts: Iterable<string> = []) {
    this.lengths = new Uint8Array(128)
    this.#keys = []
    this.#slotsByLength = new Map()
    for (const text of texts) this.add(text)
  }

  get size(): number {
    return this.#keys.length
  }

  /** The slot of `text`, which is added when it is new. */
  add(text: string): number {
    const key = encoder.encode(text)
    const known = this.find(key, 0, key.length)
    if (known >= 0) return known
    const slot = this.#keys.push(key) - 1
    const slots = this.#slotsByLength.get(key.length)
    if (slots === undefined) this.#slotsByLength.set(key.length, [slot])
    else slots.push(slot)
    if (key.length < this.lengths.length) this.lengths[key.length] = 1
    return slot
  }

  at(slot: number): Uint8Array {
    return this.#keys[slot]!
  }

  /** The slot of `bytes[start, stop)`, or -1. */
  find(bytes: Uint8Array, start: number, stop: number): number {
    for (const slot of this.#slotsByLength.get(stop - start) ?? NONE)
      if (sameBytes(bytes, start, stop, this.#keys[slot]!)) return slot
    return -1
  }
}
