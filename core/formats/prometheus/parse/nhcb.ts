/**
 * Classic histograms in one piece: `convert_classic_histograms_to_nhcb`. Buckets are collected as they come and made
 * into one histogram of custom buckets (Prometheus' util/convertnhcb). What does not add up is not converted.
 */

import { BUCKETS_MAX, type CustomScraped } from './histogram.ts'

export class ClassicCollector {
  readonly #bounds: number[] = []
  readonly #counts: number[] = []
  #count: number | undefined
  #sum = 0
  /** What is wrong with what came so far; '' when nothing is. */
  problem = ''

  bucket(bound: number, count: number): void {
    const at = this.#place(bound)
    if (Number.isNaN(bound)) this.problem ||= 'the bound of a bucket is not a number'
    else if (!(count >= 0)) this.problem ||= 'the count of a bucket is below 0'
    else if (this.#bounds[at] === bound) return
    else if (count < (this.#counts[at - 1] ?? 0) || count > (this.#counts[at] ?? Infinity))
      this.problem ||= 'the counts of the buckets go down'
    else if (this.#bounds.length >= BUCKETS_MAX) this.problem ||= `it has more than ${BUCKETS_MAX} buckets`
    else {
      this.#bounds.splice(at, 0, bound)
      this.#counts.splice(at, 0, count)
    }
  }

  count(count: number): void {
    if (count >= 0) this.#count = count
    else this.problem ||= 'the count is below 0'
  }

  sum(sum: number): void {
    this.#sum = sum
  }

  /** Undefined when there is a problem; empty afterwards. */
  take(): CustomScraped | undefined {
    const made = this.#convert()
    this.#bounds.length = 0
    this.#counts.length = 0
    this.#count = undefined
    this.#sum = 0
    this.problem = ''
    return made
  }

  #convert(): CustomScraped | undefined {
    if (this.problem !== '') return undefined
    const bounds = [...this.#bounds]
    const cumulative = [...this.#counts]
    const count = this.#count ?? cumulative.at(-1) ?? 0
    if (bounds.at(-1) !== Infinity) {
      bounds.push(Infinity)
      cumulative.push(count)
    }
    if (cumulative.at(-1) !== count) {
      this.problem = `its count is ${count}, and that of its last bucket ${cumulative.at(-1)}`
      return undefined
    }
    const counts = cumulative.map((one, i) => one - (cumulative[i - 1] ?? 0))
    if (counts.some(one => one < 0)) {
      this.problem = 'its count is less than that of a bucket'
      return undefined
    }
    return { kind: 'custom', count, sum: this.#sum, bounds: bounds.slice(0, -1), counts }
  }

  /** Where the bound stands or would stand; nearly always at the end. */
  #place(bound: number): number {
    let at = this.#bounds.length
    while (at > 0 && this.#bounds[at - 1]! >= bound) at--
    return at
  }
}
