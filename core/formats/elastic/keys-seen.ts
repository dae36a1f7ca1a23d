/** Which keys an object has already: Elasticsearch refuses a document that has one twice. */

import { readString, sameRange } from '../../otlp/cursor.ts'

/** Up to so many they are compared with each other. */
const FEW = 32

export class KeysSeen {
  readonly #starts = new Int32Array(FEW)
  readonly #stops = new Int32Array(FEW)
  #count = 0
  #many: Set<string> | undefined

  begin(): void {
    this.#count = 0
    this.#many = undefined
  }

  /** True when `bytes[start, stop)` is new. All keys of one object are in the same `bytes`. */
  add(bytes: Uint8Array, start: number, stop: number): boolean {
    const many = this.#many
    if (many !== undefined) {
      const before = many.size
      return many.add(readString(bytes, start, stop)).size > before
    }
    const starts = this.#starts
    const stops = this.#stops
    const count = this.#count
    const length = stop - start
    const last = bytes[stop - 1]
    for (let i = 0; i < count; i++) {
      const end = stops[i]!
      // Keys of one object differ at their ends more often than where they begin.
      if (end - starts[i]! !== length || (length > 0 && bytes[end - 1] !== last)) continue
      if (sameRange(bytes, start, stop, bytes, starts[i]!, end)) return false
    }
    if (count === FEW) {
      const set = new Set<string>()
      for (let i = 0; i < count; i++) set.add(readString(bytes, starts[i]!, stops[i]!))
      set.add(readString(bytes, start, stop))
      this.#many = set
      return true
    }
    starts[count] = start
    stops[count] = stop
    this.#count = count + 1
    return true
  }
}
