/**
 * How long to wait between attempts: the Collector's formula (cenkalti/backoff, used by exporterhelper's retry sender).
 *
 * The n-th wait is drawn evenly from `interval * (1 - randomization_factor)` to `interval * (1 + randomization_factor)`,
 * where interval starts at initial_interval and is multiplied each time until max_interval. A wait that the server
 * asked for is a lower bound. When the wait would end after max_elapsed_time, there is none, nor after max_retries.
 */

import type { RetryConfig } from './sending-config.ts'

export class Backoff {
  readonly #config: RetryConfig
  readonly #random: () => number
  readonly #giveUpAt: number
  readonly #retriesMax: number
  #retries = 0
  #interval: number

  /** `now` in ms on the clock that `next` will be asked with; `random` gives [0, 1). */
  constructor(config: RetryConfig, now: number, random: () => number = Math.random) {
    this.#config = config
    this.#random = random
    this.#interval = config.initial_interval
    this.#retriesMax = config.max_retries || Number.POSITIVE_INFINITY
    this.#giveUpAt = config.max_elapsed_time === 0 ? Number.POSITIVE_INFINITY : now + config.max_elapsed_time
  }

  /** The next wait in ms, at least `afterMs`; undefined when it is time to give up. */
  next(now: number, afterMs = 0): number | undefined {
    if (this.#retries++ >= this.#retriesMax) return undefined
    const { randomization_factor: factor } = this.#config
    const drawn = this.#interval * (1 - factor + this.#random() * 2 * factor)
    this.#grow()
    const wait = Math.max(drawn, afterMs)
    return now + wait > this.#giveUpAt ? undefined : wait
  }

  #grow(): void {
    const { max_interval: max, multiplier } = this.#config
    this.#interval = this.#interval >= max / multiplier ? max : this.#interval * multiplier
    // A multiplier of 0 begins again, as there.
    if (this.#interval === 0) this.#interval = this.#config.initial_interval
  }
}
