/**
 * What a batch is in a file. JSON: one line. Protobuf, and anything that is compressed: the length in four bytes, big
 * endian, then the message; this is the Collector's framing (exporter/fileexporter 0.155, file_writer.go).
 */

import { promisify } from 'node:util'
import { constants, zstdCompress } from 'node:zlib'
import { requestToJsonBytes } from '../../core/otlp/json.ts'
import type { Signal } from '../../core/otlp/signals.ts'

const compress = promisify(zstdCompress)

export interface Encoding {
  readonly format: 'json' | 'proto'
  readonly compression: '' | 'zstd'
  /** Of zstd; 0 is its default. */
  readonly level: number
}

const NEWLINE = Buffer.from('\n')

/** The pieces to be written one after another. `chunks`, concatenated, are one request. */
export async function encode(
  chunks: readonly Uint8Array[],
  signal: Signal,
  { format, compression, level }: Encoding,
): Promise<readonly Uint8Array[]> {
  const message = format === 'proto' ? chunks : [requestToJsonBytes(whole(chunks), signal)]
  if (compression === 'zstd') {
    const params = level === 0 ? {} : { [constants.ZSTD_c_compressionLevel]: level }
    return framed([await compress(whole(message), { params })])
  }
  return format === 'json' ? [...message, NEWLINE] : framed(message)
}

function framed(message: readonly Uint8Array[]): readonly Uint8Array[] {
  const head = Buffer.alloc(4)
  head.writeUInt32BE(message.reduce((sum, piece) => sum + piece.length, 0))
  return [head, ...message]
}

function whole(chunks: readonly Uint8Array[]): Uint8Array {
  return chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks)
}
