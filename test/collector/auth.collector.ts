/** `auth` on receivers and exporters: who gets in, what the others are told, and what exporters show. */

import assert from 'node:assert/strict'
import { createServer, type IncomingHttpHeaders } from 'node:http'
import { createSecureServer, type ServerHttp2Stream } from 'node:http2'
import { test } from 'node:test'
import { readStatus } from '../../core/otlp/response.ts'
import { makeCertificates } from '../kit/certificates.ts'
import { goldenRequests } from '../kit/golden.ts'
import { ATTEMPTS, basic, HTPASSWD } from '../kit/htpasswd.ts'
import { encodeRequest } from '../kit/proto.ts'
import { Comparison, type Seen } from './comparison.ts'
import { askGrpc, askHttp, framed, type HttpQuestion } from './exchange.ts'
import { protoFile, readProto, saying } from './outputs.ts'
import { type Side, startPair } from './pair.ts'

const inline = HTPASSWD.split('\n')
  .map(line => `        ${line}`)
  .join('\n')

const DOORS = `
extensions:
  basicauth:
    htpasswd:
      inline: |
${inline}
  bearertokenauth: {tokens: [one, "two words"]}
  bearertokenauth/own: {header: X-Api-Key, scheme: "", token: "first second"}
receivers:
  otlp/basic:
    protocols:
      grpc: {endpoint: "@grpc-basic@", auth: {authenticator: basicauth}}
      http:
        endpoint: "@http-basic@"
        include_metadata: true
        auth: {authenticator: basicauth, request_params: [Authorization]}
        cors: {allowed_origins: ["https://*.example"]}
  otlp/bearer:
    protocols:
      grpc: {endpoint: "@grpc-bearer@", auth: {authenticator: bearertokenauth}, include_metadata: true}
      http: {endpoint: "@http-bearer@", auth: {authenticator: bearertokenauth, request_params: [Authorization]}}
  otlp/own:
    protocols:
      grpc: {endpoint: "@grpc-own@", auth: {authenticator: bearertokenauth/own}}
      http: {endpoint: "@http-own@", auth: {authenticator: bearertokenauth/own, request_params: [x-api-key]}}
processors:
  attributes:
    actions:
      - {key: username, action: insert, from_context: auth.username}
      - {key: raw, action: insert, from_context: auth.raw}
      - {key: password, action: insert, from_context: auth.password}
      - {key: metadata, action: insert, from_context: metadata.authorization}
exporters: {file: ${protoFile('traces')}}
service:
  extensions: [basicauth, bearertokenauth, bearertokenauth/own]
  pipelines: {traces: {receivers: [otlp/basic, otlp/bearer, otlp/own], processors: [attributes], exporters: [file]}}
`

const PROTO = { 'content-type': 'application/x-protobuf' }

/** One span, named after the case, so that the file tells which were let in. */
function request(name: string): Uint8Array {
  return encodeRequest('traces', { resourceSpans: [{ scopeSpans: [{ spans: [{ name }] }] }] })
}

type Ask = (side: Side, name: string) => Promise<Seen>

function http(door: string, question: HttpQuestion): Ask {
  return async (side, name) => {
    const { status, headers, body } = await askHttp(side.address(door), {
      body: request(name),
      ...question,
      headers: { ...PROTO, ...question.headers },
    })
    const type = String(headers['content-type'] ?? '')
    const said = status === 200 || !/json|protobuf/.test(type) ? undefined : readStatus(body, type)
    return { status, type, code: said?.code, message: said?.message, challenge: headers['www-authenticate'] }
  }
}

function grpc(door: string, headers: Record<string, string>, message?: Uint8Array): Ask {
  return async (side, name) => {
    const bytes = message ?? framed(request(name))
    const { status, message: said } = await askGrpc(side.address(door), bytes, headers)
    return { status, message: status === 0 ? '' : said }
  }
}

/** Authorization headers that are odd. */
const ODD: Readonly<Record<string, string>> = {
  empty: '',
  'the scheme alone': 'Basic',
  'the scheme and a space': 'Basic ',
  'small letters': basic('plain', 'open sesame').replace('Basic', 'basic'),
  'two spaces': basic('plain', 'open sesame').replace('Basic ', 'Basic  '),
  'no padding': 'Basic cGxhaW46b3BlbiBzZXNhbWU'.replace(/=+$/, ''),
  'no colon inside': `Basic ${Buffer.from('plain').toString('base64')}`,
  'no base64': 'Basic ***',
  'another scheme': 'Bearer one',
  'a token in small letters': 'bearer one',
  'a token with a space behind': 'Bearer one ',
  'a token alone': 'one',
  'the second token': 'Bearer two words',
  'the first word of the second token': 'Bearer two',
}

const CASES = new Map<string, Ask>([
  ...ATTEMPTS.map(([name, password]): [string, Ask] => [
    `HTTP: ${name} with ${password}`,
    http('http-basic', { headers: { authorization: basic(name, password) } }),
  ]),
  ...ATTEMPTS.slice(0, 12).map(([name, password]): [string, Ask] => [
    `gRPC: ${name} with ${password}`,
    grpc('grpc-basic', { authorization: basic(name, password) }),
  ]),
  ...Object.entries(ODD).flatMap(([name, authorization]): [string, Ask][] =>
    ['basic', 'bearer'].flatMap((door): [string, Ask][] => [
      [`HTTP ${door}: ${name}`, http(`http-${door}`, { headers: { authorization } })],
      // HTTP/2 has no values with spaces at their ends (RFC 9113 8.2.1).
      ...(authorization.endsWith(' ')
        ? []
        : [[`gRPC ${door}: ${name}`, grpc(`grpc-${door}`, { authorization })] as [string, Ask]]),
    ]),
  ),
  ['HTTP: nothing', http('http-bearer', {})],
  ['HTTP: nothing, as json', http('http-bearer', { headers: { 'content-type': 'application/json' } })],
  ['HTTP: nothing, another path', http('http-bearer', { path: '/v1/other' })],
  ['HTTP: nothing, another method', http('http-bearer', { method: 'GET', body: '' })],
  ['HTTP: nothing, a broken body', http('http-bearer', { body: 'x' })],
  ['HTTP: nothing, an unknown encoding', http('http-bearer', { headers: { 'content-encoding': 'br' } })],
  ['HTTP: in the URL', http('http-bearer', { path: '/v1/traces?Authorization=Bearer%20one' })],
  ['HTTP: in the URL, small letters', http('http-bearer', { path: '/v1/traces?authorization=Bearer%20one' })],
  [
    'HTTP: in the URL, and wrong in the header',
    http('http-bearer', {
      path: '/v1/traces?Authorization=Bearer%20one',
      headers: { authorization: 'Bearer no' },
    }),
  ],
  [
    'HTTP: wrong in the URL, right in the header',
    http('http-bearer', {
      path: '/v1/traces?Authorization=Bearer%20no',
      headers: { authorization: 'Bearer one' },
    }),
  ],
  [
    'HTTP: a password in the URL',
    http('http-basic', {
      path: `/v1/traces?Authorization=${encodeURIComponent(basic('plain', 'open sesame'))}`,
    }),
  ],
  [
    'HTTP: a browser asks',
    http('http-basic', {
      method: 'OPTIONS',
      body: '',
      headers: { origin: 'https://a.example', 'access-control-request-method': 'POST' },
    }),
  ],
  ['HTTP: a browser sends', http('http-basic', { headers: { origin: 'https://a.example' } })],
  ['HTTP own: right', http('http-own', { headers: { 'x-api-key': 'first' } })],
  ['HTTP own: the whole text', http('http-own', { headers: { 'x-api-key': 'first second' } })],
  ['HTTP own: in Authorization', http('http-own', { headers: { authorization: 'first' } })],
  ['HTTP own: in the URL', http('http-own', { path: '/v1/traces?x-api-key=first' })],
  ['gRPC own: right', grpc('grpc-own', { 'x-api-key': 'first' })],
  ['gRPC own: nothing', grpc('grpc-own', {})],
  ['gRPC: nothing', grpc('grpc-bearer', {})],
  ['gRPC: nothing, a broken message', grpc('grpc-bearer', {}, framed(Buffer.of(0x0a, 0x7f)))],
])

// Scenario: right, wrong, odd and missing credentials of every kind come to doors of every kind.
// Guarantees: the same get in, the others are told the same, and the attributes of the sender are the same.
test('who gets in', { timeout: 120_000 }, async t => {
  const pair = await startPair(t, DOORS)
  if (pair === undefined) return
  const answers = await pair.both(async side => {
    const got = new Map<string, Seen>()
    for (const [name, ask] of CASES) got.set(name, await ask(side, name))
    return got
  })
  await pair.stop()
  const through = pair.sides.map(side => {
    const requests = saying('traces', readProto(side, 'traces'))
    return (name: string) => requests.filter(one => JSON.stringify(one).includes(JSON.stringify(name)))
  })
  const comparison = new Comparison('auth')
  for (const name of CASES.keys()) {
    await t.test(name, () => {
      const [ours, theirs] = answers.map((got, i) => ({ ...got.get(name)!, items: through[i]!(name) }))
      comparison.same(name, ours!, theirs!)
    })
  }
  await t.test('exporters', t => exporters(t, comparison))
  comparison.end()
})

const QUIET = 'sending_queue: {enabled: false}, retry_on_failure: {enabled: false}'
const AUTHENTICATORS: Readonly<Record<string, string>> = {
  'basicauth/both': '{client_auth: {username: ann, password: "pass:word"}}',
  'basicauth/name': '{client_auth: {username: ann}}',
  'basicauth/empty': '{client_auth: {}}',
  'basicauth/wide': '{client_auth: {username: änn, password: pässword}}',
  'bearertokenauth/one': '{token: secret}',
  'bearertokenauth/words': '{token: "secret and more"}',
  'bearertokenauth/several': '{tokens: ["a b", c]}',
  'bearertokenauth/own': '{header: X-Api-Key, scheme: "", token: secret}',
  'bearertokenauth/scheme': '{scheme: Token, token: secret}',
}

/** What exporters with each authenticator show to servers that take everything. */
async function exporters(t: Parameters<typeof startPair>[0], comparison: Comparison): Promise<void> {
  const certificates = makeCertificates()
  t.after(() => certificates.remove())
  const ids = Object.keys(AUTHENTICATORS)
  const lines = ids.flatMap(id => {
    const name = id.replace('/', '-')
    const more = `auth: {authenticator: ${id}}, ${QUIET}`
    return [
      `  otlp_http/${name}: {endpoint: "http://@http-server@/${name}", ${more}}`,
      `  otlp_http/${name}-beside: {endpoint: "http://@http-server@/${name}-beside", headers: {authorization: own, x-api-key: own}, ${more}}`,
      `  otlp_grpc/${name}: {endpoint: "@grpc-server@", tls: {ca_file: ${certificates.ca}}, headers: {case: ${name}}, ${more}}`,
    ]
  })
  const names = lines.map(line => line.trim().split(':')[0]!)
  const yaml = `
extensions:
${Object.entries(AUTHENTICATORS)
  .map(([id, config]) => `  ${id}: ${config}`)
  .join('\n')}
receivers: {otlp: {protocols: {http: {endpoint: "@http@"}}}}
exporters:
${lines.join('\n')}
service:
  extensions: [${ids.join(', ')}]
  pipelines: {traces: {receivers: [otlp], exporters: [${names.join(', ')}]}}
`
  const recorded = new Map<string, Map<string, unknown>>()
  const pair = await startPair(t, yaml, {
    before: async (name, address) => {
      const got = new Map<string, unknown>()
      recorded.set(name, got)
      const shown = (headers: IncomingHttpHeaders) => [headers.authorization, headers['x-api-key']]
      const http = createServer((incoming, response) => {
        got.set(`otlp_http/${incoming.url!.split('/')[1]}`, shown(incoming.headers))
        incoming.resume().on('end', () => response.writeHead(200, PROTO).end())
      })
      const grpc = createSecureServer({
        key: certificates.read(certificates.serverKey),
        cert: certificates.read(certificates.serverCert),
      })
      grpc.on('stream', (stream: ServerHttp2Stream, headers) => {
        got.set(`otlp_grpc/${String(headers['case'])}`, shown(headers))
        stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true })
        stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }))
        stream.resume().on('end', () => stream.end(framed(Buffer.alloc(0))))
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
    },
  })
  if (pair === undefined) return
  const { plain } = goldenRequests().find(({ signal }) => signal === 'traces')!
  await pair.both(async side => {
    const answer = await askHttp(side.address('http'), { headers: PROTO, body: plain })
    assert.equal(answer.status, 200, side.running.output())
  })
  await pair.stop()
  for (const id of names) {
    const [ours, theirs] = pair.sides.map(({ name }) => ({ shown: recorded.get(name)!.get(id) }))
    assert.notEqual(theirs!.shown, undefined, id)
    comparison.same(`exporter ${id}`, ours!, theirs!)
  }
}
