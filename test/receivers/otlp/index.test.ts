import assert from 'node:assert/strict'
import { once } from 'node:events'
import { Agent, request as httpRequest } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { connect } from 'node:net'
import { test } from 'node:test'
import { Client, credentials } from '@grpc/grpc-js'
import { ACCEPTED } from '../../../core/component/outcome.ts'
import { SIGNAL_WORDS, SIGNALS } from '../../../core/otlp/signals.ts'
import { bodyLimit, requestLimit } from '../../../receivers/otlp/config.ts'
import { factory } from '../../../receivers/otlp/index.ts'
import { makeCertificates } from '../../kit/certificates.ts'
import { generate } from '../../kit/generate.ts'
import { testSettings } from '../../kit/parts.ts'
import { readConfig, tryConfig } from '../../kit/read-config.ts'
import { GrpcClient, portOf, post, startReceiver } from './harness.ts'

const TRACES = generate('traces', 21, 3).bytes
const PROTOBUF = { 'content-type': 'application/x-protobuf' }

// Scenario: `protocols: {grpc:, http:}`, then everything the Collector's config can say.
// Guarantees: null sections have the documented defaults; written keys are read.
test('reads the config of the Collector', () => {
  const { grpc, http } = readConfig(factory.config, { protocols: { grpc: null, http: null } }).protocols
  assert.equal(grpc!.endpoint, 'localhost:4317')
  assert.equal(http!.endpoint, 'localhost:4318')
  assert.equal(requestLimit(grpc!), 64 << 20)
  assert.equal(bodyLimit(http!), 64 << 20)
  assert.deepEqual(
    SIGNALS.map(signal => http![`${signal}_url_path`]),
    SIGNALS.map(signal => SIGNAL_WORDS[signal].path),
  )
  assert.deepEqual([http!.idle_timeout, http!.write_timeout, http!.keep_alives_enabled], [0, 0, true])
  const { value, problems } = tryConfig(factory.config, {
    protocols: {
      grpc: {
        endpoint: '0.0.0.0:4317',
        transport: 'tcp',
        max_recv_msg_size_mib: 4,
        max_concurrent_streams: 100,
        include_metadata: true,
        keepalive: { server_parameters: { max_connection_age: '5m', max_connection_age_grace: '10s' } },
      },
      http: {
        endpoint: ':4318',
        max_request_body_size: 20_971_520,
        compression_algorithms: ['', 'gzip'],
        cors: { allowed_origins: ['*'], max_age: 7200 },
        response_headers: { 'X-Gateway': 'a' },
        traces_url_path: 'traces',
        tls: null,
      },
    },
  })
  assert.deepEqual(
    problems.filter(line => !/tls/.test(line)),
    [],
  )
  assert.equal(requestLimit(value.protocols.grpc!), 4 << 20)
  assert.equal(value.protocols.grpc!.keepalive.server_parameters.max_connection_age, 300_000)
})

// Scenario: configs with mistakes, and with what is not supported yet.
// Guarantees: each is refused with a sentence that says what to do; harmless leftovers are warnings.
test('says what is wrong in a config', () => {
  const problems = (protocols: unknown) => tryConfig(factory.config, { protocols }).problems.join('\n')
  assert.match(problems({}), /protocols: has neither grpc nor http; write grpc: or http: or both/)
  assert.match(problems({ grpc: { endpoint: 'http://0.0.0.0:4317' } }), /not host:port; remove the scheme/)
  assert.match(problems({ grpc: { endpoint: 'localhost' } }), /grpc::endpoint: "localhost" is not host:port/)
  assert.match(problems({ grpc: { auth: {} } }), /grpc::auth::authenticator: is missing/)
  assert.match(problems({ http: { middlewares: ['a'] } }), /middlewares are not supported yet/)
  const renewed = { cert_file: 'a', key_file: 'b', reload_interval: '1h', client_ca_file_reload: true }
  assert.equal(problems({ http: { tls: renewed } }), '')
  assert.match(problems({ http: { tls: {} } }), /cert_file: is missing/)
  assert.match(problems({ http: { traces_url_path: '/v1/logs' } }), /two signals have the same path/)
  assert.match(problems({ http: { traces_url_path: '/%zz' } }), /is not a path/)
  assert.match(problems({ grpc: { read_buffer_size: 1 } }), /warning: .*read_buffer_size/)
  assert.match(
    problems({ http: { cors: { allowed_headers: ['a'] } } }),
    /warning: .*no effect without allowed_origins/,
  )
})

// Scenario: a port that something else listens on, for each protocol, when the other one could have been had.
// Guarantees: start fails with a sentence that names port and key, and leaves nothing listening.
test('a port that is taken is said so', async () => {
  const other = await startReceiver({ http: {} })
  const taken = { endpoint: other.http }
  await assert.rejects(startReceiver({ grpc: {}, http: taken }), (error: Error) => {
    assert.match(
      error.message,
      /^otlp: protocols\.http: 127\.0\.0\.1:\d+ is taken by another program or part of this gateway; stop.*\(EADDRINUSE\)$/,
    )
    return true
  })
  await assert.rejects(startReceiver({ grpc: taken }), /protocols\.grpc: .* is taken by another program/)
  await other.stop()
  const again = await startReceiver({ grpc: taken })
  await again.stop()
})

// Scenario: stop without start, stop twice, and what was said meanwhile.
// Guarantees: safe; the log names both addresses, and `addresses` has them.
test('starts and stops', async () => {
  const config = readConfig(factory.config, { protocols: { grpc: null, http: null } })
  const idle = factory.create(config, testSettings('receiver', 'otlp'), {})
  await idle.stop(0)
  const running = await startReceiver()
  const listening = running.settings.log.lines.filter(line => line.message === 'Listening')
  assert.deepEqual(
    listening.map(line => line.fields),
    [
      { protocol: 'grpc', endpoint: running.grpc },
      { protocol: 'http', endpoint: running.http },
    ],
  )
  await running.stop()
  await running.stop()
})

// Scenario: requests wait in the pipeline over both protocols while the receiver is told to stop, then are let go.
// Guarantees: nobody new is let in, those that wait get their answer, and stop comes back once they have.
test('stop lets running requests finish', async () => {
  const running = await startReceiver()
  const client = new GrpcClient(running.grpc)
  const agent = new Agent({ keepAlive: true })
  assert.equal(
    (await post(running.http, 'logs', generate('logs', 1, 1).bytes, PROTOBUF, { agent })).status,
    200,
  )
  const gate = Promise.withResolvers<void>()
  const both = Promise.withResolvers<void>()
  running.sinks.traces.answer = async (_batch, _context, nth) => {
    if (nth === 1) both.resolve()
    await gate.promise
    return ACCEPTED
  }
  const answers = [
    client.export('traces', TRACES),
    post(running.http, 'traces', TRACES, PROTOBUF, { agent }),
  ] as const
  await both.promise
  const stopped = running.stop(60_000)
  const refused = connect(portOf(running.http), '127.0.0.1')
  const [error] = await once(refused, 'error')
  assert.equal(error.code, 'ECONNREFUSED')
  gate.resolve()
  assert.equal((await answers[0]).code, 0)
  const http = await answers[1]
  assert.deepEqual([http.status, http.headers.connection], [200, 'close'])
  await stopped
  agent.destroy()
  client.close()
})

// Scenario: requests wait in the pipeline for ever; the deadline of stop has passed.
// Guarantees: they are cut off and their contexts aborted, and stop comes back.
test('stop cuts off what waits past the deadline', async () => {
  const running = await startReceiver()
  const client = new GrpcClient(running.grpc)
  const aborted: Promise<unknown>[] = []
  const both = Promise.withResolvers<void>()
  running.sinks.traces.answer = (_batch, context) => {
    aborted.push(once(context.signal!, 'abort'))
    if (aborted.length === 2) both.resolve()
    return new Promise(() => {})
  }
  const grpc = client.export('traces', TRACES)
  const http = post(running.http, 'traces', TRACES).catch(error => error.code)
  await both.promise
  await running.stop(0)
  assert.ok([1, 13, 14].includes((await grpc).code))
  assert.equal(await http, 'ECONNRESET')
  await Promise.all(aborted)
  client.close()
})

// Scenario: write_timeout is 50 ms and the pipeline takes for ever.
// Guarantees: the connection ends, and the context knew the deadline.
test('write_timeout ends requests that take too long', async () => {
  const running = await startReceiver({ http: { write_timeout: '50ms' } })
  let deadline: number | undefined
  running.sinks.traces.answer = (_batch, context) => {
    deadline = context.deadline
    return new Promise(() => {})
  }
  await assert.rejects(post(running.http, 'traces', TRACES), /socket hang up|ECONNRESET/)
  // Timers of Node may be a millisecond early.
  assert.ok(deadline! <= performance.now() + 2, `${deadline} after ${performance.now()}`)
  await running.stop(0)
})

// Scenario: TLS with client certificates on both protocols; clients with and without one.
// Guarantees: those with one are served, those without are not.
test('serves TLS and asks for client certificates', async () => {
  const certificates = makeCertificates()
  const { ca, serverCert, serverKey, clientCert, clientKey } = certificates
  const tls = { cert_file: serverCert, key_file: serverKey, client_ca_file: ca, min_version: '1.3' }
  const running = await startReceiver({ grpc: { tls }, http: { tls } })
  const read = (path: string) => Buffer.from(certificates.read(path))
  const identity = (bytes: Uint8Array) => Buffer.from(bytes)
  const call = (secure: ReturnType<typeof credentials.createSsl>) => {
    const client = new Client(running.grpc, secure, { 'grpc.ssl_target_name_override': 'host.test' })
    return new Promise<number>(resolve => {
      const options = { deadline: Date.now() + 10_000 }
      client.makeUnaryRequest(SIGNAL_WORDS.traces.method, identity, identity, TRACES, options, error => {
        client.close()
        resolve(error?.code ?? 0)
      })
    })
  }
  assert.equal(await call(credentials.createSsl(read(ca), read(clientKey), read(clientCert))), 0)
  assert.equal(await call(credentials.createSsl(read(ca))), 14)
  const ask = async (own: Record<string, Buffer>) => {
    const target = { host: '127.0.0.1', port: portOf(running.http), path: '/v1/traces', method: 'POST' }
    const request = httpsRequest({ ...target, ca: read(ca), headers: PROTOBUF, agent: false, ...own })
    request.end(TRACES)
    const [response] = await once(request, 'response')
    response.resume()
    return response.statusCode
  }
  assert.equal(await ask({ cert: read(clientCert), key: read(clientKey) }), 200)
  await assert.rejects(ask({}))
  assert.equal(running.sinks.traces.batches.length, 2)
  await running.stop()
  const broken = { cert_file: serverCert, key_file: clientKey }
  await assert.rejects(
    startReceiver({ http: { tls: broken } }),
    /protocols\.http: tls: certificate, key or authority/,
  )
  await assert.rejects(
    startReceiver({ grpc: { tls: { ...broken, key_file: '/none' } } }),
    /cannot read key_file "\/none"/,
  )
  certificates.remove()
})

// Scenario: a web page's preflight and its request, from an allowed origin and from another; extra headers are set.
// Guarantees: the Collector's answers (rs/cors): credentials, the origin itself, the wanted headers, max age, Vary.
test('lets web pages send', async () => {
  const cors = {
    allowed_origins: ['https://*.example.com'],
    allowed_headers: ['X-Tenant'],
    exposed_headers: ['X-Gateway'],
    max_age: 600,
  }
  const running = await startReceiver({ http: { cors, response_headers: { 'X-Gateway': 'blue' } } })
  const origin = 'https://shop.example.com'
  const ask = async (headers: Record<string, string>) => {
    const target = { host: '127.0.0.1', port: portOf(running.http), path: '/v1/traces', method: 'OPTIONS' }
    const request = httpRequest({ ...target, headers, agent: false })
    request.end()
    const [response] = await once(request, 'response')
    response.resume()
    return response
  }
  const wanted = {
    'access-control-request-method': 'POST',
    'access-control-request-headers': 'content-type,x-tenant',
  }
  const allowed = await ask({ origin, ...wanted })
  assert.equal(allowed.statusCode, 204)
  assert.equal(allowed.headers['access-control-allow-origin'], origin)
  assert.equal(allowed.headers['access-control-allow-credentials'], 'true')
  assert.equal(allowed.headers['access-control-allow-methods'], 'POST')
  assert.equal(allowed.headers['access-control-allow-headers'], 'content-type,x-tenant')
  assert.equal(allowed.headers['access-control-max-age'], '600')
  for (const headers of [
    { origin: 'https://evil.test', ...wanted },
    { origin: 'https://example.com.evil.test', ...wanted },
    { origin, ...wanted, 'access-control-request-headers': 'x-other' },
    { origin, ...wanted, 'access-control-request-method': 'DELETE' },
  ]) {
    assert.equal((await ask(headers)).headers['access-control-allow-origin'], undefined)
  }
  const { status, headers } = await post(running.http, 'traces', TRACES, { ...PROTOBUF, origin })
  assert.equal(status, 200)
  assert.equal(headers['access-control-allow-origin'], origin)
  assert.equal(headers['access-control-expose-headers'], 'X-Gateway')
  assert.equal(headers['x-gateway'], 'blue')
  assert.equal(headers['vary'], 'Origin')
  assert.equal(
    (await post(running.http, 'traces', 'bad', { ...PROTOBUF, origin })).headers[
      'access-control-allow-origin'
    ],
    origin,
  )
  await running.stop()
})

// Scenario: keep_alives_enabled is false, and compression_algorithms leave out what is sent.
// Guarantees: the answer ends the connection; a body without encoding is refused when '' is not in the list.
test('honours keep_alives_enabled and compression_algorithms', async () => {
  const running = await startReceiver({
    http: { keep_alives_enabled: false, compression_algorithms: ['gzip'] },
  })
  const agent = new Agent({ keepAlive: true })
  const answer = await post(running.http, 'traces', TRACES, PROTOBUF, { agent })
  assert.deepEqual([answer.status, answer.headers.connection], [415, 'close'])
  agent.destroy()
  await running.stop()
})
