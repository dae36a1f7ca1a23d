/**
 * A base-2 exponential histogram of values from 0 on, as OpenTelemetry's data model has it: bucket `i` of scale `s`
 * holds values in (base^i, base^(i+1)] with base 2^(2^-s). It begins at the finest scale and halves its resolution
 * whenever more than `maxSize` buckets would be needed, as the Collector's does (lightstep/go-expohisto 1.0.0), with the
 * same buckets for the same values.
 */

import type { ExponentialBuckets } from '../otlp/metrics-writer.ts'

const SCALE_MAX = 20
/** Below this a bucket would hold all numbers there are. */
const SCALE_MIN = -10
const SMALLEST_NORMAL = 2 ** -1022
const INITIAL_BUCKETS = 16

/** What `maxSize` may be. */
export const BUCKETS_MIN = 2
export const BUCKETS_MAX = 16384

const double = new DataView(new ArrayBuffer(8))

export class ExponentialHistogram implements ExponentialBuckets {
  count: number
  sum: number
  zeroCount: number
  min: number
  max: number
  offset: number
  counts: Float64Array
  first: number
  length: number
  readonly #maxSize: number
  #scale: number

  constructor(maxSize: number) {
    this.#maxSize = Math.min(Math.max(maxSize, BUCKETS_MIN), BUCKETS_MAX)
    this.count = this.sum = this.zeroCount = this.min = this.max = 0
    this.offset = this.first = this.length = 0
    this.counts = new Float64Array(Math.min(INITIAL_BUCKETS, this.#maxSize))
    this.#scale = SCALE_MAX
  }

  /** 0 as long as all values were 0. */
  get scale(): number {
    return this.count === this.zeroCount ? 0 : this.#scale
  }

  get byteLength(): number {
    return this.counts.byteLength
  }

  /** Enters `value` (0 or more) `times` times. */
  add(value: number, times = 1): void {
    if (this.count === 0) this.min = this.max = value
    else if (value < this.min) this.min = value
    else if (value > this.max) this.max = value
    this.count += times
    if (value === 0) {
      this.zeroCount += times
      return
    }
    if (times === 0) return
    this.sum += value * times
    let index = bucketOf(value, this.#scale)
    if (this.length > 0) {
      const last = this.offset + this.length - 1
      let low = Math.min(index, this.offset)
      let high = Math.max(index, last)
      let by = 0
      for (; high - low >= this.#maxSize; by++) {
        low >>= 1
        high >>= 1
      }
      if (by > 0) {
        this.#coarsen(by)
        index = bucketOf(value, this.#scale)
      }
    }
    const slot = this.#slot(index)
    this.counts[slot]! += times
  }

  /** Where bucket `index` is in `counts`; makes room for it. */
  #slot(index: number): number {
    if (this.length === 0) {
      this.offset = index
      this.length = 1
      this.first = 0
      return 0
    }
    const before = Math.max(this.offset - index, 0)
    const length = before + Math.max(this.length, index - this.offset + 1)
    if (before > this.first || this.first - before + length > this.counts.length) this.#move(length, before)
    this.first -= before
    this.offset -= before
    this.length = length
    return this.first + index - this.offset
  }

  /** Lays the counts out anew for `length` buckets, with room for `before` in front. */
  #move(length: number, before: number): void {
    let size = this.counts.length
    while (size < length) size *= 2
    size = Math.min(size, Math.max(this.#maxSize, length))
    const counts = new Float64Array(size)
    counts.set(this.counts.subarray(this.first, this.first + this.length), before)
    this.counts = counts
    this.first = before
  }

  /** Joins each 2^by buckets to one. */
  #coarsen(by: number): void {
    const { offset, first, length, counts } = this
    const start = offset >> by
    const coarse = new Float64Array(counts.length)
    for (let i = 0; i < length; i++) coarse[((offset + i) >> by) - start]! += counts[first + i]!
    this.counts = coarse
    this.first = 0
    this.length = ((offset + length - 1) >> by) - start + 1
    this.offset = start
    this.#scale -= by
  }
}

/** The bucket of `value`, above 0, at a scale from -10 to 20. */
export function bucketOf(value: number, scale: number): number {
  if (scale < SCALE_MIN || scale > SCALE_MAX) throw new RangeError(`no scale ${scale}`)
  double.setFloat64(0, value)
  const high = double.getUint32(0)
  const exponent = ((high >>> 20) & 0x7ff) - 1023
  const isPower = (high & 0xf_ffff) === 0 && double.getUint32(4) === 0
  if (scale <= 0) {
    if (value < SMALLEST_NORMAL) return scale > -2 ? (-1022 >> -scale) - 1 : -1022 >> -scale
    return (isPower ? exponent - 1 : exponent) >> -scale
  }
  if (value <= SMALLEST_NORMAL) return -1022 * 2 ** scale - 1
  if (isPower) return exponent * 2 ** scale - 1
  const index = Math.floor(Math.log(value) * (Math.LOG2E * 2 ** scale))
  return Math.min(index, 1024 * 2 ** scale - 1)
}
