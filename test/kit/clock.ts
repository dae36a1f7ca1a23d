/** A clock that stands still until a test turns it. */

import type { Clock } from '../../core/component/clock.ts'

interface Timer {
  readonly at: number
  readonly callback: () => void
}

export class ManualClock implements Clock {
  #now = 1000
  readonly #timers = new Set<Timer>()

  now(): number {
    return this.#now
  }

  after(ms: number, callback: () => void): () => void {
    const timer = { at: this.#now + Math.max(0, ms), callback }
    this.#timers.add(timer)
    return () => this.#timers.delete(timer)
  }

  /** How many timers are set. */
  get waiting(): number {
    return this.#timers.size
  }

  /** When the next timer goes off, in ms from now; undefined when none is set. */
  get next(): number | undefined {
    const timer = this.#first()
    return timer === undefined ? undefined : timer.at - this.#now
  }

  /** Moves time on by `ms`, timer by timer, and lets everything that follows from each happen. */
  async advance(ms: number): Promise<void> {
    const until = this.#now + ms
    await settled()
    for (let timer = this.#first(); timer !== undefined && timer.at <= until; timer = this.#first()) {
      this.#timers.delete(timer)
      this.#now = timer.at
      timer.callback()
      await settled()
    }
    this.#now = until
  }

  /** Moves time on until `promise` settles; throws when nothing is left that could make it. */
  async until<T>(promise: Promise<T>): Promise<T> {
    let done = false
    const mark = (): void => {
      done = true
    }
    promise.then(mark, mark)
    for (;;) {
      await settled()
      if (done) return promise
      const next = this.next
      if (next === undefined) throw new Error('nothing is left to wait for, and the promise is pending')
      await this.advance(next)
    }
  }

  #first(): Timer | undefined {
    let first: Timer | undefined
    for (const timer of this.#timers) if (first === undefined || timer.at < first.at) first = timer
    return first
  }
}

/** Resolves once every promise that can settle without time passing has: microtasks run dry before the next turn. */
export function settled(): Promise<void> {
  return new Promise(resolve => setImmediate(resolve))
}
