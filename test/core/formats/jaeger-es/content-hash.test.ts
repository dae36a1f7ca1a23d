import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  contentHash,
  contentHigh,
  contentLow,
  viewOf,
} from '../../../../core/formats/jaeger-es/content-hash.ts'
import { Random } from '../../../kit/random.ts'

function hashOf(bytes: Uint8Array, low = 0, high = 0): string {
  contentHash(viewOf(bytes), 0, bytes.length, low, high)
  return `${contentHigh} ${contentLow}`
}

// Scenario: contents of every length up to 200, each with every single bit turned over; the same at another place.
// Guarantees: no two are taken for one document, and where a content lies does not matter.
test('contents that differ in one bit have other hashes', () => {
  const random = new Random(5)
  const seen = new Set<string>()
  let count = 0
  for (let length = 0; length <= 200; length++) {
    const bytes = random.bytes(length)
    seen.add(hashOf(bytes))
    count++
    for (let bit = 0; bit < 8 * length; bit++) {
      const other = Uint8Array.from(bytes)
      other[bit >> 3]! ^= 1 << (bit & 7)
      seen.add(hashOf(other))
      count++
    }
    const moved = Buffer.concat([Buffer.from([9, 9, 9]), bytes])
    const expected = hashOf(bytes)
    contentHash(viewOf(moved), 3, moved.length, 0, 0)
    assert.equal(`${contentHigh} ${contentLow}`, expected)
  }
  assert.equal(seen.size, count)
})

// Scenario: one content after two different ones.
// Guarantees: the same span of two resources has two hashes.
test('what was hashed before counts', () => {
  const bytes = Buffer.from('the same span')
  assert.notEqual(hashOf(bytes, 1, 2), hashOf(bytes, 1, 3))
  assert.notEqual(hashOf(bytes, 1, 2), hashOf(bytes, 2, 2))
})
