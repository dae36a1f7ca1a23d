/** What points become: values, times, staleness marks, histograms, exemplars, metadata, and what cannot be written. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  at,
  attributes,
  counter,
  exponential,
  gauge,
  histogram,
  type Plain,
  point,
  started,
  V2,
  VERSIONS,
} from './kit.ts'

const NUMBERS = [0, -0, 1, -1, 0.1, 1e300, 5e-324, 123_456_789.123_456_79, NaN, Infinity, -Infinity, 2 ** 53]

for (const [version, config] of VERSIONS) {
  // Scenario: special numbers, integers beyond 2^53, times that are not whole milliseconds.
  // Guarantees: doubles bit by bit, integers rounded once, times in whole milliseconds towards the past. A point without a
  // time, for which Prometheus would refuse all that is in the same request, is rejected.
  test(`values and times, version ${version}`, async t => {
    const { send, one, server, dropped } = await started(t, config)
    await send([
      ...NUMBERS.map((value, i) => gauge(`n${i}`, value)),
      counter('i', [point(10, 0, { asInt: '9007199254740995' })]),
      counter('minus', [point(10, 0, { asInt: '-5' })]),
      gauge('t', 1, {}, { timeUnixNano: '1700000000010999999' }),
      gauge('exact', 1, {}, { timeUnixNano: '1700000000010000000' }),
      gauge('never', 1, {}, { timeUnixNano: '0' }),
    ])
    for (const [i, value] of NUMBERS.entries())
      assert.ok(Object.is(one(`n${i}`).samples[0]!.value, value), `${value}`)
    assert.equal(one('i_total').samples[0]!.value, 9_007_199_254_740_996)
    assert.equal(one('minus_total').samples[0]!.value, -5)
    assert.equal(one('t').samples[0]!.time, 1_700_000_000_010)
    assert.equal(one('exact').samples[0]!.time, 1_700_000_000_010)
    assert.ok(!server.taken().has('never{}'))
    assert.deepEqual(dropped(), { no_time: 1 })
  })

  // Scenario: points of one series in any order, some twice, two with other values at one time; one series from two
  // metrics.
  // Guarantees: samples in order of time, each time once, the first value kept; the point that lost is counted.
  test(`order and duplicates, version ${version}`, async t => {
    const { send, one, dropped, page } = await started(t, config)
    await send([
      counter(
        'c',
        [30, 10, 20, 10, 30, 5].map(seconds => point(seconds, seconds)),
      ),
      counter('d', [point(10, 1), point(10, 2), point(10, 1)]),
      gauge('e.f', 1),
      gauge('e_f', 1),
      gauge('e_f', 2),
    ])
    assert.deepEqual(
      one('c_total').samples.map(({ time, value }) => [time, value]),
      [5, 10, 20, 30].map(seconds => [seconds * 1000, seconds]),
    )
    assert.deepEqual(
      one('d_total').samples.map(({ value }) => value),
      [1],
    )
    assert.deepEqual(dropped(), { duplicate_sample: 2 })
    assert.equal(page.out, 10)
  })

  // Scenario: histograms and summaries of one series at one time: equal ones, and others with the same count.
  // Guarantees: equal ones are written once, of two that differ the first is, and the other is counted as lost.
  test(`duplicates of several series, version ${version}`, async t => {
    const { send, one, dropped, page } = await started(t, config)
    const summary = (value: number): Plain => ({
      name: 's',
      summary: {
        dataPoints: [
          { timeUnixNano: at(10), count: '2', sum: 3, quantileValues: [{ quantile: 0.5, value }] },
        ],
      },
    })
    await send([
      ...[histogram('h'), histogram('h'), histogram('h', { sum: 4 })],
      histogram('h', { bucketCounts: ['2', '1', '3'] }),
      ...[summary(1), summary(1), summary(2)],
    ])
    assert.deepEqual([page.out, dropped()], [4, { duplicate_sample: 3 }])
    assert.deepEqual(
      one('h_sum').samples.map(({ value }) => value),
      [3.5],
    )
  })

  // Scenario: a histogram, one without a sum, one whose lists are not packed, one whose bounds change.
  // Guarantees: count, sum, cumulative buckets and the bucket to infinity; bounds written as Go prints them.
  test(`classic histograms, version ${version}`, async t => {
    const { server, send, one } = await started(t, config)
    const buckets = (name: string): Record<string, unknown> =>
      Object.fromEntries(
        [...server.taken().values()]
          .filter(({ labels }) => Object.fromEntries(labels)['__name__'] === `${name}_bucket`)
          .map(({ labels, samples }) => [Object.fromEntries(labels)['le'], samples.at(-1)!.value]),
      )
    await send([
      histogram('h'),
      histogram('big', { explicitBounds: [1e-7, 1e21, 1e6], bucketCounts: ['1', '1', '1', '3'] }),
      histogram('none', { sum: undefined, explicitBounds: [], bucketCounts: [] }),
    ])
    assert.deepEqual(buckets('h'), { 1: 1, 2.5: 3, '+Inf': 6 })
    assert.equal(one('h_sum').samples[0]!.value, 3.5)
    assert.equal(one('h_count').samples[0]!.value, 6)
    assert.deepEqual(buckets('big'), { '0.0000001': 1, '1000000000000000000000': 2, '1000000': 3, '+Inf': 6 })
    assert.deepEqual(buckets('none'), { '+Inf': 6 })
    assert.ok(![...server.taken().keys()].some(key => key.startsWith('none_sum')))
    await send([histogram('h', { timeUnixNano: at(20), explicitBounds: [7], bucketCounts: ['4', '2'] })])
    assert.deepEqual(buckets('h'), { 1: 1, 2.5: 3, 7: 4, '+Inf': 6 })
  })

  // Scenario: exponential histograms with gaps, negative buckets, more resolution than Prometheus has.
  // Guarantees: buckets are moved by one and merged, the zero bucket is there; samples and histograms never share a
  // series; what Prometheus would refuse is rejected before it spoils the request.
  test(`native histograms, version ${version}`, async t => {
    const { server, send, one, dropped } = await started(t, config)
    await send([
      exponential('n'),
      exponential('fine', {
        count: '11',
        scale: 10,
        zeroThreshold: 0.5,
        positive: { offset: -3, bucketCounts: ['1', '2', '3', '0', '0', '0', '0', '1'] },
        negative: { offset: 5, bucketCounts: ['3'] },
      }),
      exponential('wrong', { count: '7' }),
      exponential('coarse', { scale: -5 }),
      exponential('far', { positive: { offset: 2 ** 31 - 2, bucketCounts: ['2', '0', '3'] } }),
      exponential('last', { positive: { offset: 2 ** 31 - 2, bucketCounts: ['5', '0', '0'] } }),
      exponential('first', { negative: { offset: -(2 ** 31), bucketCounts: ['5'] }, positive: undefined }),
      exponential('both'),
      gauge('both', 1),
    ])
    const plain = ({ positive, negative, count, zeroCount, schema, zeroThreshold, sum }: Plain) => [
      schema,
      positive,
      negative,
      count,
      zeroCount,
      zeroThreshold,
      sum,
    ]
    const read = (name: string) => plain(one(name).histograms[0] as unknown as Plain)
    assert.deepEqual(read('n'), [2, { 4: 2, 8: 3 }, {}, 6, 1, 1e-128, 3.5])
    assert.deepEqual(read('last'), [2, { [2 ** 31 - 1]: 5 }, {}, 6, 1, 1e-128, 3.5])
    assert.deepEqual(read('first'), [2, {}, { [1 - 2 ** 31]: 5 }, 6, 1, 1e-128, 3.5])
    assert.deepEqual(read('fine'), [8, { 0: 6, 2: 1 }, { 2: 3 }, 11, 1, 0.5, 3.5])
    for (const { samples, histograms } of server.taken().values())
      assert.ok(samples.length === 0 || histograms.length === 0)
    assert.deepEqual(dropped(), {
      bucket_out_of_range: 1,
      histogram_count_mismatch: 1,
      scale_too_low: 1,
      type_conflict: 1,
    })
  })

  // Scenario: staleness marks of each kind, also of histograms and summaries that have lost their buckets.
  // Guarantees: Prometheus' own NaN in every series that was there, and in no other.
  test(`staleness, version ${version}`, async t => {
    const { server, send } = await started(t, config)
    const summary = (own: Plain): Plain => ({
      name: 's',
      summary: {
        dataPoints: [
          { timeUnixNano: at(10), count: '2', sum: 3, quantileValues: [{ quantile: 0.5, value: 1 }], ...own },
        ],
      },
    })
    await send([gauge('g', 1), histogram('h'), exponential('n'), summary({}), gauge('stays', NaN)])
    const gone = { timeUnixNano: at(20), flags: 1 }
    await send([
      gauge('g', 0, {}, gone),
      histogram('h', { ...gone, count: '0', sum: undefined, explicitBounds: [], bucketCounts: [] }),
      exponential('n', { ...gone, count: '0', sum: undefined, positive: undefined, zeroCount: '0' }),
      summary({ ...gone, quantileValues: [] }),
    ])
    for (const [key, { samples, histograms }] of server.taken()) {
      const ends = [...samples.map(({ value }) => value), ...histograms.map(({ sum }) => sum)].at(-1)
      if (key.startsWith('stays')) assert.ok(Number.isNaN(ends))
      else assert.equal(ends, 'stale', key)
    }
    assert.equal(server.taken().size, 1 + 5 + 1 + 3 + 1)
  })

  // Scenario: exemplars of counters, gauges and histograms, with too much text, without a time, out of order.
  // Guarantees: ids and attributes as labels, attributes left out beyond 128 letters, in order of time, each in the
  // bucket of its value.
  test(`exemplars, version ${version}`, async t => {
    const { send, one, server } = await started(t, config)
    const traceId = Buffer.from('0af7651916cd43dd8448eb211c80319c', 'hex')
    const spanId = Buffer.from('b7ad6b7169203331', 'hex')
    const exemplar = (value: number, own: Plain = {}): Plain => ({
      asDouble: value,
      timeUnixNano: at(9),
      traceId,
      ...own,
    })
    await send([
      counter('c', [
        point(10, 1, {
          exemplars: [
            exemplar(2, { timeUnixNano: at(9.5), spanId, filteredAttributes: attributes({ user: 'ann' }) }),
            exemplar(1, { filteredAttributes: attributes({ long: 'x'.repeat(100) }) }),
            exemplar(3, { timeUnixNano: '0', asDouble: undefined, asInt: '3', traceId: undefined }),
          ],
        }),
      ]),
      gauge('g', 1, {}, { exemplars: [exemplar(7)] }),
      histogram('h', { exemplars: [exemplar(1), exemplar(2), exemplar(9)] }),
      exponential('n', { exemplars: [exemplar(5)] }),
    ])
    const trace_id = '0af7651916cd43dd8448eb211c80319c'
    assert.deepEqual(one('c_total').exemplars, [
      { labels: { trace_id }, value: 1, time: 9000 },
      { labels: { span_id: 'b7ad6b7169203331', trace_id, user: 'ann' }, value: 2, time: 9500 },
      { labels: {}, value: 3, time: 10_000 },
    ])
    assert.equal(one('g').exemplars.length, 1)
    assert.equal(one('n').exemplars[0]!.value, 5)
    const buckets = [...server.taken()].filter(([key]) => key.startsWith('h_bucket'))
    assert.deepEqual(
      Object.fromEntries(
        buckets.map(([key, { exemplars }]) => [
          /le="(.*?)"/.exec(key)![1],
          exemplars.map(({ value }) => value),
        ]),
      ),
      { 1: [1], 2.5: [2], '+Inf': [9] },
    )
  })
}

// Scenario: every kind with a description and a unit, types that only Prometheus has, sums that began at some time.
// Guarantees: 2.0 says type, help, unit of each series, and the start of what counts, and of nothing else.
test('metadata and start times of 2.0', async t => {
  const { server, send } = await started(t, V2)
  const told = (metric: Plain): Plain => ({ ...metric, description: 'Help.', unit: 's' })
  const start = { startTimeUnixNano: at(3) }
  await send(
    [
      gauge('g', 1, {}, start),
      counter('c', [point(10, 1, start)]),
      counter('late', [point(10, 1, { startTimeUnixNano: '0' })]),
      histogram('h', start),
      exponential('n', start),
      { name: 's', summary: { dataPoints: [{ timeUnixNano: at(10), ...start, count: '1' }] } },
      {
        name: 'u',
        sum: { aggregationTemporality: 2, dataPoints: [{ timeUnixNano: at(10), ...start, asInt: '1' }] },
      },
      { ...gauge('x', 1), metadata: attributes({ 'prometheus.type': 'unknown' }) },
    ].map(told),
    { resource: { 'service.name': 's', a: 'b' } },
  )
  const seen = Object.fromEntries(
    [...server.taken().values()].map(({ labels, metadata, samples, histograms }) => [
      Object.fromEntries(labels)['__name__'],
      [metadata!.type, metadata!.help, metadata!.unit, [...samples, ...histograms][0]!.start],
    ]),
  )
  assert.deepEqual(seen, {
    g_seconds: [2, 'Help.', 'seconds', 0],
    c_seconds_total: [1, 'Help.', 'seconds', 3000],
    late_seconds_total: [1, 'Help.', 'seconds', 0],
    h_seconds_count: [3, 'Help.', 'seconds', 3000],
    h_seconds_sum: [3, 'Help.', 'seconds', 3000],
    h_seconds_bucket: [3, 'Help.', 'seconds', 3000],
    n_seconds: [3, 'Help.', 'seconds', 3000],
    s_seconds_count: [5, 'Help.', 'seconds', 3000],
    s_seconds_sum: [5, 'Help.', 'seconds', 3000],
    u_seconds: [2, 'Help.', 'seconds', 0],
    x_seconds: [0, 'Help.', 'seconds', 0],
    target_info: [2, 'Target metadata', '', 0],
  })
})

// Scenario: a new release of a service says something else of a metric whose name and labels stay.
// Guarantees: from then on so does 2.0, for the series that are known already.
test('metadata that change', async t => {
  const { server, send } = await started(t, V2)
  const told = (description: string, metric: Plain): Plain => ({ ...metric, description })
  await send([told('Old.', gauge('g', 1)), told('Old.', histogram('h'))])
  await send([told('New.', gauge('g', 1)), told('New.', histogram('h', { timeUnixNano: at(20) }))])
  await send([told('New.', gauge('g', 1)), told('New.', histogram('h', { timeUnixNano: at(30) }))])
  const helps = server.requests.map(({ series }) => [...new Set(series.map(one => one.metadata!.help))])
  assert.deepEqual(helps, [['Old.'], ['New.'], ['New.']])
})

// Scenario: metrics that cannot be written beside one that can.
// Guarantees: the good one arrives, every other point has a reason, and all of it adds up.
test('what cannot be written has a reason', async t => {
  const { send, dropped, page, settings } = await started(t)
  await send([
    gauge('good', 1),
    counter('delta', [point(10, 1), point(20, 2)], 1),
    histogram('deltas', {}, 1),
    counter('unsaid', [point(10, 1)], 0),
    gauge('...', 1),
    gauge('g', 1, { '': 'x' }),
    histogram('le', { attributes: attributes({ le: 'x' }) }),
    { name: 'nothing' },
  ])
  assert.deepEqual(dropped(), {
    delta_temporality: 3,
    unknown_temporality: 1,
    bad_name: 2,
    reserved_label: 1,
  })
  assert.equal(page.out, 1)
  const warnings = settings.log.lines.filter(({ message }) => message === 'Points cannot be written.')
  assert.equal(warnings.length, 4)
  assert.match(String(warnings[0]!.fields['why']), /cumulative temporality \(delta\)$/)
  assert.equal([...settings.metrics.values].find(([name]) => name.includes('failed_translations'))?.[1], 1)
})

// Scenario: the same metrics again and again, in another order, with attributes apart from each other, and with more
// series than are remembered.
// Guarantees: what is remembered never changes what is written.
test('what is remembered', async t => {
  const { server, send, settings } = await started(t, { ...V2, series_cache_size: 1000 })
  const metrics = (round: number): Plain[] => {
    const series = Array.from({ length: 300 }, (_, i) =>
      counter(`c${i % 7}`, [point(10 + round, round, { attributes: attributes({ i: String(i), a: 'b' }) })]),
    )
    return round % 2 === 0 ? series : series.toReversed()
  }
  for (let round = 0; round < 4; round++) {
    await send(metrics(round))
    await send(Array.from({ length: 400 }, (_, i) => gauge('other', i, { i: `${round}-${i}` })))
  }
  const counters = [...server.taken()].filter(([key]) => key.startsWith('c'))
  assert.equal(counters.length, 300)
  for (const [, { samples }] of counters)
    assert.deepEqual(
      samples.map(({ time, value }) => [time, value]),
      [0, 1, 2, 3].map(round => [(10 + round) * 1000, round]),
    )
  assert.equal(server.taken().size, 300 + 1600)
  const translated = [...settings.metrics.values].find(([name]) => name.includes('translated_time_series'))
  assert.equal(translated![1], 4 * 700)
})
