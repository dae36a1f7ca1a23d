/** Where the fields of a span are, its attributes one by one, found in one walk. The bytes have passed `validate`. */

import { Cursor, low, readFixed32, readVarint64 } from '../../otlp/cursor.ts'
import { Span } from '../../otlp/fields.ts'

/** OTLP has no field of a span above this. */
const FIELD_MAX = 31
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
  attributes = new Int32Array(128)
  /** Numbers in that. */
  attributesEnd = 0
  readonly #starts = new Int32Array(FIELD_MAX + 1)
  readonly #stops = new Int32Array(FIELD_MAX + 1)
  readonly #cursor = new Cursor(EMPTY)

  reset(bytes: Uint8Array, start = 0, stop = bytes.length): this {
    this.bytes = bytes
    this.start = start
    this.stop = stop
    this.attributesEnd = 0
    const starts = this.#starts
    const stops = this.#stops
    for (let field = 0; field <= FIELD_MAX; field++) starts[field] = -1
    const cursor = this.#cursor.reset(bytes, start, stop)
    while (cursor.next()) {
      const { field } = cursor
      if (field === Span.attributes) this.#attribute(cursor.start, cursor.stop)
      else if (field <= FIELD_MAX) {
        starts[field] = cursor.start
        stops[field] = cursor.stop
      }
    }
    return this
  }

  #attribute(start: number, stop: number): void {
    const next = this.attributesEnd
    if (next === this.attributes.length) {
      const more = new Int32Array(2 * next)
      more.set(this.attributes)
      this.attributes = more
    }
    this.attributes[next] = start
    this.attributes[next + 1] = stop
    this.attributesEnd = next + 2
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
    const start = this.#starts[Span.flags]!
    return start === -1 ? 0 : readFixed32(this.bytes, start)
  }

  get kind(): number {
    const start = this.#starts[Span.kind]!
    if (start === -1) return 0
    readVarint64(this.bytes, start)
    return low | 0
  }
}
