/** Where the attributes that somebody asks for are in one message. Bytes have passed the door. */

import { Cursor, LEN } from '../../core/otlp/cursor.ts'
import { KeyValue } from '../../core/otlp/fields.ts'
import type { KeySet } from '../../core/otlp/keys.ts'
import { KeyValueRange } from '../../core/otlp/value.ts'

const EMPTY = new Uint8Array()
const KEY_TAG = (KeyValue.key << 3) | LEN
const VALUE_TAG = (KeyValue.value << 3) | LEN

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
    this.#dirty = false
    const { starts } = this
    // There are few of them: a loop beats a call into the runtime.
    for (let i = 0; i < starts.length; i++) starts[i] = -1
  }

  /** Looks at the KeyValue `[start, stop)`. */
  note(start: number, stop: number): void {
    const { bytes } = this
    const keys = this.#keys
    let keyStart = start + 2
    let keyStop = keyStart + bytes[start + 1]!
    let valueStart = keyStop + 2
    let valueStop = valueStart + bytes[keyStop + 1]!
    // The usual form is a key of less than 128 bytes, then a value of less than 128 bytes. Most attributes are known by the
    // length of their key to be others.
    if (bytes[start] === KEY_TAG && keyStop < keyStart + 0x80) {
      if (keys.lengths[keyStop - keyStart] === 0) return
      if (bytes[keyStop] !== VALUE_TAG || valueStop !== stop || valueStop >= valueStart + 0x80) keyStart = -1
    } else keyStart = -1
    if (keyStart === -1) {
      const entry = this.#entry.find(bytes, start, stop)
      keyStart = entry.keyStart
      keyStop = entry.keyStop
      valueStart = entry.valueStart
      valueStop = entry.valueStop
    }
    const slot = keys.find(bytes, keyStart, keyStop)
    if (slot < 0 || this.starts[slot] !== -1) return
    this.starts[slot] = valueStart
    this.stops[slot] = valueStop
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
