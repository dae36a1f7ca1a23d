import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect as connectHttp2, constants as http2 } from 'node:http2'
import { connect, type Socket } from 'node:net'
import { after, before, test } from 'node:test'
import { deflateSync, gzipSync, zstdCompressSync } from 'node:zlib'
import { contiguous } from '../../../core/component/batch.ts'
import { Refused } from '../../../core/component/outcome.ts'
import { compressFramed } from '../../../core/formats/snappy.ts'
import { readStatus } from '../../../core/otlp/response.ts'
import { SIGNAL_WORDS, SIGNALS } from '../../../core/otlp/signals.ts'
import { generate } from '../../kit/generate.ts'
import { GrpcClient, portOf, post, type Running, raw, startReceiver } from './harness.ts'

const MIB = 1024 * 1024
const PROTOBUF = 'application/x-protobuf'
const GOOD = generate('traces', 5, 8).bytes

let running: Running
let client: GrpcClient
before(async () => {
  running = await startReceiver()
  client = new GrpcClient(running.grpc)
})
after(async () => {
  client.close()
  await running.stop()
})

/** Well-behaved clients next to the others, on the connection they already have and on a new one. */
async function others(): Promise<void> {
  assert.equal((await client.export('traces', GOOD)).code, 0)
  assert.equal((await post(running.http, 'traces', GOOD)).status, 200)
}

/** `levels` array values, one inside the other, in an attribute of a span. */
function nested(levels: number): Uint8Array {
  const wrap = (field: number, inner: Uint8Array): Uint8Array => {
    const length: number[] = []
    for (let rest = inner.length; ; rest >>>= 7) {
      length.push(rest > 127 ? (rest & 127) | 128 : rest)
      if (rest < 128) break
    }
    return Buffer.concat([Uint8Array.of((field << 3) | 2, ...length), inner])
  }
  let value: Uint8Array = Uint8Array.of(0x10, 1)
  for (let i = 0; i < levels; i++) value = wrap(5, wrap(1, value))
  // request.resource_spans.scope_spans.spans.attributes.value
  return [1, 2, 2, 9, 2].reduceRight((inner, field) => wrap(field, inner), value)
}

const BAD: [string, Uint8Array][] = [
  ['cut in the middle', GOOD.subarray(0, GOOD.length >> 1)],
  ['a length past the end', Buffer.from([10, 0xff, 0xff, 0xff, 0xff, 0x0f, 1])],
  ['a varint without end', Buffer.alloc(20, 0xff)],
  ['a wrong wire type', Buffer.from([8, 1])],
  ['a group', Buffer.from([11, 12])],
  ['100 levels of values', nested(100)],
  ['text', Buffer.from('hello, I am not protobuf')],
]
const BAD_JSON: [string, string][] = [
  ['a number', '1'],
  ['an array', '[]'],
  ['a list that is a text', '{"resourceSpans":"x"}'],
  ['an id that is no hex', '{"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"zz"}]}]}]}'],
  ['a time that is an object', '{"resourceSpans":[{"scopeSpans":[{"spans":[{"startTimeUnixNano":{}}]}]}]}'],
  ['5000 open brackets', '['.repeat(5000)],
  ['a key without value', '{"resourceSpans":'],
  ['nothing', ''],
]

// Scenario: each kind of bad bytes, for each signal, over both protocols, while others send.
// Guarantees: every one is answered as the sender's fault, none reaches the pipeline, the others succeed.
test('bad protobuf is answered as such', async () => {
  assert.equal((await client.export('traces', nested(20))).code, 0, 'nesting that is allowed')
  for (const [what, body] of BAD) {
    for (const signal of SIGNALS) {
      if (signal !== 'traces' && body === BAD[0]![1]) continue
      if (signal !== 'traces' && what.includes('levels')) continue
      const known = running.sinks[signal].batches.length
      assert.equal((await client.export(signal, body)).code, 3, `${what} as ${signal} over gRPC`)
      assert.equal((await post(running.http, signal, body)).status, 400, `${what} as ${signal} over HTTP`)
      assert.equal(running.sinks[signal].batches.length, known)
    }
    await others()
  }
})

// Scenario: each kind of bad JSON.
// Guarantees: 400 with a Status in JSON; the others succeed.
test('bad JSON is answered as such', async () => {
  for (const [what, body] of BAD_JSON) {
    const answer = await post(running.http, 'traces', body, { 'content-type': 'application/json' })
    assert.equal(answer.status, 400, what)
    assert.equal(readStatus(answer.body, 'application/json').code, 3, what)
  }
  await others()
})

// Scenario: 1 MB of gzip and some kB of zstd that hold 1 GB each, many at once over both protocols, while others send.
// Guarantees: refused as too large, RSS stays bounded, the others succeed.
test('bombs are refused in bounded memory', async () => {
  const zeros = Buffer.alloc(64 * MIB)
  const gzip = Buffer.concat(Array(16).fill(gzipSync(zeros)))
  const zstd = Buffer.concat(Array(16).fill(zstdCompressSync(zeros)))
  const before = process.memoryUsage().rss
  const bomb = (body: Buffer, encoding: string) =>
    post(running.http, 'traces', body, { 'content-type': PROTOBUF, 'content-encoding': encoding })
  const [first, second, third] = await Promise.all([
    bomb(gzip, 'gzip'),
    bomb(zstd, 'zstd'),
    grpcFrame(running.grpc, gzip, 'gzip'),
    others(),
  ])
  assert.deepEqual([first.status, second.status, third], [413, 413, '8'])
  const grown = process.memoryUsage().rss - before
  assert.ok(grown < 500 * MIB, `RSS grew by ${Math.round(grown / MIB)} MiB`)
  const many = await Promise.all(Array.from({ length: 24 }, () => bomb(gzip, 'gzip')))
  assert.deepEqual(new Set(many.map(({ status }) => status)), new Set([413]))
  const more = process.memoryUsage().rss - before
  assert.ok(more < 700 * MIB, `RSS grew by ${Math.round(more / MIB)} MiB`)
  await others()
})

// Scenario: requests were let in, and have sent the first half of their body when memory runs short.
// Guarantees: they are refused before the rest came, and may be sent again.
test('a body is refused when memory runs short while it is read', async () => {
  const sink = running.sinks.traces as typeof running.sinks.traces & { admit?: () => Refused | undefined }
  const socket = connect(portOf(running.http), '127.0.0.1')
  socket.write(
    `POST /v1/traces HTTP/1.1\r\nhost: a\r\ncontent-type: ${PROTOBUF}\r\ncontent-length: 1000\r\n\r\n`,
  )
  const session = connectHttp2(`http://${running.grpc}`)
  session.on('error', () => {})
  const stream = session.request({
    [http2.HTTP2_HEADER_METHOD]: 'POST',
    [http2.HTTP2_HEADER_PATH]: SIGNAL_WORDS.traces.method,
    [http2.HTTP2_HEADER_CONTENT_TYPE]: 'application/grpc',
  })
  stream.on('error', () => {})
  stream.write(Uint8Array.of(0, 0, 0, 3, 232))
  let asked = 0
  let letIn = (): void => {}
  const bothIn = new Promise<void>(resolve => {
    letIn = resolve
  })
  sink.admit = () => {
    if (++asked === 3) letIn() // Two at the door, and gRPC's prefix is a piece.
    return undefined
  }
  await bothIn
  sink.admit = () => new Refused('no memory')
  socket.write(new Uint8Array(500))
  stream.write(new Uint8Array(500))
  const [[head], [headers]] = await Promise.all([once(socket, 'data'), once(stream, 'response')])
  assert.match(String(head), /^HTTP\/1\.1 503 /)
  assert.equal(headers['grpc-status'], '14')
  delete sink.admit
  socket.destroy()
  session.destroy()
  await others()
})

/** Sends one gRPC message with its compressed flag set, as it is; answers with grpc-status. */
async function grpcFrame(address: string, message: Uint8Array, encoding: string): Promise<string> {
  const session = connectHttp2(`http://${address}`)
  session.on('error', () => {})
  const stream = session.request({
    [http2.HTTP2_HEADER_METHOD]: 'POST',
    [http2.HTTP2_HEADER_PATH]: SIGNAL_WORDS.traces.method,
    [http2.HTTP2_HEADER_CONTENT_TYPE]: 'application/grpc',
    [http2.HTTP2_HEADER_TE]: 'trailers',
    'grpc-encoding': encoding,
  })
  let status = ''
  stream.on('error', () => {})
  for (const event of ['response', 'trailers']) {
    stream.on(event, headers => {
      if (headers['grpc-status'] !== undefined) status = String(headers['grpc-status'])
    })
  }
  const head = Buffer.alloc(5)
  head[0] = 1
  head.writeUInt32BE(message.length, 1)
  stream.write(head)
  stream.end(message)
  stream.resume()
  await once(stream, 'close')
  session.destroy()
  return status
}

// Scenario: messages in an encoding that gRPC does not have here, and gzip that is none.
// Guarantees: UNIMPLEMENTED, as gRPC's compression document says, and INVALID_ARGUMENT, which is counted; those that
// the Collector takes are taken, although grpc-js has only some of them.
test('gRPC encodings', async () => {
  assert.equal(await grpcFrame(running.grpc, Buffer.from('abc'), 'lz4'), '12')
  assert.equal(await grpcFrame(running.grpc, GOOD, 'identity'), '13', 'flagged as compressed, but is not')
  assert.equal(await grpcFrame(running.grpc, Buffer.from('not gzip at all'), 'gzip'), '3')
  const counter =
    'sluice_receiver_malformed_requests{reason="corrupt_compression",receiver="otlp",transport="grpc"}'
  assert.equal(running.settings.metrics.read(counter), 1)
  const known = running.sinks.traces.batches.length
  assert.equal(await grpcFrame(running.grpc, gzipSync(GOOD), 'gzip'), '0')
  assert.equal(await grpcFrame(running.grpc, deflateSync(GOOD), 'deflate'), '0')
  assert.equal(await grpcFrame(running.grpc, zstdCompressSync(GOOD), 'zstd'), '0')
  assert.equal(await grpcFrame(running.grpc, compressFramed(GOOD), 'snappy'), '0')
  for (const batch of running.sinks.traces.batches.slice(known)) {
    assert.ok(Buffer.from(contiguous(batch)).equals(GOOD))
  }
  assert.equal(running.sinks.traces.batches.length, known + 4)
  await others()
})

// Scenario: HTTP/1 arrives on the gRPC port, HTTP/2 on the HTTP port, and noise and TLS on both.
// Guarantees: the first two are answered with a sentence that names the other port; the rest ends the connection. The log
// names each mistake once, because few senders show what they were told.
test('the wrong protocol gets a sentence', async () => {
  const http1 = await raw(running.grpc, 'POST /v1/traces HTTP/1.1\r\nhost: a\r\ncontent-length: 3\r\n\r\nabc')
  assert.match(
    http1.toString(),
    /^HTTP\/1\.1 400 Bad Request\r\n[\s\S]*this port speaks OTLP\/gRPC; .*usually 4318/,
  )
  const session = connectHttp2(`http://${running.http}`)
  session.on('error', () => {})
  const [code, , debugData] = await once(session, 'goaway')
  assert.equal(code, http2.NGHTTP2_HTTP_1_1_REQUIRED)
  assert.match(String(debugData), /this port speaks OTLP\/HTTP; .*usually 4317/)
  const clientHello = Buffer.from('16030100c8010000c40303', 'hex')
  for (const bytes of [clientHello, Buffer.from('\r\n\r\nnoise\r\n\r\n')]) {
    assert.ok(await raw(running.grpc, bytes))
    const answer = await raw(running.http, bytes)
    assert.match(answer.toString(), /^HTTP\/1\.1 400 Bad Request\r\n[\s\S]*"code":3/)
  }
  const said = running.settings.log.lines.filter(({ message }) => message.startsWith('A sender speaks'))
  assert.deepEqual(
    said.map(({ level, message, fields }) => `${level} ${fields['transport']} ${message.split(' ', 4)[3]}`),
    ['warn grpc HTTP/1', 'warn http HTTP/2', 'warn grpc TLS', 'warn http TLS'],
  )
  await others()
})

// Scenario: one client sends half of its headers, one half of its body, and then nothing; timeouts are 200 and 300 ms.
// Guarantees: both are answered with 408 and a Status, and nobody else waits.
test('slow clients are cut off', async () => {
  const strict = await startReceiver({ http: { read_header_timeout: '200ms', read_timeout: '300ms' } })
  const head = `POST /v1/traces HTTP/1.1\r\nhost: a\r\ncontent-type: ${PROTOBUF}\r\n`
  const slow = Promise.all([
    raw(strict.http, head),
    raw(strict.http, `${head}content-length: 1000\r\n\r\nhalf`),
  ])
  assert.equal((await post(strict.http, 'traces', GOOD)).status, 200)
  for (const answer of await slow) {
    assert.match(answer.toString(), /^HTTP\/1\.1 408 Request Timeout\r\n[\s\S]*took too long to arrive/)
  }
  await strict.stop()
})

const cutOff = (transport: string): number =>
  running.settings.metrics.read(
    `sluice_receiver_malformed_requests{reason="cut_off",receiver="otlp",transport="${transport}"}`,
  )

// Scenario: a client says that it has sent everything, after half of its headers and after half of its body.
// Guarantees: it is told that something is missing; a body that is not whole is counted, and the log says whose it was.
test('requests that end too early', async () => {
  const known = cutOff('http')
  const head = `POST /v1/traces HTTP/1.1\r\nhost: a\r\ncontent-type: ${PROTOBUF}\r\n`
  for (const sent of [head, `${head}content-length: 1000\r\n\r\nhalf`]) {
    const answer = await half(running.http, sent)
    assert.match(
      answer,
      /^HTTP\/1\.1 400 Bad Request\r\n[\s\S]*the connection ended before the request was whole/,
    )
  }
  assert.equal(cutOff('http'), known + 1)
  const line = running.settings.log.lines.findLast(
    ({ message, fields }) => message === 'A request could not be read' && fields['transport'] === 'http',
  )
  assert.equal(line?.fields['peer'], '127.0.0.1')
})

/** What is answered to bytes behind which the connection ends. */
async function half(address: string, bytes: string): Promise<string> {
  const socket = connect(portOf(address), '127.0.0.1')
  socket.end(bytes)
  let answer = ''
  for await (const part of socket) answer += part
  return answer
}

// Scenario: clients vanish in the middle of a body, over both protocols; one with a large one.
// Guarantees: nothing reaches the pipeline, each is counted, nothing is logged as an error, the others succeed.
test('connections that are reset in the middle of a body', async () => {
  const counted = cutOff('http')
  const known = running.sinks.traces.batches.length
  const start = `POST /v1/traces HTTP/1.1\r\nhost: a\r\ncontent-type: ${PROTOBUF}\r\ncontent-length: 2000000\r\n\r\n`
  const closed: Promise<unknown>[] = []
  for (const size of [1, 500_000]) {
    const socket = connect(portOf(running.http), '127.0.0.1')
    socket.on('error', () => {})
    await new Promise(resolve =>
      socket.write(Buffer.concat([Buffer.from(start), Buffer.alloc(size)]), resolve),
    )
    closed.push(once(socket, 'close'))
    socket.resetAndDestroy()
  }
  const session = connectHttp2(`http://${running.grpc}`)
  session.on('error', () => {})
  const stream = session.request({
    ':method': 'POST',
    ':path': SIGNAL_WORDS.traces.method,
    'content-type': 'application/grpc',
  })
  stream.on('error', () => {})
  await new Promise(resolve => stream.write(Buffer.from([0, 0, 1, 0, 0, 10]), resolve))
  closed.push(once(session, 'close'))
  session.destroy()
  await Promise.all(closed)
  await others()
  assert.equal(running.sinks.traces.batches.length, known + 2)
  assert.equal(cutOff('http'), counted + 2)
  assert.deepEqual(
    running.settings.log.lines.filter(line => line.level === 'error'),
    [],
  )
})

// Scenario: two requests wait in the pipeline; their senders go away, one by closing, one by cancelling.
// Guarantees: the context's signal is aborted for each; a gRPC deadline that passes aborts as well.
test('a sender that goes away is noticed', async () => {
  const sink = running.sinks.profiles
  const body = generate('profiles', 1, 2).bytes
  let arrived = Promise.withResolvers<AbortSignal>()
  sink.answer = (_batch, context) =>
    new Promise((_resolve, reject) => {
      context.signal!.addEventListener('abort', () => reject(new Error('gone')), { once: true })
      arrived.resolve(context.signal!)
    })
  const aborted = async (leave: () => void) => {
    const signal = await arrived.promise
    const event = signal.aborted ? undefined : once(signal, 'abort')
    leave()
    await event
    arrived = Promise.withResolvers()
  }
  const socket: Socket = connect(portOf(running.http), '127.0.0.1')
  socket.write(
    `POST ${SIGNAL_WORDS.profiles.path} HTTP/1.1\r\nhost: a\r\ncontent-type: ${PROTOBUF}\r\ncontent-length: ${body.length}\r\n\r\n`,
  )
  socket.write(body)
  await aborted(() => socket.destroy())
  const call = client.export('profiles', body)
  await aborted(() => call.cancel())
  assert.equal((await call).code, 1)
  const late = client.export('profiles', body, {}, { deadline: Date.now() + 100 })
  await aborted(() => {})
  assert.equal((await late).code, 4)
})
