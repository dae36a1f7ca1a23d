/**
 * A point of an exponential histogram as a native histogram of remote write, straight from its bytes. The message is
 * the same in both versions (prompb.Histogram, writev2.Histogram); only a start may follow it in 2.0.
 */

import { Cursor, LEN, low, high as readHigh, readVarint64, VARINT, varintEnd } from '../../otlp/cursor.ts'
import type { BucketsView, ExponentialHistogramPointView } from '../../otlp/data-point.ts'
import { ExponentialHistogramDataPointBuckets as Buckets } from '../../otlp/fields.ts'
import { Writer } from '../../otlp/writer.ts'
import { SCALE_MAX, SCALE_MIN, ZERO_THRESHOLD } from './native.ts'
import { STALE_HIGH, STALE_LOW } from './samples.ts'

// Field numbers.
const HISTOGRAM = {
  count: 1,
  sum: 3,
  schema: 4,
  zeroThreshold: 5,
  zeroCount: 6,
  negativeSpans: 8,
  negativeDeltas: 9,
  positiveSpans: 11,
  positiveDeltas: 12,
  timestamp: 15,
} as const

/** A run of empty buckets that is longer begins a new span, as client_golang does it. */
const GAP_MAX = 2
/** Counts beyond this are not exact in a double. */
const EXACT_MAX = Number.MAX_SAFE_INTEGER

/** Prometheus counts buckets in 32 bits. */
const INDEX_MAX = 2 ** 31 - 1

export type NativeProblem = 'scale_too_low' | 'histogram_count_mismatch' | 'bucket_out_of_range'

/** `time` in ms. Or why Prometheus cannot have it; then nothing is written. */
export function writeNative(
  out: Writer,
  point: ExponentialHistogramPointView,
  time: number,
): NativeProblem | undefined {
  const { scale, sum = 0, zeroThreshold } = point
  if (scale < SCALE_MIN) return 'scale_too_low'
  const count = Number(point.count)
  const zeroCount = Number(point.zeroCount)
  const by = Math.max(0, scale - SCALE_MAX)
  const total = zeroCount + negative.read(point.negative, by) + positive.read(point.positive, by)
  if (count > EXACT_MAX || (Number.isNaN(sum) ? total > count : total !== count))
    return 'histogram_count_mismatch'
  if (Math.max(negative.last, positive.last) > INDEX_MAX) return 'bucket_out_of_range'
  out.tag(HISTOGRAM.count, 0)
  out.varint(count)
  if (sum !== 0) double(out, HISTOGRAM.sum, sum)
  const schema = Math.min(scale, SCALE_MAX)
  if (schema !== 0) {
    out.tag(HISTOGRAM.schema, 0)
    out.varint(zigzag(schema))
  }
  double(out, HISTOGRAM.zeroThreshold, zeroThreshold === 0 ? ZERO_THRESHOLD : zeroThreshold)
  out.tag(HISTOGRAM.zeroCount, 0)
  out.varint(zeroCount)
  negative.write(out, HISTOGRAM.negativeSpans, HISTOGRAM.negativeDeltas)
  positive.write(out, HISTOGRAM.positiveSpans, HISTOGRAM.positiveDeltas)
  timestamp(out, time)
  return undefined
}

/** A histogram without anything but a sum that says: this series has ended. */
export function writeStaleNative(out: Writer, time: number): void {
  out.tag(HISTOGRAM.count, 0)
  out.varint(0)
  out.tag(HISTOGRAM.sum, 1)
  out.fixed32(STALE_LOW)
  out.fixed32(STALE_HIGH)
  out.tag(HISTOGRAM.zeroCount, 0)
  out.varint(0)
  timestamp(out, time)
}

function timestamp(out: Writer, time: number): void {
  if (time === 0) return
  out.tag(HISTOGRAM.timestamp, 0)
  out.varint(time)
}

function double(out: Writer, field: number, value: number): void {
  out.tag(field, 1)
  out.double(value)
}

function zigzag(value: number): number {
  return value < 0 ? -2 * value - 1 : 2 * value
}

/** Buckets of one sign at the scale that Prometheus takes; used again for each point. */
class Side {
  readonly #cursor = new Cursor(new Uint8Array())
  /** Upper-bound index of a bucket as Prometheus has it, and its count; empty ones are left out. */
  readonly #indexes: number[] = []
  readonly #counts: number[] = []
  readonly #spans = new Writer()
  readonly #deltas = new Writer()

  /** Returns the sum of all counts. 2^by neighbours become one. */
  read(view: BucketsView, by: number): number {
    const { bytes, start, stop, offset } = view
    this.#indexes.length = this.#counts.length = 0
    let index = offset
    let total = 0
    const neighbours = 2 ** by
    const cursor = this.#cursor.reset(bytes, start, stop)
    const take = (pos: number): void => {
      readVarint64(bytes, pos)
      const count = readHigh * 0x1_0000_0000 + low
      total += count
      // `>>` would take the shift modulo 32, and indexes for 32 bits.
      if (count > 0) this.#add(Math.floor(index / neighbours) + 1, count)
      index++
    }
    while (cursor.next()) {
      if (cursor.field !== Buckets.bucketCounts) continue
      if (cursor.wire === VARINT) take(cursor.start)
      else if (cursor.wire === LEN) for (let pos = cursor.start; pos < cursor.stop; pos = varintEnd) take(pos)
    }
    return total
  }

  /** The index of the last bucket that is not empty. */
  get last(): number {
    return this.#indexes.at(-1) ?? 0
  }

  #add(index: number, count: number): void {
    const last = this.#indexes.length - 1
    if (this.#indexes[last] === index) this.#counts[last]! += count
    else {
      this.#indexes.push(index)
      this.#counts.push(count)
    }
  }

  write(out: Writer, spanField: number, deltaField: number): void {
    const indexes = this.#indexes
    if (indexes.length === 0) return
    const deltas = this.#deltas
    deltas.rewind()
    let begin = indexes[0]!
    /** Where the span before ended. */
    let ended = 0
    let next = begin
    let before = 0
    const emit = (count: number): void => {
      deltas.varint(zigzag(count - before))
      before = count
    }
    for (let i = 0; i < indexes.length; i++) {
      const index = indexes[i]!
      if (index - next > GAP_MAX) {
        this.#span(out, spanField, begin - ended, next - begin)
        ended = next
        begin = next = index
      }
      for (; next < index; next++) emit(0)
      emit(this.#counts[i]!)
      next++
    }
    this.#span(out, spanField, begin - ended, next - begin)
    out.lengthDelimited(deltaField, deltas.bytes, 0, deltas.pos)
  }

  #span(out: Writer, field: number, offset: number, length: number): void {
    const span = this.#spans
    span.rewind()
    if (offset !== 0) {
      span.tag(1, 0)
      span.varint(zigzag(offset))
    }
    span.tag(2, 0)
    span.varint(length)
    out.lengthDelimited(field, span.bytes, 0, span.pos)
  }
}

const positive = new Side()
const negative = new Side()
