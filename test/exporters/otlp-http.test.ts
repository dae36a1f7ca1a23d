import assert from 'node:assert/strict'
import {
  createServer as createHttpServer,
  type RequestListener,
  type Server,
  type ServerResponse,
} from 'node:http'
import { createSecureServer } from 'node:http2'
import { createServer as createTlsServer } from 'node:https'
import { connect } from 'node:net'
import { after, test } from 'node:test'
import { gunzipSync, inflateSync, zstdDecompressSync } from 'node:zlib'
import { batchOf } from '../../core/component/batch.ts'
import { type Exporter, NO_CONTEXT } from '../../core/component/contract.ts'
import { Refused, Rejected } from '../../core/component/outcome.ts'
import { decompressLz4 } from '../../core/formats/lz4.ts'
import { decompressBlock, decompressFramed } from '../../core/formats/snappy.ts'
import { SIGNALS } from '../../core/otlp/signals.ts'
import { factory, type OtlpHttpConfig, signalUrl } from '../../exporters/otlp-http.ts'
import { makeCertificates } from '../kit/certificates.ts'
import { generate } from '../kit/generate.ts'
import { httpServer, listen, type Received } from '../kit/otlp-servers.ts'
import { testSettings } from '../kit/parts.ts'
import { decodeRequest } from '../kit/proto.ts'
import { readConfig, tryConfig } from '../kit/read-config.ts'

const LOGS = batchOf('logs', [generate('logs', 1, 3).bytes], 3)

function make(plain: Record<string, unknown>, settings = testSettings('exporter', 'otlp_http')): Exporter {
  return factory.create(readConfig(factory.config, plain) as OtlpHttpConfig, settings, SIGNALS)
}

async function withExporter(plain: Record<string, unknown>, run: (exporter: Exporter) => Promise<void>) {
  const exporter = make(plain)
  await exporter.start()
  try {
    await run(exporter)
  } finally {
    await exporter.stop(performance.now())
  }
}

function outcome(exporter: Exporter, batch = LOGS): Promise<unknown> {
  return exporter.send(batch, NO_CONTEXT).then(
    result => result,
    error => error,
  )
}

// Scenario: the server answers every status a client can meet.
// Guarantees: 2xx is sent, 429/502/503/504 are Refused, everything else is Rejected (OTLP/HTTP, "Retryable Response
// Codes"), and the message names the status.
test('every status has its outcome', async () => {
  let status = 200
  const server = await httpServer(response => response.writeHead(status).end())
  const retryable = new Set([429, 502, 503, 504])
  const all = [
    200, 202, 204, 301, 304, 307, 308, 400, 401, 403, 404, 405, 408, 409, 413, 415, 418, 422, 425, 429,
  ]
  all.push(431, 500, 501, 502, 503, 504, 505, 507, 511, 599)
  await withExporter({ endpoint: server.endpoint }, async exporter => {
    for (status of all) {
      const got = await outcome(exporter)
      if (status < 300) assert.deepEqual(got, { sent: 3 }, `${status}`)
      else {
        assert.ok(got instanceof (retryable.has(status) ? Refused : Rejected), `${status} gave ${got}`)
        assert.match((got as Error).message, new RegExp(`answered ${status}`))
      }
    }
  })
  await server.close()
})

// Scenario: a busy server asks for a wait in seconds, by a date, by a date gone by, and in words nobody understands.
// Guarantees: the wait reaches the sending chain in ms; what cannot be read leaves it to the chain's own backoff.
test('Retry-After is honoured in both forms', async () => {
  let wait = ''
  const server = await httpServer(response => response.writeHead(429, { 'retry-after': wait }).end())
  const soon = new Date(Date.now() + 3_600_000).toUTCString()
  await withExporter({ endpoint: server.endpoint }, async exporter => {
    const afterMs = async (value: string) => {
      wait = value
      const got = await outcome(exporter)
      assert.ok(got instanceof Refused)
      return got.afterMs
    }
    assert.equal(await afterMs('30'), 30_000)
    assert.equal(await afterMs('Sun, 06 Nov 1994 08:49:37 GMT'), 0)
    assert.equal(await afterMs('later, please'), undefined)
    const hour = await afterMs(soon)
    assert.ok(hour !== undefined && hour > 3_000_000 && hour <= 3_600_000, `${hour}`)
  })
  await server.close()
})

// Scenario: servers that take the request and then answer nonsense: a broken protobuf, broken JSON, a page of HTML, a
// body of 5 MiB, a body in drips.
// Guarantees: 2xx counts as sent each time, memory stays bounded, and the next request is not disturbed.
test('a garbled success is still a success', async () => {
  const bodies: [type: string, write: (response: ServerResponse) => void][] = [
    ['application/x-protobuf', response => response.end(Buffer.from([0x0a, 0xff, 0xff, 0x01]))],
    ['application/json', response => response.end('{"partialSuccess": [')],
    ['text/html', response => response.end('<html>ok</html>')],
    ['application/x-protobuf', response => response.end(Buffer.alloc(5 << 20, 0xff))],
    [
      'application/json',
      response => {
        response.write('{"partialSucc')
        setImmediate(() => response.end('ess":{"rejectedLogRecords":"2","errorMessage":"no"}}'))
      },
    ],
  ]
  let turn = 0
  const server = await httpServer(response => {
    const [type, write] = bodies[turn]!
    response.writeHead(200, { 'content-type': type })
    write(response)
  })
  await withExporter({ endpoint: server.endpoint }, async exporter => {
    for (turn = 0; turn < 4; turn++) assert.deepEqual(await outcome(exporter), { sent: 3 }, bodies[turn]![0])
    const dripped = (await outcome(exporter)) as { sent: number }
    assert.equal(dripped.sent, 1)
  })
  await server.close()
})

// Scenario: a server explains an error in protobuf, in JSON, in text over several lines, and with 1 MB of text.
// Guarantees: its words are in the error, on one line, and never more than some hundred characters of them.
test("the server's words are kept, within bounds", async () => {
  let type = ''
  let body: string | Buffer = ''
  const server = await httpServer(response => response.writeHead(400, { 'content-type': type }).end(body))
  await withExporter({ endpoint: server.endpoint }, async exporter => {
    const words = async () => String(((await outcome(exporter)) as Error).message)
    type = 'application/x-protobuf'
    body = Buffer.concat([Buffer.from([0x08, 3, 0x12, 5]), Buffer.from('wrong')])
    assert.match(await words(), /answered 400: wrong$/)
    type = 'application/json'
    body = '{"code":3,"message":"bad\\nid"}'
    assert.match(await words(), /answered 400: bad id$/)
    type = 'text/plain'
    body = 'no\n\tsuch tenant'
    assert.match(await words(), /answered 400: no such tenant$/)
    body = 'x'.repeat(1_000_000)
    assert.ok((await words()).length < 700)
  })
  await server.close()
})

// Scenario: one request with each compression and with none, in one chunk and in three.
// Guarantees: content-encoding names it, undoing it gives the request's bytes, and an uncompressed body has its length.
test('every compression is what it says', async () => {
  const undo: Record<string, (body: Buffer) => Uint8Array> = {
    none: body => body,
    gzip: gunzipSync,
    zlib: inflateSync,
    deflate: inflateSync,
    zstd: zstdDecompressSync,
    lz4: bytes => decompressLz4(bytes, 1 << 20),
    snappy: body => decompressBlock(body, 1 << 24),
    'x-snappy-framed': body => decompressFramed(body, 1 << 24),
  }
  const server = await httpServer()
  const small = generate('traces', 5, 3)
  const large = generate('traces', 6, 600)
  for (const [compression, plain] of Object.entries(undo)) {
    await withExporter({ endpoint: server.endpoint, compression }, async exporter => {
      for (const chunks of [
        [small.bytes],
        [small.bytes, small.bytes],
        [large.bytes, large.bytes, small.bytes],
      ]) {
        const batch = batchOf('traces', chunks, 9)
        assert.deepEqual(await exporter.send(batch, NO_CONTEXT), { sent: 9 })
        const { headers, body } = server.received.at(-1)!
        assert.equal(headers['content-encoding'], compression === 'none' ? undefined : compression)
        assert.equal(headers['content-length'], String(body.length))
        assert.deepEqual(decodeRequest('traces', plain(body)), decodeRequest('traces', Buffer.concat(chunks)))
      }
    })
  }
  await server.close()
})

// Scenario: encoding json, with headers of our own, one of which is also set by the exporter.
// Guarantees: the body is OTLP/JSON, content-type says so, and the config's headers win.
test('JSON and headers', async () => {
  const server = await httpServer()
  const headers = { 'X-Tenant': 'blue', 'User-Agent': 'mine', Authorization: 'Bearer t' }
  await withExporter({ endpoint: server.endpoint, encoding: 'json', headers }, async exporter => {
    assert.deepEqual(await outcome(exporter), { sent: 3 })
  })
  const request = server.received[0]!
  assert.equal(request.headers['content-type'], 'application/json')
  assert.equal(request.headers['x-tenant'], 'blue')
  assert.equal(request.headers['user-agent'], 'mine')
  assert.equal(request.headers['authorization'], 'Bearer t')
  const body = JSON.parse(gunzipSync(request.body).toString())
  assert.ok(Array.isArray(body.resourceLogs))
  await server.close()
})

// Scenario: endpoints with and without a path, a final slash, a query, and with URLs of single signals.
// Guarantees: the same URL as the Collector's composeSignalURL makes.
test('endpoints are joined as the Collector joins them', () => {
  const url = (plain: Record<string, unknown>, signal: (typeof SIGNALS)[number]) =>
    signalUrl(readConfig(factory.config, plain) as OtlpHttpConfig, signal)?.href
  assert.equal(url({ endpoint: 'http://a:1' }, 'traces'), 'http://a:1/v1/traces')
  assert.equal(url({ endpoint: 'http://a:1/' }, 'metrics'), 'http://a:1/v1/metrics')
  assert.equal(url({ endpoint: 'https://a/otlp/' }, 'logs'), 'https://a/otlp/v1/logs')
  assert.equal(url({ endpoint: 'https://a/otlp' }, 'profiles'), 'https://a/otlp/v1development/profiles')
  assert.equal(url({ endpoint: 'http://a', logs_endpoint: 'http://b/x?y=1' }, 'logs'), 'http://b/x?y=1')
  assert.equal(url({ logs_endpoint: 'http://b/x' }, 'logs'), 'http://b/x')
  assert.equal(url({ logs_endpoint: 'http://b/x' }, 'traces'), undefined)
})

// Scenario: configs with one mistake each.
// Guarantees: each is found before anything starts, with words that say what to write; secrets are not in them.
test('mistakes in the config are explained', () => {
  const rows: [plain: Record<string, unknown>, said: RegExp][] = [
    [{}, /has no endpoint; write endpoint: http:\/\/host:4318/],
    [{ endpoint: 'localhost:4318' }, /does not begin with http:\/\/.*write http:\/\/localhost:4318/],
    [{ endpoint: 'http://' }, /is not a URL/],
    [{ endpoint: 'http://a', traces_endpoint: 'a/v1/traces' }, /^test.yaml:1:1: traces_endpoint/],
    [{ endpoint: 'http://a:4318/v1/traces' }, /warning: endpoint: ends with the path of a signal/],
    [{ endpoint: 'http://a:4317' }, /warning: endpoint: 4317 is the port of OTLP\/gRPC/],
    [{ endpoint: 'http://a', compression: 'lz4', compression_params: { level: 3 } }, /lz4 has no levels/],
    [{ endpoint: 'http://a', compression: 'brotli' }, /"brotli" is not one of its values/],
    [{ endpoint: 'http://a', compression_params: { level: 12 } }, /gzip has no level 12/],
    [{ endpoint: 'http://a', encoding: 'yaml' }, /"yaml" is not one of its values/],
    [{ endpoint: 'http://a', auth: {} }, /auth::authenticator: is missing/],
    [{ endpoint: 'http://a', headers: { 'bad name': 'x' } }, /"bad name" is not a header name/],
    [{ endpoint: 'http://a', headers: { X: 'top\nsecret' } }, /the value of X has a line break/],
    [{ endpoint: 'http://a', tls: { cert_file: '/c.pem' } }, /a certificate without its key/],
    [{ endpoint: 'http://a', tls: { min_version: '1.3', max_version: '1.2' } }, /is lower than min_version/],
    [{ endpoint: 'http://a', tls: { cipher_suites: ['TLS_RSA_WITH_AES_128_CBC_SHA'] } }, /is insecure/],
    [{ endpoint: 'http://a', proxy_url: 'proxy:3128' }, /is not the address of a proxy/],
  ]
  for (const [plain, said] of rows) {
    const { problems } = tryConfig(factory.config, plain)
    assert.equal(problems.length, 1, JSON.stringify([plain, problems]))
    assert.match(problems[0]!, said)
    assert.doesNotMatch(problems[0]!, /secret/)
  }
  assert.deepEqual(
    tryConfig(factory.config, { endpoint: 'http://a', headers: [{ name: 'X', value: 'y' }] }).problems,
    [],
  )
})

// Scenario: an exporter that has an URL for logs only is asked about traces and logs; one whose URL is wrong.
// Guarantees: it does not fit the one and says which key is missing, and fits the other.
test('a signal without an endpoint does not fit', () => {
  const { value } = tryConfig(factory.config, { logs_endpoint: 'http://a/logs' })
  assert.equal(factory.misfit!(value, 'traces'), 'it has neither endpoint nor traces_endpoint')
  assert.equal(factory.misfit!(value, 'logs'), undefined)
  const wrong = tryConfig(factory.config, { endpoint: '://x' })
  assert.equal(factory.misfit!(wrong.value, 'logs'), undefined)
})

// Scenario: more requests at once than max_conns_per_host allows; then one connection for each request.
// Guarantees: never more connections than allowed, and every request is answered; without keep-alive none is reused.
test('connections are limited and kept as the config says', async () => {
  const sockets = new Set<unknown>()
  let open = 0
  let most = 0
  const { port, close } = await listen((request, response) => {
    sockets.add(request.socket)
    most = Math.max(most, ++open)
    request.resume().on('end', () => {
      open--
      response.end()
    })
  })
  const endpoint = `http://127.0.0.1:${port}`
  await withExporter({ endpoint, max_conns_per_host: 2 }, async exporter => {
    const all = await Promise.all(Array.from({ length: 8 }, () => outcome(exporter)))
    assert.deepEqual(all, Array(8).fill({ sent: 3 }))
    assert.ok(most <= 2 && sockets.size <= 2, `${most} at once over ${sockets.size} connections`)
  })
  sockets.clear()
  await withExporter({ endpoint, disable_keep_alives: true }, async exporter => {
    for (let i = 0; i < 3; i++) assert.deepEqual(await outcome(exporter), { sent: 3 })
    assert.equal(sockets.size, 3)
  })
  await close()
})

const certificates = makeCertificates()
after(() => certificates.remove())
const { ca, serverCert, serverKey, clientCert, clientKey, read } = certificates

/** A server with TLS that answers 200 and tells what it saw of the client. */
function secureServer(make: (listener: RequestListener) => Server) {
  const seen: { protocol: string; client: string }[] = []
  const listener: RequestListener = (request, response) => {
    const socket = request.socket as unknown as { getPeerCertificate?: () => { subject?: { CN?: string } } }
    seen.push({ protocol: request.httpVersion, client: socket.getPeerCertificate?.().subject?.CN ?? '' })
    request.resume().on('end', () => response.end())
  }
  return listen(listener, make).then(server => ({ ...server, seen }))
}

// Scenario: a server whose certificate a private authority signed: unknown to the client, then known by file, by text,
// under another name, and not checked at all; the last time the server asks for a client certificate.
// Guarantees: without the authority or under a wrong name nothing is sent and it is Refused with the reason; else sent.
test('TLS', async () => {
  const options = { cert: read(serverCert), key: read(serverKey), ca: read(ca), requestCert: true }
  const server = await secureServer(
    listener => createTlsServer({ ...options, rejectUnauthorized: false }, listener) as unknown as Server,
  )
  const endpoint = `https://127.0.0.1:${server.port}`
  const tls = async (keys: Record<string, unknown>) => {
    let got: unknown
    await withExporter({ endpoint, tls: keys }, async exporter => {
      got = await outcome(exporter)
    })
    return got
  }
  const unknown = await tls({})
  assert.ok(unknown instanceof Refused)
  assert.match(unknown.message, /certificate/)
  assert.equal(server.seen.length, 0)
  const sent = { sent: 3 }
  assert.deepEqual(await tls({ ca_file: ca }), sent)
  assert.deepEqual(await tls({ ca_pem: read(ca), min_version: '1.3' }), sent)
  assert.deepEqual(await tls({ ca_file: ca, server_name_override: 'host.test' }), sent)
  assert.deepEqual(
    await tls({
      ca_file: ca,
      max_version: '1.2',
      cipher_suites: ['TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384'],
      curve_preferences: ['P384', 'P256'],
    }),
    sent,
  )
  const misnamed = await tls({ ca_file: ca, server_name_override: 'other.test' })
  assert.ok(misnamed instanceof Refused)
  assert.match(misnamed.message, /other\.test/)
  assert.deepEqual(await tls({ insecure_skip_verify: true }), sent)
  assert.deepEqual(await tls({ ca_file: ca, cert_file: clientCert, key_file: clientKey }), sent)
  assert.equal(server.seen.at(-1)?.client, 'test client')
  await server.close()
})

// Scenario: an authority file that is not there, and one that holds no certificate.
// Guarantees: start fails and names the key.
test('TLS files are read at start', async () => {
  await assert.rejects(
    make({ endpoint: 'https://a', tls: { ca_file: '/no/such.pem' } }).start(),
    /ca_file "\/no\/such/,
  )
  await assert.rejects(
    make({ endpoint: 'https://a', tls: { ca_file: serverKey } }).start(),
    /tls: ca_file ".*server.key" has no certificate that can be read/,
  )
  await assert.rejects(
    make({ endpoint: 'https://a', tls: { cert_file: serverKey, key_file: serverKey } }).start(),
    /tls: certificate, key or authority/,
  )
})

// Scenario: a server that speaks HTTP/2 only.
// Guarantees: it is spoken to in HTTP/2.
test('HTTP/2 over TLS', async () => {
  const options = { cert: read(serverCert), key: read(serverKey) }
  const server = await secureServer(
    listener => createSecureServer(options, listener as never) as unknown as Server,
  )
  await withExporter(
    { endpoint: `https://127.0.0.1:${server.port}`, tls: { ca_file: ca } },
    async exporter => {
      assert.deepEqual(await outcome(exporter), { sent: 3 })
      const chunked = batchOf('logs', [LOGS.chunks[0]!, LOGS.chunks[0]!], 6)
      assert.deepEqual(await outcome(exporter, chunked), { sent: 6 })
    },
  )
  assert.deepEqual(server.seen[0]?.protocol, '2.0')
  await server.close()
})

// Scenario: proxy_url names a proxy; the endpoint is plain, then TLS.
// Guarantees: plain requests go to the proxy with the whole URL, TLS ones through a CONNECT tunnel; both arrive.
test('proxy_url', async () => {
  const asked: string[] = []
  const target = await httpServer()
  const secure = await secureServer(
    listener =>
      createTlsServer({ cert: read(serverCert), key: read(serverKey) }, listener) as unknown as Server,
  )
  const proxy = await listen(
    (request, response) => {
      asked.push(`${request.method} ${request.url}`)
      request.resume().on('end', () => response.end())
    },
    listener => {
      const server = createHttpServer(listener)
      server.on('connect', (request, socket) => {
        asked.push(`CONNECT ${request.url}`)
        const onward = connect(secure.port, '127.0.0.1', () => {
          socket.write('HTTP/1.1 200 OK\r\n\r\n')
          onward.pipe(socket).pipe(onward)
        })
        socket.on('error', () => onward.destroy())
        onward.on('error', () => socket.destroy())
      })
      return server
    },
  )
  const proxy_url = `http://127.0.0.1:${proxy.port}`
  await withExporter({ endpoint: target.endpoint, proxy_url }, async exporter => {
    assert.deepEqual(await outcome(exporter), { sent: 3 })
  })
  assert.deepEqual(asked, [`POST ${target.endpoint}/v1/logs`])
  const endpoint = `https://127.0.0.1:${secure.port}`
  await withExporter({ endpoint, proxy_url, tls: { ca_file: ca } }, async exporter => {
    assert.deepEqual(await outcome(exporter), { sent: 3 })
  })
  assert.deepEqual(asked[1], `CONNECT 127.0.0.1:${secure.port}`)
  assert.equal(secure.seen.length, 1)
  await Promise.all([target.close(), secure.close(), proxy.close()])
})

// Scenario: user and password stand in the endpoint, and the server refuses.
// Guarantees: they are sent as Basic authorization and never appear in an error.
test('user and password in the endpoint', async () => {
  let seen: Received | undefined
  const server = await httpServer((response, request) => {
    seen = request
    response.writeHead(403).end()
  })
  await withExporter({ endpoint: server.endpoint.replace('//', '//anna:s3cret@') }, async exporter => {
    const got = (await outcome(exporter)) as Error
    assert.ok(got instanceof Rejected)
    assert.doesNotMatch(got.message, /s3cret|anna/)
  })
  assert.equal(seen?.headers['authorization'], `Basic ${Buffer.from('anna:s3cret').toString('base64')}`)
  await server.close()
})
