import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  compressBlock,
  compressFramed,
  decompressBlock,
  decompressFramed,
  isFramed,
  SnappyTooLong,
} from '../../../core/formats/snappy.ts'

const MIB = 1024 * 1024

// Scenario: bytes of many shapes, also long and repetitive ones, go through both forms.
// Guarantees: what comes out is what went in.
test('reads back what it writes', () => {
  const shapes = fc.oneof(
    fc.uint8Array({ maxLength: 300 }),
    fc
      .tuple(fc.uint8Array({ minLength: 1, maxLength: 40 }), fc.integer({ min: 1, max: 9000 }))
      .map(([unit, times]) => new Uint8Array(Buffer.alloc(unit.length * times, unit))),
  )
  fc.assert(
    fc.property(shapes, plain => {
      assert.deepEqual(Buffer.from(decompressBlock(compressBlock(plain), MIB)), Buffer.from(plain))
      assert.deepEqual(Buffer.from(decompressFramed(compressFramed(plain), MIB)), Buffer.from(plain))
    }),
    { numRuns: 60 },
  )
})

// Scenario: the examples of the format description, written out by hand.
// Guarantees: literals, overlapping copies and two-byte offsets mean what Google's description says.
test('reads the elements of the format', () => {
  // length 10; literal "ab"; copy of 8 from 2 back (kind 1)
  assert.equal(
    Buffer.from(decompressBlock(Uint8Array.of(10, 0x04, 97, 98, 0x11, 2), MIB)).toString(),
    'ababababab',
  )
  // length 6; literal "abc"; copy of 3 from 3 back (kind 2)
  assert.equal(
    Buffer.from(decompressBlock(Uint8Array.of(6, 0x08, 97, 98, 99, 0x0a, 3, 0), MIB)).toString(),
    'abcabc',
  )
  assert.equal(decompressBlock(Uint8Array.of(0), MIB).length, 0)
})

// Scenario: a plain chunk with the checksum that the framing format's own test vector has, and a padding chunk.
// Guarantees: CRC-32C and its mask are right; skippable chunks are skipped.
test('reads frames of others', () => {
  const stream = Buffer.from('\xff\x06\x00\x00sNaPpY', 'latin1')
  // CRC-32C("123456789") is 0xe3069283; masked ((c >> 15 | c << 17) + 0xa282ead8) it is 0xc78aaf19 in little endian.
  const crc = ((0xe306_9283 >>> 15) | (0xe306_9283 << 17)) + 0xa282_ead8
  const chunk = Buffer.alloc(8)
  chunk.writeUInt32LE(((4 + 9) << 8) | 1)
  chunk.writeUInt32LE(crc >>> 0, 4)
  const padding = Buffer.from('\xfe\x02\x00\x00\x00\x00', 'latin1')
  const framed = Buffer.concat([stream, padding, chunk, Buffer.from('123456789'), stream])
  assert.equal(isFramed(framed), true)
  assert.equal(Buffer.from(decompressFramed(framed, MIB)).toString(), '123456789')
  framed[framed.length - 12]! ^= 1
  assert.throws(() => decompressFramed(framed, MIB), /checksum/)
})

// Scenario: cut, changed and lying inputs, and ones that are longer than the limit.
// Guarantees: each ends in an Error; the limit is its own error, and a lie about the length allocates nothing.
test('refuses what is wrong', () => {
  const plain = Buffer.from('a snappy body that repeats, that repeats, that repeats')
  const block = compressBlock(plain)
  for (let cut = 0; cut < block.length; cut++)
    assert.throws(() => decompressBlock(block.subarray(0, cut), MIB))
  assert.throws(
    () => decompressBlock(Buffer.concat([block, Uint8Array.of(0, 65)]), MIB),
    /longer than it says/,
  )
  assert.throws(() => decompressBlock(Uint8Array.of(4, 0x01, 9), MIB), /before the start/)
  assert.throws(() => decompressBlock(Uint8Array.of(0xff, 0xff, 0xff, 0x1f, 0), MIB * 1024), /cannot be true/)
  assert.throws(() => decompressBlock(Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0xff, 0xff), MIB), /length/)
  assert.throws(() => decompressBlock(block, plain.length - 1), SnappyTooLong)
  const framed = compressFramed(Buffer.alloc(200_000, 'x'))
  assert.throws(() => decompressFramed(framed, 199_999), SnappyTooLong)
  for (const cut of [3, 9, 12, 20, framed.length - 1])
    assert.throws(() => decompressFramed(framed.subarray(0, cut), MIB))
  const unknown = Buffer.from(framed)
  unknown[10] = 0x02
  assert.throws(() => decompressFramed(unknown, MIB), /type 2 is not known/)
})
