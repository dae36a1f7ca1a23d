/** How far a batch has come: a batch is many bulk requests, and each document of them has a fate of its own. */

import type { Bulk } from './bulk.ts'
import type { Lose } from './documents.ts'

export interface Loss {
  items: number
  readonly reason: string
  readonly message: string
}

export class Progress {
  /** To be sent next. */
  readonly pending: Bulk[] = []
  /** To be sent by the next attempt. */
  #later: Bulk[] = []
  /** The size of that. */
  laterBytes = 0
  /** Why the last of these documents was not taken. */
  why = ''
  /** Some document is there, be it one that is no item. */
  landed = false
  /** Since they were last told: */
  sent = 0
  readonly losses = new Map<string, Loss>()
  #attempt = 0
  #inFlight: Bulk | undefined
  readonly #rest: Iterator<Bulk>

  /** `make` is given what to call for items that no document can be made of. */
  constructor(make: (lose: Lose) => Iterator<Bulk>) {
    this.#rest = make((items, reason, message) => this.lose(items, reason, message))
  }

  /**
   * Begins an attempt and returns its number. What the attempt before was sending when it was given up on is to be sent
   * again.
   */
  begin(): number {
    this.giveBack()
    return ++this.#attempt
  }

  /** False for an attempt that was given up on, which must not go on. */
  isCurrent(attempt: number): boolean {
    return this.#attempt === attempt
  }

  /** The next body to send, in flight from here on; undefined when all are sent. */
  next(): Bulk | undefined {
    this.#inFlight = this.pending.shift()
    if (this.#inFlight === undefined) {
      const { value, done } = this.#rest.next()
      if (!done) this.#inFlight = value
    }
    return this.#inFlight
  }

  /** What is in flight was not taken as a whole. */
  giveBack(): void {
    if (this.#inFlight !== undefined) this.pending.unshift(this.#inFlight)
    this.#inFlight = undefined
  }

  /** What is in flight was answered. */
  answered(): void {
    this.#inFlight = undefined
  }

  sendLater(bulk: Bulk): void {
    this.#later.push(bulk)
    this.laterBytes += bulk.size
  }

  /** The attempt is over: what was to be sent later is next. */
  turn(): void {
    this.pending.push(...this.#later)
    this.#later = []
    this.laterBytes = 0
  }

  lose(items: number, reason: string, message: string): void {
    if (items === 0) return
    const loss = this.losses.get(reason)
    if (loss === undefined) this.losses.set(reason, { items, reason, message })
    else loss.items += items
  }

  /** What has become of items since this was last asked, which is told once. */
  tell(): { readonly sent: number; readonly losses: readonly Loss[]; readonly items: number } {
    const { sent } = this
    const losses = [...this.losses.values()]
    this.sent = 0
    this.losses.clear()
    return { sent, losses, items: losses.reduce((sum, loss) => sum + loss.items, sent) }
  }
}
