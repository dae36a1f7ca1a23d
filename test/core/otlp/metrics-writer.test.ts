import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  AggregationTemporality,
  Exemplars,
  MetricsWriter,
  writeTextAttribute,
} from '../../../core/otlp/metrics-writer.ts'
import { validate } from '../../../core/otlp/validate.ts'
import { Writer } from '../../../core/otlp/writer.ts'
import { decodeRequest } from '../../kit/proto.ts'

const CUMULATIVE = AggregationTemporality.AGGREGATION_TEMPORALITY_CUMULATIVE
const DELTA = AggregationTemporality.AGGREGATION_TEMPORALITY_DELTA
const START = 1_700_000_000_000_000_001n
const TIME = 1_700_000_060_000_000_002n

function attributes(pairs: Readonly<Record<string, string>>): Uint8Array {
  const out = new Writer()
  for (const [key, value] of Object.entries(pairs)) writeTextAttribute(out, key, value)
  return out.copy()
}

function plain(pairs: Readonly<Record<string, string>>): unknown {
  return Object.entries(pairs).map(([key, value]) => ({ key, value: { stringValue: value } }))
}

function exemplars(): Exemplars {
  const some = new Exemplars(2)
  const ids = Uint8Array.from({ length: 40 }, (_, i) => i)
  for (let i = 0; i < 3; i++) some.add(ids, i, 20 + i, i + 0.5)
  return some
}

const EXEMPLARS = [0, 1].map(i => ({
  timeUnixNano: String(TIME),
  asDouble: i + 0.5,
  traceId: Buffer.from(Array.from({ length: 16 }, (_, k) => k + i)).toString('base64'),
  spanId: Buffer.from(Array.from({ length: 8 }, (_, k) => 20 + k + i)).toString('base64'),
}))

// Scenario: two resources with metrics of every kind, attributes that are longer than 127 bytes, exemplars (one more than
// there is room for), counts above 2^32; then another request from the same writer.
// Guarantees: protobufjs reads exactly that, the door accepts it and counts the points that the writer counted.
test('every kind of metric is written', () => {
  const long = { key: 'v'.repeat(300), other: 'x' }
  const some = attributes({ a: 'b' })
  const both = Buffer.concat([some, attributes(long)])
  const writer = new MetricsWriter(64)
  writer.resource(attributes({ 'service.name': 'shop' }))
  writer.scope('maker', '1.2')
  writer.metric('calls', '', '', 'sum', CUMULATIVE)
  writer.numberPoint(both, 0, some.length, START, TIME, 7)
  writer.numberPoint(both, some.length, both.length, START, TIME, 2 ** 53 - 1, exemplars())
  writer.metric('duration', 'ms', 'How long.', 'histogram', DELTA)
  const counts = Float64Array.of(9, 9, 1, 2 ** 40, 3)
  const point = { bounds: Float64Array.of(2, 4.5), counts, at: 2, count: 2 ** 40 + 4, sum: 1.25 }
  writer.histogramPoint(both, some.length, both.length, START, TIME, point, exemplars())
  const empty = { bounds: new Float64Array(), counts: Float64Array.of(5), at: 0, count: 5, sum: 0 }
  writer.histogramPoint(some, 0, some.length, START, TIME, empty)
  writer.resource(new Uint8Array())
  writer.scope('')
  writer.metric('size', 'By', '', 'gauge')
  writer.numberPoint(some, 0, 0, START, TIME, 0)
  writer.metric('spread', 's', '', 'exponential_histogram', CUMULATIVE)
  const buckets = {
    scale: -3,
    zeroCount: 2,
    offset: -1000,
    counts: Float64Array.of(0, 1, 300, 0, 2 ** 35),
    first: 1,
    length: 4,
    count: 2 ** 35 + 303,
    sum: 99,
    min: 0,
    max: 12,
  }
  writer.exponentialPoint(both, 0, both.length, START, TIME, buckets, exemplars())
  const none = { ...buckets, scale: 0, zeroCount: 0, offset: 0, length: 0, count: 0, sum: 0 }
  writer.exponentialPoint(some, 0, some.length, START, TIME, none)
  const times = { startTimeUnixNano: String(START), timeUnixNano: String(TIME) }
  assert.equal(writer.points, 7)
  const request = writer.take()
  assert.equal(validate(request, 'metrics'), 7)
  const { resourceMetrics } = decodeRequest('metrics', request) as { resourceMetrics: unknown[] }
  assert.deepEqual(resourceMetrics[0], {
    resource: { attributes: plain({ 'service.name': 'shop' }) },
    scopeMetrics: [
      {
        scope: { name: 'maker', version: '1.2' },
        metrics: [
          {
            name: 'calls',
            sum: {
              aggregationTemporality: 2,
              isMonotonic: true,
              dataPoints: [
                { ...times, asInt: '7', attributes: plain({ a: 'b' }) },
                { ...times, asInt: '9007199254740991', attributes: plain(long), exemplars: EXEMPLARS },
              ],
            },
          },
          {
            name: 'duration',
            unit: 'ms',
            description: 'How long.',
            histogram: {
              aggregationTemporality: 1,
              dataPoints: [
                {
                  ...times,
                  count: '1099511627780',
                  sum: 1.25,
                  bucketCounts: ['1', '1099511627776', '3'],
                  explicitBounds: [2, 4.5],
                  attributes: plain(long),
                  exemplars: EXEMPLARS,
                },
                { ...times, count: '5', sum: 0, bucketCounts: ['5'], attributes: plain({ a: 'b' }) },
              ],
            },
          },
        ],
      },
    ],
  })
  const all = plain({ a: 'b', ...long })
  assert.deepEqual(resourceMetrics[1], {
    resource: {},
    scopeMetrics: [
      {
        scope: {},
        metrics: [
          { name: 'size', unit: 'By', gauge: { dataPoints: [{ ...times, asInt: '0' }] } },
          {
            name: 'spread',
            unit: 's',
            exponentialHistogram: {
              aggregationTemporality: 2,
              dataPoints: [
                {
                  ...times,
                  count: '34359738671',
                  sum: 99,
                  scale: -3,
                  zeroCount: '2',
                  positive: { offset: -1000, bucketCounts: ['1', '300', '0', '34359738368'] },
                  min: 0,
                  max: 12,
                  attributes: all,
                  exemplars: EXEMPLARS,
                },
                { ...times, sum: 0, positive: {}, attributes: plain({ a: 'b' }) },
              ],
            },
          },
        ],
      },
    ],
  })
  writer.resource(some)
  writer.scope('again')
  writer.metric('m', '', '', 'gauge')
  writer.numberPoint(some, 0, some.length, START, TIME, 1)
  assert.equal(writer.points, 1)
  assert.equal(validate(writer.take(), 'metrics'), 1)
})

// Scenario: points with any number of attributes, of any length and any text.
// Guarantees: the sizes that are written before a point are right, whatever is in it.
test('sizes are right for any attributes', () => {
  const pairs = fc.dictionary(
    fc.string({ maxLength: 200, unit: 'grapheme' }),
    fc.string({ maxLength: 20_000 }),
  )
  fc.assert(
    fc.property(pairs, fc.nat(40), (some, bounds) => {
      const writer = new MetricsWriter(16)
      const bytes = attributes(some)
      writer.resource(bytes)
      writer.scope('s')
      writer.metric('h', '', '', 'histogram', DELTA)
      const counts = new Float64Array(bounds + 1)
      const point = { bounds: new Float64Array(bounds).fill(1), counts, at: 0, count: 0, sum: 0 }
      writer.histogramPoint(bytes, 0, bytes.length, 0n, 2n ** 64n - 1n, point)
      const request = writer.take()
      assert.equal(validate(request, 'metrics'), 1)
      const read = JSON.stringify(decodeRequest('metrics', request))
      assert.equal(read.includes('18446744073709551615'), true)
      for (const value of Object.values(some)) assert.ok(read.includes(JSON.stringify(value)))
    }),
    { numRuns: 60 },
  )
})
