/**
 * Small numbers found by byte strings as they lie in a request, without making a string of them: an open-addressing hash
 * table whose keys are copies. Indexes count up from 0 in the order of `add`, so that whatever belongs to a key stands
 * in an array beside it.
 */

import { sameRange } from '../otlp/cursor.ts'
import { ByteArena, offsetOf } from './byte-arena.ts'

/** Senders choose the bytes: with a start that they do not know they cannot choose collisions. */
const SEED = (Math.random() * 0x1_0000_0000) | 0

const SMALLEST = 256

/** What is kept of each key, in one array: four numbers, of which the place counts from 0 to 4 GiB. */
const HASH = 0
const PARENT = 1
const PLACE = 2
const LENGTH = 3
const WIDTH = 4

export class ByteTable {
  /** Index + 1; 0 is free. Never more than half full. */
  #slots = new Int32Array(SMALLEST)
  #keys = new Int32Array(SMALLEST)
  #size = 0
  readonly #arena = new ByteArena()
  /** Of the `find` that came last. */
  #hash = 0

  get size(): number {
    return this.#size
  }

  /** Of its keys. */
  get bytes(): number {
    return this.#arena.bytes
  }

  /** Whether `bytes[start, stop)` is the key of this index. */
  same(index: number, bytes: Uint8Array, start: number, stop: number): boolean {
    const length = this.lengthOf(index)
    if (length !== stop - start) return false
    const offset = this.startOf(index)
    return sameRange(bytes, start, stop, this.bytesOf(index), offset, offset + length)
  }

  /** The key as text: it has to be UTF-8. */
  text(index: number): string {
    const start = this.startOf(index)
    return Buffer.prototype.utf8Slice.call(this.bytesOf(index), start, start + this.lengthOf(index))
  }

  /** The buffer in which the key lies, from `startOf` on, `lengthOf` bytes long. */
  bytesOf(index: number): Uint8Array {
    return this.#arena.chunkOf(this.#placeOf(index))
  }

  startOf(index: number): number {
    return offsetOf(this.#placeOf(index))
  }

  lengthOf(index: number): number {
    return this.#keys[index * WIDTH + LENGTH]!
  }

  parentOf(index: number): number {
    return this.#keys[index * WIDTH + PARENT]!
  }

  /** The index of the key, or -1. Equal bytes under two parents are two keys. */
  find(parent: number, bytes: Uint8Array, start: number, stop: number): number {
    const hash = hashOf(parent, bytes, start, stop)
    this.#hash = hash
    const slots = this.#slots
    const keys = this.#keys
    const mask = slots.length - 1
    for (let at = hash & mask; ; at = (at + 1) & mask) {
      const index = slots[at]! - 1
      if (index < 0) return -1
      if (
        keys[index * WIDTH + HASH] === hash &&
        keys[index * WIDTH + PARENT] === parent &&
        this.same(index, bytes, start, stop)
      )
        return index
    }
  }

  /** Adds the key for which `find` has just said -1. */
  add(parent: number, bytes: Uint8Array, start: number, stop: number): number {
    const index = this.#size++
    const at = index * WIDTH
    if (at === this.#keys.length) {
      const more = new Int32Array(at * 2)
      more.set(this.#keys)
      this.#keys = more
    }
    this.#keys[at + HASH] = this.#hash
    this.#keys[at + PARENT] = parent
    this.#keys[at + PLACE] = this.#arena.add(bytes, start, stop)
    this.#keys[at + LENGTH] = stop - start
    if (this.#size * 2 > this.#slots.length) this.#grow()
    else this.#slot(index)
    return index
  }

  clear(): void {
    this.#slots = new Int32Array(SMALLEST)
    this.#keys = new Int32Array(SMALLEST)
    this.#size = 0
    this.#arena.clear()
  }

  #placeOf(index: number): number {
    return this.#keys[index * WIDTH + PLACE]! >>> 0
  }

  #grow(): void {
    this.#slots = new Int32Array(this.#slots.length * 2)
    for (let index = 0; index < this.#size; index++) this.#slot(index)
  }

  #slot(index: number): void {
    const slots = this.#slots
    const mask = slots.length - 1
    let at = this.#keys[index * WIDTH + HASH]! & mask
    while (slots[at] !== 0) at = (at + 1) & mask
    slots[at] = index + 1
  }
}

/** Four bytes a step, mixed as MurmurHash3 does. */
function hashOf(parent: number, bytes: Uint8Array, start: number, stop: number): number {
  let hash = mix(SEED, parent | 0)
  let i = start
  for (; i + 4 <= stop; i += 4) {
    hash = mix(hash, bytes[i]! | (bytes[i + 1]! << 8) | (bytes[i + 2]! << 16) | (bytes[i + 3]! << 24))
  }
  let rest = stop - start
  for (; i < stop; i++) rest = (rest << 8) | bytes[i]!
  hash = mix(hash, rest)
  hash ^= hash >>> 16
  hash = Math.imul(hash, 0x85eb_ca6b)
  hash ^= hash >>> 13
  hash = Math.imul(hash, 0xc2b2_ae35)
  return hash ^ (hash >>> 16)
}

function mix(hash: number, word: number): number {
  const k = Math.imul(word, 0xcc9e_2d51)
  hash ^= Math.imul((k << 15) | (k >>> 17), 0x1b87_3593)
  return (Math.imul((hash << 13) | (hash >>> 19), 5) + 0xe654_6b64) | 0
}
