/** AnyValue and KeyValue, read lazily. The bytes have passed `validate`. */

import {
  Cursor,
  readDouble,
  readString,
  readVarint64,
  readVarintInt64,
  high as varintHigh,
  low as varintLow,
} from './cursor.ts'
import { ArrayValue, KeyValue, KeyValueList } from './fields.ts'
import { Messages } from './message.ts'

export type ValueType = 'empty' | 'string' | 'bool' | 'int' | 'double' | 'array' | 'kvlist' | 'bytes'

const TYPES: readonly ValueType[] = ['empty', 'string', 'bool', 'int', 'double', 'array', 'kvlist', 'bytes']

/** A value as plain JavaScript: int64 as bigint, a kvlist as an object without prototype, empty as null. */
export type PlainValue =
  | null
  | string
  | boolean
  | bigint
  | number
  | Uint8Array
  | PlainValue[]
  | { [key: string]: PlainValue }

const EMPTY = new Uint8Array()
const cursor = new Cursor(EMPTY)

/** One AnyValue. The last field on the wire is the value, as in any oneof. */
export class ValueView {
  bytes: Uint8Array = EMPTY
  type: ValueType = 'empty'
  /** Where the value of that type is, without tag and length: the text, the varint, the ArrayValue, ... */
  start = 0
  stop = 0

  reset(bytes: Uint8Array, start = 0, stop = bytes.length): this {
    this.bytes = bytes
    this.type = 'empty'
    this.start = start
    this.stop = start
    cursor.reset(bytes, start, stop)
    while (cursor.next()) {
      const type = TYPES[cursor.field]
      if (type === undefined) continue
      this.type = type
      this.start = cursor.start
      this.stop = cursor.stop
    }
    return this
  }

  /** The text of a string; '' for any other type. */
  text(): string {
    return this.type === 'string' ? readString(this.bytes, this.start, this.stop) : ''
  }

  bool(): boolean {
    if (this.type !== 'bool') return false
    readVarint64(this.bytes, this.start)
    return varintLow !== 0 || varintHigh !== 0
  }

  int(): bigint {
    return this.type === 'int' ? readVarintInt64(this.bytes, this.start) : 0n
  }

  double(): number {
    return this.type === 'double' ? readDouble(this.bytes, this.start) : 0
  }

  /** A view of the bytes of a bytes value, not a copy; empty for any other type. */
  content(): Uint8Array {
    return this.type === 'bytes' ? this.bytes.subarray(this.start, this.stop) : EMPTY
  }

  /** The values of an array; none for any other type. Allocates. */
  elements(): Messages<ValueView> {
    const stop = this.type === 'array' ? this.stop : this.start
    return new Messages(new ValueView()).reset(this.bytes, this.start, stop, ArrayValue.values)
  }

  /** The entries of a kvlist; none for any other type. Allocates. */
  entries(): KeyValues {
    const stop = this.type === 'kvlist' ? this.stop : this.start
    return new KeyValues().reset(this.bytes, this.start, stop, KeyValueList.values)
  }

  /** For printing and for languages that need real values. Bytes are a view of the request. */
  toPlain(): PlainValue {
    switch (this.type) {
      case 'string':
        return this.text()
      case 'bool':
        return this.bool()
      case 'int':
        return this.int()
      case 'double':
        return this.double()
      case 'bytes':
        return this.content()
      case 'array': {
        const plain: PlainValue[] = []
        const elements = this.elements()
        while (elements.next()) plain.push(elements.item.toPlain())
        return plain
      }
      case 'kvlist':
        return plainEntries(this.entries())
      default:
        return null
    }
  }
}

/** Where the key and the value of a KeyValue are. */
export class KeyValueRange {
  keyStart = 0
  keyStop = 0
  /** The AnyValue's range. */
  valueStart = 0
  valueStop = 0
  readonly #entry = new Cursor(EMPTY)

  /** Looks into the KeyValue `bytes[start, stop)`. What is missing is empty; of repeated fields the last counts. */
  find(bytes: Uint8Array, start: number, stop: number): this {
    // Nearly always: 0a <length> key 12 <length> value, each length one byte.
    if (bytes[start] === 0x0a && bytes[start + 1]! < 0x80) {
      const keyStop = start + 2 + bytes[start + 1]!
      if (
        bytes[keyStop] === 0x12 &&
        bytes[keyStop + 1]! < 0x80 &&
        keyStop + 2 + bytes[keyStop + 1]! === stop
      ) {
        this.keyStart = start + 2
        this.keyStop = keyStop
        this.valueStart = keyStop + 2
        this.valueStop = stop
        return this
      }
    }
    this.keyStart = this.keyStop = this.valueStart = this.valueStop = start
    const entry = this.#entry.reset(bytes, start, stop)
    while (entry.next()) {
      if (entry.field === KeyValue.key) {
        this.keyStart = entry.start
        this.keyStop = entry.stop
      } else if (entry.field === KeyValue.value) {
        this.valueStart = entry.start
        this.valueStop = entry.stop
      }
    }
    // Ranges live long, and what comes this way is large.
    entry.reset(EMPTY, 0, 0)
    return this
  }
}

/** The attributes of a message: `while (attributes.next()) use(attributes.key(), attributes.value())`. */
export class KeyValues extends KeyValueRange {
  bytes: Uint8Array = EMPTY
  readonly #list = new Cursor(EMPTY)
  readonly #value = new ValueView()
  #field = 0

  /** Iterates field `field` of the message `[start, stop)`. */
  reset(bytes: Uint8Array, start: number, stop: number, field: number): this {
    this.bytes = bytes
    this.#list.reset(bytes, start, stop)
    this.#field = field
    return this
  }

  next(): boolean {
    const list = this.#list
    while (list.next()) {
      if (list.field !== this.#field) continue
      this.find(this.bytes, list.start, list.stop)
      return true
    }
    return false
  }

  key(): string {
    return readString(this.bytes, this.keyStart, this.keyStop)
  }

  /** Belongs to this iteration: the next call resets it. */
  value(): ValueView {
    return this.#value.reset(this.bytes, this.valueStart, this.valueStop)
  }
}

/** Entries or attributes as an object without prototype; of a key that comes twice the last wins. */
export function plainEntries(entries: KeyValues): { [key: string]: PlainValue } {
  const plain: { [key: string]: PlainValue } = Object.create(null)
  while (entries.next()) plain[entries.key()] = entries.value().toPlain()
  return plain
}
