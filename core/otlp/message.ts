/**
 * Reading one message lazily: `reset` notes where each field is, a getter reads one. Views are made once and reset for
 * each message, so nothing is allocated but what a getter returns. The bytes have passed `validate`.
 *
 * What a view hands out for repeated fields (`KeyValues`, `Messages`) belongs to the view: asking again starts it over.
 */

import * as wire from './cursor.ts'
import { Cursor } from './cursor.ts'

/** OTLP has no field number above this. */
const FIELD_MAX = 31

const EMPTY = new Uint8Array()

export class MessageView {
  bytes: Uint8Array = EMPTY
  /** The message's own range. */
  start = 0
  stop = 0
  /** By field number: where the value of its last occurrence is. -1 in `#starts`: absent. */
  readonly #starts = new Int32Array(FIELD_MAX + 1)
  readonly #stops = new Int32Array(FIELD_MAX + 1)
  readonly #cursor = new Cursor(EMPTY)

  reset(bytes: Uint8Array, start = 0, stop = bytes.length): this {
    this.bytes = bytes
    this.start = start
    this.stop = stop
    const starts = this.#starts.fill(-1)
    const stops = this.#stops
    const cursor = this.#cursor.reset(bytes, start, stop)
    while (cursor.next()) {
      if (cursor.field > FIELD_MAX) continue
      starts[cursor.field] = cursor.start
      stops[cursor.field] = cursor.stop
    }
    return this
  }

  /** True when the field is on the wire, be it with its default value. */
  has(field: number): boolean {
    return this.#starts[field] !== -1
  }

  /** Where a field's value begins; -1 when absent. With `stopOf` for comparing bytes without making a string. */
  startOf(field: number): number {
    return this.#starts[field]!
  }

  stopOf(field: number): number {
    return this.#stops[field]!
  }

  /** '' when absent. */
  text(field: number): string {
    const start = this.#starts[field]!
    return start === -1 ? '' : wire.readString(this.bytes, start, this.#stops[field]!)
  }

  /** Lower-case hex of an id; '' when absent. */
  hex(field: number): string {
    const start = this.#starts[field]!
    return start === -1 ? '' : wire.readHex(this.bytes, start, this.#stops[field]!)
  }

  uint32(field: number): number {
    return this.int32(field) >>> 0
  }

  /** Also enums. */
  int32(field: number): number {
    const start = this.#starts[field]!
    if (start === -1) return 0
    wire.readVarint64(this.bytes, start)
    return wire.low | 0
  }

  /** Zigzag. */
  sint32(field: number): number {
    const bits = this.uint32(field)
    return (bits >>> 1) ^ -(bits & 1)
  }

  bool(field: number): boolean {
    const start = this.#starts[field]!
    if (start === -1) return false
    wire.readVarint64(this.bytes, start)
    return wire.low !== 0 || wire.high !== 0
  }

  fixed32(field: number): number {
    const start = this.#starts[field]!
    return start === -1 ? 0 : wire.readFixed32(this.bytes, start)
  }

  fixed64(field: number): bigint {
    const start = this.#starts[field]!
    return start === -1 ? 0n : wire.readFixedUint64(this.bytes, start)
  }

  sfixed64(field: number): bigint {
    const start = this.#starts[field]!
    return start === -1 ? 0n : wire.readFixedInt64(this.bytes, start)
  }

  double(field: number): number {
    const start = this.#starts[field]!
    return start === -1 ? 0 : wire.readDouble(this.bytes, start)
  }

  /** For proto3 `optional` fields, where absent and 0 are two things. */
  optionalDouble(field: number): number | undefined {
    return this.has(field) ? this.double(field) : undefined
  }

  /** All values of a repeated `fixed64`, packed or not. */
  fixed64s(field: number): bigint[] {
    return this.#numbers(field, wire.I64, pos => wire.readFixedUint64(this.bytes, pos))
  }

  /** All values of a repeated `double`, packed or not. */
  doubles(field: number): number[] {
    return this.#numbers(field, wire.I64, pos => wire.readDouble(this.bytes, pos))
  }

  /** All values of a repeated `uint64`, packed or not. */
  uint64s(field: number): bigint[] {
    return this.#numbers(field, wire.VARINT, pos => wire.readVarintUint64(this.bytes, pos))
  }

  /** All values of a repeated `string`. */
  texts(field: number): string[] {
    const found: string[] = []
    const cursor = this.#cursor.reset(this.bytes, this.start, this.stop)
    while (cursor.next())
      if (cursor.field === field) found.push(wire.readString(this.bytes, cursor.start, cursor.stop))
    return found
  }

  #numbers<T>(field: number, loose: number, read: (pos: number) => T): T[] {
    const found: T[] = []
    if (!this.has(field)) return found
    const cursor = this.#cursor.reset(this.bytes, this.start, this.stop)
    while (cursor.next()) {
      if (cursor.field !== field) continue
      if (cursor.wire === loose) found.push(read(cursor.start))
      else
        for (let pos = cursor.start; pos < cursor.stop; ) {
          found.push(read(pos))
          pos = loose === wire.I64 ? pos + 8 : wire.varintEnd
        }
    }
    return found
  }
}

/** The messages of one repeated field: `while (events.next()) events.item.name`. `item` is reset by each `next`. */
export class Messages<View extends { reset(bytes: Uint8Array, start: number, stop: number): unknown }> {
  readonly item: View
  readonly #cursor = new Cursor(EMPTY)
  #field = 0

  constructor(item: View) {
    this.item = item
  }

  /** Iterates field `field` of the message `[start, stop)`. */
  reset(bytes: Uint8Array, start: number, stop: number, field: number): this {
    this.#cursor.reset(bytes, start, stop)
    this.#field = field
    return this
  }

  next(): boolean {
    const cursor = this.#cursor
    while (cursor.next()) {
      if (cursor.field !== this.#field) continue
      this.item.reset(cursor.bytes, cursor.start, cursor.stop)
      return true
    }
    return false
  }
}
