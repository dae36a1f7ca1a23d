import assert from 'node:assert/strict'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { createServer as createHttpServer } from 'node:http'
import {
  createServer as createHttp2Server,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from 'node:http2'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { afterEach, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { section, type ValueOf } from '../../../config/schema.ts'
import { Refused } from '../../../core/component/outcome.ts'
import type { Resolving } from '../../../core/transport/grpc/http2.ts'
import { type GrpcAnswer, GrpcClient } from '../../../core/transport/grpc-client.ts'
import { grpcClientFields } from '../../../core/transport/grpc-client-config.ts'
import { grpcServer, type TestServer } from '../../kit/otlp-servers.ts'
import { readConfig } from '../../kit/read-config.ts'

const METHOD = '/opentelemetry.proto.collector.trace.v1.TraceService/Export'
const config = section(grpcClientFields({ compression: 'none', writeBufferSize: 0 }), { doc: '' })

const open: (() => unknown)[] = []
afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close()
})

async function clientOf(plain: Record<string, unknown>, resolving: Resolving = {}): Promise<GrpcClient> {
  const value = readConfig(config, { tls: { insecure: true }, balancer_name: 'round_robin', ...plain })
  const client = new GrpcClient(value as ValueOf<typeof config>, 'test/1', undefined, resolving)
  await client.open({ extension: () => undefined })
  open.push(() => client.close())
  return client
}

async function serve(host: string, port: number): Promise<TestServer> {
  const server = await grpcServer({ host, port })
  open.push(server.close)
  return server
}

/** Servers on one port at several addresses of this machine. */
async function several(...hosts: string[]): Promise<TestServer[]> {
  const first = await serve(hosts[0]!, 0)
  const port = portOf(first)
  return [first, ...(await Promise.all(hosts.slice(1).map(host => serve(host, port))))]
}

const portOf = (server: TestServer) => Number(server.endpoint.split(':').at(-1))

function call(client: GrpcClient, options = {}): Promise<GrpcAnswer> {
  return client.unary(METHOD, [new Uint8Array(0)], options)
}

/** Calls until `done`; a call that cannot be made is an answer like others. */
async function callUntil(client: GrpcClient, done: (answer: GrpcAnswer | Refused) => boolean): Promise<void> {
  for (let tries = 0; tries < 3000; tries++) {
    const answer = await call(client).catch((error: Refused) => error)
    if (done(answer)) return
    await sleep(5)
  }
  throw new Error('it never came')
}

// Scenario: a name with three addresses, one server at each; 30 calls.
// Guarantees: round_robin gives each a third, pick_first gives all to one.
test('calls are spread over the addresses of a name', async () => {
  for (const balancer_name of ['round_robin', 'pick_first']) {
    const servers = await several('127.0.0.2', '127.0.0.3', '127.0.0.4')
    const lookup = async () => ['127.0.0.2', '127.0.0.3', '127.0.0.4']
    const client = await clientOf(
      { endpoint: `dns:///back.test:${portOf(servers[0]!)}`, balancer_name },
      { lookup },
    )
    // Until all three are connected.
    await callUntil(
      client,
      () => servers.every(one => one.received.length > 0) || balancer_name === 'pick_first',
    )
    const before = servers.map(one => one.received.length)
    for (let i = 0; i < 30; i++) assert.equal((await call(client)).status, 'OK')
    const shares = servers.map((one, i) => one.received.length - before[i]!)
    assert.deepEqual(shares, balancer_name === 'round_robin' ? [10, 10, 10] : [30, 0, 0])
  }
})

// Scenario: one of two servers dies under calls, and comes back.
// Guarantees: after what was open on it no call fails, and it gets its share again.
test('a dead server is left and found again', async () => {
  const [stays, dies] = await several('127.0.0.2', '127.0.0.3')
  const lookup = async () => ['127.0.0.2', '127.0.0.3']
  const port = portOf(stays!)
  const client = await clientOf({ endpoint: `back.test:${port}` }, { lookup, lookupGapMs: 10 })
  await callUntil(client, () => dies!.received.length > 1 && stays!.received.length > 1)
  await dies!.close()
  await callUntil(client, answer => !(answer instanceof Error) && answer.status === 'OK')
  for (let i = 0; i < 20; i++) assert.equal((await call(client)).status, 'OK')
  const again = await serve('127.0.0.3', port)
  await callUntil(client, answer => {
    assert.ok(!(answer instanceof Error) && answer.status === 'OK')
    return again.received.length > 1
  })
})

// Scenario: pick_first, and the server it is on dies.
// Guarantees: calls go to the next address.
test('pick_first goes on to the next address', async () => {
  const [first, second] = await several('127.0.0.2', '127.0.0.3')
  const lookup = async () => ['127.0.0.2', '127.0.0.3']
  const endpoint = `back.test:${portOf(first!)}`
  const client = await clientOf({ endpoint, balancer_name: '' }, { lookup })
  assert.equal((await call(client)).status, 'OK')
  assert.equal(first!.received.length, 1)
  await first!.close()
  await callUntil(client, () => second!.received.length > 0)
})

// Scenario: a name without an address, which has one later, and then another instead.
// Guarantees: calls fail with the name's problem, then reach the one, and after it has gone the other.
test('a name is looked up again', async () => {
  const [one, other] = await several('127.0.0.2', '127.0.0.3')
  let addresses: string[] = []
  const lookup = async () => {
    if (addresses.length > 0) return addresses
    throw Object.assign(new Error('getaddrinfo ENOTFOUND back.test'), { code: 'ENOTFOUND' })
  }
  const client = await clientOf({ endpoint: `back.test:${portOf(one!)}` }, { lookup, lookupGapMs: 10 })
  await assert.rejects(call(client), (error: Refused) => {
    assert.ok(error instanceof Refused)
    assert.equal(error.status, 'UNAVAILABLE')
    assert.match(error.message, /^cannot connect to back\.test:\d+: its name is not known \(ENOTFOUND\)$/)
    return true
  })
  addresses = ['127.0.0.2']
  await callUntil(client, () => one!.received.length > 0)
  addresses = ['127.0.0.3']
  await one!.close()
  await callUntil(client, () => other!.received.length > 0)
})

/** A DNS server that knows A records of one name. */
async function dnsServer(name: string, addresses: readonly string[]): Promise<number> {
  const socket = createSocket('udp4')
  socket.on('message', (question, from) => {
    const end = question.indexOf(0, 12) + 5
    const asked = question.subarray(12, end)
    const isA = asked.readUInt16BE(asked.length - 4) === 1
    const labels = asked.toString('latin1', 1, asked.length - 5).replaceAll(/[\0-\x1f]/g, '.')
    const answers = isA && labels === name ? addresses : []
    const head = Buffer.from(question.subarray(0, 12))
    head.writeUInt16BE(0x8180, 2)
    head.writeUInt16BE(answers.length, 6)
    head.fill(0, 8)
    const records = answers.map(address =>
      Buffer.from([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 1, 0, 4, ...address.split('.').map(Number)]),
    )
    socket.send(Buffer.concat([head, asked, ...records]), from.port, from.address)
  })
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
  open.push(() => socket.close())
  return socket.address().port
}

// Scenario: dns://server/name, the server being one of our own.
// Guarantees: that server is asked, and all its addresses get calls.
test('dns:// with a server of its own', async () => {
  const servers = await several('127.0.0.2', '127.0.0.3')
  const dns = await dnsServer('back.test', ['127.0.0.2', '127.0.0.3'])
  const client = await clientOf({ endpoint: `dns://127.0.0.1:${dns}/back.test:${portOf(servers[0]!)}` })
  await callUntil(client, () => servers.every(one => one.received.length > 0))
})

// Scenario: passthrough:///, an address in brackets, http:// in front.
// Guarantees: all lead to the server.
test('endpoints without a look-up', async () => {
  const server = await serve('127.0.0.1', 0)
  const lookup = async (): Promise<string[]> => assert.fail('nothing is to be looked up')
  for (const endpoint of [
    `passthrough:///127.0.0.1:${portOf(server)}`,
    `http://127.0.0.1:${portOf(server)}`,
  ]) {
    const client = await clientOf({ endpoint }, { lookup })
    assert.equal((await call(client)).status, 'OK')
  }
})

interface Raw {
  readonly endpoint: string
  readonly sessions: ServerHttp2Session[]
}

/** An HTTP/2 server that treats the nth stream it gets, from 1, as it is told. */
async function rawServer(
  answer: (stream: ServerHttp2Stream, nth: number) => void,
  settings = {},
): Promise<Raw> {
  const sessions: ServerHttp2Session[] = []
  let streams = 0
  const server = createHttp2Server({ settings })
  server.on('session', session => sessions.push(session))
  server.on('stream', (stream: ServerHttp2Stream) => {
    stream.on('error', () => {})
    const nth = ++streams
    stream.resume().on('end', () => answer(stream, nth))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  open.push(() => {
    for (const session of sessions) session.destroy()
    server.close()
  })
  return { endpoint: `127.0.0.1:${(server.address() as AddressInfo).port}`, sessions }
}

function accept(stream: ServerHttp2Stream): void {
  stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true })
  stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }))
  stream.end(Buffer.alloc(5))
}

// Scenario: the server says GOAWAY while a call is open on the connection, which it then answers.
// Guarantees: that call ends well; the next goes over a new connection; none fails.
test('GOAWAY costs nothing', async () => {
  const server = await rawServer((stream, nth) => {
    if (nth === 1) {
      stream.session!.goaway(0)
      setTimeout(() => accept(stream), 50)
    } else accept(stream)
  })
  const client = await clientOf({ endpoint: server.endpoint })
  assert.equal((await call(client)).status, 'OK')
  assert.equal((await call(client)).status, 'OK')
  assert.equal(server.sessions.length, 2)
})

// Scenario: the server refuses a stream unseen, once, and then always; it resets one with an error.
// Guarantees: refused unseen is made again; always refused is UNAVAILABLE; an error is the server's answer.
test('calls that nobody looked at are made again', async () => {
  let refusals = 1
  const server = await rawServer(stream => {
    if (refusals-- > 0) stream.close(7)
    else accept(stream)
  })
  const client = await clientOf({ endpoint: server.endpoint })
  assert.equal((await call(client)).status, 'OK')
  refusals = 100
  const never = await call(client)
  assert.deepEqual([never.status, never.message], ['UNAVAILABLE', 'the server does not take any more calls'])
  const breaks = await rawServer(stream => stream.close(2))
  const answer = await call(await clientOf({ endpoint: breaks.endpoint }))
  assert.deepEqual([answer.status, answer.message], ['INTERNAL', 'the server reset the stream (code 2)'])
})

// Scenario: a server that takes one stream at a time gets twenty calls at once.
// Guarantees: all are answered.
test('max_concurrent_streams of a server', async () => {
  let now = 0
  let most = 0
  const server = await rawServer(
    stream => {
      most = Math.max(most, ++now)
      setTimeout(() => {
        now--
        accept(stream)
      }, 1)
    },
    { maxConcurrentStreams: 1 },
  )
  const client = await clientOf({ endpoint: server.endpoint })
  await call(client)
  const answers = await Promise.all(Array.from({ length: 20 }, () => call(client)))
  assert.deepEqual(new Set(answers.map(({ status }) => status)), new Set(['OK']))
  assert.equal(most, 1)
})

// Scenario: twelve requests of 8 MB at once on one connection, to a server whose windows are HTTP/2's smallest.
// Guarantees: all arrive whole.
test('many large requests at once', async () => {
  const sizes: number[] = []
  const server = createHttp2Server()
  server.on('stream', (stream: ServerHttp2Stream) => {
    let size = 0
    stream.on('data', (part: Buffer) => {
      size += part.length
    })
    stream.on('end', () => {
      sizes.push(size)
      accept(stream)
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  open.push(() => server.close())
  const client = await clientOf({ endpoint: `127.0.0.1:${(server.address() as AddressInfo).port}` })
  const chunks = Array.from({ length: 8 }, () => new Uint8Array(1_000_000))
  const answers = await Promise.all(Array.from({ length: 12 }, () => client.unary(METHOD, chunks, {})))
  assert.deepEqual(new Set(answers.map(({ status }) => status)), new Set(['OK']))
  assert.deepEqual(sizes, Array(12).fill(8_000_005))
})

// Scenario: an answer before the request was read; trailers only; a percent-encoded message; a gzip answer.
// Guarantees: each is understood.
test('forms of answers', async () => {
  const { gzipSync } = await import('node:zlib')
  const content = gzipSync(Buffer.from('answer'))
  const prefix = Buffer.alloc(5)
  prefix[0] = 1
  prefix.writeUInt32BE(content.length, 1)
  const server = createHttp2Server()
  let nth = 0
  server.on('stream', (stream: ServerHttp2Stream) => {
    stream.on('error', () => {})
    const type = { ':status': 200, 'content-type': 'application/grpc+proto' }
    if (nth++ === 0) {
      // Nothing of the request is read: its window stays full.
      stream.respond(
        { ...type, 'grpc-status': '8', 'grpc-message': 'gr%C3%B6%C3%9Fer als %' },
        { endStream: true },
      )
    } else {
      stream.respond({ ...type, 'grpc-encoding': 'gzip' }, { waitForTrailers: true })
      stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }))
      stream.end(Buffer.concat([prefix, content]))
    }
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  open.push(() => server.close())
  const client = await clientOf({ endpoint: `127.0.0.1:${(server.address() as AddressInfo).port}` })
  const early = await client.unary(METHOD, [new Uint8Array(1 << 20)], {})
  assert.deepEqual([early.status, early.message], ['RESOURCE_EXHAUSTED', 'gr%C3%B6%C3%9Fer als %'])
  const good = await call(client)
  assert.deepEqual([good.status, Buffer.from(good.body).toString()], ['OK', 'answer'])
})

// Scenario: what listens speaks HTTP/1, says nothing at all, or hangs up.
// Guarantees: the failure says so.
test('what is no gRPC server', async () => {
  const http = createHttpServer((_, response) => response.end())
  const rude = createServer(socket => socket.destroy())
  for (const [server, said] of [
    [http, /does not speak HTTP\/2/],
    [rude, /closed the connection|ECONNRESET|does not speak HTTP\/2/],
  ] as const) {
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    open.push(() => server.close())
    const client = await clientOf({ endpoint: `127.0.0.1:${(server.address() as AddressInfo).port}` })
    await assert.rejects(call(client), (error: Refused) => {
      assert.match(error.message, said)
      return error instanceof Refused
    })
  }
})

/** A proxy that knows where names lead. Notes what it is asked. */
async function proxyServer(routes: Readonly<Record<string, number>>) {
  const asked: string[] = []
  const server = createHttpServer()
  const sockets = new Set<Socket>()
  server.on('connect', (request, socket: Socket, head: Buffer) => {
    asked.push(`${request.url} ${request.headers['proxy-authorization'] ?? ''}`)
    const port = routes[request.url!]
    if (port === undefined) {
      socket.end('HTTP/1.1 403 Forbidden\r\n\r\n')
      return
    }
    const out = connect(port, '127.0.0.1', () => {
      socket.write('HTTP/1.1 200 Connection established\r\n\r\n')
      out.write(head)
      socket.pipe(out).pipe(socket)
    })
    for (const one of [out, socket]) sockets.add(one.on('error', () => {}))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  open.push(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return { port: (server.address() as AddressInfo).port, asked }
}

// Scenario: HTTPS_PROXY names a proxy with a user; the endpoint is a name only the proxy knows, then one it refuses, then
// this machine.
// Guarantees: the proxy gets the name and the password; its refusal is told; this machine is reached without it.
test('a proxy from the environment', async t => {
  const server = await serve('127.0.0.1', 0)
  const proxy = await proxyServer({ 'back.test:4317': portOf(server) })
  const before = process.env['HTTPS_PROXY']
  process.env['HTTPS_PROXY'] = `http://user:p%40ss@127.0.0.1:${proxy.port}`
  t.after(() => {
    if (before === undefined) delete process.env['HTTPS_PROXY']
    else process.env['HTTPS_PROXY'] = before
  })
  const client = await clientOf({ endpoint: 'back.test:4317' })
  assert.equal((await call(client)).status, 'OK')
  assert.deepEqual(proxy.asked, [`back.test:4317 Basic ${Buffer.from('user:p@ss').toString('base64')}`])
  const refused = await clientOf({ endpoint: 'other.test:4317' })
  await assert.rejects(
    call(refused),
    /the proxy 127\.0\.0\.1:\d+ refused the connection: HTTP\/1\.1 403 Forbidden/,
  )
  const direct = await clientOf({ endpoint: server.endpoint })
  assert.equal((await call(direct)).status, 'OK')
  assert.equal(proxy.asked.length, 2)
})
