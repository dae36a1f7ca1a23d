/** Every protocol at every port that speaks another one: what the client can see, and what the log says. */

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect as connectHttp2 } from 'node:http2'
import { request as httpsRequest } from 'node:https'
import { after, before, test } from 'node:test'
import { connect as connectTls } from 'node:tls'
import { Client, credentials } from '@grpc/grpc-js'
import { SIGNAL_WORDS } from '../../../core/otlp/signals.ts'
import { makeCertificates } from '../../kit/certificates.ts'
import { generate } from '../../kit/generate.ts'
import { GrpcClient, portOf, post, type Running, raw, startReceiver } from './harness.ts'

const TRACES = generate('traces', 41, 3).bytes
const HTTP1 = 'POST /v1/traces HTTP/1.1\r\nhost: a\r\ncontent-length: 3\r\n\r\nabc'
const PREFACE = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0'

const certificates = makeCertificates()
const ca = certificates.read(certificates.ca)
let plain: Running
let secure: Running
before(async () => {
  const tls = { cert_file: certificates.serverCert, key_file: certificates.serverKey }
  plain = await startReceiver()
  secure = await startReceiver({ grpc: { tls }, http: { tls } })
})
after(async () => {
  await Promise.all([plain.stop(0), secure.stop(0)])
  certificates.remove()
})

/** The log's lines about wrong protocols and failed handshakes since the last look. */
function said({ settings }: Running): string[] {
  const lines = settings.log.lines.splice(0).filter(({ level }) => level === 'warn')
  return lines.map(({ message, fields }) => `${fields['transport']}: ${message}`)
}

/** Code and words of the GOAWAY in what a server sent. */
function goaway(bytes: Buffer): [code: number, words: string] {
  for (let at = 0; at + 9 <= bytes.length; at += 9 + bytes.readUIntBE(at, 3)) {
    if (bytes[at + 3] !== 7) continue
    const length = bytes.readUIntBE(at, 3)
    return [bytes.readUInt32BE(at + 13), bytes.subarray(at + 17, at + 9 + length).toString()]
  }
  throw new Error(`no GOAWAY in ${bytes.toString('latin1')}`)
}

/** Sends bytes inside TLS and gives back all that comes. `offer` is what ALPN offers. */
async function rawTls(address: string, bytes: string, offer?: string[]): Promise<Buffer> {
  const alpn = offer === undefined ? {} : { ALPNProtocols: offer }
  const socket = connectTls({
    host: '127.0.0.1',
    port: portOf(address),
    ca,
    servername: 'host.test',
    ...alpn,
  })
  socket.on('error', () => {})
  await once(socket, 'secureConnect')
  socket.write(bytes)
  const parts: Buffer[] = []
  socket.on('data', (part: Buffer) => parts.push(part))
  await once(socket, 'close')
  return Buffer.concat(parts)
}

/** Why a handshake with a port did not come about. */
async function handshakeError(address: string): Promise<string> {
  const socket = connectTls({ host: '127.0.0.1', port: portOf(address), ca, servername: 'host.test' })
  const [error] = await once(socket, 'error')
  return String(error.code)
}

// Scenario: HTTP/1 and TLS arrive at a gRPC port without TLS; HTTP/1 and HTTP/2, without TLS, at one with it, and HTTP/1
// inside TLS, offered by ALPN and not.
// Guarantees: each is answered in its own protocol, as far as that has a way, with what to do; the log says it once.
test('at the gRPC ports', async () => {
  assert.match(String(await raw(plain.grpc, HTTP1)), /^HTTP\/1\.1 400 [\s\S]*speaks OTLP\/gRPC; .*4318/)
  assert.match(await handshakeError(plain.grpc), /WRONG_VERSION|PACKET_LENGTH|ECONNRESET/)
  assert.deepEqual(said(plain), [
    'grpc: A sender speaks HTTP/1 to this port; send OTLP/HTTP to the port of protocols.http, usually 4318, or set its protocol to grpc',
    'grpc: A sender speaks TLS to this port; tell it insecure, or add tls: to protocols.grpc',
  ])
  for (let i = 0; i < 3; i++)
    assert.match(String(await raw(secure.grpc, HTTP1)), /^HTTP\/1\.1 400 [\s\S]*speaks OTLP\/gRPC; .*4318/)
  assert.deepEqual(goaway(await raw(secure.grpc, PREFACE)), [
    0xc,
    'this port speaks gRPC over TLS; write https://, or turn insecure off',
  ])
  assert.deepEqual(said(secure), [
    'grpc: A sender speaks HTTP/1 to this port; send OTLP/HTTP to the port of protocols.http, usually 4318, or set its protocol to grpc',
    'grpc: A sender speaks gRPC without TLS to this port; tell it to use TLS, or remove tls: from protocols.grpc',
  ])
  for (const offer of [['http/1.1'], undefined])
    assert.match(String(await rawTls(secure.grpc, HTTP1, offer)), /^HTTP\/1\.1 400 [\s\S]*speaks OTLP\/gRPC/)
})

// Scenario: HTTP/2 and TLS arrive at an HTTP port without TLS; HTTP/1 and HTTP/2, without TLS, at one with it, and HTTP/2
// inside TLS, offered by ALPN alone.
// Guarantees: as above.
test('at the HTTP ports', async () => {
  assert.deepEqual(goaway(await raw(plain.http, PREFACE)), [
    0xd,
    'this port speaks OTLP/HTTP; send OTLP/gRPC to the port of protocols.grpc, usually 4317',
  ])
  assert.match(await handshakeError(plain.http), /WRONG_VERSION|PACKET_LENGTH/)
  assert.deepEqual(said(plain), [
    'http: A sender speaks HTTP/2 (gRPC?) to this port; send OTLP/gRPC to the port of protocols.grpc, usually 4317, or set its protocol to http/protobuf',
    'http: A sender speaks TLS to this port; write http:// or insecure there, or add tls: to protocols.http',
  ])
  assert.match(String(await raw(secure.http, HTTP1)), /^HTTP\/1\.1 400 [\s\S]*speaks HTTPS; write https/)
  assert.deepEqual(goaway(await raw(secure.http, PREFACE))[0], 0xd)
  assert.deepEqual(said(secure), [
    'http: A sender speaks HTTP without TLS to this port; write https:// there, or remove tls: from protocols.http',
    'http: A sender speaks HTTP/2 (gRPC?) to this port; send OTLP/gRPC to the port of protocols.grpc, usually 4317, or set its protocol to http/protobuf',
  ])
  assert.match(goaway(await rawTls(secure.http, PREFACE, ['h2']))[1], /usually 4317/)
})

// Scenario: real clients with the mistakes people make: an insecure gRPC client at a TLS port, one at the HTTPS port, an
// HTTPS client that does not trust the certificate; then right ones.
// Guarantees: each fails soon, the handshake that failed is logged with its reason, and the right ones are served.
test('real clients', async () => {
  const insecure = new GrpcClient(secure.grpc)
  const deadline = { deadline: Date.now() + 20_000 }
  assert.notEqual((await insecure.export('traces', TRACES, {}, deadline)).code, 0)
  insecure.close()
  const call = (address: string) => {
    const ssl = credentials.createSsl(Buffer.from(ca))
    const client = new Client(address, ssl, { 'grpc.ssl_target_name_override': 'host.test' })
    const same = (bytes: Uint8Array) => Buffer.from(bytes)
    return new Promise<number>(resolve =>
      client.makeUnaryRequest(SIGNAL_WORDS.traces.method, same, same, TRACES, deadline, error => {
        client.close()
        resolve(error?.code ?? 0)
      }),
    )
  }
  assert.notEqual(await call(secure.http), 0)
  const ask = async (own: object) => {
    const target = { host: '127.0.0.1', port: portOf(secure.http), path: '/v1/traces', method: 'POST' }
    const headers = { 'content-type': 'application/x-protobuf' }
    const request = httpsRequest({ ...target, headers, agent: false, ...own })
    request.end(TRACES)
    const [response] = await once(request, 'response')
    response.resume()
    return response.statusCode
  }
  said(secure)
  await assert.rejects(ask({}), /self-signed|unable to verify/)
  assert.equal(await call(secure.grpc), 0)
  assert.equal(await ask({ ca }), 200)
  const session = connectHttp2(`https://${secure.grpc}`, { ca, servername: 'host.test' })
  await once(session, 'remoteSettings')
  session.destroy()
  assert.equal((await post(plain.http, 'traces', TRACES)).status, 200)
  assert.deepEqual(
    said(secure).filter(line => !line.startsWith('http: A TLS handshake failed')),
    [],
  )
})
