/**
 * Writing text that is made of the same pieces again and again, and remembering where a piece stood before: what a
 * compressor would search for is known to who writes it (gzip.ts).
 */

import type { Writer } from '../../otlp/writer.ts'

/** Deflate reaches no further back. */
export const DISTANCE_MAX = 32_768
/** Shorter ones are as short without. */
export const REPEAT_MIN = 4
const NEVER = -0x4000_0000

/** Bytes that are written often. */
export interface Piece {
  readonly bytes: Uint8Array
  /** Whose place it is. Two pieces that take each other's place share it. */
  readonly nth: number
}

/** The pieces of one text at a time, and what of it was there before. */
export class Repeats {
  /** Three numbers for each, in order: where it is, how many bytes, how far back the same ones are. */
  list = new Int32Array(3 * 1024)
  count = 0
  /** False while what is written is not the text, or nobody asks: nothing is remembered. */
  on: boolean
  #lastAt = new Int32Array(1024).fill(NEVER)
  #places = 0

  constructor(on: boolean) {
    this.on = on
  }

  /** What is written from here on is another text, or stands elsewhere. */
  begin(): void {
    this.count = 0
    this.#lastAt.fill(NEVER)
  }

  place(): number {
    if (this.#places === this.#lastAt.length) {
      const lastAt = new Int32Array(2 * this.#places).fill(NEVER)
      lastAt.set(this.#lastAt)
      this.#lastAt = lastAt
    }
    return this.#places++
  }

  /** Of a piece in a place of its own. */
  piece(bytes: Uint8Array): Piece {
    return { bytes, nth: this.place() }
  }

  /** What stood in that place is another piece from now on. */
  forget(nth: number): void {
    this.#lastAt[nth] = NEVER
  }

  write(out: Writer, { bytes, nth }: Piece): void {
    const { length } = bytes
    out.reserve(length)
    const { pos } = out
    const target = out.bytes
    if (length <= 12) for (let i = 0; i < length; i++) target[pos + i] = bytes[i]!
    else target.set(bytes, pos)
    out.pos = pos + length
    if (this.on) this.stands(nth, pos, length)
  }

  /** The same, for whom nothing is to be noted yet: what stands at `at` is as good as what stood in that place before. */
  moved(nth: number, at: number): void {
    if (this.on) this.#lastAt[nth] = at
  }

  /** At `at` there are `length` bytes that belong to that place. */
  stands(nth: number, at: number, length: number): void {
    const before = this.#lastAt[nth]!
    this.#lastAt[nth] = at
    this.copied(at, length, at - before)
  }

  /** The `length` bytes at `at` are those `distance` before. */
  copied(at: number, length: number, distance: number): void {
    if (!this.on || distance > DISTANCE_MAX || length < REPEAT_MIN) return
    const next = 3 * this.count
    if (next + 3 > this.list.length) {
      const list = new Int32Array(2 * this.list.length)
      list.set(this.list)
      this.list = list
    }
    this.list[next] = at
    this.list[next + 1] = length
    this.list[next + 2] = distance
    this.count++
  }

  /** Forgets what begins at `at` or later, and lets none reach over it. */
  cut(at: number): void {
    const { list } = this
    while (this.count > 0 && list[3 * this.count - 3]! >= at) this.count--
    if (this.count === 0) return
    const last = 3 * this.count - 3
    list[last + 1] = Math.min(list[last + 1]!, at - list[last]!)
  }
}
