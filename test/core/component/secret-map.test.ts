import assert from 'node:assert/strict'
import { test } from 'node:test'
import { inspect } from 'node:util'
import { SecretMap } from '../../../core/component/secret-map.ts'

// Scenario: more secrets than there is room for, of every length.
// Guarantees: exact secrets are found and nothing else; the oldest make room; none of them is kept as it was.
test('secrets are found, and not kept', () => {
  const map = new SecretMap<number>(3)
  for (const [i, secret] of ['one', 'two', '', 'x'.repeat(1000)].entries()) map.set(secret, i)
  assert.deepEqual(
    ['one', 'two', '', 'x'.repeat(1000), 'x'.repeat(999), 'Two'].map(secret => map.get(secret)),
    [undefined, 1, 2, 3, undefined, undefined],
  )
  assert.equal(map.size, 3)
  assert.ok(!inspect(map, { showHidden: true, depth: 5 }).includes('two'))
  map.clear()
  assert.equal(map.get('two'), undefined)
})
