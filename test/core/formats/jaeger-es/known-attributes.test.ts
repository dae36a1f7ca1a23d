import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Repeats } from '../../../../core/formats/deflate/repeats.ts'
import { viewOf } from '../../../../core/formats/jaeger-es/content-hash.ts'
import { KnownAttributes } from '../../../../core/formats/jaeger-es/known-attributes.ts'
import { Writer } from '../../../../core/otlp/writer.ts'

// Scenario: ten thousand attributes, five times as many as have room, of every length, looked for again and again.
// Guarantees: what is found is what was kept for these very bytes; none is kept before it came twice; some are found. What is
// said to be a repeat is one, also when another attribute took a place.
test('attributes are told apart', () => {
  const repeats = new Repeats(true)
  const out = new Writer(1024)
  const known = new KnownAttributes(repeats)
  const part = repeats.piece(Buffer.from('x'))
  let found = 0
  for (let round = 0; round < 4; round++)
    for (let n = 0; n < 10_000; n++) {
      const few = n % 10 === 0 ? n % 700 : n
      const bytes = Buffer.from(`..${'v'.repeat(few % 140)}${few}..`)
      const view = viewOf(bytes)
      const same = known.find(view, 2, bytes.length - 2)
      if (same !== undefined) {
        found++
        repeats.write(out, same)
        assert.equal(Buffer.from(same.bytes).toString(), `{"${few}"}`)
      } else if (known.wanted) known.keep(view, 2, bytes.length - 2, Buffer.from(`{"${few}"}`), part, part)
    }
  assert.ok(found > 1000)
  assert.ok(repeats.count > 1000)
  for (let i = 0; i < 3 * repeats.count; i += 3) {
    const [at, length, distance] = repeats.list.subarray(i, i + 3) as unknown as [number, number, number]
    const before = out.bytes.subarray(at - distance, at - distance + length)
    assert.equal(Buffer.compare(out.bytes.subarray(at, at + length), before), 0)
  }
})

// Scenario: an attribute that differs in one bit from one that is kept, at each of its places; one that came once.
// Guarantees: it is another one.
test('one bit makes another attribute', () => {
  const repeats = new Repeats(false)
  const known = new KnownAttributes(repeats)
  const part = repeats.piece(Buffer.from('x'))
  const bytes = Buffer.from('a key and its value, of odd length')
  const find = (one: Buffer) => known.find(viewOf(one), 0, one.length)
  assert.equal(find(bytes), undefined)
  assert.equal(known.wanted, false)
  assert.equal(find(bytes), undefined)
  assert.equal(known.wanted, true)
  known.keep(viewOf(bytes), 0, bytes.length, Buffer.from('kept'), part, part)
  assert.equal(Buffer.from(find(bytes)!.bytes).toString(), 'kept')
  for (let bit = 0; bit < 8 * bytes.length; bit++) {
    const other = Buffer.from(bytes)
    other[bit >> 3]! ^= 1 << (bit & 7)
    assert.equal(find(other), undefined)
  }
})

// Scenario: thousands of attributes that come six times in a row, so that each pushes out one that was written a moment ago.
// Guarantees: what is said to be a repeat is one.
test('who takes a place does not take what was written there', () => {
  const repeats = new Repeats(true)
  const out = new Writer(1024)
  const known = new KnownAttributes(repeats)
  const part = repeats.piece(Buffer.from('x'))
  for (let n = 0; n < 30_000; n++)
    for (let time = 0; time < 6; time++) {
      const bytes = Buffer.from(`key-${n}`)
      const view = viewOf(bytes)
      const same = known.find(view, 0, bytes.length)
      if (same !== undefined) repeats.write(out, same)
      else if (known.wanted) known.keep(view, 0, bytes.length, bytes, part, part)
    }
  repeats.write(out, repeats.piece(Buffer.from('the end')))
  assert.ok(out.pos > 30_000)
  for (let i = 0; i < 3 * repeats.count; i += 3) {
    const [at, length, distance] = repeats.list.subarray(i, i + 3) as unknown as [number, number, number]
    const before = out.bytes.subarray(at - distance, at - distance + length)
    assert.equal(Buffer.compare(out.bytes.subarray(at, at + length), before), 0)
  }
})
