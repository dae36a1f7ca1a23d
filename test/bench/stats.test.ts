import assert from 'node:assert/strict'
import { test } from 'node:test'
import { logError, median, quantile, roundRatios, spreadOf } from '../../bench/stats.ts'

// Scenario: medians of odd, even and no values; quantiles of a known list.
// Guarantees: order does not matter, only the median of nothing is NaN.
test('medians and quantiles', () => {
  assert.equal(median([9, 1, 5]), 5)
  assert.equal(median([4, 1, 3, 2]), 2.5)
  assert.ok(Number.isNaN(median([])))
  const hundred = Array.from({ length: 100 }, (_, i) => i + 1)
  assert.equal(quantile(hundred, 0.5), 51)
  assert.equal(quantile(hundred, 0.99), 100)
  assert.equal(quantile(hundred, 1), 100)
  assert.equal(quantile([], 0.5), 0)
  assert.deepEqual(spreadOf([3, 1, 2]), { median: 2, low: 1, high: 3 })
})

// Scenario: two servers, one of which missed a round; and a round that took no time.
// Guarantees: only rounds of both are compared, each with itself.
test('ratios are taken round by round', () => {
  assert.deepEqual(roundRatios([10, null, 30, 40], [5, 5, null, 10]), [2, 4])
  assert.deepEqual(roundRatios([10, 20], [5]), [2])
  assert.deepEqual(roundRatios([10], [0]), [])
})

// Scenario: rounds that agree, rounds that scatter, one wild round among good ones, and too few.
// Guarantees: the error grows with the scatter and falls with the number; one bad round does not ruin it.
test('how well a median is known', () => {
  assert.equal(logError([2, 2, 2]), 0)
  assert.equal(logError([2, 2]), Number.POSITIVE_INFINITY)
  const calm = logError([1, 1.01, 0.99, 1.02, 0.98])
  const wild = logError([1, 1.3, 0.7, 1.5, 0.6])
  assert.ok(calm < 0.02 && wild > 0.2, `${calm} ${wild}`)
  assert.ok(logError([1, 1.01, 0.99, 1.02, 5]) < 0.03)
  const few = [1, 1.1, 0.9]
  assert.ok(logError([...few, ...few, ...few]) < logError(few))
  // A scale has no influence: it is the error of a logarithm.
  assert.ok(Math.abs(logError([100, 110, 90]) - logError(few)) < 1e-12)
})

// Scenario: many runs of five rounds of known scatter, from a fixed sequence of normal numbers.
// Guarantees: the estimate is right on average: it neither hides noise nor invents it.
test('the error is an unbiased one', () => {
  const normal = normals(20_000)
  const sigma = 0.1
  const errors: number[] = []
  const medians: number[] = []
  for (let i = 0; i + 5 <= normal.length; i += 5) {
    const rounds = normal.slice(i, i + 5).map(z => Math.exp(sigma * z))
    errors.push(logError(rounds))
    medians.push(Math.log(median(rounds)))
  }
  const mean = errors.reduce((sum, value) => sum + value, 0) / errors.length
  const real = Math.sqrt(medians.reduce((sum, value) => sum + value * value, 0) / medians.length)
  assert.ok(mean / real > 0.85 && mean / real < 1.15, `estimated ${mean}, real ${real}`)
})

/** Box and Muller over a linear congruential generator. */
function normals(count: number): number[] {
  let state = 12345
  const uniform = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return (state + 1) / 4294967297
  }
  return Array.from(
    { length: count },
    () => Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform()),
  )
}
