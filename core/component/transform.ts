/**
 * The frame of every processor that keeps nothing between batches: it turns a batch into another one, synchronously,
 * and hands it on. What it dropped is entered into the account only once `next` has taken the rest, because a refused
 * batch comes back whole and must not be counted twice.
 */

import type { Rewriter } from '../otlp/rewrite.ts'
import type { Signal } from '../otlp/signals.ts'
import { type Batch, batchOf } from './batch.ts'
import type { ConsumeContext, Consumer, Processor, Settings } from './contract.ts'
import type { DropReason } from './ledger.ts'
import { ACCEPTED, type Receipt, type Refused } from './outcome.ts'

export interface Drop {
  readonly items: number
  readonly reason: DropReason
}

export interface Transformed {
  /** The same batch (nothing changed), a new one, or undefined when nothing is left of it. */
  readonly batch: Batch | undefined
  readonly drops: readonly Drop[]
}

/** Must not keep the batch, wait, or write to its bytes. What it throws reaches the sender as the outcome. */
export type Apply = (batch: Batch, context: ConsumeContext) => Transformed

export interface TransformHooks {
  start?(): void
  /** Called once `next` has taken what is left: the place for a part's own counters. */
  accepted?(batch: Batch, transformed: Transformed): void
}

const NO_DROPS: readonly Drop[] = Object.freeze([])

/** The result of an `Apply` that drops nothing. */
export function kept(batch: Batch): Transformed {
  return { batch, drops: NO_DROPS }
}

/**
 * A processor around `apply`. A batch of which nothing is left is accepted without asking `next`.
 * `admit` asks `next`.
 */
export function transforming(
  next: Consumer,
  settings: Settings,
  apply: Apply,
  hooks: TransformHooks = {},
): Processor {
  return {
    async start() {
      hooks.start?.()
    },
    async stop() {},
    async consume(batch: Batch, context: ConsumeContext): Promise<Receipt> {
      const transformed = apply(batch, context)
      const left = transformed.batch
      const receipt = left === undefined ? ACCEPTED : await next.consume(left, context)
      for (const { items, reason } of transformed.drops) settings.account.drop(batch.signal, items, reason)
      hooks.accepted?.(batch, transformed)
      return receipt
    },
    admit: (signal: Signal): Refused | undefined => next.admit?.(signal),
  }
}

/**
 * The batch with every chunk rewritten: the same object when nothing changed, undefined when nothing is left. What was
 * left out is entered under `reason`.
 */
export function rewriteBatch(batch: Batch, rewriter: Rewriter, reason?: DropReason): Transformed {
  const chunks: Uint8Array[] = []
  let changed = false
  let items = 0
  for (const chunk of batch.chunks) {
    const rewritten = rewriter.rewrite(chunk)
    items += rewriter.dropped
    if (rewritten !== chunk) changed = true
    if (rewritten.length > 0 || rewritten === chunk) chunks.push(rewritten)
  }
  if (!changed) return kept(batch)
  const drops = reason === undefined || items === 0 ? NO_DROPS : [{ items, reason }]
  if (chunks.length === 0) return { batch: undefined, drops }
  return { batch: batchOf(batch.signal, chunks, batch.items - items, batch.meta), drops }
}
