/** A span for each batch a receiver hands on, when the gateway's own traces are exported. */

import type { Batch } from '../core/component/batch.ts'
import type { ConsumeContext, Consumer } from '../core/component/contract.ts'
import type { Receipt } from '../core/component/outcome.ts'
import { SIGNAL_WORDS, type Signal } from '../core/otlp/signals.ts'
import type { Tracer } from '../core/telemetry/tracer.ts'

/** Names and attributes are those of the Collector's receiverhelper: `receiver/otlp/TraceDataReceived`. */
const OPERATIONS: Readonly<Record<Signal, string>> = {
  traces: 'TraceDataReceived',
  metrics: 'MetricsReceived',
  logs: 'LogsReceived',
  profiles: 'ProfilesReceived',
}

export function traced(tracer: Tracer, receiver: string, signal: Signal, to: Consumer): Consumer {
  const name = `receiver/${receiver}/${OPERATIONS[signal]}`
  const { items: word } = SIGNAL_WORDS[signal]
  return {
    async consume(batch: Batch, context: ConsumeContext): Promise<Receipt> {
      const span = tracer.start(name, context.traceparent)
      const attributes = (accepted: number) => ({
        receiver,
        transport: context.transport ?? '',
        [`accepted_${word}`]: accepted,
        [`refused_${word}`]: batch.items - accepted,
      })
      try {
        const receipt = await to.consume(batch, new TracedContext(context, span.traceparent))
        span.end(
          attributes(batch.items - receipt.rejected),
          receipt.rejected > 0 ? receipt.message : undefined,
        )
        return receipt
      } catch (error) {
        span.end(attributes(0), String((error as Error).message))
        throw error
      }
    },
    admit: one => to.admit?.(one),
  }
}

/** The same request below another span. A spread would lose what a context makes when it is asked for. */
class TracedContext implements ConsumeContext {
  readonly traceparent: string
  declare readonly deadline?: number
  declare readonly transport?: string
  readonly #context: ConsumeContext

  constructor(context: ConsumeContext, traceparent: string) {
    this.#context = context
    this.traceparent = traceparent
    if (context.deadline !== undefined) this.deadline = context.deadline
    if (context.transport !== undefined) this.transport = context.transport
  }

  get signal(): AbortSignal | undefined {
    return this.#context.signal
  }

  get aborted(): boolean | undefined {
    return this.#context.aborted
  }
}
