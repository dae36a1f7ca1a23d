/** Series that get no points any more are ended, when the config says so. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { batchOf } from '../../../core/component/batch.ts'
import { countItems } from '../../../core/otlp/walk.ts'
import { factory } from '../../../exporters/prometheus-remote-write/index.ts'
import { Translator } from '../../../exporters/prometheus-remote-write/translator.ts'
import { readConfig } from '../../kit/read-config.ts'
import { readRequest2 } from '../../kit/remote-write.ts'
import {
  at,
  counter,
  exponential,
  gauge,
  histogram,
  metricsRequest,
  type Plain,
  point,
  started,
  until,
  V2,
  VERSIONS,
} from './kit.ts'

/** What each batch writes, at times that the test says: `name` -> values of its samples. */
function writer(plain: Record<string, unknown>) {
  const translator = new Translator(readConfig(factory.config, { endpoint: 'http://a', ...V2, ...plain }))
  return (now: number, ...metrics: Plain[]): Record<string, unknown[]> => {
    const chunk = metricsRequest(metrics)
    const batch = batchOf('metrics', metrics.length === 0 ? [] : [chunk], countItems(chunk, 'metrics'))
    const { requests } = translator.translate(batch, 'io.prometheus.write.v2.Request', now)
    const series = [...requests].flatMap(({ bytes }) => readRequest2(bytes).series)
    return Object.fromEntries(
      series.map(({ key, samples, histograms }) => [
        key.replace('{}', ''),
        [
          ...samples.map(({ time, value }) => [time, value]),
          ...histograms.map(({ time, sum }) => [time, sum]),
        ],
      ]),
    )
  }
}

// Scenario: one series goes on, others stop; time passes; one comes back, late.
// Guarantees: each series that stopped gets one mark, metric_expiration after its last sample, in the same requests as
// what came meanwhile; one that comes back is written in order and ends again.
test('what stops is ended once', () => {
  const write = writer({ metric_expiration: '60s' })
  const later = (seconds: number): Plain => ({ timeUnixNano: at(seconds) })
  assert.deepEqual(Object.keys(write(1000, gauge('goes', 1), gauge('stops', 1), exponential('n'))), [
    'goes',
    'stops',
    'n',
  ])
  assert.deepEqual(write(50_000, gauge('goes', 2, {}, later(50))), { goes: [[50_000, 2]] })
  assert.deepEqual(write(70_000, gauge('goes', 3, {}, later(60))), {
    stops: [[70_000, 'stale']],
    n: [[70_000, 'stale']],
    goes: [[60_000, 3]],
  })
  assert.deepEqual(write(90_000), {})
  assert.deepEqual(write(100_000, gauge('stops', 4, {}, later(95))), { stops: [[95_000, 4]] })
  assert.deepEqual(write(161_000), { goes: [[120_000, 'stale']], stops: [[155_000, 'stale']] })
  assert.deepEqual(write(1_000_000), {})
})

// Scenario: a series that its sender has ended; a point that comes with the mark that is due.
// Guarantees: no second mark; mark and point stand in order of time.
test('marks and points', () => {
  const write = writer({ metric_expiration: '60s' })
  write(1000, gauge('ended', 1), gauge('back', 1))
  write(2000, gauge('ended', 0, {}, { timeUnixNano: at(11), flags: 1 }))
  assert.deepEqual(write(100_000, gauge('back', 2, {}, { timeUnixNano: at(99) })), {
    back: [
      [70_000, 'stale'],
      [99_000, 2],
    ],
  })
})

// Scenario: a sender that was cut off sends what it kept meanwhile, from before the mark that is due, in any order.
// Guarantees: no mark, for which a server would refuse what comes next; the series ends when it stops again.
test('late points instead of a mark', () => {
  const write = writer({ metric_expiration: '60s' })
  const points = (...seconds: number[]): Plain =>
    counter(
      'c',
      seconds.map(one => point(one, one)),
    )
  write(1000, points(10))
  assert.deepEqual(write(100_000, points(80, 20, 40)), {
    c_total: [
      [20_000, 20],
      [40_000, 40],
      [80_000, 80],
    ],
  })
  assert.deepEqual(write(101_000, points(90)), { c_total: [[90_000, 90]] })
  assert.deepEqual(write(200_000), { c_total: [[150_000, 'stale']] })
  assert.deepEqual(write(300_000, points(400)), { c_total: [[400_000, 400]] })
})

// Scenario: no metric_expiration; more series than are remembered.
// Guarantees: nothing is ended by itself, and what is forgotten is not either.
test('never by default', () => {
  const write = writer({})
  write(1000, gauge('a', 1))
  assert.deepEqual(write(1e9), {})
  const few = writer({ metric_expiration: '60s', series_cache_size: 1000 })
  few(1000, ...Array.from({ length: 1200 }, (_, i) => gauge(`g${i}`, i)))
  assert.deepEqual(few(100_000, gauge('b', 1)), { b: [[10_000, 1]] })
})

// Scenario: the server never answers the request with the marks; then points come.
// Guarantees: the marks time out like any request, the points go through, and the marks come before them.
test('marks that get no answer hold up nothing', async t => {
  const { server, send, page, dropped } = await started(t, { metric_expiration: '20ms', timeout: '200ms' })
  let free = (): void => {}
  const never = new Promise<void>(resolve => {
    free = resolve
  })
  // Known by what is in it: on a busy machine the first request takes its time too, and comes twice.
  let hung = -1
  server.answer = ({ series }, nth) => {
    const marks = series.some(({ samples }) => samples.some(({ value }) => value === 'stale'))
    if (!marks || hung >= 0) return undefined
    hung = nth
    return { after: never }
  }
  await send([counter('c', [point(10, 1)])])
  await until('the request with the marks', () => hung >= 0)
  await send([counter('c', [point(20, 2)])])
  free()
  assert.deepEqual([page.out, dropped()], [2, {}])
  const values = server.requests
    .slice(hung + 1)
    .flatMap(({ series }) => series.flatMap(({ samples }) => samples.map(({ value }) => value)))
  // Of marks that came and were not answered in time, or whose answer was not waited for, there are more than one.
  assert.deepEqual([...new Set(values.slice(0, values.indexOf(2) + 1))], ['stale', 2])
})

for (const [version, config] of VERSIONS) {
  // Scenario: a batch of many requests waits for its next attempt; marks of other series are due meanwhile, and are sent.
  // Guarantees: the batch is none the worse for it: everything arrives, once.
  test(`marks while a batch waits, version ${version}`, async t => {
    const { server, send, page, dropped } = await started(t, {
      ...config,
      metric_expiration: '20ms',
      max_batch_size_bytes: 400,
      max_batch_request_parallelism: 1,
      retry_on_failure: { initial_interval: '400ms', max_interval: '400ms', max_elapsed_time: '20s' },
    })
    await send([gauge('ends', 1)])
    let refused = false
    server.answer = ({ series }) => {
      const key = series.find(one => one.key.includes('i="20"'))
      if (key === undefined || refused) return undefined
      refused = true
      return { status: 503 }
    }
    await send(Array.from({ length: 60 }, (_, i) => gauge('g', i, { i: String(i) })))
    assert.deepEqual([page.out, dropped(), refused], [61, {}, true])
    const taken = [...server.taken()].filter(([key]) => key.startsWith('g{'))
    assert.equal(taken.length, 60)
    for (const [key, { samples }] of taken) {
      const values = samples.map(({ value }) => value).filter(value => value !== 'stale')
      assert.equal(values.length, 1, key)
    }
    assert.equal(server.taken().get('ends{}')!.samples.at(-1)!.value, 'stale')
  })
}

for (const [version, config] of VERSIONS) {
  // Scenario: nothing is sent any more; the server refuses the marks at first.
  // Guarantees: they are sent by themselves, until they are taken, before anything newer, and are no items.
  test(`marks come by themselves, version ${version}`, async t => {
    const { server, send, page } = await started(t, { ...config, metric_expiration: '20ms' })
    const endsIn = (name: string): unknown => {
      const found = [...server.taken()].find(([key]) => key.startsWith(`${name}{`))?.[1]
      return found?.samples.at(-1)?.value ?? found?.histograms.at(-1)?.sum
    }
    await send([counter('c', [point(10, 1)]), histogram('h'), exponential('n')])
    const before = server.requests.length
    server.answer = (_, nth) => (nth < before + 2 ? { status: 503 } : undefined)
    await until('all to be ended', () =>
      ['c_total', 'h_count', 'h_sum', 'h_bucket', 'n'].every(name => endsIn(name) === 'stale'),
    )
    assert.equal(page.out, 3)
    await send([counter('c', [point(20, 2)])])
    const values = server
      .taken()
      .get('c_total{}')!
      .samples.map(({ value }) => value)
    assert.deepEqual(values.slice(0, 3), [1, 'stale', 2])
    assert.equal(page.out, 4)
  })
}
