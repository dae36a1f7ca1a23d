/**
 * Handing on what a part made itself: metrics that a connector counted from spans. Nobody waits for it who could send it
 * again, so a refusal is tried again until a time that the part chooses, and then dropped, counted and said.
 *
 * In the ledger such items are `created`, and `held` until the next part has taken them. What they were made of ends in
 * the connector: an intended drop, `made_into_metrics`.
 */

import type { Signal } from '../otlp/signals.ts'
import { batchOf } from './batch.ts'
import { type Clock, SYSTEM_CLOCK } from './clock.ts'
import type { Consumer, Settings } from './contract.ts'
import type { DropReason } from './ledger.ts'
import { release, retain } from './memory.ts'
import { Refused, Rejected } from './outcome.ts'
import { Backoff } from './retry.ts'

/** What becomes of spans, log records and data points that a connector has counted. */
export const MADE_INTO_METRICS: DropReason = { name: 'made_into_metrics', intended: true }
const REFUSED_DOWNSTREAM: DropReason = { name: 'refused_downstream', intended: false }
const REJECTED_DOWNSTREAM: DropReason = { name: 'rejected_downstream', intended: false }

const RETRY = {
  enabled: true,
  initial_interval: 100,
  randomization_factor: 0.5,
  multiplier: 1.5,
  max_interval: 5000,
  max_elapsed_time: 0,
}

export class Outlet {
  readonly #settings: Settings
  readonly #next: Consumer
  readonly #signal: Signal
  readonly #clock: Clock
  readonly #cut = new AbortController()
  #wake = (): void => {}
  #giveUpAt = Number.POSITIVE_INFINITY

  constructor(settings: Settings, next: Consumer, signal: Signal, clock: Clock = SYSTEM_CLOCK) {
    this.#settings = settings
    this.#next = next
    this.#signal = signal
    this.#clock = clock
  }

  /**
   * Hands on one request with `items` items. Refusals are tried again until `giveUpAt` (ms on the clock). Resolves with
   * true when the next part took it; never rejects. One at a time.
   */
  async send(request: Uint8Array, items: number, giveUpAt: number): Promise<boolean> {
    const { account, log } = this.#settings
    const signal = this.#signal
    const batch = batchOf(signal, [request], items)
    account.create(signal, items)
    account.hold(signal, items)
    retain(batch)
    try {
      const backoff = new Backoff(RETRY, this.#clock.now())
      for (;;) {
        try {
          const { rejected } = await this.#next.consume(batch, { signal: this.#cut.signal })
          account.drop(signal, Math.min(rejected, items), REJECTED_DOWNSTREAM)
          return true
        } catch (error) {
          if (error instanceof Rejected) {
            account.drop(signal, items, REJECTED_DOWNSTREAM)
            log.error('The next component rejected what was made here', {
              error: error.message,
              dropped_items: items,
            })
            return false
          }
          const { afterMs } = error as Refused
          const now = this.#clock.now()
          const wait = backoff.next(now, error instanceof Refused ? afterMs : 0)!
          if (now + wait > Math.min(giveUpAt, this.#giveUpAt)) {
            account.drop(signal, items, REFUSED_DOWNSTREAM)
            log.error('The next component keeps refusing what was made here; look at its errors', {
              error: error instanceof Error ? error.message : String(error),
              dropped_items: items,
            })
            return false
          }
          await this.#sleep(wait)
        }
      }
    } finally {
      release(batch)
      account.hold(signal, -items)
    }
  }

  /**
   * From here on nothing is tried again after `deadline`, and a call that still waits then is aborted. Call what it
   * returns when the last `send` has settled.
   */
  close(deadline: number): () => void {
    this.#giveUpAt = deadline
    this.#wake()
    const stopping = new Refused('the gateway is stopping', { status: 'UNAVAILABLE' })
    return this.#clock.after(deadline - this.#clock.now(), () => this.#cut.abort(stopping))
  }

  #sleep(ms: number): Promise<void> {
    return new Promise(resolve => {
      const wake = (): void => {
        cancel()
        resolve()
      }
      const cancel = this.#clock.after(ms, wake)
      this.#wake = wake
    })
  }
}
