import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CacheBudget } from '../../../../core/formats/cache-budget.ts'
import { FieldOrder } from '../../../../core/formats/elastic/field-order.ts'

// Scenario: keys in any order, some twice; then other keys of the same lengths, the first ones again, the same list with
// other things in it, and with a key that must stay a value; more kinds of documents than are kept.
// Guarantees: the order is that of these keys, whatever was sorted before.
test('an order that is kept is that of the same keys', () => {
  const order = new FieldOrder(new CacheBudget(1024 * 1024))
  const keys = ['b', 'a', 'b', 'c.d', 'c']
  const first = { keys: ['a', 'b', 'c.d', 'c.value'], fields: [1, 2, 3, 4] }
  assert.deepEqual(order.sort(keys, undefined), first)
  assert.deepEqual(order.sort(['y', 'z', 'y', 'c.e', 'x'], undefined), {
    keys: ['c.e', 'x', 'y', 'z'],
    fields: [3, 4, 2, 1],
  })
  assert.deepEqual(order.sort(keys, undefined), first)
  assert.deepEqual(order.sort(keys, new Set(['c'])), { keys: ['a', 'b', 'c'], fields: [1, 2, 4] })
  keys[1] = 'z'
  assert.deepEqual(order.sort(keys, undefined), { keys: ['b', 'c.d', 'c.value', 'z'], fields: [2, 3, 4, 1] })
  for (let n = 0; n < 2000; n++) {
    const name = `k${n}`
    assert.deepEqual(order.sort([name, 'a'], undefined), { keys: ['a', name], fields: [1, 0] })
  }
  const long = 'x'.repeat(100_000)
  assert.deepEqual(order.sort([long, 'a'], undefined), { keys: ['a', long], fields: [1, 0] })
})
