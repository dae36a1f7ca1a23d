/** What makes documents of batches: in Jaeger's layout (jaeger-bulks.ts) or in the Collector's modes (mode-bulks.ts). */

import type { Batch } from '../../core/component/batch.ts'
import type { CacheBudget } from '../../core/formats/cache-budget.ts'
import type { Counts } from '../../core/formats/jaeger-es/counts.ts'
import type { BodyBuffers } from './body-buffers.ts'
import type { Bulk } from './bulk.ts'

export type Lose = (items: number, reason: string, message: string) => void

/** Items that have no document in the mode that is asked for. */
export const UNMAPPABLE = 'unmappable'

export interface Documents {
  /** What was changed in documents, since the gateway started. */
  readonly counts: Counts
  /** For what is kept of batches besides. */
  readonly caches: CacheBudget
  /** What bodies lie in: give them back once they are sent. */
  readonly buffers: BodyBuffers
  /** The same for bodies that are compressed already. */
  readonly packed?: BodyBuffers
  /**
   * The bodies for a batch, made one by one as they are asked for; of several batches at once. `nowMs`: the time, ms
   * since 1970. `lose` is told of items that are in none.
   */
  bulks(batch: Batch, nowMs: number, lose: Lose): Iterator<Bulk>
  /** The document with this key is there. */
  landed(key: string, nowMs: number): void
}
