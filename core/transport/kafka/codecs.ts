/**
 * The compressions of Kafka's record batches, as their bytes are on the wire:
 *
 *     gzip    RFC 1952
 *     snappy  blocks behind the header of the Java library ("xerial"): 16 bytes, then 4 bytes length and a block each.
 *             Some clients write one bare block; every reader takes both
 *     lz4     the frame format
 *     zstd    RFC 8878
 */

import { promisify } from 'node:util'
import {
  gunzip,
  gunzipSync,
  type ZlibOptions,
  type ZstdOptions,
  zstdCompressSync,
  zstdDecompress,
  zstdDecompressSync,
} from 'node:zlib'
import { decompressLz4 } from '../../formats/lz4-read.ts'
import { decompressBlock } from '../../formats/snappy-read.ts'
import { compressorFor, zstdOptions } from '../compress.ts'
import type { KafkaCompression } from './client.ts'

export type KafkaCodec = Exclude<KafkaCompression, 'none'>

/** "\x82SNAPPY\0", version 1, compatible with 1. */
const XERIAL = Buffer.from('82534e41505059000000000100000001', 'hex')
const XERIAL_MAGIC = XERIAL.subarray(0, 8)

/** What the Java library writes at once, and what its readers have room for. */
const XERIAL_BLOCK = 32 * 1024

/** Compresses the records of a batch. Levels as in compress.ts; lz4 and snappy have none. */
export async function compressRecords(
  codec: KafkaCodec,
  level: number,
  records: Uint8Array,
): Promise<Buffer> {
  if (codec === 'snappy') {
    // Loaded when it is used: it brings WebAssembly along.
    const { compressBlock } = await import('../../formats/snappy.ts')
    return xerial(records, compressBlock)
  }
  const config = { compression: codec, compression_params: { level: codec === 'lz4' ? 0 : level } }
  return asBuffer(await compressorFor(config)!.compress(records))
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
}

/** zstd on this thread, for a client that cannot wait. Levels as in compress.ts. */
export function zstdNow(level: number, records: Uint8Array): Buffer {
  return zstdCompressSync(records, zstdOptions(level))
}

/** Records as the Java library frames them; `compress` makes one bare block. */
export function xerial(records: Uint8Array, compress: (block: Uint8Array) => Uint8Array): Buffer {
  const parts: Uint8Array[] = [XERIAL]
  for (let at = 0; at < records.length; at += XERIAL_BLOCK) {
    const block = compress(records.subarray(at, at + XERIAL_BLOCK))
    const length = Buffer.allocUnsafe(4)
    length.writeUInt32BE(block.length)
    parts.push(length, block)
  }
  return Buffer.concat(parts)
}

const gunzipLater = promisify<Uint8Array, ZlibOptions, Buffer>(gunzip)
const unzstdLater = promisify<Uint8Array, ZstdOptions, Buffer>(zstdDecompress)

/** Up to here it is done at once, which takes half of the CPU time that handing it to another thread takes. */
const AT_ONCE_MAX = 128 * 1024

/** The records of a batch; throws when they are longer than `limit` bytes, or no such thing. */
export async function decompressRecords(
  codec: KafkaCodec,
  packed: Uint8Array,
  limit: number,
): Promise<Buffer> {
  switch (codec) {
    case 'gzip':
      return packed.length > AT_ONCE_MAX
        ? gunzipLater(packed, pieces(limit))
        : gunzipSync(packed, { maxOutputLength: limit })
    case 'zstd':
      return packed.length > AT_ONCE_MAX
        ? unzstdLater(packed, pieces(limit))
        : zstdDecompressSync(packed, { maxOutputLength: limit })
    case 'lz4':
      return decompressLz4(packed, limit)
    case 'snappy':
      return unsnappy(asBuffer(packed), limit)
  }
}

/** Each piece of output is a trip to the other thread, and the default is 16 KiB. */
function pieces(limit: number) {
  return { maxOutputLength: limit, chunkSize: 1024 * 1024 }
}

function unsnappy(packed: Buffer, limit: number): Buffer {
  if (!packed.subarray(0, XERIAL_MAGIC.length).equals(XERIAL_MAGIC))
    return asBuffer(decompressBlock(packed, limit))
  const parts: Uint8Array[] = []
  let total = 0
  let at = XERIAL.length
  while (at < packed.length) {
    const length = at + 4 <= packed.length ? packed.readUInt32BE(at) : -1
    if (length < 0 || at + 4 + length > packed.length) throw new Error('snappy: a block runs past the end')
    const part = decompressBlock(packed.subarray(at + 4, at + 4 + length), limit - total)
    total += part.length
    parts.push(part)
    at += 4 + length
  }
  return Buffer.concat(parts, total)
}
