/** One request's `ConsumeContext`. */

import type { ConsumeContext } from '../../core/component/contract.ts'
import type { Linked } from '../../core/component/list.ts'
import type { Refused } from '../../core/component/outcome.ts'

export class RequestContext implements ConsumeContext, Linked<RequestContext> {
  readonly transport: string
  declare readonly traceparent?: string
  declare readonly deadline?: number
  /** Its place among the requests that are not settled. */
  before: RequestContext | undefined = undefined
  after: RequestContext | undefined = undefined
  #aborted = false
  #why: Refused | undefined
  /** Made when it is asked for: it costs more than a small request, and most pipelines never ask. */
  #aborter: AbortController | undefined

  /** `deadline` in ms on the clock of performance.now(). */
  constructor(transport: string, traceparent: string | undefined, deadline: number | undefined) {
    this.transport = transport
    if (traceparent !== undefined) this.traceparent = traceparent
    if (deadline !== undefined) this.deadline = deadline
  }

  get aborted(): boolean {
    return this.#aborted
  }

  get signal(): AbortSignal {
    if (this.#aborter === undefined) {
      this.#aborter = new AbortController()
      if (this.#aborted) this.#aborter.abort(this.#why)
    }
    return this.#aborter.signal
  }

  /** The sender does not wait any longer, or is not to: `why` is what it is told then. */
  abort(why?: Refused): void {
    if (this.#aborted) return
    this.#aborted = true
    this.#why = why
    this.#aborter?.abort(why)
  }
}
