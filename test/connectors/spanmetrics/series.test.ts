import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { hashOf } from '../../../connectors/spanmetrics/arrays.ts'
import { Budget } from '../../../connectors/spanmetrics/budget.ts'
import { NONE, SeriesTable } from '../../../connectors/spanmetrics/series.ts'

const BOUNDS = Float64Array.of(1, 10)

/** By key: how many, and how many in each bucket. */
type Model = Map<string, { count: number; buckets: number[]; attributes: string }>

function contents(table: SeriesTable): Model {
  const found: Model = new Map()
  for (let row = 0; row < table.size; row++) {
    const at = table.keyAt[row]!
    const end = at + table.keyLength[row]!
    const text = (from: number, to: number): string => Buffer.from(table.arena.subarray(from, to)).toString()
    const { width } = table
    found.set(text(at, end), {
      count: table.count[row]!,
      buckets: [...table.buckets.subarray(row * width, (row + 1) * width)],
      attributes: text(end, end + table.attributesLength[row]!),
    })
  }
  return found
}

// Scenario: any keys (many of them equal, some long) are counted in, some series are taken out now and then.
// Guarantees: the table says what a map would; what it enters into the budget is what its arrays take, to the byte, also after
// it has shrunk.
test('a table is a map', () => {
  const key = fc.oneof(
    fc.constantFrom('', 'a', 'aaaa', 'aaaab'),
    fc.string({ maxLength: 40 }),
    fc.string({ minLength: 3000, maxLength: 6000 }),
  )
  const steps = fc.array(fc.record({ key, value: fc.constantFrom(0.5, 1, 2, 11), sweep: fc.nat(15) }), {
    maxLength: 300,
  })
  fc.assert(
    fc.property(steps, some => {
      const budget = new Budget(0)
      const table = new SeriesTable({ kind: 'explicit', bounds: BOUNDS }, 3, budget)
      const model: Model = new Map()
      for (const { key, value, sweep } of some) {
        const bytes = Buffer.from(key)
        let row = table.find(bytes, bytes.length)
        assert.equal(row !== NONE, model.has(bytes.toString()))
        if (row === NONE) row = table.add(bytes, bytes.length, Buffer.from(`of ${key.length}`), 1, 2)
        table.count[row] = table.count[row]! + 1
        table.observe(row, value, 1)
        const known = model.get(bytes.toString()) ?? {
          count: 0,
          buckets: [0, 0, 0],
          attributes: `of ${key.length}`,
        }
        known.count++
        known.buckets[value <= 1 ? 0 : value <= 10 ? 1 : 2]!++
        model.set(bytes.toString(), known)
        if (sweep === 0) {
          const gone = Uint8Array.from({ length: table.size }, (_, i) => (i % 3 === 0 ? 1 : 0))
          for (const [i, name] of [...contents(table).keys()].entries()) if (gone[i] === 1) model.delete(name)
          table.sweep(gone)
        }
        assert.equal(budget.bytes, table.byteLength)
      }
      assert.deepEqual(contents(table), model)
      table.sweep(new Uint8Array(table.size).fill(1))
      assert.equal(table.size, 0)
      assert.ok(budget.bytes < 10_000, `${budget.bytes}`)
    }),
    { numRuns: 60 },
  )
})

// Scenario: no limit but that of what 32 bits can say, here made small; a series that is needed all the same.
// Guarantees: keys never lie beyond it, but for what is needed.
test('keys end where their places cannot be written down', () => {
  const table = new SeriesTable({ kind: 'none' }, 0, new Budget(0), 10_000)
  const key = (i: number) => Buffer.from(`key ${i}`.padEnd(100))
  const rows = Array.from({ length: 200 }, (_, i) => table.add(key(i), 100, Buffer.alloc(0), 0, 0))
  assert.deepEqual(
    rows.map(row => row === NONE),
    rows.map((_, i) => i >= 100),
  )
  assert.equal(table.find(key(99), 100), 99)
  assert.notEqual(table.add(key(200), 100, Buffer.alloc(0), 0, 0, true), NONE)
})

// Scenario: keys made by somebody who knows how they are hashed, but not with which numbers: pairs of words in which the
// highest bit goes through the multiplication as it is, and the second word takes back what the shift made of it.
// Guarantees: they do not meet in one place, whichever shift the pairs are made for.
test('keys that were made to collide', () => {
  const PAIRS = 10
  for (let shift = 1; shift < 32; shift++) {
    const hashes = new Set<number>()
    for (let nth = 0; nth < 2 ** PAIRS; nth++) {
      const words = new Uint32Array(2 * PAIRS).fill(0x61616161)
      for (let pair = 0; pair < PAIRS; pair++) {
        if (((nth >> pair) & 1) === 0) continue
        words[2 * pair]! ^= 0x8000_0000
        words[2 * pair + 1]! ^= 0x8000_0000 ^ (0x8000_0000 >>> shift)
      }
      hashes.add(hashOf(new Uint8Array(words.buffer), 8 * PAIRS))
    }
    assert.ok(hashes.size > 1000, `shift ${shift}: ${hashes.size} of 1024`)
  }
})

// Scenario: a budget that is used up; a series that is needed all the same.
// Guarantees: what does not fit is refused; what is needed gets room, and little more than it needs.
test('a full budget', () => {
  const budget = new Budget(20_000)
  const table = new SeriesTable({ kind: 'none' }, 0, budget)
  const attributes = Buffer.alloc(50)
  let added = 0
  const add = (needed: boolean): number => {
    const key = Buffer.from(`key ${added}`)
    return table.add(key, key.length, attributes, 0, 0, needed)
  }
  while (add(false) !== NONE) added++
  assert.ok(added > 50 && budget.bytes <= 20_000)
  assert.notEqual(add(true), NONE)
  assert.ok(budget.bytes < 20_500, `${budget.bytes}`)
  added++
  assert.equal(add(false), NONE)
})
