import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Baseline, baselineText, machineDifferences } from '../../bench/baseline.ts'
import type { Ratio } from '../../bench/load/ratios.ts'
import type { Machine } from '../../bench/load/report.ts'
import { compare, exitCode, explain } from '../../bench/verdict.ts'

function ratio(
  rounds: readonly number[],
  better: Ratio['better'] = 'higher',
  place = 'nop http plain 512',
): Ratio {
  return { place, name: better === 'higher' ? 'otelcol / sluice CPU' : 'sluice / bare CPU', better, rounds }
}

const around = (middle: number, scatter: number): number[] =>
  [-1, -0.5, 0, 0.5, 1].map(z => middle * (1 + scatter * z))

const verdictOf = (before: Ratio, now: Ratio): string => compare([before], [now]).judged[0]!.verdict

// Scenario: calm rounds: the same, a little worse, 14 % and 17 % worse, better; for both directions of a ratio.
// Guarantees: 15 % decides, in the right direction.
test('a ratio that got 15 % worse fails', () => {
  const calm = (middle: number, better: Ratio['better']) => ratio(around(middle, 0.01), better)
  assert.equal(verdictOf(calm(4, 'higher'), calm(4, 'higher')), 'ok')
  assert.equal(verdictOf(calm(4, 'higher'), calm(4 / 1.13, 'higher')), 'ok')
  assert.equal(verdictOf(calm(4, 'higher'), calm(4 / 1.17, 'higher')), 'worse')
  assert.equal(verdictOf(calm(4, 'higher'), calm(8, 'higher')), 'ok')
  assert.equal(verdictOf(calm(1.2, 'lower'), calm(1.2 * 1.17, 'lower')), 'worse')
  assert.equal(verdictOf(calm(1.2, 'lower'), calm(1.2 * 1.13, 'lower')), 'ok')
  assert.equal(verdictOf(calm(1.2, 'lower'), calm(0.6, 'lower')), 'ok')
  assert.equal(exitCode(compare([calm(4, 'higher')], [calm(3, 'higher')])), 1)
  assert.equal(exitCode(compare([calm(4, 'higher')], [calm(4, 'higher')])), 0)
})

// Scenario: rounds that scatter by half, with the same median, 20 % worse and four times worse; and only two rounds.
// Guarantees: noise is not called a regression, and not called fine either; what is beyond the noise still fails.
test('noise is told apart', () => {
  const noisy = (middle: number) => ratio(around(middle, 0.5))
  assert.equal(verdictOf(noisy(4), noisy(4)), 'unclear')
  assert.equal(verdictOf(noisy(4), noisy(4 / 1.2)), 'unclear')
  assert.equal(verdictOf(noisy(4), noisy(1)), 'worse')
  assert.equal(verdictOf(ratio([4, 4]), ratio([4, 4])), 'unclear')
  // One wild round among calm ones is not noise.
  assert.equal(verdictOf(ratio([4, 4.02, 3.98, 4.01, 9]), ratio([4, 4.02, 3.98, 4.01, 1])), 'ok')
  // A run in which most could not be judged does not pass.
  assert.equal(exitCode(compare([noisy(4)], [noisy(4)])), 2)
  assert.equal(exitCode(compare([], [])), 2)
  const calm = ['a', 'b'].map(place => ratio(around(4, 0.01), 'higher', place))
  assert.equal(exitCode(compare([...calm, noisy(4)], [...calm, noisy(4)])), 0)
})

// Scenario: a run without some places of the baseline and with one of its own.
// Guarantees: only what both have is judged, the rest is told.
test('what cannot be compared is told', () => {
  const [a, b, c] = ['a', 'b', 'c'].map(place => ratio(around(4, 0.01), 'higher', place))
  const comparison = compare([a!, b!], [b!, c!])
  assert.deepEqual(
    comparison.judged.map(({ place }) => place),
    ['b'],
  )
  assert.deepEqual(comparison.notMeasured, ['a: otelcol / sluice CPU'])
  assert.deepEqual(comparison.notInBaseline, ['c: otelcol / sluice CPU'])
  const text = explain(comparison)
  assert.match(text, /1 ratios: 1 ok, 0 worse, 0 unclear/)
  assert.match(text, /Not in the baseline: c: otelcol \/ sluice CPU/)
})

// Scenario: the explanation of a run with one of each verdict.
// Guarantees: it names the place, both figures, the change and the noise, the worst first, and says what to do.
test('the explanation', () => {
  const before = ['bad', 'good'].map(place => ratio(around(4, 0.01), 'higher', place))
  const now = [ratio(around(2, 0.01), 'higher', 'bad'), ratio(around(4, 0.01), 'higher', 'good')]
  const noise = ratio(around(4, 0.6), 'higher', 'noise')
  const text = explain(compare([...before, noise], [...now, noise]))
  assert.match(text, /bad {2}otelcol \/ sluice CPU +4 +2 +\+100 % +\d+ % +worse/)
  assert.ok(text.indexOf('bad  otelcol') < text.indexOf('good  otelcol'))
  assert.match(text, /noise .* unclear/)
  assert.match(text, /more rounds/)
})

// Scenario: a baseline is written and read; two machines are compared.
// Guarantees: the text is the same baseline again, one ratio a line; every difference is a sentence.
test('the baseline and its machine', () => {
  const machine: Machine = {
    ...{
      cpu: 'X',
      cores: 2,
      pinned: true,
      loadAverage: 0,
      node: 'v26.10.0',
      drivers: { http: 'h2load', grpc: 'h2load' },
    },
    peers: { otelcol: '0.155.0' },
  }
  const baseline: Baseline = {
    at: 'now',
    preset: 'full',
    machine,
    ratios: [ratio([1, 2, 3]), ratio([1], 'lower')],
  }
  const text = baselineText(baseline)
  assert.deepEqual(JSON.parse(text), baseline)
  assert.equal(text.split('\n').filter(line => line.includes('"place"')).length, 2)
  assert.deepEqual(machineDifferences(machine, machine), [])
  assert.deepEqual(machineDifferences(machine, { ...machine, node: 'v27.0.0', peers: {} }), [
    'Node: v26.10.0 in the baseline, v27.0.0 now',
    'otelcol: 0.155.0 in the baseline, not there now',
  ])
})
