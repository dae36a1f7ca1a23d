import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ByteArena, offsetOf } from '../../../core/formats/byte-arena.ts'
import { Random } from '../../kit/random.ts'

// Scenario: byte strings of all lengths, the empty one first and last, some larger than a chunk, then a new beginning.
// Guarantees: each is where the number says it is.
test('bytes stay where they were put', () => {
  const random = new Random(5)
  const arena = new ByteArena()
  for (let turn = 0; turn < 2; turn++) {
    const kept: [place: number, bytes: Uint8Array][] = []
    const lengths = [0, 262_144, 1, 262_143, 0, 700_000, 0]
    for (let i = 0; i < 3000; i++) lengths.push(random.below(600))
    for (const length of [...lengths, 0]) {
      const bytes = random.bytes(length)
      const inside = Buffer.concat([Buffer.from('xx'), bytes, Buffer.from('y')])
      kept.push([arena.add(inside, 2, 2 + length), bytes])
    }
    for (const [place, bytes] of kept) {
      const from = offsetOf(place)
      assert.deepEqual(
        Buffer.from(arena.chunkOf(place).subarray(from, from + bytes.length)),
        Buffer.from(bytes),
      )
    }
    arena.clear()
  }
})
