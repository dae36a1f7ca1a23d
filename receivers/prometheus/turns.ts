/** Between the pieces of a scrape that is read or written: others have their turn, and its time may be over. */

import { setImmediate as nextTurn } from 'node:timers/promises'

/** After this long others have theirs. */
const TURN_MS = 10

export class Turns {
  #since = performance.now()
  readonly #deadline: number
  readonly #late: () => Error

  /** `deadline`: on the clock of `performance.now()`; behind it `late` is thrown. */
  constructor(deadline: number, late: () => Error) {
    this.#deadline = deadline
    this.#late = late
  }

  /** To be called often; what it gives is to be waited for. Throws, or rejects with, what `late` makes. */
  next(): Promise<void> | undefined {
    const now = performance.now()
    if (now > this.#deadline) throw this.#late()
    return now - this.#since > TURN_MS ? this.#turn() : undefined
  }

  async #turn(): Promise<void> {
    await nextTurn()
    this.#since = performance.now()
  }
}
