/** How long a sender waits: until its signal is aborted or its deadline has passed. */

import type { Clock } from './clock.ts'
import { type ConsumeContext, NO_CONTEXT } from './contract.ts'
import { Refused } from './outcome.ts'

const NOTHING = (): void => {}

function wentAway(signal: AbortSignal): Refused {
  // Whoever ended the wait may have said what the sender is told.
  if (signal.reason instanceof Refused) return signal.reason
  return new Refused('the sender stopped waiting before the outcome was known', {
    status: 'CANCELLED',
    cause: signal.reason,
  })
}

function tooLate(): Refused {
  return new Refused("the sender's deadline passed before the outcome was known", {
    status: 'DEADLINE_EXCEEDED',
  })
}

/** Why the sender is not waiting any more; undefined while it is. */
export function impatience(context: ConsumeContext, clock: Clock): Refused | undefined {
  if (context.aborted ?? context.signal?.aborted) return wentAway(context.signal!)
  if (context.deadline !== undefined && context.deadline <= clock.now()) return tooLate()
  return undefined
}

/**
 * Calls `gone` once, when the sender stops waiting. The function it returns ends the watch; call it when the wait is
 * over. Ask `impatience` first: a sender that is gone already is not noticed here.
 */
export function watchSender(context: ConsumeContext, clock: Clock, gone: (why: Refused) => void): () => void {
  const { signal, deadline } = context
  if (signal === undefined && deadline === undefined) return NOTHING
  const onAbort = (): void => {
    end()
    gone(wentAway(signal!))
  }
  const cancelTimer =
    deadline === undefined
      ? NOTHING
      : clock.after(deadline - clock.now(), () => {
          end()
          gone(tooLate())
        })
  const end = (): void => {
    cancelTimer()
    signal?.removeEventListener('abort', onAbort)
  }
  signal?.addEventListener('abort', onAbort)
  return end
}

/** By transport: there are three of them, and a request each. */
const placeless = new Map<string | undefined, ConsumeContext>([[undefined, NO_CONTEXT]])

/** For a request that outlives its sender: only where it came from is kept. */
export function withoutPatience({ traceparent, transport }: ConsumeContext): ConsumeContext {
  if (traceparent !== undefined) return transport === undefined ? { traceparent } : { traceparent, transport }
  let context = placeless.get(transport)
  if (context === undefined) {
    context = Object.freeze({ transport: transport! })
    placeless.set(transport, context)
  }
  return context
}
