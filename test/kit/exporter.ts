/** An exporter that answers as a test says, and an edge's bookkeeping in front of a chain. */

import type { Batch } from '../../core/component/batch.ts'
import {
  type ConsumeContext,
  type Consumer,
  type Exporter,
  NO_CONTEXT,
  type SendResult,
} from '../../core/component/contract.ts'
import type { Account } from '../../core/component/ledger.ts'
import { type Receipt, Refused, Rejected } from '../../core/component/outcome.ts'
import { numbersOf } from './numbered.ts'

type Answer = (batch: Batch, context: ConsumeContext, nth: number) => SendResult | Promise<SendResult>

export const everythingSent: Answer = batch => ({ sent: batch.items })

export class FakeExporter implements Exporter {
  answer: Answer
  /** Every attempt, in order. */
  readonly attempts: { readonly batch: Batch; readonly context: ConsumeContext }[] = []
  started = 0
  stopped = 0
  inFlight = 0
  inFlightMax = 0

  constructor(answer: Answer = everythingSent) {
    this.answer = answer
  }

  async start(): Promise<void> {
    this.started++
  }

  async stop(): Promise<void> {
    this.stopped++
  }

  async send(batch: Batch, context: ConsumeContext): Promise<SendResult> {
    this.attempts.push({ batch, context })
    this.inFlightMax = Math.max(this.inFlightMax, ++this.inFlight)
    try {
      return await this.answer(batch, context, this.attempts.length - 1)
    } finally {
      this.inFlight--
    }
  }

  /** The numbers of each attempt (numbered.ts). */
  get numbers(): number[][] {
    return this.attempts.map(({ batch }) => numbersOf(batch))
  }
}

/** An answer that a test gives when it likes. */
export class Gate {
  readonly #open: ((result: SendResult | Error) => void)[] = []

  readonly answer = (): Promise<SendResult> =>
    new Promise((resolve, reject) => {
      this.#open.push(result => (result instanceof Error ? reject(result) : resolve(result)))
    })

  get waiting(): number {
    return this.#open.length
  }

  /** Answers the oldest attempt that waits. */
  open(result: SendResult | Error): void {
    this.#open.shift()!(result)
  }
}

/** Consumes as an edge does: enters `in` and `refused`. */
export async function consumeAsEdge(
  to: Consumer,
  account: Account,
  batch: Batch,
  context: ConsumeContext = NO_CONTEXT,
): Promise<Receipt> {
  const page = account.of(batch.signal)
  try {
    const receipt = await to.consume(batch, context)
    page.in += batch.items - receipt.rejected
    page.refused += receipt.rejected
    return receipt
  } catch (error) {
    if (error instanceof Refused || error instanceof Rejected) page.refused += batch.items
    throw error
  }
}
