/**
 * The memory of one instance of reading.wasm (assembly/reading.ts): a window of the request that is read, and what is known
 * of attributes and their keys. Where things are is said in reading-layout.ts.
 */

import { readFileSync } from 'node:fs'
import * as layout from './reading-layout.ts'

// V8 knows the values of a module's own constants; those that it imports are looked up each time.
const { ALONE, HASH_HIGH, HASH_LOW, KEY_ENTRIES, KEY_ENTRIES_BYTES, KNOWN, KNOWN_BYTES, KNOWN_MAX } = layout
const { LENGTHS, MEMORY_BYTES, NUMBERS_END, PAGE_BYTES, SLOTS, WINDOW, WINDOW_BYTES } = layout

const PAGES = MEMORY_BYTES / PAGE_BYTES
const code = new WebAssembly.Module(readFileSync(new URL('./reading.wasm', import.meta.url)))
const EMPTY: Uint8Array = new Uint8Array()

interface Loops {
  readSpan(from: number, to: number, base: number): number
  findAttributes(next: number, count: number, base: number): number
  findAttribute(start: number, stop: number, nth: number): number
  findKey(start: number, stop: number): number
  hashContent(start: number, stop: number, low: number, high: number): void
}

export class ReadingMemory {
  readonly numbers: Int32Array
  /** By slot. */
  readonly lengths: Uint8Array
  readonly known: Uint8Array
  readonly keys: Uint8Array
  readonly #alone: Uint8Array
  readonly #window: Uint8Array
  readonly #loops: Loops
  /** What is in the window: `[start, stop)` of `bytes`. */
  #bytes = EMPTY
  #start = 0
  #stop = 0

  constructor() {
    // It never grows: then its bytes never move.
    const memory = new WebAssembly.Memory({ initial: PAGES, maximum: PAGES })
    const { buffer } = memory
    this.numbers = new Int32Array(buffer, 0, NUMBERS_END)
    this.lengths = new Uint8Array(buffer, LENGTHS, SLOTS)
    this.known = new Uint8Array(buffer, KNOWN, KNOWN_BYTES)
    this.keys = new Uint8Array(buffer, KEY_ENTRIES, KEY_ENTRIES_BYTES)
    this.#alone = new Uint8Array(buffer, ALONE, KNOWN_MAX)
    this.#window = new Uint8Array(buffer, WINDOW, WINDOW_BYTES)
    this.#loops = new WebAssembly.Instance(code, { env: { memory } }).exports as unknown as Loops
  }

  /** Lets go of the request. */
  release(): void {
    this.#bytes = EMPTY
    this.#start = this.#stop = 0
  }

  /** As assembly/reading.ts does, with positions in `bytes`; -1 also where the span is too long. */
  readSpan(bytes: Uint8Array, start: number, stop: number): number {
    if (bytes !== this.#bytes || start < this.#start || stop > this.#stop) {
      if (stop - start > WINDOW_BYTES) return -1
      this.#move(bytes, start)
    }
    const base = WINDOW - this.#start
    return this.#loops.readSpan(start + base, stop + base, base)
  }

  #move(bytes: Uint8Array, start: number): void {
    this.#bytes = bytes
    this.#start = start
    this.#stop = Math.min(bytes.length, start + WINDOW_BYTES)
    this.#window.set(bytes.subarray(start, this.#stop))
  }

  /** Of the span that `readSpan` read. */
  findAttributes(next: number, count: number): number {
    return this.#loops.findAttributes(next, count, WINDOW - this.#start)
  }

  findAttribute(bytes: Uint8Array, start: number, stop: number, nth: number): number {
    if (bytes === this.#bytes && start >= this.#start && stop <= this.#stop) {
      const base = WINDOW - this.#start
      return this.#loops.findAttribute(start + base, stop + base, nth)
    }
    if (stop - start <= KNOWN_MAX) this.#alone.set(bytes.subarray(start, stop))
    return this.#loops.findAttribute(ALONE, ALONE + stop - start, nth)
  }

  findKey(bytes: Uint8Array, start: number, stop: number): number {
    if (bytes === this.#bytes && start >= this.#start && stop <= this.#stop) {
      const base = WINDOW - this.#start
      return this.#loops.findKey(start + base, stop + base)
    }
    if (stop - start <= KNOWN_MAX) this.#alone.set(bytes.subarray(start, stop))
    return this.#loops.findKey(ALONE, ALONE + stop - start)
  }

  /** Leaves what it came to in HASH_LOW and HASH_HIGH. False where the bytes are not in the window. */
  hashContent(bytes: Uint8Array, start: number, stop: number, low: number, high: number): boolean {
    if (bytes !== this.#bytes || start < this.#start || stop > this.#stop) return false
    const base = WINDOW - this.#start
    this.#loops.hashContent(start + base, stop + base, low, high)
    return true
  }

  get hashLow(): number {
    return this.numbers[HASH_LOW]!
  }

  get hashHigh(): number {
    return this.numbers[HASH_HIGH]!
  }
}
