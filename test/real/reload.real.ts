/** A gateway that is told to read its config every second, while clients that keep their connections send all the time. */

import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { Agent, request } from 'node:http'
import { type ClientHttp2Session, connect, constants } from 'node:http2'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { Client, credentials } from '@grpc/grpc-js'
import { SIGNAL_WORDS } from '../../core/otlp/signals.ts'
import { imbalances, startGateway } from '../kit/gateway-process.ts'
import { startSenders, startServer } from '../kit/numbered-load.ts'

type Send = (body: Uint8Array) => Promise<void>

/** OTLP/HTTP over a connection that is kept, unless an answer says that it is the last one. */
function httpSender(address: string, pauseMs = 0): Send {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  return async body => {
    await sleep(pauseMs)
    await new Promise<void>((resolve, reject) => {
      const headers = { 'content-type': 'application/x-protobuf', 'content-length': body.length }
      const sent = request(`http://${address}/v1/traces`, { method: 'POST', agent, headers }, response => {
        response.resume().on('end', () => {
          if (response.statusCode === 200) resolve()
          else reject(new Error(`HTTP ${response.statusCode}`))
        })
      })
      sent.on('error', error => reject(new Error('HTTP', { cause: error }))).end(body)
    })
  }
}

/** OTLP/gRPC as a library sends it. */
function grpcSender(t: TestContext, address: string, pauseMs = 0): Send {
  const client = new Client(address, credentials.createInsecure(), {
    'grpc.use_local_subchannel_pool': 1,
    'grpc.enable_http_proxy': 0,
  })
  t.after(() => client.close())
  const same = (bytes: Uint8Array): Buffer => Buffer.from(bytes)
  return async body => {
    await sleep(pauseMs)
    await new Promise<void>((resolve, reject) => {
      client.makeUnaryRequest(SIGNAL_WORDS.traces.method, same, same, body, error =>
        error === null ? resolve() : reject(new Error('gRPC', { cause: error })),
      )
    })
  }
}

/** OTLP/gRPC without a library: it does what the standard asks of it, and takes nothing else for an excuse. */
function bareGrpcSender(t: TestContext, address: string): Send {
  let session: ClientHttp2Session | undefined
  t.after(() => session?.destroy())
  const connected = (): ClientHttp2Session => {
    if (session !== undefined && !session.closed && !session.destroyed) return session
    session = connect(`http://${address}`)
    session.on('error', () => {})
    return session
  }
  const send: Send = async body => {
    const stream = connected().request({
      ':method': 'POST',
      ':path': SIGNAL_WORDS.traces.method,
      'content-type': 'application/grpc',
      te: 'trailers',
    })
    let status: unknown
    const note = (headers: Record<string, unknown>): void => {
      status ??= headers['grpc-status']
    }
    let failure: unknown
    stream.on('response', note).on('trailers', note).resume()
    stream.on('error', error => {
      failure = error
    })
    const prefix = Buffer.alloc(5)
    prefix.writeUInt32BE(body.length, 1)
    stream.end(Buffer.concat([prefix, body]))
    if (!stream.closed) await new Promise<void>(resolve => stream.once('close', resolve))
    if (status === '0') return
    // Nobody has looked at it (RFC 9113 8.7): the gateway was about to say goodbye, or Node's client has heard that.
    if (stream.rstCode === constants.NGHTTP2_REFUSED_STREAM) return send(body)
    throw new Error(`bare gRPC: status ${String(status)}`, { cause: failure })
  }
  return send
}

interface Round {
  readonly receiver: number
  readonly processor: number
  readonly exporter: number
}

function yamlOf(url: string, server: string, { receiver, processor, exporter }: Round): string {
  return `
receivers:
  otlp:
    protocols:
      grpc: {server: ${server}, max_recv_msg_size_mib: ${4 + receiver}}
      http: {max_request_body_size: ${1_000_000 + receiver}}
processors:
  memory_limiter: {check_interval: 1s, limit_mib: 1000}
  attributes: {actions: [{key: version, value: v${processor}, action: insert}]}
  batch: {send_batch_size: ${100 + processor}, timeout: 100ms}
exporters:
  otlp_http: {endpoint: "${url}/main", retry_on_failure: {initial_interval: ${5 + exporter}s}}
service:
  pipelines:
    traces: {receivers: [otlp], processors: [memory_limiter, attributes, batch], exporters: [otlp_http]}
`
}

/** What changes in turn; the last one is everything at once. */
const TURNS: readonly (readonly (keyof Round)[])[] = [
  ['receiver'],
  ['processor'],
  ['exporter'],
  ['receiver', 'processor', 'exporter'],
]

async function reloadUnderLoad(t: TestContext, server: string, rounds: number, bare: boolean) {
  const { received, url } = await startServer(t)
  const folder = mkdtempSync(join(tmpdir(), 'sluice-reload-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const file = join(folder, 'sluice.yaml')
  const round: Record<keyof Round, number> = { receiver: 0, processor: 0, exporter: 0 }
  writeFileSync(file, yamlOf(url, server, round))
  const gateway = await startGateway(['--config', file])
  t.after(() => gateway.stop('SIGKILL'))
  const senders = startSenders([
    httpSender(gateway.http),
    httpSender(gateway.http),
    httpSender(gateway.http, 700),
    httpSender(gateway.http, 2_500),
    grpcSender(t, gateway.grpc),
    grpcSender(t, gateway.grpc, 700),
    grpcSender(t, gateway.grpc, 2_500),
    ...(bare ? [bareGrpcSender(t, gateway.grpc), bareGrpcSender(t, gateway.grpc)] : []),
  ])
  for (let i = 0; i < rounds; i++) {
    await Promise.race([sleep(1_000), senders.failed])
    for (const what of TURNS[i % TURNS.length]!) round[what]++
    writeFileSync(file, yamlOf(url, server, round))
    process.kill(gateway.pid, 'SIGHUP')
  }
  await Promise.race([gateway.printed(new RegExp(`(The new config runs[^]*){${rounds}}`)), senders.failed])
  await Promise.race([sleep(1_000), senders.failed])
  await senders.stop()
  const metrics = await gateway.metrics()
  assert.equal(metrics.get('sluice_config_reloads{outcome="applied"}'), rounds)
  assert.equal(await gateway.stop('SIGTERM'), 0, gateway.output())
  assert.doesNotMatch(gateway.output(), /The ledger does not balance|left behind|this is a bug/)
  assert.deepEqual(imbalances(metrics), [])
  const main = received.get('main')!
  t.diagnostic(`${senders.acknowledged.length} spans acknowledged`)
  assert.equal(new Set(main).size, main.length, 'nothing arrived twice')
  assert.deepEqual(
    main.toSorted((a, b) => a - b),
    senders.acknowledged.toSorted((a, b) => a - b),
  )
}

// Scenario: receiver, processor and exporter change in turn and together, each second; clients over HTTP and gRPC, busy
// ones and ones that pause for longer than a reload, keep their connections.
// Guarantees: no request is refused and no connection breaks under one, every acknowledged span arrives exactly once,
// the ledger balances, and the end is in order.
test('reload every second under load: nothing refused, nothing lost', { timeout: 90_000 }, t =>
  reloadUnderLoad(t, 'http2', 15, true),
)

// Scenario: the same with the server of grpc-js, shorter. Its clients send again what it did not look at.
// Guarantees: the same.
test('reload every second with server: grpc-js', { timeout: 60_000 }, t =>
  reloadUnderLoad(t, 'grpc-js', 6, false),
)
