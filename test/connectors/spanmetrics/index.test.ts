import assert from 'node:assert/strict'
import { test } from 'node:test'
import { config } from '../../../connectors/spanmetrics/config.ts'
import { factory } from '../../../connectors/spanmetrics/index.ts'
import { heldBytes } from '../../../core/component/memory.ts'
import { ACCEPTED, Refused } from '../../../core/component/outcome.ts'
import { validate } from '../../../core/otlp/validate.ts'
import { assertBalanced } from '../../kit/balance.ts'
import { readConfig } from '../../kit/read-config.ts'
import { begin, callsOf, request, span, text, WALL } from './kit.ts'

// Scenario: spans of two names and statuses come, the clock passes three flushes, more come in between.
// Guarantees: calls begin with 0 and then have the count, durations have their buckets, times are those of the first span and
// of the flush; every span and every point is in the ledger.
test('spans become calls and durations', async () => {
  const { spans, clock, taken, sink, settings, stop } = await begin()
  await spans(span('a'), span('a'), span('b', { status: { code: 2 }, endTimeUnixNano: '1000000500' }))
  await clock.advance(60_000)
  const first = taken()
  assert.deepEqual(callsOf(first), { a: 0, b: 0 })
  const duration = first.find(({ name, labels }) => name === 'duration' && labels['span.name'] === 'a')!
  assert.deepEqual(duration.labels, {
    'service.name': 'shop',
    'span.name': 'a',
    'span.kind': 'SPAN_KIND_SERVER',
    'status.code': 'STATUS_CODE_UNSET',
    'collector.instance.id': 'me',
  })
  assert.deepEqual(duration.resource, { 'service.name': 'shop' })
  assert.deepEqual([duration.start, duration.time], [WALL, WALL + 60_000])
  assert.equal(duration.point['count'], '2')
  assert.equal(duration.point['sum'], 20)
  assert.equal((duration.point['bucketCounts'] as string[])[4], '2')
  await spans(span('a'))
  await clock.advance(60_000)
  assert.deepEqual(callsOf(taken()), { a: 3, b: 1 })
  await clock.advance(60_000)
  assert.deepEqual(callsOf(taken()), { a: 3, b: 1 })
  await stop()
  const { account } = settings
  assert.equal(account.of('traces').dropped.get('made_into_metrics')!.items, 4)
  assert.equal(account.of('metrics').created, 4 * 4)
  // The edges of a gateway would have entered these.
  account.of('traces').in = 4
  account.of('metrics').out = 16
  assertBalanced([account])
  assert.equal(sink.batches.length, 1)
  assert.equal(heldBytes(), 0)
})

// Scenario: the gateway stops before the first flush; it is stopped again; then a batch comes.
// Guarantees: what was counted is handed on with its count, once; nothing is taken afterwards; no timer is left.
test('stopping hands on what is held', async () => {
  const { spans, clock, taken, stop } = await begin()
  await spans(span('a'), span('a'))
  await stop()
  await stop()
  assert.deepEqual(callsOf(taken()), { a: 2 })
  assert.equal(clock.waiting, 0)
  await assert.rejects(spans(span('a')), Refused)
})

// Scenario: a connector that never started is stopped.
// Guarantees: it ends.
test('stop without start', async () => {
  const { connector, clock } = await begin()
  await clock.until(connector.stop(clock.now() + 1))
})

// Scenario: one metric's series are a megabyte and more; the next part refuses for longer than a flush interval, then does
// not answer at all for as long.
// Guarantees: several valid requests; once the time is over the points are dropped and counted; a flush that finds another
// one going on is left out and said; the next flush has all that was counted.
test('a next part that refuses', async () => {
  const { spans, clock, sink, settings, taken, stop } = await begin()
  const names = Array.from({ length: 4000 }, (_, i) => span(`name ${i}`))
  await spans(...names)
  await clock.advance(60_000)
  assert.ok(sink.batches.length > 1)
  for (const { chunks, items, byteLength } of sink.batches) {
    assert.equal(validate(chunks[0]!, 'metrics'), items)
    assert.ok(byteLength < 2_000_000)
  }
  assert.equal(Object.keys(callsOf(taken())).length, 4000)
  sink.answer = () => {
    throw new Refused('full')
  }
  await clock.advance(120_000)
  const { dropped } = settings.account.of('metrics')
  assert.equal(dropped.get('refused_downstream')!.items, 8000)
  let answer = (): void => {}
  sink.answer = () => new Promise(resolve => (answer = () => resolve(ACCEPTED)))
  await clock.advance(120_000)
  assert.ok(settings.log.lines.some(({ message }) => /left out/.test(message)))
  sink.answer = () => ACCEPTED
  answer()
  await clock.advance(60_000)
  taken()
  await clock.advance(60_000)
  const calls = callsOf(taken())
  assert.equal(Object.keys(calls).length, 4000)
  assert.ok(Object.values(calls).every(count => count === 1))
  await stop()
})

// Scenario: spans of resources without service.name, among others.
// Guarantees: they are accepted, not counted, in the ledger with their reason, and the log says so with the next flush.
test('spans without a service', async () => {
  const { send, clock, settings, taken } = await begin()
  await send(request([span('a'), span('b')], [text('host.name', 'x')]))
  await send(request([span('a')]))
  await clock.advance(120_000)
  assert.deepEqual(callsOf(taken()), { a: 1 })
  const { dropped } = settings.account.of('traces')
  assert.equal(dropped.get('no_service_name')!.items, 2)
  assert.equal(dropped.get('made_into_metrics')!.items, 1)
  const lines = settings.log.lines.filter(({ message }) => /service.name/.test(message))
  assert.deepEqual(
    lines.map(({ fields }) => fields),
    [{ spans: 2 }],
  )
})

// Scenario: series_expiration 2m, metrics_expiration 5m; one series goes on, one ends, one resource ends.
// Guarantees: what had no span for so long is gone after the flush that follows, and begins anew when it comes back.
test('series expire', async () => {
  const { spans, send, clock, taken } = await begin({ series_expiration: '2m', metrics_expiration: '5m' })
  const other = request([span('c')], [text('service.name', 'other')])
  await spans(span('a'), span('b'))
  await send(other)
  for (let minute = 0; minute < 3; minute++) {
    await spans(span('a'))
    await clock.advance(60_000)
  }
  taken()
  await spans(span('a'))
  await clock.advance(60_000)
  assert.deepEqual(callsOf(taken()), { a: 5 })
  await spans(span('b'))
  await send(other)
  await clock.advance(60_000)
  const back = taken()
  assert.deepEqual(callsOf(back), { a: 5, b: 0, c: 0 })
  assert.equal(back.find(({ labels }) => labels['span.name'] === 'b')!.start, WALL + 4 * 60_000)
})

// Scenario: no expiration; a day passes without spans.
// Guarantees: series are still handed on.
test('without expiration series stay', async () => {
  const { spans, clock, taken } = await begin({
    series_expiration: '0s',
    metrics_expiration: '0s',
    metrics_flush_interval: '1h',
  })
  await spans(span('a'))
  await clock.advance(24 * 3_600_000)
  assert.equal(taken().filter(({ name }) => name === 'calls').length, 24)
})

// Scenario: delta temporality: spans, a flush without any, spans again; more series than are remembered.
// Guarantees: each count is told once, from the last flush on; a series that was forgotten begins with its first span.
test('delta temporality', async () => {
  const { spans, clock, taken, stop } = await begin({
    aggregation_temporality: 'AGGREGATION_TEMPORALITY_DELTA',
    metric_timestamp_cache_size: 1,
    histogram: { exponential: {} },
  })
  await spans(span('a'), span('a'))
  await clock.advance(60_000)
  const first = taken()
  assert.deepEqual(callsOf(first), { a: 2 })
  await clock.advance(60_000)
  assert.deepEqual(taken(), [])
  await spans(span('a'))
  await clock.advance(60_000)
  const second = taken()
  assert.deepEqual(
    second.map(({ start, time }) => [start, time]),
    Array(2).fill([WALL + 60_000, WALL + 180_000]),
  )
  assert.equal(second.find(({ name }) => name === 'duration')!.point['count'], '1')
  await spans(span('b'))
  await clock.advance(60_000)
  await clock.advance(60_000)
  taken()
  await clock.advance(500)
  await spans(span('a'), span('b'))
  await stop()
  const last = taken().filter(({ name }) => name === 'calls')
  assert.deepEqual(last.map(({ labels, start }) => [labels['span.name'], start]).sort(), [
    ['a', WALL + 300_500],
    ['b', WALL + 240_000],
  ])
})

// Scenario: more resources than resource_metrics_cache_size.
// Guarantees: those used last stay, the others are handed on once more with what they have.
test('resources that are used least leave', async () => {
  const { send, clock, taken } = await begin({ resource_metrics_cache_size: 2 })
  const of = (service: string): Uint8Array => request([span(service)], [text('service.name', service)])
  for (const service of ['a', 'b', 'c', 'a']) await send(of(service))
  await clock.advance(60_000)
  assert.deepEqual(callsOf(taken()), { a: 0, b: 1, c: 0 })
  await clock.advance(60_000)
  assert.deepEqual(callsOf(taken()), { a: 2, c: 1 })
})

// Scenario: with scopes to be told apart, spans of two of them and of a third that is not in the list.
// Guarantees: each scope of the list has its series with its name and version, the others share one.
test('scopes of the list are told apart', async () => {
  const { send, taken, stop } = await begin({ include_instrumentation_scope: ['http', 'db'] })
  const { encodeRequest } = await import('../../kit/proto.ts')
  const scopes = [
    { name: 'http', version: '1' },
    { name: 'db' },
    { name: 'x', version: '2' },
    { name: 'http', version: '1' },
  ]
  const resource = { attributes: [text('service.name', 'shop')] }
  const scopeSpans = scopes.map(scope => ({ scope, spans: [span('a')] }))
  await send(encodeRequest('traces', { resourceSpans: [{ resource, scopeSpans }] }))
  await stop()
  const calls = taken().filter(({ name }) => name === 'calls')
  const scopeOf = (labels: Readonly<Record<string, unknown>>): unknown[] => [
    labels['span.instrumentation.scope.name'],
    labels['span.instrumentation.scope.version'],
  ]
  assert.deepEqual(
    calls.map(({ labels, point }) => [...scopeOf(labels), point['asInt']]),
    [
      ['http', '1', '2'],
      ['db', undefined, '1'],
      [undefined, undefined, '1'],
    ],
  )
})

// Scenario: the preset for Tempo's names, with and without keys of one's own.
// Guarantees: its names, unit, bounds and label; what is written wins.
test('the preset tempo', async () => {
  const { spans, taken, stop } = await begin({ preset: 'tempo' })
  await spans(span('a'))
  await stop()
  const points = taken()
  assert.deepEqual(
    points.map(({ name }) => name),
    ['traces.spanmetrics.calls', 'traces.spanmetrics.latency'],
  )
  assert.equal(points[0]!.labels['service'], 'shop')
  assert.equal(points[1]!.point['sum'], 0.01)
  assert.deepEqual((points[1]!.point['explicitBounds'] as number[]).slice(0, 3), [0.002, 0.004, 0.008])
  const own = await begin({ preset: 'tempo', namespace: 'mine', histogram: { unit: 'ms' } })
  await own.spans(span('a'))
  await own.stop()
  assert.equal(own.taken()[1]!.name, 'mine.latency')
})

// Scenario: the same series counted by two workers of one gateway, and a config that takes away what tells them apart.
// Guarantees: their series differ in collector.instance.id; that config does not go with workers.
test('workers', async () => {
  const seen: unknown[] = []
  for (const worker of [1, 2]) {
    const { spans, taken, stop } = await begin({}, worker)
    await spans(span('a'))
    await stop()
    seen.push(taken()[0]!.labels['collector.instance.id'])
  }
  assert.deepEqual(seen, ['me-1', 'me-2'])
  const clash = (written: Record<string, unknown>) => factory.workersClash!(readConfig(config, written))
  assert.equal(clash({}), undefined)
  assert.match(
    (clash({ exclude_dimensions: ['collector.instance.id'] }) as { impossible: string }).impossible,
    /same/,
  )
})

// Scenario: each feature gate of the Collector's connector, and keys that say otherwise.
// Guarantees: names, unit, resource and status are what the gate says; written keys win; with workers the id of the instance
// is needed, and the part does not start without it.
test('feature gates', async () => {
  const on = ['connector.spanmetrics.includeCollectorInstanceID']
  const counted = async (gates: readonly string[], written = {}) => {
    const { spans, taken, stop } = await begin(written, undefined, new Set(gates))
    await spans(span('a', { status: { code: 2 } }), span('b'))
    await stop()
    return taken()
  }
  const usual = await counted(on)
  assert.equal(usual[0]!.labels['collector.instance.id'], 'me')
  assert.equal((await counted([]))[0]!.labels['collector.instance.id'], undefined)
  const legacy = [...on, 'connector.spanmetrics.legacyMetricNames']
  const namesOf = (points: Awaited<ReturnType<typeof counted>>): string[] => [
    ...new Set(points.map(({ name }) => name)),
  ]
  assert.deepEqual(namesOf(await counted(legacy)), ['calls', 'duration'])
  assert.deepEqual(namesOf(await counted(legacy, { namespace: 'x' })), ['x.calls', 'x.duration'])
  const seconds = [...on, 'connector.spanmetrics.useSecondAsDefaultMetricsUnit']
  assert.equal((await counted(seconds)).at(-1)!.point['sum'], 0.01)
  assert.equal((await counted(seconds, { histogram: { unit: 'ms' } })).at(-1)!.point['sum'], 10)
  const bare = [...on, 'connector.spanmetrics.excludeResourceMetrics']
  assert.deepEqual((await counted(bare))[0]!.resource, {})
  assert.deepEqual((await counted(bare, { add_resource_attributes: true }))[0]!.resource, {
    'service.name': 'shop',
  })
  const otel = await counted([...on, 'spanmetrics.statusCodeConvention.useOtelPrefix'])
  assert.deepEqual(
    otel.slice(0, 2).map(({ labels }) => [labels['otel.status_code'], labels['status.code']]),
    [
      ['ERROR', undefined],
      [undefined, undefined],
    ],
  )
  await assert.rejects(begin({}, 1, new Set()), /several workers need the dimension collector.instance.id/)
})
