/** `batch`: the same items in batches of the same sizes, whatever the options. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { countItems } from '../../core/otlp/walk.ts'
import { itemsOf } from '../kit/items.ts'
import { encodeRequest } from '../kit/proto.ts'
import { Comparison } from './comparison.ts'
import { post } from './exchange.ts'
import { protoFile, readProto, saying } from './outputs.ts'
import { startPair } from './pair.ts'
import { generated, golden, random } from './requests.ts'

const SIGNALS = ['traces', 'metrics', 'logs'] as const

/** Batches that leave by their size have sizes that do not depend on time; what is left leaves with the stop. */
const OPTIONS: readonly string[] = [
  '{timeout: 1h, send_batch_size: 10}',
  '{timeout: 1h, send_batch_size: 1}',
  '{timeout: 1h, send_batch_size: 50, send_batch_max_size: 50}',
  '{timeout: 1h, send_batch_size: 10, send_batch_max_size: 15}',
  '{timeout: 1h, send_batch_size: 7, send_batch_max_size: 7}',
  '{timeout: 1h}',
  '{timeout: 0s}',
  '{timeout: 0s, send_batch_max_size: 6, send_batch_size: 0}',
  '{timeout: 1h, send_batch_size: 0}',
  '{timeout: 1h, send_batch_size: 10, metadata_keys: [x-tenant]}',
  '{timeout: 1h, send_batch_size: 10, metadata_keys: [x-tenant, x-other], metadata_cardinality_limit: 5}',
]

const cases = OPTIONS.flatMap(yaml => SIGNALS.map(signal => ({ signal, yaml })))
const lines = (format: (one: (typeof cases)[number], i: number) => string): string =>
  cases.map((one, i) => `  ${format(one, i)}`).join('\n')

const CONFIG = `
receivers: {otlp: {protocols: {http: {endpoint: "@http@", include_metadata: true}}}}
processors:
${lines(({ yaml }, i) => `batch/${i}: ${yaml}`)}
exporters:
${lines((_, i) => `file/${i}: ${protoFile(String(i))}`)}
service:
  pipelines:
${lines(({ signal }, i) => `  ${signal}/${i}: {receivers: [otlp], processors: [batch/${i}], exporters: [file/${i}]}`)}
`

function sortedTexts(items: readonly unknown[]): string[] {
  return items.map(item => JSON.stringify(item)).sort()
}

// Scenario: requests of many sizes, of two tenants in turn, go through every set of options, and the gateway stops.
// Guarantees: the same batches in the same order (of one tenant), and all items are in them.
test('batch', { timeout: 120_000 }, async t => {
  const pair = await startPair(t, CONFIG)
  if (pair === undefined) return
  const requests = [...golden(), ...generated(8), ...random(8)].filter(
    ({ signal, bytes }) => countItems(bytes, signal) > 0,
  )
  await pair.both(async side => {
    for (const [i, { signal, bytes }] of requests.entries()) {
      const headers = { 'x-tenant': `t${i % 2}` }
      assert.equal((await post(side.address('http'), signal, bytes, headers)).status, 200)
    }
  })
  await pair.stop()
  const comparison = new Comparison('batch')
  for (const [i, { signal, yaml }] of cases.entries()) {
    await t.test(`${signal} ${yaml}`, () => {
      const [ours, theirs] = pair.sides.map(side => {
        const batches = readProto(side, String(i))
        const sizes = batches.map(bytes => countItems(bytes, signal))
        // Batches of different tenants leave in any order.
        if (yaml.includes('metadata_keys')) sizes.sort((a, b) => a - b)
        const items = saying(signal, batches).flatMap(one => itemsOf(signal, encodeRequest(signal, one)))
        const metadata = items.map(item => [item.item, item.metric?.['metadata']])
        const plain = items.map(item => ({ ...item, metric: { ...item.metric, metadata: undefined } }))
        return { sizes, items: sortedTexts(plain), metadata: sortedTexts(metadata) }
      })
      assert.ok(theirs!.items.length > 50)
      comparison.same(`${signal} ${yaml}`, ours!, theirs!)
    })
  }
  comparison.end()
})
