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

/** Up to `max` spans as examples, in bytes: 16 of the trace id, 8 of the span id, and a value each. */
export class Exemplars {
  readonly ids: Uint8Array
  readonly values: Float64Array
  count: number

  constructor(max: number) {
    this.ids = new Uint8Array(max * 24)
    this.values = new Float64Array(max)
    this.count = 0
  }

  get byteLength(): number {
    return this.ids.length + this.values.byteLength
  }

  /** Takes the ids out of `bytes`; does nothing when it is full. */
  add(bytes: Uint8Array, traceId: number, spanId: number, value: number): void {
    const { count, ids } = this
    if (count >= this.values.length) return
    const at = count * 24
    for (let i = 0; i < 16; i++) ids[at + i] = bytes[traceId + i]!
    for (let i = 0; i < 8; i++) ids[at + 16 + i] = bytes[spanId + i]!
    this.values[count] = value
    this.count = count + 1
  }
}
