import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, it } from 'node:test'
import { gzipSync } from 'node:zlib'
import { ACCEPTED, Refused, Rejected } from '../../../core/component/outcome.ts'
import { readStatus, STATUS_CODES } from '../../../core/otlp/response.ts'
import { generate } from '../../kit/generate.ts'
import { GrpcClient, type HttpAnswer, post, type Running, startReceiver } from './harness.ts'

const PROTOBUF = 'application/x-protobuf'
const JSON_TYPE = 'application/json'
const TRACES = generate('traces', 11, 4).bytes

let running: Running
let client: GrpcClient
before(async () => {
  running = await startReceiver(
    { grpc: { max_recv_msg_size_mib: 1 }, http: { max_request_body_size: 1 << 20 } },
    ['traces', 'logs'],
  )
  client = new GrpcClient(running.grpc)
})
beforeEach(() => {
  running.sinks.traces.answer = () => ACCEPTED
})
after(async () => {
  client.close()
  await running.stop()
})

/** The Status in an answer, after checking that it is written in `type`. */
function statusIn(answer: HttpAnswer, type: string) {
  assert.equal(answer.headers['content-type'], type)
  return readStatus(answer.body, type)
}

describe('HTTP requests that cannot be served', () => {
  interface Row {
    readonly what: string
    readonly status: number
    readonly code: keyof typeof STATUS_CODES
    readonly message: RegExp
    readonly method?: string
    readonly path?: string
    readonly headers?: Record<string, string>
    readonly body?: Uint8Array | string
    readonly type?: string
    readonly allow?: string
  }
  const type = (value: string) => ({ 'content-type': value })
  const rows: readonly Row[] = [
    {
      what: 'an unknown path',
      path: '/v1/trace',
      status: 404,
      code: 'UNIMPLEMENTED',
      message: /nothing at \/v1\/trace; did you mean \/v1\/traces\? paths are \/v1\/traces/,
    },
    {
      what: 'a path with a slash behind it',
      path: '/v1/metrics/',
      status: 404,
      code: 'UNIMPLEMENTED',
      message: /did you mean \/v1\/metrics\?/,
    },
    {
      what: 'an unknown path in JSON',
      path: '/',
      headers: type(JSON_TYPE),
      status: 404,
      code: 'UNIMPLEMENTED',
      message: /nothing at \//,
      type: JSON_TYPE,
    },
    {
      what: 'a path that cannot be decoded',
      path: '/%zz',
      status: 400,
      code: 'INVALID_ARGUMENT',
      message: /%zz/,
    },
    {
      what: 'a signal without a pipeline',
      path: '/v1/metrics',
      status: 404,
      code: 'UNIMPLEMENTED',
      message: /no pipeline takes metrics from the receiver otlp/,
    },
    {
      what: 'GET',
      method: 'GET',
      body: '',
      headers: {},
      status: 405,
      code: 'UNIMPLEMENTED',
      message: /GET is not allowed/,
      type: JSON_TYPE,
      allow: 'POST',
    },
    {
      what: 'PUT',
      method: 'PUT',
      status: 405,
      code: 'UNIMPLEMENTED',
      message: /PUT is not allowed/,
      allow: 'POST',
    },
    {
      what: 'OPTIONS without CORS',
      method: 'OPTIONS',
      status: 405,
      code: 'UNIMPLEMENTED',
      message: /OPTIONS/,
      allow: 'POST',
    },
    {
      what: 'no Content-Type',
      headers: {},
      status: 415,
      code: 'INVALID_ARGUMENT',
      message:
        /a request without Content-Type is not supported; send application\/x-protobuf or application\/json/,
      type: JSON_TYPE,
    },
    {
      what: 'text/plain',
      headers: type('text/plain'),
      status: 415,
      code: 'INVALID_ARGUMENT',
      message: /text\/plain is not supported/,
      type: JSON_TYPE,
    },
    {
      what: 'a Content-Type that is none',
      headers: type(';;'),
      status: 415,
      code: 'INVALID_ARGUMENT',
      message: /Content-Type ;; is not supported; send/,
      type: JSON_TYPE,
    },
    {
      what: 'gRPC',
      headers: type('application/grpc+proto'),
      status: 415,
      code: 'INVALID_ARGUMENT',
      message: /port of protocols.grpc, usually 4317/,
      type: JSON_TYPE,
    },
    {
      what: 'brotli',
      headers: { ...type(PROTOBUF), 'content-encoding': 'br' },
      status: 415,
      code: 'INVALID_ARGUMENT',
      message: /Content-Encoding br is not supported; send gzip, zstd/,
    },
    {
      what: 'two encodings',
      headers: { ...type(PROTOBUF), 'content-encoding': 'gzip, gzip' },
      status: 415,
      code: 'INVALID_ARGUMENT',
      message: /gzip, gzip/,
    },
    {
      what: 'gzip that is none',
      headers: { ...type(PROTOBUF), 'content-encoding': 'gzip' },
      status: 400,
      code: 'INVALID_ARGUMENT',
      message: /not valid gzip/,
    },
    {
      what: 'truncated protobuf',
      body: TRACES.subarray(0, TRACES.length - 3),
      status: 400,
      code: 'INVALID_ARGUMENT',
      message: /offset/,
    },
    {
      what: 'JSON that is none',
      headers: type(JSON_TYPE),
      body: '{"resourceSpans":[',
      status: 400,
      code: 'INVALID_ARGUMENT',
      message: /./,
      type: JSON_TYPE,
    },
    {
      what: 'JSON of the wrong type',
      headers: type(JSON_TYPE),
      body: '{"resourceSpans":{"a":1}}',
      status: 400,
      code: 'INVALID_ARGUMENT',
      message: /resourceSpans/,
      type: JSON_TYPE,
    },
    {
      what: 'a body over the limit',
      body: Buffer.alloc((1 << 20) + 1),
      status: 413,
      code: 'RESOURCE_EXHAUSTED',
      message: /1048576/,
    },
    {
      what: 'a chunked body over the limit',
      headers: { ...type(PROTOBUF), 'transfer-encoding': 'chunked' },
      body: Buffer.alloc((1 << 20) + 1),
      status: 413,
      code: 'RESOURCE_EXHAUSTED',
      message: /1048576/,
    },
    {
      what: 'a body over the limit once inflated',
      headers: { ...type(PROTOBUF), 'content-encoding': 'gzip' },
      body: gzipSync(Buffer.alloc((1 << 20) + 1)),
      status: 413,
      code: 'RESOURCE_EXHAUSTED',
      message: /1048576/,
    },
  ]
  for (const row of rows) {
    // Scenario: this request.
    // Guarantees: this HTTP status, with a google.rpc.Status in the encoding of the request that says what to do, and
    // a connection that takes the next request.
    it(row.what, async () => {
      const known = running.sinks.traces.batches.length
      const answer = await post(running.http, 'traces', row.body ?? TRACES, row.headers ?? type(PROTOBUF), {
        ...(row.method === undefined ? {} : { method: row.method }),
        ...(row.path === undefined ? {} : { path: row.path }),
      })
      assert.equal(answer.status, row.status)
      const status = statusIn(answer, row.type ?? PROTOBUF)
      assert.equal(status.code, STATUS_CODES[row.code])
      assert.match(status.message, row.message)
      assert.equal(answer.headers['allow'], row.allow)
      assert.equal(running.sinks.traces.batches.length, known)
    })
  }

  // Scenario: malformed, corrupt and oversize requests have come in.
  // Guarantees: they are counted by reason, and the log has one line for all of them.
  it('are counted', async () => {
    const count = (reason: string) =>
      running.settings.metrics.read(
        `sluice_receiver_malformed_requests{reason="${reason}",receiver="otlp",transport="http"}`,
      )
    const before = count('malformed_protobuf')
    await post(running.http, 'traces', Buffer.from([10, 200]))
    assert.equal(count('malformed_protobuf'), before + 1)
    for (const reason of ['malformed_json', 'too_large', 'corrupt_compression'])
      assert.ok(count(reason) > 0, reason)
    assert.equal(running.settings.log.lines.filter(line => line.level === 'warn').length, 1)
  })
})

describe('what the pipeline decides', () => {
  const waits = new Refused('try later', { afterMs: 1500 })
  const outcomes: [string, Error, number, number, string | undefined, number | undefined][] = [
    ['a refusal', new Refused('full'), 503, 14, undefined, undefined],
    ['a refusal with a wait', waits, 503, 14, '2', 1500],
    ['a quota', new Refused('quota', { status: 'RESOURCE_EXHAUSTED', afterMs: 3000 }), 429, 8, '3', 3000],
    ['a rejection', new Rejected('never'), 500, 13, undefined, undefined],
    [
      'a rejection with a status',
      new Rejected('no', { status: 'PERMISSION_DENIED' }),
      403,
      7,
      undefined,
      undefined,
    ],
    ['a bug', new TypeError('undefined is not a function'), 503, 14, undefined, undefined],
  ]
  for (const [what, error, http, code, retryAfter, retryDelayMs] of outcomes) {
    // Scenario: `consume` throws this.
    // Guarantees: HTTP's status and Retry-After and gRPC's code and RetryInfo are those of the table, also in JSON.
    it(what, async () => {
      running.sinks.traces.answer = () => {
        throw error
      }
      const wanted = retryDelayMs === undefined ? [code] : [code, retryDelayMs]
      for (const [type, body] of [
        [PROTOBUF, TRACES],
        [JSON_TYPE, '{"resourceSpans":[{"scopeSpans":[{"spans":[{"name":"a"}]}]}]}'],
      ] as const) {
        const answer = await post(running.http, 'traces', body, { 'content-type': type })
        const status = statusIn(answer, type)
        assert.deepEqual([answer.status, answer.headers['retry-after']], [http, retryAfter])
        assert.deepEqual(
          [status.code, status.retryDelayMs].filter(value => value !== undefined),
          wanted,
        )
      }
      const answer = await client.export('traces', TRACES)
      assert.equal(answer.code, code)
      const [details] = answer.metadata.get('grpc-status-details-bin')
      if (retryDelayMs === undefined) assert.equal(details, undefined)
      else assert.deepEqual(readStatus(details as Buffer), { code, message: error.message, retryDelayMs })
    })
  }

  // Scenario: `admit` says that everything would be refused; a client sends a body of 900 kB, twice on one connection.
  // Guarantees: both are answered with the refusal, consume is never asked, and nothing is reset.
  it('refuses before it reads', async () => {
    const sink = running.sinks.logs as typeof running.sinks.logs & { admit?: () => Refused | undefined }
    sink.admit = () => new Refused('no memory', { afterMs: 1000 })
    const body = Buffer.alloc(900_000)
    for (let i = 0; i < 2; i++) {
      const answer = await post(running.http, 'logs', body)
      assert.deepEqual([answer.status, answer.headers['retry-after']], [503, '1'])
      const { code, details, metadata } = await client.export('logs', body)
      assert.deepEqual([code, details], [14, 'no memory'])
      assert.equal(readStatus(metadata.get('grpc-status-details-bin')[0] as Buffer).retryDelayMs, 1000)
    }
    assert.equal(sink.batches.length, 0)
    delete sink.admit
    assert.equal((await client.export('logs', generate('logs', 1, 1).bytes)).code, 0)
  })
})

describe('gRPC calls that cannot be served', () => {
  const rows: [string, string, Uint8Array, Record<string, string>, number, RegExp][] = [
    [
      'an unknown service',
      '/opentelemetry.proto.collector.trace.v2.TraceService/Export',
      TRACES,
      {},
      12,
      /./,
    ],
    [
      'a signal without a pipeline',
      'metrics',
      TRACES,
      {},
      12,
      /no pipeline takes metrics from the receiver otlp/,
    ],
    ['truncated protobuf', 'traces', TRACES.subarray(0, TRACES.length - 3), {}, 3, /offset/],
    ['a message over the limit', 'traces', Buffer.alloc((1 << 20) + 1), {}, 8, /larger/],
  ]
  for (const [what, method, body, headers, code, message] of rows) {
    // Scenario: this call.
    // Guarantees: this status, without RetryInfo, and the connection takes the next call.
    it(what, async () => {
      const answer = await client.export(method, body, headers)
      assert.equal(answer.code, code)
      assert.match(answer.details, message)
      assert.equal(answer.metadata.get('grpc-status-details-bin').length, 0)
      assert.equal((await client.export('traces', TRACES)).code, 0)
    })
  }

  // Scenario: gzip that inflates to more than the limit.
  // Guarantees: RESOURCE_EXHAUSTED without RetryInfo: OTLP counts after decompression.
  it('a message over the limit once inflated', async () => {
    const zipping = new GrpcClient(running.grpc, { 'grpc.default_compression_algorithm': 2 })
    const answer = await zipping.export('traces', Buffer.alloc((1 << 20) + 1))
    assert.equal(answer.code, 8)
    assert.equal(answer.metadata.get('grpc-status-details-bin').length, 0)
    zipping.close()
  })
})
