/** A gateway whose config changes while senders are busy. */

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { Agent, request } from 'node:http'
import { type ClientHttp2Session, connect } from 'node:http2'
import { connect as connectTcp } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { imbalances, startGateway } from '../kit/gateway-process.ts'
import { SPANS, startSenders, startServer } from '../kit/numbered-load.ts'
import { sendGrpc, sendHttp } from '../kit/send.ts'

/** OTLP/HTTP over one connection; throws when there has to be a second one. */
function httpSender(address: string): (body: Uint8Array) => Promise<void> {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  let first = true
  return body =>
    new Promise((resolve, reject) => {
      const headers = { 'content-type': 'application/x-protobuf', 'content-length': body.length }
      const sent = request(`http://${address}/v1/traces`, { method: 'POST', agent, headers }, response => {
        response.resume().on('end', () => {
          if (response.statusCode !== 200) reject(new Error(`HTTP ${response.statusCode}`))
          else if (!first && !sent.reusedSocket) reject(new Error('the connection was closed'))
          else resolve()
          first = false
        })
      })
      sent.on('error', reject).end(body)
    })
}

/** OTLP/gRPC over one connection; throws when the server says goodbye. */
function grpcSender(session: ClientHttp2Session): (body: Uint8Array) => Promise<void> {
  let gone: Error | undefined
  session.on('goaway', () => {
    gone = new Error('GOAWAY')
  })
  session.on('error', error => {
    gone = error
  })
  return async body => {
    if (gone !== undefined) throw gone
    const stream = session.request({
      ':method': 'POST',
      ':path': '/opentelemetry.proto.collector.trace.v1.TraceService/Export',
      'content-type': 'application/grpc',
      te: 'trailers',
    })
    let status: unknown
    const note = (headers: Record<string, unknown>): void => {
      status ??= headers['grpc-status']
    }
    stream.on('response', note).on('trailers', note).resume()
    const prefix = Buffer.alloc(5)
    prefix.writeUInt32BE(body.length, 1)
    stream.end(Buffer.concat([prefix, body]))
    await once(stream, 'close')
    if (status !== '0') throw new Error(`gRPC status ${String(status)}`)
  }
}

interface Config {
  readonly value?: string
  readonly batch?: number
  readonly retry?: string
  readonly exporters?: string
  /** Of the receiver's gRPC and HTTP. */
  readonly receiver?: string
  readonly http?: string
  readonly pipeline?: string
}

function yamlOf(url: string, config: Config): string {
  const {
    value = 'a',
    batch = 100,
    retry = '5s',
    exporters = 'otlp_http/main',
    receiver = '',
    http = '',
  } = config
  return `
receivers: {otlp: {protocols: {grpc: {${receiver}}, http: {${http}}}}}
processors:
  memory_limiter: {check_interval: 1s, limit_mib: 1000}
  attributes: {actions: [{key: version, value: ${value}, action: insert}]}
  batch: {send_batch_size: ${batch}, timeout: 100ms}
exporters:
  otlp_http/main: {endpoint: "${url}/main", retry_on_failure: {initial_interval: ${retry}}}
  otlp_http/extra: {endpoint: "${url}/extra"}
service:
  pipelines:
    traces: {receivers: [otlp], processors: [memory_limiter, attributes, batch], exporters: [${exporters}]}
    ${config.pipeline ?? ''}
`
}

/** A gateway on a config file that `change` rewrites; it resolves when the gateway has followed, or said that it cannot. */
async function startOnFile(t: TestContext, url: string, flags: readonly string[] = []) {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-reload-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const file = join(folder, 'sluice.yaml')
  writeFileSync(file, yamlOf(url, {}))
  const gateway = await startGateway(['--config', file, ...flags])
  t.after(() => gateway.stop())
  let changes = 0
  const change = async (config: Config, signal = true): Promise<void> => {
    writeFileSync(file, yamlOf(url, config))
    changes++
    if (signal) process.kill(gateway.pid, 'SIGHUP')
    await gateway.printed(new RegExp(`(The new config (runs|cannot be run)[^]*){${changes}}`))
  }
  return { gateway, change }
}

// Scenario: four senders over HTTP and gRPC, each on one connection, keep a gateway busy; its config changes ten times:
// values, sizes, exporters, a pipeline, twice it is broken.
// Guarantees: no request is refused, no connection is closed; every acknowledged span reaches the server, once; the
// counters go on and the ledger balances.
test('ten reloads under load: nothing refused, nothing lost', { timeout: 60_000 }, async t => {
  const { received, url } = await startServer(t)
  const { gateway, change } = await startOnFile(t, url)
  const sessions = [1, 2].map(() => connect(`http://${gateway.grpc}`))
  t.after(() => {
    for (const session of sessions) session.destroy()
  })
  const senders = startSenders([
    httpSender(gateway.http),
    httpSender(gateway.http),
    ...sessions.map(session => grpcSender(session)),
  ])
  const changes: Config[] = [
    { value: 'b' },
    { value: 'b', batch: 50 },
    { value: 'b', batch: 50, exporters: 'otlp_http/main, otlp_http/extra' },
    { exporters: 'otlp_http/main, otlp_http/nothing' },
    { value: 'c', exporters: 'otlp_http/main, otlp_http/extra' },
    { retry: '4s', exporters: 'otlp_http/main, otlp_http/extra' },
    { retry: '4s' },
    { retry: '4s', pipeline: 'logs: {receivers: [otlp], processors: [batch], exporters: [otlp_http/main]}' },
    { batch: -1 },
    { batch: 200, retry: '3s', value: 'd' },
  ]
  for (const config of changes) {
    const before = senders.acknowledged.length
    await Promise.race([change(config), senders.failed])
    // The next change comes when this one has seen traffic.
    while (senders.acknowledged.length < before + 20 * SPANS)
      await Promise.race([new Promise(resolve => setTimeout(resolve, 1)), senders.failed])
  }
  await senders.stop()
  const metrics = await gateway.metrics()
  assert.equal(metrics.get('sluice_config_reloads{outcome="applied"}'), 8)
  assert.equal(metrics.get('sluice_config_reloads{outcome="rejected"}'), 2)
  assert.match(gateway.output(), /sluice\.yaml:\d+:\d+: processors::batch::send_batch_size/)
  const counted = [...metrics].filter(([name]) => name.startsWith('otelcol_receiver_accepted_spans'))
  assert.equal(
    counted.reduce((sum, [, value]) => sum + value, 0),
    senders.acknowledged.length,
  )
  assert.equal(await gateway.stop('SIGTERM'), 0, gateway.output())
  assert.doesNotMatch(gateway.output(), /The ledger does not balance/)
  const main = received.get('main')!
  assert.ok(received.get('extra')!.length > 0)
  assert.equal(new Set(main).size, main.length, 'nothing arrived twice')
  assert.deepEqual(
    main.toSorted((a, b) => a - b),
    senders.acknowledged.toSorted((a, b) => a - b),
  )
})

// Scenario: the receiver itself changes, three times, while senders open a connection for each request; --watch sees it.
// Guarantees: the port is open all the time; nothing that was acknowledged is lost; the ledger balances.
test('a changed receiver takes over the listening socket', { timeout: 60_000 }, async t => {
  const { received, url } = await startServer(t)
  const { gateway, change } = await startOnFile(t, url, ['--watch'])
  assert.match(gateway.output(), /Watching the files of the config.*sluice\.yaml/)
  // A connection that the old receiver accepted in its last moment may be closed; clients then connect again.
  const persistent = (send: typeof sendHttp, address: string) => async (body: Uint8Array) => {
    for (;;) {
      try {
        return await send(address, 'traces', body)
      } catch (error) {
        const { cause = error } = error as Error
        if (/ECONNREFUSED/.test(String(cause))) throw error
      }
    }
  }
  const grpc = persistent(sendGrpc, gateway.grpc)
  const http = persistent(sendHttp, gateway.http)
  const senders = startSenders([grpc, grpc, http, http])
  let probing = true
  const probe = async (address: string): Promise<void> => {
    const [host, port] = address.split(':') as [string, string]
    while (probing) {
      const socket = connectTcp(Number(port), host)
      await once(socket, 'connect')
      socket.destroy()
    }
  }
  const probes = Promise.all([probe(gateway.grpc), probe(gateway.http)])
  for (const mib of [5, 6, 7]) {
    const config = { receiver: `max_recv_msg_size_mib: ${mib}`, http: `max_request_body_size: ${mib}000000` }
    await Promise.race([change(config, false), senders.failed])
  }
  probing = false
  await probes
  await senders.stop()
  const metrics = await gateway.metrics()
  assert.equal(metrics.get('sluice_config_reloads{outcome="applied"}'), 3)
  assert.deepEqual(imbalances(metrics), [])
  assert.equal(await gateway.stop('SIGTERM'), 0, gateway.output())
  const seen = new Set(received.get('main'))
  assert.deepEqual(
    senders.acknowledged.filter(number => !seen.has(number)),
    [],
  )
})
