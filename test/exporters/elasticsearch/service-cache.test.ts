import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ServiceCache } from '../../../exporters/elasticsearch/service-cache.ts'

// Scenario: a service in two indices, asked for before and after it is there, and after its time is over.
// Guarantees: known only once it is there, only in that index, only for so long.
test('services are known for a while', () => {
  const cache = new ServiceCache(1000)
  const key = cache.missing('a', 1, 2, 0)!
  assert.equal(cache.missing('a', 1, 2, 0), key)
  cache.add(key, 0)
  assert.equal(cache.missing('a', 1, 2, 999), undefined)
  assert.equal(cache.missing('a', 1, 2, 999), undefined)
  assert.notEqual(cache.missing('b', 1, 2, 0), undefined)
  assert.notEqual(cache.missing('a', 2, 1, 0), undefined)
  assert.equal(cache.missing('a', 1, 2, 1000), key)
})

// Scenario: more services than are kept.
// Guarantees: the oldest are forgotten; the newest are known.
test('services do not fill the memory', () => {
  const cache = new ServiceCache(1000)
  const keys = Array.from({ length: 100_001 }, (_, i) => cache.missing('a', i, 0, 0)!)
  for (const key of keys) cache.add(key, 0)
  assert.notEqual(cache.missing('a', 0, 0, 0), undefined)
  assert.equal(cache.missing('a', 100_000, 0, 0), undefined)
})
