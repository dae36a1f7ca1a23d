/** Certificates of the doors that change while clients send. */

import assert from 'node:assert/strict'
import { readFileSync, renameSync, writeFileSync } from 'node:fs'
import { Agent, request as httpsRequest } from 'node:https'
import { after, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { connect } from 'node:tls'
import { Client, credentials } from '@grpc/grpc-js'
import { SIGNAL_WORDS } from '../../../core/otlp/signals.ts'
import { type Certificates, copyCertificates, makeCertificates } from '../../kit/certificates.ts'
import { generate } from '../../kit/generate.ts'
import { eventually } from '../../services/process.ts'
import { portOf, type Running, startReceiver } from './harness.ts'

const TRACES = generate('traces', 51, 3).bytes

/** Two authorities that do not know each other. */
const [first, second] = [makeCertificates(), makeCertificates()]
const trusted = [first, second].map(one => one.read(one.ca))
after(() => {
  first.remove()
  second.remove()
})

function own({ read, clientCert, clientKey }: Certificates) {
  return { cert: read(clientCert), key: read(clientKey) }
}

/** Who signed the certificate that a new connection is shown; rejects when the server does not want this client. */
function served(address: string, client: Certificates): Promise<'first' | 'second'> {
  return new Promise((resolve, reject) => {
    const target = { host: '127.0.0.1', port: portOf(address), servername: 'host.test' }
    // The answer to a client's certificate comes after the handshake in TLS 1.3, and within it in 1.2.
    const options = {
      ...target,
      ca: trusted,
      maxVersion: 'TLSv1.2',
      ALPNProtocols: ['h2', 'http/1.1'],
    } as const
    const socket = connect({ ...options, ...own(client) }, () => {
      const { raw } = socket.getPeerCertificate()
      const pem = `-----BEGIN CERTIFICATE-----\n${raw.toString('base64').replaceAll(/.{64}/g, '$&\n')}`
      socket.destroy()
      resolve(first.read(first.serverCert).startsWith(pem.trimEnd()) ? 'first' : 'second')
    })
    socket.on('error', reject)
  })
}

/** Sends over one connection until told; fails when there is a second one, or an answer that is none. */
function keepSending(running: Running, client: Certificates) {
  const agent = new Agent({ keepAlive: true, maxSockets: 1, ca: trusted, servername: 'host.test' })
  const overHttp = (nth: number) =>
    new Promise<void>((resolve, reject) => {
      const target = { host: '127.0.0.1', port: portOf(running.http), path: '/v1/traces', method: 'POST' }
      const headers = { 'content-type': 'application/x-protobuf' }
      const request = httpsRequest({ ...target, headers, agent, ...own(client) }, response => {
        response.resume().on('end', () => {
          if (response.statusCode !== 200) reject(new Error(`HTTP ${response.statusCode}`))
          else if (nth > 0 && !request.reusedSocket) reject(new Error('a second connection'))
          else resolve()
        })
      })
      request.on('error', reject).end(TRACES)
    })
  const { cert, key } = own(client)
  const ssl = credentials.createSsl(Buffer.from(trusted.join('')), Buffer.from(key), Buffer.from(cert))
  const options = { 'grpc.ssl_target_name_override': 'host.test', 'grpc.use_local_subchannel_pool': 1 }
  const grpc = new Client(running.grpc, ssl, options)
  const same = (bytes: Uint8Array): Buffer => Buffer.from(bytes)
  const overGrpc = () =>
    new Promise<void>((resolve, reject) => {
      grpc.makeUnaryRequest(SIGNAL_WORDS.traces.method, same, same, TRACES, error =>
        error === null ? resolve() : reject(error),
      )
    })
  let stopping = false
  let sent = 0
  const run = async (send: (nth: number) => Promise<void>): Promise<void> => {
    for (let nth = 0; !stopping; nth++) {
      await send(nth)
      sent++
      // Enough to be in the middle of everything, and the machine has other tests.
      await sleep(10)
    }
  }
  const all = Promise.all([run(overHttp), run(overGrpc)])
  all.catch(() => {})
  return {
    /** Resolves when both have had more answers; rejects when one has failed. */
    async more() {
      const before = sent
      const enough = eventually(() => (sent > before + 20 ? true : undefined), 'more requests')
      await Promise.race([enough, all])
    },
    async stop() {
      stopping = true
      await all
      agent.destroy()
      grpc.close()
    },
  }
}

function lines({ settings }: Running, message: RegExp) {
  return settings.log.lines.filter(line => message.test(line.message))
}

/** In one step, as tools that renew certificates do it: nobody reads half of it. */
function put(path: string, content: string | Buffer): void {
  writeFileSync(`${path}.new`, content)
  renameSync(`${path}.new`, path)
}

// Scenario: certificate and key of both doors are replaced while clients send over one connection each: by something
// broken, by half of a pair, by an empty file (a new receiver starts then), and by a whole pair of another authority.
// Guarantees: what cannot be used leaves the old one in use and is logged once, what can is used by new connections and
// logged with its owner; the clients notice nothing.
test('reload_interval', async () => {
  const files = copyCertificates(first)
  const tls = { cert_file: files.serverCert, key_file: files.serverKey, reload_interval: '100ms' }
  const running = await startReceiver({ grpc: { tls }, http: { tls } })
  const doors = [running.grpc, running.http]
  const shown = () => Promise.all(doors.map(door => served(door, first)))
  const senders = keepSending(running, first)
  assert.deepEqual(await shown(), ['first', 'first'])
  put(files.serverCert, 'broken')
  await eventually(() => (lines(running, /cannot be used/).length === 2 ? true : undefined), 'complaints')
  assert.deepEqual(await shown(), ['first', 'first'])
  await senders.more()
  put(files.serverCert, readFileSync(second.serverCert))
  await eventually(() => (lines(running, /cannot be used/).length === 4 ? true : undefined), 'a mismatch')
  assert.match(String(lines(running, /cannot be used/).at(-1)!.fields['error']), /key values mismatch/)
  assert.deepEqual(await shown(), ['first', 'first'])
  put(files.serverKey, '')
  await eventually(() => (lines(running, /cannot be used/).length === 6 ? true : undefined), 'an empty file')
  assert.match(String(lines(running, /cannot be used/).at(-1)!.fields['error']), /key_file ".*" is empty/)
  assert.deepEqual(await shown(), ['first', 'first'])
  await assert.rejects(startReceiver({ http: { tls } }), /tls: key_file ".*" is empty/)
  put(files.serverKey, readFileSync(second.serverKey))
  await eventually(async () => ((await shown()).join() === 'second,second' ? true : undefined), 'the new one')
  const [said] = lines(running, /were read again/)
  assert.equal(said!.fields['certificate'], 'CN=test server')
  assert.match(String(said!.fields['valid_until']), /GMT$/)
  await senders.more()
  await senders.stop()
  await running.stop(0)
  assert.equal(lines(running, /cannot be used/).length, 6, 'each complaint once')
  files.remove()
})

// Scenario: the authority of clients is replaced by another one, in the way of a ConfigMap and by something broken; a
// client of the first one is connected and sends.
// Guarantees: new connections are judged by the new authority; the connection that is open goes on.
test('client_ca_file_reload', async () => {
  const files = copyCertificates(first)
  const { serverCert, serverKey } = first
  const tls = {
    cert_file: serverCert,
    key_file: serverKey,
    client_ca_file: files.ca,
    client_ca_file_reload: true,
  }
  const running = await startReceiver({ grpc: { tls }, http: { tls } })
  const doors = [running.grpc, running.http]
  const senders = keepSending(running, first)
  await senders.more()
  for (const door of doors) {
    await served(door, first)
    await assert.rejects(served(door, second))
  }
  const [failed] = lines(running, /handshake failed/)
  assert.match(String(failed?.fields['error']), /certificate|unknown ca/)
  put(files.ca, '-----BEGIN CERTIFICATE-----\nbroken\n-----END CERTIFICATE-----\n')
  await eventually(() => (lines(running, /cannot be used/).length === 2 ? true : undefined), 'complaints')
  for (const door of doors) await served(door, first)
  put(files.ca, readFileSync(second.ca))
  for (const door of doors) {
    await eventually(() => served(door, second), 'the new authority')
    await assert.rejects(served(door, first))
  }
  await senders.more()
  await senders.stop()
  await running.stop(0)
  files.remove()
})
