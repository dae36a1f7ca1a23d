/**
 * What exporters make of a server's failures: whether a request is sent again, how soon at the earliest, and what the
 * sender is told. Queues are off but in the last test, so that the answer at the door is the exporter's.
 */

import assert from 'node:assert/strict'
import { createServer, type ServerResponse } from 'node:http'
import { createServer as createHttp2Server, type ServerHttp2Stream } from 'node:http2'
import { type TestContext, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { encodeResponse, encodeStatus, STATUS_CODES } from '../../core/otlp/response.ts'
import { generate } from '../kit/generate.ts'
import { Comparison } from './comparison.ts'
import { framed, post } from './exchange.ts'
import { startPair } from './pair.ts'

/** What a server does with the first attempt; it takes the second. */
type HttpFailure = (response: ServerResponse) => void
type GrpcFailure = (stream: ServerHttp2Stream) => void

const TYPE = { 'content-type': 'application/x-protobuf' }
const REJECTED = Buffer.from(encodeResponse('traces', { rejected: 2, message: 'too old' }, 'protobuf'))
const SOON_MS = 1_000

function status(code: number, headers: Record<string, string> = {}): HttpFailure {
  const body = Buffer.from(encodeStatus({ code: 2, message: 'says why' }, 'protobuf'))
  return response => response.writeHead(code, { ...TYPE, ...headers }).end(body)
}

const HTTP: Readonly<Record<string, HttpFailure>> = {
  'http-200-html': response => response.writeHead(200, { 'content-type': 'text/html' }).end('<html>'),
  'http-200-garbled': response => response.writeHead(200, TYPE).end(Buffer.from([0x0a, 0xff, 1])),
  'http-204': response => response.writeHead(204).end(),
  'http-partial': response => response.writeHead(200, TYPE).end(REJECTED),
  'http-304': status(304),
  'http-307': status(307, { location: '/elsewhere' }),
  'http-308': status(308, { location: '/elsewhere' }),
  'http-reset': response => response.destroy(),
  'http-429-after': status(429, { 'retry-after': '1' }),
  'http-503-after': status(503, { 'retry-after': '1' }),
  'http-503-zero': status(503, { 'retry-after': '0' }),
  'http-503-words': status(503, { 'retry-after': 'soon' }),
  'http-502-after': status(502, { 'retry-after': '1' }),
  'http-400-after': status(400, { 'retry-after': '1' }),
  ...Object.fromEntries(
    [400, 401, 403, 404, 405, 408, 409, 413, 415, 422, 429, 431, 500, 501, 502, 503, 504, 505].map(code => [
      `http-${code}`,
      status(code),
    ]),
  ),
}

function code(name: keyof typeof STATUS_CODES, retryDelayMs?: number): GrpcFailure {
  const one = {
    code: STATUS_CODES[name],
    message: 'says why',
    ...(retryDelayMs === undefined ? {} : { retryDelayMs }),
  }
  const details = Buffer.from(encodeStatus(one, 'protobuf')).toString('base64')
  return stream =>
    stream.respond(
      {
        ':status': 200,
        'content-type': 'application/grpc',
        'grpc-status': String(one.code),
        'grpc-message': one.message,
        ...(retryDelayMs === undefined ? {} : { 'grpc-status-details-bin': details }),
      },
      { endStream: true },
    )
}

function take(stream: ServerHttp2Stream, message: Buffer = Buffer.alloc(0)): void {
  stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true })
  stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }))
  stream.end(framed(message))
}

const GRPC: Readonly<Record<string, GrpcFailure>> = {
  'grpc-partial': stream => take(stream, REJECTED),
  'grpc-unavailable-after': code('UNAVAILABLE', SOON_MS),
  'grpc-resource-exhausted-after': code('RESOURCE_EXHAUSTED', SOON_MS),
  'grpc-resource-exhausted-zero': code('RESOURCE_EXHAUSTED', 0),
  'grpc-internal-after': code('INTERNAL', SOON_MS),
  'grpc-refused-stream': stream => stream.close(7),
  'grpc-reset': stream => stream.close(2),
  'grpc-goaway': stream => {
    stream.session!.goaway(0)
    take(stream)
  },
  'grpc-http-503': stream =>
    stream.respond({ ':status': 503, 'content-type': 'text/html' }, { endStream: true }),
  'grpc-http-404': stream =>
    stream.respond({ ':status': 404, 'content-type': 'text/html' }, { endStream: true }),
  ...Object.fromEntries(
    Object.keys(STATUS_CODES)
      .filter(name => name !== 'OK')
      .map(name => [
        `grpc-${name.toLowerCase().replaceAll('_', '-')}`,
        code(name as keyof typeof STATUS_CODES),
      ]),
  ),
}

const NAMES = [...Object.keys(HTTP), ...Object.keys(GRPC)]
const RETRY = 'retry_on_failure: {initial_interval: 20ms, max_interval: 50ms, max_elapsed_time: 5s}'

function exporter(name: string, queue: string): string {
  const target =
    name in HTTP
      ? `otlp_http/${name}: {endpoint: "http://@http-server@/${name}", compression: none`
      : `otlp_grpc/${name}: {endpoint: "@grpc-server@", tls: {insecure: true}, compression: none, headers: {case: ${name}}`
  return `${target}, timeout: 10s, ${RETRY}, sending_queue: ${queue}}`
}

function exporters(names: readonly string[], queue: string): string {
  return `exporters:\n${names.map(name => `  ${exporter(name, queue)}`).join('\n')}`
}

function idOf(name: string): string {
  return exporter(name, '').split(':')[0]!
}

/** A door and a pipeline for each, so that the answer at the door is that of one exporter. */
function apart(names: readonly string[]): string {
  return `
receivers:
${names.map(name => `  otlp/${name}: {protocols: {http: {endpoint: "@${name}@"}}}`).join('\n')}
${exporters(names, '{enabled: false}')}
service:
  pipelines:
${names.map(name => `    traces/${name}: {receivers: [otlp/${name}], exporters: [${idOf(name)}]}`).join('\n')}
`
}

/** One door for all, and queues. */
function together(): string {
  return `
receivers: {otlp: {protocols: {http: {endpoint: "@http@"}}}}
${exporters(NAMES, '{enabled: true}')}
service:
  pipelines:
    traces: {receivers: [otlp], exporters: [${NAMES.map(idOf).join(', ')}]}
`
}

/** When attempts came, by case, in ms. */
type Attempts = Map<string, number[]>

async function listen(t: TestContext, address: (word: string) => string | undefined): Promise<Attempts> {
  const attempts: Attempts = new Map(NAMES.map(name => [name, []]))
  const isFirst = (name: string): boolean => attempts.get(name)!.push(performance.now()) === 1
  const http = createServer((request, response) => {
    request.resume().on('end', () => {
      const name = request.url!.split('/')[1]!
      if (name === 'elsewhere') response.writeHead(200, TYPE).end()
      else if (isFirst(name)) HTTP[name]!(response)
      else response.writeHead(200, TYPE).end()
    })
  })
  const grpc = createHttp2Server()
  grpc.on('stream', (stream: ServerHttp2Stream, headers) => {
    stream.on('error', () => {})
    stream.resume().on('end', () => {
      const name = String(headers['case'])
      if (isFirst(name)) GRPC[name]!(stream)
      else take(stream)
    })
  })
  const sessions = new Set<{ destroy(): void }>()
  grpc.on('session', session => sessions.add(session))
  for (const [server, word] of [
    [http, 'http-server'],
    [grpc, 'grpc-server'],
  ] as const) {
    // A group may have cases of one protocol only.
    const [host, port] = address(word)?.split(':') ?? []
    if (port === undefined) continue
    await new Promise<void>(resolve => void server.listen(Number(port), host, resolve))
    t.after(() => server.close())
  }
  t.after(() => {
    http.closeAllConnections()
    for (const session of sessions) session.destroy()
  })
  return attempts
}

/** How often it was tried, and whether the server was given the time that it asked for. */
function seen(times: readonly number[]): { attempts: number; waited: boolean } {
  return { attempts: times.length, waited: times.length > 1 && times[1]! - times[0]! >= SOON_MS - 50 }
}

/** Cases at a time: each has a port on each side. */
const GROUP = 12

// Scenario: a server fails once in every way there is and would take a second attempt; the sender waits.
// Guarantees: the same number of attempts, the server's wait is kept alike, and the sender gets the same status.
test('retries', { timeout: 240_000 }, async t => {
  const comparison = new Comparison('retries')
  for (let at = 0; at < NAMES.length; at += GROUP) {
    const names = NAMES.slice(at, at + GROUP)
    const attempts = new Map<string, Attempts>()
    const pair = await startPair(t, apart(names), {
      before: async (name, address) => void attempts.set(name, await listen(t, address)),
    })
    if (pair === undefined) return
    const { bytes } = generate('traces', 1, 5)
    const answers = await pair.both(side =>
      Promise.all(names.map(async name => (await post(side.address(name), 'traces', bytes)).status)),
    )
    await pair.stop()
    for (const [i, name] of names.entries()) {
      await t.test(name, () => {
        const [ours, theirs] = pair.sides.map((side, which) => ({
          ...seen(attempts.get(side.name)!.get(name)!),
          answer: answers[which]![i],
        }))
        comparison.same(name, ours!, theirs!)
      })
    }
  }
  comparison.end()
})

// Scenario: the same through queues: the sender is answered at once.
// Guarantees: what was tried again for a sender that waits is tried again here, and nothing else.
test('retries of what is queued', { timeout: 120_000 }, async t => {
  const attempts = new Map<string, Attempts>()
  const pair = await startPair(t, together(), {
    before: async (name, address) => void attempts.set(name, await listen(t, address)),
  })
  if (pair === undefined) return
  const { bytes } = generate('traces', 1, 5)
  await pair.both(async side => {
    assert.equal((await post(side.address('http'), 'traces', bytes)).status, 200)
    const theirs = attempts.get(side.name)!
    for (const deadline = Date.now() + 30_000; Date.now() < deadline; await sleep(50)) {
      if (
        RETRIED.every(name => theirs.get(name)!.length > 1) &&
        NAMES.every(name => theirs.get(name)!.length > 0)
      )
        return
    }
  })
  await pair.stop()
  for (const side of pair.sides) {
    const twice = NAMES.filter(name => attempts.get(side.name)!.get(name)!.length > 1)
    // The one difference has its place in the list: see the case above.
    const expected = NAMES.filter(
      name => RETRIED.includes(name) || (name === GARBLED && side.name === 'Collector'),
    )
    assert.deepEqual(twice, expected, side.name)
  }
})

const GARBLED = 'http-200-garbled'

/** Those that come a second time. */
const RETRIED: readonly string[] = [
  'http-reset',
  'http-429-after',
  'http-503-after',
  'http-503-zero',
  'http-503-words',
  'http-502-after',
  'http-429',
  'http-502',
  'http-503',
  'http-504',
  'grpc-unavailable-after',
  'grpc-resource-exhausted-after',
  'grpc-resource-exhausted-zero',
  'grpc-refused-stream',
  'grpc-http-503',
  'grpc-cancelled',
  'grpc-deadline-exceeded',
  'grpc-aborted',
  'grpc-out-of-range',
  'grpc-unavailable',
  'grpc-data-loss',
]
