/** What compressing a request costs before it leaves. */

import { compressorFor, type HttpCompression } from '../../core/transport/compress.ts'
import { realisticTraces } from '../../test/kit/realistic.ts'
import type { Case } from './harness.ts'

const request = realisticTraces(512, 1)

function compress(compression: HttpCompression, level: number): Case {
  return {
    name: `compress with ${compression}${level === 0 ? '' : ` level ${level}`}`,
    items: 512,
    bytes: request.length,
    prepare() {
      const compressor = compressorFor({ compression, compression_params: { level } })!
      return async () => (await compressor.compress(request)).length
    },
  }
}

export const cases: readonly Case[] = [
  compress('gzip', 0),
  compress('gzip', 1),
  compress('gzip', 6),
  compress('zstd', 0),
  compress('snappy', 0),
]
