import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  addsUp,
  coarser,
  type ExponentialState,
  MERGED_BUCKETS_MAX,
  mergeExponential,
  nativeBuckets,
} from '../../../../core/formats/prometheus/native.ts'

const none = { offset: 0, counts: [] }
const state = (over: Partial<ExponentialState>): ExponentialState => ({
  scale: 0,
  zeroThreshold: 0,
  zeroCount: 0n,
  positive: none,
  negative: none,
  ...over,
})

/** The bucket of a value, as OTLP defines it: base ** index < value <= base ** (index + 1). */
const indexOf = (value: number, scale: number): number => Math.ceil(Math.log2(value) * 2 ** scale) - 1

/** Values between powers, so that no logarithm has to be exact. */
const values = fc.array(
  fc.integer({ min: -40, max: 40 }).map(power => 1.0101 * 1.5 ** power),
  { minLength: 1, maxLength: 20 },
)

function bucketsOf(numbers: readonly number[], scale: number) {
  const indexes = numbers.map(value => indexOf(value, scale))
  const offset = Math.min(...indexes)
  const counts = new Array<bigint>(Math.max(...indexes) - offset + 1).fill(0n)
  for (const index of indexes) counts[index - offset]! += 1n
  return { offset, counts }
}

// Scenario: values counted at a fine scale and made coarser, against the same values counted at the coarse scale.
// Guarantees: equal buckets, for negative indexes too.
test('coarser buckets hold the same values', () => {
  fc.assert(
    fc.property(
      values,
      fc.integer({ min: 0, max: 6 }),
      fc.integer({ min: 0, max: 4 }),
      (numbers, scale, by) => {
        assert.deepEqual(coarser(bucketsOf(numbers, scale), by), bucketsOf(numbers, scale - by))
      },
    ),
  )
  assert.deepEqual(coarser({ offset: -5, counts: [1n, 2n] }, 40), { offset: -1, counts: [3n] })
})

// Scenario: two histograms of different scales are added.
// Guarantees: the buckets of all values together, at the lesser scale.
test('merging two histograms', () => {
  fc.assert(
    fc.property(values, values, (a, b) => {
      const merged = mergeExponential(
        state({ scale: 4, positive: bucketsOf(a, 4), zeroCount: 1n }),
        state({ scale: 2, positive: bucketsOf(b, 2), negative: bucketsOf(b, 2), zeroCount: 2n }),
      )
      assert.deepEqual(merged, {
        scale: 2,
        zeroThreshold: 0,
        zeroCount: 3n,
        positive: bucketsOf([...a, ...b], 2),
        negative: bucketsOf(b, 2),
      })
    }),
  )
})

// Scenario: the second histogram has a wider bucket around zero; two lie further apart than memory should bridge.
// Guarantees: what the wider one covers is counted in it, nothing is lost; the others are refused.
test('zero thresholds and histograms far apart', () => {
  const merged = mergeExponential(
    state({ positive: { offset: -4, counts: [1n, 2n, 3n, 4n] }, negative: { offset: -4, counts: [5n] } }),
    state({ zeroThreshold: 0.25, zeroCount: 1n, positive: { offset: 3, counts: [9n] } }),
  )
  assert.deepEqual(merged.positive, { offset: -2, counts: [3n, 4n, 0n, 0n, 0n, 9n] })
  assert.deepEqual([merged.zeroCount, merged.zeroThreshold, merged.negative.counts], [9n, 0.25, []])
  const far = { offset: MERGED_BUCKETS_MAX, counts: [1n] }
  assert.throws(() =>
    mergeExponential(state({ positive: { offset: 0, counts: [1n] } }), state({ positive: far })),
  )
})

// Scenario: buckets as Prometheus counts them; a scale beyond its finest; none.
// Guarantees: named by the upper bound, differences instead of counts.
test('native buckets', () => {
  assert.deepEqual(nativeBuckets({ offset: -2, counts: [3n, 0n, 5n] }, 3), {
    spans: [{ offset: -1, length: 3 }],
    deltas: [3n, -3n, 5n],
  })
  assert.deepEqual(nativeBuckets({ offset: 3, counts: [1n, 1n, 1n] }, 9), {
    spans: [{ offset: 2, length: 2 }],
    deltas: [1n, 1n],
  })
  assert.deepEqual(nativeBuckets(none, 0), { spans: [], deltas: [] })
})

// Scenario: counts that agree with their buckets and counts that do not.
// Guarantees: client_golang's rule: equal, or at most the count where the sum is NaN.
test('buckets add up to the count', () => {
  assert.equal(addsUp(6n, 1, 1n, [2n], [3n]), true)
  assert.equal(addsUp(7n, 1, 1n, [2n], [3n]), false)
  assert.equal(addsUp(7n, NaN, 1n, [2n], [3n]), true)
  assert.equal(addsUp(5n, NaN, 1n, [2n], [3n]), false)
})
