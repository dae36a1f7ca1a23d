/** One request's `ConsumeContext`. */

import type { ConsumeContext } from '../../core/component/contract.ts'
import type { Refused } from '../../core/component/outcome.ts'

export class RequestContext implements ConsumeContext {
  readonly signal: AbortSignal
  readonly transport: string
  declare readonly traceparent?: string
  declare readonly deadline?: number
  readonly #aborter: AbortController

  /** `deadline` in ms on the clock of performance.now(). */
  constructor(transport: string, traceparent: string | undefined, deadline: number | undefined) {
    this.#aborter = new AbortController()
    this.signal = this.#aborter.signal
    this.transport = transport
    if (traceparent !== undefined) this.traceparent = traceparent
    if (deadline !== undefined) this.deadline = deadline
  }

  /** The sender does not wait any longer, or is not to: `why` is what it is told then. */
  abort(why?: Refused): void {
    this.#aborter.abort(why)
  }
}
