import assert from 'node:assert/strict'
import { test } from 'node:test'
import { mergeSnapshots } from '../../../core/telemetry/merge.ts'
import { type MetricDeclaration, Metrics } from '../../../core/telemetry/metrics.ts'

const about = { unit: '1', help: '', labels: ['part'], level: 'basic' } as const
const ITEMS: MetricDeclaration = { ...about, kind: 'counter', name: 'items' }
const LATE: MetricDeclaration = { ...about, kind: 'gauge', name: 'late', merge: 'max' }
const SIZE: MetricDeclaration = { ...about, kind: 'histogram', name: 'size', buckets: [1, 10] }

function metricsWith(
  items: Readonly<Record<string, number>>,
  late: number,
  sizes: readonly number[],
): Metrics {
  const metrics = new Metrics()
  for (const [part, value] of Object.entries(items)) metrics.counter(ITEMS).add(value, { part })
  metrics.gauge(LATE).set(late)
  for (const size of sizes) metrics.histogram(SIZE).record(size)
  return metrics
}

// Scenario: counters, a gauge that is a maximum and a histogram of two processes, one of them with a label more.
// Guarantees: sums by label, the larger gauge, buckets added; neither of the two was changed; one alone stays as it is.
test('two processes are shown as one', () => {
  const a = metricsWith({ x: 1, y: 2 }, 5, [0, 5]).snapshot()
  const b = metricsWith({ y: 40, z: 50 }, 3, [5, 50, 60]).snapshot()
  const before = structuredClone([a, b])
  const merged = new Map(mergeSnapshots([a, b]).map(({ declaration, points }) => [declaration.name, points]))
  assert.deepEqual(
    merged.get('items')!.map(point => [point.labels['part'], 'value' in point && point.value]),
    [
      ['x', 1],
      ['y', 42],
      ['z', 50],
    ],
  )
  assert.deepEqual(merged.get('late'), [{ labels: {}, value: 5 }])
  assert.deepEqual(merged.get('size'), [
    { labels: {}, bounds: [1, 10], counts: [1, 2, 2], sum: 120, count: 5 },
  ])
  assert.deepEqual([a, b], before)
  assert.deepEqual(mergeSnapshots([a]), a)
})

// Scenario: a page is asked for while metrics of another process are known, and that process says more when asked.
// Guarantees: it is asked before the page is written, and the page has the sum.
test('the page asks the others first', async () => {
  const metrics = metricsWith({ x: 1 }, 0, [])
  const other = metricsWith({ x: 10 }, 0, [])
  metrics.elsewhere = {
    refresh: async () => other.counter(ITEMS).add(100, { part: 'x' }),
    snapshots: () => [other.snapshot()],
  }
  assert.match(await metrics.page({}), /^items\{part="x"\} 111$/m)
})
