/**
 * The bounded queue in front of a server (exporterhelper's memory queue). What is being sent still counts: room comes
 * back when a request is settled, so capacity bounds all that the exporter holds.
 *
 * Two bounds: `capacity` by the sizer, as in the Collector, and `maxBytes`, because a thousand requests may be a
 * megabyte or sixty gigabytes.
 */

import type { Batch } from './batch.ts'
import type { Clock } from './clock.ts'
import type { ConsumeContext } from './contract.ts'
import { Refused, Rejected } from './outcome.ts'
import { impatience, watchSender } from './patience.ts'
import type { Sizer } from './sending-config.ts'
import type { Ticket } from './ticket.ts'

export interface QueueLimits {
  readonly sizer: Sizer
  readonly capacity: number
  /** 0 means no bound. */
  readonly maxBytes: number
  /** Whether a sender waits when there is no room, instead of being refused. */
  readonly blockOnOverflow: boolean
}

export function sizeOf(batch: Batch, sizer: Sizer): number {
  if (sizer === 'requests') return 1
  return sizer === 'items' ? batch.items : batch.byteLength
}

interface Blocked {
  readonly size: number
  readonly bytes: number
  readonly enter: () => void
  readonly refuse: (why: Refused) => void
}

export class SendingQueue {
  readonly limits: QueueLimits
  readonly #name: string
  readonly #clock: Clock
  #size = 0
  #bytes = 0
  #first: Ticket | undefined
  #last: Ticket | undefined
  readonly #blocked = new Set<Blocked>()
  #closed: Refused | undefined

  /** `name` of the exporter, for sentences. */
  constructor(limits: QueueLimits, name: string, clock: Clock) {
    this.limits = limits
    this.#name = name
    this.#clock = clock
  }

  /** By the sizer; what is being sent included. */
  get size(): number {
    return this.#size
  }

  /**
   * Reserves room for a request: at once (undefined), or when room comes back (a promise), in the order of asking.
   * Throws Refused when it is full or closed or the sender stops waiting, Rejected when the request can never fit.
   * Whoever got room gives it back with `release`.
   */
  enter(batch: Batch, context: ConsumeContext): Promise<void> | undefined {
    if (this.#closed !== undefined) throw this.#closed
    const size = sizeOf(batch, this.limits.sizer)
    this.#refuseGiant(size, batch.byteLength)
    if (this.#blocked.size === 0 && this.#fits(size, batch.byteLength)) {
      this.#reserve(size, batch.byteLength)
      return undefined
    }
    if (!this.limits.blockOnOverflow) throw this.#full()
    const gone = impatience(context, this.#clock)
    if (gone !== undefined) throw gone
    return this.#block(size, batch.byteLength, context)
  }

  /** Puts a request, for which there is room, at the end. */
  push(ticket: Ticket): void {
    ticket.before = this.#last
    if (this.#last === undefined) this.#first = ticket
    else this.#last.after = ticket
    this.#last = ticket
  }

  /** The oldest request; its room stays taken. */
  take(): Ticket | undefined {
    const ticket = this.#first
    if (ticket !== undefined) this.#unlink(ticket)
    return ticket
  }

  /** Takes a request out of the middle; false when it is not waiting here any more. */
  remove(ticket: Ticket): boolean {
    if (ticket !== this.#first && ticket.before === undefined) return false
    this.#unlink(ticket)
    return true
  }

  /** Gives a settled request's room back and lets blocked senders in. */
  release(batch: Batch): void {
    this.#size -= sizeOf(batch, this.limits.sizer)
    this.#bytes -= batch.byteLength
    this.#admitBlocked()
  }

  /** Nothing enters any more; blocked senders are refused with `why`. What is inside stays. */
  close(why: Refused): void {
    this.#closed = why
    for (const blocked of [...this.#blocked]) blocked.refuse(why)
  }

  #fits(size: number, bytes: number): boolean {
    const { capacity, maxBytes } = this.limits
    return this.#size + size <= capacity && (maxBytes === 0 || this.#bytes + bytes <= maxBytes)
  }

  #reserve(size: number, bytes: number): void {
    this.#size += size
    this.#bytes += bytes
  }

  #unlink(ticket: Ticket): void {
    if (ticket.before === undefined) this.#first = ticket.after
    else ticket.before.after = ticket.after
    if (ticket.after === undefined) this.#last = ticket.before
    else ticket.after.before = ticket.before
    ticket.before = undefined
    ticket.after = undefined
  }

  #block(size: number, bytes: number, context: ConsumeContext): Promise<void> {
    return new Promise((resolve, reject) => {
      const leave = (): void => {
        this.#blocked.delete(blocked)
        endWatch()
      }
      const blocked: Blocked = {
        size,
        bytes,
        enter: () => {
          leave()
          resolve()
        },
        refuse: why => {
          leave()
          reject(why)
          // It may have been the one that did not fit while those behind it do.
          this.#admitBlocked()
        },
      }
      const endWatch = watchSender(context, this.#clock, why => blocked.refuse(why))
      this.#blocked.add(blocked)
    })
  }

  #admitBlocked(): void {
    for (const blocked of this.#blocked) {
      if (this.#closed !== undefined || !this.#fits(blocked.size, blocked.bytes)) return
      this.#reserve(blocked.size, blocked.bytes)
      blocked.enter()
    }
  }

  #refuseGiant(size: number, bytes: number): void {
    const { capacity, maxBytes, sizer } = this.limits
    if (size > capacity) {
      throw new Rejected(
        `a request of ${size} ${sizer} can never fit into the sending queue of ${this.#name}, which holds ` +
          `${capacity} ${sizer}; send smaller requests or raise sending_queue.queue_size`,
        { status: 'RESOURCE_EXHAUSTED' },
      )
    }
    if (maxBytes > 0 && bytes > maxBytes) {
      throw new Rejected(
        `a request of ${bytes} bytes can never fit into the sending queue of ${this.#name}, which holds ` +
          `${maxBytes} bytes; send smaller requests or raise sending_queue.max_queue_bytes`,
        { status: 'RESOURCE_EXHAUSTED' },
      )
    }
  }

  #full(): Refused {
    const { capacity, maxBytes, sizer } = this.limits
    const bytes = maxBytes === 0 ? '' : `, ${this.#bytes} of ${maxBytes} bytes`
    return new Refused(
      `the sending queue of ${this.#name} is full (${this.#size} of ${capacity} ${sizer}${bytes}): more arrives ` +
        'than its server takes; look at its errors, or raise sending_queue.queue_size, max_queue_bytes or num_consumers',
      { status: 'UNAVAILABLE' },
    )
  }
}
