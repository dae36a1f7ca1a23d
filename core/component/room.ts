/**
 * A bound on what waits somewhere: who comes asks to enter, and gives its room back when it is settled. Two bounds:
 * `capacity` by the sizer, as in the Collector, and `maxBytes`, because a thousand requests may be a megabyte or sixty
 * gigabytes.
 */

import type { Batch } from './batch.ts'
import type { Clock } from './clock.ts'
import type { ConsumeContext } from './contract.ts'
import { type Linked, List } from './list.ts'
import { Refused, Rejected } from './outcome.ts'
import { impatience, watchSender } from './patience.ts'
import type { Sizer } from './sending-config.ts'

export interface RoomLimits {
  readonly sizer: Sizer
  readonly capacity: number
  /** 0 means no bound. A single request larger than this may enter when nothing else is inside. */
  readonly maxBytes: number
  /** Whether a sender waits when there is no room, instead of being refused. */
  readonly blockOnOverflow: boolean
}

/** For sentences. */
export interface RoomWords {
  /** `the sending queue of exporter/otlp_http` */
  readonly place: string
  /** What to do when a request is larger than `capacity`: `raise sending_queue.queue_size`. */
  readonly enlarge: string
  /** What to do when it is full. */
  readonly relieve: string
}

export function sizeOf(batch: Batch, sizer: Sizer): number {
  if (sizer === 'requests') return 1
  return sizer === 'items' ? batch.items : batch.byteLength
}

interface Blocked extends Linked<Blocked> {
  readonly batch: Batch
  readonly enter: () => void
  readonly refuse: (why: Refused) => void
}

export class Room {
  readonly #limits: RoomLimits
  readonly #words: RoomWords
  readonly #clock: Clock
  readonly #blocked = new List<Blocked>()
  #size = 0
  #bytes = 0
  #closed: Refused | undefined

  constructor(limits: RoomLimits, words: RoomWords, clock: Clock) {
    this.#limits = limits
    this.#words = words
    this.#clock = clock
  }

  /** By the sizer. */
  get size(): number {
    return this.#size
  }

  /** Whether somebody waits to enter. */
  get crowded(): boolean {
    return this.#blocked.length > 0
  }

  /** Whether `batch` would enter at once. */
  has(batch: Batch): boolean {
    return this.#blocked.length === 0 && this.#fits(batch)
  }

  /**
   * Takes room for a request: at once (undefined), or when room comes back (a promise), in the order of asking.
   * Throws or rejects with Refused when it is full or closed or the sender stops waiting, with Rejected when the
   * request can never fit. Whoever entered calls `release`.
   */
  enter(batch: Batch, context: ConsumeContext): Promise<void> | undefined {
    if (this.#closed !== undefined) throw this.#closed
    const size = sizeOf(batch, this.#limits.sizer)
    if (size > this.#limits.capacity) throw this.#tooLarge(size)
    if (this.has(batch)) {
      this.#take(batch)
      return undefined
    }
    if (!this.#limits.blockOnOverflow) throw this.#full()
    const gone = impatience(context, this.#clock)
    if (gone !== undefined) throw gone
    return this.#block(batch, context)
  }

  release(batch: Batch): void {
    this.#size -= sizeOf(batch, this.#limits.sizer)
    this.#bytes -= batch.byteLength
    this.#admitBlocked()
  }

  /** Nobody enters any more; who waits is refused with `why`. */
  close(why: Refused): void {
    this.#closed = why
    for (const blocked of [...this.#blocked]) blocked.refuse(why)
  }

  #fits(batch: Batch): boolean {
    const { capacity, maxBytes, sizer } = this.#limits
    if (this.#size + sizeOf(batch, sizer) > capacity) return false
    return maxBytes === 0 || this.#bytes === 0 || this.#bytes + batch.byteLength <= maxBytes
  }

  #take(batch: Batch): void {
    this.#size += sizeOf(batch, this.#limits.sizer)
    this.#bytes += batch.byteLength
  }

  #block(batch: Batch, context: ConsumeContext): Promise<void> {
    return new Promise((resolve, reject) => {
      const leave = (): void => {
        this.#blocked.remove(blocked)
        endWatch()
      }
      const blocked: Blocked = {
        batch,
        before: undefined,
        after: undefined,
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
      this.#blocked.push(blocked)
    })
  }

  #admitBlocked(): void {
    for (let blocked = this.#blocked.first; blocked !== undefined; blocked = this.#blocked.first) {
      if (this.#closed !== undefined || !this.#fits(blocked.batch)) return
      this.#take(blocked.batch)
      blocked.enter()
    }
  }

  #tooLarge(size: number): Rejected {
    const { capacity, sizer } = this.#limits
    const { place, enlarge } = this.#words
    return new Rejected(
      `a request of ${size} ${sizer} can never fit into ${place}, which holds ${capacity} ${sizer}; ` +
        `send smaller requests or ${enlarge}`,
      { status: 'RESOURCE_EXHAUSTED' },
    )
  }

  #full(): Refused {
    const { capacity, maxBytes, sizer } = this.#limits
    const { place, relieve } = this.#words
    const bytes = maxBytes === 0 ? '' : `, ${this.#bytes} of ${maxBytes} bytes`
    return new Refused(`${place} is full (${this.#size} of ${capacity} ${sizer}${bytes}): ${relieve}`, {
      status: 'UNAVAILABLE',
    })
  }
}
