/**
 * Merging and splitting: requests go in, batches of the wanted size come out, and each batch knows which tickets it
 * carries. Merging collects chunks and copies nothing; only a request that does not fit is cut (core/otlp/split.ts).
 * One gatherer serves one partition, and both users: `sending_queue.batch` and the batch processor.
 */

import type { Signal } from '../otlp/signals.ts'
import { split } from '../otlp/split.ts'
import { type Batch, batchOf } from './batch.ts'
import type { Meta } from './meta.ts'
import type { Share, Ticket } from './ticket.ts'

export interface Gathered {
  readonly batch: Batch
  readonly shares: readonly Share[]
}

export interface GatherLimits {
  /** A batch is complete once it has this size. */
  readonly minSize: number
  /** No batch is larger, unless one item alone is; 0 means no limit. */
  readonly maxSize: number
  readonly sizer: 'items' | 'bytes'
}

/** A request that travels as it came. */
export function alone(ticket: Ticket): Gathered {
  ticket.outstanding++
  return { batch: ticket.batch, shares: [{ ticket, items: ticket.batch.items }] }
}

export class Gatherer {
  readonly #limits: GatherLimits
  readonly #signal: Signal
  readonly #meta: Meta
  #chunks: Uint8Array[] = []
  #shares: Share[] = []
  #items = 0
  #bytes = 0

  /** `meta`: what all requests of this partition have in common. */
  constructor(limits: GatherLimits, signal: Signal, meta: Meta) {
    this.#limits = limits
    this.#signal = signal
    this.#meta = meta
  }

  get empty(): boolean {
    return this.#chunks.length === 0
  }

  get items(): number {
    return this.#items
  }

  /** Takes a request in; returns the batches that are complete with it. Profiles are never merged nor split. */
  add(ticket: Ticket): Gathered[] {
    const { batch } = ticket
    if (batch.signal === 'profiles') return [alone(ticket)]
    const complete: Gathered[] = []
    if (this.#fits(batch.byteLength, batch.items)) {
      for (const chunk of batch.chunks) this.#chunks.push(chunk)
      this.#count(ticket, batch.byteLength, batch.items)
    } else this.#cut(ticket, complete)
    if (!this.empty && this.#size >= this.#limits.minSize) complete.push(this.#take())
    return complete
  }

  /** What has gathered, however small; undefined when nothing has. */
  flush(): Gathered | undefined {
    return this.empty ? undefined : this.#take()
  }

  get #size(): number {
    return this.#limits.sizer === 'items' ? this.#items : this.#bytes
  }

  #fits(bytes: number, items: number): boolean {
    const { maxSize, sizer } = this.#limits
    return maxSize === 0 || this.#size + (sizer === 'items' ? items : bytes) <= maxSize
  }

  #count(ticket: Ticket, bytes: number, items: number): void {
    this.#bytes += bytes
    this.#items += items
    const last = this.#shares.at(-1)
    if (last?.ticket === ticket) last.items += items
    else {
      ticket.outstanding++
      this.#shares.push({ ticket, items })
    }
  }

  #cut(ticket: Ticket, complete: Gathered[]): void {
    const { maxSize, sizer } = this.#limits
    for (const chunk of ticket.batch.chunks) {
      const first = maxSize - this.#size
      for (const piece of split(chunk, this.#signal, { first, rest: maxSize }, sizer)) {
        // An empty envelope beside real items would become a request of nothing.
        if (piece.items === 0 && ticket.batch.items > 0) continue
        if (!this.empty && !this.#fits(piece.bytes.length, piece.items)) complete.push(this.#take())
        this.#chunks.push(piece.bytes)
        this.#count(ticket, piece.bytes.length, piece.items)
        if (this.#size >= maxSize) complete.push(this.#take())
      }
    }
  }

  #take(): Gathered {
    const gathered = {
      batch: batchOf(this.#signal, this.#chunks, this.#items, this.#meta),
      shares: this.#shares,
    }
    this.#chunks = []
    this.#shares = []
    this.#items = 0
    this.#bytes = 0
    return gathered
  }
}
