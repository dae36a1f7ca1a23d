import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Pieces } from '../../../../core/formats/deflate/pieces.ts'
import { KnownAttributes } from '../../../../core/formats/jaeger-es/known-attributes.ts'
import { ReadingMemory } from '../../../../core/formats/jaeger-es/reading-memory.ts'
import { Packed } from '../../../kit/packed.ts'
import { Random } from '../../../kit/random.ts'

// Scenario: ten thousand attributes, five times as many as have room, of every length, looked for again and again.
// Guarantees: what is found is what was kept for these very bytes; none is kept before it came twice; some are found. What is
// packed is what was written, also when another attribute took a place.
test('attributes are told apart', () => {
  const packed = new Packed()
  const { pieces } = packed
  const known = new KnownAttributes(pieces, new ReadingMemory())
  const [head, tail] = [pieces.piece(Buffer.from('{"')), pieces.piece(Buffer.from('"}'))]
  packed.begin()
  let found = 0
  for (let round = 0; round < 4; round++)
    for (let n = 0; n < 10_000; n++) {
      const few = n % 10 === 0 ? n % 700 : n
      const bytes = Buffer.from(`..${'v'.repeat(few % 140)}${few}..`)
      const slot = known.find(bytes, 2, bytes.length - 2, n)
      if (slot >= 0) {
        const same = known.at(slot)
        found++
        packed.place(same)
        assert.equal(same.bytes.toString(), `{"${few}"}`)
      } else if (known.wanted) known.keep(bytes, 2, bytes.length - 2, head, Buffer.from(String(few)), tail)
    }
  assert.ok(found > 1000)
  packed.end()
})

/** Keeps one attribute, and says whether another one, whole in a buffer or a part of one, is taken for it. */
function keeping(bytes: Buffer) {
  const pieces = new Pieces()
  const memory = new ReadingMemory()
  const known = new KnownAttributes(pieces, memory)
  const part = pieces.piece(Buffer.from('.'))
  const find = (one: Buffer, start = 0, stop = one.length) => known.find(one, start, stop, 3)
  assert.equal(find(bytes), -1)
  assert.equal(known.wanted, false)
  assert.equal(find(bytes), -1)
  assert.equal(known.wanted, true)
  known.keep(bytes, 0, bytes.length, part, Buffer.from('kept'), part)
  const slot = find(bytes)
  assert.equal(known.at(slot).bytes.toString(), '.kept.')
  assert.equal(find(bytes), slot)
  return { find, memory, slot }
}

// Scenario: attributes of all lengths that are kept, each with every single bit turned over, without its last byte and with one
// more; one that came once; such as are too short or too long.
// Guarantees: only the very same is taken for it.
test('one bit makes another attribute', () => {
  const random = new Random(51)
  for (let length = 4; length <= 128; length += length < 40 ? 1 : 11) {
    const bytes = Buffer.from(random.bytes(length))
    const { find } = keeping(bytes)
    for (let bit = 0; bit < 8 * bytes.length; bit++) {
      const other = Buffer.from(bytes)
      other[bit >> 3]! ^= 1 << (bit & 7)
      assert.equal(find(other), -1)
    }
    const more = Buffer.concat([bytes, bytes.subarray(-1)])
    assert.equal(find(more), -1)
    assert.equal(find(more.subarray(0, bytes.length - 1)), -1)
  }
  const known = new KnownAttributes(new Pieces(), new ReadingMemory())
  for (const length of [0, 1, 3, 129, 1000])
    for (let time = 0; time < 3; time++) {
      assert.equal(known.find(Buffer.alloc(length, 7), 0, length, 0), -1)
      assert.equal(known.wanted, false)
    }
})

// Scenario: an attribute at every place of a request that the window shows a part of, and of another request with other bytes at
// these places.
// Guarantees: it is found wherever it lies, and nowhere else.
test('an attribute is found in the window and beside it', () => {
  const random = new Random(53)
  const bytes = Buffer.from(random.bytes(30))
  const { find, memory, slot } = keeping(bytes)
  const request = Buffer.from(random.bytes(70_000))
  const inWindow = 200
  for (const at of [0, 170, 199, 200, 201, 30_000, 65_705, 65_706, 65_707, 69_970]) {
    const whole = Buffer.from(request)
    whole.set(bytes, at)
    memory.readSpan(request, inWindow, inWindow)
    assert.equal(find(request, at, at + 30), -1)
    assert.equal(find(whole, at, at + 30), slot)
    memory.readSpan(whole, inWindow, inWindow)
    assert.equal(find(request, at, at + 30), -1)
    assert.equal(find(whole, at, at + 30), slot)
    assert.equal(find(whole, at, at + 29), -1)
  }
})

// Scenario: thousands of attributes that come six times in a row, so that each pushes out one that was written a moment ago.
// Guarantees: what is packed is what was written.
test('who takes a place does not take what was written there', () => {
  const packed = new Packed()
  const { pieces } = packed
  const known = new KnownAttributes(pieces, new ReadingMemory())
  const [head, tail] = [pieces.piece(Buffer.from('{"')), pieces.piece(Buffer.from('"}'))]
  packed.begin()
  for (let n = 0; n < 30_000; n++)
    for (let time = 0; time < 6; time++) {
      const bytes = Buffer.from(`key-${n}`)
      const slot = known.find(bytes, 0, bytes.length, time)
      if (slot >= 0) packed.place(known.at(slot))
      else if (known.wanted) known.keep(bytes, 0, bytes.length, head, bytes, tail)
    }
  assert.ok(packed.end().plain > 30_000)
})
