import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  compressRecords,
  decompressRecords,
  type KafkaCodec,
} from '../../../../core/transport/kafka/codecs.ts'

const CODECS: readonly KafkaCodec[] = ['gzip', 'snappy', 'lz4', 'zstd']
const plain = Buffer.from(Array.from({ length: 200_000 }, (_, i) => (i % 251) ^ (i >> 10)))

for (const codec of CODECS) {
  // Scenario: records of 200 kB and none at all, at several levels, there and back; then with too small a limit.
  // Guarantees: the same bytes; never more than the limit.
  test(codec, async () => {
    for (const level of [-1, 0, 1]) {
      const packed = await compressRecords(codec, level, plain)
      assert.ok((await decompressRecords(codec, packed, plain.length)).equals(plain))
      await assert.rejects(decompressRecords(codec, packed, 1000))
    }
    const nothing = await compressRecords(codec, 0, Buffer.alloc(0))
    assert.equal((await decompressRecords(codec, nothing, 10)).length, 0)
    await assert.rejects(decompressRecords(codec, Buffer.from('nonsense, and long enough'), 1000))
  })
}

// Scenario: gzip at levels 1 and 9, zstd at 1 and 19.
// Guarantees: the level arrives.
test('levels', async () => {
  for (const [codec, fast, small] of [
    ['gzip', 1, 9],
    ['zstd', 1, 19],
  ] as const) {
    const large = await compressRecords(codec, fast, plain)
    assert.ok((await compressRecords(codec, small, plain)).length < large.length, codec)
  }
})

// Scenario: the bare block that some clients write instead of Java's frame; frames that are cut short.
// Guarantees: the first is read, the others are refused.
test('snappy of other clients', async () => {
  const bare = Buffer.from('0c2c68656c6c6f2c206b61666b61', 'hex')
  assert.equal((await decompressRecords('snappy', bare, 100)).toString(), 'hello, kafka')
  const packed = await compressRecords('snappy', 0, plain)
  assert.equal(packed.subarray(0, 8).toString('latin1'), '\x82SNAPPY\0')
  await assert.rejects(
    decompressRecords('snappy', packed.subarray(0, packed.length - 3), 1e6),
    /past the end/,
  )
  await assert.rejects(decompressRecords('snappy', packed.subarray(0, 18), 1e6), /past the end/)
})
