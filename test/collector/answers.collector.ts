/** What the otlp receiver answers to requests of every kind, over HTTP and gRPC, and what it lets through. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { brotliCompressSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib'
import { compressLz4 } from '../../core/formats/lz4.ts'
import { compressBlock, compressFramed } from '../../core/formats/snappy.ts'
import { readResponse, readStatus } from '../../core/otlp/response.ts'
import { SIGNAL_WORDS } from '../../core/otlp/signals.ts'
import { goldenRequests } from '../kit/golden.ts'
import { encodeRequest } from '../kit/proto.ts'
import { JSON_BODIES } from './answer-bodies.ts'
import { Comparison, type Seen } from './comparison.ts'
import {
  askGrpc,
  askHttp,
  framed,
  type GrpcAnswer,
  type HttpAnswer,
  type HttpQuestion,
  post,
} from './exchange.ts'
import { protoFile, readProto, saying } from './outputs.ts'
import { type Side, startPair } from './pair.ts'

/** In bytes; both are told it. */
const LIMIT = 1024 * 1024

const CONFIG = `
receivers:
  otlp:
    protocols:
      grpc: {endpoint: "@grpc@", max_recv_msg_size_mib: 1}
      http: {endpoint: "@http@", max_request_body_size: ${LIMIT}, cors: {allowed_origins: ["https://*.example"]}}
  otlp/traces:
    protocols:
      grpc: {endpoint: "@grpc-traces@"}
      http:
        endpoint: "@http-traces@"
        traces_url_path: /own/path
        cors: {allowed_origins: ["*"], allowed_headers: [X-Tenant], exposed_headers: [x-request-id, X-B], max_age: 60}
exporters:
  file/traces: ${protoFile('traces')}
  file/logs: ${protoFile('logs')}
  nop:
service:
  pipelines:
    traces: {receivers: [otlp], exporters: [file/traces]}
    metrics: {receivers: [otlp], exporters: [nop]}
    logs: {receivers: [otlp], exporters: [file/logs]}
    traces/2: {receivers: [otlp/traces], exporters: [nop]}
`

const traces = goldenRequests().find(({ signal }) => signal === 'traces')!.plain
const PROTO = { 'content-type': 'application/x-protobuf' }
const JSON_TYPE = { 'content-type': 'application/json' }

/** One span whose name makes the request as large as wanted. */
function ofSize(size: number): Uint8Array {
  const encode = (length: number): Uint8Array =>
    encodeRequest('traces', { resourceSpans: [{ scopeSpans: [{ spans: [{ name: 'x'.repeat(length) }] }] }] })
  return encode(size - (encode(size).length - size))
}

const encoded = (encoding: string, body: Uint8Array): HttpQuestion => ({
  headers: { ...PROTO, 'content-encoding': encoding },
  body,
})

/** What browsers ask before they send, as they write it: names of headers in lower case, sorted. */
function preflights(): Readonly<Record<string, HttpQuestion & { readonly door?: string }>> {
  const ask = (origin: string, method: string, wanted?: string, more: object = {}): HttpQuestion => ({
    method: 'OPTIONS',
    headers: {
      origin,
      ...(method === '' ? {} : { 'access-control-request-method': method }),
      ...(wanted === undefined ? {} : { 'access-control-request-headers': wanted }),
    },
    ...more,
  })
  const a = 'https://a.example'
  const own = { door: 'http-traces', path: '/own/path' }
  return {
    'a preflight without headers': ask(a, 'POST'),
    'a preflight with X-Requested-With': ask(a, 'POST', 'content-type,x-requested-with'),
    'a preflight with a header that is not allowed': ask(a, 'POST', 'content-type,x-other'),
    'a preflight for GET': ask(a, 'GET'),
    'a preflight for PUT': ask(a, 'PUT'),
    'a preflight on a wrong path': ask(a, 'POST', undefined, { path: '/nowhere' }),
    'a preflight in capitals': ask('HTTPS://A.EXAMPLE', 'POST'),
    'a preflight from a name that only looks so': ask('https://a.example.org', 'POST'),
    'OPTIONS with an origin and no method': ask(a, ''),
    'OPTIONS with an empty method': ask(a, '', undefined, {
      headers: { origin: a, 'access-control-request-method': '' },
    }),
    'a preflight with an allowed header': ask('https://b.org', 'POST', 'x-tenant', own),
    'a preflight with an allowed header and content-type': ask(
      'https://b.org',
      'POST',
      'content-type,x-tenant',
      own,
    ),
    'a preflight without an origin': {
      method: 'OPTIONS',
      headers: { 'access-control-request-method': 'POST' },
    },
  }
}

const HTTP_CASES: Readonly<Record<string, HttpQuestion & { readonly door?: string }>> = {
  protobuf: { headers: PROTO, body: traces },
  'protobuf with parameters': {
    headers: { 'content-type': 'application/x-protobuf; charset=utf-8' },
    body: traces,
  },
  'protobuf in capitals': { headers: { 'content-type': 'Application/X-Protobuf' }, body: traces },
  'json with parameters': { headers: { 'content-type': 'application/json; charset=utf-8' }, body: '{}' },
  'no content type': { body: traces },
  text: { headers: { 'content-type': 'text/plain' }, body: 'hello' },
  'another protobuf type': { headers: { 'content-type': 'application/protobuf' }, body: traces },
  'a content type that is none': { headers: { 'content-type': ';;' }, body: traces },
  'grpc on the HTTP path': { headers: { 'content-type': 'application/grpc' }, body: traces },
  'an empty protobuf body': { headers: PROTO, body: '' },
  'an empty json body': { headers: JSON_TYPE, body: '' },
  'an empty json object': { headers: JSON_TYPE, body: '{}' },
  'no items': {
    headers: PROTO,
    body: encodeRequest('traces', { resourceSpans: [{}, { scopeSpans: [{}] }] }),
  },
  GET: { method: 'GET' },
  'GET with a content type': { method: 'GET', headers: PROTO },
  HEAD: { method: 'HEAD' },
  PUT: { method: 'PUT', headers: PROTO, body: traces },
  DELETE: { method: 'DELETE' },
  OPTIONS: { method: 'OPTIONS' },
  'a wrong path': { path: '/v1/trace', headers: PROTO, body: traces },
  'a wrong path with GET': { method: 'GET', path: '/' },
  'the path with a slash': { path: '/v1/traces/', headers: PROTO, body: traces },
  'the path with a query': { path: '/v1/traces?a=b', headers: PROTO, body: traces },
  'the path twice slashed': { path: '//v1/traces', headers: PROTO, body: traces },
  'the path in capitals': { path: '/V1/TRACES', headers: PROTO, body: traces },
  metrics: { path: '/v1/metrics', headers: PROTO, body: '' },
  logs: { path: '/v1/logs', headers: PROTO, body: '' },
  'profiles, which have no pipeline': { path: '/v1development/profiles', headers: PROTO, body: '' },
  'metrics where only traces have one': {
    door: 'http-traces',
    path: '/v1/metrics',
    headers: PROTO,
    body: '',
  },
  'an own path': { door: 'http-traces', path: '/own/path', headers: PROTO, body: traces },
  'the usual path where there is an own': {
    door: 'http-traces',
    path: '/v1/traces',
    headers: PROTO,
    body: traces,
  },
  gzip: encoded('gzip', gzipSync(traces)),
  'gzip in capitals': encoded('GZIP', gzipSync(traces)),
  zstd: encoded('zstd', zstdCompressSync(traces)),
  lz4: encoded('lz4', compressLz4(traces)),
  'lz4 that is none': encoded('lz4', traces),
  zlib: encoded('zlib', deflateSync(traces)),
  deflate: encoded('deflate', deflateSync(traces)),
  identity: encoded('identity', traces),
  brotli: encoded('br', brotliCompressSync(traces)),
  'two encodings': encoded('gzip, gzip', gzipSync(gzipSync(traces))),
  'gzip that is none': encoded('gzip', traces),
  'gzip that ends early': encoded('gzip', gzipSync(traces).subarray(0, 100)),
  'zstd that is none': encoded('zstd', traces),
  'gzip of nothing': encoded('gzip', gzipSync('')),
  'an empty body said to be gzip': encoded('gzip', Buffer.alloc(0)),
  'malformed protobuf': { headers: PROTO, body: Uint8Array.of(0x0a, 0x7f, 1) },
  'protobuf said to be json': { headers: JSON_TYPE, body: traces },
  'json said to be protobuf': { headers: PROTO, body: '{"resourceSpans":[]}' },
  'just within the limit': { headers: PROTO, body: ofSize(LIMIT - 1) },
  'over the limit': { headers: PROTO, body: ofSize(LIMIT + 10_000) },
  'over the limit after gzip': encoded('gzip', gzipSync(ofSize(LIMIT + 10_000))),
  'over the limit after lz4': encoded('lz4', compressLz4(ofSize(LIMIT + 10_000))),
  'over the limit after zstd': encoded('zstd', zstdCompressSync(ofSize(LIMIT + 10_000))),
  'json over the limit': { headers: JSON_TYPE, body: `{"x": "${'x'.repeat(LIMIT)}"}` },
  'a preflight': {
    method: 'OPTIONS',
    headers: {
      origin: 'https://a.example',
      'access-control-request-method': 'POST',
      'access-control-request-headers': 'content-type',
    },
  },
  'a preflight from elsewhere': {
    method: 'OPTIONS',
    headers: { origin: 'https://b.org', 'access-control-request-method': 'POST' },
  },
  ...preflights(),
  'a browser': { headers: { ...PROTO, origin: 'https://a.example' }, body: traces },
  'a browser with PUT': { method: 'PUT', headers: { ...PROTO, origin: 'https://a.example' }, body: traces },
  'a browser with a wrong path': {
    path: '/v1/trace',
    headers: { ...PROTO, origin: 'https://a.example' },
    body: traces,
  },
  'a browser where all origins are allowed': {
    door: 'http-traces',
    path: '/own/path',
    headers: { ...PROTO, origin: 'https://b.org' },
    body: traces,
  },
  'another Expect': { headers: { ...PROTO, expect: 'tea' }, body: traces },
  'Expect: 100-continue': { headers: { ...PROTO, expect: '100-continue' }, body: traces },
  'a browser from elsewhere': { headers: { ...PROTO, origin: 'https://b.org' }, body: traces },
}

/** Status, type and meaning of an answer. How errors are worded is each program's own. */
function seen({ status, headers, body }: HttpAnswer): Seen {
  const type = headers['content-type'] ?? ''
  const cors = Object.fromEntries(
    Object.entries(headers).filter(([name]) => name.startsWith('access-control-')),
  )
  const { vary, 'retry-after': after } = headers
  const common = { status, type, 'retry-after': after, vary, cors }
  if (status === 200) return { ...common, response: readResponse(body, String(type)) }
  if (type !== 'application/json' && type !== 'application/x-protobuf')
    return { ...common, body: body.length === 0 ? 'none' : 'some' }
  const { code, message, retryDelayMs } = readStatus(body, type)
  return { ...common, code, message: message === '' ? 'none' : 'some', retryDelayMs }
}

interface GrpcCase {
  readonly body: Uint8Array
  readonly headers?: Readonly<Record<string, string>>
  readonly path?: string
  readonly door?: string
}

const GRPC_CASES: Readonly<Record<string, GrpcCase>> = {
  'a request': { body: framed(traces) },
  'an empty request': { body: framed(Buffer.alloc(0)) },
  nothing: { body: Buffer.alloc(0) },
  'half a prefix': { body: Buffer.alloc(3) },
  'a message that ends early': { body: framed(traces).subarray(0, 50) },
  'two messages': { body: Buffer.concat([framed(traces), framed(traces)]) },
  gzip: { body: framed(gzipSync(traces), true), headers: { 'grpc-encoding': 'gzip' } },
  'gzip announced, not used': { body: framed(traces), headers: { 'grpc-encoding': 'gzip' } },
  'compressed without saying how': { body: framed(gzipSync(traces), true) },
  zstd: { body: framed(zstdCompressSync(traces), true), headers: { 'grpc-encoding': 'zstd' } },
  snappy: { body: framed(compressFramed(traces), true), headers: { 'grpc-encoding': 'snappy' } },
  'snappy in blocks': { body: framed(compressBlock(traces), true), headers: { 'grpc-encoding': 'snappy' } },
  identity: { body: framed(traces), headers: { 'grpc-encoding': 'identity' } },
  deflate: { body: framed(deflateSync(traces), true), headers: { 'grpc-encoding': 'deflate' } },
  brotli: { body: framed(brotliCompressSync(traces), true), headers: { 'grpc-encoding': 'br' } },
  'gzip that is none': { body: framed(traces, true), headers: { 'grpc-encoding': 'gzip' } },
  'a flag that does not exist': { body: Buffer.concat([Buffer.of(2), framed(traces).subarray(1)]) },
  malformed: { body: framed(Uint8Array.of(0x0a, 0x7f, 1)) },
  'just within the limit': { body: framed(ofSize(LIMIT - 1)) },
  'over the limit': { body: framed(ofSize(LIMIT + 10_000)) },
  'over the limit after gzip': {
    body: framed(gzipSync(ofSize(LIMIT + 10_000)), true),
    headers: { 'grpc-encoding': 'gzip' },
  },
  'a wrong method': {
    body: framed(traces),
    path: '/opentelemetry.proto.collector.trace.v1.TraceService/Import',
  },
  'a wrong service': { body: framed(traces), path: '/no.such.Service/Export' },
  'a path that is none': { body: framed(traces), path: '/x' },
  metrics: { body: framed(Buffer.alloc(0)), path: SIGNAL_WORDS.metrics.method },
  'metrics where only traces have a pipeline': {
    body: framed(Buffer.alloc(0)),
    path: SIGNAL_WORDS.metrics.method,
    door: 'grpc-traces',
  },
  'application/grpc+proto': { body: framed(traces), headers: { 'content-type': 'application/grpc+proto' } },
  'application/grpc+json': { body: framed(traces), headers: { 'content-type': 'application/grpc+json' } },
  'application/json': { body: framed(traces), headers: { 'content-type': 'application/json' } },
  'a timeout': { body: framed(traces), headers: { 'grpc-timeout': '10S' } },
  'a timeout that is none': { body: framed(traces), headers: { 'grpc-timeout': 'soon' } },
  'a timeout in the past': { body: framed(traces), headers: { 'grpc-timeout': '0n' } },
  GET: { body: Buffer.alloc(0), headers: { ':method': 'GET' } },
}

function seenGrpc({ status, message, headers, trailers, body }: GrpcAnswer): Seen {
  return {
    http: headers[':status'],
    // `application/grpc` and `application/grpc+proto` are the same.
    grpc: String(headers['content-type']).startsWith('application/grpc'),
    status,
    message: status === 0 || message === '' ? 'none' : 'some',
    details: 'grpc-status-details-bin' in trailers,
    response: body.length === 0 ? 'none' : readResponse(body.subarray(5)),
  }
}

const marker = (i: number): string => `answered ${i}`

/** A request that stands between those of two cases in the files. */
function markers(i: number): [signal: 'traces' | 'logs', bytes: Uint8Array][] {
  const spans = [{ name: marker(i) }]
  const logRecords = [{ eventName: marker(i) }]
  return [
    ['traces', encodeRequest('traces', { resourceSpans: [{ scopeSpans: [{ spans }] }] })],
    ['logs', encodeRequest('logs', { resourceLogs: [{ scopeLogs: [{ logRecords }] }] })],
  ]
}

/** What each case let through: everything in the file before its marker. */
function letThrough(side: Side, signal: 'traces' | 'logs', cases: number): unknown[][] {
  const through: unknown[][] = [[]]
  for (const request of saying(signal, readProto(side, signal))) {
    if (JSON.stringify(request).includes(`"${marker(through.length - 1)}"`)) through.push([])
    else through.at(-1)!.push(request)
  }
  assert.equal(through.length, cases + 1)
  return through
}

type Ask = (side: Side) => Promise<Seen>

/** Every case by its name. */
const CASES = new Map<string, Ask>([
  ...Object.entries(HTTP_CASES).map(([name, { door = 'http', ...question }]): [string, Ask] => [
    `HTTP: ${name}`,
    async side => seen(await askHttp(side.address(door), question)),
  ]),
  ...Object.entries(GRPC_CASES).map(([name, { body, headers, path, door = 'grpc' }]): [string, Ask] => [
    `gRPC: ${name}`,
    async side => seenGrpc(await askGrpc(side.address(door), body, headers, path)),
  ]),
  ...JSON_BODIES.map(([signal, body]): [string, Ask] => [
    `JSON: ${signal} ${body}`,
    async side =>
      seen(
        await askHttp(side.address('http'), { path: SIGNAL_WORDS[signal].path, headers: JSON_TYPE, body }),
      ),
  ]),
])

// Scenario: requests that are right, odd, broken, too large, of every type, encoding, method and path, go to both doors.
// Guarantees: the same status, type, code and body everywhere, and the same items in the files.
test('answers', { timeout: 120_000 }, async t => {
  const pair = await startPair(t, CONFIG)
  if (pair === undefined) return
  const answers = await pair.both(async side => {
    const got: Seen[] = []
    for (const ask of CASES.values()) {
      got.push(await ask(side))
      for (const [signal, bytes] of markers(got.length - 1))
        assert.equal((await post(side.address('http'), signal, bytes)).status, 200)
    }
    return got
  })
  await pair.stop()
  const through = pair.sides.map(side => ({
    traces: letThrough(side, 'traces', CASES.size),
    logs: letThrough(side, 'logs', CASES.size),
  }))
  const comparison = new Comparison('answers')
  for (const [i, name] of [...CASES.keys()].entries()) {
    await t.test(name, () => {
      const [ours, theirs] = answers.map((got, s) => {
        const { traces, logs } = through[s]!
        return { ...got[i]!, items: [traces[i], logs[i]] }
      })
      comparison.same(name, ours!, theirs!)
    })
  }
  comparison.end()
})
