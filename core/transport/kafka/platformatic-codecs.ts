/**
 * The compressions of @platformatic/kafka, done as for the other client: at the level of the config, and snappy in the
 * frame of the Java library. The package's table of algorithms is exported for such use.
 *
 * The package waits for gzip only; the others have to be done at once.
 */

import { AsyncLocalStorage } from 'node:async_hooks'
import { compressionsAlgorithms } from '@platformatic/kafka'
import { compressBlock } from '../../formats/snappy.ts'
import { compressRecords, xerial, zstdNow } from './codecs.ts'

/** Codecs belong to the process, levels to a producer: the level travels with the call. */
const level = new AsyncLocalStorage<number>()

interface Algorithm {
  compress?: (data: Buffer) => Promise<Buffer>
  compressSync: (data: Buffer) => Buffer
}

/** Call it once, before there is a connection. */
export function useOurCodecs(): void {
  const { gzip, snappy, zstd } = compressionsAlgorithms as unknown as Record<
    'gzip' | 'snappy' | 'zstd',
    Algorithm
  >
  // A copy: what it is given is used again for the next batch (platformatic-pieces.ts).
  gzip.compress = async data => compressRecords('gzip', level.getStore() ?? 0, Buffer.from(data))
  snappy.compressSync = data => xerial(data, compressBlock)
  zstd.compressSync = data => zstdNow(level.getStore() ?? 0, data)
}

/** Runs `send`; what it compresses, now or later, is compressed at `wanted` (compress.ts has the levels). */
export function atLevel<T>(wanted: number, send: () => T): T {
  return level.run(wanted, send)
}
