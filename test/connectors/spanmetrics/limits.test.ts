import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { OVERFLOW_KEY } from '../../../connectors/spanmetrics/resources.ts'
import { PROCESS_MEMORY } from '../../../core/component/pressure.ts'
import { validate } from '../../../core/otlp/validate.ts'
import { begin, callsOf, type Point, request, span, text, WALL } from './kit.ts'

const SERIES = 'sluice_spanmetrics_series{connector="span_metrics"}'
const BYTES = 'sluice_spanmetrics_series_bytes{connector="span_metrics"}'

/** The largest double below 2^63. */
const MOST = 2 ** 63 - 1024

function total(points: readonly Point[], name = 'calls'): number {
  const own = points.filter(one => one.name === name)
  return own.reduce((sum, { point }) => sum + Number(point['asInt'] ?? point['count']), 0)
}

// Scenario: an attack of 20,000 span names on a service, beside another one that behaves; limits as they are by default.
// Guarantees: 10,000 series and one that counts the rest; no span is lost; the other service has its series; the log and a
// metric name the service, the dimension, and values of it.
test('too many names overflow, and their service is named', async () => {
  const { send, clock, taken, skip, settings, stop } = await begin()
  for (let from = 0; from < 20_000; from += 5000) {
    const names = Array.from({ length: 5000 }, (_, i) => span(`GET /users/${from + i}`))
    await send(request(names))
  }
  await send(request([span('fine')], [text('service.name', 'quiet')]))
  assert.equal(settings.metrics.read(SERIES), 10_002)
  await clock.advance(60_000)
  skip()
  await clock.advance(60_000)
  const points = taken()
  const calls = callsOf(points)
  assert.equal(calls['overflow'], 10_000)
  assert.equal(calls['fine'], 1)
  assert.equal(total(points), 20_001)
  assert.equal(total(points, 'duration'), 20_001)
  const overflow = points.filter(({ labels }) => labels[OVERFLOW_KEY] === true)
  assert.deepEqual(
    overflow.map(({ name, labels, resource }) => [name, labels, resource]),
    [
      ['calls', { [OVERFLOW_KEY]: true }, { 'service.name': 'shop' }],
      ['duration', { [OVERFLOW_KEY]: true }, { 'service.name': 'shop' }],
    ],
  )
  const [line, ...more] = settings.log.lines.filter(({ level }) => level === 'warn')
  assert.deepEqual(more, [])
  assert.match(line!.message, /more series than the limit/)
  assert.deepEqual(
    { ...line!.fields, examples: undefined },
    {
      service: 'shop',
      dimension: 'span.name',
      values: 10_000,
      overflowed: 10_000,
      limit: 'aggregation_cardinality_limit',
      examples: undefined,
    },
  )
  assert.match(String(line!.fields['examples']), /GET \/users\/0/)
  const named = 'connector="span_metrics",dimension="span.name",service="shop"'
  assert.equal(settings.metrics.read(`sluice_spanmetrics_overflowed{${named}}`), 10_000)
  await stop()
})

// Scenario: the same with no limit but that of memory, 2 MiB; then nothing for as long as series live.
// Guarantees: what is held stays below the limit but for one overflow series, and everything is counted; afterwards the
// memory is given back.
for (const histogram of [{}, { exponential: {} }, { disable: true }])
  test(`memory is bounded: histogram ${JSON.stringify(histogram)}`, async () => {
    const limit = 2 * 1024 * 1024
    const { send, clock, taken, skip, settings } = await begin({
      aggregation_cardinality_limit: 0,
      max_series_bytes: limit,
      exemplars: { enabled: true },
      histogram,
    })
    const ids = { traceId: Buffer.alloc(16, 1), spanId: Buffer.alloc(8, 2) }
    for (let from = 0; from < 20_000; from += 5000)
      await send(request(Array.from({ length: 5000 }, (_, i) => span(`GET /users/${from + i}`, ids))))
    const held = settings.metrics.read(BYTES)
    assert.ok(held > limit / 2 && held < limit * 1.05, `${held} bytes are held`)
    await clock.advance(60_000)
    skip()
    await clock.advance(60_000)
    assert.equal(total(taken()), 20_000)
    const line = settings.log.lines.find(({ level }) => level === 'warn')!
    assert.deepEqual([line.fields['service'], line.fields['dimension']], ['shop', 'span.name'])
    assert.equal(line.fields['limit'], 'max_series_bytes')
    await clock.advance(16 * 60_000)
    assert.equal(settings.metrics.read(SERIES), 0)
    assert.ok(settings.metrics.read(BYTES) < 20_000, `${settings.metrics.read(BYTES)} bytes are held`)
  })

// Scenario: an attack with resources: 8,000 of them, of one service.
// Guarantees: memory is bounded; what there is no room for is counted in series of a resource of their own; the attribute
// that differs is named.
test('too many resources overflow', async () => {
  const limit = 2 * 1024 * 1024
  const { send, clock, taken, skip, settings } = await begin({
    max_series_bytes: limit,
    resource_metrics_cache_size: 1_000_000,
  })
  for (let i = 0; i < 8000; i++)
    await send(request([span('a')], [text('service.name', 'shop'), text('host.id', `id ${i}`)]))
  const held = settings.metrics.read(BYTES)
  assert.ok(held < limit * 1.05, `${held} bytes are held`)
  await clock.advance(60_000)
  skip()
  await clock.advance(60_000)
  const points = taken()
  assert.equal(total(points), 8000)
  const others = points.filter(({ resource }) => resource[OVERFLOW_KEY] === true)
  assert.equal(others.length, 2)
  assert.ok(Number(others[0]!.point['asInt']) > 1000)
  const line = settings.log.lines.find(({ level }) => level === 'warn')!
  assert.equal(line.fields['dimension'], 'resource host.id')
  await clock.advance(20 * 60_000)
  assert.equal(settings.metrics.read(SERIES), 0)
  assert.ok(settings.metrics.read(BYTES) < 20_000)
})

// Scenario: twelve services overflow, of which each is worst once.
// Guarantees: the metric that names them has ten names at most; the rest is one.
test('the metric of offenders is bounded', async () => {
  const { send, clock, settings } = await begin({ aggregation_cardinality_limit: 1 })
  for (let i = 0; i < 12; i++) {
    const names = Array.from({ length: 5 }, (_, n) => span(`name ${n}`))
    await send(request(names, [text('service.name', `service ${i}`)]))
    await clock.advance(60_000)
  }
  const keys = [...settings.metrics.values.keys()].filter(key =>
    key.startsWith('sluice_spanmetrics_overflowed'),
  )
  assert.equal(keys.length, 11)
  const others = 'connector="span_metrics",dimension="others",service="others"'
  assert.equal(settings.metrics.read(`sluice_spanmetrics_overflowed{${others}}`), 8)
})

// Scenario: with delta temporality, a limit of 3: five names a flush, others each time.
// Guarantees: three series and one for the rest in each flush: the limit begins anew.
test('the limit with delta temporality', async () => {
  const { spans, clock, taken } = await begin({
    aggregation_cardinality_limit: 3,
    aggregation_temporality: 'AGGREGATION_TEMPORALITY_DELTA',
  })
  for (let flush = 0; flush < 3; flush++) {
    const names = Array.from({ length: 5 }, (_, i) => `${flush * (i % 2)} ${i}`)
    await spans(...names.map(name => span(name)))
    await clock.advance(60_000)
    const expected = { [names[0]!]: 1, [names[1]!]: 1, [names[2]!]: 1, overflow: 2 }
    assert.deepEqual(callsOf(taken()), expected)
  }
})

// Scenario: an hour after the start, a budget of memory that one service uses up with 1000 names, again and again.
// Guarantees: every span is in the metrics one flush later, those beyond the limit too: their series is not forgotten.
test('what memory has no room for is counted however late it comes', async () => {
  const { send, clock, taken } = await begin({ aggregation_cardinality_limit: 0, max_series_bytes: 200_000 })
  await clock.advance(60 * 60_000)
  const names = request(Array.from({ length: 1000 }, (_, i) => span(`GET /users/${i}`)))
  for (let sent = 0; sent < 5000; sent += 1000) {
    await send(names)
    await clock.advance(60_000)
    const points = taken()
    assert.equal(total(points, 'duration'), sent + 1000)
    const beyond = points.find(({ name, labels }) => name === 'calls' && labels[OVERFLOW_KEY] === true)
    assert.equal(beyond!.start, WALL + 60 * 60_000)
  }
})

// Scenario: an attack leaves no memory for the resource of another service; the attack ends, both services go on.
// Guarantees: once the series of the attack are forgotten, the other service has series of its own.
test('after an attack everybody has series again', async () => {
  const { send, spans, clock, taken } = await begin({
    aggregation_cardinality_limit: 0,
    max_series_bytes: 200_000,
  })
  await spans(...Array.from({ length: 1000 }, (_, i) => span(`GET /users/${i}`)))
  const quiet = [text('service.name', 'quiet'), text('long', 'x'.repeat(20_000))]
  const services: string[] = []
  for (let minute = 0; minute < 20; minute++) {
    await spans(span('GET /users/1'))
    await send(request([span('fine')], quiet))
    await clock.advance(60_000)
    const fine = taken().find(({ labels }) => labels['span.name'] === 'fine')
    services.push(String(fine?.resource['service.name']))
  }
  assert.equal(services[0], 'undefined')
  assert.equal(services.at(-1), 'quiet')
})

// Scenario: series whose points are large: names of 100 kB, 300 buckets, many exemplars, all of it.
// Guarantees: requests have about a megabyte, or one series where that alone is larger; nothing is missing.
for (const [title, options, names] of [
  ['long names', {}, Array.from({ length: 60 }, (_, i) => `${i}`.padEnd(100_000, 'x'))],
  ['a name of 2 MB', {}, ['a', 'b'.repeat(2_000_000), 'c']],
  [
    'buckets and exemplars',
    {
      histogram: { explicit: { buckets: Array.from({ length: 300 }, (_, i) => `${i + 1}ms`) } },
      exemplars: { enabled: true, max_per_data_point: 100 },
    },
    Array.from({ length: 1000 }, (_, i) => `${i}`),
  ],
] as const)
  test(`requests stay small: ${title}`, async () => {
    const { spans, clock, sink, taken, skip } = await begin({ ...options })
    const ids = { traceId: Buffer.alloc(16, 1), spanId: Buffer.alloc(8, 2) }
    const each = title.includes('exemplars') ? 50 : 1
    for (let i = 0; i < each; i++) await spans(...names.map(name => span(name, ids)))
    await clock.advance(60_000)
    skip()
    await clock.advance(60_000)
    const sizes = sink.batches.flatMap(({ chunks }) => chunks.map(({ length }) => length))
    const longest = Math.max(...names.map(({ length }) => length))
    assert.ok(Math.max(...sizes) < 1.3 * 2 ** 20 + 2 * longest, `${sizes}`)
    const points = taken()
    assert.equal(total(points), each * names.length)
    assert.equal(total(points, 'duration'), each * names.length)
  })

// Scenario: somebody asks for up to a million exemplars a point, and spans have few; then one point has 20.
// Guarantees: memory is for those there are; all 20 are handed on.
test('exemplars take memory when they come', async () => {
  const { spans, clock, taken, settings } = await begin({
    exemplars: { enabled: true, max_per_data_point: 1_000_000 },
  })
  const ids = { traceId: Buffer.alloc(16, 1), spanId: Buffer.alloc(8, 2) }
  await spans(...Array.from({ length: 1000 }, (_, i) => span(`name ${i}`, ids)))
  const held = settings.metrics.read(BYTES)
  assert.ok(held < 4 * 2 ** 20, `${held} bytes are held`)
  await spans(...Array.from({ length: 19 }, () => span('name 7', ids)))
  await clock.advance(60_000)
  const points = taken()
  const counts = points.map(({ point }) => (point['exemplars'] as unknown[]).length)
  assert.deepEqual([points.length, Math.max(...counts), Math.min(...counts)], [2000, 20, 1])
})

// Scenario: 20,000 series, which take several requests, to a next part that takes each at once.
// Guarantees: other work comes between any two requests.
test('a flush lets other work go on', async () => {
  const { spans, clock, sink } = await begin({ aggregation_cardinality_limit: 0 })
  await spans(...Array.from({ length: 20_000 }, (_, i) => span(`name ${i}`)))
  let turn = 0
  const turns: number[] = []
  const consume = sink.consume.bind(sink)
  sink.consume = (batch, context) => {
    turns.push(turn)
    return consume(batch, context)
  }
  let isOver = false
  const count = (): void => {
    turn++
    if (!isOver) setImmediate(count)
  }
  setImmediate(count)
  await clock.advance(60_000)
  isOver = true
  assert.ok(turns.length > 5, `${turns.length} requests`)
  assert.equal(new Set(turns).size, turns.length)
})

// Scenario: 20,000 spans whose tracestates claim that each stands for 2^56, the most that can be claimed; beside them a span
// that claims nothing.
// Guarantees: what is handed on can be read, and says the most that its fields hold; the other series is not touched.
for (const histogram of [{}, { exponential: {} }])
  test(`tracestates that claim too much: ${JSON.stringify(histogram)}`, async () => {
    const { spans, clock, sink, taken, skip } = await begin({ histogram })
    const lie = span('false', { traceState: 'ot=th:ffffffffffffff' })
    await spans(span('fine'), ...Array.from({ length: 20_000 }, () => lie))
    await clock.advance(60_000)
    skip()
    await clock.advance(60_000)
    for (const { chunks } of sink.batches)
      for (const chunk of chunks) assert.ok(validate(chunk, 'metrics') > 0)
    const points = taken()
    assert.deepEqual(callsOf(points), { fine: 1, false: MOST })
    const duration = points.find(({ name, labels }) => name === 'duration' && labels['span.name'] === 'false')
    assert.equal(Number(duration!.point['count']), MOST)
  })

// Scenario: a span with a name and attributes of 2 MB, of a resource with as many; then a small one.
// Guarantees: memory for it is held as long as its series lives, once it is known, and none of it afterwards.
test('a huge span leaves nothing behind', async () => {
  const { send, clock, sink, settings } = await begin({ dimensions: [{ name: 'a' }, { glob: 'b*' }] })
  const huge = (key: string) => text(key, key.repeat(2_000_000))
  // What is collected is given back a little later.
  const used = async (below: number): Promise<number> => {
    let bytes = Number.POSITIVE_INFINITY
    for (let i = 0; i < 50 && bytes >= below; i++) {
      PROCESS_MEMORY.collectGarbage()
      await sleep(20)
      bytes = process.memoryUsage().arrayBuffers
    }
    return bytes
  }
  const before = await used(Number.POSITIVE_INFINITY)
  await send(
    request(
      [span('x'.repeat(2_000_000), { attributes: [huge('a'), huge('b')] })],
      [text('service.name', 'shop'), huge('c')],
    ),
  )
  const small = { attributes: [{ key: 'a', value: { intValue: -1 } }, text('b', '')] }
  const next = (): Promise<unknown> => send(request([span('small', small)]))
  await next()
  const held = settings.metrics.read(BYTES)
  const most = before + held
  const counted = await used(most)
  assert.ok(held > 12_000_000 && counted < most, `${counted - before} bytes for ${held}`)
  for (let minute = 0; minute < 20; minute++) {
    await clock.advance(60_000)
    sink.batches.length = 0
  }
  await next()
  const left = await used(before + 8_000_000)
  assert.ok(left < before + 8_000_000, `${left - before} bytes are left`)
})
