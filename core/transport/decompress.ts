/**
 * Taking a body out of its Content-Encoding, with a limit that holds while inflating: a gzip of 1 MB can hold 1 GB of
 * zeros, so counting afterwards is too late. Names and meanings are the Collector's (config/confighttp 0.155).
 *
 * Small bodies are inflated at once: the thread pool costs 50 to 300 µs a body, whatever its size, and 1 MiB takes
 * about 600 µs to inflate. What turns out larger goes to the pool, so that one body never blocks the others for long,
 * and few at a time, so that many bombs together hold no more than those few.
 */

import * as zlib from 'node:zlib'
import { decompressLz4, Lz4TooLong } from '../formats/lz4-read.ts'
import { decompressBlock, decompressFramed, isFramed, SnappyTooLong } from '../formats/snappy-read.ts'
import { ownCopy } from '../otlp/slab.ts'

/** What `compression_algorithms` may name. '' is a body as it is. */
export const CONTENT_ENCODINGS = [
  '',
  'gzip',
  'zstd',
  'zlib',
  'snappy',
  'deflate',
  'lz4',
  'x-snappy-framed',
] as const
export type ContentEncoding = (typeof CONTENT_ENCODINGS)[number]

/** The body is longer than the limit once it is decompressed; nothing longer than that was ever held. */
export class BodyTooLarge extends Error {
  override readonly name = 'BodyTooLarge'

  constructor(limit: number) {
    super(`the body is larger than ${limit} bytes after decompression`)
  }
}

/** The body is not what its Content-Encoding says. */
export class BodyCorrupt extends Error {
  override readonly name = 'BodyCorrupt'

  constructor(encoding: string, cause: unknown) {
    super(`the body is not valid ${encoding}: ${(cause as Error).message}`, { cause })
  }
}

/**
 * A longer body goes to the thread pool without a try. Measured: 1.4 kB of gzip costs 60 µs at once and 300 through the
 * pool; 33 KiB costs the same CPU either way, so that from here on the pool's other cores are a gain.
 */
export const SYNC_INPUT_MAX = 32 * 1024
/** What inflates to more than this is begun again in the thread pool; until then the event loop was held < 1 ms. */
export const SYNC_OUTPUT_MAX = 1024 * 1024

/**
 * So many bodies inflate in the pool at once; the others wait, compressed. As many as libuv has threads: more would not
 * be faster, and a hundred bombs would hold a hundred times the limit (measured: 6 GB).
 */
export const POOL_BODIES_MAX = 4

/** zstd's window is allocated before it is filled: 64 MiB is twice what the Collector's strongest level asks for. */
const ZSTD_PARAMS = { [zlib.constants.ZSTD_d_windowLogMax]: 26 }

interface Inflater {
  readonly sync: (bytes: Uint8Array, options: zlib.ZlibOptions) => Uint8Array
  readonly async: (
    bytes: Uint8Array,
    options: zlib.ZlibOptions,
    done: (error: Error | null, plain: Uint8Array) => void,
  ) => void
}

const GZIP: Inflater = { sync: zlib.gunzipSync, async: zlib.gunzip }
const ZLIB: Inflater = { sync: zlib.inflateSync, async: zlib.inflate }
const RAW: Inflater = { sync: zlib.inflateRawSync, async: zlib.inflateRaw }
const ZSTD: Inflater = {
  sync: (bytes, { chunkSize, maxOutputLength }) =>
    zlib.zstdDecompressSync(bytes, { chunkSize, maxOutputLength, params: ZSTD_PARAMS } as zlib.ZstdOptions),
  async: (bytes, { chunkSize, maxOutputLength }, done) =>
    zlib.zstdDecompress(bytes, { chunkSize, maxOutputLength, params: ZSTD_PARAMS } as zlib.ZstdOptions, done),
}

/**
 * The body as it was before it was compressed; `limit` in bytes. Answers at once when the body is small.
 * Fails (thrown or rejected, so `await` inside a try) with BodyTooLarge or BodyCorrupt.
 */
export function decompress(
  body: Uint8Array,
  encoding: ContentEncoding,
  limit: number,
): Uint8Array | Promise<Uint8Array> {
  switch (encoding) {
    case '':
      if (body.length > limit) throw new BodyTooLarge(limit)
      return body
    case 'gzip':
      return inflate(GZIP, body, encoding, limit)
    case 'zlib':
      return inflate(ZLIB, body, encoding, limit)
    case 'deflate':
      // HTTP's deflate is zlib's form (RFC 9110), but raw DEFLATE has always been sent under that name as well.
      return inflate(isZlib(body) ? ZLIB : RAW, body, encoding, limit)
    case 'zstd':
      return inflate(ZSTD, body, encoding, limit)
    case 'snappy':
      // The Collector once sent the framed form under this name.
      return unpack(isFramed(body) ? decompressFramed : decompressBlock, body, encoding, limit)
    case 'x-snappy-framed':
      return unpack(decompressFramed, body, encoding, limit)
    case 'lz4':
      return unpack(decompressLz4, body, encoding, limit)
  }
}

function isZlib(body: Uint8Array): boolean {
  const [method = 0, flags = 0] = body
  return (method & 0x0f) === 8 && (method * 256 + flags) % 31 === 0
}

function unpack(
  decode: (bytes: Uint8Array, limit: number) => Uint8Array,
  body: Uint8Array,
  encoding: string,
  limit: number,
): Uint8Array {
  try {
    return decode(body, limit)
  } catch (error) {
    throw error instanceof SnappyTooLong || error instanceof Lz4TooLong
      ? new BodyTooLarge(limit)
      : new BodyCorrupt(encoding, error)
  }
}

function inflate(
  inflater: Inflater,
  body: Uint8Array,
  encoding: string,
  limit: number,
): Uint8Array | Promise<Uint8Array> {
  if (body.length > SYNC_INPUT_MAX) return inflateInPool(inflater, body, encoding, limit)
  const most = Math.min(limit, SYNC_OUTPUT_MAX)
  try {
    return trim(inflater.sync(body, { chunkSize: chunkSize(body.length), maxOutputLength: most }))
  } catch (error) {
    if (!isTooLarge(error)) throw new BodyCorrupt(encoding, error)
    if (most === limit) throw new BodyTooLarge(limit)
    return inflateInPool(inflater, body, encoding, limit)
  }
}

let inPool = 0
const waiting: (() => void)[] = []

async function inflateInPool(
  inflater: Inflater,
  body: Uint8Array,
  encoding: string,
  limit: number,
): Promise<Uint8Array> {
  if (inPool < POOL_BODIES_MAX) inPool++
  else await new Promise<void>(enter => waiting.push(enter))
  try {
    return await inflateAsync(inflater, body, encoding, limit)
  } finally {
    // The place goes to the next one, or comes free.
    const next = waiting.shift()
    if (next === undefined) inPool--
    else next()
  }
}

function inflateAsync(
  inflater: Inflater,
  body: Uint8Array,
  encoding: string,
  limit: number,
): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    inflater.async(body, { chunkSize: chunkSize(body.length), maxOutputLength: limit }, (error, plain) => {
      if (error === null) resolve(trim(plain))
      else reject(isTooLarge(error) ? new BodyTooLarge(limit) : new BodyCorrupt(encoding, error))
    })
  })
}

/** How much zlib inflates at a time. Telemetry shrinks to a tenth or so; in the pool each step is a trip of its own. */
function chunkSize(length: number): number {
  return Math.min(Math.max(length * 8, 4096), SYNC_OUTPUT_MAX)
}

/** zlib hands out a part of its chunk: when most of it is empty, the content is copied out and the chunk let go. */
function trim(plain: Uint8Array): Uint8Array {
  return plain.length * 2 < plain.buffer.byteLength ? ownCopy(plain) : plain
}

function isTooLarge(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE'
}
