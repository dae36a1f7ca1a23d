import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { bucketOf, ExponentialHistogram } from '../../../core/formats/exponential-histogram.ts'

/** What is in the histogram, by bucket. */
function contents({ offset, first, length, counts }: ExponentialHistogram): [number, number][] {
  const found: [number, number][] = []
  for (let i = 0; i < length; i++) if (counts[first + i] !== 0) found.push([offset + i, counts[first + i]!])
  return found
}

// Scenario: powers of two, their neighbours and others, at scales where the bounds are known exactly.
// Guarantees: a bucket holds its upper bound and not its lower one, also at coarse scales and for the smallest numbers.
test('values find their buckets', () => {
  for (const scale of [0, 1, 2, 3, 10, 20]) {
    for (let exponent = -30; exponent <= 44; exponent++) {
      const bound = 2 ** exponent
      assert.equal(bucketOf(bound, scale), exponent * 2 ** scale - 1, `2^${exponent} at scale ${scale}`)
      if (scale <= 10) assert.equal(bucketOf(bound * (1 + 2 ** -40), scale), exponent * 2 ** scale)
    }
  }
  assert.equal(bucketOf(5, -1), 1)
  assert.equal(bucketOf(4, -1), 0)
  assert.equal(bucketOf(1, -1), -1)
  assert.equal(bucketOf(2 ** -1022, 0), -1023)
  assert.equal(bucketOf(Number.MIN_VALUE, 0), -1023)
  assert.equal(bucketOf(Number.MIN_VALUE, -10), -1)
  assert.equal(bucketOf(Number.MAX_VALUE, -10), 0)
  assert.equal(bucketOf(Number.MAX_VALUE, 20), 1024 * 2 ** 20 - 1)
  // 3 at scale 2: log2(3) * 4 = 6.34.
  assert.equal(bucketOf(3, 2), 6)
  assert.throws(() => bucketOf(1, 21), /no scale/)
})

// Scenario: any values in any order, histograms of 2 to 160 buckets.
// Guarantees: the scale is the finest at which all fit, every value is in its bucket, and count, sum, zeros, minimum and
// maximum are those of the values.
test('the scale is the finest at which all values fit', () => {
  const value = fc.oneof(
    fc.double({ min: 1e-6, max: 1e7, noNaN: true }),
    fc.constantFrom(0, 1, 2, 4, 1000, 0.001),
  )
  const values = fc.array(fc.tuple(value, fc.integer({ min: 1, max: 5 })), { minLength: 1, maxLength: 200 })
  fc.assert(
    fc.property(values, fc.constantFrom(2, 3, 16, 160), (added, maxSize) => {
      const histogram = new ExponentialHistogram(maxSize)
      for (const [one, times] of added) histogram.add(one, times)
      const some = added.filter(([one]) => one > 0)
      const total = (from: typeof added): number => from.reduce((sum, [, times]) => sum + times, 0)
      assert.equal(histogram.count, total(added))
      assert.equal(histogram.zeroCount, total(added) - total(some))
      assert.equal(histogram.min, Math.min(...added.map(([one]) => one)))
      assert.equal(histogram.max, Math.max(...added.map(([one]) => one)))
      const sum = added.reduce((all, [one, times]) => all + one * times, 0)
      assert.ok(Math.abs(histogram.sum - sum) <= 1e-9 * sum)
      if (some.length === 0) {
        assert.deepEqual([histogram.scale, histogram.length], [0, 0])
        return
      }
      const { scale } = histogram
      const spread = (at: number): number => {
        const indices = some.map(([one]) => bucketOf(one, at))
        return Math.max(...indices) - Math.min(...indices) + 1
      }
      assert.ok(spread(scale) <= maxSize)
      if (scale < 20) assert.ok(spread(scale + 1) > maxSize)
      const expected = new Map<number, number>()
      for (const [one, times] of some) {
        const index = bucketOf(one, scale)
        expected.set(index, (expected.get(index) ?? 0) + times)
      }
      assert.deepEqual(
        contents(histogram),
        [...expected].sort(([a], [b]) => a - b),
      )
      assert.ok(histogram.counts.length <= Math.max(maxSize, 16))
    }),
  )
})
