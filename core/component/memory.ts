/**
 * How much memory the batches that wait somewhere really hold. A fan-out to five queues holds one buffer, not five:
 * every backing store is counted once, by its whole size, for as long as anybody retains a view of it.
 */

import type { Batch } from './batch.ts'

interface Holding {
  holders: number
  /** Kept, because a buffer that somebody detached says 0. */
  readonly bytes: number
}

/** The count stands on the buffer itself: a Map with an addition and a deletion a batch is slow (see list.ts). */
const HOLDING = Symbol('holding')
type Held = ArrayBufferLike & { [HOLDING]?: Holding | undefined }

let held = 0

/** Whoever keeps `batch` beyond its own `consume` call says so here, and calls `release` exactly once when done. */
export function retain(batch: Batch): void {
  for (const chunk of batch.chunks) {
    const buffer: Held = chunk.buffer
    const holding = buffer[HOLDING]
    if (holding !== undefined) holding.holders++
    else {
      buffer[HOLDING] = { holders: 1, bytes: buffer.byteLength }
      held += buffer.byteLength
    }
  }
}

export function release(batch: Batch): void {
  for (const chunk of batch.chunks) {
    const buffer: Held = chunk.buffer
    const holding = buffer[HOLDING]
    if (holding === undefined) continue
    if (--holding.holders > 0) continue
    buffer[HOLDING] = undefined
    held -= holding.bytes
  }
}

/** Bytes held by all queues and buffers of this process. */
export function heldBytes(): number {
  return held
}
