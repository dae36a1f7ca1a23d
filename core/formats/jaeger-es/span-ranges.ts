/** Where the fields of a span are, its attributes one by one, found in one walk. The bytes have passed `validate`. */

import { Cursor, low, readFixed32, readVarint64 } from '../../otlp/cursor.ts'
import * as fields from '../../otlp/fields.ts'

// V8 knows the values of a module's own constants; those that it imports are looked up each time.
const { Span } = fields
const { attributes: ATTRIBUTES, flags: FLAGS, kind: KIND } = Span

/** OTLP has no field of a span above this. */
const FIELD_MAX = 16
/** Of an attribute: its tag as all write it, and lengths of one byte. */
const TAG = (ATTRIBUTES << 3) | 2
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
  /** Begin and end of each attribute's KeyValue, in order. */
  attributes: Int32Array = new Int32Array(128)
  /** Numbers in that. */
  attributesEnd = 0
  readonly #starts = new Int32Array(FIELD_MAX + 1)
  readonly #stops = new Int32Array(FIELD_MAX + 1)
  readonly #cursor = new Cursor(EMPTY)

  reset(bytes: Uint8Array, start = 0, stop = bytes.length): this {
    if (this.bytes !== bytes) this.bytes = bytes
    this.start = start
    this.stop = stop
    this.attributesEnd = 0
    const starts = this.#starts
    const stops = this.#stops
    for (let field = 0; field <= FIELD_MAX; field++) starts[field] = -1
    const cursor = this.#cursor.reset(bytes, start, stop)
    for (let pos = start; pos < stop; ) {
      pos = this.#attributes(bytes, pos, stop)
      cursor.pos = pos
      if (!cursor.next()) break
      const { field } = cursor
      pos = cursor.pos
      // With a tag of more bytes than it needs.
      if (field === ATTRIBUTES) this.#attribute(cursor.start, cursor.stop)
      else if (field <= FIELD_MAX) {
        starts[field] = cursor.start
        stops[field] = cursor.stop
      }
    }
    return this
  }

  /** Notes the attributes that stand one behind the other from `pos` on; returns where they end. */
  #attributes(bytes: Uint8Array, pos: number, stop: number): number {
    let attributes: Int32Array = this.attributes
    let end = this.attributesEnd
    while (pos < stop && bytes[pos] === TAG) {
      let from = pos + 2
      let length = bytes[pos + 1]!
      if (length >= SHORT) {
        const cursor = this.#cursor
        cursor.pos = pos
        cursor.next()
        from = cursor.start
        length = cursor.stop - from
      }
      if (end === attributes.length) attributes = this.#more()
      attributes[end] = from
      pos = from + length
      attributes[end + 1] = pos
      end += 2
    }
    this.attributesEnd = end
    return pos
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
