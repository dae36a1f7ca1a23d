/** What both transports do with the bytes of a request: check them, make them a batch, hand it on. */

import { type Batch, batchOf } from '../../core/component/batch.ts'
import type { Consumer, Settings } from '../../core/component/contract.ts'
import type { Meta } from '../../core/component/meta.ts'
import { ACCEPTED, type Receipt, Refused, Rejected } from '../../core/component/outcome.ts'
import type { Signal } from '../../core/otlp/signals.ts'
import { validate } from '../../core/otlp/validate.ts'
import type { MetricDeclaration } from '../../core/telemetry/metrics.ts'
import type { RequestContext } from './context.ts'
import { type Answer, answer, answerOf, malformedReason } from './status.ts'

export type Consumers = Readonly<Partial<Record<Signal, Consumer>>>

export const MALFORMED_REQUESTS: MetricDeclaration = {
  kind: 'counter',
  name: 'sluice_receiver_malformed_requests',
  unit: '{requests}',
  help: 'Requests that never became a batch, because their bytes were no OTLP request.',
  labels: ['receiver', 'transport', 'reason'],
  level: 'basic',
}

/** One warning of a kind this often, so that a broken client does not fill the disk; the metric has them all. */
const WARN_EVERY_MS = 10_000

/** So much of the time to stop belongs to requests that were let in; the rest to what is queued behind them. */
const WAITING_SHARE = 0.7

/** The doors share this: what a request goes through, and what is said about those that fail. */
export class Exports {
  /** New requests are refused; those that were let in may go on. */
  stopping = false
  readonly #next: Consumers
  readonly #settings: Settings
  readonly #malformed: ReturnType<Settings['metrics']['counter']>
  readonly #open = new Set<RequestContext>()
  readonly #nextWarnings = new Map<string, number>()

  constructor(settings: Settings, next: Consumers) {
    this.#next = next
    this.#settings = settings
    this.#malformed = settings.metrics.counter(MALFORMED_REQUESTS)
  }

  /**
   * Hands on the bytes of one request that `admit` let in. Throws what validation or the pipeline throws. A request without items is
   * accepted without asking anybody, as the Collector does it.
   */
  consume(
    signal: Signal,
    bytes: Uint8Array,
    meta: Meta,
    context: RequestContext,
  ): Promise<Receipt> | Receipt {
    const items = validate(bytes, signal)
    return items === 0 ? ACCEPTED : this.#handOn(batchOf(signal, [bytes], items, meta), context)
  }

  async #handOn(batch: Batch, context: RequestContext): Promise<Receipt> {
    const next = this.#next[batch.signal]
    // A reload took the signal away while the body was read: the sender tries again, and is told then.
    if (next === undefined) throw new Refused(`no pipeline takes ${batch.signal} any more`)
    this.#open.add(context)
    try {
      return await next.consume(batch, context)
    } finally {
      this.#open.delete(context)
    }
  }

  /**
   * New requests are refused. Those that still wait when most of the time until `deadline` has passed, behind a full
   * queue for example, are refused then: an answer is better than a cut connection, and what is queued needs the rest of
   * the time to leave.
   */
  stop(deadline: number): void {
    this.stopping = true
    const patience = (deadline - performance.now()) * WAITING_SHARE
    const refuse = () => {
      for (const context of this.#open)
        context.abort(new Refused(STOPPING.message, { status: 'UNAVAILABLE' }))
    }
    setTimeout(refuse, Math.max(0, patience)).unref()
  }

  /** Asked before a body is read: the answer for a request that would be refused whatever is in it. */
  admit(signal: Signal): Answer | undefined {
    if (this.stopping) return STOPPING
    const next = this.#next[signal]
    if (next === undefined) {
      return answer('UNIMPLEMENTED', `no pipeline takes ${signal} from the receiver ${this.#settings.id}`)
    }
    const refused = next.admit?.(signal)
    return refused === undefined ? undefined : answerOf(refused)
  }

  /** Asked while the body of a request that `admit` let in is read: whether there is still room for it. */
  refusal(signal: Signal): Refused | undefined {
    return this.#next[signal]?.admit?.(signal)
  }

  /** Somebody speaks another protocol on this port. What we answer is seldom shown to the person who looks for the mistake. */
  misdirected(transport: string, what: string, fix: string, peer: string): void {
    this.#warn(`A sender speaks ${what} to this port; ${fix}`, { transport, peer })
  }

  /** The answer for what was thrown; counts and logs what is the sender's or our fault. */
  failed(error: unknown, signal: Signal, transport: string, peer: string): Answer {
    const reason = malformedReason(error)
    if (reason !== undefined) {
      this.#malformed.add(1, { receiver: this.#settings.id, transport, reason })
      this.#warn('A request could not be read', { signal, transport, peer, error: (error as Error).message })
    } else if (!(error instanceof Refused || error instanceof Rejected)) {
      this.#settings.log.error('A request failed in a way it should not; this is a bug', { signal, error })
    }
    return answerOf(error)
  }

  #warn(message: string, fields: Readonly<Record<string, unknown>>): void {
    const now = performance.now()
    if (now < (this.#nextWarnings.get(message) ?? 0)) return
    this.#nextWarnings.set(message, now + WARN_EVERY_MS)
    this.#settings.log.warn(message, fields)
  }
}

/** For senders whose request comes while the gateway stops: another one may take it. */
const STOPPING = answer('UNAVAILABLE', 'the gateway is stopping; send again')
