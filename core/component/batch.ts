/**
 * What flows through every pipeline.
 *
 * Grammar: each chunk is a whole serialized Export<Signal>ServiceRequest, so each can be walked alone, and the chunks
 * one after another are one request again (protobuf merges repeated fields by concatenation). Profiles carry one
 * string dictionary a request and are never merged or split: their batches have exactly one chunk.
 */

import type { Signal } from '../otlp/signals.ts'
import { type Meta, NO_META } from './meta.ts'

/** Immutable: nobody writes to `chunks` or their bytes once a receiver made them, so fan-out shares them. */
export interface Batch {
  readonly signal: Signal
  readonly chunks: readonly Uint8Array[]
  /** Sum of the chunks' lengths. */
  readonly byteLength: number
  /** Spans, data points, log records or profile samples in all chunks. */
  readonly items: number
  readonly meta: Meta
}

export function batchOf(
  signal: Signal,
  chunks: readonly Uint8Array[],
  items: number,
  meta: Meta = NO_META,
): Batch {
  let byteLength = 0
  for (const chunk of chunks) byteLength += chunk.length
  return { signal, chunks, byteLength, items, meta }
}

/** The batch as one array: no copy when it has one chunk already. */
export function contiguous(batch: Batch): Uint8Array {
  if (batch.chunks.length === 1) return batch.chunks[0]!
  return Buffer.concat(batch.chunks, batch.byteLength)
}
