/**
 * Documents that are refused for ever, in the log: the first of each kind of error at once, with all that is known; what
 * follows as sums, every ten seconds. A mapping that is wrong refuses every document there is.
 */

import type { Logger } from '../../core/telemetry/log.ts'
import { Repeats } from '../../core/telemetry/log-repeats.ts'
import { errorLabel } from './answers.ts'
import type { Letter } from './dead-letter.ts'

const TICK_MS = 10_000
const MESSAGE = 'Elasticsearch does not take documents, and never will.'

/** Of one bulk request. */
export interface Refusal {
  readonly letters: readonly Letter[]
  /** How many of them, from the first on, are dead letters now. */
  readonly taken: number
  /** Why the others are not. */
  readonly problem: string | undefined
}

interface Sum {
  documents: number
  dead_letters: number
}

export class Refusals {
  readonly #log: Logger
  readonly #repeats: Repeats
  /** By kind, since the last line. */
  readonly #unsaid = new Map<string, Sum>()

  constructor(log: Logger, tickMs = TICK_MS) {
    this.#log = log
    this.#repeats = new Repeats({ enabled: true, tick: tickMs, initial: 1, thereafter: 0 })
  }

  tell({ letters, taken, problem }: Refusal): void {
    const kinds = new Map<string, { first: Letter; sum: Sum }>()
    for (const [nth, letter] of letters.entries()) {
      const kind = errorLabel(letter.type)
      const known = kinds.get(kind) ?? { first: letter, sum: { documents: 0, dead_letters: 0 } }
      known.sum.documents++
      if (nth < taken) known.sum.dead_letters++
      kinds.set(kind, known)
    }
    for (const [kind, { first, sum }] of kinds) {
      const detail = `${first.status} ${first.type}: ${first.reason}`
      // A problem with the dead letters is another thing to put right.
      const say = (more: object): void =>
        this.#log.warn(MESSAGE, { detail, ...(problem === undefined ? {} : { problem }), ...more })
      this.#add(`${kind} ${problem ?? ''}`, sum, say)
    }
  }

  #add(kind: string, sum: Sum, say: (more: object) => void): void {
    const unsaid = this.#unsaid.get(kind) ?? { documents: 0, dead_letters: 0 }
    unsaid.documents += sum.documents
    unsaid.dead_letters += sum.dead_letters
    this.#unsaid.set(kind, unsaid)
    // Called again at the end of the tick, for what has come since.
    const sayAll = (): void => {
      const said = this.#unsaid.get(kind)
      this.#unsaid.delete(kind)
      if (said !== undefined) say(said)
    }
    if (this.#repeats.admit(kind, sayAll) !== undefined) sayAll()
  }

  /** Says what is still unsaid. */
  stop(): void {
    this.#repeats.stop()
  }
}
