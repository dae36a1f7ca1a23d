import assert from 'node:assert/strict'
import { test } from 'node:test'
import { documentsOf } from '../../../kit/mode-documents.ts'
import { array, attributes, map, metricsOf, START } from './samples.ts'

const DELTA = 1
const CUMULATIVE = 2
const START_TIME = '1741064760000000000'

function point(value: object, own: Parameters<typeof attributes>[0] = {}): object {
  return {
    timeUnixNano: START,
    startTimeUnixNano: START_TIME,
    attributes: attributes({ till: 7, ...own }),
    ...value,
  }
}

// Scenario: every kind of metric, of one time, unit and set of attributes.
// Guarantees: one document with a field for each and the template it is mapped by; its hash of names is the one that the
// Collector writes (checked against its own sample for one name).
test('points that belong together are one document', () => {
  const metrics = [
    { name: 'temperature', unit: '1', gauge: { dataPoints: [point({ asDouble: 21 })] } },
    {
      name: 'queue',
      unit: '1',
      sum: { aggregationTemporality: DELTA, dataPoints: [point({ asInt: '-3' })] },
    },
    {
      name: 'sold',
      unit: '1',
      sum: {
        isMonotonic: true,
        aggregationTemporality: CUMULATIVE,
        dataPoints: [point({ asInt: '9007199254740993' })],
      },
    },
    {
      name: 'took',
      unit: '1',
      histogram: {
        aggregationTemporality: DELTA,
        dataPoints: [
          point({ count: '10', sum: 30, bucketCounts: ['1', '0', '2', '7'], explicitBounds: [4, 8, 16] }),
        ],
      },
    },
    {
      name: 'size',
      unit: '1',
      exponentialHistogram: {
        aggregationTemporality: DELTA,
        dataPoints: [
          point({
            count: '9',
            sum: 1,
            scale: 1,
            zeroCount: '2',
            positive: { offset: 2, bucketCounts: ['3', '0', '1'] },
            negative: { offset: 0, bucketCounts: ['1', '2'] },
          }),
        ],
      },
    },
    { name: 'old', unit: '1', summary: { dataPoints: [point({ count: '4', sum: 2 })] } },
  ]
  const { actions, documents, texts, items } = documentsOf('metrics', metricsOf(...metrics))
  assert.equal(items, 6)
  assert.deepEqual(actions, [
    {
      create: {
        _index: 'metrics-generic.otel-default',
        require_data_stream: true,
        dynamic_templates: {
          'metrics.temperature': 'gauge_double',
          'metrics.queue': 'gauge_long',
          'metrics.sold': 'counter_long',
          'metrics.took': 'histogram',
          'metrics.size': 'histogram',
          'metrics.old': 'summary',
        },
      },
    },
  ])
  const { size, ...others } = documents[0].metrics
  assert.deepEqual(
    { ...documents[0], metrics: others },
    {
      '@timestamp': 1741064767000,
      start_timestamp: 1741064760000,
      unit: '1',
      data_stream: { type: 'metrics', dataset: 'generic.otel', namespace: 'default' },
      attributes: { till: 7 },
      resource: { attributes: { 'service.name': 'till' } },
      scope: { name: 'shop.lib' },
      metrics: {
        temperature: 21,
        queue: -3,
        sold: JSON.parse('9007199254740993'),
        took: { counts: [1, 2, 7], values: [2, 12, 16] },
        old: { sum: 2, value_count: 4 },
      },
      _metric_names_hash: documents[0]._metric_names_hash,
    },
  )
  assert.match(texts[0]!, /"temperature":21\.0,.*"sold":9007199254740993,/)
  assert.deepEqual(size.counts, [2, 1, 2, 3, 1])
  const root = Math.SQRT2
  const expected = [-(root + 2) / 2, -(1 + root) / 2, 0, (2 + 2 * root) / 2, (4 + 4 * root) / 2]
  for (const [i, value] of expected.entries()) assert.ok(Math.abs(size.values[i] - value) < 1e-12, `${i}`)
  const one = documentsOf(
    'metrics',
    metricsOf({ name: 'http.server.request.duration', gauge: { dataPoints: [point({ asDouble: 1 })] } }),
  )
  assert.equal(one.documents[0]._metric_names_hash, '30292700b84da900')
})

// Scenario: points that differ in time, start, unit, an attribute's value, the order of attributes, scope, resource; the
// same metric twice for one time.
// Guarantees: those that differ in what is a dimension are apart, the others together; nothing is left out: a second value
// for one name gets a document of its own.
test('what keeps points apart', () => {
  const gauge = (name: string, ...dataPoints: object[]) => ({ name, unit: 's', gauge: { dataPoints } })
  const count = (...metrics: object[]): number[] => {
    const made = documentsOf('metrics', metricsOf(...metrics))
    const points = made.documents.map(({ metrics }) => Object.keys(metrics).length)
    assert.equal(
      points.reduce((a, b) => a + b),
      made.items,
    )
    return points
  }
  const a = point({ asInt: '1' })
  assert.deepEqual(count(gauge('x', a), gauge('y', a)), [2])
  assert.deepEqual(count(gauge('x', a), gauge('y', point({ asInt: '1', timeUnixNano: '5' }))), [1, 1])
  assert.deepEqual(count(gauge('x', a), gauge('y', point({ asInt: '1', startTimeUnixNano: '5' }))), [1, 1])
  assert.deepEqual(count(gauge('x', a), { ...gauge('y', a), unit: 'ms' }), [1, 1])
  assert.deepEqual(count(gauge('x', a), gauge('y', point({ asInt: '1' }, { more: 1 }))), [1, 1])
  assert.deepEqual(count(gauge('x', a, a, a), gauge('y', a)), [2, 1, 1])
  const mixed = point({ asInt: '1', attributes: attributes({ b: 1, a: 2, till: 7 }) })
  const sorted = point({ asInt: '1', attributes: attributes({ a: 2, b: 1, till: 7 }) })
  assert.deepEqual(count(gauge('x', mixed), gauge('y', sorted)), [2])
  const hinted = point({ asInt: '1' }, { 'elasticsearch.mapping.hints': array('_doc_count') })
  assert.deepEqual(count(gauge('x', a), gauge('y', hinted)), [2])
  const elsewhere = point({ asInt: '1' }, { 'data_stream.dataset': 'other' })
  assert.deepEqual(count(gauge('x', a), gauge('y', elsewhere)), [1, 1])
  const same = Array.from({ length: 5000 }, () => a)
  assert.equal(count(gauge('x', ...same), gauge('y', ...same)).length, 5000)
  const scopes = documentsOf('metrics', {
    resourceMetrics: [
      {
        scopeMetrics: [
          { scope: { name: 'a' }, metrics: [gauge('x', a)] },
          { scope: { name: 'b' }, metrics: [gauge('y', a)] },
        ],
      },
      { scopeMetrics: [{ scope: { name: 'a' }, metrics: [gauge('z', a)] }] },
      {
        resource: { attributes: attributes({ r: 1 }) },
        scopeMetrics: [{ scope: { name: 'a' }, metrics: [gauge('z', a)] }],
      },
    ],
  })
  assert.deepEqual(
    scopes.documents.map(({ metrics }) => Object.keys(metrics)),
    [['x', 'z'], ['y'], ['z']],
  )
})

// Scenario: hints of data points; histograms without bounds, with raw bounds, with other counts than bounds; cumulative
// ones; numbers without a value, NaN; maps as attributes.
// Guarantees: hints are followed; what cannot be written is lost with a reason that names the metric, and nothing else is.
test('hints and points that cannot be written', () => {
  const hints = (...words: string[]) => ({ 'elasticsearch.mapping.hints': array(...words) })
  const histogram = (value: object, own = {}) => ({
    name: 'h',
    histogram: { aggregationTemporality: DELTA, dataPoints: [point(value, own)] },
  })
  const made = (metric: object) => documentsOf('metrics', metricsOf(metric))
  const buckets = { count: '6', sum: 9, bucketCounts: ['1', '2', '3'], explicitBounds: [-1, 2] }
  assert.deepEqual(made(histogram(buckets)).documents[0].metrics.h, {
    counts: [1, 2, 3],
    values: [-1, 0.5, 2],
  })
  const aggregated = made(histogram(buckets, hints('aggregate_metric_double', '_doc_count')))
  assert.deepEqual(aggregated.documents[0].metrics.h, { sum: 9, value_count: 6 })
  assert.equal(aggregated.documents[0]._doc_count, 6)
  assert.deepEqual(aggregated.documents[0].attributes, { till: 7 })
  assert.equal(aggregated.actions[0].create.dynamic_templates['metrics.h'], 'summary')
  const raw = made(histogram(buckets, hints('histogram:raw')))
  assert.deepEqual(raw.documents[0].metrics.h, { counts: [1, 5], values: [-1, 2] })
  const spread = {
    scale: -1,
    positive: { offset: 1, bucketCounts: ['2', '0', '5'] },
    negative: { offset: 0, bucketCounts: ['7', '9'] },
  }
  const exponential = (own: object) => ({
    name: 'e',
    exponentialHistogram: { aggregationTemporality: DELTA, dataPoints: [point(spread, { ...own })] },
  })
  assert.deepEqual(made(exponential(hints('histogram:raw'))).documents[0].metrics.e, {
    counts: [9, 7, 2, 5],
    values: [-4, -1, 16, 256],
  })
  assert.deepEqual(made(exponential({})).documents[0].metrics.e.values, [-10, -2.5, 10, 160])
  const plain = made(histogram({ count: '4', sum: 10 }))
  assert.deepEqual(plain.documents[0].metrics.h, { counts: [4], values: [2.5] })
  const maps = made({ name: 'g', gauge: { dataPoints: [point({ asDouble: NaN }, { m: map({ a: 1 }) })] } })
  assert.deepEqual(maps.documents[0].attributes, { till: 7, m: '{"a":1}' })
  assert.equal(maps.documents[0].metrics.g, null)
  for (const [metric, message] of [
    [histogram({ ...buckets, explicitBounds: [1] }), /"h" has 3 buckets and 1 bounds/],
    [
      { name: 'c', histogram: { aggregationTemporality: CUMULATIVE, dataPoints: [point(buckets)] } },
      /"c" is cumulative.*cumulativetodelta/,
    ],
    [{ name: 'e', gauge: { dataPoints: [point({})] } }, /"e" has no value/],
  ] as const) {
    const { documents, losses, items } = made(metric)
    assert.equal(documents.length, 0)
    assert.equal(items, 1)
    assert.match(losses[0]!.message, message)
  }
})

// Scenario: a histogram of a thousand buckets in both modes that have metrics, beside a small one; one of a million.
// Guarantees: the first has all its buckets, though they are read twice; the last has no document, and says why.
test('histograms of very many buckets', () => {
  const histogram = (name: string, buckets: number): object => ({
    name,
    exponentialHistogram: {
      aggregationTemporality: DELTA,
      dataPoints: [point({ scale: 6, positive: { bucketCounts: Array<number>(buckets).fill(2) } })],
    },
  })
  const metrics = metricsOf(histogram('many', 1000), histogram('few', 2))
  const { many, few } = documentsOf('metrics', metrics).documents[0].metrics
  assert.deepEqual(many.counts, Array<number>(1000).fill(2))
  assert.equal(new Set(many.values).size, 1000)
  assert.deepEqual(few.values, many.values.slice(0, 2))
  const ecs = documentsOf('metrics', metrics, { mode: 'ecs' }).documents[0]
  assert.deepEqual(ecs.many, many)
  const huge = documentsOf('metrics', metricsOf(histogram('huge', 1_100_000), histogram('few', 2)))
  assert.match(huge.losses[0]!.message, /histogram "huge" has 11\d{5} bytes/)
  assert.equal(huge.documents.length, 1)
})
