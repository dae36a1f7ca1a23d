/** Snappy, both forms, both ways. Whoever only reads imports snappy-read.ts, which loads no WebAssembly: that takes 7 MiB. */

import { snappyCompress } from '@platformatic/wasm-utils'
import { BLOCK_MAX, maskedCrc, STREAM_ID } from './snappy-read.ts'

export { decompressBlock, decompressFramed, isFramed, SnappyTooLong } from './snappy-read.ts'

/** The form that `Content-Encoding: snappy` and Prometheus remote write mean. */
export function compressBlock(plain: Uint8Array): Uint8Array {
  return snappyCompress(
    Buffer.isBuffer(plain) ? plain : Buffer.from(plain.buffer, plain.byteOffset, plain.length),
  )
}

/** The form that `Content-Encoding: x-snappy-framed` and gRPC's snappy mean. */
export function compressFramed(plain: Uint8Array): Uint8Array {
  const parts: Uint8Array[] = [STREAM_ID]
  for (let at = 0; at < plain.length; at += BLOCK_MAX) {
    const block = plain.subarray(at, at + BLOCK_MAX)
    const packed = compressBlock(block)
    const head = Buffer.alloc(8)
    head.writeUInt32LE((packed.length + 4) * 256)
    head.writeUInt32LE(maskedCrc(block), 4)
    parts.push(head, packed)
  }
  return Buffer.concat(parts)
}
