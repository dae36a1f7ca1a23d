/**
 * Spans by their ids, for whoever has to find one that came before: a bounded table that forgets what came first.
 *
 * An entry is a slot: a small number, under which the owner keeps what it wants to know in arrays of its own. Entries live
 * for one time, the same for all, so the order in which they came is the order in which they end. Nothing is allocated for
 * a span: ids and links are in typed arrays that double, up to `maxItems`.
 *
 * Ids are chosen by whoever sends, so the hash begins with a number that nobody knows.
 */

import { randomInt } from 'node:crypto'
import { readFixed32 } from './cursor.ts'

/** A trace id and a span id, as 32-bit words. */
const WORDS = 6
const FIRST_CAPACITY = 1024
const NONE = -1

export class SpanIndex {
  readonly #maxItems: number
  readonly #ttlMs: number
  readonly #seed: number
  #capacity: number
  #size: number
  #ids: Uint32Array
  #hashes: Uint32Array
  #ends: Float64Array
  /** Slots whose hashes end alike are a chain; the heads are here. As many as slots, a power of two. */
  #heads: Int32Array
  #chain: Int32Array
  /** In the order in which they came. Unused slots are a list too, by `#later`. */
  #earlier: Int32Array
  #later: Int32Array
  #first: number
  #last: number
  #unused: number
  /** The ids that `seek` was asked for last. */
  readonly #wanted = new Uint32Array(WORDS)
  #wantedHash: number

  /** `ttlMs`: how long an entry lives; see `expired`. */
  constructor(maxItems: number, ttlMs: number) {
    this.#maxItems = maxItems
    this.#ttlMs = ttlMs
    this.#seed = randomInt(2 ** 32)
    this.#capacity = 0
    this.#size = 0
    this.#ids = new Uint32Array()
    this.#hashes = new Uint32Array()
    this.#ends = new Float64Array()
    this.#heads = new Int32Array()
    this.#chain = new Int32Array()
    this.#earlier = new Int32Array()
    this.#later = new Int32Array()
    this.#first = NONE
    this.#last = NONE
    this.#unused = NONE
    this.#wantedHash = 0
  }

  get size(): number {
    return this.#size
  }

  get isFull(): boolean {
    return this.#size >= this.#maxItems
  }

  /** What its arrays take. */
  get byteLength(): number {
    return this.#capacity * (WORDS * 4 + 4 + 8 + 4 * 4)
  }

  /**
   * The slot of a span, or -1. Its trace id is the 16 bytes from `traceStart` on, its span id the 8 from `spanStart` on; a
   * negative start is an id of zeros, which is what a missing one means.
   */
  seek(bytes: Uint8Array, traceStart: number, spanStart: number): number {
    const wanted = this.#wanted
    for (let word = 0; word < 4; word++)
      wanted[word] = traceStart < 0 ? 0 : readFixed32(bytes, traceStart + 4 * word)
    wanted[4] = spanStart < 0 ? 0 : readFixed32(bytes, spanStart)
    wanted[5] = spanStart < 0 ? 0 : readFixed32(bytes, spanStart + 4)
    return this.#find()
  }

  /** The same for another span of the trace that `slot` belongs to, by the words of its id. */
  seekBeside(slot: number, spanLow: number, spanHigh: number): number {
    const from = slot * WORDS
    this.#wanted.set(this.#ids.subarray(from, from + 4))
    this.#wanted[4] = spanLow
    this.#wanted[5] = spanHigh
    return this.#find()
  }

  /** True when the span id of this entry is zeros. */
  isRoot(slot: number): boolean {
    return this.#ids[slot * WORDS + 4] === 0 && this.#ids[slot * WORDS + 5] === 0
  }

  /** Makes an entry for the span that was sought last and not found. There must be room. */
  add(nowMs: number): number {
    if (this.#unused === NONE) this.#grow()
    const slot = this.#unused
    this.#unused = this.#later[slot]!
    this.#ids.set(this.#wanted, slot * WORDS)
    this.#hashes[slot] = this.#wantedHash
    this.#ends[slot] = nowMs + this.#ttlMs
    this.#link(slot)
    this.#earlier[slot] = this.#last
    this.#later[slot] = NONE
    if (this.#last === NONE) this.#first = slot
    else this.#later[this.#last] = slot
    this.#last = slot
    this.#size++
    return slot
  }

  remove(slot: number): void {
    const head = this.#hashes[slot]! & (this.#capacity - 1)
    let at = this.#heads[head]!
    if (at === slot) this.#heads[head] = this.#chain[slot]!
    else {
      while (this.#chain[at] !== slot) at = this.#chain[at]!
      this.#chain[at] = this.#chain[slot]!
    }
    const earlier = this.#earlier[slot]!
    const later = this.#later[slot]!
    if (earlier === NONE) this.#first = later
    else this.#later[earlier] = later
    if (later === NONE) this.#last = earlier
    else this.#earlier[later] = earlier
    this.#later[slot] = this.#unused
    this.#unused = slot
    this.#size--
  }

  /** The oldest entry when its time is over, else -1. It stays until it is removed. */
  expired(nowMs: number): number {
    return this.#first !== NONE && this.#ends[this.#first]! < nowMs ? this.#first : NONE
  }

  /** The oldest entry, or -1. */
  get oldest(): number {
    return this.#first
  }

  #find(): number {
    const wanted = this.#wanted
    let hash = this.#seed
    for (let word = 0; word < WORDS; word++) hash = mix(hash, wanted[word]!)
    hash = finish(hash)
    this.#wantedHash = hash
    if (this.#size === 0) return NONE
    let slot = this.#heads[hash & (this.#capacity - 1)]!
    for (; slot !== NONE; slot = this.#chain[slot]!) if (this.#hashes[slot] === hash && this.#is(slot)) break
    return slot
  }

  #is(slot: number): boolean {
    const from = slot * WORDS
    for (let word = 0; word < WORDS; word++) if (this.#ids[from + word] !== this.#wanted[word]) return false
    return true
  }

  #link(slot: number): void {
    const head = this.#hashes[slot]! & (this.#capacity - 1)
    this.#chain[slot] = this.#heads[head]!
    this.#heads[head] = slot
  }

  /** All slots are in use. */
  #grow(): void {
    const before = this.#capacity
    const capacity = before === 0 ? FIRST_CAPACITY : before * 2
    this.#capacity = capacity
    this.#ids = grown(this.#ids, new Uint32Array(capacity * WORDS))
    this.#hashes = grown(this.#hashes, new Uint32Array(capacity))
    this.#ends = grown(this.#ends, new Float64Array(capacity))
    this.#chain = grown(this.#chain, new Int32Array(capacity))
    this.#earlier = grown(this.#earlier, new Int32Array(capacity))
    this.#later = grown(this.#later, new Int32Array(capacity))
    this.#heads = new Int32Array(capacity).fill(NONE)
    for (let slot = 0; slot < before; slot++) this.#link(slot)
    for (let slot = before; slot < capacity; slot++) this.#later[slot] = slot + 1 < capacity ? slot + 1 : NONE
    this.#unused = before
  }
}

/** A round and the end of MurmurHash3, 32 bits (smhasher). */
function mix(hash: number, word: number): number {
  let k = Math.imul(word, 0xcc9e_2d51)
  k = (k << 15) | (k >>> 17)
  hash ^= Math.imul(k, 0x1b87_3593)
  hash = (hash << 13) | (hash >>> 19)
  return (Math.imul(hash, 5) + 0xe654_6b64) | 0
}

function finish(hash: number): number {
  hash ^= hash >>> 16
  hash = Math.imul(hash, 0x85eb_ca6b)
  hash ^= hash >>> 13
  hash = Math.imul(hash, 0xc2b2_ae35)
  return (hash ^ (hash >>> 16)) >>> 0
}

function grown<A extends Uint32Array | Int32Array | Float64Array>(from: A, to: A): A {
  to.set(from)
  return to
}
