import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Samples } from '../../../../core/formats/prometheus/samples.ts'
import { SeriesTable, type WrittenSeries } from '../../../../core/formats/prometheus/write-series.ts'
import { Random } from '../../../kit/random.ts'

function oneSeries(): WrittenSeries {
  const table = new SeriesTable()
  return table.find([['__name__', 'a']], table.family('a', 'gauge', '', ''), false, true)
}

/** Times and low halves, in the order they are written in. */
function chain(samples: Samples, series: WrittenSeries): [time: number, low: number, items: number][] {
  const found: [number, number, number][] = []
  for (let at = series.head; at !== -1; at = samples.next[at]!)
    found.push([samples.times[at]!, samples.bits[at * 2]!, samples.items[at]!])
  return found
}

// Scenario: samples of one series in any order, some twice, some with another value at the same time; batch after batch.
// Guarantees: the order of time, each time once with the value that came first, every item counted with it.
test('late samples', () => {
  const samples = new Samples()
  const series = oneSeries()
  for (let seed = 1; seed <= 200; seed++) {
    const random = new Random(seed)
    const expected = new Map<number, [low: number, items: number]>()
    const times = 1 + random.below(200)
    for (let i = 1 + random.below(300); i > 0; i--) {
      const time = 1 + random.below(times)
      const low = random.below(2)
      const before = expected.get(time)
      assert.equal(samples.has(series, time), before !== undefined)
      const taken = before === undefined || before[0] === low
      assert.equal(samples.add(series, time, 0, low, 0, 1), taken)
      if (taken) expected.set(time, [low, (before?.[1] ?? 0) + 1])
    }
    samples.sort()
    const sorted = [...expected].sort(([a], [b]) => a - b)
    assert.deepEqual(
      chain(samples, series),
      sorted.map(([time, [low, items]]) => [time, low, items]),
    )
    assert.equal(samples.times[series.tail], sorted.at(-1)![0])
    samples.clear()
  }
})

// Scenario: one request as large as requests may be, of one series, in an order that was made to be slow.
// Guarantees: it does not stall the gateway: with a look at the chain for each sample this would take minutes.
test('many late samples', () => {
  const samples = new Samples()
  const series = oneSeries()
  const many = 400_000
  for (let i = 1; i <= many; i += 2) {
    samples.add(series, i + 1, 0, i, 0, 1)
    samples.add(series, i, 0, i, 0, 1)
  }
  samples.sort()
  const times = chain(samples, series).map(([time]) => time)
  assert.equal(times.length, many)
  assert.ok(times.every((time, i) => time === i + 1))
})
