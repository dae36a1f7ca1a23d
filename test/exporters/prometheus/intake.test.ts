import assert from 'node:assert/strict'
import { test } from 'node:test'
import { PROTOBUF, readProtoPage } from '../../kit/prometheus-page.ts'
import { at, attributes, counter, gauge, lost, started } from './kit.ts'

type Plain = Record<string, unknown>
const delta = (from: number, to: number, own: Plain): Plain => ({
  startTimeUnixNano: at(from),
  timeUnixNano: at(to),
  ...own,
})
const histogram = (from: number, to: number, own: Plain = {}, temporality = 1): Plain => ({
  name: 'h',
  histogram: {
    aggregationTemporality: temporality,
    dataPoints: [
      delta(from, to, { count: '3', sum: 1.5, explicitBounds: [1], bucketCounts: ['2', '1'], ...own }),
    ],
  },
})

// Scenario: points of one series out of order, of equal time, and later ones.
// Guarantees: the latest is shown; an older one is counted as such.
test('the latest point is shown', async t => {
  const { send, scrape } = await started(t)
  const value = async (): Promise<string> => (await scrape()).samples.join()
  await send([gauge('g', 1)])
  assert.deepEqual(lost(await send([gauge('g', 2, {}, { timeUnixNano: at(9) })])), { out_of_order: 1 })
  assert.equal(await value(), 'g 1')
  await send([gauge('g', 3)])
  assert.equal(await value(), 'g 3')
  await send([gauge('g', 4, {}, { timeUnixNano: at(11) })])
  assert.equal(await value(), 'g 4')
})

// Scenario: delta sums that follow each other, a gap, and one that was sent twice.
// Guarantees: they add up, exactly beyond 2^53; after a gap counting begins anew; a repeat changes nothing.
test('deltas of a sum', async t => {
  const { send, scrape } = await started(t)
  const ints = (from: number, to: number, asInt: string): Plain =>
    counter('c', [delta(from, to, { asInt })], 1)
  const created = async (): Promise<unknown> => {
    const { counter } = readProtoPage((await scrape({ accept: PROTOBUF })).bytes)[0]!.metric[0]! as {
      counter: { value: number; created_timestamp: { seconds: string } }
    }
    return [counter.value, counter.created_timestamp.seconds]
  }
  await send([ints(10, 20, '9007199254740993')])
  await send([ints(20, 30, '1')])
  assert.deepEqual(await created(), [9_007_199_254_740_994, '10'])
  assert.deepEqual(lost(await send([ints(20, 30, '1')])), { delta_overlap: 1 })
  assert.deepEqual(lost(await send([ints(15, 25, '1')])), { out_of_order: 1 })
  assert.deepEqual(await created(), [9_007_199_254_740_994, '10'])
  await send([ints(40, 50, '5')])
  assert.deepEqual(await created(), [5, '40'])
})

// Scenario: delta histograms that follow each other, with other bounds, and one that overlaps; a cumulative one.
// Guarantees: buckets, count and sum add up; other bounds begin anew; an overlap is counted and changes nothing.
test('deltas of a histogram', async t => {
  const { send, scrape } = await started(t)
  const lines = async (): Promise<string[]> => (await scrape()).samples.map(line => line.replace(/^h_/, ''))
  await send([histogram(0, 10)])
  await send([histogram(10, 20)])
  assert.deepEqual(await lines(), ['bucket{le="1"} 4', 'bucket{le="+Inf"} 6', 'sum 3', 'count 6'])
  assert.deepEqual(lost(await send([histogram(15, 30)])), { delta_overlap: 1 })
  assert.deepEqual(lost(await send([histogram(0, 30)])), { delta_overlap: 1 })
  await send([histogram(20, 30, { explicitBounds: [2] })])
  assert.deepEqual(await lines(), ['bucket{le="2"} 2', 'bucket{le="+Inf"} 3', 'sum 1.5', 'count 3'])
  assert.deepEqual(lost(await send([histogram(0, 5, {}, 2)])), { out_of_order: 1 })
})

// Scenario: delta exponential histograms of two scales; then one whose buckets lie far away.
// Guarantees: they add up at the lesser scale; what cannot be added is counted and changes nothing.
test('deltas of an exponential histogram', async t => {
  const { send, scrape } = await started(t)
  const exponential = (from: number, to: number, own: Plain): Plain => ({
    name: 'e',
    exponentialHistogram: {
      aggregationTemporality: 1,
      dataPoints: [delta(from, to, { count: '3', sum: 2, zeroCount: '1', ...own })],
    },
  })
  await send([exponential(0, 10, { scale: 1, positive: { offset: -1, bucketCounts: ['1', '1'] } })])
  await send([exponential(10, 20, { scale: 0, positive: { offset: 1, bucketCounts: ['2'] } })])
  const shown = async (): Promise<Plain> =>
    readProtoPage((await scrape({ accept: PROTOBUF })).bytes)[0]!.metric[0]!['histogram'] as Plain
  const { sample_count, sample_sum, schema, zero_count, positive_span, positive_delta } = await shown()
  assert.deepEqual([sample_count, sample_sum, schema, zero_count], ['6', 4, 0, '2'])
  assert.deepEqual([positive_span, positive_delta], [[{ offset: 0, length: 3 }], ['1', '0', '1']])
  const far = exponential(20, 30, { scale: 0, positive: { offset: 100_000, bucketCounts: ['2'] } })
  assert.deepEqual(lost(await send([far])), { buckets_too_far_apart: 1 })
  assert.equal((await shown())['sample_count'], '6')
})

// Scenario: staleness marks for a series that is there, for one that is not, beside a good point.
// Guarantees: the series goes, the others stay, every point counts as sent, and a later point brings it back.
test('staleness marks take a series away', async t => {
  const { send, scrape } = await started(t)
  const points = (flags: number): Plain => ({
    name: 'g',
    gauge: {
      dataPoints: [
        { attributes: attributes({ i: 'a' }), timeUnixNano: at(20), flags },
        { attributes: attributes({ i: 'never' }), timeUnixNano: at(20), flags: 1 },
        { attributes: attributes({ i: 'b' }), timeUnixNano: at(20), asInt: '2' },
      ],
    },
  })
  assert.deepEqual(await send([points(0)]), { sent: 3 })
  assert.deepEqual(await send([points(1)]), { sent: 3 })
  assert.deepEqual((await scrape()).samples, ['g{i="b"} 2'])
  await send([gauge('g', 5, { i: 'a' }, { timeUnixNano: at(1) })])
  assert.deepEqual((await scrape()).samples, ['g{i="a"} 5', 'g{i="b"} 2'])
})

// Scenario: the same attributes in another order, from two resources without identity; the same keys escaped.
// Guarantees: one series for one set of labels; a set that only looks the same after escaping is a clash.
test('what is one series', async t => {
  const { send, scrape } = await started(t)
  await send([gauge('g', 1, { a: '1', b: '2' })], { resource: { host: 'x' } })
  await send([gauge('g', 2, { b: '2', a: '1' })], { resource: { host: 'y' } })
  assert.deepEqual((await scrape()).samples, ['g{a="1",b="2"} 2'])
  await send([gauge('k', 1, { 'a.b': '1;2' })])
  assert.deepEqual(lost(await send([gauge('k', 2, { 'a.b': '2', a_b: '1' })])), {})
  assert.deepEqual(lost(await send([gauge('k', 2, { 'a.b': '1', a_b: '2' })])), { duplicate_series: 1 })
})

// Scenario: two scopes say the same series, with and without labels that tell them apart.
// Guarantees: both are shown, or the first one steadily and the other is counted; never one after the other.
test('scopes without labels', async t => {
  for (const without_scope_info of [false, true]) {
    const { send, scrape } = await started(t, { without_scope_info })
    const from = (name: string) => ({ scope: { name } })
    await send([gauge('g', 1)], from('a'))
    assert.deepEqual(
      lost(await send([gauge('g', 2)], from('b'))),
      without_scope_info ? { duplicate_series: 1 } : {},
    )
    const values = (await scrape()).samples.map(line => line.split(' ')[1])
    assert.deepEqual(values, without_scope_info ? ['1'] : ['1', '2'])
  }
})

// Scenario: exemplars of a counter and of a gauge.
// Guarantees: the last one of the counter is shown; gauges have none, as OpenMetrics says.
test('exemplars', async t => {
  const { send, scrape } = await started(t, { enable_open_metrics: true })
  const exemplars = ['01', '02'].map((id, i) => ({
    asDouble: i,
    timeUnixNano: at(1.5),
    traceId: Buffer.from(id.repeat(16), 'hex'),
    spanId: Buffer.alloc(8),
  }))
  await send([counter('c', [{ asInt: '1', exemplars }]), gauge('g', 1, {}, { exemplars })])
  const { samples } = await scrape({ accept: 'application/openmetrics-text;version=1.0.0' })
  assert.deepEqual(samples, [`c_total 1.0 # {trace_id="${'02'.repeat(16)}"} 1.0 1.5`, 'g 1.0'])
})
