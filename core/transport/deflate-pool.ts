/**
 * gzip and deflate on libuv's threads with streams that are kept. A stream has 270 kB outside the heap; made for each
 * request, these count as garbage, and V8 collected it for a quarter of the CPU time of an exporter.
 */

import type { Transform } from 'node:stream'
import { constants, createDeflate, createGzip, type Zlib, type ZlibOptions, type ZlibReset } from 'node:zlib'

/** As many as libuv has threads, unless it is told otherwise. */
const KEPT_MAX = 4
const CHUNK_BYTES = 64 * 1024
/** Nobody reads before the end, so no amount of output may stop a stream. */
const NEVER_FULL = Number.MAX_SAFE_INTEGER

/** Both have `reset`, though the types know it of one. */
type Stream = Transform & Zlib & ZlibReset

export class DeflatePool {
  readonly #make: () => Stream
  readonly #idle: Stream[] = []

  constructor(format: 'gzip' | 'deflate', options: ZlibOptions) {
    const all = { ...options, chunkSize: CHUNK_BYTES, highWaterMark: NEVER_FULL }
    this.#make = () => (format === 'gzip' ? createGzip(all) : createDeflate(all)) as Stream
  }

  compress(bytes: Uint8Array): Promise<Uint8Array> {
    const stream = this.#idle.pop() ?? this.#make()
    return new Promise((resolve, reject) => {
      stream.once('error', reject)
      stream.write(bytes)
      stream.flush(constants.Z_FINISH, () => {
        stream.off('error', reject)
        const parts: Buffer[] = []
        for (let part = stream.read(); part !== null; part = stream.read()) parts.push(part)
        if (this.#idle.length < KEPT_MAX) {
          stream.reset()
          this.#idle.push(stream)
        } else stream.destroy()
        resolve(parts.length === 1 ? parts[0]! : Buffer.concat(parts))
      })
    })
  }
}
