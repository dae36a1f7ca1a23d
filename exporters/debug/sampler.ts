/** Of each second the first few, then every n-th: how zap's sampler thins out a log. */
export class Sampler {
  readonly #initial: number
  readonly #thereafter: number
  readonly #seen: Map<string, { until: number; count: number }>

  constructor(initial: number, thereafter: number) {
    this.#initial = initial
    this.#thereafter = thereafter
    this.#seen = new Map()
  }

  /** Counts one more under `key` and says whether it is shown. `now` in ms, on any clock that does not go back. */
  allows(key: string, now: number = performance.now()): boolean {
    let window = this.#seen.get(key)
    if (window === undefined || now >= window.until) {
      window = { until: now + 1000, count: 0 }
      this.#seen.set(key, window)
    }
    const nth = ++window.count
    if (nth <= this.#initial) return true
    return this.#thereafter > 0 && (nth - this.#initial) % this.#thereafter === 0
  }
}
