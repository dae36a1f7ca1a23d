/**
 * How many spans a span stands for: its tracestate says with which threshold it was sampled
 * (`ot=th:8`: one in two). A share that is no whole number is rounded up or down by chance, so that sums are right on
 * average, as the Collector does.
 */

import type { Bits56 } from '../../core/formats/sampling.ts'
import { parseTracestate } from '../../core/formats/tracestate.ts'
import { readString, sameRange } from '../../core/otlp/cursor.ts'

const ALL = 2n ** 56n
const EMPTY = new Uint8Array()

export class AdjustedCount {
  /** Of the last span: does it stand for what its tracestate says? */
  extrapolated: boolean
  readonly #random: () => number
  /** Tracestate of the last span that had one; spans of a trace come one after the other. */
  #bytes: Uint8Array
  #start: number
  #stop: number
  #count: number
  #known: boolean

  /** `random` gives [0, 1). */
  constructor(random: () => number = Math.random) {
    this.extrapolated = false
    this.#random = random
    this.#bytes = EMPTY
    this.#start = this.#stop = 0
    this.#count = 1
    this.#known = false
  }

  /** Whole and 1 or more, for the tracestate `bytes[start, stop)`. */
  of(bytes: Uint8Array, start: number, stop: number): number {
    if (start === stop) {
      this.extrapolated = false
      return 1
    }
    if (sameRange(bytes, start, stop, this.#bytes, this.#start, this.#stop)) {
      this.extrapolated = this.#known
      return this.#count
    }
    this.#bytes = bytes
    this.#start = start
    this.#stop = stop
    const { broken, threshold } = parseTracestate(readString(bytes, start, stop))
    this.#known = !broken && threshold !== undefined
    this.#count = this.#known ? this.#rounded(threshold!) : 1
    this.extrapolated = this.#known
    return this.#count
  }

  /** Lets go of the bytes it has seen. Call it between batches: each of them draws lots anew. */
  forget(): void {
    this.#bytes = EMPTY
    this.#start = this.#stop = 0
  }

  #rounded({ high, low }: Bits56): number {
    const kept = ALL - ((BigInt(high) << 28n) | BigInt(low))
    const whole = Number(ALL / kept)
    const rest = Number(ALL % kept) / Number(kept)
    return this.#random() < rest ? whole + 1 : whole
  }
}
