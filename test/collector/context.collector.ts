/** What the doors keep of a request beside its data, as `from_context` sees it. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { goldenRequests } from '../kit/golden.ts'
import { Comparison } from './comparison.ts'
import { askGrpc, framed, post } from './exchange.ts'
import { protoFile, readProto, saying } from './outputs.ts'
import { startPair } from './pair.ts'

const KEYS = [
  'x-tenant',
  'X-TENANT',
  'x-list',
  'x-data-bin',
  'content-type',
  'user-agent',
  'none',
  'te',
  'grpc-timeout',
]

const config = (metadata: boolean) => `
receivers:
  otlp:
    protocols:
      grpc: {endpoint: "@grpc@", include_metadata: ${metadata}}
      http: {endpoint: "@http@", include_metadata: ${metadata}}
processors:
  attributes:
    actions:
${KEYS.map(key => `      - {key: "seen ${key}", action: upsert, from_context: metadata.${key}}`).join('\n')}
exporters:
  file: ${protoFile('traces')}
service:
  pipelines:
    traces: {receivers: [otlp], processors: [attributes], exporters: [file]}
`

const traces = goldenRequests().find(({ signal }) => signal === 'traces')!.plain
const HEADERS: readonly Readonly<Record<string, string>>[] = [
  {},
  { 'x-tenant': 'blue', 'user-agent': 'probe/1' },
  { 'x-tenant': '', 'x-list': 'a, b', 'x-data-bin': Buffer.from('größe').toString('base64') },
]

// Scenario: requests with headers of several kinds over both doors, with include_metadata and without.
// Guarantees: the same attributes.
for (const metadata of [true, false]) {
  test(`include_metadata: ${metadata}`, { timeout: 60_000 }, async t => {
    const pair = await startPair(t, config(metadata))
    if (pair === undefined) return
    await pair.both(async side => {
      for (const headers of HEADERS) {
        assert.equal((await post(side.address('http'), 'traces', traces, headers)).status, 200)
        assert.equal((await askGrpc(side.address('grpc'), framed(traces), headers)).status, 0)
      }
    })
    await pair.stop()
    const [ours, theirs] = pair.sides.map(side => saying('traces', readProto(side, 'traces')))
    assert.equal(ours!.length, 2 * HEADERS.length)
    const comparison = new Comparison('context')
    for (const [i, request] of ours!.entries()) {
      const door = i % 2 === 0 ? 'HTTP' : 'gRPC'
      comparison.same(
        `${metadata}: ${door} ${Object.keys(HEADERS[i >> 1]!)}`,
        { request },
        { request: theirs![i] },
      )
    }
    comparison.end()
  })
}
