/** What the package writes with our codecs: the records of a produce request as a server reads them. */

import assert from 'node:assert/strict'
import { createRequire } from 'node:module'
import { type AddressInfo, createServer } from 'node:net'
import { test } from 'node:test'
import { decompressRecords } from '../../../../core/transport/kafka/codecs.ts'
import { atLevel, useOurCodecs } from '../../../../core/transport/kafka/platformatic-codecs.ts'
import { handOnPieces } from '../../../../core/transport/kafka/platformatic-pieces.ts'

// As the package comes, past the files that own it.
const { Connection, produceV11 } = await import(createRequire(import.meta.url).resolve('@platformatic/kafka'))
handOnPieces()
useOurCodecs()

const value = Buffer.from(Array.from({ length: 200_000 }, (_, i) => (i % 251) ^ (i >> 10)))

/** From a record batch's beginning to its records (kafka.apache.org, "Record Batch"); 16 is its magic byte, which is 2. */
const RECORDS_AT = 61

/** The compressed records of a request with one batch. */
async function packed(compression: string, level: number): Promise<Buffer> {
  const parts: Buffer[] = []
  const server = createServer(socket => socket.on('data', part => parts.push(part as Buffer)))
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const connection = new Connection('test')
  await connection.connect('127.0.0.1', (server.address() as AddressInfo).port)
  const message = { topic: 't', partition: 0, value }
  const options = { compression, producerId: 1n, producerEpoch: 0 } as never
  atLevel(level, () => produceV11.api(connection, -1, 5000, [message], options, () => {}))
  const whole = () => {
    const bytes = Buffer.concat(parts)
    return bytes.length >= 4 && bytes.length >= bytes.readUInt32BE(0) + 4 ? bytes : undefined
  }
  while (whole() === undefined) await new Promise(resolve => setTimeout(resolve, 5))
  const bytes = whole()!
  await connection.close().catch(() => {})
  server.close()
  for (let at = 0; at < bytes.length; at++) {
    const length = bytes[at + 16] === 2 ? bytes.readUInt32BE(at + 8) : 0
    // One batch of one topic: behind it are two ends of tagged fields.
    if (length > RECORDS_AT && at + 12 + length === bytes.length - 3) {
      return bytes.subarray(at + RECORDS_AT, at + 12 + length)
    }
  }
  throw new Error('no record batch')
}

// Scenario: a request with each codec, gzip and zstd at a low and a high level.
// Guarantees: the records come back whole; a higher level makes them smaller; snappy has the frame of the Java library.
test('records are compressed as the config says', { timeout: 30_000 }, async () => {
  for (const [codec, fast, small] of [
    ['gzip', 1, 9],
    ['zstd', 1, 19],
    ['snappy', 0, 0],
    ['lz4', 0, 0],
  ] as const) {
    const large = await packed(codec, fast)
    const records = await decompressRecords(codec, large, 1 << 20)
    assert.ok(records.includes(value), codec)
    if (fast !== small) assert.ok((await packed(codec, small)).length < large.length, codec)
    if (codec === 'snappy') assert.equal(large.toString('latin1', 1, 7), 'SNAPPY')
  }
})
