/** What only our own gRPC server does, seen by a bare HTTP/2 client, which does nothing by itself. */

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type ClientHttp2Session, connect, constants, type IncomingHttpHeaders } from 'node:http2'
import { connect as connectTcp } from 'node:net'
import { after, before, describe, it, mock, test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { ACCEPTED, Rejected } from '../../../core/component/outcome.ts'
import { SIGNAL_WORDS } from '../../../core/otlp/signals.ts'
import { CONNECTION_WINDOW, STREAM_WINDOW } from '../../../receivers/otlp/grpc-http2.ts'
import { until } from '../../kit/files.ts'
import { generate } from '../../kit/generate.ts'
import { portOf, type Running, startReceiver } from './harness.ts'

const TRACES = generate('traces', 31, 4).bytes
const METHOD = SIGNAL_WORDS.traces.method
const HEADERS = { ':method': 'POST', ':path': METHOD, 'content-type': 'application/grpc', te: 'trailers' }

function framed(content: Uint8Array, flag = 0): Buffer {
  const head = Buffer.alloc(5)
  head[0] = flag
  head.writeUInt32BE(content.length, 1)
  return Buffer.concat([head, content])
}

async function connected(address: string): Promise<ClientHttp2Session> {
  const session = connect(`http://${address}`)
  session.on('error', () => {})
  await once(session, 'remoteSettings')
  return session
}

/** Whether it ended with an error or not. */
function closed(session: ClientHttp2Session): Promise<void> {
  return new Promise(resolve => session.once('close', () => resolve()))
}

type Headers = Record<string, string | string[] | undefined>
type Answered = IncomingHttpHeaders & { readonly body: Buffer }

/** One call; what the response's headers and trailers say together. */
function call(session: ClientHttp2Session, body: Uint8Array, more: Headers = {}): Promise<Answered> {
  return new Promise((resolve, reject) => {
    const stream = session.request({ ...HEADERS, ...more }, { endStream: false })
    let all: IncomingHttpHeaders = {}
    const parts: Buffer[] = []
    const add = (headers: IncomingHttpHeaders) => {
      all = { ...all, ...headers }
    }
    stream.on('response', add).on('trailers', add)
    stream.on('data', (part: Buffer) => parts.push(part))
    stream.on('error', reject)
    stream.on('close', () => resolve(Object.assign(all, { body: Buffer.concat(parts) })))
    stream.end(body)
  })
}

describe('one call', () => {
  let running: Running
  let session: ClientHttp2Session
  before(async () => {
    running = await startReceiver({ grpc: { include_metadata: true, max_recv_msg_size_mib: 1 } })
    session = await connected(running.grpc)
  })
  after(async () => {
    session.destroy()
    await running.stop()
  })

  // Scenario: a good call.
  // Guarantees: headers, an empty message, trailers; nothing else.
  it('is answered as gRPC asks', async () => {
    const { body, ...headers } = await call(session, framed(TRACES))
    assert.deepEqual(Object.fromEntries(Object.entries(headers)), {
      ':status': 200,
      'content-type': 'application/grpc',
      'grpc-status': '0',
    })
    assert.deepEqual(body, Buffer.alloc(5))
  })

  const rows: [string, Headers, Uint8Array, string, RegExp, Headers?][] = [
    ['text', { 'content-type': 'text/plain' }, TRACES, '13', /text\/plain is not gRPC/, { ':status': '415' }],
    ['grpc-web', { 'content-type': 'application/grpc-web' }, TRACES, '13', /not gRPC/, { ':status': '415' }],
    ['PUT', { ':method': 'PUT' }, TRACES, '13', /with POST, not PUT/, { ':status': '405' }],
    ['another method', { ':path': '/a.B/C' }, framed(TRACES), '12', /no method \/a\.B\/C/],
    [
      'lz4',
      { 'grpc-encoding': 'lz4' },
      framed(TRACES, 1),
      '12',
      /grpc-encoding lz4 is not supported/,
      { 'grpc-accept-encoding': 'identity,gzip,deflate,zstd,snappy' },
    ],
    [
      'a timeout that is none',
      { 'grpc-timeout': '1 s' },
      framed(TRACES),
      '13',
      /grpc-timeout 1 s is not a time/,
    ],
    ['no message', {}, Buffer.alloc(0), '12', /no message/],
    ['two messages', {}, Buffer.concat([framed(TRACES), framed(TRACES)]), '12', /more than one message/],
    [
      'a promise beyond the limit',
      {},
      Uint8Array.of(0, 0, 0x20, 0, 0),
      '8',
      /2097152 bytes, which is larger/,
    ],
    ['6 MiB beyond the limit', {}, framed(Buffer.alloc(6 << 20)), '8', /larger than the limit of 1048576/],
  ]
  for (const [what, headers, body, status, message, others] of rows) {
    // Scenario: this call, then a good one on the same connection.
    // Guarantees: this status and sentence in the headers, without RetryInfo and without a body; the next one succeeds.
    it(what, async () => {
      const answer = await call(session, body, headers)
      assert.equal(answer['grpc-status'], status)
      assert.match(decodeURIComponent(String(answer['grpc-message'])), message)
      assert.equal(answer['grpc-status-details-bin'], undefined)
      assert.equal(answer.body.length, 0)
      for (const [name, value] of Object.entries(others ?? { ':status': '200' }))
        assert.equal(String(answer[name]), value)
      assert.equal((await call(session, framed(TRACES)))['grpc-status'], '0')
    })
  }

  // Scenario: a sentence with what a header cannot carry.
  // Guarantees: it is percent-encoded, and comes out whole.
  it('encodes messages', async () => {
    running.sinks.traces.answer = () => {
      throw new Rejected('100 % größer, 日本')
    }
    const answer = await call(session, framed(TRACES))
    running.sinks.traces.answer = () => ACCEPTED
    assert.match(String(answer['grpc-message']), /^[\x20-\x7e]+$/)
    assert.equal(decodeURIComponent(String(answer['grpc-message'])), '100 % größer, 日本')
  })

  // Scenario: repeated keys, commas, binary values, and names that are gRPC's own.
  // Guarantees: every value by itself, binary ones decoded, the others left out; `host` and `:authority` are there.
  it('keeps metadata', async () => {
    await call(session, framed(TRACES), {
      'x-one': ['a, b', 'c'],
      'x-two-bin': Buffer.from('größe').toString('base64'),
      'grpc-timeout': '1M',
      'user-agent': 'probe/1',
    })
    const { metadata, address } = running.sinks.traces.batches.at(-1)!.meta
    assert.match(address, /^127\.0\.0\.1:\d+$/)
    assert.deepEqual(Object.fromEntries(metadata), {
      ':authority': [running.grpc],
      host: [running.grpc],
      'content-type': ['application/grpc'],
      'user-agent': ['probe/1'],
      'x-one': ['a, b', 'c'],
      'x-two-bin': ['größe'],
    })
  })

  // Scenario: the pipeline waits for ever, the client allows 20 ms and does not look at the clock itself.
  // Guarantees: DEADLINE_EXCEEDED, and the context is aborted.
  it('ends at its deadline', async () => {
    let signal: AbortSignal | undefined
    running.sinks.traces.answer = (_batch, context) => {
      signal = context.signal
      return new Promise(() => {})
    }
    const answer = await call(session, framed(TRACES), { 'grpc-timeout': '20m' })
    running.sinks.traces.answer = () => ACCEPTED
    assert.equal(answer['grpc-status'], '4')
    assert.equal(signal!.aborted, true)
  })
})

// Scenario: a client looks at what it may send before anybody reads, and at the settings.
// Guarantees: wide windows, and the limit of streams that the config names.
test('tells its limits', async () => {
  const running = await startReceiver({ grpc: { max_concurrent_streams: 7 } })
  const session = await connected(running.grpc)
  assert.equal(session.remoteSettings.initialWindowSize, STREAM_WINDOW)
  assert.equal(session.remoteSettings.maxConcurrentStreams, 7)
  // The answer to a ping comes after the window update that the server sent at once.
  await new Promise(resolve => session.ping(resolve))
  assert.equal(session.state.remoteWindowSize, CONNECTION_WINDOW)
  session.destroy()
  await running.stop()
})

// Scenario: a call is cancelled in the middle of its message, another one while the pipeline has its batch.
// Guarantees: the first is counted as cut off, the second is not: its data came.
test('messages that are cut off are counted', async () => {
  const running = await startReceiver({ grpc: {} })
  const session = await connected(running.grpc)
  const cutOff = () =>
    running.settings.metrics.read(
      'sluice_receiver_malformed_requests{reason="cut_off",receiver="otlp",transport="grpc"}',
    )
  const cancelled = session.request(HEADERS, { endStream: false })
  cancelled.on('error', () => {})
  await new Promise(resolve => cancelled.write(framed(TRACES).subarray(0, 20), resolve))
  cancelled.close(constants.NGHTTP2_CANCEL)
  await until(() => cutOff() === 1)

  let asked = false
  let gone = false
  running.sinks.traces.answer = (_batch, context) =>
    new Promise((_resolve, reject) => {
      asked = true
      context.signal!.addEventListener('abort', () => {
        gone = true
        reject(new Rejected('nobody waits'))
      })
    })
  const waiting = session.request(HEADERS, { endStream: false })
  waiting.on('error', () => {})
  waiting.end(framed(TRACES))
  await until(() => asked)
  waiting.close(constants.NGHTTP2_CANCEL)
  await until(() => gone)
  assert.equal(cutOff(), 1)
  session.destroy()
  await running.stop()
})

// Scenario: a call with 200 headers, and one with a header of 100 kB; then one with 30 kB.
// Guarantees: the first two are reset, the third is served, on the same connection.
test('headers are bounded', async () => {
  const running = await startReceiver({ grpc: {} })
  const session = await connected(running.grpc)
  const many = Object.fromEntries(Array.from({ length: 200 }, (_, i) => [`x-${i}`, 'y']))
  await assert.rejects(call(session, framed(TRACES), many), /ENHANCE_YOUR_CALM/)
  await assert.rejects(call(session, framed(TRACES), { x: 'y'.repeat(100_000) }), /REFUSED_STREAM/)
  assert.equal((await call(session, framed(TRACES), { x: 'y'.repeat(30_000) }))['grpc-status'], '0')
  session.destroy()
  await running.stop()
})

// Scenario: a client opens streams and resets them at once, 3,000 times.
// Guarantees: its connection ends; others are served.
test('rapid resets end the connection', async () => {
  const running = await startReceiver({ grpc: {} })
  const session = await connected(running.grpc)
  const gone = closed(session)
  for (let i = 0; i < 3000 && !session.destroyed; i++) {
    const stream = session.request(HEADERS)
    stream.on('error', () => {})
    stream.close(8)
    if (i % 100 === 0) await turn()
  }
  await gone
  const other = await connected(running.grpc)
  assert.equal((await call(other, framed(TRACES)))['grpc-status'], '0')
  other.destroy()
  await running.stop()
})

describe('how long connections live', () => {
  const goaway = async (session: ClientHttp2Session) => {
    const [code, last, data] = await once(session, 'goaway')
    return [code, last, String(data)]
  }
  const start = async (keepalive: object) => {
    mock.timers.enable({ apis: ['setTimeout'] })
    const running = await startReceiver({ grpc: { keepalive } })
    return [running, await connected(running.grpc)] as const
  }
  const stop = async (running: Running) => {
    mock.timers.reset()
    await running.stop(0)
  }

  // Scenario: a connection with a running call becomes too old; another call never ends.
  // Guarantees: GOAWAY for what comes next, the call is answered; after the grace period the connection is cut.
  it('max_connection_age', async () => {
    const server_parameters = { max_connection_age: '100s', max_connection_age_grace: '10s' }
    const [running, session] = await start({ server_parameters })
    const gate = Promise.withResolvers<void>()
    const arrived = Promise.withResolvers<void>()
    running.sinks.traces.answer = async () => {
      arrived.resolve()
      await gate.promise
      return ACCEPTED
    }
    const answer = call(session, framed(TRACES))
    const endless = session.request(HEADERS)
    endless.on('error', () => {})
    await arrived.promise
    const said = goaway(session)
    mock.timers.tick(89_000)
    mock.timers.tick(22_000)
    // Sent before the client can know: it learns that nobody has looked at it.
    await assert.rejects(call(session, framed(TRACES)), /NGHTTP2_REFUSED_STREAM/)
    assert.deepEqual(await said, [0, 3, 'max_age'])
    gate.resolve()
    assert.equal((await answer)['grpc-status'], '0')
    assert.equal(session.destroyed, false)
    const ended = closed(session)
    mock.timers.tick(11_000)
    await ended
    await stop(running)
  })

  // Scenario: a call is on the wire, and not read yet, when the door decides to send GOAWAY.
  // Guarantees: it is answered, or nobody has looked at it: clients make it again then, and nothing may happen twice.
  it('a call that comes while the GOAWAY waits to be sent', async () => {
    const running = await startReceiver({ grpc: {} })
    const session = await connected(running.grpc)
    const answer = call(session, framed(TRACES)).then(
      ({ 'grpc-status': status }) => status,
      (error: Error) => error.message,
    )
    await turn() // The client has written by now.
    const stopped = running.stop()
    assert.match(String(await answer), /NGHTTP2_REFUSED_STREAM/)
    await stopped
    assert.equal(running.sinks.traces.batches.length, 0)
  })

  // Scenario: nothing comes for max_connection_idle after a call.
  // Guarantees: GOAWAY, and the connection ends.
  it('max_connection_idle', async () => {
    const [running, session] = await start({ server_parameters: { max_connection_idle: '10s' } })
    mock.timers.tick(9_000)
    assert.equal((await call(session, framed(TRACES)))['grpc-status'], '0')
    mock.timers.tick(9_000)
    assert.equal((await call(session, framed(TRACES)))['grpc-status'], '0')
    const ended = closed(session)
    const said = goaway(session)
    mock.timers.tick(10_000)
    assert.equal((await said)[2], 'max_idle')
    mock.timers.tick(1_000)
    await ended
    await stop(running)
  })

  // Scenario: one client answers pings, one has gone silent without closing.
  // Guarantees: the silent one is cut off, the other is not.
  it('keepalive', async () => {
    const [running, session] = await start({ server_parameters: { time: '10s', timeout: '5s' } })
    const silent = connectTcp(portOf(running.grpc), '127.0.0.1')
    silent.write('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')
    silent.write(Uint8Array.of(0, 0, 0, 4, 0, 0, 0, 0, 0))
    silent.resume()
    await once(silent, 'data')
    const pinged = once(session, 'ping')
    const cut = once(silent, 'close')
    mock.timers.tick(10_000) // Both have said something in these.
    mock.timers.tick(10_000)
    await pinged
    await new Promise(resolve => session.ping(resolve)) // Our answer was there before this one's.
    mock.timers.tick(5_000)
    await cut
    assert.equal((await call(session, framed(TRACES)))['grpc-status'], '0')
    session.destroy()
    await stop(running)
  })

  // Scenario: a client without calls pings again and again, under the default policy and under one that permits it.
  // Guarantees: ENHANCE_YOUR_CALM with gRPC's words after the third too many; none where it is permitted, and none while
  // answers come in between.
  it('enforcement_policy', async () => {
    const ping = (session: ClientHttp2Session) =>
      new Promise<void>(resolve => {
        if (!session.ping(() => resolve())) resolve()
      })
    const strict = await startReceiver({ grpc: {} })
    const session = await connected(strict.grpc)
    const busy = await connected(strict.grpc)
    for (let i = 0; i < 8; i++) {
      assert.equal((await call(busy, framed(TRACES)))['grpc-status'], '0')
      await ping(busy)
    }
    busy.destroy()
    const said = goaway(session)
    const ended = closed(session)
    for (let i = 0; i < 4; i++) await ping(session)
    const [code, , words] = await said
    assert.deepEqual([code, words], [11, 'too_many_pings'])
    await ended
    await strict.stop()
    const policy = { min_time: '0s', permit_without_stream: true }
    const permissive = await startReceiver({ grpc: { keepalive: { enforcement_policy: policy } } })
    const other = await connected(permissive.grpc)
    for (let i = 0; i < 8; i++) await ping(other)
    assert.equal((await call(other, framed(TRACES)))['grpc-status'], '0')
    other.destroy()
    await permissive.stop()
  })
})
