/** Certificates of both OTLP exporters that change while they send. */

import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { copyFileSync, rmSync, writeFileSync } from 'node:fs'
import { createSecureServer, type ServerHttp2Session } from 'node:http2'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { after, type TestContext, test } from 'node:test'
import type { TLSSocket } from 'node:tls'
import { batchOf } from '../../core/component/batch.ts'
import { type Exporter, NO_CONTEXT } from '../../core/component/contract.ts'
import { SIGNALS } from '../../core/otlp/signals.ts'
import { factory as overGrpc } from '../../exporters/otlp-grpc.ts'
import { factory as overHttp } from '../../exporters/otlp-http.ts'
import { type Certificates, copyCertificates, makeCertificates } from '../kit/certificates.ts'
import { generate } from '../kit/generate.ts'
import { type TestSettings, testSettings } from '../kit/parts.ts'
import { readConfig } from '../kit/read-config.ts'

const LOGS = batchOf('logs', [generate('logs', 1, 3).bytes], 3)
const [first, second] = [makeCertificates(), makeCertificates()]
after(() => {
  first.remove()
  second.remove()
})

const OPTIONS = {
  cert: first.read(first.serverCert),
  key: first.read(first.serverKey),
  ca: [first, second].map(one => one.read(one.ca)),
  requestCert: true,
  rejectUnauthorized: true,
}

interface Server {
  readonly port: number
  /** Whose client certificate each connection showed. */
  readonly clients: string[]
  /** Answers end their connection. */
  ending: boolean
}

function whose(socket: TLSSocket): string {
  const { fingerprint256 } = socket.getPeerCertificate()
  const fits = (one: Certificates) =>
    new X509Certificate(one.read(one.clientCert)).fingerprint256 === fingerprint256
  return fits(first) ? 'first' : fits(second) ? 'second' : 'unknown'
}

async function httpServer(t: TestContext): Promise<Server> {
  const server = createServer(OPTIONS, (request, response) => {
    request.resume().on('end', () => {
      if (state.ending) response.setHeader('connection', 'close')
      response.end()
    })
  })
  server.on('secureConnection', socket => state.clients.push(whose(socket)))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  const state: Server = { port: (server.address() as AddressInfo).port, clients: [], ending: false }
  return state
}

async function grpcServer(t: TestContext): Promise<Server> {
  const server = createSecureServer(OPTIONS)
  const sessions = new Set<ServerHttp2Session>()
  server.on('session', session => {
    sessions.add(session)
    state.clients.push(whose(session.socket as TLSSocket))
    session.on('stream', stream => {
      stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true })
      stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }))
      stream.resume().on('end', () => stream.end(Buffer.alloc(5)))
      if (state.ending) session.close()
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    for (const session of sessions) session.destroy()
    server.close()
  })
  const state: Server = { port: (server.address() as AddressInfo).port, clients: [], ending: false }
  return state
}

const KINDS: readonly {
  readonly type: string
  readonly serve: (t: TestContext) => Promise<Server>
  readonly make: (port: number, tls: object, settings: TestSettings) => Exporter
}[] = [
  {
    type: 'otlp_http',
    serve: httpServer,
    make: (port, tls, settings) =>
      overHttp.create(
        readConfig(overHttp.config, { endpoint: `https://127.0.0.1:${port}`, tls }),
        settings,
        SIGNALS,
      ),
  },
  {
    type: 'otlp_grpc',
    serve: grpcServer,
    make: (port, tls, settings) =>
      overGrpc.create(readConfig(overGrpc.config, { endpoint: `127.0.0.1:${port}`, tls }), settings, SIGNALS),
  },
]

for (const { type, serve, make } of KINDS) {
  // Scenario: the client's certificate is broken on the disk, gone, half replaced and then whole, of another authority,
  // each time after reload_interval; the server ends connections at first, and keeps them later.
  // Guarantees: every send succeeds; new connections show what was last good; what cannot be used is logged, once; an
  // open connection stays.
  test(`${type}: reload_interval`, async t => {
    const files = copyCertificates(first)
    t.after(() => files.remove())
    const put = (from: Certificates, ...keys: readonly ('clientCert' | 'clientKey')[]): void => {
      for (const key of keys) copyFileSync(from[key], files[key])
    }
    const server = await serve(t)
    server.ending = true
    const settings = testSettings('exporter', type)
    const { clientCert, clientKey } = files
    const tls = { ca_file: first.ca, cert_file: clientCert, key_file: clientKey, reload_interval: '1h' }
    const exporter = make(server.port, tls, settings)
    // Hours pass only where the exporter looks at the clock of its files; sockets have their own.
    let hours = 0
    const now = performance.now.bind(performance)
    t.mock.method(performance, 'now', () => now() + hours * 3_600_001)
    await exporter.start()
    const send = async (times = 1): Promise<void> => {
      for (let i = 0; i < times; i++) assert.deepEqual(await exporter.send(LOGS, NO_CONTEXT), { sent: 3 })
    }
    const complaints = () => settings.log.lines.filter(({ message }) => /cannot be used/.test(message)).length
    await send(2)
    assert.deepEqual(new Set(server.clients.splice(0)), new Set(['first']))
    writeFileSync(clientCert, 'broken')
    await send()
    assert.equal(complaints(), 0, 'nobody has looked')
    hours++
    await send(2)
    hours++
    await send(2)
    assert.equal(complaints(), 1)
    rmSync(clientCert)
    hours++
    await send(2)
    assert.equal(complaints(), 2)
    put(second, 'clientCert')
    hours++
    await send(2)
    assert.equal(complaints(), 3)
    assert.deepEqual(new Set(server.clients.splice(0)), new Set(['first']))
    put(second, 'clientKey')
    hours++
    // The connection of the first one may have been made before, as soon as the one before it had ended.
    await send(2)
    server.ending = false
    await send(2)
    assert.equal(server.clients.at(-1), 'second')
    const connections = server.clients.length
    put(first, 'clientCert', 'clientKey')
    hours++
    await send(5)
    assert.equal(server.clients.length, connections, 'the open connection stays')
    assert.equal(settings.log.lines.filter(({ message }) => /were read again/.test(message)).length, 1)
    await exporter.stop(performance.now() + 1000)
  })
}
