import assert from 'node:assert/strict'
import { once } from 'node:events'
import { rmSync } from 'node:fs'
import { createServer as createHttp2Server, type ServerHttp2Stream } from 'node:http2'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, afterEach, test } from 'node:test'
import { gunzipSync, zstdDecompressSync } from 'node:zlib'
import { ServerCredentials } from '@grpc/grpc-js'
import { batchOf } from '../../core/component/batch.ts'
import { type Exporter, NO_CONTEXT } from '../../core/component/contract.ts'
import { Refused, Rejected, type StatusName } from '../../core/component/outcome.ts'
import { decompressFramed } from '../../core/formats/snappy.ts'
import { STATUS_CODES } from '../../core/otlp/response.ts'
import { SIGNALS } from '../../core/otlp/signals.ts'
import { factory, type OtlpGrpcConfig } from '../../exporters/otlp-grpc.ts'
import { makeCertificates } from '../kit/certificates.ts'
import { generate } from '../kit/generate.ts'
import { Failure, type GrpcFailure, grpcServer, type TestServer } from '../kit/otlp-servers.ts'
import { testSettings } from '../kit/parts.ts'
import { readConfig, tryConfig } from '../kit/read-config.ts'

const LOGS = batchOf('logs', [generate('logs', 1, 3).bytes], 3)
const PLAIN = { insecure: true }

function make(plain: Record<string, unknown>): Exporter {
  const settings = testSettings('exporter', 'otlp_grpc')
  return factory.create(readConfig(factory.config, plain) as OtlpGrpcConfig, settings, SIGNALS)
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

function outcome(exporter: Exporter, batch = LOGS, context = NO_CONTEXT): Promise<unknown> {
  return exporter.send(batch, context).then(
    result => result,
    error => error,
  )
}

// Scenario: the server fails with every code there is, without and with RetryInfo.
// Guarantees: OTLP/gRPC's table: the six transient codes are Refused, RESOURCE_EXHAUSTED only with RetryInfo (even one
// that asks for no wait), all others Rejected; the delay, the code and the server's words come through.
test('every code has its outcome', async () => {
  const transient = new Set([
    'CANCELLED',
    'DEADLINE_EXCEEDED',
    'ABORTED',
    'OUT_OF_RANGE',
    'UNAVAILABLE',
    'DATA_LOSS',
  ])
  let failure: GrpcFailure
  const server = await serve({
    handler: () => {
      throw new Failure(failure)
    },
  })
  await withExporter({ endpoint: server.endpoint, tls: PLAIN }, async exporter => {
    for (const name of Object.keys(STATUS_CODES)) {
      if (name === 'OK') continue
      const code = name as StatusName
      for (const retryDelayMs of [undefined, 0, 1500]) {
        failure = { code, message: 'says why', ...(retryDelayMs === undefined ? {} : { retryDelayMs }) }
        const got = await outcome(exporter)
        const again = transient.has(code) || (code === 'RESOURCE_EXHAUSTED' && retryDelayMs !== undefined)
        assert.ok(got instanceof (again ? Refused : Rejected), `${code} ${retryDelayMs} gave ${got}`)
        assert.equal(got.status, code)
        assert.match(got.message, /says why/)
        if (got instanceof Refused) assert.equal(got.afterMs, retryDelayMs)
      }
    }
  })
})

interface Frame {
  readonly headers: Readonly<Record<string, unknown>>
  readonly frame: Buffer
}

const open: (() => unknown)[] = []
afterEach(async () => {
  for (const close of open.splice(0)) await close()
})

async function serve(options: Parameters<typeof grpcServer>[0]): Promise<TestServer> {
  const server = await grpcServer(options)
  open.push(server.close)
  return server
}

/** A server that shows what is on the wire and answers with any bytes. */
async function rawServer(answer: (stream: ServerHttp2Stream, seen: Frame) => void) {
  const server = createHttp2Server()
  server.on('stream', async (stream: ServerHttp2Stream, headers) => {
    const parts: Buffer[] = []
    for await (const part of stream) parts.push(part as Buffer)
    stream.on('error', () => {})
    answer(stream, { headers, frame: Buffer.concat(parts) })
  })
  const sessions = new Set<{ destroy(): void }>()
  server.on('session', session => sessions.add(session))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  open.push(() => {
    for (const session of sessions) session.destroy()
    server.close()
  })
  return { endpoint: `127.0.0.1:${(server.address() as AddressInfo).port}` }
}

function answerFrame(stream: ServerHttp2Stream, frame: Buffer): void {
  stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true })
  stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }))
  stream.end(frame)
}

// Scenario: requests go out with every compression, with headers of our own and a deadline, in one chunk and in three.
// Guarantees: on the wire stand the method, the compression and its flag, the headers and the timeout; what is inside
// is the request.
test('what is on the wire', async () => {
  const seen: Frame[] = []
  const server = await rawServer((stream, one) => {
    seen.push(one)
    answerFrame(stream, Buffer.alloc(5))
  })
  const unpack: Readonly<Record<string, (bytes: Buffer) => Uint8Array>> = {
    none: bytes => bytes,
    gzip: bytes => gunzipSync(bytes),
    zstd: bytes => zstdDecompressSync(bytes),
    snappy: bytes => decompressFramed(bytes, 1 << 20),
  }
  const rows = Object.keys(unpack).map(compression => ({ compression, client: 'http2' }))
  rows.push({ compression: 'gzip', client: 'grpc-js' }, { compression: 'none', client: 'grpc-js' })
  for (const row of rows) {
    const plain = {
      endpoint: `dns:///${server.endpoint}`,
      tls: PLAIN,
      headers: { 'X-Tenant': 'blue', 'x-bytes-bin': 'a b' },
      user_agent: 'mine/1',
      authority: 'shop.example',
      ...row,
    }
    const batches = [LOGS, batchOf('logs', [LOGS.chunks[0]!, LOGS.chunks[0]!, LOGS.chunks[0]!], 9)]
    await withExporter(plain, async exporter => {
      for (const batch of batches) {
        const context = { deadline: performance.now() + 20_000 }
        assert.deepEqual(await outcome(exporter, batch, context), { sent: batch.items })
        const { headers, frame } = seen.at(-1)!
        assert.equal(headers[':path'], '/opentelemetry.proto.collector.logs.v1.LogsService/Export')
        assert.equal(headers[':authority'], 'shop.example')
        assert.equal(headers['content-type'], 'application/grpc')
        assert.equal(headers['te'], 'trailers')
        assert.equal(headers['grpc-encoding'], row.compression === 'none' ? undefined : row.compression)
        assert.equal(headers['x-tenant'], 'blue')
        assert.equal(String(headers['x-bytes-bin']).replace(/=+$/, ''), 'YSBi')
        assert.match(String(headers['user-agent']), /^mine\/1 grpc-node/)
        assert.match(String(headers['grpc-timeout']), /^(?:19|20)\d+m$/)
        assert.equal(frame[0], row.compression === 'none' ? 0 : 1)
        assert.equal(frame.readUInt32BE(1), frame.length - 5)
        const message = unpack[row.compression]!(frame.subarray(5))
        assert.deepEqual(Buffer.from(message), Buffer.concat(batch.chunks))
      }
    })
  }
})

// Scenario: an answer that is no protobuf, one larger than 4 MiB, a page of HTML from something that is no gRPC server,
// and a stream that is reset.
// Guarantees: a success that cannot be read is a success; the others are an outcome, never a crash.
test('garbled answers', async () => {
  const answers: ((stream: ServerHttp2Stream) => void)[] = [
    stream => answerFrame(stream, Buffer.from([0, 0, 0, 0, 3, 0x0a, 0xff, 0x01])),
    stream => {
      const frame = Buffer.alloc(5 + (5 << 20))
      frame.writeUInt32BE(5 << 20, 1)
      answerFrame(stream, frame)
    },
    stream => {
      stream.respond({ ':status': 502, 'content-type': 'text/html' })
      stream.end('<html>bad gateway</html>')
    },
    stream => stream.close(2),
  ]
  let turn = 0
  const server = await rawServer(stream => answers[turn]!(stream))
  await withExporter({ endpoint: server.endpoint, tls: PLAIN }, async exporter => {
    assert.deepEqual(await outcome(exporter), { sent: 3 })
    turn = 1
    const large = await outcome(exporter)
    assert.ok(large instanceof Rejected)
    assert.equal(large.status, 'RESOURCE_EXHAUSTED')
    turn = 2
    assert.ok((await outcome(exporter)) instanceof Refused)
    turn = 3
    const reset = await outcome(exporter)
    assert.ok(reset instanceof Rejected || reset instanceof Refused)
  })
})

// Scenario: wait_for_ready is set and the server starts only after the request was made.
// Guarantees: the request waits and then arrives, instead of failing.
test('wait_for_ready', async () => {
  const path = join(tmpdir(), `sluice-${process.pid}-late.sock`)
  const endpoint = `unix://${path}`
  await withExporter({ endpoint, tls: PLAIN, wait_for_ready: true }, async exporter => {
    const sent = outcome(exporter)
    await serve({ address: `unix:${path}` })
    assert.deepEqual(await sent, { sent: 3 })
  })
  rmSync(path, { force: true })
})

// Scenario: the server listens on a Unix socket; the endpoint is written in both forms.
// Guarantees: the request arrives.
test('a Unix socket', async () => {
  const path = join(tmpdir(), `sluice-${process.pid}.sock`)
  await serve({ address: `unix:${path}` })
  for (const endpoint of [`unix:${path}`, `unix://${path}`]) {
    await withExporter({ endpoint, tls: PLAIN }, async exporter => {
      assert.deepEqual(await outcome(exporter), { sent: 3 })
    })
  }
  rmSync(path, { force: true })
})

const certificates = makeCertificates()
after(() => certificates.remove())
const { ca, serverCert, serverKey, clientCert, clientKey, read } = certificates

// Scenario: a server with a certificate of a private authority that asks for one in return.
// Guarantees: with the authority and a client certificate the request arrives, also under an overridden name; with an
// unknown authority, a wrong name or no TLS at all it is Refused and says why.
test('TLS', async () => {
  const credentials = ServerCredentials.createSsl(
    Buffer.from(read(ca)),
    [{ cert_chain: Buffer.from(read(serverCert)), private_key: Buffer.from(read(serverKey)) }],
    true,
  )
  const server = await serve({ credentials })
  const own = { cert_file: clientCert, key_file: clientKey }
  const rows: [tls: Record<string, unknown>, good: boolean][] = [
    [{ ca_file: ca, ...own }, true],
    [{ ca_file: ca, server_name_override: 'host.test', ...own }, true],
    [{ insecure_skip_verify: true, ...own }, true],
    // The Collector: naming an authority asks for TLS, whatever insecure says.
    [{ insecure: true, ca_file: ca, ...own }, true],
    [own, false],
    [{ ca_file: ca, server_name_override: 'other.test', ...own }, false],
    [PLAIN, false],
  ]
  for (const [tls, good] of rows) {
    await withExporter({ endpoint: server.endpoint, tls }, async exporter => {
      const got = await outcome(exporter)
      if (good) assert.deepEqual(got, { sent: 3 }, JSON.stringify(tls))
      else assert.ok(got instanceof Refused, `${JSON.stringify(tls)} gave ${got}`)
    })
  }
})

// Scenario: endpoints in every form, good and bad, and keys that are not there yet.
// Guarantees: what the Collector takes is taken; each mistake says what to write.
test('mistakes in the config are explained', () => {
  const good = ['a:4317', '[::1]:4317', 'https://a:4317', 'dns:///a:1', 'dns://8.8.8.8/a:1', 'dns://a:1']
  good.push('passthrough:///a:1', 'unix:///tmp/x.sock')
  for (const endpoint of good) {
    assert.deepEqual(tryConfig(factory.config, { endpoint, tls: PLAIN }).problems, [], endpoint)
  }
  const rows: [plain: Record<string, unknown>, said: RegExp][] = [
    [{}, /endpoint: is missing/],
    [{ endpoint: 'a' }, /"a" has no port; .*4317/],
    [{ endpoint: 'http://a:4317/v1/traces', tls: PLAIN }, /has a path, which gRPC has not/],
    [{ endpoint: 'a:http' }, /has no port/],
    [{ endpoint: 'unix://' }, /names no socket/],
    [{ endpoint: 'xds:///a:1' }, /the scheme xds:\/\/ is not known/],
    [
      { endpoint: 'http://a:4317' },
      /warning: endpoint: begins with http:\/\/ but TLS is used.*insecure: true/,
    ],
    [{ endpoint: 'a:4318' }, /warning: endpoint: 4318 is the port of OTLP\/HTTP/],
    [{ endpoint: 'a:1', compression: 'zstd', client: 'grpc-js' }, /grpc-js has no zstd; write gzip or none/],
    [{ endpoint: 'a:1', compression: 'snappy', compression_params: { level: 2 } }, /snappy has no levels/],
    [{ endpoint: 'a:1', compression: 'lz4' }, /"lz4" is not one of its values/],
    [{ endpoint: 'a:1', balancer_name: 'grpclb' }, /"grpclb" is not one of its values/],
    [{ endpoint: 'a:1', auth: {} }, /auth::authenticator: is missing/],
  ]
  for (const [plain, said] of rows) {
    const { problems } = tryConfig(factory.config, plain)
    assert.equal(problems.length, 1, JSON.stringify([plain, problems]))
    assert.match(problems[0]!, said)
  }
})
