/** What points of metrics are written from (metrics-writer.ts). */

/** One point of a histogram: its counts are `counts[at, at + bounds.length]`. */
export interface ExplicitBuckets {
  readonly bounds: Float64Array
  readonly counts: Float64Array
  readonly at: number
  readonly count: number
  readonly sum: number
}

export interface ExponentialBuckets {
  readonly scale: number
  readonly zeroCount: number
  /** Index of the first of `counts`, of which `[first, first + length)` are used. */
  readonly offset: number
  readonly counts: Float64Array
  readonly first: number
  readonly length: number
  readonly count: number
  readonly sum: number
  /** Written when `count` is above 0. */
  readonly min: number
  readonly max: number
}

/** Bytes of the ids of an exemplar, and of its value. */
const IDS = 24
const VALUE = 8
/** How many there is room for at first: `max` is what somebody wrote into a config, and most points have few. */
const FIRST = 8

/** Up to `max` spans as examples, in bytes: 16 of the trace id, 8 of the span id, and a value each. */
export class Exemplars {
  ids: Uint8Array
  values: Float64Array
  count: number
  readonly #max: number

  constructor(max: number) {
    const room = Math.min(max, FIRST)
    this.#max = max
    this.ids = new Uint8Array(room * IDS)
    this.values = new Float64Array(room)
    this.count = 0
  }

  /** Of a new one, before there is one. */
  static byteLength(max: number): number {
    return Math.min(max, FIRST) * (IDS + VALUE)
  }

  get byteLength(): number {
    return this.ids.length + this.values.byteLength
  }

  /** How many bytes the next `add` will make it larger. */
  get growth(): number {
    const room = this.values.length
    return this.count < room ? 0 : (Math.min(2 * room, this.#max) - room) * (IDS + VALUE)
  }

  /** Takes the ids out of `bytes`; does nothing when it is full. */
  add(bytes: Uint8Array, traceId: number, spanId: number, value: number): void {
    const { count } = this
    if (count >= this.#max) return
    if (count === this.values.length) this.#grow()
    const { ids } = this
    const at = count * IDS
    for (let i = 0; i < 16; i++) ids[at + i] = bytes[traceId + i]!
    for (let i = 0; i < 8; i++) ids[at + 16 + i] = bytes[spanId + i]!
    this.values[count] = value
    this.count = count + 1
  }

  #grow(): void {
    const { ids, values } = this
    const room = Math.min(2 * values.length, this.#max)
    this.ids = new Uint8Array(room * IDS)
    this.ids.set(ids)
    this.values = new Float64Array(room)
    this.values.set(values)
  }
}
