/** What `otlp_http` and `otlp_grpc` send to a server: paths, headers, encodings, compressions, and the same requests. */

import assert from 'node:assert/strict'
import { createServer, type IncomingHttpHeaders } from 'node:http'
import { createServer as createHttp2Server, type ServerHttp2Stream } from 'node:http2'
import { type TestContext, test } from 'node:test'
import { gunzipSync, inflateSync, zstdDecompressSync } from 'node:zlib'
import { decompressLz4 } from '../../core/formats/lz4.ts'
import { decompressBlock, decompressFramed } from '../../core/formats/snappy.ts'
import { jsonToRequest } from '../../core/otlp/json.ts'
import { SIGNAL_WORDS, SIGNALS } from '../../core/otlp/signals.ts'
import { Comparison } from './comparison.ts'
import { framed, post } from './exchange.ts'
import { saying } from './outputs.ts'
import { startPair } from './pair.ts'
import { generated, golden } from './requests.ts'

/** Options by the path that tells them apart at the server. */
const HTTP: Readonly<Record<string, string>> = {
  plain: 'compression: none',
  gzip: '',
  level: 'compression: gzip, compression_params: {level: 9}',
  zstd: 'compression: zstd',
  zlib: 'compression: zlib',
  deflate: 'compression: deflate',
  snappy: 'compression: snappy',
  'snappy-framed': 'compression: x-snappy-framed',
  agent: 'headers: {user-agent: mine/1}',
  lz4: 'compression: lz4',
  json: 'encoding: json',
  'json-plain': 'encoding: json, compression: none',
  headers: 'headers: {x-tenant: a, X-Case: B, "content-language": de}',
  slash: 'compression: none',
  'own-urls': '',
}

const GRPC: Readonly<Record<string, string>> = {
  default: '',
  none: 'compression: none',
  gzip: 'compression: gzip',
  zstd: 'compression: zstd',
  snappy: 'compression: snappy',
  headers: 'compression: none',
  agent: 'compression: none, user_agent: mine/1',
  authority: 'compression: none, authority: shop.example',
  passthrough: 'compression: none, balancer_name: pick_first',
}

function httpExporter(name: string, options: string): string {
  if (name === 'own-urls')
    return SIGNALS.map(signal => `${signal}_endpoint: "http://@http-server@/own-urls/${signal}?q=1"`).join(
      ', ',
    )
  return `endpoint: "http://@http-server@/${name}${name === 'slash' ? '/' : ''}"${options && ', '}${options}`
}

const QUIET = 'sending_queue: {enabled: false}, retry_on_failure: {enabled: false}'
const exporters = [
  ...Object.entries(HTTP).map(
    ([name, options]) => [`otlp_http/${name}`, httpExporter(name, options)] as const,
  ),
  ...Object.entries(GRPC).map(
    ([name, options]) =>
      [
        `otlp_grpc/${name}`,
        `endpoint: "${name === 'passthrough' ? 'passthrough:///' : ''}@grpc-server@", tls: {insecure: true}, headers: {case: ${name}}${options && ', '}${options}`,
      ] as const,
  ),
]
const ids = exporters.map(([id]) => id).join(', ')

const CONFIG = `
receivers: {otlp: {protocols: {http: {endpoint: "@http@"}}}}
exporters:
${exporters.map(([id, options]) => `  ${id}: {${options}, ${QUIET}}`).join('\n')}
service:
  pipelines:
    traces: {receivers: [otlp], exporters: [${ids}]}
    metrics: {receivers: [otlp], exporters: [${ids}]}
    logs: {receivers: [otlp], exporters: [${ids}]}
`

interface Got {
  readonly path: string
  readonly headers: Readonly<Record<string, unknown>>
  readonly says: unknown
}

/** Headers that name the program, the connection or the size. */
const OWN = ['host', 'content-length', 'connection', 'date', ':scheme', 'transfer-encoding']

function heard(headers: IncomingHttpHeaders): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(headers)
      .filter(([name]) => !OWN.includes(name))
      .map(([name, value]) => [name, SHOWN[name]?.(String(value)) ?? value] as const)
      .sort(([a], [b]) => (a < b ? -1 : 1)),
  )
}

/** Headers of which the form is compared. */
const SHOWN: Readonly<Record<string, (value: string) => unknown>> = {
  // What is left of five seconds.
  'grpc-timeout': value => /^[45]\d+[mun]$/.test(value),
  'user-agent': value =>
    value
      .replace(/^[\w -]+\/[\w.-]+ \(/, 'program/version (')
      .replace(/ grpc-[\w-]+\/[\d.]+$/, ' grpc-library/version'),
  ':authority': value => value.replace(/:\d+$/, ':port'),
}

const BYTES_MAX = 64 * 1024 * 1024

function decode(body: Buffer, encoding: string | undefined): Buffer {
  if (encoding === 'gzip') return gunzipSync(body)
  if (encoding === 'zstd') return zstdDecompressSync(body)
  if (encoding === 'zlib' || encoding === 'deflate') return inflateSync(body)
  if (encoding === 'snappy') return Buffer.from(decompressBlock(body, BYTES_MAX))
  if (encoding === 'x-snappy-framed') return Buffer.from(decompressFramed(body, BYTES_MAX))
  if (encoding === 'lz4') return decompressLz4(body, BYTES_MAX)
  return body
}

function saysHttp(path: string, headers: IncomingHttpHeaders, body: Buffer): unknown {
  const signal = SIGNALS.find(one => path.includes(`/${one}`))!
  const plain = decode(body, headers['content-encoding'])
  return saying(signal, [
    headers['content-type'] === 'application/json' ? jsonToRequest(plain, signal) : plain,
  ])
}

/** Servers that accept everything and remember it, by case. */
async function listen(t: TestContext, address: (word: string) => string): Promise<Map<string, Got[]>> {
  const got = new Map<string, Got[]>()
  const note = (name: string, one: Got): void => void got.set(name, [...(got.get(name) ?? []), one])
  const http = createServer(async (request, response) => {
    const parts: Buffer[] = []
    for await (const part of request) parts.push(part)
    const path = request.url!
    const says = saysHttp(path, request.headers, Buffer.concat(parts))
    note(`otlp_http/${path.split('/')[1]}`, { path, headers: heard(request.headers), says })
    response.writeHead(200, { 'content-type': request.headers['content-type']! })
    response.end(request.headers['content-type'] === 'application/json' ? '{}' : '')
  })
  const grpc = createHttp2Server()
  grpc.on('stream', async (stream: ServerHttp2Stream, headers) => {
    const parts: Buffer[] = []
    for await (const part of stream) parts.push(part)
    const frame = Buffer.concat(parts)
    const path = String(headers[':path'])
    const signal = SIGNALS.find(one => SIGNAL_WORDS[one].method === path)!
    const encoding = headers['grpc-encoding'] as string | undefined
    // gRPC's snappy is the framed form.
    const plain = decode(frame.subarray(5), encoding === 'snappy' ? 'x-snappy-framed' : encoding)
    note(`otlp_grpc/${headers['case']}`, {
      path,
      headers: heard(headers as IncomingHttpHeaders),
      says: [frame[0], saying(signal, [plain])],
    })
    stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true })
    stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }))
    stream.end(framed(Buffer.alloc(0)))
  })
  for (const [server, word] of [
    [http, 'http-server'],
    [grpc, 'grpc-server'],
  ] as const) {
    const [host, port] = address(word).split(':')
    await new Promise<void>(resolve => void server.listen(Number(port), host, resolve))
    t.after(() => server.close())
  }
  t.after(() => http.closeAllConnections())
  return got
}

// Scenario: real and generated requests leave through exporters with every option that shows on the wire.
// Guarantees: the same paths and headers, and the same requests, decoded.
test('clients', { timeout: 60_000 }, async t => {
  const recorded = new Map<string, Map<string, Got[]>>()
  const pair = await startPair(t, CONFIG, {
    before: async (name, address) => void recorded.set(name, await listen(t, address)),
  })
  if (pair === undefined) return
  const requests = [...golden().slice(0, 12), ...generated(2)]
  await pair.both(async side => {
    for (const { signal, bytes } of requests)
      assert.equal((await post(side.address('http'), signal, bytes)).status, 200, side.running.output())
  })
  await pair.stop()
  const comparison = new Comparison('clients')
  for (const [id] of exporters) {
    await t.test(id, () => {
      const [ours, theirs] = pair.sides.map(({ name }) => {
        const list = recorded.get(name)!.get(id)!
        assert.equal(list.length, requests.length, `${name} sent each request once`)
        const names = new Set(list.flatMap(({ headers }) => Object.keys(headers)))
        return {
          paths: list.map(({ path }) => path),
          says: list.map(({ says }) => says),
          ...Object.fromEntries(
            [...names].map(one => [`header ${one}`, list.map(({ headers }) => headers[one])]),
          ),
        }
      })
      comparison.same(id, ours!, theirs!)
    })
  }
  comparison.end()
})
