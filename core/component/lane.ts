/** One signal's way to a server; sending.ts says what it promises. */

import type { Signal } from '../otlp/signals.ts'
import type { Batch } from './batch.ts'
import { Batching } from './batching.ts'
import type { Clock } from './clock.ts'
import { type ConsumeContext, type Exporter, NO_CONTEXT, type Settings } from './contract.ts'
import { Delivery, type DeliveryTools, SHUTDOWN } from './delivery.ts'
import { alone, type Gathered } from './gather.ts'
import { type Linked, List } from './list.ts'
import { release, retain } from './memory.ts'
import { observeSending, type SendingMeters, sendingMeters } from './metrics.ts'
import { ACCEPTED, type Receipt, Refused } from './outcome.ts'
import { impatience, watchSender, withoutPatience } from './patience.ts'
import { SendingQueue } from './queue.ts'
import { sizeOf } from './room.ts'
import type { SendingConfig } from './sending-config.ts'
import { dealOut, type Outcome, type Share, Ticket } from './ticket.ts'
import { Timeouts } from './timeouts.ts'

const NOTHING = (): void => {}

interface Sending extends Linked<Sending> {
  readonly shares: readonly Share[]
  readonly delivery: Delivery
}

export class Lane {
  readonly #signal: Signal
  readonly #settings: Settings
  readonly #clock: Clock
  readonly #config: SendingConfig
  readonly #tools: DeliveryTools
  readonly #meters: SendingMeters
  readonly #queue: SendingQueue | undefined
  readonly #batching: Batching | undefined
  readonly #sendings = new List<Sending>()
  readonly #ready: Gathered[] = []
  readonly #unobserve: () => void
  /** Requests that were taken and are not settled. */
  #open = 0
  #stopping = false
  #idle: () => void = NOTHING
  #healthy = true

  constructor(
    signal: Signal,
    exporter: Exporter,
    config: SendingConfig,
    settings: Settings,
    clock: Clock,
    random: () => number,
  ) {
    const { sending_queue: queue } = config
    this.#signal = signal
    this.#settings = settings
    this.#clock = clock
    this.#config = config
    this.#meters = sendingMeters(settings.metrics, settings.id, signal)
    this.#tools = {
      exporter,
      config,
      log: settings.log,
      clock,
      timeouts: new Timeouts(config.timeout, clock),
      random,
      late: (batch, sent) => this.#late(batch, sent),
      attempted: problem => this.#reportHealth(problem),
    }
    if (queue.enabled) {
      const limits = {
        sizer: queue.sizer,
        capacity: queue.queue_size,
        maxBytes: queue.max_queue_bytes,
        blockOnOverflow: queue.block_on_overflow,
      }
      this.#queue = new SendingQueue(limits, settings.name, clock)
      if (queue.batch !== undefined)
        this.#batching = new Batching(queue.batch, signal, clock, gathered => {
          this.#ready.push(gathered)
          this.#pump()
        })
    }
    this.#unobserve = observeSending(
      settings.metrics,
      settings.id,
      signal,
      () => this.#sendings.length,
      this.#queue && { capacity: queue.queue_size, size: () => this.#queue!.room.size },
    )
  }

  async consume(batch: Batch, context: ConsumeContext): Promise<Receipt> {
    if (this.#stopping) throw stoppingError()
    const gone = impatience(context, this.#clock)
    if (gone !== undefined) throw gone
    const { sizer, wait_for_result: waits } = this.#config.sending_queue
    if (this.#queue === undefined) return this.#deliver(new Ticket(batch, context))
    // Nothing to count is nothing to queue, as there.
    if (sizeOf(batch, sizer) === 0) return ACCEPTED
    const blocked = this.#enter(this.#queue, batch, context)
    if (blocked !== undefined) await blocked
    if (waits) return this.#enqueueAndWait(this.#queue, new Ticket(batch, context))
    this.#enqueue(this.#queue, new Ticket(batch, withoutPatience(context)))
    return ACCEPTED
  }

  /** What is accepted by now is sent until `deadline`; the rest is given back or dropped. */
  async stop(deadline: number): Promise<void> {
    this.#stopping = true
    this.#queue?.room.close(stoppingError())
    for (const { delivery } of this.#sendings) delivery.hurry()
    this.#pump()
    if (this.#open > 0) await this.#untilIdle(deadline)
    this.#dropAll()
    // What was cut off just now ends in a moment: nothing waits for the server any more.
    if (this.#open > 0) await this.#untilIdle(Number.POSITIVE_INFINITY)
    this.#tools.timeouts.clear()
    this.#unobserve()
  }

  /** Room in the queue, at once or later; whoever does not get it is counted. */
  #enter(queue: SendingQueue, batch: Batch, context: ConsumeContext): Promise<void> | undefined {
    const failed = (error: unknown): never => {
      this.#meters.enqueueFailed.add(batch.items)
      throw error
    }
    try {
      return queue.room
        .enter(batch, context)
        ?.then(() => {
          // It may have begun to stop since the room was given.
          if (!this.#stopping) return
          queue.room.release(batch)
          throw stoppingError()
        })
        .catch(failed)
    } catch (error) {
      return failed(error)
    }
  }

  #enqueue(queue: SendingQueue, ticket: Ticket): void {
    this.#begin(ticket)
    this.#settings.account.hold(this.#signal, ticket.batch.items)
    queue.waiting.push(ticket)
    this.#pump()
  }

  #enqueueAndWait(queue: SendingQueue, ticket: Ticket): Promise<Receipt> {
    this.#begin(ticket)
    const answer = this.#answerTo(ticket)
    queue.waiting.push(ticket)
    this.#pump()
    return answer
  }

  /** No queue: the sender's call is the delivery. */
  #deliver(ticket: Ticket): Promise<Receipt> {
    this.#begin(ticket)
    const answer = this.#answerTo(ticket)
    this.#send(alone(ticket))
    return answer
  }

  #begin({ batch }: Ticket): void {
    this.#open++
    retain(batch)
  }

  /** Settles with the request, or when its sender stops waiting. */
  #answerTo(ticket: Ticket): Promise<Receipt> {
    const { context } = ticket
    return new Promise((resolve, reject) => {
      const endWatch = watchSender(context, this.#clock, why => {
        reject(why)
        this.#abandon(ticket, why)
      })
      ticket.waiter = {
        resolve: receipt => {
          endWatch()
          resolve(receipt)
        },
        reject: why => {
          endWatch()
          reject(why)
        },
      }
    })
  }

  #abandon(ticket: Ticket, why: Refused): void {
    ticket.abandoned = true
    if (this.#queue?.waiting.remove(ticket)) {
      this.#finish(ticket)
      this.#pump()
      return
    }
    for (const { shares, delivery } of this.#sendings) {
      if (shares.every(share => share.ticket.abandoned)) delivery.cut(why)
    }
  }

  /** Keeps as many batches on their way as `num_consumers` allows. */
  #pump(): void {
    if (this.#queue === undefined) return
    while (this.#sendings.length < this.#config.sending_queue.num_consumers) {
      const gathered = this.#ready.shift() ?? this.#gather()
      if (gathered === undefined) return
      this.#send(gathered)
    }
  }

  #gather(): Gathered | undefined {
    for (;;) {
      const ticket = this.#queue!.waiting.shift()
      if (this.#batching === undefined) return ticket && alone(ticket)
      if (ticket !== undefined) this.#ready.push(...this.#batching.add(ticket))
      else if (this.#stopping || this.#batching.eager) this.#ready.push(...this.#batching.flush())
      const gathered = this.#ready.shift()
      if (gathered !== undefined || ticket === undefined) return gathered
    }
  }

  #send({ batch, shares }: Gathered): void {
    if (shares.every(({ ticket }) => ticket.abandoned)) {
      this.#settle(batch, shares, NO_OUTCOME)
      return
    }
    const { context } = shares[0]!.ticket
    const delivery = new Delivery(this.#tools, this.#stopping)
    const sending: Sending = { shares, delivery, before: undefined, after: undefined }
    this.#sendings.push(sending)
    this.#meters.sendSize.record(batch.items)
    this.#meters.sendSizeBytes.record(batch.byteLength)
    // A batch of several requests belongs to none of them.
    delivery.run(batch, shares.length === 1 ? context : NO_CONTEXT).then(outcome => {
      this.#sendings.remove(sending)
      this.#settle(batch, shares, outcome)
      this.#pump()
    })
  }

  #settle(batch: Batch, shares: readonly Share[], outcome: Outcome): void {
    if (outcome.sent > 0) this.#meters.sent.add(outcome.sent)
    if (outcome.losses.length > 0) this.#lost(batch, shares, outcome)
    dealOut(shares, outcome)
    for (const { ticket } of shares) if (ticket.outstanding === 0) this.#finish(ticket)
  }

  #lost(batch: Batch, shares: readonly Share[], { losses }: Outcome): void {
    const items = losses.reduce((sum, loss) => sum + loss.items, 0)
    this.#meters.sendFailed.add(items)
    const waits = shares[0]!.ticket.waiter !== undefined
    this.#settings.log.error(
      waits
        ? 'Exporting failed. Rejecting data: the sender is told.'
        : `Exporting failed. Dropping data. ${this.#advice()}`,
      {
        error: losses.at(-1)!.message,
        reason: losses.at(-1)!.reason.name,
        items: batch.items,
        [waits ? 'rejected_items' : 'dropped_items']: items,
      },
    )
  }

  #advice(): string {
    if (this.#config.retry_on_failure.enabled) return 'See the error of the server.'
    return 'Try enabling retry_on_failure config option to retry on retryable errors.'
  }

  /** Nothing of the request is outstanding: it leaves the books. */
  #finish(ticket: Ticket): void {
    release(ticket.batch)
    this.#queue?.room.release(ticket.batch)
    if (ticket.waiter === undefined) this.#enterHeld(ticket)
    else if (!ticket.abandoned) this.#answer(ticket)
    this.#open--
    if (this.#open === 0) this.#idle()
  }

  #enterHeld(ticket: Ticket): void {
    const { account } = this.#settings
    account.hold(this.#signal, -ticket.batch.items)
    this.#enterOut(ticket)
    for (const { items, reason } of ticket.losses) account.drop(this.#signal, items, reason)
  }

  #enterOut(ticket: Ticket): void {
    const page = this.#settings.account.of(this.#signal)
    page.out += ticket.sent + ticket.unknown
    page.unknown += ticket.unknown
  }

  #answer(ticket: Ticket): void {
    const { waiter, refused, rejected, sent, unknown } = ticket
    if (refused !== undefined) waiter!.reject(refused)
    else if (rejected !== undefined && sent + unknown === 0) waiter!.reject(rejected)
    else {
      this.#enterOut(ticket)
      waiter!.resolve(ticket.losses.length === 0 ? ACCEPTED : ticket.receipt)
    }
  }

  #untilIdle(deadline: number): Promise<void> {
    return new Promise(resolve => {
      const cancel =
        deadline === Number.POSITIVE_INFINITY
          ? NOTHING
          : this.#clock.after(deadline - this.#clock.now(), resolve)
      this.#idle = () => {
        cancel()
        resolve()
      }
    })
  }

  #dropAll(): void {
    const why = stoppingError()
    for (let gathered = this.#next(); gathered !== undefined; gathered = this.#next()) {
      const { items } = gathered.batch
      const loss = { items, reason: SHUTDOWN, message: why.message }
      this.#settle(gathered.batch, gathered.shares, { ...NO_OUTCOME, losses: [loss], refused: why })
    }
    for (const { delivery } of this.#sendings) delivery.cut(why)
  }

  #next(): Gathered | undefined {
    return this.#ready.shift() ?? (this.#queue === undefined ? undefined : this.#gather())
  }

  #late({ items }: Batch, sent: number): void {
    this.#settings.account.of(this.#signal).unknown += sent
    this.#settings.log.warn(
      'The server took a batch after its timeout, and it had been given up on: expect duplicates. Raise timeout.',
      { items, sent },
    )
  }

  #reportHealth(problem: string | undefined): void {
    const healthy = problem === undefined
    if (healthy === this.#healthy || this.#stopping) return
    this.#healthy = healthy
    const { host, name } = this.#settings
    host.report(name, healthy ? { state: 'ok' } : { state: 'recoverable_error', message: problem })
  }
}

const NO_OUTCOME: Outcome = { sent: 0, unknown: 0, losses: [] }

function stoppingError(): Refused {
  return new Refused('the gateway is stopping', { status: 'UNAVAILABLE' })
}
