/**
 * Where the fields of a data point are. One for all kinds of points, reset for each: nothing is allocated, and the bytes
 * of its attributes, by which its series are known, are found on the way.
 */

import { Cursor, high, LEN, low, readFixed64, readVarint64 } from '../../core/otlp/cursor.ts'
import { Writer } from '../../core/otlp/writer.ts'

/** No point has a field above this. */
const FIELD_MAX = 15

export class PointFields {
  bytes: Uint8Array = new Uint8Array()
  start = 0
  stop = 0
  /** By field number: where the value of its last occurrence is; -1: absent. */
  readonly at = new Int32Array(FIELD_MAX + 1)
  readonly end = new Int32Array(FIELD_MAX + 1)
  repeated = false
  /** All attributes, as repeated fields one after the other: `key[keyStart, keyStop)`. */
  key: Uint8Array = new Uint8Array()
  keyStart = 0
  keyStop = 0
  readonly #cursor = new Cursor(new Uint8Array())
  readonly #scratch = new Writer()

  /** `lists`: bits by field number of packed numbers; when one of them is not in one piece, `repeated` says so. */
  reset(bytes: Uint8Array, start: number, stop: number, attributes: number, lists: number): void {
    this.bytes = bytes
    this.start = start
    this.stop = stop
    this.repeated = false
    const at = this.at.fill(-1)
    const { end } = this
    const cursor = this.#cursor.reset(bytes, start, stop)
    let keyStart = -1
    let keyStop = -1
    let scattered = false
    while (cursor.next()) {
      const { field } = cursor
      if (field === attributes && cursor.wire === LEN) {
        if (keyStart === -1) keyStart = cursor.tagStart
        else if (keyStop !== cursor.tagStart) scattered = true
        keyStop = cursor.stop
        continue
      }
      if (field > FIELD_MAX) continue
      if ((lists & (1 << field)) !== 0 && (at[field] !== -1 || cursor.wire !== LEN)) this.repeated = true
      at[field] = cursor.start
      end[field] = cursor.stop
    }
    if (scattered) this.#gather(attributes)
    else {
      this.key = bytes
      this.keyStart = keyStart === -1 ? start : keyStart
      this.keyStop = keyStart === -1 ? start : keyStop
    }
  }

  #gather(attributes: number): void {
    const scratch = this.#scratch
    scratch.rewind()
    const cursor = this.#cursor.reset(this.bytes, this.start, this.stop)
    while (cursor.next()) {
      if (cursor.field === attributes && cursor.wire === LEN)
        scratch.raw(this.bytes, cursor.tagStart, cursor.stop)
    }
    this.key = scratch.bytes
    this.keyStart = 0
    this.keyStop = scratch.pos
  }

  has(field: number): boolean {
    return this.at[field] !== -1
  }

  /** A time in ms; 0 when absent. */
  millis(field: number): number {
    const at = this.at[field]!
    if (at === -1) return 0
    readFixed64(this.bytes, at)
    return nanosToMillis(low, high)
  }

  /** A fixed64 as a double, rounded once; 0 when absent. */
  fixed64(field: number): number {
    const at = this.at[field]!
    if (at === -1) return 0
    readFixed64(this.bytes, at)
    return high * 0x1_0000_0000 + low
  }

  uint32(field: number): number {
    const at = this.at[field]!
    if (at === -1) return 0
    readVarint64(this.bytes, at)
    return low
  }
}

/** Whole milliseconds of nanoseconds since 1970 in two unsigned halves, exactly. */
export function nanosToMillis(lowHalf: number, highHalf: number): number {
  // 2^32 ns are 4294 ms and 967296 ns; all of this stays below 2^53.
  return highHalf * 4294 + Math.floor((highHalf * 967_296 + lowHalf) / 1_000_000)
}
