/**
 * The sending chain does not wait for an attempt whose time is up, and sends the whole batch again. So the exporter ends a
 * little before, and says which of its documents are there.
 */

import { Refused } from '../../core/component/outcome.ts'

/** For what is to be done after the last answer: a share of the time there is, and no more than this. */
const SHARE = 0.05
const MS_MAX = 1_000

export interface EarlyEnd {
  readonly signal: AbortSignal
  /** Nothing is waited for any longer. */
  over(): void
}

/** Aborts when `signal` does, and shortly before `deadline` (by performance.now()). */
export function endingBefore(deadline: number | undefined, signal: AbortSignal | undefined): EarlyEnd {
  const controller = new AbortController()
  const follow = (): void => controller.abort(signal?.reason)
  if (signal?.aborted) follow()
  else signal?.addEventListener('abort', follow, { once: true })
  let timer: NodeJS.Timeout | undefined
  if (deadline !== undefined) {
    const ms = Math.max(0, deadline - performance.now())
    const end = (): void =>
      controller.abort(new Refused('no answer in time', { status: 'DEADLINE_EXCEEDED' }))
    timer = setTimeout(end, Math.max(1, ms - Math.min(ms * SHARE, MS_MAX)))
  }
  return {
    signal: controller.signal,
    over() {
      clearTimeout(timer)
      signal?.removeEventListener('abort', follow)
    },
  }
}
