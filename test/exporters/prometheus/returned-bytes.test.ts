/** Bytes of batches end as soon as they may, which pages must not show (Exporter.returnsBytes). */

import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { batchOf } from '../../../core/component/batch.ts'
import { NO_CONTEXT } from '../../../core/component/contract.ts'
import { sendingChain } from '../../../core/component/sending.ts'
import { countItems } from '../../../core/otlp/walk.ts'
import { factory } from '../../../exporters/prometheus/index.ts'
import { generate } from '../../kit/generate.ts'
import { lendTo, spoilWhatIsGivenBack } from '../../kit/lending.ts'
import { testSettings } from '../../kit/parts.ts'
import { OPEN_METRICS, PROTOBUF } from '../../kit/prometheus-page.ts'
import { readConfig } from '../../kit/read-config.ts'
import { at, attributes, counter, gauge, metricsRequest } from './kit.ts'

const EXPIRATION_MS = 300_000

/** Deltas that go on where those before ended, with exemplars. */
function deltas(nth: number): Uint8Array {
  const window = { startTimeUnixNano: at(10 * nth), timeUnixNano: at(10 * (nth + 1)) }
  const exemplars = [{ asDouble: 0.5, timeUnixNano: at(10 * nth), traceId: Buffer.alloc(16, nth + 1) }]
  const labels = attributes({ path: '/cart', method: 'GET' })
  const buckets = { explicitBounds: [1, 2], bucketCounts: ['1', '2', '3'], count: '6', sum: 9 }
  const dataPoints = [{ ...window, attributes: labels, ...buckets, exemplars }]
  return metricsRequest(
    [
      counter('requests', [{ asInt: '7', ...window, attributes: labels, exemplars }], 1),
      { name: 'duration', unit: 's', histogram: { aggregationTemporality: 1, dataPoints } },
      gauge('temperature', 20 + nth, { room: 'kitchen' }, { timeUnixNano: window.timeUnixNano }),
    ],
    { resource: { 'service.name': 'shop', zone: 'x' }, scope: { name: 'lib', version: '1' } },
  )
}

/** The same series come again and again, among others that only one request has. */
const REQUESTS = [0, 1, 2, 3, 4].flatMap(nth => [generate('metrics', nth % 3, 60).bytes, deltas(nth)])

/** The page in all its forms: with half of the requests, with all, once all series are gone, and with the last ones anew. */
async function pages(t: TestContext, clock: { skew: number }, lent: boolean): Promise<string[]> {
  const settings = testSettings('exporter', 'prometheus')
  const config = readConfig(factory.config, {
    endpoint: '127.0.0.1:0',
    enable_open_metrics: true,
    send_timestamps: true,
    resource_to_telemetry_conversion: { enabled: true },
    metric_expiration: '5m',
  })
  const exporter = factory.create(config, settings, ['metrics'])
  const chain = sendingChain(exporter, factory.sending!(config), settings)
  await chain.start()
  t.after(() => chain.stop(performance.now() + 1000))
  const send = async (requests: readonly Uint8Array[]): Promise<void> => {
    for (const bytes of requests) {
      const batch = batchOf('metrics', [bytes], countItems(bytes, 'metrics'))
      // Some points cannot be shown, which is not what this is about.
      await (lent ? lendTo(chain, batch) : chain.consume(batch, NO_CONTEXT)).catch(() => undefined)
    }
  }
  const found: string[] = []
  const scrape = async (): Promise<void> => {
    for (const accept of ['text/plain', `${OPEN_METRICS};escaping=allow-utf-8`, PROTOBUF]) {
      const url = `http://${exporter.addresses!.get('http')}/metrics`
      const answer = await fetch(url, { headers: { accept, connection: 'close' } })
      found.push(Buffer.from(await answer.arrayBuffer()).toString('latin1'))
    }
  }
  const half = REQUESTS.length / 2
  await send(REQUESTS.slice(0, half))
  await scrape()
  await send(REQUESTS.slice(half))
  await scrape()
  clock.skew += 2 * EXPIRATION_MS
  await scrape()
  await send(REQUESTS.slice(half))
  await scrape()
  return found
}

// Scenario: requests with all that OTLP has, deltas and exemplars among them; pages are read in between, after all series
// have expired, and after some have come again. Once the bytes are kept, once they end as soon as they may.
// Guarantees: the same pages both times; all bytes have ended.
test('pages of bytes that end', async t => {
  const now = performance.now.bind(performance)
  const clock = { skew: 0 }
  t.mock.method(performance, 'now', () => now() + clock.skew)
  const kept = await pages(t, clock, false)
  const spoiled = spoilWhatIsGivenBack(t)
  const lent = await pages(t, clock, true)
  assert.deepEqual(lent, kept)
  assert.equal(spoiled.buffers, 1.5 * REQUESTS.length)
  assert.match(kept[3]!, /requests_total\{.*path="\/cart".*\} 35 /)
  assert.match(kept[4]!, /trace_id="05/)
  assert.equal(kept[6], '')
  assert.match(kept[9]!, /requests_total\{/)
})
