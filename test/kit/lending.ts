/** Lending bytes as a door does, and finding out who reads them after they were given back (core/component/memory.ts). */

import type { TestContext } from 'node:test'
import { type Batch, batchOf } from '../../core/component/batch.ts'
import { type ConsumeContext, type Consumer, NO_CONTEXT } from '../../core/component/contract.ts'
import { giveBackBy, lend, release, retain } from '../../core/component/memory.ts'
import type { Receipt } from '../../core/component/outcome.ts'

/** What bytes become that were given back: no message begins so, and no text is UTF-8. */
export const SPOILED = 0xff

/**
 * Until the test ends, bytes that are given back become 0xff and stay. An empty view may look like an empty message, and
 * nobody knows what a socket or a thread reads of a detached buffer; this nobody takes for the data. Counts the buffers.
 */
export function spoilWhatIsGivenBack(t: TestContext): { readonly buffers: number } {
  const spoiled = { buffers: 0 }
  giveBackBy(buffer => {
    spoiled.buffers++
    new Uint8Array(buffer).fill(SPOILED)
  })
  t.after(() => giveBackBy(undefined))
  return spoiled
}

/** Consumes a copy of the batch that ends when nobody retains it any more. */
export async function lendTo(
  to: Consumer,
  batch: Batch,
  context: ConsumeContext = NO_CONTEXT,
): Promise<Receipt> {
  const chunks = batch.chunks.map(chunk => Uint8Array.from(chunk))
  for (const chunk of chunks) lend(chunk)
  const lent = batchOf(batch.signal, chunks, batch.items, batch.meta)
  retain(lent)
  try {
    return await to.consume(lent, context)
  } finally {
    release(lent)
  }
}
