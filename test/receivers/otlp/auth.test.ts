import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect as connectHttp2 } from 'node:http2'
import { connect } from 'node:net'
import { type TestContext, test } from 'node:test'
import type { Extension } from '../../../core/component/contract.ts'
import type { AuthRequest, Identity } from '../../../core/component/extensions.ts'
import { Refused, Rejected } from '../../../core/component/outcome.ts'
import { readStatus } from '../../../core/otlp/response.ts'
import { SIGNAL_WORDS } from '../../../core/otlp/signals.ts'
import { goldenRequests } from '../../kit/golden.ts'
import { GrpcClient, type Protocols, portOf, post, raw, startReceiver } from './harness.ts'

const { plain } = goldenRequests().find(({ signal }) => signal === 'traces')!

/** Knows ann at once and bob after a while; `busy` for others that come while it cannot tell. */
class Doorman {
  readonly challenge = 'Test realm="x"'
  readonly asked: string[] = []
  readonly #ann: Identity = new Map([['username', 'ann']])

  async start(): Promise<void> {}
  async stop(): Promise<void> {}

  authenticate(request: AuthRequest): Identity | Promise<Identity> {
    const [name = 'nobody'] = request.values('x-name')
    this.asked.push(name)
    if (name === 'ann') return this.#ann
    if (name === 'nobody') throw new Rejected('who are you?', { status: 'UNAUTHENTICATED' })
    if (name === 'bug') throw new TypeError('a secret')
    return new Promise((resolve, reject) => {
      setImmediate(() => {
        if (name === 'bob') resolve(new Map([['username', 'bob']]))
        else if (name === 'busy') reject(new Refused('one moment', { status: 'UNAVAILABLE' }))
        else reject(new Rejected('nobody knows you', { status: 'UNAUTHENTICATED' }))
      })
    })
  }
}

const AUTH = { auth: { authenticator: 'doorman' } }

async function guarded(t: TestContext, more: Protocols = {}) {
  const doorman = new Doorman()
  const running = await startReceiver(
    { grpc: { ...AUTH, ...more.grpc }, http: { ...AUTH, ...more.http } },
    ['traces', 'logs'],
    { doorman: doorman as Extension },
  )
  t.after(() => running.stop(0))
  return { ...running, doorman }
}

const PROTO = { 'content-type': 'application/x-protobuf' }

// Scenario: senders that are known at once, after a while, and not at all, at both doors, with and without metadata.
// Guarantees: who they are is in the batch's meta, beside the rest; the others get 401 and UNAUTHENTICATED with the
// reason, and are counted and logged.
test('those who are known get in', async t => {
  for (const include_metadata of [false, true]) {
    const { grpc, http, sinks, settings } = await guarded(t, {
      grpc: { include_metadata },
      http: { include_metadata },
    })
    const client = new GrpcClient(grpc)
    t.after(() => client.close())
    for (const name of ['ann', 'bob']) {
      assert.equal((await client.export('traces', plain, { 'x-name': name })).code, 0)
      assert.equal((await post(http, 'traces', plain, { ...PROTO, 'x-name': name })).status, 200)
    }
    const metas = sinks.traces.batches.map(({ meta }) => meta)
    assert.deepEqual(
      metas.map(({ auth }) => auth.get('username')),
      ['ann', 'ann', 'bob', 'bob'],
    )
    for (const meta of metas) {
      assert.match(meta.address, /^127\.0\.0\.1:\d+$/)
      assert.equal(meta.metadata.get('x-name')?.[0], include_metadata ? meta.auth.get('username') : undefined)
    }
    for (const [name, why, code, status] of [
      [undefined, 'who are you?', 16, 401],
      ['eve', 'nobody knows you', 16, 401],
      ['busy', 'one moment', 14, 503],
      ['bug', 'internal error; the log of the gateway says more', 14, 503],
    ] as const) {
      const headers: Record<string, string> = name === undefined ? {} : { 'x-name': name }
      const refused = await client.export('traces', plain, headers)
      assert.deepEqual([refused.code, refused.details], [code, why])
      const answer = await post(http, 'traces', plain, { ...PROTO, ...headers })
      assert.equal(answer.status, status)
      assert.deepEqual([readStatus(answer.body).code, readStatus(answer.body).message], [code, why])
      assert.equal(answer.headers['www-authenticate'], status === 401 ? 'Test realm="x"' : undefined)
    }
    assert.equal(sinks.traces.batches.length, 4)
    for (const transport of ['grpc', 'http']) {
      const key = `sluice_receiver_unauthenticated_requests{receiver="otlp",transport="${transport}"}`
      assert.equal(settings.metrics.read(key), 4)
    }
    assert.ok(settings.log.lines.some(({ message }) => message === 'A sender was turned away'))
  }
})

// Scenario: strangers ask for other paths, methods, types and encodings, also in JSON.
// Guarantees: whatever it is, they learn nothing but that they may not; in the encoding of their request.
test('strangers learn nothing of the HTTP door', async t => {
  const { http, doorman } = await guarded(t)
  for (const options of [
    { path: '/v1/other' },
    { method: 'GET' },
    { method: 'OPTIONS' },
    { path: '/v1/metrics' },
  ])
    assert.equal((await post(http, 'traces', '', PROTO, options)).status, 401, JSON.stringify(options))
  assert.equal((await post(http, 'traces', 'x', { ...PROTO, 'content-encoding': 'br' })).status, 401)
  assert.equal((await post(http, 'traces', 'x', { 'content-type': 'text/plain' })).status, 401)
  const json = await post(http, 'traces', '{}', { 'content-type': 'application/json' })
  assert.deepEqual(JSON.parse(json.body.toString()), { code: 16, message: 'who are you?' })
  assert.equal(doorman.asked.length, 7)
  const broken = await post(http, 'traces', '', PROTO, { path: '/v1/%ff?token=secret' })
  assert.equal(broken.status, 400)
  assert.ok(!broken.body.includes('secret'))
})

// Scenario: a web page of an allowed origin asks whether it may send, and sends without credentials.
// Guarantees: the question needs none, the request does; the page can read why it was refused.
test('browsers may ask', async t => {
  const { http } = await guarded(t, { http: { cors: { allowed_origins: ['https://a.example'] } } })
  const origin = { origin: 'https://a.example' }
  const asks = { ...origin, 'access-control-request-method': 'POST' }
  assert.equal((await post(http, 'traces', '', asks, { method: 'OPTIONS' })).status, 204)
  const sent = await post(http, 'traces', plain, { ...PROTO, ...origin })
  assert.equal(sent.status, 401)
  assert.equal(sent.headers['access-control-allow-origin'], 'https://a.example')
})

// Scenario: credentials in the URL, where request_params names them and where it does not.
// Guarantees: named ones stand for headers and win over them; others are nothing.
test('parameters of the URL', async t => {
  const auth = { authenticator: 'doorman', request_params: ['X-Name'] }
  const { http } = await guarded(t, { http: { auth } })
  const status = async (query: string, headers = {}) =>
    (await post(http, 'traces', plain, { ...PROTO, ...headers }, { path: `/v1/traces${query}` })).status
  assert.equal(await status('?a=b&X-Name=ann'), 200)
  assert.equal(await status('?X-Name=ann', { 'x-name': 'eve' }), 200)
  assert.equal(await status('?X-Name=eve', { 'x-name': 'ann' }), 401)
  assert.equal(await status('?x-name=ann'), 401)
  assert.equal(await status('', { 'x-name': 'ann' }), 200)
})

// Scenario: strangers announce a large body and wait, at both doors; others send broken ones.
// Guarantees: the answer comes before the body, of which nothing is read or unpacked.
test('nothing of a stranger’s body is read', async t => {
  const { http, grpc, settings } = await guarded(t)
  const socket = connect({ host: '127.0.0.1', port: portOf(http) })
  t.after(() => socket.destroy())
  socket.write(
    'POST /v1/traces HTTP/1.1\r\nhost: x\r\ncontent-type: application/x-protobuf\r\ncontent-length: 10000000\r\n\r\nxx',
  )
  const [answer] = await once(socket, 'data')
  assert.match(String(answer), /^HTTP\/1\.1 401 Unauthorized\r\n/)
  const session = connectHttp2(`http://${grpc}`)
  t.after(() => session.destroy())
  for (const name of ['nobody', 'eve']) {
    const stream = session.request(
      {
        ':method': 'POST',
        ':path': SIGNAL_WORDS.traces.method,
        'content-type': 'application/grpc',
        te: 'trailers',
        'x-name': name,
      },
      { endStream: false },
    )
    // Half of a message's prefix.
    stream.on('error', () => {}).write(Buffer.alloc(3))
    const status = new Promise(resolve => {
      const note = (headers: Record<string, unknown>) =>
        headers['grpc-status'] && resolve(headers['grpc-status'])
      stream.on('response', note).on('trailers', note)
    })
    assert.equal(await status, '16', name)
    stream.destroy()
  }
  const client = new GrpcClient(grpc)
  t.after(() => client.close())
  assert.equal((await client.export('traces', Buffer.from('x'))).code, 16)
  assert.equal((await post(http, 'traces', 'x')).status, 401)
  const counted = [...settings.metrics.values.keys()].map(key => key.replace(/\{.*/, ''))
  assert.deepEqual(new Set(counted), new Set(['sluice_receiver_unauthenticated_requests']))
  assert.ok(!settings.log.lines.some(({ message }) => message === 'A request could not be read'))
})

// Scenario: many requests over one connection, some of whose senders are gone before it is known who they are.
// Guarantees: each gets its own answer; the others still get theirs.
test('senders that leave while they are looked up', async t => {
  const { grpc, http, sinks } = await guarded(t)
  const client = new GrpcClient(grpc)
  t.after(() => client.close())
  const calls = Array.from({ length: 30 }, (_, i) => {
    const call = client.export('traces', plain, { 'x-name': ['ann', 'bob', 'eve'][i % 3]! })
    if (i % 5 === 0) call.cancel()
    return call
  })
  const codes = (await Promise.all(calls)).map(({ code }) => code)
  for (const [i, code] of codes.entries())
    if (i % 5 !== 0) assert.equal(code, i % 3 === 2 ? 16 : 0, String(i))
  const headers =
    'POST /v1/traces HTTP/1.1\r\nhost: x\r\nx-name: bob\r\ncontent-length: 5\r\nconnection: close\r\n\r\n'
  const socket = connect({ host: '127.0.0.1', port: portOf(http) })
  socket.end(headers)
  socket.on('error', () => {})
  await once(socket.resume(), 'close')
  assert.equal((await post(http, 'traces', plain, { ...PROTO, 'x-name': 'ann' })).status, 200)
  assert.ok(sinks.traces.batches.every(({ meta }) => meta.auth.size === 1))
})

// Scenario: an authenticator that does not run, and an extension that is none.
// Guarantees: the receiver does not start, so that nobody gets in by accident.
test('without its authenticator it does not start', async () => {
  const other = { start: async () => {}, stop: async () => {} }
  for (const protocol of ['grpc', 'http'] as const) {
    await assert.rejects(startReceiver({ [protocol]: AUTH }), /auth: no extension doorman runs/)
    await assert.rejects(
      startReceiver({ [protocol]: AUTH }, ['traces'], { doorman: other }),
      /is no extension that says who may send/,
    )
  }
})

// Scenario: an HTTP/1 client comes to the gRPC port of a guarded receiver.
// Guarantees: it is told of its mistake as before.
test('the wrong port is told of as before', async t => {
  const { grpc } = await guarded(t)
  const answer = await raw(grpc, 'POST /v1/traces HTTP/1.1\r\nhost: x\r\n\r\n')
  assert.match(answer.toString(), /^HTTP\/1\.1 400 /)
})
