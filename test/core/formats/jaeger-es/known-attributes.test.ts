import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Pieces } from '../../../../core/formats/deflate/pieces.ts'
import { viewOf } from '../../../../core/formats/jaeger-es/content-hash.ts'
import { KnownAttributes } from '../../../../core/formats/jaeger-es/known-attributes.ts'
import { Packed } from '../../../kit/packed.ts'

// Scenario: ten thousand attributes, five times as many as have room, of every length, looked for again and again.
// Guarantees: what is found is what was kept for these very bytes; none is kept before it came twice; some are found. What is
// packed is what was written, also when another attribute took a place.
test('attributes are told apart', () => {
  const packed = new Packed()
  const { pieces } = packed
  const known = new KnownAttributes(pieces)
  const [head, tail] = [pieces.piece(Buffer.from('{"')), pieces.piece(Buffer.from('"}'))]
  packed.begin()
  let found = 0
  for (let round = 0; round < 4; round++)
    for (let n = 0; n < 10_000; n++) {
      const few = n % 10 === 0 ? n % 700 : n
      const bytes = Buffer.from(`..${'v'.repeat(few % 140)}${few}..`)
      const view = viewOf(bytes)
      const slot = known.find(view, 2, bytes.length - 2, n)
      if (slot >= 0) {
        const same = known.at(slot)
        found++
        packed.place(same)
        assert.equal(same.bytes.toString(), `{"${few}"}`)
      } else if (known.wanted) known.keep(view, 2, bytes.length - 2, head, Buffer.from(String(few)), tail)
    }
  assert.ok(found > 1000)
  packed.end()
})

// Scenario: an attribute that differs in one bit from one that is kept, at each of its places; one that came once.
// Guarantees: it is another one.
test('one bit makes another attribute', () => {
  const pieces = new Pieces()
  const known = new KnownAttributes(pieces)
  const part = pieces.piece(Buffer.from('.'))
  const bytes = Buffer.from('a key and its value, of odd length')
  const find = (one: Buffer) => known.find(viewOf(one), 0, one.length, 3)
  assert.equal(find(bytes), -1)
  assert.equal(known.wanted, false)
  assert.equal(find(bytes), -1)
  assert.equal(known.wanted, true)
  known.keep(viewOf(bytes), 0, bytes.length, part, Buffer.from('kept'), part)
  assert.equal(known.at(find(bytes)).bytes.toString(), '.kept.')
  for (let bit = 0; bit < 8 * bytes.length; bit++) {
    const other = Buffer.from(bytes)
    other[bit >> 3]! ^= 1 << (bit & 7)
    assert.equal(find(other), -1)
  }
})

// Scenario: thousands of attributes that come six times in a row, so that each pushes out one that was written a moment ago.
// Guarantees: what is packed is what was written.
test('who takes a place does not take what was written there', () => {
  const packed = new Packed()
  const { pieces } = packed
  const known = new KnownAttributes(pieces)
  const [head, tail] = [pieces.piece(Buffer.from('{"')), pieces.piece(Buffer.from('"}'))]
  packed.begin()
  for (let n = 0; n < 30_000; n++)
    for (let time = 0; time < 6; time++) {
      const bytes = Buffer.from(`key-${n}`)
      const view = viewOf(bytes)
      const slot = known.find(view, 0, bytes.length, time)
      if (slot >= 0) packed.place(known.at(slot))
      else if (known.wanted) known.keep(view, 0, bytes.length, head, bytes, tail)
    }
  assert.ok(packed.end().plain > 30_000)
})
