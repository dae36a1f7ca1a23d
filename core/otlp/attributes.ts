/**
 * Some attributes of one message, found in its bytes, changed in a table, and written back by cutting only what
 * changed.
 *
 * A table is made once, for the keys its owner cares about (each has a slot), and used for every message: attributes
 * with other keys cost a look at the length of their key and nothing else, and nothing is allocated a message.
 * Semantics are those of the Collector's pcommon.Map: keys should be unique, and where they are not, the first wins.
 * New attributes stand after the others.
 *
 * Grammar: a message has `repeated KeyValue` in some field; KeyValue { key 1, AnyValue value 2 }.
 */

import { Cursor, I64, LEN, sameRange, VARINT } from './cursor.ts'
import { KeyValue } from './fields.ts'
import type { KeySet } from './keys.ts'
import type { Patch } from './patch.ts'
import { varintSize, type Writer } from './writer.ts'

const KEY_TAG = (KeyValue.key << 3) | LEN
const VALUE_TAG = (KeyValue.value << 3) | LEN

/** States of a row. */
const AS_IT_WAS = 0
const VALUE_CHANGED = 1
const ADDED = 2
const REMOVED = 3

const ROWS = 16

export interface TableOptions {
  /** Rows for attributes of every key, not only of those with a slot: for whoever matches keys by a pattern. */
  readonly all?: boolean
}

export class AttributeTable {
  /** One row an attribute; those of removed ones are counted too. */
  rows: number
  changed: boolean
  /** The message that was read. */
  bytes: Uint8Array
  /** Its fields stood in ascending order of their numbers, so that whoever wants a low one need not look further. */
  inOrder: boolean
  readonly #keys: KeySet
  readonly #all: boolean
  /** Row of each slot's first attribute, or -1. */
  readonly #first: Int32Array
  #field: number
  /** Where new attributes go: after the last one, or at the end of a message without any. */
  #insertAt: number
  #state: Uint8Array
  #slot: Int32Array
  /** The whole field in the source, with its tag; -1 for a row that was added. */
  #fieldStart: Int32Array
  #fieldStop: Int32Array
  #keyStart: Int32Array
  #keyStop: Int32Array
  #valueStart: Int32Array
  #valueStop: Int32Array
  /** What the value offsets of a changed or added row point into. */
  readonly #valueBytes: Uint8Array[]
  readonly #cursor: Cursor

  /** The set must not grow any more. */
  constructor(keys: KeySet, { all = false }: TableOptions = {}) {
    this.rows = 0
    this.changed = false
    this.bytes = EMPTY
    this.inOrder = true
    this.#keys = keys
    this.#all = all
    this.#first = new Int32Array(keys.size).fill(-1)
    this.#field = 0
    this.#insertAt = 0
    this.#state = new Uint8Array(ROWS)
    this.#slot = new Int32Array(ROWS)
    this.#fieldStart = new Int32Array(ROWS)
    this.#fieldStop = new Int32Array(ROWS)
    this.#keyStart = new Int32Array(ROWS)
    this.#keyStop = new Int32Array(ROWS)
    this.#valueStart = new Int32Array(ROWS)
    this.#valueStop = new Int32Array(ROWS)
    this.#valueBytes = new Array<Uint8Array>(ROWS).fill(EMPTY)
    this.#cursor = new Cursor(EMPTY)
  }

  /** Reads the attributes in `field` (below 16) of the message `bytes[start, stop)`. */
  read(bytes: Uint8Array, start: number, stop: number, field: number): void {
    this.bytes = bytes
    this.#field = field
    this.changed = false
    if (this.rows > 0) this.#clear()
    const { lengths } = this.#keys
    const all = this.#all
    const wanted = (field << 3) | LEN
    let insertAt = stop
    let inOrder = true
    let before = 0
    let pos = start
    // Written out instead of using a Cursor: this loop is what it costs to look at a span.
    while (pos < stop) {
      const tagStart = pos
      const tag = bytes[pos++]!
      if (tag < before) inOrder = false
      before = tag
      if (tag !== wanted) {
        const wire = tag & 7
        if (tag < 0x80 && wire === LEN && bytes[pos]! < 0x80) pos += bytes[pos]! + 1
        else if (tag < 0x80 && wire === I64) pos += 8
        else if (tag < 0x80 && wire === VARINT) while (bytes[pos++]! >= 0x80);
        else {
          pos = this.#fieldEnd(tagStart, stop)
          // A tag of two bytes is a field from 16 on, unless somebody wrote a small number in a long way.
          if (tag >= 0x80 && this.#cursor.field < 16) {
            inOrder = false
            if (this.#cursor.field === field && this.#cursor.wire === LEN) {
              this.#noteSlowly(tagStart, this.#cursor.start, pos)
              insertAt = pos
            }
          }
        }
        continue
      }
      let length = bytes[pos++]!
      if (length >= 0x80) {
        const end = this.#fieldEnd(tagStart, stop)
        pos = this.#cursor.start
        length = end - pos
      }
      const entry = pos
      pos += length
      insertAt = pos
      // The usual form is a key of less than 128 bytes, then a value, then the end.
      const keyLength = bytes[entry + 1]!
      const keyStop = entry + 2 + keyLength
      if (bytes[entry] === KEY_TAG && keyLength < 0x80 && valueEnd(bytes, keyStop, pos) === pos) {
        if (all || lengths[keyLength] === 1)
          this.#note(tagStart, pos, entry + 2, keyStop, lengthEnd(bytes, keyStop + 1), pos)
      } else this.#noteSlowly(tagStart, entry, pos)
    }
    this.#insertAt = insertAt
    this.inOrder = inOrder
  }

  /** Any order, long keys, no key, no value, repeated fields (the last counts, as protobuf says). */
  #noteSlowly(fieldStart: number, start: number, stop: number): void {
    let keyStart = stop
    let keyStop = stop
    let valueStart = stop
    let valueStop = stop
    const c = this.#cursor.reset(this.bytes, start, stop)
    while (c.next()) {
      if (c.wire !== LEN) continue
      if (c.field === KeyValue.key) {
        keyStart = c.start
        keyStop = c.stop
      } else if (c.field === KeyValue.value) {
        valueStart = c.start
        valueStop = c.stop
      }
    }
    this.#note(fieldStart, stop, keyStart, keyStop, valueStart, valueStop)
  }

  /** Makes a row when the key has a slot, or when there is one for every attribute. */
  #note(
    fieldStart: number,
    fieldStop: number,
    keyStart: number,
    keyStop: number,
    valueStart: number,
    valueStop: number,
  ): void {
    const slot = this.#keys.find(this.bytes, keyStart, keyStop)
    if (slot < 0 && !this.#all) return
    const row = this.#newRow(AS_IT_WAS, slot)
    this.#fieldStart[row] = fieldStart
    this.#fieldStop[row] = fieldStop
    this.#keyStart[row] = keyStart
    this.#keyStop[row] = keyStop
    this.#valueStart[row] = valueStart
    this.#valueStop[row] = valueStop
  }

  #newRow(state: number, slot: number): number {
    if (this.rows === this.#state.length) this.#grow()
    const row = this.rows++
    this.#state[row] = state
    this.#slot[row] = slot
    if (slot >= 0 && this.#first[slot]! < 0) this.#first[slot] = row
    return row
  }

  #clear(): void {
    for (let row = 0; row < this.rows; row++) {
      if (this.#slot[row]! >= 0) this.#first[this.#slot[row]!] = -1
      if (this.#state[row] !== AS_IT_WAS) this.#valueBytes[row] = EMPTY
    }
    this.rows = 0
  }

  /** End of the field whose tag begins at `tagStart`; `#cursor.start` is where its value begins. */
  #fieldEnd(tagStart: number, stop: number): number {
    const c = this.#cursor.reset(this.bytes, tagStart, stop)
    c.next()
    return c.stop
  }

  /** Row of the first attribute with this slot's key, or -1. */
  find(slot: number): number {
    return this.#first[slot]!
  }

  isRemoved(row: number): boolean {
    return this.#state[row] === REMOVED
  }

  /** The key of a row is `keySource(row)[keyStart(row), keyStop(row))`. */
  keySource(row: number): Uint8Array {
    return this.#fieldStart[row]! < 0 ? this.#keys.at(this.#slot[row]!) : this.bytes
  }

  keyStart(row: number): number {
    return this.#keyStart[row]!
  }

  keyStop(row: number): number {
    return this.#keyStop[row]!
  }

  /** The content of a row's AnyValue is `valueSource(row)[valueStart(row), valueStop(row))`; empty when not set. */
  valueSource(row: number): Uint8Array {
    return this.#state[row] === AS_IT_WAS ? this.bytes : this.#valueBytes[row]!
  }

  valueStart(row: number): number {
    return this.#valueStart[row]!
  }

  valueStop(row: number): number {
    return this.#valueStop[row]!
  }

  /**
   * Gives a row another value: the content of an AnyValue, which must stay as it is until `write`. The value it has
   * already is no change.
   */
  set(row: number, value: Uint8Array, start = 0, stop = value.length): void {
    if (this.#state[row] === AS_IT_WAS) {
      const from = this.#valueStart[row]!
      const to = this.#valueStop[row]!
      if (sameRange(this.bytes, from, to, value, start, stop)) return
      this.#state[row] = VALUE_CHANGED
    }
    this.#valueBytes[row] = value
    this.#valueStart[row] = start
    this.#valueStop[row] = stop
    this.changed = true
  }

  /** Changes the value of the slot's attribute, or adds one. The value must stay as it is until `write`. */
  put(slot: number, value: Uint8Array, start = 0, stop = value.length): void {
    let row = this.#first[slot]!
    if (row < 0) {
      row = this.#newRow(ADDED, slot)
      this.#fieldStart[row] = this.#fieldStop[row] = -1
      this.#keyStart[row] = 0
      this.#keyStop[row] = this.#keys.at(slot).length
    }
    this.set(row, value, start, stop)
  }

  remove(row: number): void {
    this.#state[row] = REMOVED
    this.changed = true
    const slot = this.#slot[row]!
    if (slot < 0 || this.#first[slot] !== row) return
    let next = row + 1
    while (next < this.rows && (this.#slot[next] !== slot || this.#state[next] === REMOVED)) next++
    this.#first[slot] = next < this.rows ? next : -1
  }

  /** Cuts the changes into the message that was read. */
  write(patch: Patch): void {
    const { rows } = this
    let row = 0
    for (; row < rows && this.#fieldStart[row]! >= 0; row++) {
      const state = this.#state[row]!
      if (state === REMOVED) patch.cut(this.#fieldStart[row]!, this.#fieldStop[row]!)
      else if (state === VALUE_CHANGED) this.#writeValue(patch, row)
    }
    if (row === rows) return
    const out = patch.cut(this.#insertAt, this.#insertAt)
    for (; row < rows; row++) if (this.#state[row] !== REMOVED) this.#writeRow(out, row)
  }

  /** Replaces the value and nothing else, so that fields we do not know stay. */
  #writeValue(patch: Patch, row: number): void {
    const stop = this.#fieldStop[row]!
    const c = this.#cursor.reset(this.bytes, this.#fieldStart[row]!, stop)
    c.next()
    patch.enter(c.tagStart, c.start)
    c.reset(this.bytes, c.start, stop)
    let out: Writer | undefined
    while (c.next()) {
      if (c.field === KeyValue.value && c.wire === LEN) out = patch.cut(c.tagStart, c.stop)
    }
    out ??= patch.cut(stop, stop)
    const source = this.#valueBytes[row]!
    out.lengthDelimited(KeyValue.value, source, this.#valueStart[row]!, this.#valueStop[row]!)
    patch.leave(stop)
  }

  #writeRow(out: Writer, row: number): void {
    const key = this.#keys.at(this.#slot[row]!)
    const valueStart = this.#valueStart[row]!
    const valueStop = this.#valueStop[row]!
    const value = valueStop - valueStart
    out.tag(this.#field, LEN)
    out.varint(2 + varintSize(key.length) + key.length + varintSize(value) + value)
    out.lengthDelimited(KeyValue.key, key)
    out.lengthDelimited(KeyValue.value, this.#valueBytes[row]!, valueStart, valueStop)
  }

  #grow(): void {
    const size = this.#state.length * 2
    this.#state = grown(this.#state, new Uint8Array(size))
    this.#slot = grown(this.#slot, new Int32Array(size))
    this.#fieldStart = grown(this.#fieldStart, new Int32Array(size))
    this.#fieldStop = grown(this.#fieldStop, new Int32Array(size))
    this.#keyStart = grown(this.#keyStart, new Int32Array(size))
    this.#keyStop = grown(this.#keyStop, new Int32Array(size))
    this.#valueStart = grown(this.#valueStart, new Int32Array(size))
    this.#valueStop = grown(this.#valueStop, new Int32Array(size))
    while (this.#valueBytes.length < size) this.#valueBytes.push(EMPTY)
  }
}

/** Where the value field of a KeyValue ends whose tag is at `pos`; -1 when that is not its tag or a long length. */
function valueEnd(bytes: Uint8Array, pos: number, stop: number): number {
  if (pos >= stop || bytes[pos] !== VALUE_TAG) return -1
  const length = bytes[pos + 1]!
  if (length < 0x80) return pos + 2 + length
  const more = bytes[pos + 2]!
  return more < 0x80 ? pos + 3 + ((length & 0x7f) | (more << 7)) : -1
}

/** Where the varint at `pos` ends. */
function lengthEnd(bytes: Uint8Array, pos: number): number {
  while (bytes[pos++]! >= 0x80);
  return pos
}

function grown<A extends Uint8Array | Int32Array>(from: A, to: A): A {
  to.set(from)
  return to
}

const EMPTY = new Uint8Array(0)
