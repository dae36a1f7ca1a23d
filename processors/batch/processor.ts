/** The buffer of the batch processor; index.ts says what it promises. */

import type { Batch } from '../../core/component/batch.ts'
import { Batching } from '../../core/component/batching.ts'
import { type Clock, SYSTEM_CLOCK } from '../../core/component/clock.ts'
import type { ConsumeContext, Consumer, Processor, Settings } from '../../core/component/contract.ts'
import type { Gathered } from '../../core/component/gather.ts'
import type { DropReason } from '../../core/component/ledger.ts'
import { release, retain } from '../../core/component/memory.ts'
import { partitionKey } from '../../core/component/meta.ts'
import { ACCEPTED, type Receipt, Refused, Rejected } from '../../core/component/outcome.ts'
import { impatience, watchSender, withoutPatience } from '../../core/component/patience.ts'
import { Backoff } from '../../core/component/retry.ts'
import { Room } from '../../core/component/room.ts'
import { dealOut, type Outcome, Ticket } from '../../core/component/ticket.ts'
import type { Signal } from '../../core/otlp/signals.ts'
import type { BoundCounter, BoundHistogram } from '../../core/telemetry/metrics.ts'
import { type BatchConfig, BY_SIZE, BY_TIME, CARDINALITY, SEND_SIZE, SEND_SIZE_BYTES } from './config.ts'

const REFUSED_DOWNSTREAM: DropReason = { name: 'refused_downstream', intended: false }
const REJECTED_DOWNSTREAM: DropReason = { name: 'rejected_downstream', intended: false }
const SHUTDOWN: DropReason = { name: 'shutdown', intended: false }

/** Between attempts to hand on a refused batch. It ends when room is needed, so there is no elapsed time. */
const RETRY = {
  enabled: true,
  initial_interval: 100,
  randomization_factor: 0.5,
  multiplier: 1.5,
  max_interval: 5000,
  max_elapsed_time: 0,
}

/** A batch that is complete and on its way to the next part. */
interface Flush {
  readonly gathered: Gathered
  readonly bySize: boolean
  /** While it waits for its next attempt: ends the wait. */
  wake: (() => void) | undefined
  /** It was dropped while it waited. */
  evicted: boolean
}

/** What belongs to one combination of metadata values: batches leave in order, one at a time. */
interface Shard {
  readonly outbox: Flush[]
  sending: boolean
  /** Requests of this combination that are not settled. */
  open: number
}

export class BatchProcessor implements Processor {
  readonly #config: BatchConfig
  readonly #settings: Settings
  readonly #signal: Signal
  readonly #next: Consumer
  readonly #clock: Clock
  readonly #batching: Batching
  readonly #room: Room
  readonly #shards = new Map<string, Shard>()
  /** Refused batches that wait for their next attempt, longest first. */
  readonly #refused = new Set<Flush>()
  readonly #meters: {
    readonly bySize: BoundCounter
    readonly byTime: BoundCounter
    readonly items: BoundHistogram
    readonly bytes: BoundHistogram
  }
  readonly #cut = new AbortController()
  #unobserve = (): void => {}
  #open = 0
  #idle = (): void => {}
  #stopped: Promise<void> | undefined

  constructor(config: BatchConfig, settings: Settings, next: Consumer, clock: Clock = SYSTEM_CLOCK) {
    const { metrics, signal = 'traces', id, name } = settings
    const atOnce = config.timeout === 0 || config.send_batch_size === 0
    this.#config = config
    this.#settings = settings
    this.#signal = signal
    this.#next = next
    this.#clock = clock
    const batching = {
      flush_timeout: config.timeout,
      min_size: atOnce ? 0 : config.send_batch_size,
      max_size: config.send_batch_max_size,
      sizer: 'items' as const,
      partition: { metadata_keys: config.metadata_keys },
    }
    this.#batching = new Batching(batching, signal, clock, gathered => this.#flush(gathered, false))
    const words = { place: `the buffer of ${name}`, enlarge: '', relieve: 'raise max_buffer_bytes' }
    const { max_buffer_bytes: maxBytes } = config
    const limits = {
      sizer: 'requests',
      capacity: Number.POSITIVE_INFINITY,
      maxBytes,
      blockOnOverflow: true,
    } as const
    this.#room = new Room(limits, words, clock)
    this.#meters = {
      bySize: metrics.counter(BY_SIZE).bind({ processor: id }),
      byTime: metrics.counter(BY_TIME).bind({ processor: id }),
      items: metrics.histogram(SEND_SIZE).bind({ processor: id }),
      bytes: metrics.histogram(SEND_SIZE_BYTES).bind({ processor: id }),
    }
  }

  async start(): Promise<void> {
    const { metrics, id } = this.#settings
    // Without keys there is one combination, always.
    const read = (): number => (this.#config.metadata_keys.length === 0 ? 1 : this.#shards.size)
    this.#unobserve = metrics.observe(CARDINALITY, { processor: id }, read)
  }

  admit(signal: Signal): Refused | undefined {
    return this.#settings.waitDownstream ? this.#next.admit?.(signal) : undefined
  }

  async consume(batch: Batch, context: ConsumeContext): Promise<Receipt> {
    if (this.#stopped !== undefined) throw stoppingError()
    const gone = impatience(context, this.#clock)
    if (gone !== undefined) throw gone
    // Nothing to count is nothing to batch, as there.
    if (batch.items === 0) return ACCEPTED
    const key = partitionKey(batch.meta, this.#config.metadata_keys)
    this.#checkCardinality(key)
    while (!this.#room.has(batch) && this.#evictOldest()) {}
    const blocked = this.#room.enter(batch, context)
    if (blocked !== undefined) await blocked
    if (this.#stopped !== undefined) {
      // It began to stop in the moment between getting room and using it.
      this.#room.release(batch)
      throw stoppingError()
    }
    return this.#take(
      new Ticket(batch, this.#settings.waitDownstream ? context : withoutPatience(context)),
      key,
    )
  }

  async stop(deadline: number): Promise<void> {
    this.#stopped ??= this.#stop(deadline)
    await this.#stopped
  }

  async #stop(deadline: number): Promise<void> {
    this.#room.close(stoppingError())
    for (const gathered of this.#batching.flush()) this.#flush(gathered, false)
    for (const flush of [...this.#refused]) flush.wake!()
    const cancel = this.#clock.after(deadline - this.#clock.now(), () => this.#giveUp())
    if (this.#open > 0)
      await new Promise<void>(resolve => {
        this.#idle = resolve
      })
    cancel()
    this.#unobserve()
  }

  /** The drain deadline has passed: nothing waits any longer. */
  #giveUp(): void {
    this.#cut.abort(stoppingError())
    for (const flush of [...this.#refused]) flush.wake!()
  }

  #checkCardinality(key: string): void {
    const { metadata_cardinality_limit: limit } = this.#config
    if (limit === 0 || this.#shards.size < limit || this.#shards.has(key)) return
    throw new Refused(
      `${this.#settings.name} buffers ${limit} combinations of metadata values (metadata_keys) and takes no other: ` +
        'raise metadata_cardinality_limit, or take a key with fewer values',
      { status: 'UNAVAILABLE' },
    )
  }

  #take(ticket: Ticket, key: string): Receipt | Promise<Receipt> {
    const { batch } = ticket
    this.#open++
    this.#shard(key).open++
    retain(batch)
    let answer: Receipt | Promise<Receipt> = ACCEPTED
    if (this.#settings.waitDownstream) answer = this.#answerTo(ticket)
    else this.#settings.account.hold(this.#signal, batch.items)
    for (const gathered of this.#batching.add(ticket)) this.#flush(gathered, true)
    return answer
  }

  /** Settles with the last batch that carries some of the request, or when the sender stops waiting. */
  #answerTo(ticket: Ticket): Promise<Receipt> {
    return new Promise((resolve, reject) => {
      const endWatch = watchSender(ticket.context, this.#clock, why => {
        ticket.abandoned = true
        reject(why)
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

  #shard(key: string): Shard {
    let shard = this.#shards.get(key)
    if (shard === undefined) {
      shard = { outbox: [], sending: false, open: 0 }
      this.#shards.set(key, shard)
    }
    return shard
  }

  #flush(gathered: Gathered, bySize: boolean): void {
    const flush = { gathered, bySize, wake: undefined, evicted: false }
    // Senders that wait for a server should not wait for each other's turn as well.
    if (this.#settings.waitDownstream) {
      void this.#send(flush)
      return
    }
    const shard = this.#shard(partitionKey(gathered.batch.meta, this.#config.metadata_keys))
    shard.outbox.push(flush)
    if (!shard.sending) void this.#empty(shard)
  }

  async #empty(shard: Shard): Promise<void> {
    shard.sending = true
    for (let flush = shard.outbox.shift(); flush !== undefined; flush = shard.outbox.shift())
      await this.#send(flush)
    shard.sending = false
  }

  async #send(flush: Flush): Promise<void> {
    const { batch, shares } = flush.gathered
    const only = shares.length === 1 ? shares[0]!.ticket.context : undefined
    const context = {
      signal: this.#cut.signal,
      ...(only?.traceparent === undefined ? {} : { traceparent: only.traceparent }),
      ...(only?.transport === undefined ? {} : { transport: only.transport }),
    }
    const backoff = new Backoff(RETRY, this.#clock.now())
    for (;;) {
      const outcome = await this.#attempt(batch, context)
      if (outcome.refused === undefined || this.#settings.waitDownstream) return this.#settle(flush, outcome)
      if (this.#cut.signal.aborted) return this.#drop(flush, SHUTDOWN, outcome.refused)
      if (this.#room.crowded) return this.#drop(flush, REFUSED_DOWNSTREAM, outcome.refused)
      const wait = backoff.next(this.#clock.now(), outcome.refused.afterMs)!
      this.#settings.log.warn('The next component refused a batch. Will try again.', {
        error: outcome.refused.message,
        items: batch.items,
      })
      await this.#sleep(flush, wait)
      if (flush.evicted) return
      if (this.#cut.signal.aborted) return this.#drop(flush, SHUTDOWN, outcome.refused)
    }
  }

  async #attempt(batch: Batch, context: ConsumeContext): Promise<Outcome> {
    const { items } = batch
    const all = (reason: DropReason, { message }: Error) => [{ items, reason, message }]
    try {
      const { rejected, message } = await this.#next.consume(batch, context)
      const lost = [{ items: rejected, reason: REJECTED_DOWNSTREAM, message }]
      return { sent: items - rejected, unknown: 0, losses: rejected === 0 ? [] : lost }
    } catch (error) {
      if (error instanceof Rejected)
        return { sent: 0, unknown: 0, losses: all(REJECTED_DOWNSTREAM, error), rejected: error }
      const refused = error instanceof Refused ? error : new Refused(String(error), { cause: error })
      return { sent: 0, unknown: 0, losses: all(REFUSED_DOWNSTREAM, refused), refused }
    }
  }

  #sleep(flush: Flush, ms: number): Promise<void> {
    return new Promise(resolve => {
      const wake = (): void => {
        cancel()
        flush.wake = undefined
        this.#refused.delete(flush)
        resolve()
      }
      const cancel = this.#clock.after(ms, wake)
      flush.wake = wake
      this.#refused.add(flush)
    })
  }

  /** Drops the batch that was refused first, to make room; false when none is waiting to be tried again. */
  #evictOldest(): boolean {
    const [flush] = this.#refused
    if (flush === undefined) return false
    flush.evicted = true
    flush.wake!()
    this.#drop(flush, REFUSED_DOWNSTREAM, new Refused('the buffer needs the room for what arrives'))
    return true
  }

  #drop(flush: Flush, reason: DropReason, { message }: Refused): void {
    const { items } = flush.gathered.batch
    this.#settings.log.error(
      'Dropping a batch that the next component keeps refusing. Look at its errors; raise max_buffer_bytes to hold more.',
      { error: message, reason: reason.name, dropped_items: items },
    )
    this.#settle(flush, { sent: 0, unknown: 0, losses: [{ items, reason, message }] })
  }

  #settle({ gathered, bySize }: Flush, outcome: Outcome): void {
    const { batch, shares } = gathered
    if (outcome.sent > 0) {
      const { bySize: size, byTime: time } = this.#meters
      ;(bySize ? size : time).add(1)
      this.#meters.items.record(batch.items)
      this.#meters.bytes.record(batch.byteLength)
    }
    dealOut(shares, outcome)
    for (const { ticket } of shares) if (ticket.outstanding === 0) this.#finish(ticket)
  }

  #finish(ticket: Ticket): void {
    const { batch } = ticket
    release(batch)
    this.#room.release(batch)
    if (ticket.waiter === undefined) this.#enterHeld(ticket)
    else this.#answer(ticket)
    const key = partitionKey(batch.meta, this.#config.metadata_keys)
    if (--this.#shard(key).open === 0) this.#shards.delete(key)
    if (--this.#open === 0) this.#idle()
  }

  #enterHeld(ticket: Ticket): void {
    const { account } = this.#settings
    account.hold(this.#signal, -ticket.batch.items)
    for (const { items, reason } of ticket.losses) account.drop(this.#signal, items, reason)
  }

  /** Responsibility never was here, so what was lost is not dropped: the sender is told of it. */
  #answer({ waiter, abandoned, refused, rejected, sent, receipt, losses }: Ticket): void {
    if (abandoned || refused !== undefined || (rejected !== undefined && sent === 0)) {
      // The sender will send everything again. For the ledger, what went on of it nevertheless begins here.
      this.#settings.account.create(this.#signal, sent)
      if (!abandoned) waiter!.reject(refused ?? rejected!)
    } else waiter!.resolve(losses.length === 0 ? ACCEPTED : receipt)
  }
}

function stoppingError(): Refused {
  return new Refused('the gateway is stopping', { status: 'UNAVAILABLE' })
}
