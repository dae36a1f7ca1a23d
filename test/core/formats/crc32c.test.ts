import assert from 'node:assert/strict'
import { test } from 'node:test'
import { crc32c } from '../../../core/formats/crc32c.ts'

// Scenario: the vectors of RFC 3720 appendix B.4, and the usual check value.
// Guarantees: it is CRC-32C.
test('known checksums', () => {
  const sequence = (from: number, step: number) =>
    Buffer.from(Array.from({ length: 32 }, (_, i) => from + i * step))
  assert.equal(crc32c(Buffer.alloc(32)), 0x8a91_36aa)
  assert.equal(crc32c(Buffer.alloc(32, 0xff)), 0x62a8_ab43)
  assert.equal(crc32c(sequence(0, 1)), 0x46dd_794e)
  assert.equal(crc32c(sequence(31, -1)), 0x113f_db5c)
  assert.equal(crc32c(Buffer.from('123456789')), 0xe306_9283)
  assert.equal(crc32c(new Uint8Array()), 0)
})

// Scenario: every length around the step of sixteen, whole and in two pieces.
// Guarantees: the tail is right, and a checksum can be carried on.
test('in pieces', () => {
  const bytes = Buffer.from(Array.from({ length: 70 }, (_, i) => (i * 73) & 0xff))
  const slow = (part: Uint8Array) => {
    let crc = -1
    for (const byte of part) {
      crc ^= byte
      for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f6_3b78 : crc >>> 1
    }
    return ~crc >>> 0
  }
  for (let length = 0; length <= bytes.length; length++) {
    const part = bytes.subarray(0, length)
    assert.equal(crc32c(part), slow(part))
    const middle = length >> 1
    assert.equal(crc32c(part.subarray(middle), crc32c(part.subarray(0, middle))), slow(part))
  }
})
