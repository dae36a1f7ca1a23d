/**
 * The samples of one batch on their way into requests. They lie in typed arrays that are used again for each batch; those
 * of one series are a chain in order of time, in which each time stands once.
 */

import { Writer } from '../../otlp/writer.ts'
import type { WrittenSeries } from './write-series.ts'

/** The bits of the NaN by which Prometheus says that a series has ended (model/value.StaleNaN). */
export const STALE_LOW = 2
export const STALE_HIGH = 0x7ff0_0000

const SMALLEST = 1024
/** What is kept from one batch to the next; a larger batch gives its arrays back. */
const KEPT = 64 * 1024
/** The same for native histograms, in bytes. */
const NATIVES_KEPT = 1024 * 1024

/** So many samples are looked at for the place of a late one; a series that has its place further back is sorted later. */
const STEPS_MAX = 32
const FAR = -2

/** Samples of one series that came after newer ones. They stand beside its chain until `sort` puts them in. */
interface Late {
  readonly found: number[]
  /** By time, where each sample of the series is: those in `found`, and those of the chain up to `known`. */
  readonly at: Map<number, number>
  known: number
}

export class Samples {
  /** With at least one sample each, in the order they came in. */
  readonly touched: WrittenSeries[] = []
  /** Native histograms as messages of either version, without their start. */
  readonly natives = new Writer(16 * 1024)
  /** Milliseconds since 1970; a start of 0 is unknown. */
  times = new Float64Array(SMALLEST)
  starts = new Float64Array(SMALLEST)
  /**
   * Two for each sample. Of a number the bits of the double, low half first, so that every NaN stays what it is; of a
   * native histogram where it begins and ends in `natives`.
   */
  bits = new Uint32Array(SMALLEST * 2)
  /** The next sample of the same series; -1 after the last. */
  next = new Int32Array(SMALLEST)
  /** Data points that this sample stands for: a point counts with the first of its samples. */
  items = new Uint32Array(SMALLEST)
  #size = 0
  readonly #late = new Map<WrittenSeries, Late>()

  get size(): number {
    return this.#size
  }

  /**
   * Adds a sample. What is there already, bit by bit, is not added again: its items are. False when the series has another
   * value at this time. Whoever adds the last sample of a series says so in `ended` afterwards.
   */
  add(series: WrittenSeries, time: number, start: number, low: number, high: number, items: number): boolean {
    const { times } = this
    const { tail } = series
    series.ended = false
    if (tail === -1) {
      this.touched.push(series)
      series.head = series.tail = this.#put(time, start, low, high, items, -1)
      return true
    }
    if (time > times[tail]!) {
      const added = this.#put(time, start, low, high, items, -1)
      this.next[tail] = added
      series.tail = added
      return true
    }
    const there = this.#find(series, time)
    if (there !== undefined) {
      if (!this.#same(series, there, low, high)) return false
      this.items[there]! += items
      return true
    }
    const late = this.#late.get(series)
    const added = this.#put(time, start, low, high, items, -1)
    if (late === undefined) this.#link(series, this.#before(series, time), added)
    else {
      late.at.set(time, added)
      late.found.push(added)
    }
    return true
  }

  /** Puts a sample behind another one of the chain, -1 being its beginning. */
  #link(series: WrittenSeries, before: number, added: number): void {
    if (before === -1) {
      this.next[added] = series.head
      series.head = added
    } else {
      this.next[added] = this.next[before]!
      this.next[before] = added
    }
  }

  /** The last sample of the chain that is before this time, -1 when there is none, FAR when that takes too long to find. */
  #before(series: WrittenSeries, time: number): number {
    let before = -1
    let at = series.head
    for (let steps = 0; this.times[at]! < time; steps++) {
      if (steps === STEPS_MAX) return FAR
      before = at
      at = this.next[at]!
    }
    return before
  }

  /** Whether the series has a sample of this time. */
  has(series: WrittenSeries, time: number): boolean {
    const { tail } = series
    return tail !== -1 && time <= this.times[tail]! && this.#find(series, time) !== undefined
  }

  /** Of a time that is not after the last one. */
  #find(series: WrittenSeries, time: number): number | undefined {
    if (time === this.times[series.tail]) return series.tail
    const before = this.#late.has(series) ? FAR : this.#before(series, time)
    if (before === FAR) return this.#lateOf(series).at.get(time)
    const at = before === -1 ? series.head : this.next[before]!
    return this.times[at] === time ? at : undefined
  }

  /** Looking through the chain for each late sample would take hours, for a request full of them in any order. */
  #lateOf(series: WrittenSeries): Late {
    let late = this.#late.get(series)
    if (late === undefined) {
      late = { found: [], at: new Map([[this.times[series.head]!, series.head]]), known: series.head }
      this.#late.set(series, late)
    }
    for (let at = this.next[late.known]!; at !== -1; at = this.next[at]!) {
      late.at.set(this.times[at]!, at)
      late.known = at
    }
    return late
  }

  /** Puts what came late where it belongs; before samples are read, and after the last was added. */
  sort(): void {
    const { times, next } = this
    for (const [series, { found }] of this.#late) {
      let before = -1
      let at = series.head
      for (const one of found.sort((a, b) => times[a]! - times[b]!)) {
        while (times[at]! < times[one]!) {
          before = at
          at = next[at]!
        }
        next[one] = at
        if (before === -1) series.head = one
        else next[before] = one
        before = one
      }
    }
    this.#late.clear()
  }

  #same(series: WrittenSeries, at: number, low: number, high: number): boolean {
    const ownLow = this.bits[at * 2]!
    const ownHigh = this.bits[at * 2 + 1]!
    if (!series.native) return ownLow === low >>> 0 && ownHigh === high >>> 0
    const { bytes } = this.natives
    return Buffer.compare(bytes.subarray(ownLow, ownHigh), bytes.subarray(low, high)) === 0
  }

  #put(time: number, start: number, low: number, high: number, items: number, next: number): number {
    if (this.#size === this.times.length) this.#resize(this.#size * 2)
    const at = this.#size++
    this.times[at] = time
    this.starts[at] = start
    this.bits[at * 2] = low
    this.bits[at * 2 + 1] = high
    this.items[at] = items
    this.next[at] = next
    return at
  }

  #resize(size: number): void {
    const grown = <A extends Float64Array | Uint32Array | Int32Array>(to: A, from: A): A => {
      to.set(from.subarray(0, to.length))
      return to
    }
    this.times = grown(new Float64Array(size), this.times)
    this.starts = grown(new Float64Array(size), this.starts)
    this.bits = grown(new Uint32Array(size * 2), this.bits)
    this.next = grown(new Int32Array(size), this.next)
    this.items = grown(new Uint32Array(size), this.items)
  }

  /** Data points that the samples of a series stand for. */
  itemsOf(series: WrittenSeries): number {
    let items = 0
    for (let at = series.head; at !== -1; at = this.next[at]!) items += this.items[at]!
    return items
  }

  lengthOf(series: WrittenSeries): number {
    let length = 0
    for (let at = series.head; at !== -1; at = this.next[at]!) length++
    return length
  }

  /** Ready for the next batch. */
  clear(): void {
    for (const series of this.touched) {
      series.head = series.tail = -1
      series.exemplars = undefined
    }
    this.touched.length = 0
    this.#late.clear()
    this.#size = 0
    this.natives.rewind()
    if (this.natives.bytes.length > NATIVES_KEPT) this.natives.bytes = Buffer.allocUnsafeSlow(NATIVES_KEPT)
    if (this.times.length > KEPT) this.#resize(KEPT)
  }
}
