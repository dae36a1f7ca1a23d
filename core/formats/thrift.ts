/** Reading Thrift's binary protocol (thrift-binary-protocol.md), of bytes that nobody has validated. */

import { readString } from '../otlp/cursor.ts'
import { BadMessage, Budget } from './bad-message.ts'

export const THRIFT = {
  stop: 0,
  bool: 2,
  byte: 3,
  double: 4,
  i16: 6,
  i32: 8,
  i64: 10,
  string: 11,
  struct: 12,
  map: 13,
  set: 14,
  list: 15,
} as const

const SIZES: Readonly<Record<number, number>> = {
  [THRIFT.bool]: 1,
  [THRIFT.byte]: 1,
  [THRIFT.double]: 8,
  [THRIFT.i16]: 2,
  [THRIFT.i32]: 4,
  [THRIFT.i64]: 8,
}

/** How deep a skipped value may nest. */
const DEPTH_MAX = 64

export class ThriftReader {
  readonly #bytes: Uint8Array
  readonly #view: DataView
  readonly #format: string
  readonly #budget: Budget
  #pos = 0
  /** Id and type of the field that `nextField` found. */
  field = 0
  type = 0

  /** `format`: for errors, as its config names it. */
  constructor(format: string, bytes: Uint8Array) {
    this.#format = format
    this.#bytes = bytes
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    this.#budget = new Budget(format)
  }

  /** Moves to the next field of a struct; false at its end. */
  nextField(): boolean {
    this.type = this.#byte()
    if (this.type === THRIFT.stop) return false
    this.field = this.i16()
    return true
  }

  /** True when the current field is of this type; else it is skipped, as Thrift's generated code does. */
  is(type: number): boolean {
    if (this.type === type) return true
    this.skip()
    return false
  }

  /** How many elements the list has that begins here. They are not read yet, so the number may be a lie. */
  list(elementType: number): number {
    const type = this.#byte()
    const count = this.i32()
    if (count < 0) this.#fail(`a list of ${count} elements`)
    if (type !== elementType && count > 0) this.#fail(`a list of type ${type} instead of ${elementType}`)
    return count
  }

  /** Call it for each element, before reading it. */
  spend(): void {
    this.#budget.spend()
  }

  bool(): boolean {
    return this.#byte() !== 0
  }

  i16(): number {
    return this.#view.getInt16(this.#take(2))
  }

  i32(): number {
    return this.#view.getInt32(this.#take(4))
  }

  i64(): bigint {
    return this.#view.getBigInt64(this.#take(8))
  }

  /** A view of the message. */
  binary(): Uint8Array {
    const length = this.i32()
    if (length < 0) this.#fail(`a text of ${length} bytes`)
    const start = this.#take(length)
    return this.#bytes.subarray(start, this.#pos)
  }

  string(): string {
    const bytes = this.binary()
    return readString(bytes, 0, bytes.length)
  }

  /** Passes over the current field's value. */
  skip(): void {
    this.#skip(this.type, DEPTH_MAX)
  }

  #skip(type: number, room: number): void {
    if (room === 0) this.#fail(`nested deeper than ${DEPTH_MAX} levels`)
    this.#budget.spend()
    const size = SIZES[type]
    if (size !== undefined) this.#take(size)
    else if (type === THRIFT.string) this.binary()
    else if (type === THRIFT.struct) {
      while (this.nextField()) this.#skip(this.type, room - 1)
    } else if (type === THRIFT.map) {
      const key = this.#byte()
      const value = this.#byte()
      for (let left = this.i32(); left > 0; left--) {
        this.#skip(key, room - 1)
        this.#skip(value, room - 1)
      }
    } else if (type === THRIFT.set || type === THRIFT.list) {
      const element = this.#byte()
      for (let left = this.i32(); left > 0; left--) this.#skip(element, room - 1)
    } else this.#fail(`type ${type} does not exist`)
  }

  #byte(): number {
    return this.#bytes[this.#take(1)]!
  }

  /** Where the next `size` bytes begin. */
  #take(size: number): number {
    const start = this.#pos
    if (size > this.#bytes.length - start) this.#fail('the bytes end inside a value')
    this.#pos = start + size
    return start
  }

  #fail(reason: string): never {
    throw new BadMessage(this.#format, `${reason} (byte ${this.#pos})`)
  }
}
