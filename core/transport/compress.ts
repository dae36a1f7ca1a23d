/**
 * Compressing what a client sends: the Collector's `compression` and `compression_params` keys
 * (config/configcompression 0.155), and node:zlib behind them.
 */

import { promisify } from 'node:util'
import {
  constants,
  deflateSync,
  gzipSync,
  type ZlibOptions,
  type ZstdOptions,
  zstdCompress,
  zstdCompressSync,
} from 'node:zlib'
import { choice, integer, section } from '../../config/schema.ts'
import { DeflatePool } from './deflate-pool.ts'

export const HTTP_COMPRESSIONS = [
  '',
  'none',
  'gzip',
  'zlib',
  'deflate',
  'zstd',
  'snappy',
  'x-snappy-framed',
  'lz4',
] as const
export type HttpCompression = (typeof HTTP_COMPRESSIONS)[number]

export const compressionParams = section(
  {
    level: integer({
      default: 0,
      min: -2,
      doc: 'gzip, zlib, deflate: 1 (fast) to 9 (small), -2 Huffman only; 0 and -1 mean 3. zstd: 1 to 22; 0 and -1 mean 1.',
    }),
  },
  { doc: 'How hard to compress.' },
)

/** The two keys. `gzip` is the default of the OTLP exporters. */
export function compressionFields(fallback: HttpCompression) {
  return {
    compression: choice(HTTP_COMPRESSIONS, { default: fallback, doc: 'How requests are compressed.' }),
    compression_params: compressionParams,
  }
}

export interface CompressionConfig {
  readonly compression: HttpCompression
  readonly compression_params: { readonly level: number }
}

/** What is wrong with the two keys together, or undefined. configcompression.Type.ValidateParams. */
export function compressionProblem(
  config: CompressionConfig,
): { key: 'compression' | 'compression_params'; wrong: string; fix: string } | undefined {
  const { compression, compression_params } = config
  const { level } = compression_params
  if ((compression.includes('snappy') || compression === 'lz4') && level !== 0) {
    return {
      key: 'compression_params',
      wrong: `${compression.replace('x-snappy-framed', 'snappy')} has no levels`,
      fix: 'remove level',
    }
  }
  const zlib = compression === 'gzip' || compression === 'zlib' || compression === 'deflate'
  if (zlib && level > 9) {
    return { key: 'compression_params', wrong: `${compression} has no level ${level}`, fix: 'write 1 to 9' }
  }
  return undefined
}

export interface Compressor {
  /** The value of `content-encoding`. */
  readonly encoding: string
  /** Small inputs are done at once, large ones on a thread of libuv's pool. */
  compress(bytes: Uint8Array): Uint8Array | Promise<Uint8Array>
}

/**
 * Up to here a trip to the thread pool costs more (about 80 us of CPU) than it saves. Measured with OTLP requests:
 * 6 kB in 75 us, 16 kB in 130 us.
 */
const SYNC_BYTES_MAX = 16 * 1024

/**
 * Level 3 where the config names none. Measured on a 512-span request of 314 kB: level 6 makes 58.0 kB in 4.7 ms,
 * level 3 makes 60.2 kB in 2.4 ms. The receiver cannot tell.
 */
const ZLIB_LEVEL = 3

function zlibOptions(level: number): ZlibOptions {
  if (level === -2) return { strategy: constants.Z_HUFFMAN_ONLY }
  return { level: level <= 0 ? ZLIB_LEVEL : level }
}

/** Go's encoder has four levels and takes any number; ours go to 22. */
export function zstdOptions(level: number): ZstdOptions {
  const one = level <= 0 ? 1 : Math.min(level, 22)
  return { params: { [constants.ZSTD_c_compressionLevel]: one } }
}

function byStep<O>(
  encoding: string,
  options: O,
  now: (bytes: Uint8Array, options: O) => Uint8Array,
  later: (bytes: Uint8Array, options: O) => Promise<Uint8Array>,
): Compressor {
  return {
    encoding,
    compress: bytes => (bytes.length <= SYNC_BYTES_MAX ? now(bytes, options) : later(bytes, options)),
  }
}

function byPool(
  encoding: string,
  format: 'gzip' | 'deflate',
  options: ZlibOptions,
  now: (bytes: Uint8Array, options: ZlibOptions) => Uint8Array,
): Compressor {
  const pool = new DeflatePool(format, options)
  return byStep(encoding, options, now, bytes => pool.compress(bytes))
}

/** Compresses at once, but for the first time. */
function once(encoding: string, load: () => Promise<(bytes: Uint8Array) => Uint8Array>): Compressor {
  let loaded: ((bytes: Uint8Array) => Uint8Array) | undefined
  const first = async (bytes: Uint8Array) => {
    loaded ??= await load()
    return loaded(bytes)
  }
  return { encoding, compress: bytes => (loaded === undefined ? first(bytes) : loaded(bytes)) }
}

const zstdLater = promisify<Uint8Array, ZstdOptions, Uint8Array>(zstdCompress)

/** The compressor for the two keys; undefined when nothing is to be compressed. */
export function compressorFor(config: CompressionConfig): Compressor | undefined {
  const { compression, compression_params } = config
  const { level } = compression_params
  switch (compression) {
    case 'gzip':
      return byPool('gzip', 'gzip', zlibOptions(level), gzipSync)
    // Both are the zlib format (RFC 1950): that is what HTTP calls deflate (RFC 9110 8.4.1.2).
    case 'zlib':
    case 'deflate':
      return byPool(compression, 'deflate', zlibOptions(level), deflateSync)
    case 'zstd':
      return byStep('zstd', zstdOptions(level), zstdCompressSync, zstdLater)
    // These have no thread to go to, and are loaded where they are wanted only.
    case 'snappy':
      return once('snappy', async () => (await import('../formats/snappy.ts')).compressBlock)
    case 'x-snappy-framed':
      return once('x-snappy-framed', async () => (await import('../formats/snappy.ts')).compressFramed)
    case 'lz4':
      return once('lz4', async () => (await import('../formats/lz4.ts')).compressLz4)
    default:
      return undefined
  }
}
