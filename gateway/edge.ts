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

/** How one end of an edge sees a batch go by. All numbers are items. What an end does not need it leaves out. */
export interface EdgeEnd {
  /** Before the batch is handed over. */
  readonly offered?: (items: number, context: ConsumeContext) => void
  /** After the call came back, before its promise settled. */
  readonly called?: () => void
  readonly taken?: (items: number, rejected: number, context: ConsumeContext) => void
  readonly refused?: (items: number, context: ConsumeContext) => void
  /** A component threw something that is not an outcome. */
  readonly failed?: (items: number, context: ConsumeContext) => void
  /** A request was refused before its body was read: nobody knows how many items it had. */
  readonly turnedAway?: () => void
}

/** All ends' functions of one kind: an edge calls only those there are. */
function all<K extends keyof EdgeEnd>(ends: readonly EdgeEnd[], what: K): readonly NonNullable<EdgeEnd[K]>[] {
  return ends.flatMap(end => end[what] ?? [])
}

/** The part behind an edge: who is blamed for what is thrown. */
export interface Blamed {
  readonly name: string
  readonly log: Logger
}

export class Edge implements Consumer {
  readonly #offered: readonly NonNullable<EdgeEnd['offered']>[]
  readonly #called: readonly NonNullable<EdgeEnd['called']>[]
  readonly #taken: readonly NonNullable<EdgeEnd['taken']>[]
  readonly #refused: readonly NonNullable<EdgeEnd['refused']>[]
  readonly #failed: readonly NonNullable<EdgeEnd['failed']>[]
  readonly #turnedAway: readonly NonNullable<EdgeEnd['turnedAway']>[]
  readonly #to: Consumer
  readonly #blamed: Blamed

  constructor(ends: readonly EdgeEnd[], to: Consumer, blamed: Blamed) {
    this.#offered = all(ends, 'offered')
    this.#called = all(ends, 'called')
    this.#taken = all(ends, 'taken')
    this.#refused = all(ends, 'refused')
    this.#failed = all(ends, 'failed')
    this.#turnedAway = all(ends, 'turnedAway')
    this.#to = to
    this.#blamed = blamed
  }

  /** `then` and not `await`: it costs half as much here, and there is an edge on every hop of every batch. */
  consume(batch: Batch, context: ConsumeContext): Promise<Receipt> {
    const { items } = batch
    for (const note of this.#offered) note(items, context)
    let answer: Promise<Receipt>
    try {
      answer = this.#to.consume(batch, context)
    } catch (thrown) {
      return Promise.reject(this.#outcomeOf(thrown, items, context))
    }
    for (const note of this.#called) note()
    return answer.then(
      receipt => {
        const rejected = Math.min(receipt.rejected, items)
        for (const note of this.#taken) note(items - rejected, rejected, context)
        return receipt
      },
      thrown => {
        throw this.#outcomeOf(thrown, items, context)
      },
    )
  }

  /** Refused and Rejected as they are; anything else is a bug of the part behind, and the sender tries again. */
  #outcomeOf(thrown: unknown, items: number, context: ConsumeContext): Refused | Rejected {
    if (thrown instanceof Refused || thrown instanceof Rejected) {
      for (const note of this.#refused) note(items, context)
      return thrown
    }
    for (const note of this.#failed) note(items, context)
    const { name, log } = this.#blamed
    log.error('A component failed in a way it should not; this is a bug', { part: name, error: thrown })
    return new Refused(`internal error in ${name}`, { status: 'UNAVAILABLE', cause: thrown })
  }

  admit(signal: Signal): Refused | undefined {
    const refused = this.#to.admit?.(signal)
    if (refused !== undefined) for (const note of this.#turnedAway) note()
    return refused
  }
}

/** The end at the part that takes: `in` of its page. */
export function intoPage(page: SignalAccount): EdgeEnd {
  return {
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
    taken: items => {
      page.out += items
    },
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
