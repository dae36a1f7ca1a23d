import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SpanIndex } from '../../../core/otlp/span-index.ts'
import { Random } from '../../kit/random.ts'

/** A trace id and a span id, one after the other. */
function ids(trace: number, span: number): Uint8Array {
  const bytes = Buffer.alloc(24)
  bytes.writeUInt32LE(trace, 4)
  bytes.writeUInt32LE(span, 20)
  return bytes
}

const seek = (index: SpanIndex, trace: number, span: number): number => index.seek(ids(trace, span), 0, 16)

// Scenario: entries are added, sought and removed at random, thousands of times, beside a Map that does the same.
// Guarantees: the same spans are found under the same slots; entries end in the order in which they came; a slot that was
// given back is used again, so the table never holds more slots than it had entries at once.
test('a span index finds what a map finds, and forgets the oldest', () => {
  const random = new Random(7)
  const index = new SpanIndex(5000, 100)
  const known = new Map<string, number>()
  let highest = 0
  for (let now = 0; now < 60_000; now++) {
    const trace = random.below(40)
    const span = random.below(200)
    const key = `${trace} ${span}`
    const slot = seek(index, trace, span)
    assert.equal(slot, known.get(key) ?? -1, key)
    if (slot === -1) {
      const added = index.add(now)
      highest = Math.max(highest, added)
      assert.ok(![...known.values()].includes(added), 'a slot in use was given away')
      known.set(key, added)
    } else if (random.below(3) === 0) {
      index.remove(slot)
      known.delete(key)
    }
    for (let old = index.expired(now); old !== -1; old = index.expired(now)) {
      const [first, its] = [...known][0]!
      assert.equal(old, its, 'it was not the oldest')
      known.delete(first)
      index.remove(old)
    }
    assert.equal(index.size, known.size)
  }
  assert.ok(highest < 1024, `${highest} slots for at most 101 entries`)
})

// Scenario: more spans than the first arrays hold, then all of them again.
// Guarantees: the table grows and finds every one; at its limit it is full; ids that are missing are ids of zeros.
test('a span index grows to its limit', () => {
  const index = new SpanIndex(3000, 100)
  const slots = Array.from({ length: 3000 }, (_, i) => {
    assert.equal(index.isFull, false)
    assert.equal(seek(index, i, i), -1)
    return index.add(0)
  })
  assert.equal(index.isFull, true)
  assert.equal(index.size, 3000)
  for (const [i, slot] of slots.entries()) assert.equal(seek(index, i, i), slot)
  assert.equal(index.oldest, slots[0])
  assert.equal(index.expired(100), -1, 'its time is over after it, not at it')
  assert.equal(index.expired(101), slots[0])
  assert.equal(index.seek(new Uint8Array(), -1, -1), slots[0], 'trace 0, span 0')
  assert.equal(index.isRoot(slots[0]!), true)
  assert.equal(index.isRoot(slots[1]!), false)
  // A neighbour in the trace of another: trace 5 has span 5 only.
  assert.equal(index.seekBeside(slots[5]!, 0, 5), slots[5])
  assert.equal(index.seekBeside(slots[5]!, 0, 6), -1)
})
