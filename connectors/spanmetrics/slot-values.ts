/** Where the attributes that somebody asks for are in one message. Bytes have passed the door. */

import { Cursor, LEN } from '../../core/otlp/cursor.ts'
import type { KeySet } from '../../core/otlp/keys.ts'
import { KeyValueRange } from '../../core/otlp/value.ts'

const EMPTY = new Uint8Array()

export class SlotValues {
  bytes: Uint8Array
  /** By slot of the key set: the AnyValue of the first attribute with that key; -1 when there is none. */
  readonly starts: Int32Array
  readonly stops: Int32Array
  readonly #keys: KeySet
  readonly #entry: KeyValueRange
  readonly #cursor: Cursor
  #dirty: boolean

  /** The set must not grow any more. */
  constructor(keys: KeySet) {
    this.bytes = EMPTY
    this.starts = new Int32Array(keys.size).fill(-1)
    this.stops = new Int32Array(keys.size)
    this.#keys = keys
    this.#entry = new KeyValueRange()
    this.#cursor = new Cursor(EMPTY)
    this.#dirty = false
  }

  /** Begins another message. */
  reset(bytes: Uint8Array): void {
    this.bytes = bytes
    if (!this.#dirty) return
    this.starts.fill(-1)
    this.#dirty = false
  }

  /** Looks at the KeyValue `[start, stop)`. */
  note(start: number, stop: number): void {
    const { bytes } = this
    const keys = this.#keys
    // The usual form begins with a key of less than 128 bytes: most attributes are known by its length to be others.
    if (bytes[start] === 0x0a) {
      const length = bytes[start + 1]!
      if (length < 0x80 && keys.lengths[length] === 0) return
    }
    const entry = this.#entry.find(bytes, start, stop)
    const slot = keys.find(bytes, entry.keyStart, entry.keyStop)
    if (slot < 0 || this.starts[slot] !== -1) return
    this.starts[slot] = entry.valueStart
    this.stops[slot] = entry.valueStop
    this.#dirty = true
  }

  /** Looks at all attributes in `field` of the message `bytes[start, stop)`. */
  read(bytes: Uint8Array, start: number, stop: number, field: number): this {
    this.reset(bytes)
    if (this.starts.length === 0) return this
    const cursor = this.#cursor.reset(bytes, start, stop)
    while (cursor.next())
      if (cursor.field === field && cursor.wire === LEN) this.note(cursor.start, cursor.stop)
    return this
  }
}
