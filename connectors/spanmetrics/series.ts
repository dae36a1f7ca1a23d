/**
 * The series of one metric, or of several that have the same dimensions: rows in arrays, found by the bytes of their
 * keys. Nothing is an object but what few series have: exponential buckets and exemplars.
 *
 * A row keeps its number until `sweep`. What is held is entered into a budget by the capacity of the arrays.
 */

import { ExponentialHistogram } from '../../core/formats/exponential-histogram.ts'
import { Exemplars } from '../../core/otlp/metrics-writer.ts'
import { bucketOf, fitted, grown, hashOf, powerAbove } from './arrays.ts'
import type { Budget } from './budget.ts'

/** No row: there is no such series, or no room for one. */
export const NONE = -1

const ROWS_MIN = 16
const ARENA_MIN = 4096
/** Where keys begin are 32 bits, whatever the budget says; what is needed all the same is small. */
const ARENA_MAX = 2 ** 32 - 2 ** 24
/** hash, key, attributes, owner, count, sum, start, seen, first, exemplars, exponential: bytes a row. */
const ROW_BYTES = 4 + 4 + 4 + 4 + 4 + 8 + 8 + 8 + 8 + 1 + 8 + 8
/** What of a series' durations is kept. */
export type HistogramKind =
  | { readonly kind: 'none' }
  | { readonly kind: 'explicit'; readonly bounds: Float64Array }
  | { readonly kind: 'exponential'; readonly maxSize: number }

export class SeriesTable {
  size: number
  /** By row. Whose it is. */
  owner: Int32Array
  /** Spans or events. Doubles, exact up to 2^53. */
  count: Float64Array
  /** When it began, ms since 1970. */
  start: Float64Array
  /** When a span of it came last, ms on the monotonic clock. */
  seen: Float64Array
  /** 1 until it is handed on for the first time. */
  first: Uint8Array
  /** Of durations. */
  sum: Float64Array
  /** `bounds.length + 1` a row. */
  buckets: Float64Array
  exponential: (ExponentialHistogram | undefined)[]
  exemplars: (Exemplars | undefined)[]
  /** Keys, and attributes behind them. */
  arena: Uint8Array
  keyAt: Uint32Array
  keyLength: Int32Array
  attributesLength: Int32Array
  readonly histogram: HistogramKind
  /** Buckets a row, of explicit histograms. */
  readonly width: number
  readonly #budget: Budget
  readonly #exemplarsMax: number
  /** What exponential buckets take once all of them are in use; 0 without any. */
  readonly #exponentialBytes: number
  readonly #arenaMax: number
  #arenaUsed: number
  #hashes: Int32Array
  #slots: Int32Array
  /** Of exponential buckets and exemplars. */
  #extra: number

  /** `arenaMax`: bytes of keys and attributes, beyond which there is only what is needed. */
  constructor(histogram: HistogramKind, exemplarsMax: number, budget: Budget, arenaMax = ARENA_MAX) {
    this.histogram = histogram
    this.#arenaMax = arenaMax
    this.width = histogram.kind === 'explicit' ? histogram.bounds.length + 1 : 0
    this.size = 0
    this.#budget = budget
    this.#exemplarsMax = exemplarsMax
    this.#exponentialBytes = histogram.kind === 'exponential' ? OBJECT_BYTES + 8 * histogram.maxSize : 0
    this.owner = new Int32Array(0)
    this.count = this.start = this.seen = this.sum = this.buckets = new Float64Array(0)
    this.first = new Uint8Array(0)
    this.exponential = []
    this.exemplars = []
    this.arena = new Uint8Array(0)
    this.keyAt = new Uint32Array(0)
    this.keyLength = this.attributesLength = this.#hashes = new Int32Array(0)
    this.#slots = new Int32Array(0)
    this.#arenaUsed = 0
    this.#extra = 0
    this.#resize(ROWS_MIN)
    this.#resizeArena(ARENA_MIN)
  }

  get capacity(): number {
    return this.owner.length
  }

  /** Bytes held. */
  get byteLength(): number {
    return this.#rowBytes(this.capacity) + this.arena.length + this.#extra
  }

  /** With the hash table, which is half empty at least. */
  #rowBytes(rows: number): number {
    if (rows === 0) return 0
    return rows * (ROW_BYTES + this.width * 8) + powerAbove(rows * 2, ROWS_MIN) * 4
  }

  /** The row of `key[0, length)`, or NONE. */
  find(key: Uint8Array, length: number): number {
    const hash = hashOf(key, length)
    const slots = this.#slots
    const mask = slots.length - 1
    for (let slot = hash & mask; ; slot = (slot + 1) & mask) {
      const row = slots[slot]! - 1
      if (row < 0) return NONE
      if (this.#hashes[row] === hash && this.#same(row, key, length)) return row
    }
  }

  #same(row: number, key: Uint8Array, length: number): boolean {
    if (this.keyLength[row] !== length) return false
    const arena = this.arena
    const at = this.keyAt[row]!
    for (let i = 0; i < length; i++) if (arena[at + i] !== key[i]) return false
    return true
  }

  /**
   * A new row for a key that is not there. NONE when there is no room for it, unless it is `needed`: then the budget is
   * exceeded by as little as can be.
   */
  add(
    key: Uint8Array,
    length: number,
    attributes: Uint8Array,
    owner: number,
    start: number,
    needed = false,
  ): number {
    if (!this.#makeRoom(length + attributes.length, needed)) return NONE
    const row = this.size++
    const at = this.#arenaUsed
    this.arena.set(key.subarray(0, length), at)
    this.arena.set(attributes, at + length)
    this.#arenaUsed = at + length + attributes.length
    this.keyAt[row] = at
    this.keyLength[row] = length
    this.attributesLength[row] = attributes.length
    this.owner[row] = owner
    this.start[row] = start
    this.first[row] = 1
    this.count[row] = 0
    this.sum[row] = 0
    this.buckets.fill(0, row * this.width, (row + 1) * this.width)
    const hash = hashOf(key, length)
    this.#hashes[row] = hash
    this.#enter(row, hash)
    return row
  }

  #enter(row: number, hash: number): void {
    const slots = this.#slots
    const mask = slots.length - 1
    let slot = hash & mask
    while (slots[slot] !== 0) slot = (slot + 1) & mask
    slots[slot] = row + 1
  }

  #makeRoom(bytes: number, needed: boolean): boolean {
    if (!needed && !this.#budget.fits(this.#exponentialBytes)) return false
    if (this.size === this.capacity) {
      const now = this.#rowBytes(this.capacity)
      const fits = (rows: number): boolean => this.#budget.fits(this.#rowBytes(rows) - now)
      const rows = grown(this.capacity, this.size + 1, fits, needed)
      if (rows === 0) return false
      this.#resize(rows)
    }
    const wanted = this.#arenaUsed + bytes
    if (wanted > this.arena.length) {
      const fits = (size: number): boolean =>
        size <= this.#arenaMax && this.#budget.fits(size - this.arena.length)
      const size = grown(this.arena.length, wanted, fits, needed)
      if (size === 0) return false
      this.#resizeArena(size)
    }
    return true
  }

  /** Enters a duration `times` times, beside what is in `count`. */
  observe(row: number, duration: number, times: number): void {
    const { histogram } = this
    if (histogram.kind === 'explicit') {
      this.sum[row] = this.sum[row]! + duration * times
      const slot = row * this.width + bucketOf(histogram.bounds, duration)
      this.buckets[slot] = this.buckets[slot]! + times
    } else if (histogram.kind === 'exponential') {
      let buckets = this.exponential[row]
      if (buckets === undefined) {
        buckets = new ExponentialHistogram(histogram.maxSize)
        this.exponential[row] = buckets
        this.#hold(this.#exponentialBytes)
      }
      buckets.add(duration, times)
    }
  }

  /** Ids are at these positions of `bytes`. */
  exemplify(row: number, bytes: Uint8Array, traceId: number, spanId: number, value: number): void {
    let some = this.exemplars[row]
    const more = some === undefined ? OBJECT_BYTES + Exemplars.byteLength(this.#exemplarsMax) : some.growth
    if (more > 0) {
      if (!this.#budget.fits(more)) return
      this.#hold(more)
    }
    if (some === undefined) this.exemplars[row] = some = new Exemplars(this.#exemplarsMax)
    some.add(bytes, traceId, spanId, value)
  }

  /** Forgets what was counted; the series stays. */
  clear(row: number): void {
    this.count[row] = 0
    this.sum[row] = 0
    this.buckets.fill(0, row * this.width, (row + 1) * this.width)
    if (this.exponential[row] === undefined) return
    this.exponential[row] = undefined
    this.#hold(-this.#exponentialBytes)
  }

  #hold(bytes: number): void {
    this.#extra += bytes
    this.#budget.bytes += bytes
  }

  /** Takes out the rows that `gone` says; the others get new numbers, in the order they had. */
  sweep(gone: Uint8Array): void {
    const { size } = this
    let kept = 0
    let used = 0
    for (let row = 0; row < size; ) {
      if (gone[row] === 1) {
        this.#letGo(row++)
        continue
      }
      let stop = row + 1
      while (stop < size && gone[stop] !== 1) stop++
      used = this.#move(row, stop, kept, used)
      kept += stop - row
      row = stop
    }
    this.exponential.length = Math.min(this.exponential.length, kept)
    this.exemplars.length = Math.min(this.exemplars.length, kept)
    this.size = kept
    this.#arenaUsed = used
    // Memory that an attack took is given back once its series are gone.
    if (kept < this.capacity / 4) this.#resize(powerAbove(kept * 2, ROWS_MIN))
    else this.#rehash(this.#slots.fill(0))
    if (used < this.arena.length / 4) this.#resizeArena(powerAbove(used * 2, ARENA_MIN))
  }

  #letGo(row: number): void {
    if (this.exponential[row] !== undefined) this.#hold(-this.#exponentialBytes)
    const some = this.exemplars[row]
    if (some !== undefined) this.#hold(-OBJECT_BYTES - some.byteLength)
  }

  /** Rows from `from` up to `stop` become those from `to` on, their keys those at `used`; says where these end. */
  #move(from: number, stop: number, to: number, used: number): number {
    const { width, arena, keyAt, keyLength, attributesLength } = this
    // Arenas are filled in the order of rows, so that nothing is written over that is still to be moved.
    const start = keyAt[from]!
    const end = keyAt[stop - 1]! + keyLength[stop - 1]! + attributesLength[stop - 1]!
    if (from === to) return end
    arena.copyWithin(used, start, end)
    this.buckets.copyWithin(to * width, from * width, stop * width)
    for (let row = from; row < stop; row++, to++) {
      keyAt[to] = keyAt[row]! - start + used
      keyLength[to] = keyLength[row]!
      attributesLength[to] = attributesLength[row]!
      this.#hashes[to] = this.#hashes[row]!
      this.owner[to] = this.owner[row]!
      this.count[to] = this.count[row]!
      this.start[to] = this.start[row]!
      this.seen[to] = this.seen[row]!
      this.first[to] = this.first[row]!
      this.sum[to] = this.sum[row]!
      this.exponential[to] = this.exponential[row]
      this.exemplars[to] = this.exemplars[row]
    }
    return used + end - start
  }

  #resize(rows: number): void {
    const before = this.capacity
    this.owner = fitted(this.owner, new Int32Array(rows))
    this.count = fitted(this.count, new Float64Array(rows))
    this.start = fitted(this.start, new Float64Array(rows))
    this.seen = fitted(this.seen, new Float64Array(rows))
    this.sum = fitted(this.sum, new Float64Array(rows))
    this.first = fitted(this.first, new Uint8Array(rows))
    this.keyAt = fitted(this.keyAt, new Uint32Array(rows))
    this.keyLength = fitted(this.keyLength, new Int32Array(rows))
    this.attributesLength = fitted(this.attributesLength, new Int32Array(rows))
    this.#hashes = fitted(this.#hashes, new Int32Array(rows))
    this.buckets = fitted(this.buckets, new Float64Array(rows * this.width))
    this.#budget.bytes += this.#rowBytes(rows) - this.#rowBytes(before)
    this.#rehash(new Int32Array(powerAbove(rows * 2, ROWS_MIN)))
  }

  #rehash(slots: Int32Array): void {
    this.#slots = slots
    for (let row = 0; row < this.size; row++) this.#enter(row, this.#hashes[row]!)
  }

  #resizeArena(bytes: number): void {
    this.#budget.bytes += bytes - this.arena.length
    this.arena = fitted(this.arena, new Uint8Array(bytes))
  }
}

/** What an object of V8 with an array in it takes, beside what is in the array. Measured. */
const OBJECT_BYTES = 500
