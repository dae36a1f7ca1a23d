/** What both transports do with the bytes of a request: check them, make them a batch, hand it on. */

import type { TLSSocket } from 'node:tls'
import { type Batch, batchOf } from '../../core/component/batch.ts'
import type { Consumer, Settings } from '../../core/component/contract.ts'
import { List } from '../../core/component/list.ts'
import { release, retain } from '../../core/component/memory.ts'
import type { Meta } from '../../core/component/meta.ts'
import { ACCEPTED, type Receipt, Refused, Rejected } from '../../core/component/outcome.ts'
import type { Signal } from '../../core/otlp/signals.ts'
import { validate } from '../../core/otlp/validate.ts'
import type { Logger } from '../../core/telemetry/log.ts'
import type { MetricDeclaration } from '../../core/telemetry/metrics.ts'
import { oneLine } from '../../core/transport/otlp-outcome.ts'
import type { RequestContext } from './context.ts'
import { type Answer, answer, answerOf, malformedReason } from './status.ts'
import type { Mistake } from './wrong-port.ts'

export type Consumers = Readonly<Partial<Record<Signal, Consumer>>>

export const MALFORMED_REQUESTS: MetricDeclaration = {
  kind: 'counter',
  name: 'sluice_receiver_malformed_requests',
  unit: '{requests}',
  help: 'Requests that never became a batch, because their bytes were no OTLP request, or not all of them came.',
  labels: ['receiver', 'transport', 'reason'],
  level: 'basic',
}

export const UNKNOWN_SENDERS: MetricDeclaration = {
  kind: 'counter',
  name: 'sluice_receiver_unauthenticated_requests',
  unit: '{requests}',
  help: 'Requests that were turned away before their body was read, because the authenticator did not let them in.',
  labels: ['receiver', 'transport'],
  level: 'basic',
}

/** One warning of a kind this often, so that a broken client does not fill the disk; the metric has them all. */
const WARN_EVERY_MS = 10_000

/** So much of the time to stop belongs to requests that were let in; the rest to what is queued behind them. */
const WAITING_SHARE = 0.7

/** The doors share this: what a request goes through, and what is said about those that fail. */
export class Exports {
  readonly log: Logger
  #stopping = false
  #refusing = false
  readonly #next: Consumers
  readonly #settings: Settings
  readonly #malformed: ReturnType<Settings['metrics']['counter']>
  readonly #unknown: ReturnType<Settings['metrics']['counter']>
  readonly #open = new List<RequestContext>()
  readonly #nextWarnings = new Map<string, number>()

  constructor(settings: Settings, next: Consumers) {
    this.#next = next
    this.#settings = settings
    this.log = settings.log
    this.#malformed = settings.metrics.counter(MALFORMED_REQUESTS)
    this.#unknown = settings.metrics.counter(UNKNOWN_SENDERS)
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
    this.#open.push(context)
    // Whoever keeps the bytes for longer has retained them by the time `consume` settles.
    retain(batch)
    try {
      return await next.consume(batch, context)
    } finally {
      release(batch)
      this.#open.remove(context)
    }
  }

  /** The doors close: whoever has an answer connects anew for the next request. */
  get stopping(): boolean {
    return this.#stopping
  }

  /**
   * What still arrives over open connections is served. When most of the time until `deadline` has passed, new requests
   * are refused, and so are those that still wait, behind a full queue for example: an answer is better than a cut
   * connection, and what is queued needs the rest of the time to leave. Safe twice.
   */
  stop(deadline: number): void {
    if (this.#stopping) return
    this.#stopping = true
    const patience = (deadline - performance.now()) * WAITING_SHARE
    const refuse = () => {
      this.#refusing = true
      for (const context of [...this.#open])
        context.abort(new Refused(STOPPING.message, { status: 'UNAVAILABLE' }))
    }
    if (patience > 0) setTimeout(refuse, patience).unref()
    else refuse()
  }

  /** False once the gateway itself stops, or most of the time to stop has passed: nobody is waited for any more. */
  get patient(): boolean {
    return !this.#refusing && this.#settings.host.ready
  }

  /** Asked before a body is read: the answer for a request that would be refused whatever is in it. */
  admit(signal: Signal): Answer | undefined {
    if (this.#refusing) return STOPPING
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

  /** The answer for a sender that the authenticator did not let in; `error` is what it threw. */
  unknownSender(error: unknown, transport: string, peer: string): Answer {
    if (!(error instanceof Rejected || error instanceof Refused)) {
      this.#settings.log.error('An authenticator failed in a way it should not; this is a bug', { error })
    }
    const why = answerOf(error)
    this.#unknown.add(1, { receiver: this.#settings.id, transport })
    this.#warn('A sender was turned away', { transport, peer, reason: why.message })
    return why
  }

  /** Where extensions are looked up. */
  get host(): Settings['host'] {
    return this.#settings.host
  }

  /** Somebody speaks another protocol on this port. What we answer is seldom shown to the person who looks for the mistake. */
  misdirected(transport: string, { speaks, fix }: Mistake, peer: string): void {
    this.#warn(`A sender speaks ${speaks} to this port; ${fix}`, { transport, peer })
  }

  /** No TLS came about: a certificate that one side does not trust, a version that it does not know, no TLS at all. */
  handshakeFailed(
    transport: string,
    error: Error,
    { remoteAddress: peer, authorizationError }: TLSSocket,
  ): void {
    // Health checks and port scanners connect and say nothing. Node says the same of clients that it sends away.
    const hungUp = (error as NodeJS.ErrnoException).code === 'ECONNRESET'
    if (hungUp && !authorizationError) return
    const reason = hungUp ? `the client's certificate: ${authorizationError}` : tlsReason(error)
    this.#warn('A TLS handshake failed', { transport, peer, error: reason })
  }

  /** The answer for what was thrown; counts and logs what is the sender's or our fault. */
  failed(error: unknown, signal: Signal, transport: string, peer: string): Answer {
    const reason = malformedReason(error)
    if (reason !== undefined) this.unreadable(reason, (error as Error).message, signal, transport, peer)
    else if (!(error instanceof Refused || error instanceof Rejected)) {
      this.#settings.log.error('A request failed in a way it should not; this is a bug', { signal, error })
    }
    return answerOf(error)
  }

  /** Counts and logs a request that never became a batch. */
  unreadable(reason: string, why: string, signal: Signal, transport: string, peer: string): void {
    this.#malformed.add(1, { receiver: this.#settings.id, transport, reason })
    this.#warn('A request could not be read', { signal, transport, peer, error: why })
  }

  #warn(message: string, fields: Readonly<Record<string, unknown>>): void {
    const now = performance.now()
    const kind = `${fields['transport']} ${message}`
    if (now < (this.#nextWarnings.get(kind) ?? 0)) return
    this.#nextWarnings.set(kind, now + WARN_EVERY_MS)
    this.#settings.log.warn(message, fields)
  }
}

/** `error:0A000412:SSL routines::...` without the numbers that only OpenSSL's authors know. */
function tlsReason({ message }: Error): string {
  return oneLine(/SSL routines:[^:]*:([^:]+)/.exec(message)?.[1] ?? message)
}

/** For senders whose request comes too late: another gateway, or the part that listens now, may take it. */
const STOPPING = answer('UNAVAILABLE', 'this part of the gateway is stopping; send again')
