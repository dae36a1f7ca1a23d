/** A gateway that is told to stop while senders are busy. */

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import { gunzipSync } from 'node:zlib'
import { startGateway } from '../kit/gateway-process.ts'
import { decodeRequest, encodeRequest } from '../kit/proto.ts'
import { sendGrpc, sendHttp } from '../kit/send.ts'

/** A request of `count` spans numbered from `first`. */
function numberedSpans(first: number, count: number): Uint8Array {
  const spans = Array.from({ length: count }, (_, i) => ({
    traceId: Buffer.alloc(16, 1),
    spanId: Buffer.from((first + i).toString(16).padStart(16, '0'), 'hex'),
    name: 'work',
    startTimeUnixNano: '1700000000000000000',
    endTimeUnixNano: '1700000001000000000',
  }))
  return encodeRequest('traces', { resourceSpans: [{ scopeSpans: [{ spans }] }] })
}

function numbersIn(request: Uint8Array): number[] {
  type Level = Record<string, Level[]> & { spanId: string }
  const decoded = decodeRequest('traces', request) as unknown as Level
  const spans = (decoded['resourceSpans'] ?? []).flatMap(resource =>
    resource['scopeSpans']!.flatMap(scope => scope['spans'] ?? []),
  )
  return spans.map(span => Number.parseInt(Buffer.from(span.spanId, 'base64').toString('hex'), 16))
}

// Scenario: six senders over gRPC and HTTP keep a gateway with batch and a slow server downstream busy, also after
// SIGTERM, until they are refused.
// Guarantees: every acknowledged span has reached the server when the process ends, once; the ledger balances at the
// end, and the process ends with 0.
test('SIGTERM under load: what was acknowledged has left', { timeout: 60_000 }, async t => {
  const received: number[] = []
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    const body = Buffer.concat(chunks)
    received.push(...numbersIn(request.headers['content-encoding'] === 'gzip' ? gunzipSync(body) : body))
    // Slow enough that queue and batcher hold something when the signal comes.
    setTimeout(() => response.writeHead(200, { 'content-type': 'application/x-protobuf' }).end(), 20)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => server.close())
  const { port } = server.address() as AddressInfo
  const gateway = await startGateway([
    '--config',
    `yaml:{receivers: {otlp: {protocols: {grpc: , http: }}}, processors: {memory_limiter: {check_interval: 1s, limit_mib: 1000}, batch: {send_batch_size: 100}}, exporters: {otlp_http: {endpoint: "http://127.0.0.1:${port}", sending_queue: {num_consumers: 2}}}, service: {pipelines: {traces: {receivers: [otlp], processors: [memory_limiter, batch], exporters: [otlp_http]}}}}`,
  ])
  t.after(() => gateway.stop())

  const acknowledged: number[] = []
  let next = 1
  let stopping = false
  const sender = async (send: typeof sendHttp, address: string): Promise<void> => {
    for (;;) {
      const first = next
      next += 25
      try {
        await send(address, 'traces', numberedSpans(first, 25))
      } catch {
        if (stopping) return
        throw new Error(`refused before SIGTERM:\n${gateway.output()}`)
      }
      for (let i = 0; i < 25; i++) acknowledged.push(first + i)
    }
  }
  const senders = [1, 2, 3].flatMap(() => [sender(sendHttp, gateway.http), sender(sendGrpc, gateway.grpc)])
  while (received.length < 2000) await Promise.race([once(server, 'request'), ...senders])
  stopping = true
  const code = await gateway.stop('SIGTERM')
  await Promise.all(senders)

  assert.equal(code, 0, gateway.output())
  assert.match(gateway.output(), /Stopped\./)
  assert.doesNotMatch(gateway.output(), /ledger does not balance/)
  assert.ok(acknowledged.length >= 2000)
  const seen = new Set(received)
  assert.equal(seen.size, received.length, 'nothing arrived twice')
  assert.deepEqual(
    acknowledged.filter(number => !seen.has(number)),
    [],
  )
})
