import assert from 'node:assert/strict'
import { once } from 'node:events'
import { request } from 'node:https'
import { type TestContext, test } from 'node:test'
import type { AuthRequest } from '../../core/component/extensions.ts'
import { Refused, Rejected } from '../../core/component/outcome.ts'
import { factory } from '../../extensions/health-check.ts'
import { makeCertificates } from '../kit/certificates.ts'
import { type TestHost, testSettings } from '../kit/parts.ts'
import { readConfig, tryConfig } from '../kit/read-config.ts'

async function setUp(t: TestContext, config: Record<string, unknown> = {}) {
  const settings = testSettings('extension', 'health_check')
  const extension = factory.create(
    readConfig(factory.config, { endpoint: '127.0.0.1:0', ...config }),
    settings,
  )
  await extension.start()
  t.after(() => extension.stop(performance.now()))
  const ask = async (path: string) => {
    const answer = await fetch(`http://${extension.addresses!.get('http')}${path}`)
    return { status: answer.status, type: answer.headers.get('content-type'), body: await answer.text() }
  }
  return { settings, extension, ask }
}

// Scenario: a gateway that starts, is ready, and has a part that cannot work.
// Guarantees: 503, 200 with the Collector's body, 503 again.
test('the path answers as the Collector does', async t => {
  const { settings, extension, ask } = await setUp(t)
  settings.host.ready = false
  const before = await ask('/')
  assert.deepEqual(
    [before.status, JSON.parse(before.body)],
    [503, { status: 'Server not available', upSince: '0001-01-01T00:00:00Z', uptime: '' }],
  )
  settings.host.ready = true
  const { status, type, body } = await ask('/')
  assert.deepEqual([status, type], [200, 'application/json'])
  const { status: said, upSince, uptime } = JSON.parse(body)
  assert.deepEqual([said, upSince], ['Server available', '1970-01-01T00:00:00.000Z'])
  assert.match(uptime, /^\d+h\d+m[\d.]+s$/)
  // The default path has everything below it.
  assert.equal((await ask('/healthz')).status, 200)
  settings.host.report('exporter/x', { state: 'permanent_error', message: 'no' })
  assert.equal((await ask('/')).status, 503)
  await extension.stop(performance.now())
})

// Scenario: the memory limiter refuses; an exporter fails now, and since more than a minute.
// Guarantees: /ready is 503 with who and why for the first and the last; a short trouble of a server is no reason.
test('readiness tells the truth', async t => {
  const { settings, extension, ask } = await setUp(t)
  const { host } = settings
  assert.deepEqual(JSON.parse((await ask('/ready')).body), { status: 'ready', components: [] })
  host.report('processor/memory_limiter/traces', { state: 'recoverable_error', message: 'memory is short' })
  const full = await ask('/ready')
  assert.equal(full.status, 503)
  const [component] = JSON.parse(full.body).components
  assert.deepEqual(
    [component.component, component.reason],
    ['processor/memory_limiter/traces', 'memory is short'],
  )
  assert.equal((await ask('/')).status, 200)
  host.report('processor/memory_limiter/traces', { state: 'ok' })
  host.report('exporter/otlp', { state: 'recoverable_error', since: Date.now() })
  assert.equal((await ask('/ready')).status, 200)
  host.report('exporter/otlp', { state: 'recoverable_error', since: Date.now() - 61_000 })
  assert.equal((await ask('/ready')).status, 503)
  host.report('exporter/otlp', { state: 'ok' })
  host.ready = false
  assert.equal((await ask('/ready')).status, 503)
  await extension.stop(performance.now())
})

// Scenario: another path and other bodies are configured.
// Guarantees: they are used, and the default path is gone.
test('path and bodies can be set', async t => {
  const { settings, extension, ask } = await setUp(t, {
    path: '/health',
    response_body: { healthy: 'fine', unhealthy: 'poorly' },
  })
  assert.deepEqual([(await ask('/health')).body, (await ask('/')).status], ['fine', 404])
  assert.equal((await ask('/health/more')).status, 404)
  settings.host.ready = false
  assert.deepEqual([(await ask('/health')).body, (await ask('/health')).status], ['poorly', 503])
  await extension.stop(performance.now())
})

// Scenario: keys of the Collector that do nothing here, keys that would weaken security, stop without start.
// Guarantees: the first warn, the others are errors; stop is safe.
test('the Collector’s other keys are not ignored in silence', async () => {
  const { problems } = tryConfig(factory.config, {
    endpoint: 'nowhere',
    tls: { cert_file: 'x' },
    check_collector_pipeline: { enabled: true, interval: '5m', exporter_failure_threshold: 5 },
    use_v2: true,
  })
  assert.equal(problems.length, 3, problems.join('\n'))
  assert.match(
    problems.join(' '),
    /warning: use_v2.*endpoint.*not host:port|endpoint.*not host:port.*warning: use_v2/,
  )
  assert.match(problems.join(' '), /tls::cert_file: a certificate without its key/)
  const settings = testSettings('extension', 'health_check')
  const extension = factory.create(factory.config.absent(), settings)
  await extension.stop(performance.now())
  await extension.stop(performance.now())
})

// Scenario: `tls` with a client_ca_file; a client that shows a certificate, one that shows none and one without TLS.
// Guarantees: only the first one is answered.
test('pages over TLS', async t => {
  const { ca, serverCert, serverKey, clientCert, clientKey, read, remove } = makeCertificates()
  t.after(remove)
  const tls = { cert_file: serverCert, key_file: serverKey, client_ca_file: ca, reload_interval: '1h' }
  const settings = testSettings('extension', 'health_check')
  const config = readConfig(factory.config, { endpoint: '127.0.0.1:0', tls })
  const extension = factory.create(config, settings)
  await extension.start()
  t.after(() => extension.stop(performance.now()))
  const [host, port] = extension.addresses!.get('http')!.split(':')
  const ask = async (own: object) => {
    const asked = request({ host, port, ca: read(ca), agent: false, ...own }).end()
    const [response] = await once(asked, 'response')
    response.resume()
    return response.statusCode
  }
  assert.equal(await ask({ cert: read(clientCert), key: read(clientKey) }), 200)
  await assert.rejects(ask({}))
  await assert.rejects(fetch(`http://${host}:${port}/`))
})

// Scenario: a config that cannot be run was read.
// Guarantees: /ready says what is wrong with it and stays 200; a good one ends that.
test('a rejected config is told of', async t => {
  const { settings, ask } = await setUp(t)
  const host = settings.host as TestHost
  host.lastReload = { at: 0, outcome: 'rejected', problems: ['a.yaml:1:1: wrong'] }
  const { status, body } = await ask('/ready')
  assert.deepEqual([status, JSON.parse(body).config.problems], [200, ['a.yaml:1:1: wrong']])
  host.lastReload = { at: 0, outcome: 'applied', problems: [] }
  assert.equal(JSON.parse((await ask('/ready')).body).config, undefined)
})

// Scenario: pages behind an authenticator: nobody, a stranger, one who is known, one whose credentials are in the URL;
// an authenticator that cannot tell right now; one that is gone; a start without one.
// Guarantees: only who is known sees the page; the others are told what to show or to come again; nobody starts
// without the authenticator that the config names.
test('pages behind an authenticator', async t => {
  const settings = testSettings('extension', 'health_check')
  const { extensions } = settings.host
  const auth = { authenticator: 'door', request_params: ['authorization'] }
  const make = () => factory.create(readConfig(factory.config, { endpoint: '127.0.0.1:0', auth }), settings)
  await assert.rejects(make().start(), /auth: no extension door runs/)
  const door = {
    challenge: 'Bearer realm="sluice"',
    start: async () => {},
    stop: async () => {},
    authenticate(request: AuthRequest) {
      const [shown = ''] = request.values('authorization')
      if (shown === 'busy') throw new Refused('not now')
      if (shown !== 'friend') throw new Rejected('nobody knows you', { status: 'UNAUTHENTICATED' })
      return new Map()
    },
  }
  extensions.set('door', door)
  const extension = make()
  await extension.start()
  t.after(() => extension.stop(performance.now()))
  const ask = async (path: string, authorization = '') => {
    const url = `http://${extension.addresses!.get('http')}${path}`
    const { status, headers } = await fetch(url, { headers: { authorization } })
    return [status, headers.get('www-authenticate')]
  }
  for (const path of ['/', '/ready', '/none']) assert.deepEqual(await ask(path), [401, door.challenge], path)
  assert.deepEqual(await ask('/', 'stranger'), [401, door.challenge])
  assert.deepEqual(await ask('/', 'busy'), [503, null])
  assert.deepEqual(await ask('/', 'friend'), [200, null])
  assert.deepEqual(await ask('/?authorization=friend'), [200, null])
  extensions.delete('door')
  assert.deepEqual(await ask('/', 'friend'), [500, null])
})
