/** Bytes of batches end as soon as they may, which requests must not show (Exporter.returnsBytes). */

import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { batchOf } from '../../../core/component/batch.ts'
import { NO_CONTEXT } from '../../../core/component/contract.ts'
import { sendingChain } from '../../../core/component/sending.ts'
import { countItems } from '../../../core/otlp/walk.ts'
import { factory, type RemoteWriteConfig } from '../../../exporters/prometheus-remote-write/index.ts'
import { generate } from '../../kit/generate.ts'
import { lendTo, spoilWhatIsGivenBack } from '../../kit/lending.ts'
import { testSettings } from '../../kit/parts.ts'
import { readConfig } from '../../kit/read-config.ts'
import { type Received, RemoteWriteServer } from '../../kit/remote-write-server.ts'
import {
  at,
  attributes,
  counter,
  exponential,
  gauge,
  histogram,
  metricsRequest,
  point,
  until,
  VERSIONS,
} from './kit.ts'

const EXPIRATION_MS = 600_000

/** Points of the same series each time, with exemplars, and enough others for several requests of a batch. */
function points(nth: number): Uint8Array {
  const seconds = 10 * (nth + 1)
  const time = { timeUnixNano: at(seconds) }
  const exemplars = [
    {
      asDouble: 0.5,
      ...time,
      traceId: Buffer.alloc(16, nth + 1),
      filteredAttributes: attributes({ user: `u${nth}` }),
    },
  ]
  return metricsRequest(
    [
      { ...counter('requests', [point(seconds, nth, { exemplars })]), description: 'Requests.' },
      { ...histogram('duration', { ...time, exemplars }), unit: 's' },
      exponential('size', { ...time, exemplars }),
      ...Array.from({ length: 40 }, (_, n) =>
        gauge('room', n + nth, { room: `${n} ${'x'.repeat(50)}` }, time),
      ),
    ],
    { resource: { 'service.name': 'shop', zone: 'x' }, scope: { name: 'lib', version: '1' } },
  )
}

const REQUESTS = [0, 1, 2, 3, 4].flatMap(nth => [generate('metrics', nth % 3, 60).bytes, points(nth)])
/** After all that has expired. */
const LAST = metricsRequest([gauge('last', 1, {}, { timeUnixNano: at(100_000) })])

/**
 * Everything that a server took which is busy at first and each fifth time from then on. The first batches are sent one after
 * the other, so that an answer cannot change what is in requests; then all series expire and the last one comes.
 */
async function written(t: TestContext, config: object, clock: { skew: number }, lent: boolean) {
  const server = new RemoteWriteServer()
  const settings = testSettings('exporter', 'prometheus_remote_write')
  server.answer = (_, nth) =>
    nth < 3 || nth % 5 === 0
      ? { status: nth % 2 === 0 ? 503 : 429, headers: { 'retry-after': '0' } }
      : undefined
  const read = readConfig(factory.config, {
    endpoint: await server.listen(),
    retry_on_failure: { initial_interval: '1ms', max_interval: '5ms', max_elapsed_time: 0 },
    retry_on_http_429: true,
    max_batch_size_bytes: 3000,
    max_batch_request_parallelism: 2,
    metric_expiration: `${EXPIRATION_MS}ms`,
    send_metadata: true,
    ...config,
  }) as RemoteWriteConfig
  const chain = sendingChain(factory.create(read, settings, ['metrics']), factory.sending!(read), settings)
  const page = settings.account.of('metrics')
  const send = async (bytes: Uint8Array): Promise<void> => {
    const batch = batchOf('metrics', [bytes], countItems(bytes, 'metrics'))
    await (lent ? lendTo(chain, batch) : chain.consume(batch, NO_CONTEXT))
    await until('everything to be settled', () => page.held === 0)
  }
  await chain.start()
  t.after(async () => {
    await chain.stop(performance.now() + 5000)
    await server.close()
  })
  for (const bytes of REQUESTS) await send(bytes)
  clock.skew += 2 * EXPIRATION_MS
  await send(LAST)
  assert.deepEqual(server.problems, [])
  return {
    taken: server.requests
      .filter(({ status }) => status < 300)
      .map(contentOf)
      .sort(),
    refused: server.requests.filter(({ status }) => status >= 300).length,
    out: page.out,
    dropped: [...page.dropped].map(([reason, { items }]) => [reason, items]).sort(),
  }
}

const contentOf = ({ series, symbols, metadata }: Received): string =>
  JSON.stringify({ series, symbols, metadata })

for (const [version, config] of VERSIONS) {
  // Scenario: batches of several requests each to a server that answers 503 or 429 to some of them, the same series again and
  // again, and marks of all once they have expired. Once the bytes are kept, once they end as soon as they may.
  // Guarantees: the same requests are taken both times, with exemplars and metadata, and the same books; all bytes have ended.
  test(`remote write ${version} of bytes that end`, async t => {
    const now = performance.now.bind(performance)
    const clock = { skew: 0 }
    t.mock.method(performance, 'now', () => now() + clock.skew)
    const kept = await written(t, config, clock, false)
    const spoiled = spoilWhatIsGivenBack(t)
    const lent = await written(t, config, clock, true)
    assert.deepEqual(lent, kept)
    assert.equal(spoiled.buffers, REQUESTS.length + 1)
    const all = kept.taken.join('\n')
    for (const part of ['requests_total', 'Requests.', '"user":"u4"', 'duration_seconds_bucket', '"stale"'])
      assert.ok(all.includes(part), part)
    assert.ok(kept.refused > 5 && kept.taken.length > 2 * REQUESTS.length, `${kept.refused}`)
  })
}
