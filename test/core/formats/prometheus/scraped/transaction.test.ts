import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MetadataStore } from '../../../../../core/formats/prometheus/scraped/metadata.ts'
import { Series } from '../../../../../core/formats/prometheus/scraped/series.ts'
import { Transaction } from '../../../../../core/formats/prometheus/scraped/transaction.ts'
import { validate } from '../../../../../core/otlp/validate.ts'
import { normalize } from '../../../../kit/normalize.ts'

const RULES = { trimSuffixes: false, version: '1.2.3', discovered: [['__scheme__', 'http']] as const }

function series(labels: Record<string, string>): Series {
  const sorted = Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1))
  return Series.of(sorted, { job: 'j', instance: '10.0.0.1:80' })
}

// biome-ignore lint/suspicious/noExplicitAny: decoded messages, whose fields are looked into by name.
type Plain = Record<string, any>

async function built(made: Transaction): Promise<Plain[]> {
  const { bytes, points } = await made.build()
  assert.equal(validate(bytes, 'metrics'), points)
  return (normalize('metrics', bytes)['resourceMetrics'] ?? []) as Plain[]
}

// Scenario: the samples of a histogram, a counter and a gauge.
// Guarantees: one point each, with type, help and unit, in the scope and resource of the Collector.
test('samples become points', async () => {
  const store = new MetadataStore()
  store.setType('h_seconds', 'histogram')
  store.setHelp('h_seconds', 'how long')
  store.setUnit('h_seconds', 'seconds')
  store.setType('c', 'counter')
  const made = new Transaction(store, RULES)
  for (const [le, count] of Object.entries({ '0.5': 1, '1': 4, '+Inf': 2 ** 53 }))
    made.sample(series({ __name__: 'h_seconds_bucket', le, a: 'b' }), 1000, count)
  made.sample(series({ __name__: 'h_seconds_sum', a: 'b' }), 1000, 9.5)
  made.sample(series({ __name__: 'h_seconds_count', a: 'b' }), 1000, 2 ** 53)
  made.sample(series({ __name__: 'h_seconds_created', a: 'b' }), 1000, 12.25)
  made.sample(series({ __name__: 'c_total' }), 1000, 3)
  made.sample(series({ __name__: 'g' }), 2000, undefined)
  const [resource] = await built(made)
  assert.deepEqual(
    resource!['resource'].attributes.map((one: Plain) => [one['key'], one['value'].stringValue]),
    [
      ['service.name', 'j'],
      ['server.address', '10.0.0.1'],
      ['service.instance.id', '10.0.0.1:80'],
      ['server.port', '80'],
      ['url.scheme', 'http'],
    ],
  )
  const [{ scope, metrics }] = resource!['scopeMetrics']
  assert.equal(scope.version, '1.2.3')
  assert.deepEqual(metrics[0], {
    name: 'h_seconds',
    description: 'how long',
    unit: 's',
    metadata: [{ key: 'prometheus.type', value: { stringValue: 'histogram' } }],
    histogram: {
      aggregationTemporality: 2,
      dataPoints: [
        {
          attributes: [{ key: 'a', value: { stringValue: 'b' } }],
          startTimeUnixNano: '12250000000',
          timeUnixNano: '1000000000',
          count: '9007199254740992',
          sum: 9.5,
          bucketCounts: ['1', '3', '9007199254740988'],
          explicitBounds: [0.5, 1],
        },
      ],
    },
  })
  assert.equal(metrics[1].name, 'c_total')
  assert.equal(metrics[1].sum.isMonotonic, true)
  assert.deepEqual(metrics[2].gauge.dataPoints, [{ timeUnixNano: '2000000000', flags: 1 }])
})

// Scenario: a native histogram with counts beyond what a double holds, and a stale one.
// Guarantees: exact counts; a stale one has its flag and nothing else.
test('histograms in one piece', async () => {
  const made = new Transaction(new MetadataStore(), RULES)
  const big = 2n ** 63n + 1n
  const histogram = {
    kind: 'exponential',
    count: big,
    sum: 1,
    scale: -2,
    zeroThreshold: 0.5,
    zeroCount: 1n,
    positive: { offset: -3, counts: [big - 1n] },
    negative: { offset: 0, counts: [] },
  } as const
  made.whole(series({ __name__: 'n' }), 1, 'exponential', histogram)
  made.whole(series({ __name__: 'n', gone: 'yes' }), 1, 'exponential', undefined)
  made.whole(series({ __name__: 'k' }), 1, 'custom', undefined)
  const [{ metrics }] = (await built(made))[0]!['scopeMetrics']
  const [point, stale] = metrics[0].exponentialHistogram.dataPoints
  assert.deepEqual(
    [point.count, point.scale, point.positive, point.negative],
    [String(big), -2, { offset: -3, bucketCounts: [String(big - 1n)] }, undefined],
  )
  assert.deepEqual(Object.keys(stale).sort(), ['attributes', 'flags', 'timeUnixNano'])
  assert.deepEqual(metrics[1].histogram.dataPoints, [{ flags: 1, timeUnixNano: '1000000' }])
})

// Scenario: parts of one histogram with different times, a bucket without a bound, counts that no count can be.
// Guarantees: what does not fit is counted by why, and numbers are bounded.
test('what does not fit', async () => {
  const store = new MetadataStore()
  store.setType('h', 'histogram')
  const made = new Transaction(store, RULES)
  assert.equal(made.sample(series({ __name__: 'h_count' }), 1000, 1e300), true)
  assert.equal(made.sample(series({ __name__: 'h_sum' }), 1001, 1), false)
  assert.equal(made.sample(series({ __name__: 'h_bucket' }), 1000, 1), false)
  assert.equal(made.sample(series({ __name__: 'h_bucket', le: '1' }), 1000, -5), true)
  assert.deepEqual(
    made.misfits,
    new Map([
      ['other_time', 1],
      ['no_bound', 1],
    ]),
  )
  const [point] = (await built(made))[0]!['scopeMetrics'][0].metrics[0].histogram.dataPoints
  assert.deepEqual([point.count, point.bucketCounts], [String(2n ** 64n - 1n), ['0', String(2n ** 64n - 1n)]])
})

// Scenario: one family whose histograms in one piece have buckets of both kinds, the second kind in labels of its own.
// Guarantees: the first kind is the family's; the other is counted, and makes no point.
test('histograms of another kind', async () => {
  const made = new Transaction(new MetadataStore(), RULES)
  const custom = { kind: 'custom', count: 3, sum: 1, bounds: [1], counts: [1, 2] } as const
  const none = { offset: 0, counts: [] }
  const exponential = {
    kind: 'exponential',
    count: 0n,
    sum: 0,
    scale: 0,
    zeroThreshold: 0,
    zeroCount: 0n,
    positive: none,
    negative: none,
  } as const
  assert.equal(made.whole(series({ __name__: 'h', a: '1' }), 1, 'custom', custom), true)
  assert.equal(made.whole(series({ __name__: 'h', a: '2' }), 1, 'exponential', exponential), false)
  assert.deepEqual(made.misfits, new Map([['other_type', 1]]))
  const [{ metrics }] = (await built(made))[0]!['scopeMetrics']
  assert.equal(metrics.length, 1)
  assert.deepEqual(
    metrics[0].histogram.dataPoints.map((point: Plain) => point['bucketCounts']),
    [['1', '2']],
  )
})

// Scenario: an exemplar with ids that are short, long, no hex, and other labels.
// Guarantees: ids of the right size; what is no id stays a label.
test('exemplars', async () => {
  const made = new Transaction(new MetadataStore(), RULES)
  const one = series({ __name__: 'c' })
  made.sample(one, 5000, 1)
  const exemplar = (labels: [string, string][]) => ({ labels, value: 2, millis: undefined })
  made.exemplars(
    one,
    undefined,
    [
      exemplar([
        ['Trace_ID', 'ab'],
        ['span_id', 'zz'],
        ['x', 'y'],
      ]),
    ],
    5000,
  )
  const [{ exemplars }] = (await built(made))[0]!['scopeMetrics'][0].metrics[0].gauge.dataPoints
  assert.deepEqual(exemplars, [
    {
      filteredAttributes: [
        { key: 'span_id', value: { stringValue: 'zz' } },
        { key: 'x', value: { stringValue: 'y' } },
      ],
      timeUnixNano: '5000000000',
      asDouble: 2,
      traceId: Buffer.from('ab'.padStart(32, '0'), 'hex').toString('base64'),
    },
  ])
})
