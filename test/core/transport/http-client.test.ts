import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http'
import { createSecureServer } from 'node:http2'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo, Socket } from 'node:net'
import { after, afterEach, test } from 'node:test'
import { section, type ValueOf } from '../../../config/schema.ts'
import { HttpClient, httpClientFields } from '../../../core/transport/http-client.ts'
import { makeCertificates } from '../../kit/certificates.ts'
import { listen } from '../../kit/otlp-servers.ts'
import { readConfig } from '../../kit/read-config.ts'

const config = section(httpClientFields({ compression: 'gzip', writeBufferSize: 0 }), { doc: '' })
const certificates = makeCertificates()
after(() => certificates.remove())

const open: (() => unknown)[] = []
afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close()
})

function clientOf(plain: Record<string, unknown>): HttpClient {
  const client = new HttpClient(readConfig(config, plain) as ValueOf<typeof config>, 'test/1')
  client.open({ extension: () => undefined })
  open.push(() => client.close(performance.now()))
  return client
}

interface Seen {
  readonly method: string
  readonly path: string
  readonly headers: IncomingHttpHeaders
  readonly bytes: number
}

/** Notes what comes and answers as told. */
async function serve(answer: (response: ServerResponse, request: IncomingMessage) => void) {
  const seen: Seen[] = []
  const { port, close } = await listen(async (request, response) => {
    let bytes = 0
    for await (const part of request) bytes += (part as Buffer).length
    seen.push({ method: request.method!, path: request.url!, headers: request.headers, bytes })
    answer(response, request)
  })
  open.push(close)
  return { url: (path: string, host = '127.0.0.1') => new URL(`http://${host}:${port}${path}`), port, seen }
}

function send(client: HttpClient, url: URL) {
  const chunks = [Buffer.from('some bytes')]
  const headers = { 'content-type': 'application/x-protobuf' }
  return client.send({ method: 'POST', url, headers, chunks, byteLength: 10, signal: undefined })
}

// Scenario: 307 and 308 with absolute and relative targets, on the same host and to another one; 301 and 302; a circle; a
// redirect without a target.
// Guarantees: 307 and 308 are followed with method, body and encoding; the config's headers go to the same host only;
// 301 and 302 are answers; a circle ends.
test('redirects', async () => {
  const client = clientOf({ headers: { authorization: 'Bearer secret', 'x-tenant': 'blue' } })
  const server = await serve((response, request) => {
    const to = new URL(request.url!, 'http://x').searchParams
    const status = Number(to.get('status') ?? 200)
    response.writeHead(status, to.has('to') ? { location: to.get('to')! } : {}).end()
  })
  const follow = async (path: string) => {
    server.seen.length = 0
    return (await send(client, server.url(path))).status
  }
  for (const status of [307, 308]) {
    assert.equal(await follow(`/a?status=${status}&to=/b`), 200)
    const [first, second] = server.seen
    assert.deepEqual([second!.method, second!.path, second!.bytes], ['POST', '/b', first!.bytes])
    assert.equal(second!.headers['content-encoding'], 'gzip')
    assert.equal(second!.headers.authorization, 'Bearer secret')
    const other = encodeURIComponent(server.url('/c', 'localhost').href)
    assert.equal(await follow(`/a?status=${status}&to=${other}`), 200)
    const { headers } = server.seen[1]!
    assert.deepEqual([headers.authorization, headers['x-tenant']], [undefined, undefined])
    assert.deepEqual([headers['content-type'], headers['user-agent']], ['application/x-protobuf', 'test/1'])
  }
  for (const status of [301, 302, 303, 304]) assert.equal(await follow(`/a?status=${status}&to=/b`), status)
  assert.equal(await follow('/a?status=307'), 307)
  assert.equal(await follow('/a?status=307&to=ftp://b'), 307)
  assert.equal(await follow(`/a?status=307&to=${encodeURIComponent('/a?status=307')}`), 307)
  const circle = await serve(response => response.writeHead(308, { location: '/' }).end())
  assert.equal((await send(client, circle.url('/'))).status, 308)
  assert.equal(circle.seen.length, 11)
})

// Scenario: a server sets a cookie; the client has `cookies` and has not.
// Guarantees: it comes back with the next request, or never.
test('cookies', async () => {
  for (const cookies of [{}, undefined]) {
    const server = await serve(response =>
      response.writeHead(200, { 'set-cookie': ['lb=7; Path=/', 'x=1'] }).end(),
    )
    const client = clientOf(cookies === undefined ? {} : { cookies })
    await send(client, server.url('/v1/traces'))
    await send(client, server.url('/v1/traces'))
    assert.deepEqual(
      server.seen.map(({ headers }) => headers.cookie),
      [undefined, cookies === undefined ? undefined : 'x=1; lb=7'],
    )
  }
})

/** A server with TLS that speaks both, or HTTP/1.1 only. Counts connections and notes what was spoken. */
async function tlsServer(both: boolean) {
  const spoken: string[] = []
  let connections = 0
  const { serverCert, serverKey, read } = certificates
  const pem = { cert: read(serverCert), key: read(serverKey) }
  const server = both ? createSecureServer({ allowHTTP1: true, ...pem }) : createTlsServer(pem)
  const sockets = new Set<Socket>()
  server.on('secureConnection', (socket: Socket) => {
    connections++
    sockets.add(socket)
  })
  server.on('request', (request: IncomingMessage, response: ServerResponse) => {
    spoken.push(request.httpVersion)
    request.resume().on('end', () => setTimeout(() => response.writeHead(200).end(), 20))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  open.push(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  const url = new URL(`https://127.0.0.1:${(server.address() as AddressInfo).port}/`)
  return { url, spoken, connections: () => connections }
}

// Scenario: servers that speak HTTP/1.1 and HTTP/2, or HTTP/1.1 only; force_attempt_http2 on and off; twenty requests at
// once on a connection that is there.
// Guarantees: ALPN chooses as with Go's client; HTTP/2 carries all twenty on that one connection, HTTP/1.1 does not wait
// in line.
test('HTTP/2 over TLS', async () => {
  const rows: [both: boolean, force: boolean, version: string][] = [
    [true, true, '2.0'],
    [true, false, '1.1'],
    [false, true, '1.1'],
  ]
  for (const [both, force_attempt_http2, version] of rows) {
    const server = await tlsServer(both)
    const client = clientOf({ tls: { ca_file: certificates.ca }, force_attempt_http2 })
    await send(client, server.url)
    await Promise.all(Array.from({ length: 20 }, () => send(client, server.url)))
    assert.deepEqual(new Set(server.spoken), new Set([version]))
    assert.equal(server.spoken.length, 21)
    assert.ok(
      version === '2.0' ? server.connections() === 1 : server.connections() > 10,
      `${server.connections()}`,
    )
  }
})

// Scenario: HTTP_PROXY names a proxy and NO_PROXY one of two names; this machine is a third.
// Guarantees: only the name that is no exception goes through the proxy.
test('a proxy from the environment', async t => {
  const proxy = await serve(response => response.writeHead(200).end())
  const before = { ...process.env }
  t.after(() => {
    for (const name of ['HTTP_PROXY', 'NO_PROXY']) {
      if (before[name] === undefined) delete process.env[name]
      else process.env[name] = before[name]
    }
  })
  process.env['HTTP_PROXY'] = `http://127.0.0.1:${proxy.port}`
  process.env['NO_PROXY'] = 'direct.invalid'
  const client = clientOf({})
  assert.equal((await send(client, new URL('http://back.invalid/v1/logs'))).status, 200)
  assert.equal(proxy.seen[0]!.path, 'http://back.invalid/v1/logs')
  await assert.rejects(send(client, new URL('http://direct.invalid/v1/logs')), /its name/)
  const here = await serve(response => response.writeHead(204).end())
  assert.equal((await send(client, here.url('/'))).status, 204)
  assert.equal(proxy.seen.length, 1)
})

// Scenario: a page that moved by 302, to the same host and to another one, asked for by a reader that follows anything,
// and by one that follows nothing; with a secret header; an answer longer than the reader wants.
// Guarantees: `redirects` and `answerBytesMax` are kept to, and secrets stay with the host that they are for.
test('readers of pages', async () => {
  const elsewhere = await serve(response => response.end('x'.repeat(5 * 1024 * 1024)))
  const moved = await serve((response, { url }) => {
    if (url === '/here') response.end('y')
    else
      response
        .writeHead(302, { location: url === '/away' ? elsewhere.url('/', 'localhost').href : '/here' })
        .end()
  })
  const client = clientOf({})
  const get = (path: string, more: object) =>
    client.send({
      method: 'GET',
      url: moved.url(path),
      headers: { accept: 'text/plain' },
      secrets: { authorization: 'Bearer a' },
      chunks: [],
      byteLength: 0,
      signal: undefined,
      ...more,
    })
  assert.equal((await get('/', { redirects: 'none' })).status, 302)
  assert.equal((await get('/', {})).status, 302)
  assert.equal((await get('/', { redirects: 'all' })).status, 200)
  assert.equal(moved.seen.at(-1)!.headers['authorization'], 'Bearer a')
  const whole = await get('/away', { redirects: 'all', answerBytesMax: 6 * 1024 * 1024 })
  assert.deepEqual([whole.body.length, whole.cut], [5 * 1024 * 1024, false])
  const [asked] = elsewhere.seen
  assert.deepEqual([asked!.headers['authorization'], asked!.headers['accept']], [undefined, 'text/plain'])
  assert.equal((await get('/away', { redirects: 'all', answerBytesMax: 10 })).cut, true)
})
