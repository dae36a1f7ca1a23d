/**
 * Many timeouts of one length for the price of one timer: they end in the order they began, so only the oldest needs
 * one. Setting and clearing a timer for every attempt would cost about as much as the rest of the sending chain.
 */

import type { Clock } from './clock.ts'
import { type Linked, List } from './list.ts'

interface Timeout extends Linked<Timeout> {
  readonly at: number
  readonly callback: () => void
}

export class Timeouts {
  readonly #ms: number
  readonly #clock: Clock
  readonly #running = new List<Timeout>()
  #cancelTimer: (() => void) | undefined

  constructor(ms: number, clock: Clock) {
    this.#ms = ms
    this.#clock = clock
  }

  /** Calls `callback` after the length, unless the function it returns is called before. */
  begin(callback: () => void): () => void {
    const at = this.#clock.now() + this.#ms
    const timeout: Timeout = { at, callback, before: undefined, after: undefined }
    this.#running.push(timeout)
    if (this.#cancelTimer === undefined) this.#arm(this.#ms)
    return () => this.#running.remove(timeout)
  }

  /** The timer that is left when all have ended; call it when there will be no more. */
  clear(): void {
    this.#cancelTimer?.()
    this.#cancelTimer = undefined
  }

  #arm(ms: number): void {
    this.#cancelTimer = this.#clock.after(ms, () => this.#ring())
  }

  #ring(): void {
    this.#cancelTimer = undefined
    const now = this.#clock.now()
    for (let oldest = this.#running.first; oldest !== undefined; oldest = this.#running.first) {
      if (oldest.at > now) {
        this.#arm(oldest.at - now)
        return
      }
      this.#running.remove(oldest)
      oldest.callback()
    }
  }
}
