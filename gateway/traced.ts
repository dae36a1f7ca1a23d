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
        const receipt = await to.consume(batch, { ...context, traceparent: span.traceparent })
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
