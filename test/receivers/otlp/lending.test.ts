/** The door lends the bodies it put together, and no others (core/component/memory.ts). */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { gzipSync } from 'node:zlib'
import type { Batch } from '../../../core/component/batch.ts'
import { release, retain } from '../../../core/component/memory.ts'
import { ACCEPTED } from '../../../core/component/outcome.ts'
import { jsonToRequest, requestToJsonBytes } from '../../../core/otlp/json.ts'
import { until } from '../../kit/files.ts'
import { realisticTraces } from '../../kit/generate.ts'
import { SPOILED, spoilWhatIsGivenBack } from '../../kit/lending.ts'
import { GrpcClient, post, startReceiver } from './harness.ts'

const SMALL = realisticTraces(3)
const LARGE = realisticTraces(400)
const HUGE = realisticTraces(3000)
const PROTOBUF = { 'content-type': 'application/x-protobuf' }
const CHUNKED = { ...PROTOBUF, 'transfer-encoding': 'chunked' }
const GZIP = { ...PROTOBUF, 'content-encoding': 'gzip' }
const JSON_TYPE = { 'content-type': 'application/json' }

const isSpoiled = (bytes: Uint8Array): boolean => bytes.every(byte => byte === SPOILED)

// Scenario: requests of every kind reach a pipeline that reads them before it answers, and holds every other one for longer.
// Guarantees: what is read is what was sent; a body that the door put together ends when the pipeline has answered and
// nobody holds it, and not before; a body in one piece is left to V8, for its buffer may have other owners.
for (const [name, body, lent, headers] of [
  ['in one piece', SMALL, false, PROTOBUF],
  ['with a length', LARGE, true, PROTOBUF],
  ['too large to be believed', HUGE, true, PROTOBUF],
  ['without a length', LARGE, true, CHUNKED],
  ['compressed', LARGE, true, GZIP],
  ['in JSON', LARGE, false, JSON_TYPE],
  ['over gRPC', LARGE, true, undefined],
  ['over gRPC, compressed', LARGE, true, { 'grpc-encoding': 'gzip' }],
  ['over gRPC, too large to be believed', HUGE, true, undefined],
  ['over gRPC, in one piece', SMALL, false, undefined],
] as const) {
  test(`a request ${name}`, async t => {
    spoilWhatIsGivenBack(t)
    const { sinks, http, grpc, stop } = await startReceiver()
    const client = new GrpcClient(
      grpc,
      'grpc-encoding' in (headers ?? {}) ? { 'grpc.default_compression_algorithm': 2 } : {},
    )
    const encoded =
      headers === JSON_TYPE ? requestToJsonBytes(body, 'traces') : headers === GZIP ? gzipSync(body) : body
    const plain = Buffer.from(headers === JSON_TYPE ? jsonToRequest(encoded, 'traces') : body)
    const seen: Batch[] = []
    const held: Batch[] = []
    sinks.traces.consume = async batch => {
      // Time for the rest of the connection to go on.
      await new Promise(resolve => setImmediate(resolve))
      assert.ok(plain.equals(batch.chunks[0]!), 'other bytes')
      if (seen.push(batch) % 2 === 0) {
        retain(batch)
        held.push(batch)
      }
      return ACCEPTED
    }
    const sendOne = async (): Promise<void> => {
      if (name.startsWith('over gRPC')) assert.equal((await client.export('traces', body)).code, 0)
      else assert.equal((await post(http, 'traces', encoded, headers as Record<string, string>)).status, 200)
    }
    await Promise.all(Array.from({ length: 6 }, sendOne))
    await until(() => seen.length === 6)
    for (const batch of seen) {
      const bytes = batch.chunks[0]!
      const still = !lent || held.includes(batch)
      assert.equal(isSpoiled(bytes), !still)
      if (still) assert.ok(plain.equals(bytes))
    }
    for (const batch of held) release(batch)
    for (const batch of seen) assert.equal(isSpoiled(batch.chunks[0]!), lent)
    client.client.close()
    await stop()
  })
}
