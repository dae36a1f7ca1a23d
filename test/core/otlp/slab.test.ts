import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { ownCopy } from '../../../core/otlp/slab.ts'

// Scenario: byte strings of all sizes are copied one after another, and their sources overwritten.
// Guarantees: every copy keeps what its source said, whatever was copied after it.
test('copies are independent of their sources and of each other', () => {
  const sizes = fc.oneof(fc.integer({ min: 0, max: 300 }), fc.integer({ min: 0, max: 20_000 }))
  fc.assert(
    fc.property(fc.array(fc.tuple(sizes, fc.integer({ min: 0, max: 255 })), { maxLength: 40 }), wanted => {
      const copies = wanted.map(([size, fill]) => {
        const source = new Uint8Array(size).fill(fill)
        const copy = ownCopy(source)
        source.fill(fill ^ 0xff)
        return copy
      })
      for (const [i, [size, fill]] of wanted.entries())
        assert.deepEqual(Buffer.from(copies[i]!), Buffer.alloc(size, fill))
    }),
  )
})

// Guarantees: small ones share a buffer, and no copy holds on to more than 64 KiB or twice its own size.
test('copies hold on to little else', () => {
  const small = Array.from({ length: 100 }, () => ownCopy(new Uint8Array(1000)))
  const buffers = new Set(small.map(copy => copy.buffer))
  assert.ok(buffers.size <= 3, `${buffers.size} buffers for 100 kB`)
  for (const { byteLength } of buffers) assert.ok(byteLength <= 64 * 1024)
  const large = ownCopy(new Uint8Array(100_000))
  assert.equal(large.buffer.byteLength, 100_000)
})
