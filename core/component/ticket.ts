/**
 * The claim of one request on its outcome, from the moment a queue or a buffer took it until every item of it is
 * settled, however it was merged with others and split on the way. A ticket knows nobody: queue, gatherer and chain
 * write into it, and `finished` is called once when nothing of it is outstanding.
 */

import type { Batch } from './batch.ts'
import type { ConsumeContext } from './contract.ts'
import type { DropReason } from './ledger.ts'
import type { Linked } from './list.ts'
import type { Receipt, Refused, Rejected } from './outcome.ts'

/** Items that ended without being delivered. */
export interface Loss {
  readonly items: number
  readonly reason: DropReason
  /** What the server said, for logs and for the sender. */
  readonly message: string
}

/** How one merged batch ended; the numbers add up to its items. */
export interface Outcome {
  readonly sent: number
  /** Handed to the server, and no answer came. */
  readonly unknown: number
  readonly losses: readonly Loss[]
  /** Why a sender that waits has to send again, although part of the batch may have been delivered. */
  readonly refused?: Refused | undefined
  /** The one reason why nothing of it was taken, when it was that simple. */
  readonly rejected?: Rejected | undefined
}

export interface Waiter {
  readonly resolve: (receipt: Receipt) => void
  readonly reject: (why: Refused | Rejected) => void
}

export class Ticket implements Linked<Ticket> {
  readonly batch: Batch
  readonly context: ConsumeContext
  /** The sender, while it waits for the outcome. */
  waiter: Waiter | undefined
  /** It waited and left: it has its answer and still has its data. */
  abandoned = false
  /** Merged batches that carry some of it and have not ended. */
  outstanding = 0
  sent = 0
  unknown = 0
  losses: Loss[] = NO_LOSSES
  refused: Refused | undefined
  rejected: Rejected | undefined
  /** Place in the queue's list. */
  before: Ticket | undefined
  after: Ticket | undefined

  constructor(batch: Batch, context: ConsumeContext) {
    this.batch = batch
    this.context = context
    this.waiter = undefined
    this.refused = undefined
    this.rejected = undefined
    this.before = undefined
    this.after = undefined
  }

  lose(loss: Loss): void {
    if (this.losses === NO_LOSSES) this.losses = []
    this.losses.push(loss)
  }

  get lost(): number {
    let items = 0
    for (const loss of this.losses) items += loss.items
    return items
  }

  /** The answer for a sender that waits: what was lost, in one sentence. */
  get receipt(): Receipt {
    const rejected = this.lost
    const messages = new Set(this.losses.map(loss => loss.message))
    return { rejected, message: [...messages].join('; ') }
  }
}

const NO_LOSSES: Loss[] = []

/** Items of a merged batch that came with one ticket. */
export interface Share {
  readonly ticket: Ticket
  items: number
}

/**
 * Writes how a merged batch ended into the tickets it was made of. A server says how many items it refused, not whose
 * they were: the numbers are dealt out in order, first what was sent, so that they add up.
 */
export function dealOut(shares: readonly Share[], outcome: Outcome): void {
  let { sent, unknown } = outcome
  const losses = outcome.losses.map(loss => ({ ...loss }))
  for (const { ticket, items } of shares) {
    let left = items
    const part = (available: number): number => {
      const taken = Math.min(available, left)
      left -= taken
      return taken
    }
    const partSent = part(sent)
    const partUnknown = part(unknown)
    sent -= partSent
    unknown -= partUnknown
    ticket.sent += partSent
    ticket.unknown += partUnknown
    for (const loss of losses) {
      const partLost = part(loss.items)
      loss.items -= partLost
      if (partLost > 0) ticket.lose({ ...loss, items: partLost })
    }
    ticket.refused ??= outcome.refused
    ticket.rejected ??= outcome.rejected
    ticket.outstanding--
  }
}
