/**
 * One batch on its way to a server: attempts with a timeout each, and waits between them, until every item is sent,
 * lost or given up. Nothing it does throws: whatever the exporter does becomes an Outcome.
 */

import { formatDuration } from '../../config/schema.ts'
import type { Logger } from '../telemetry/log.ts'
import type { Batch } from './batch.ts'
import type { Clock } from './clock.ts'
import type { ConsumeContext, Exporter, SendResult } from './contract.ts'
import type { DropReason } from './ledger.ts'
import { leave } from './memory.ts'
import { Refused, Rejected } from './outcome.ts'
import { Backoff } from './retry.ts'
import type { SendingConfig } from './sending-config.ts'
import type { Loss, Outcome } from './ticket.ts'
import type { Timeouts } from './timeouts.ts'

/** Why an exporter loses items. All are failures; nobody asked for them. */
export const REJECTED_BY_SERVER: DropReason = { name: 'rejected_by_server', intended: false }
export const RETRIES_EXHAUSTED: DropReason = { name: 'retries_exhausted', intended: false }
export const RETRY_DISABLED: DropReason = { name: 'retry_disabled', intended: false }
export const SHUTDOWN: DropReason = { name: 'shutdown', intended: false }

export interface DeliveryTools {
  readonly exporter: Exporter
  readonly config: Pick<SendingConfig, 'timeout' | 'retry_on_failure'>
  readonly log: Logger
  readonly clock: Clock
  /** Of `config.timeout`. */
  readonly timeouts: Timeouts
  readonly random: () => number
  /** An attempt that had been given up on, because the exporter ignored its signal, delivered after all. */
  readonly late: (batch: Batch, sent: number) => void
  /** After each attempt: undefined when the server took what it was given. */
  readonly attempted: (problem: string | undefined) => void
}

/** What one attempt came to; never an exception. */
interface Answer extends SendResult {
  readonly refused?: Refused
  readonly thrown?: Rejected
  /** Cut off before the exporter answered. */
  readonly unanswered?: boolean
}

export class Delivery {
  readonly #tools: DeliveryTools
  readonly #backoff: Backoff
  #sent = 0
  #unknown = 0
  readonly #losses: Loss[] = []
  #rejected: Rejected | undefined
  #hurried: boolean
  #sleeping = false
  #cut: Refused | undefined
  /** Ends the attempt or the wait that is going on. */
  #interrupt: (() => void) | undefined

  /** `hurried`: one attempt and no more. */
  constructor(tools: DeliveryTools, hurried = false) {
    this.#tools = tools
    this.#hurried = hurried
    this.#backoff = new Backoff(tools.config.retry_on_failure, tools.clock.now(), tools.random)
  }

  async run(batch: Batch, context: ConsumeContext): Promise<Outcome> {
    let pending = batch
    for (;;) {
      const answer = await this.#attempt(pending, context)
      this.#tally(pending, answer)
      if (answer.unanswered) return this.#outcome(this.#cut)
      const { retry } = answer
      if (retry === undefined) return this.#outcome()
      pending = retry
      const refused = answer.refused ?? new Refused(`the server asked for ${retry.items} items again`)
      const wait = this.#wait(refused, answer.afterMs, context)
      if (typeof wait !== 'number') return this.#giveUp(pending, wait, refused)
      this.#tools.log.warn('Exporting failed. Will retry the request after interval.', {
        error: refused.message,
        interval: formatDuration(Math.round(wait)),
        items: pending.items,
      })
      await this.#sleep(wait)
      if (this.#cut !== undefined) return this.#giveUp(pending, SHUTDOWN, this.#cut)
    }
  }

  /** The gateway stops: a wait ends now, and the next attempt, or the one that is going on, is the last. */
  hurry(): void {
    if (this.#hurried) return
    this.#hurried = true
    if (this.#sleeping) this.#interrupt?.()
  }

  /** Nobody waits any longer: it ends now. An attempt that is going on may have delivered. */
  cut(why: Refused): void {
    this.#cut ??= why
    this.#interrupt?.()
  }

  async #sleep(ms: number): Promise<void> {
    this.#sleeping = true
    await new Promise<void>(resolve => {
      const cancel = this.#tools.clock.after(ms, resolve)
      this.#interrupt = () => {
        cancel()
        resolve()
      }
    })
    this.#sleeping = false
    this.#interrupt = undefined
  }

  /** How long to wait before the next attempt, or why there is none. */
  #wait(refused: Refused, afterMs: number | undefined, context: ConsumeContext): number | DropReason {
    if (this.#hurried || this.#cut !== undefined) return SHUTDOWN
    if (!this.#tools.config.retry_on_failure.enabled) return RETRY_DISABLED
    const now = this.#tools.clock.now()
    const wait = this.#backoff.next(now, afterMs ?? refused.afterMs)
    if (wait === undefined) return RETRIES_EXHAUSTED
    // A sender that waits will be gone by then: it had better hear of it now.
    const { deadline } = context
    return deadline !== undefined && now + wait > deadline ? RETRIES_EXHAUSTED : wait
  }

  #attempt(batch: Batch, context: ConsumeContext): Promise<Answer> {
    const { clock, config, timeouts } = this.#tools
    const { timeout } = config
    const deadline = earliest(context.deadline, timeout === 0 ? undefined : clock.now() + timeout)
    const attempt = new AttemptContext(context, deadline)
    return new Promise(resolve => {
      let over = false
      const end = (answer: Answer): void => {
        over = true
        cancelTimer?.()
        this.#interrupt = undefined
        resolve(answer)
      }
      const abandon = (answer: Answer, why: Refused): void => {
        end(answer)
        // Nobody waits for the exporter to be done with the bytes.
        leave(batch)
        attempt.abort(why)
      }
      const timeUp = (): void => {
        const refused = timedOut(timeout)
        abandon({ sent: 0, retry: batch, refused }, refused)
      }
      const cancelTimer = timeout === 0 ? undefined : timeouts.begin(timeUp)
      this.#interrupt = () => abandon({ sent: 0, unanswered: true }, this.#cut!)
      this.#send(batch, attempt).then(
        result => {
          if (!over) end(result)
          else if (result.sent > 0) this.#tools.late(batch, result.sent)
        },
        error => {
          if (!over) end(this.#thrown(batch, error))
        },
      )
    })
  }

  /** An exporter that throws before it returns a promise is like one whose promise fails. */
  #send(batch: Batch, context: ConsumeContext): Promise<SendResult> {
    const { exporter } = this.#tools
    try {
      if (exporter.returnsBytes !== true) leave(batch)
      return exporter.send(batch, context)
    } catch (error) {
      return Promise.reject(error)
    }
  }

  #thrown(batch: Batch, error: unknown): Answer {
    if (error instanceof Refused) return { sent: 0, retry: batch, refused: error }
    if (error instanceof Rejected) {
      const { message } = error
      const rejected = [{ items: batch.items, reason: REJECTED_BY_SERVER.name, message }]
      return { sent: 0, rejected, thrown: error }
    }
    const { stack } = error instanceof Error ? error : new Error(String(error))
    this.#tools.log.error('Bug: the exporter threw something that is no outcome. It will be tried again.', {
      stack,
    })
    const refused = new Refused(`the exporter failed: ${error}`, { cause: error })
    return { sent: 0, retry: batch, refused }
  }

  /** Adds an answer up, and sees to it that no item is left out whatever the exporter said. */
  #tally(batch: Batch, answer: Answer): void {
    this.#tools.attempted(answer.refused?.message ?? answer.thrown?.message)
    if (answer.unanswered) {
      this.#unknown += batch.items
      return
    }
    let left = batch.items - (answer.retry?.items ?? 0)
    for (const { items, reason, message } of answer.rejected ?? []) {
      const lost = Math.min(items, left)
      left -= lost
      if (lost > 0)
        this.#losses.push({
          items: lost,
          reason: { name: reason, intended: false },
          message: message ?? reason,
        })
    }
    const sent = Math.min(answer.sent, left)
    this.#sent += sent
    this.#unknown += left - sent
    if (left !== answer.sent) {
      this.#tools.log.error('Bug: the exporter accounted for other items than it was given.', {
        items: batch.items,
        sent: answer.sent,
        missing: left - answer.sent,
      })
    }
    if (answer.thrown !== undefined && batch.items === answer.rejected?.[0]?.items)
      this.#rejected = answer.thrown
  }

  #giveUp(pending: Batch, reason: DropReason, refused: Refused): Outcome {
    this.#losses.push({ items: pending.items, reason, message: refused.message })
    return this.#outcome(refused)
  }

  #outcome(refused?: Refused): Outcome {
    const nothingTaken = this.#sent === 0 && this.#unknown === 0 && this.#losses.length <= 1
    return {
      sent: this.#sent,
      unknown: this.#unknown,
      losses: this.#losses,
      refused,
      rejected: nothingTaken ? this.#rejected : undefined,
    }
  }
}

/** What an exporter is told of its attempt. A signal costs more than a small batch: it is made when it is asked for. */
class AttemptContext implements ConsumeContext {
  readonly deadline?: number
  readonly traceparent?: string
  readonly transport?: string
  #controller: AbortController | undefined
  #aborted: Refused | undefined

  constructor({ traceparent, transport }: ConsumeContext, deadline: number | undefined) {
    if (deadline !== undefined) this.deadline = deadline
    if (traceparent !== undefined) this.traceparent = traceparent
    if (transport !== undefined) this.transport = transport
  }

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController()
      if (this.#aborted !== undefined) this.#controller.abort(this.#aborted)
    }
    return this.#controller.signal
  }

  abort(why: Refused): void {
    this.#aborted = why
    this.#controller?.abort(why)
  }
}

function earliest(a: number | undefined, b: number | undefined): number | undefined {
  if (a === undefined || b === undefined) return a ?? b
  return Math.min(a, b)
}

function timedOut(ms: number): Refused {
  return new Refused(
    `no answer within ${formatDuration(ms)}; look at the server, or raise timeout if it is only slow`,
    { status: 'DEADLINE_EXCEEDED' },
  )
}
