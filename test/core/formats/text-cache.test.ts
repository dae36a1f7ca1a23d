import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { readCachedString } from '../../../core/formats/text-cache.ts'

// Scenario: many texts, each asked for twice, in the middle of other bytes that change afterwards.
// Guarantees: the text, whatever was cached in its slot before.
test('cached texts are the texts', () => {
  fc.assert(
    fc.property(fc.array(fc.string({ unit: 'grapheme', maxLength: 60 }), { maxLength: 200 }), texts => {
      for (const text of [...texts, ...texts]) {
        const bytes = Buffer.from(`<${text}>`)
        assert.equal(readCachedString(bytes, 1, bytes.length - 1), text)
        bytes.fill(0)
      }
    }),
    { numRuns: 50 },
  )
  for (let i = 0; i < 20_000; i++) {
    const bytes = Buffer.from(`key-${i % 5000}`)
    assert.equal(readCachedString(bytes, 0, bytes.length), `key-${i % 5000}`)
  }
})
