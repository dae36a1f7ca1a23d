import assert from 'node:assert/strict'
import { request } from 'node:https'
import { type TestContext, test } from 'node:test'
import { batchOf } from '../../../core/component/batch.ts'
import { NO_CONTEXT } from '../../../core/component/contract.ts'
import { Refused, Rejected } from '../../../core/component/outcome.ts'
import { makeCertificates } from '../../kit/certificates.ts'
import { OPEN_METRICS, PROTOBUF, readProtoPage } from '../../kit/prometheus-page.ts'
import { at, attributes, counter, gauge, lost, started } from './kit.ts'

// Scenario: a gauge and a counter of a resource with job and instance; the page, another path, a HEAD request.
// Guarantees: names, labels and target_info as Prometheus has them; nothing else is served.
test('the page', async t => {
  const { send, scrape, address } = await started(t, { without_scope_info: false })
  const resource = { 'service.name': 'shop', 'service.instance.id': 'i', 'host.name': 'h' }
  const scope = { name: 'lib', version: '1', attributes: attributes({ team: 'x' }) }
  const sent = await send(
    [
      { ...gauge('queue.size', 3, { 'queue.name': 'q' }), unit: 'By', description: 'Bytes.' },
      counter('requests', [{ asInt: '7', timeUnixNano: at(1) }]),
    ],
    { resource, scope },
  )
  assert.deepEqual(sent, { sent: 2 })
  const { body, headers } = await scrape()
  assert.equal(headers.get('content-type'), 'text/plain; version=0.0.4; charset=utf-8; escaping=underscores')
  const own = 'otel_scope_name="lib",otel_scope_schema_url="",otel_scope_team="x",otel_scope_version="1"'
  assert.equal(
    body,
    `# HELP queue_size_bytes Bytes.
# TYPE queue_size_bytes gauge
queue_size_bytes{instance="i",job="shop",${own},queue_name="q"} 3
# HELP requests_total 
# TYPE requests_total counter
requests_total{instance="i",job="shop",${own}} 7
# HELP target_info Target metadata
# TYPE target_info gauge
target_info{host_name="h",instance="i",job="shop"} 1
`,
  )
  assert.equal((await scrape({}, '/')).status, 404)
  const head = await fetch(`http://${address}/metrics`, { method: 'HEAD' })
  assert.deepEqual([head.status, await head.text()], [200, ''])
})

// Scenario: OpenMetrics off and on, protobuf, gzip.
// Guarantees: each is served when asked for and allowed; a compressed page is the same page.
test('formats', async t => {
  const off = await started(t)
  const on = await started(t, { enable_open_metrics: true, send_timestamps: true })
  for (const { send } of [off, on])
    await send([counter('c', [{ asInt: '1', startTimeUnixNano: at(2), timeUnixNano: at(5) }])])
  const accept = `${OPEN_METRICS},text/plain;q=0.1`
  assert.match((await off.scrape({ accept })).headers.get('content-type')!, /^text\/plain/)
  const open = await on.scrape({ accept })
  assert.equal(open.body, '# HELP c \n# TYPE c counter\nc_total 1.0 5.0\n# EOF\n')
  const packed = await on.scrape({ accept, 'accept-encoding': 'gzip' })
  assert.deepEqual([packed.headers.get('content-encoding'), packed.body], ['gzip', open.body])
  const plain = await on.scrape({ accept, 'accept-encoding': 'identity' })
  assert.equal(plain.headers.get('content-encoding'), null)
  const [family] = readProtoPage((await off.scrape({ accept: PROTOBUF })).bytes)
  assert.deepEqual(family!.metric, [{ counter: { value: 1, created_timestamp: { seconds: '2' } } }])
})

// Scenario: names in UTF-8, two of which one escaping makes equal; two labels that it makes equal.
// Guarantees: whoever asks for UTF-8 sees all; others get a page that can be read, with what is left out told.
test('names that an escaping makes equal never break the page', async t => {
  const { send, scrape, settings } = await started(t, { translation_strategy: 'NoTranslation' })
  await send([
    gauge('a.b', 1),
    gauge('a_b', 2),
    gauge('c', 3, { 'x.y': '1', x_y: '2' }),
    gauge('c', 4, { 'x.y': '1' }),
  ])
  const whole = await scrape({ accept: 'text/plain;escaping=allow-utf-8' })
  assert.deepEqual(whole.samples, ['{"a.b"} 1', 'a_b 2', 'c{"x.y"="1"} 4', 'c{"x.y"="1",x_y="2"} 3'])
  const escaped = await scrape()
  assert.deepEqual(escaped.samples, ['a_b 1', 'c{x_y="1"} 4'])
  assert.equal(settings.metrics.read('sluice_prometheus_hidden_series{exporter="prometheus"}'), 2)
  assert.ok(settings.log.lines.some(({ level, message }) => level === 'warn' && /left out/.test(message)))
  const values = await scrape({ accept: 'text/plain;escaping=values' })
  assert.equal(values.samples.length, 4)
})

// Scenario: constant labels, a namespace, labels of the resource with and without identity, an attribute of the point
// with a key of the resource.
// Guarantees: each key does what it says; the resource's word counts.
test('labels by config', async t => {
  const resource = { 'service.name': 's', 'service.instance.id': 'i', zone: 'r' }
  const all = await started(t, {
    namespace: 'ns',
    const_labels: { env: 'prod', zone: 'const' },
    resource_to_telemetry_conversion: { enabled: true },
  })
  await all.send([gauge('g', 1, { zone: 'p', env: 'mine' })], { resource })
  assert.deepEqual((await all.scrape()).samples, [
    'ns_g{env="prod",instance="i",job="s",service_instance_id="i",service_name="s",zone="const"} 1',
    'ns_target_info{instance="i",job="s",zone="r"} 1',
  ])
  const few = await started(t, {
    resource_to_telemetry_conversion: { enabled: true, exclude_service_attributes: true },
  })
  await few.send([gauge('g', 1, { zone: 'p' })], { resource })
  assert.match((await few.scrape()).body, /^g\{instance="i",job="s",zone="r"\} 1$/m)
})

// Scenario: more series than allowed, clashes of names and types, names that cannot be, in one batch with good ones.
// Guarantees: the good ones are shown, every lost point has its reason, and sent and rejected add up.
test('what cannot be shown has a reason', async t => {
  const { send, scrape, settings } = await started(t, { max_series: 5 })
  const sent = await send([
    gauge('ok', 1),
    gauge('a.b', 1),
    gauge('a_b', 2),
    counter('h_count', [{ asInt: '1' }]),
    { name: 'ok', histogram: { aggregationTemporality: 2, dataPoints: [{ count: '1' }] } },
    { name: 'h', histogram: { aggregationTemporality: 2, dataPoints: [{ count: '1' }] } },
    gauge('h_bucket', 1),
    { name: 's', summary: { dataPoints: [{ count: '1', attributes: attributes({ quantile: '1' }) }] } },
    {
      name: 'h2',
      histogram: { aggregationTemporality: 2, dataPoints: [{ attributes: attributes({ le: '1' }) }] },
    },
    gauge('___', 1, { x: '1' }),
    gauge('...', 1),
    gauge('bad.label', 1, { __x: '1' }),
    { name: 'none' },
    { name: 'u', sum: { dataPoints: [{ asInt: '1' }, { asInt: '2' }] } },
    { name: 'd', sum: { aggregationTemporality: 1, dataPoints: [{ asInt: '1' }] } },
    {
      name: 'e',
      exponentialHistogram: { aggregationTemporality: 2, dataPoints: [{ scale: -5 }, { count: '3' }] },
    },
    gauge('one.more', 1),
    gauge('too.many', 1),
  ])
  assert.deepEqual(lost(sent), {
    bad_name: 3,
    delta_not_monotonic: 1,
    duplicate_series: 1,
    histogram_count_mismatch: 1,
    reserved_label: 2,
    scale_too_low: 1,
    series_limit: 1,
    type_conflict: 2,
    unknown_temporality: 2,
  })
  assert.equal(sent.sent, 5)
  assert.deepEqual(
    (await scrape()).samples.map(line => line.replace(/[{ ].*/, '')),
    ['a_b', 'h_bucket', 'h_sum', 'h_count', 'h_count_total', 'ok', 'one_more'],
  )
  const warned = settings.log.lines.find(({ fields }) => fields['reason'] === 'duplicate_series')
  assert.match(String(warned?.fields['why']), /a_b/)
})

// Scenario: a metric of a name takes it, expires or goes stale, and another type comes under it.
// Guarantees: a clash ends with the series that caused it.
test('a name is free again when its series are gone', async t => {
  const { send, scrape } = await started(t)
  await send([gauge('x', 1)])
  const clash = { name: 'x', histogram: { aggregationTemporality: 2, dataPoints: [{ count: '2' }] } }
  assert.deepEqual(lost(await send([clash])), { type_conflict: 1 })
  await send([gauge('x', 0, {}, { flags: 1 })])
  assert.deepEqual((await scrape()).samples, [])
  assert.deepEqual(await send([clash]), { sent: 1 })
  assert.match((await scrape()).body, /^x_count 2$/m)
})

// Scenario: time passes, with and without new points, on a clock turned by hand.
// Guarantees: a series is shown until metric_expiration after its last point, and then it is forgotten.
test('series expire', async t => {
  let now = 1000
  t.mock.method(performance, 'now', () => now)
  const { send, scrape, settings } = await started(t, { metric_expiration: '5m' })
  const shown = (): number => settings.metrics.read('sluice_prometheus_series{exporter="prometheus"}')
  await send([gauge('old', 1), gauge('fresh', 1)], {
    resource: { 'service.name': 's', 'service.instance.id': 'i' },
  })
  now += 300_000
  await send([gauge('fresh', 2)])
  assert.equal((await scrape()).samples.length, 4)
  now += 1
  assert.deepEqual((await scrape()).samples, ['fresh 2'])
  assert.equal(shown(), 1)
})

// Scenario: scraping over TLS with a client certificate, and without one.
// Guarantees: the tls section guards the page.
test('tls', async t => {
  const made = makeCertificates()
  t.after(() => made.remove())
  const { address } = await started(t, {
    tls: { cert_file: made.serverCert, key_file: made.serverKey, client_ca_file: made.ca },
  })
  const [host, port] = address.split(':')
  const status = (own: object): Promise<number> =>
    new Promise((resolve, reject) => {
      const options = { host, port, path: '/metrics', ca: made.read(made.ca), agent: false, ...own }
      request(options, answer => resolve(answer.resume().statusCode!))
        .on('error', reject)
        .end()
    })
  assert.equal(await status({ cert: made.read(made.clientCert), key: made.read(made.clientKey) }), 200)
  await assert.rejects(status({}))
})

// Scenario: a page with an authenticator is asked for with and without credentials, by a URL parameter, and while the
// authenticator cannot tell; its extension is missing.
// Guarantees: only who is known reads it, others are told how, and there is no start without the extension.
test('auth', async t => {
  const config = { auth: { authenticator: 'basicauth', request_params: ['authorization'] } }
  await assert.rejects(started(t, config), /basicauth/)
  const { scrape } = await started(t, config, {
    challenge: 'Basic',
    authenticate(request) {
      const [shown] = request.values('authorization')
      if (shown === 'later') throw new Refused('not now')
      if (shown !== 'me') throw new Rejected('who are you?')
      return new Map()
    },
  })
  const stranger = await scrape()
  assert.deepEqual(
    [stranger.status, stranger.headers.get('www-authenticate'), stranger.body],
    [401, 'Basic', 'who are you?\n'],
  )
  assert.equal((await scrape({ authorization: 'me' })).status, 200)
  assert.equal((await scrape({}, '/metrics?authorization=me')).status, 200)
  assert.equal((await scrape({ authorization: 'later' })).status, 503)
  assert.equal((await scrape({}, '/other')).status, 401)
})

async function sendTo(t: TestContext): Promise<unknown> {
  const { exporter } = await started(t)
  await exporter.stop(0)
  return exporter.send(batchOf('metrics', [new Uint8Array()], 0), NO_CONTEXT)
}

// Scenario: a batch after stop.
// Guarantees: it is refused, not swallowed.
test('nothing is taken after stop', async t => {
  await assert.rejects(sendTo(t), Refused)
})

// Scenario: 30,000 series are scraped by three at once, one of them in another format.
// Guarantees: each gets the whole page.
test('many series, several scrapers', async t => {
  const { send, scrape } = await started(t)
  const points = Array.from({ length: 30_000 }, (_, i) => ({
    asInt: String(i),
    attributes: attributes({ i: `${i}` }),
  }))
  await send([{ name: 'many', gauge: { dataPoints: points } }])
  const [a, b, c] = await Promise.all([scrape(), scrape(), scrape({ accept: PROTOBUF })])
  assert.equal(a.samples.length, 30_000)
  assert.equal(a.body, b.body)
  assert.equal(readProtoPage(c.bytes)[0]!.metric.length, 30_000)
})
