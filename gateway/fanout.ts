/**
 * One batch to many. All branches share its bytes and are asked at once; the worst of their answers counts: Refused
 * before Rejected before accepted. When the same batch object is offered again after a refusal, a branch that has
 * answered for good (took it or rejected it) is not asked again.
 */

import type { Batch } from '../core/component/batch.ts'
import type { ConsumeContext, Consumer } from '../core/component/contract.ts'
import { ACCEPTED, type Receipt, Refused, Rejected } from '../core/component/outcome.ts'
import type { Signal } from '../core/otlp/signals.ts'

type Answer = Receipt | Refused | Rejected

export class Fanout implements Consumer {
  readonly #branches: readonly Consumer[]
  /** Final answers to batches that some branch refused. Weak: a batch nobody offers again is forgotten. */
  readonly #answered = new WeakMap<Batch, (Answer | undefined)[]>()

  constructor(branches: readonly Consumer[]) {
    this.#branches = branches
  }

  async consume(batch: Batch, context: ConsumeContext): Promise<Receipt> {
    const before = this.#answered.get(batch)
    // Asking first spares the other branches a duplicate when one of them is full and the sender tries again.
    if (before === undefined) {
      const refused = this.admit(batch.signal)
      if (refused !== undefined) throw refused
    }
    const answers = await Promise.all(
      this.#branches.map((branch, i) => before?.[i] ?? ask(branch, batch, context)),
    )
    const worst = worstOf(answers)
    if (!(worst instanceof Refused)) {
      if (before !== undefined) this.#answered.delete(batch)
      if (worst instanceof Rejected) throw worst
      return worst
    }
    this.#answered.set(
      batch,
      answers.map(answer => (answer instanceof Refused ? undefined : answer)),
    )
    throw worst
  }

  admit(signal: Signal): Refused | undefined {
    const refusals: Refused[] = []
    for (const branch of this.#branches) {
      const refused = branch.admit?.(signal)
      if (refused !== undefined) refusals.push(refused)
    }
    return refusals.length === 0 ? undefined : latest(refusals)
  }
}

/** The answer as a value. Branches are edges, which throw nothing but outcomes; anything else is passed on. */
async function ask(branch: Consumer, batch: Batch, context: ConsumeContext): Promise<Answer> {
  try {
    return await branch.consume(batch, context)
  } catch (thrown) {
    if (thrown instanceof Refused || thrown instanceof Rejected) return thrown
    throw thrown
  }
}

function worstOf(answers: readonly Answer[]): Answer {
  const refusals = answers.filter(answer => answer instanceof Refused)
  if (refusals.length > 0) return latest(refusals)
  let worst: Receipt = ACCEPTED
  for (const answer of answers) {
    if (answer instanceof Rejected) return answer
    const { rejected } = answer as Receipt
    if (rejected > worst.rejected || (worst.message === '' && rejected === worst.rejected))
      worst = answer as Receipt
  }
  return worst
}

/** The refusal with the longest wait, so that one retry suits all. */
function latest(refusals: readonly Refused[]): Refused {
  return refusals.reduce((a, b) => ((b.afterMs ?? 0) > (a.afterMs ?? 0) ? b : a))
}
