import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CacheBudget } from '../../../core/formats/cache-budget.ts'

// Scenario: two caches that fill up by turns, entries that are given back, and one that is far too large.
// Guarantees: together they never hold more than the budget; when there is no room both are emptied, once; what is too
// large costs nobody his place.
test('caches share a budget', () => {
  const budget = new CacheBudget(1600)
  const emptied = [0, 0]
  budget.join(() => emptied[0]!++)
  budget.join(() => emptied[1]!++)
  for (let i = 0; i < 16; i++) assert.ok(budget.take(100))
  assert.equal(budget.bytes, 1600)
  assert.ok(!budget.take(101))
  assert.deepEqual(emptied, [0, 0])
  budget.giveBack(100)
  assert.ok(budget.take(100))
  assert.deepEqual(emptied, [0, 0])
  assert.ok(budget.take(1))
  assert.deepEqual(emptied, [1, 1])
  assert.equal(budget.bytes, 1)
})
