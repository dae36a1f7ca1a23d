/** The ways out of a part, which a reload can switch while the part runs. */

import type { Batch } from '../core/component/batch.ts'
import type { ConsumeContext, Consumer } from '../core/component/contract.ts'
import type { Receipt, Refused } from '../core/component/outcome.ts'
import type { Signal } from '../core/otlp/signals.ts'

/**
 * What a part is handed as `next`, for as long as it lives. A switch changes `to`: batches that are past it end where
 * they were going, the next one goes the new way.
 */
class Junction implements Consumer {
  to: Consumer
  /** What `to` was made of. */
  behind: readonly unknown[]

  constructor(to: Consumer, behind: readonly unknown[]) {
    this.to = to
    this.behind = behind
  }

  consume(batch: Batch, context: ConsumeContext): Promise<Receipt> {
    return this.to.consume(batch, context)
  }

  admit(signal: Signal): Refused | undefined {
    return this.to.admit?.(signal)
  }
}

export class Exits {
  /** As the part sees them. */
  readonly next: Partial<Record<Signal, Consumer>> = {}
  readonly #junctions = new Map<Signal, Junction>()

  /** Opens the way out of a signal, or switches it. `behind` is what `to` was made of. */
  lead(signal: Signal, to: Consumer, behind: readonly unknown[]): Consumer {
    let junction = this.#junctions.get(signal)
    if (junction === undefined) {
      junction = new Junction(to, behind)
      this.#junctions.set(signal, junction)
      this.next[signal] = junction
    } else {
      junction.to = to
      junction.behind = behind
    }
    return junction
  }

  /** The same stands behind it, in the same order: the way may stay as it is. */
  leadsTo(signal: Signal, behind: readonly unknown[]): boolean {
    const known = this.#junctions.get(signal)?.behind
    return known?.length === behind.length && known.every((one, i) => one === behind[i])
  }

  get signals(): readonly Signal[] {
    return [...this.#junctions.keys()]
  }

  /**
   * What still comes out of this part goes where that of its successor does, now and after later switches: nothing new
   * reaches parts that are about to stop.
   */
  follow(successor: Exits): void {
    for (const signal of this.signals) {
      const to = successor.next[signal]
      if (to === undefined) this.close(signal)
      else this.lead(signal, to, [successor])
    }
  }

  /** Nobody takes the signal any more. What is past the junction goes where it was going. */
  close(signal: Signal): void {
    this.#junctions.delete(signal)
    delete this.next[signal]
  }
}
