/** Where the fields of a span are, its attributes one by one, found in one walk. The bytes have passed `validate`. */

import { Cursor, low, readFixed32, readVarint64 } from '../../otlp/cursor.ts'
import * as fields from '../../otlp/fields.ts'
import { contentHash, contentHigh, contentLow, viewOf } from './content-hash.ts'
import { FIELD_MAX, LIST, LIST_MAX, STARTS, STOPS } from './reading-layout.ts'
import { ReadingMemory } from './reading-memory.ts'

// V8 knows the values of a module's own constants; those that it imports are looked up each time.
const { Span } = fields
const { attributes: ATTRIBUTES, flags: FLAGS, kind: KIND } = Span

const SHORT = 0x80
const EMPTY = new Uint8Array()

/** Where the last occurrence of each field of a message is. */
export interface Ranges {
  readonly bytes: Uint8Array
  /** -1 when absent. */
  startOf(field: number): number
  stopOf(field: number): number
}

export class SpanRanges implements Ranges {
  bytes: Uint8Array = EMPTY
  start = 0
  stop = 0
  /** Begin and end of each attribute's KeyValue, in order, until TagWriter has written them. */
  attributes: Int32Array
  /** Numbers in that. */
  attributesEnd = 0
  /** The memory has the list of attributes, too. */
  isInMemory = false
  hashLow = 0
  hashHigh = 0
  readonly memory: ReadingMemory
  readonly #list: Int32Array
  readonly #starts: Int32Array
  readonly #stops: Int32Array
  readonly #cursor = new Cursor(EMPTY)

  constructor(memory = new ReadingMemory()) {
    this.memory = memory
    const { numbers } = memory
    this.#list = numbers.subarray(LIST, LIST + 2 * LIST_MAX)
    this.#starts = numbers.subarray(STARTS, STARTS + FIELD_MAX + 1)
    this.#stops = numbers.subarray(STOPS, STOPS + FIELD_MAX + 1)
    this.attributes = this.#list
  }

  /** Lets go of what was read, and of what the largest span needed. */
  release(): void {
    this.memory.release()
    this.bytes = EMPTY
    this.start = this.stop = this.attributesEnd = 0
    this.attributes = this.#list
  }

  reset(bytes: Uint8Array, start = 0, stop = bytes.length): this {
    if (this.bytes !== bytes) this.bytes = bytes
    this.start = start
    this.stop = stop
    const count = this.memory.readSpan(bytes, start, stop)
    this.isInMemory = count >= 0
    if (this.isInMemory) {
      if (this.attributes !== this.#list) this.attributes = this.#list
      this.attributesEnd = 2 * count
    } else this.#read(bytes, start, stop)
    return this
  }

  /** What the loop leaves to us: long spans, or such as nobody writes them. */
  #read(bytes: Uint8Array, start: number, stop: number): void {
    this.attributesEnd = 0
    const starts = this.#starts
    const stops = this.#stops
    starts.fill(-1)
    const cursor = this.#cursor.reset(bytes, start, stop)
    while (cursor.next()) {
      const { field } = cursor
      if (field === ATTRIBUTES) this.#attribute(cursor.start, cursor.stop)
      else if (field <= FIELD_MAX) {
        starts[field] = cursor.start
        stops[field] = cursor.stop
      }
    }
    cursor.reset(EMPTY, 0, 0)
  }

  #attribute(start: number, stop: number): void {
    const end = this.attributesEnd
    const attributes = end === this.attributes.length ? this.#more() : this.attributes
    attributes[end] = start
    attributes[end + 1] = stop
    this.attributesEnd = end + 2
  }

  #more(): Int32Array {
    const more = new Int32Array(2 * this.attributes.length)
    more.set(this.attributes)
    this.attributes = more
    return more
  }

  startOf(field: number): number {
    return this.#starts[field]!
  }

  stopOf(field: number): number {
    return this.#stops[field]!
  }

  has(field: number): boolean {
    return this.#starts[field] !== -1
  }

  /** Hashes all of it, and what was hashed to `low` and `high` before (content-hash.ts), to `hashLow` and `hashHigh`. */
  hash(low: number, high: number): void {
    const { bytes, start, stop, memory } = this
    if (memory.hashContent(bytes, start, stop, low, high)) {
      this.hashLow = memory.hashLow
      this.hashHigh = memory.hashHigh
      return
    }
    contentHash(viewOf(bytes), start, stop, low, high)
    this.hashLow = contentLow
    this.hashHigh = contentHigh
  }

  get flags(): number {
    const start = this.#starts[FLAGS]!
    return start === -1 ? 0 : readFixed32(this.bytes, start)
  }

  get kind(): number {
    const start = this.#starts[KIND]!
    if (start === -1) return 0
    const byte = this.bytes[start]!
    if (byte < SHORT) return byte
    readVarint64(this.bytes, start)
    return low | 0
  }
}
