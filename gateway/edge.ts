/**
 * What sits between any two parts. It enters what went in and out into their accounts, counts as the Collector's
 * metrics do, and turns whatever is not an outcome into one, blaming the part it came from.
 *
 * Runs once a batch on every hop, so labels are bound when it is made and nothing is looked up later.
 */

import type { Batch } from '../core/component/batch.ts'
import type { ConsumeContext, Consumer } from '../core/component/contract.ts'
import type { SignalAccount } from '../core/component/ledger.ts'
import { type Receipt, Refused, Rejected } from '../core/component/outcome.ts'
import type { Signal } from '../core/otlp/signals.ts'
import type { Logger } from '../core/telemetry/log.ts'

/** How one end of an edge sees a batch go by. All numbers are items. */
export interface EdgeEnd {
  /** Before the batch is handed over. */
  offered(items: number, context: ConsumeContext): void
  /** After the call came back, before its promise settled. */
  called?(): void
  taken(items: number, rejected: number, context: ConsumeContext): void
  refused(items: number, context: ConsumeContext): void
  /** A component threw something that is not an outcome. */
  failed(items: number, context: ConsumeContext): void
}

/** The part behind an edge: who is blamed for what is thrown. */
export interface Blamed {
  readonly name: string
  readonly log: Logger
}

export class Edge implements Consumer {
  readonly #ends: readonly EdgeEnd[]
  readonly #to: Consumer
  readonly #blamed: Blamed

  constructor(ends: readonly EdgeEnd[], to: Consumer, blamed: Blamed) {
    this.#ends = ends
    this.#to = to
    this.#blamed = blamed
  }

  async consume(batch: Batch, context: ConsumeContext): Promise<Receipt> {
    const { items } = batch
    const ends = this.#ends
    for (const end of ends) end.offered(items, context)
    try {
      const answer = this.#to.consume(batch, context)
      for (const end of ends) end.called?.()
      const receipt = await answer
      const rejected = Math.min(receipt.rejected, items)
      for (const end of ends) end.taken(items - rejected, rejected, context)
      return receipt
    } catch (thrown) {
      if (thrown instanceof Refused || thrown instanceof Rejected) {
        for (const end of ends) end.refused(items, context)
        throw thrown
      }
      for (const end of ends) end.failed(items, context)
      const { name, log } = this.#blamed
      log.error('A component failed in a way it should not; this is a bug', { part: name, error: thrown })
      throw new Refused(`internal error in ${name}`, { status: 'UNAVAILABLE', cause: thrown })
    }
  }

  admit(signal: Signal): Refused | undefined {
    return this.#to.admit?.(signal)
  }
}

/** The end at the part that takes: `in` of its page. */
export function intoPage(page: SignalAccount): EdgeEnd {
  return {
    offered: () => {},
    taken: (items, rejected) => {
      page.in += items
      page.refused += rejected
    },
    refused: items => {
      page.refused += items
    },
    failed: items => {
      page.refused += items
    },
  }
}

/** The end at the part that gives: `out` of its page. What it could not hand on is still its own. */
export function outOfPage(page: SignalAccount): EdgeEnd {
  return {
    offered: () => {},
    taken: items => {
      page.out += items
    },
    refused: () => {},
    failed: () => {},
  }
}

/** A receiver has nobody in front: what it hands on came in, and what is not taken stays with its sender. */
export function throughPage(page: SignalAccount): EdgeEnd {
  return {
    ...intoPage(page),
    taken: (items, rejected) => {
      page.in += items
      page.out += items
      page.refused += rejected
    },
  }
}
