/**
 * Who holds the bytes of batches, and for how long.
 *
 * The rule. A batch is lent to `consume`, and to `send`, until the promise settles. Whoever keeps the batch, or a view
 * of its bytes, for longer says `retain` before that, and `release` when done; what is to be remembered without that (a
 * cache, an exemplar, a label) is copied. Everything of a request is found by its buffers: pieces that were cut out of it
 * count as it does.
 *
 * Two things come of it:
 *
 * - How much memory the batches that wait somewhere really hold. A fan-out to five queues holds one buffer, not five:
 *   every backing store is counted once, by its whole size, for as long as anybody retains a view of it.
 * - A receiver that made a buffer and shares it with nobody `lend`s it. When the last holder releases it, its memory goes
 *   back to the allocator at once instead of when V8 next collects; by then 60 to 90 MiB of dead bodies had piled up, and
 *   each new one came in pages that the kernel had to map. Buffers are detached and never used again for other bytes: a
 *   view that is read too late is empty, and shows nobody's data.
 *
 * A detached buffer is empty for JavaScript only. A socket, a file or a thread that was given a view has an address, and
 * would go on reading what is there then. So bytes are given back only behind exporters that promise it
 * (`Exporter.returnsBytes`); behind any other `leave` takes the loan back, and V8 collects them as ever.
 */

import type { Batch } from './batch.ts'

interface Holding {
  holders: number
  /** Kept, because a buffer that somebody detached says 0. */
  readonly bytes: number
  lent: boolean
}

/** The count stands on the buffer itself: a Map with an addition and a deletion a batch is slow (see list.ts). */
const HOLDING = Symbol('holding')
type Held = ArrayBufferLike & { [HOLDING]?: Holding | undefined }

let held = 0

/** How the memory of a buffer is given back. */
type GivingBack = (buffer: ArrayBuffer) => void

const detach: GivingBack = buffer => void buffer.transfer(0)
let giveBack = detach

/** Whoever keeps `batch` beyond its own `consume` call says so here, and calls `release` exactly once when done. */
export function retain(batch: Batch): void {
  for (const chunk of batch.chunks) {
    const buffer: Held = chunk.buffer
    let holding = buffer[HOLDING]
    if (holding === undefined) {
      if ((buffer as ArrayBuffer).detached === true) throw new Error('bytes are kept that were given back')
      holding = { holders: 0, bytes: buffer.byteLength, lent: false }
      buffer[HOLDING] = holding
    }
    if (holding.holders++ === 0) held += holding.bytes
  }
}

export function release(batch: Batch): void {
  for (const chunk of batch.chunks) drop(chunk.buffer)
}

function drop(buffer: Held): void {
  const holding = buffer[HOLDING]
  if (holding === undefined || --holding.holders > 0) return
  buffer[HOLDING] = undefined
  held -= holding.bytes
  if (holding.lent) giveBack(buffer as ArrayBuffer)
}

/**
 * For a socket that is about to be given a view of a batch's bytes: their buffer is held until `releaseBytes`, which is to
 * be called once the system has them. False, and nothing to release, when nobody would give the buffer back anyway.
 */
export function retainBytes({ buffer }: Uint8Array): boolean {
  const holding = (buffer as Held)[HOLDING]
  if (holding === undefined) return false
  if (holding.holders++ === 0) held += holding.bytes
  return true
}

export function releaseBytes({ buffer }: Uint8Array): void {
  drop(buffer)
}

/**
 * Says of bytes that nobody but the caller has their buffer: it is no part of a pool or slab, no library keeps it, and
 * no read into it is under way. They end with the next `release` that leaves no holder, or with `discard`.
 */
export function lend({ buffer }: Uint8Array): void {
  if (buffer instanceof ArrayBuffer)
    (buffer as Held)[HOLDING] = { holders: 0, bytes: buffer.byteLength, lent: true }
}

/** For bytes that were lent and became no batch, or were taken apart for one: they end now. */
export function discard({ buffer }: Uint8Array): void {
  const holding = (buffer as Held)[HOLDING]
  if (holding === undefined || !holding.lent || holding.holders > 0) return
  ;(buffer as Held)[HOLDING] = undefined
  giveBack(buffer as ArrayBuffer)
}

/** The bytes go where nobody sees when they are done with: V8 is to find out. */
export function leave(batch: Batch): void {
  for (const { buffer } of batch.chunks) {
    const holding = (buffer as Held)[HOLDING]
    if (holding !== undefined) holding.lent = false
  }
}

/** Bytes held by all queues and buffers of this process. */
export function heldBytes(): number {
  return held
}

/** For tests: lets buffers be given back in another way, one that shows who still reads them; undefined: as always. */
export function giveBackBy(way: GivingBack | undefined): void {
  giveBack = way ?? detach
}
