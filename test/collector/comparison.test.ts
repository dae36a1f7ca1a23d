import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Comparison } from './comparison.ts'

// Scenario: cases that are the same, that differ as listed, and that differ otherwise.
// Guarantees: only what is not listed fails, with the place and both values.
test('a difference that is not listed fails', () => {
  const comparison = new Comparison('batch', [{ says: '', where: ['batch: a*: size', 'answers: a: size'] }])
  comparison.same('b', { size: 1, items: [1] }, { size: 1, items: [1] })
  comparison.same('a 1', { size: 1 }, { size: 2 })
  assert.throws(
    () => comparison.same('b', { size: 1 }, { size: 2 }),
    /batch: b: size\nit: Sluice 1, the Collector 2/,
  )
  assert.throws(
    () => comparison.same('a', { items: [{ x: 1 }] }, { items: [{ x: 1, y: -0 }] }),
    /batch: a: items\n\/0\/y: Sluice undefined, the Collector -0/,
  )
  comparison.end()
})

// Scenario: a listed difference that no case shows.
// Guarantees: the end fails and names it.
test('a listed difference that is gone fails', () => {
  const comparison = new Comparison('batch', [{ says: '', where: ['batch: a: size'] }])
  comparison.same('a', { size: 1 }, { size: 1 })
  assert.throws(() => comparison.end(), /batch: a: size/)
})
