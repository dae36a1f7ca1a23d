import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ByteTable } from '../../../core/formats/byte-table.ts'
import { Random } from '../../kit/random.ts'

// Scenario: thousands of keys of all lengths under two parents, looked up again out of a larger buffer.
// Guarantees: each is found under its parent with the number it was given, and nothing else is found; after `clear`
// nothing is.
test('keys are found by their bytes', () => {
  const random = new Random(3)
  const table = new ByteTable()
  const keys = new Map<string, number>()
  for (let i = 0; i < 20_000; i++) {
    const bytes = random.bytes(random.below(random.chance(0.1) ? 300 : random.chance(0.001) ? 400_000 : 4))
    const parent = random.below(2)
    const text = `${parent}:${Buffer.from(bytes).toString('hex')}`
    const found = table.find(parent, bytes, 0, bytes.length)
    assert.equal(found, keys.get(text) ?? -1)
    if (found === -1) keys.set(text, table.add(parent, bytes, 0, bytes.length))
  }
  assert.equal(table.size, keys.size)
  for (const [text, number] of keys) {
    const [parent, hex] = text.split(':') as [string, string]
    const key = Buffer.from(hex, 'hex')
    const inside = Buffer.concat([Buffer.from('before'), key, Buffer.from('after')])
    assert.equal(table.find(Number(parent), inside, 6, 6 + key.length), number)
    assert.ok(table.same(number, inside, 6, 6 + key.length))
    assert.ok(!table.same(number, inside, 5, 6 + key.length))
  }
  const text = Buffer.from('\u00fcber "alles"')
  table.find(7, text, 0, text.length)
  assert.equal(table.text(table.add(7, text, 0, text.length)), '\u00fcber "alles"')
  table.clear()
  assert.equal(table.find(0, new Uint8Array(), 0, 0), -1)
})
