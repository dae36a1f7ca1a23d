import assert from 'node:assert/strict'
import { test } from 'node:test'
import zlib from 'node:zlib'
import { compressLz4 } from '../../../core/formats/lz4.ts'
import { compressBlock, compressFramed } from '../../../core/formats/snappy.ts'
import {
  BodyCorrupt,
  BodyTooLarge,
  type ContentEncoding,
  decompress,
  SYNC_INPUT_MAX,
  SYNC_OUTPUT_MAX,
} from '../../../core/transport/decompress.ts'

const MIB = 1024 * 1024
const FORMS: readonly (readonly [ContentEncoding, (plain: Uint8Array) => Uint8Array])[] = [
  ['', plain => plain],
  ['gzip', plain => zlib.gzipSync(plain)],
  ['zlib', plain => zlib.deflateSync(plain)],
  ['deflate', plain => zlib.deflateSync(plain)],
  ['deflate', plain => zlib.deflateRawSync(plain)],
  ['zstd', plain => zlib.zstdCompressSync(plain)],
  ['lz4', plain => compressLz4(plain)],
  ['snappy', compressBlock],
  ['snappy', compressFramed],
  ['x-snappy-framed', compressFramed],
]
// Random enough that it hardly shrinks: larger than what is tried without the thread pool.
const noise = Buffer.alloc(
  SYNC_INPUT_MAX * 3,
  zlib.deflateRawSync(Buffer.from(Array.from({ length: 5000 }, (_, i) => (i * i * 7919) >> 5))),
)

for (const [index, [encoding, compress]] of FORMS.entries()) {
  // Scenario: bodies that are empty, small, larger than the limits of the direct way, and of exactly the limit.
  // Guarantees: each comes out as it went in.
  test(`reads ${encoding || 'plain'} bodies (${index})`, async () => {
    for (const plain of [
      Buffer.alloc(0),
      Buffer.from('hello'),
      noise,
      Buffer.alloc(SYNC_OUTPUT_MAX * 3, 'span '),
    ]) {
      const body = compress(plain)
      assert.ok(Buffer.from(await decompress(body, encoding, Math.max(plain.length, 1))).equals(plain))
    }
  })

  // Scenario: one byte more than the limit, in a small body and in one that goes to the thread pool.
  // Guarantees: BodyTooLarge, with the limit in its sentence.
  test(`stops ${encoding || 'plain'} bodies at the limit (${index})`, async () => {
    for (const size of [1000, SYNC_OUTPUT_MAX * 2]) {
      const body = compress(Buffer.alloc(size, 'x'))
      await assert.rejects(
        async () => decompress(body, encoding, size - 1),
        (error: Error) => {
          assert.ok(error instanceof BodyTooLarge)
          return error.message.includes(String(size - 1))
        },
      )
    }
  })

  if (encoding === '') continue
  // Scenario: bodies that are cut short, or something else altogether.
  // Guarantees: BodyCorrupt that names the encoding.
  test(`refuses broken ${encoding} bodies (${index})`, async () => {
    const body = compress(noise)
    for (const broken of [
      body.subarray(0, body.length - 9),
      body.subarray(0, 20),
      Buffer.from('{"resourceSpans":[]}'),
    ]) {
      await assert.rejects(
        async () => decompress(broken, encoding, MIB * 64),
        (error: Error) => {
          assert.ok(error instanceof BodyCorrupt, String(error))
          return error.message.includes(encoding)
        },
      )
    }
  })
}

// Scenario: 1 MB of gzip and a few kB of zstd that hold 1 GB of zeros each.
// Guarantees: refused, and memory grows by the limit and zlib's own buffers, not by the content.
test('survives bombs', async () => {
  const zeros = Buffer.alloc(64 * MIB)
  const gzip = Buffer.concat(Array(16).fill(zlib.gzipSync(zeros)))
  const zstd = Buffer.concat(Array(16).fill(zlib.zstdCompressSync(zeros)))
  const before = process.memoryUsage().rss
  for (const [body, encoding] of [
    [gzip, 'gzip'],
    [zstd, 'zstd'],
  ] as const) {
    await assert.rejects(async () => decompress(body, encoding, 8 * MIB), BodyTooLarge)
  }
  const grown = process.memoryUsage().rss - before
  assert.ok(grown < 200 * MIB, `RSS grew by ${Math.round(grown / MIB)} MiB`)
})
