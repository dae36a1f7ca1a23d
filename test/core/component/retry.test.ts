import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Backoff } from '../../../core/component/retry.ts'

const CONFIG = {
  enabled: true,
  initial_interval: 1000,
  randomization_factor: 0.5,
  multiplier: 2,
  max_interval: 6000,
  max_elapsed_time: 0,
  max_retries: 0,
}

function waits(config: Partial<typeof CONFIG>, random: () => number, count: number): (number | undefined)[] {
  const backoff = new Backoff({ ...CONFIG, ...config }, 0, random)
  let now = 0
  return Array.from({ length: count }, () => {
    const wait = backoff.next(now)
    now += wait ?? 0
    return wait
  })
}

// Scenario: jitter at its middle, lowest and highest; none at all.
// Guarantees: the interval doubles up to its maximum, and the factor spreads it to both sides.
test('waits grow and are spread', () => {
  assert.deepEqual(
    waits({}, () => 0.5, 5),
    [1000, 2000, 4000, 6000, 6000],
  )
  assert.deepEqual(
    waits({}, () => 0, 2),
    [500, 1000],
  )
  assert.deepEqual(
    waits({}, () => 1, 2),
    [1500, 3000],
  )
  assert.deepEqual(
    waits({ randomization_factor: 0 }, () => 0.9, 2),
    [1000, 2000],
  )
})

// Scenario: a server asks for a wait, longer and shorter than the backoff.
// Guarantees: it is a lower bound, and the backoff grows meanwhile.
test('the server may ask for longer waits only', () => {
  const backoff = new Backoff(CONFIG, 0, () => 0.5)
  assert.equal(backoff.next(0, 60_000), 60_000)
  assert.equal(backoff.next(60_000, 10), 2000)
})

// Scenario: max_elapsed_time 10 s.
// Guarantees: no wait that would end after it, however often it is asked.
test('it gives up in time', () => {
  assert.deepEqual(
    waits({ max_elapsed_time: 10_000 }, () => 0.5, 5),
    [1000, 2000, 4000, undefined, undefined],
  )
})

// Scenario: multipliers of 0 and 1, an initial interval above the maximum.
// Guarantees: what the Collector does: 0 begins again, 1 stays, the first wait is not capped.
test('odd settings behave as in the Collector', () => {
  assert.deepEqual(
    waits({ multiplier: 0 }, () => 0.5, 3),
    [1000, 1000, 1000],
  )
  assert.deepEqual(
    waits({ multiplier: 1 }, () => 0.5, 3),
    [1000, 1000, 1000],
  )
  assert.deepEqual(
    waits({ initial_interval: 9000 }, () => 0.5, 2),
    [9000, 6000],
  )
})

// Scenario: a number of retries, with all the time there is.
// Guarantees: so many waits and no more; 0 sets no limit.
test('retries end by number', () => {
  assert.deepEqual(
    waits({ max_retries: 2 }, () => 0.5, 4),
    [1000, 2000, undefined, undefined],
  )
  assert.deepEqual(waits({ max_retries: 0 }, () => 0.5, 4).at(-1), 6000)
})
