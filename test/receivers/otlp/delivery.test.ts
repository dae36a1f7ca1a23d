import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { Agent } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it, test } from 'node:test'
import { gunzipSync, gzipSync, zstdCompressSync } from 'node:zlib'
import { contiguous } from '../../../core/component/batch.ts'
import { jsonToRequest, requestToJsonBytes } from '../../../core/otlp/json.ts'
import { SIGNALS } from '../../../core/otlp/signals.ts'
import { generate } from '../../kit/generate.ts'
import { goldenRequests } from '../../kit/golden.ts'
import { responseType } from '../../kit/proto.ts'
import { GrpcClient, post, type Running, startReceiver } from './harness.ts'

describe('what real clients send', () => {
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

  for (const golden of goldenRequests()) {
    // Scenario: a captured request is sent again, with the headers it came with, over the protocol it came by.
    // Guarantees: it is accepted, and the pipeline gets its very bytes, not compressed, with their items counted.
    it(golden.name, async () => {
      const sink = running.sinks[golden.signal]
      const known = sink.batches.length
      if (golden.transport === 'grpc') {
        const answer = await client.export(golden.signal, golden.plain)
        assert.deepEqual([answer.code, answer.response?.length], [0, 0])
      } else {
        const sent = golden.about['headers'] as [string, string][]
        const headers = Object.fromEntries(sent.filter(([name]) => !/^(host|connection)$/i.test(name)))
        const answer = await post(running.http, golden.signal, golden.body, headers, {
          path: golden.about['path'] as string,
        })
        assert.deepEqual([answer.status, answer.body.length], [200, 0])
        assert.equal(answer.headers['content-type'], 'application/x-protobuf')
      }
      assert.equal(sink.batches.length, known + 1)
      const batch = sink.batches.at(-1)!
      assert.ok(Buffer.from(contiguous(batch)).equals(golden.plain))
      assert.ok(batch.items > 0)
      assert.match(batch.meta.address, /^127\.0\.0\.1:\d+$/)
      assert.equal(batch.meta.metadata.size, 0)
    })
  }

  // Scenario: each signal over gRPC with gzip, over HTTP with gzip and zstd, and over HTTP as JSON.
  // Guarantees: the pipeline gets the same request each time; the answer to JSON is JSON.
  for (const signal of SIGNALS) {
    it(`takes ${signal} compressed and as JSON`, async () => {
      const { bytes } = generate(signal, 7, 20)
      const sink = running.sinks[signal]
      const zipping = new GrpcClient(running.grpc, { 'grpc.default_compression_algorithm': 2 })
      assert.equal((await zipping.export(signal, bytes)).code, 0)
      zipping.close()
      const type = 'application/x-protobuf'
      const gzip = { 'content-type': type, 'content-encoding': 'gzip' }
      assert.equal((await post(running.http, signal, gzipSync(bytes), gzip)).status, 200)
      const zstd = { 'content-type': type, 'content-encoding': 'zstd' }
      assert.equal((await post(running.http, signal, zstdCompressSync(bytes), zstd)).status, 200)
      for (const batch of sink.batches.slice(-3)) assert.ok(Buffer.from(contiguous(batch)).equals(bytes))
      const json = { 'content-type': 'application/json; charset=utf-8' }
      const text = requestToJsonBytes(bytes, signal)
      const answer = await post(running.http, signal, text, json)
      assert.deepEqual(
        [answer.status, answer.headers['content-type'], answer.body.toString()],
        [200, 'application/json', '{}'],
      )
      const batch = sink.batches.at(-1)!
      assert.equal(batch.items, 20)
      assert.deepEqual(contiguous(batch), jsonToRequest(text, signal))
    })
  }

  // Scenario: requests without any item: no bytes, an empty resource, `{}`, and an HTTP request without a body.
  // Guarantees: success, as OTLP asks, and the pipeline is not bothered.
  it('takes empty requests', async () => {
    const known = running.sinks.traces.batches.length
    for (const body of [Buffer.alloc(0), Buffer.from([10, 0])]) {
      assert.equal((await client.export('traces', body)).code, 0)
      assert.equal((await post(running.http, 'traces', body)).status, 200)
    }
    assert.equal(
      (await post(running.http, 'traces', '{}', { 'content-type': 'application/json' })).status,
      200,
    )
    assert.equal(running.sinks.traces.batches.length, known)
  })

  // Scenario: 40 requests at once over each protocol, on one gRPC connection and a few HTTP ones kept alive.
  // Guarantees: every one is answered and arrives once.
  it('takes many at once', async () => {
    const known = running.sinks.logs.batches.length
    const agent = new Agent({ keepAlive: true, maxSockets: 4 })
    const bodies = Array.from({ length: 40 }, (_, i) => generate('logs', i, 5).bytes)
    const type = { 'content-type': 'application/x-protobuf' }
    const answers = await Promise.all([
      ...bodies.map(body => client.export('logs', body).then(answer => answer.code)),
      ...bodies.map(body =>
        post(running.http, 'logs', body, type, { agent }).then(answer => answer.status - 200),
      ),
    ])
    agent.destroy()
    assert.deepEqual(answers, Array(80).fill(0))
    const arrived = running.sinks.logs.batches
      .slice(known)
      .map(batch => Buffer.from(contiguous(batch)).toString('hex'))
    const sent = bodies.map(body => Buffer.from(body).toString('hex'))
    assert.deepEqual(arrived.sort(), [...sent, ...sent].sort())
  })

  // Scenario: the pipeline rejects some items for ever.
  // Guarantees: both protocols say success with partial_success, in the encoding of the request.
  it('passes partial success on', async () => {
    const sink = running.sinks.metrics
    sink.answer = () => ({ rejected: 2, message: 'too old' })
    const { bytes } = generate('metrics', 3, 10)
    const partialSuccess = { rejectedDataPoints: 2, errorMessage: 'too old' }
    const read = (body: Uint8Array) =>
      responseType('metrics').toObject(responseType('metrics').decode(body), { longs: Number })
    assert.deepEqual(read((await client.export('metrics', bytes)).response!), { partialSuccess })
    assert.deepEqual(read((await post(running.http, 'metrics', bytes)).body), { partialSuccess })
    const json = await post(running.http, 'metrics', requestToJsonBytes(bytes, 'metrics'), {
      'content-type': 'application/json',
    })
    assert.deepEqual(JSON.parse(json.body.toString()), {
      partialSuccess: { rejectedDataPoints: '2', errorMessage: 'too old' },
    })
    sink.answer = () => ({ rejected: 0, message: '' })
  })
})

// Scenario: requests with a traceparent, a tenant header and a deadline, with and without include_metadata.
// Guarantees: headers reach Meta only when asked for, lower-case and all values; transport, traceparent and deadline
// are in the context.
test('keeps what is known of the sender', async () => {
  const contexts: unknown[] = []
  const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
  const running = await startReceiver({ grpc: { include_metadata: true }, http: { include_metadata: true } })
  const client = new GrpcClient(running.grpc)
  running.sinks.traces.answer = (_batch, context) => {
    contexts.push(
      context.transport,
      context.traceparent,
      context.deadline! > performance.now(),
      context.signal?.aborted,
    )
    return { rejected: 0, message: '' }
  }
  const { bytes } = generate('traces', 1, 2)
  const headers = { 'x-tenant': 'blue', traceparent }
  await client.export('traces', bytes, headers, { deadline: Date.now() + 60_000 })
  await post(running.http, 'traces', bytes, {
    'X-Tenant': 'blue',
    traceparent,
    'content-type': 'application/x-protobuf',
  })
  assert.deepEqual(contexts, ['grpc', traceparent, true, false, 'http', traceparent, false, false])
  const [grpc, http] = running.sinks.traces.batches.map(batch => batch.meta)
  assert.deepEqual(grpc!.metadata.get('x-tenant'), ['blue'])
  assert.deepEqual(http!.metadata.get('x-tenant'), ['blue'])
  assert.deepEqual(grpc!.metadata.get('host'), [running.grpc])
  assert.equal(http!.metadata.get('host')!.length, 1)
  client.close()
  await running.stop()
})

// Scenario: both protocols listen on unix sockets; the file of one was left behind by a process that was killed.
// Guarantees: both take requests, the stale file is replaced, and a live one is not.
test('listens on unix sockets', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-otlp-'))
  const paths = { grpc: join(folder, 'g.sock'), http: join(folder, 'h.sock') }
  const unix = (endpoint: string) => ({ transport: 'unix', endpoint })
  const running = await startReceiver({ grpc: unix(paths.grpc), http: unix(paths.http) })
  const client = new GrpcClient(paths.grpc)
  const { bytes } = generate('logs', 2, 3)
  assert.equal((await client.export('logs', bytes)).code, 0)
  assert.equal((await post(paths.http, 'logs', bytes)).status, 200)
  await assert.rejects(startReceiver({ grpc: unix(paths.grpc) }), /g\.sock is taken by another program/)
  client.close()
  await running.stop()
  rmSync(folder, { recursive: true })
})

// Scenario: gzip golden bodies.
// Guarantees: the golden set has some, so that the test above is about compression as well.
test('has golden requests that are compressed', () => {
  const zipped = goldenRequests().filter(one => one.gzip)
  assert.ok(zipped.length > 0)
  for (const one of zipped) assert.ok(Buffer.from(gunzipSync(one.body)).equals(one.plain))
})
