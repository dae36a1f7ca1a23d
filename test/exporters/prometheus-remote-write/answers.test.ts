/** What the specifications of remote write ask of a sender when the server answers: retries, partial writes, fallback. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ManualClock } from '../../kit/clock.ts'
import { counter, gauge, histogram, point, started, until, V2, VERSIONS } from './kit.ts'

const ONE = [gauge('a', 1), counter('b', [point(10, 5)])]

for (const [version, config] of VERSIONS) {
  // Scenario: the first answer is each 5xx, or none at all; the second is yes.
  // Guarantees: the same request is sent again, once, and its points are sent.
  for (const status of [500, 502, 503, 504, 599, 0]) {
    test(`${status === 0 ? 'a connection that ends' : status} is tried again, version ${version}`, async t => {
      const { server, send, page } = await started(t, config)
      server.answer = (_, nth) =>
        nth > 0 ? undefined : status === 0 ? { hangUp: true } : { status, body: 'not now' }
      await send(ONE)
      assert.equal(server.requests.length, 2)
      assert.deepEqual(server.requests[0]!.series, server.requests[1]!.series)
      assert.deepEqual([page.out, page.unknown], [2, 0])
    })
  }

  // Scenario: the server refuses for ever, with every 4xx but 415 and 429, naming a series or not.
  // Guarantees: one request and no more; its points are dropped, with the server's words and a series in the log.
  for (const status of [400, 401, 403, 404, 409, 413, 422, 431]) {
    test(`${status} is not tried again, version ${version}`, async t => {
      const { server, send, page, dropped, settings } = await started(t, config)
      server.answer = () => ({ status, body: 'out of order\nsample' })
      await send(ONE)
      assert.equal(server.requests.length, 1)
      assert.deepEqual([page.out, dropped()], [0, { rejected_by_server: 2 }])
      const line = settings.log.lines.find(({ level }) => level === 'error')!
      assert.match(
        String(line.fields['error']),
        new RegExp(`answered ${status}: out of order sample \\(a\\{\\} and 1 other series\\)$`),
      )
      server.answer = () => ({ status, body: 'out of bounds for series {__name__="b_total"}' })
      await send(ONE)
      const said = settings.log.lines.findLast(({ level }) => level === 'error')!
      assert.match(String(said.fields['error']), /for series \{__name__="b_total"\}$/)
    })
  }

  // Scenario: 429 with and without the key.
  // Guarantees: tried again unless the key says no.
  test(`429, version ${version}`, async t => {
    const again = await started(t, config)
    again.server.answer = (_, nth) => (nth === 0 ? { status: 429 } : undefined)
    await again.send(ONE)
    assert.deepEqual([again.server.requests.length, again.page.out], [2, 2])
    const never = await started(t, { ...config, retry_on_http_429: false })
    never.server.answer = () => ({ status: 429 })
    await never.send(ONE)
    assert.deepEqual([never.server.requests.length, never.page.out], [1, 0])
    assert.deepEqual(never.dropped(), { rejected_by_server: 2 })
  })

  // Scenario: a server that is away for a while; the clock is the test's.
  // Guarantees: waits grow by the multiplier up to max_interval, Retry-After is a lower bound as seconds and as a date,
  // and after max_elapsed_time the points are dropped and counted.
  test(`waits between attempts, version ${version}`, async t => {
    const clock = new ManualClock()
    const retry = { initial_interval: '100ms', multiplier: 2, max_interval: '1s', max_elapsed_time: '20s' }
    const options = { ...config, timeout: '0s', retry_on_failure: retry }
    const { server, offer, page, dropped } = await started(t, options, { clock })
    const headers: Record<string, string>[] = [
      {},
      {},
      { 'Retry-After': '7' },
      { 'Retry-After': new Date(Date.now() + 9_500).toUTCString() },
      { 'Retry-After': 'soon' },
    ]
    server.answer = (_, nth) => ({ status: 503, headers: headers[nth] ?? {} })
    await offer(ONE)
    const waits: number[] = []
    for (let attempt = 1; page.held > 0; attempt++) {
      await until('an attempt and its wait', () => page.held === 0 || clock.waiting > 0)
      if (page.held === 0) break
      waits.push(clock.next!)
      await clock.advance(clock.next!)
      await until('the next attempt', () => server.requests.length > attempt || page.held === 0)
    }
    const [first, second, third, fourth, fifth] = waits as [number, number, number, number, number]
    assert.deepEqual([first, second, third], [100, 200, 7000])
    assert.ok(fourth > 7_000 && fourth <= 9_500, `${fourth}`)
    assert.equal(fifth, 1000)
    assert.deepEqual([page.out, dropped()], [0, { retries_exhausted: 2 }])
  })

  // Scenario: nobody listens; no retries.
  // Guarantees: the points are dropped and counted, with words for people.
  test(`nobody listens, version ${version}`, async t => {
    const off = { ...config, retry_on_failure: { enabled: false } }
    const options = { endpoint: 'http://127.0.0.1:9/api/v1/write', nothingSent: true }
    const { send, dropped, settings } = await started(t, off, options)
    await send(ONE)
    assert.deepEqual(dropped(), { retry_disabled: 2 })
    assert.match(String(settings.log.lines.at(-1)!.fields['error']), /nothing listens there \(ECONNREFUSED\)/)
  })

  // Scenario: the answer does not come within timeout; the next one does.
  // Guarantees: the request is sent again.
  test(`no answer in time, version ${version}`, async t => {
    const { server, send, page } = await started(t, { ...config, timeout: '200ms' })
    let free = (): void => {}
    const late = new Promise<void>(resolve => {
      free = resolve
    })
    server.answer = (_, nth) => (nth === 0 ? { after: late } : undefined)
    await send(ONE)
    free()
    assert.ok(server.requests.length >= 2)
    assert.equal(page.out, 2)
  })

  // Scenario: yes with 200 and words, with 202, with 204, with a huge body.
  // Guarantees: it is a yes, whatever the body says.
  test(`whatever a good answer says, version ${version}`, async t => {
    const { server, send, page } = await started(t, config)
    const statuses = [200, 202, 204, 200]
    server.answer = ({ series }, nth) => ({
      status: statuses[nth]!,
      headers: { 'X-Prometheus-Remote-Write-Samples-Written': String(series.length) },
      body: nth === 2 ? '' : nth === 3 ? 'x'.repeat(200_000) : 'error: all is lost',
    })
    for (const _ of statuses) await send(ONE)
    assert.deepEqual([server.requests.length, page.out], [4, 8])
  })
}

// Scenario: an error whose body has no end in sight.
// Guarantees: the log has its beginning.
test('a large error', async t => {
  const { server, send, dropped, settings } = await started(t)
  server.answer = () => ({ status: 400, body: 'too much '.repeat(100_000) })
  await send(ONE)
  assert.deepEqual(dropped(), { rejected_by_server: 2 })
  const { error } = settings.log.lines.find(({ level }) => level === 'error')!.fields
  assert.ok(String(error).length < 1000)
})

// Scenario: 2.0; the server wrote some samples, fewer of them with yes or with no, none, or does not say.
// Guarantees: what it says is counted as its metrics and believed; without a word nothing is taken to be written, and
// the log says what to do; nothing is sent again.
test('written or not', async t => {
  const { server, send, page, dropped, settings } = await started(t, V2)
  const five = Array.from({ length: 5 }, (_, i) => gauge('g', i, { i: String(i) }))
  const written = (samples: number, histograms = 0) => ({
    'X-Prometheus-Remote-Write-Samples-Written': String(samples),
    'X-Prometheus-Remote-Write-Histograms-Written': String(histograms),
    'X-Prometheus-Remote-Write-Exemplars-Written': '0',
  })
  server.answer = () => ({ status: 400, headers: written(3), body: 'out of order' })
  await send(five)
  assert.deepEqual([page.out, dropped()], [3, { rejected_by_server: 2 }])
  server.answer = () => ({ status: 204, headers: written(4) })
  await send(five)
  assert.deepEqual([page.out, dropped()], [7, { rejected_by_server: 2, not_written: 1 }])
  server.answer = () => ({ status: 200, headers: {} })
  await send(five)
  assert.deepEqual([page.out, dropped()], [7, { rejected_by_server: 2, not_written: 1, unconfirmed: 5 }])
  assert.match(
    String(settings.log.lines.at(-1)!.fields['error']),
    /may not know remote write 2\.0 .* write protobuf_message: prometheus\.WriteRequest/,
  )
  // One of three histograms lost one of its five series: at least that one is not there as a whole.
  server.answer = ({ series }) => ({ status: 400, headers: written(series.length - 1) })
  await send([histogram('h1'), histogram('h2'), histogram('h3')])
  assert.equal(page.out, 9)
  assert.equal(server.requests.length, 4)
  const sum = [...settings.metrics.values].find(([name]) => name.includes('written_samples'))![1]
  assert.equal(sum, 3 + 4 + 14)
})

// Scenario: a server that does not know 2.0 (415), with small limits on requests; then more metrics.
// Guarantees: the same data comes as 1.0, headers included, nothing is lost or sent twice, and 2.0 is not tried again.
test('415 falls back to 1.0', async t => {
  const { server, send, page, settings, one } = await started(t, { ...V2, max_batch_size_bytes: 3000 })
  server.answer = ({ version }) => (version === 2 ? { status: 415, body: 'what is this' } : undefined)
  const metrics = [
    ...Array.from({ length: 100 }, (_, i) => gauge('g', i, { i: String(i), label: 'x'.repeat(20) })),
    counter('c', [
      point(10, 5, {
        exemplars: [{ asDouble: 1, timeUnixNano: '9000000000', traceId: Buffer.alloc(16, 1) }],
      }),
    ]),
    histogram('h'),
    {
      name: 'n',
      exponentialHistogram: {
        aggregationTemporality: 2,
        dataPoints: [
          {
            startTimeUnixNano: '1',
            timeUnixNano: '10000000000',
            count: '2',
            sum: 1,
            positive: { bucketCounts: ['2'] },
          },
        ],
      },
    },
  ]
  await send(metrics)
  const first = server.requests.filter(({ version }) => version === 1)
  assert.equal(page.out, 103)
  assert.equal(server.taken().size, 100 + 1 + 5 + 1)
  for (const { bytes, headers, series } of first) {
    assert.ok(bytes <= 3000)
    assert.equal(headers['content-type'], 'application/x-protobuf')
    assert.equal(headers['x-prometheus-remote-write-version'], '0.1.0')
    for (const { samples, histograms } of series)
      for (const { start } of [...samples, ...histograms]) assert.equal(start, 0)
  }
  assert.equal(one('c_total').exemplars[0]!.labels['trace_id'], '01'.repeat(16))
  assert.equal(one('n').histograms[0]!.count, 2)
  const before = server.requests.length
  await send(metrics)
  assert.ok(server.requests.slice(before).every(({ version }) => version === 1))
  assert.equal(page.out, 206)
  const warnings = settings.log.lines.filter(({ message }) => /does not know remote write 2\.0/.test(message))
  assert.equal(warnings.length, 1)
})

// Scenario: a request of 2.0 becomes several of 1.0; of these one has to be sent again, and one is refused for ever.
// Guarantees: each has the points of its own series: nothing counts as sent before all of it is, and only what was refused
// is lost, with one of its series in the log.
test('415 with a request that becomes several', async t => {
  const { server, send, page, settings, dropped } = await started(t, {
    ...V2,
    max_batch_size_bytes: 3000,
    max_batch_request_parallelism: 1,
  })
  const refused: string[][] = []
  let away = 2
  server.answer = ({ version, series }) => {
    if (version === 2) return { status: 415 }
    const names = series.map(({ labels }) => labels.find(([name]) => name === 'i')![1])
    if (names.includes('40') && away-- > 0) return { status: 503 }
    if (!names.includes('70')) return undefined
    refused.push(names)
    return { status: 400, body: 'no' }
  }
  await send(Array.from({ length: 100 }, (_, i) => gauge('g', i, { i: String(i), label: 'x'.repeat(20) })))
  assert.equal(refused.length, 1)
  const lost = refused[0]!.length
  assert.ok(lost > 1 && lost < 60, `${lost}`)
  assert.equal(server.taken().size, 100 - lost)
  assert.deepEqual([page.out, dropped()], [100 - lost, { rejected_by_server: lost }])
  const line = settings.log.lines.find(({ level }) => level === 'error')!
  assert.ok(String(line.fields['error']).includes(`i="${refused[0]![0]}"`), String(line.fields['error']))
})

// Scenario: a server that does not know 2.0, with send_metadata.
// Guarantees: what is sent as 1.0 from then on has its metadata.
test('415 with metadata', async t => {
  const { server, send } = await started(t, { ...V2, send_metadata: true })
  server.answer = ({ version }) => (version === 2 ? { status: 415 } : undefined)
  await send(ONE)
  await send(ONE)
  const names = server.requests.flatMap(({ metadata }) => metadata.map(one => one.metric_family_name))
  assert.deepEqual(names, ['a', 'b_total'])
})

// Scenario: two requests at once are refused for now, one of them with a time to wait.
// Guarantees: nothing is sent before that time, whichever answer came first.
test('the longest Retry-After counts', async t => {
  const clock = new ManualClock()
  const { server, offer, page } = await started(
    t,
    { timeout: '0s', max_batch_size_bytes: 100, max_batch_request_parallelism: 2 },
    { clock },
  )
  let both = (): void => {}
  const first = new Promise<void>(resolve => {
    both = resolve
  })
  server.answer = (_, nth) => {
    if (nth === 0) return { status: 503 }
    if (nth > 1) return undefined
    both()
    return { status: 429, headers: { 'Retry-After': '7' } }
  }
  await offer([gauge('a', 1, { x: 'y'.repeat(80) }), gauge('b', 1, { x: 'y'.repeat(80) })])
  await first
  await until('the wait', () => clock.waiting > 0)
  assert.equal(clock.next, 7000)
  await clock.advance(7000)
  await until('both to be sent', () => page.held === 0)
  assert.equal(server.requests.length, 4)
})

// Scenario: 2.0; the server wrote every sample and refuses the exemplars.
// Guarantees: the points are sent, and the log has the server's words.
test('nothing lost but exemplars', async t => {
  const { server, send, page, dropped, settings } = await started(t, V2)
  server.answer = () => ({
    status: 400,
    body: 'out of order exemplar',
    headers: { 'X-Prometheus-Remote-Write-Samples-Written': '2' },
  })
  await send(ONE)
  assert.deepEqual([page.out, dropped()], [2, {}])
  assert.ok(settings.log.lines.some(({ fields }) => /out of order exemplar/.test(String(fields['error']))))
})

// Scenario: 2.0 is answered with everything but 415; 1.0 with 415.
// Guarantees: no fallback.
test('no fallback without a 415', async t => {
  const { server, send } = await started(t, V2)
  const statuses = [200, 204, 400, 404, 500, 503]
  server.answer = (_, nth) => ({ status: statuses[nth] ?? 204, headers: {} })
  for (let i = 0; i < 5; i++) await send(ONE)
  assert.ok(server.requests.length >= statuses.length)
  assert.ok(server.requests.every(({ version }) => version === 2))
  const old = await started(t)
  old.server.answer = () => ({ status: 415 })
  await old.send(ONE)
  assert.deepEqual(old.dropped(), { rejected_by_server: 2 })
  assert.equal(old.server.requests.length, 1)
})
