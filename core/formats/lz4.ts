/** LZ4's frame format, both ways. Whoever only reads imports lz4-read.ts, which loads no WebAssembly: that takes 7 MiB. */

import { lz4Compress } from '@platformatic/wasm-utils'

export { decompressLz4, Lz4TooLong } from './lz4-read.ts'

/** One frame. */
export function compressLz4(plain: Uint8Array): Buffer {
  return lz4Compress(
    Buffer.isBuffer(plain) ? plain : Buffer.from(plain.buffer, plain.byteOffset, plain.length),
  )
}
