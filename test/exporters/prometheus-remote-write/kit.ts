/**
 * A prometheus_remote_write exporter in its sending chain, and a receiver of ours behind it. When a test is over, something
 * must have been sent, the receiver must have been able to read all of it, and the books must balance.
 */

import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { batchOf } from '../../../core/component/batch.ts'
import type { Receipt } from '../../../core/component/outcome.ts'
import { sendingChain } from '../../../core/component/sending.ts'
import { countItems } from '../../../core/otlp/walk.ts'
import { factory, type RemoteWriteConfig } from '../../../exporters/prometheus-remote-write/index.ts'
import type { ManualClock } from '../../kit/clock.ts'
import { consumeAsEdge } from '../../kit/exporter.ts'
import { testSettings } from '../../kit/parts.ts'
import { encodeRequest } from '../../kit/proto.ts'
import { readConfig } from '../../kit/read-config.ts'
import type { ReadSeries } from '../../kit/remote-write.ts'
import { RemoteWriteServer } from '../../kit/remote-write-server.ts'

export type Plain = Record<string, unknown>

export const V2 = { protobuf_message: 'io.prometheus.write.v2.Request' } as const
export const VERSIONS: readonly (readonly [version: 1 | 2, config: Plain])[] = [
  [1, {}],
  [2, V2],
]

/** Nanoseconds, from seconds. */
export const at = (seconds: number): string => String(BigInt(Math.round(seconds * 1e9)))

export const attributes = (from: Readonly<Record<string, string>>): Plain[] =>
  Object.entries(from).map(([key, value]) => ({ key, value: { stringValue: value } }))

export const gauge = (
  name: string,
  value: number,
  labels: Readonly<Record<string, string>> = {},
  own: Plain = {},
): Plain => ({
  name,
  gauge: { dataPoints: [{ asDouble: value, timeUnixNano: at(10), attributes: attributes(labels), ...own }] },
})

export const counter = (name: string, points: readonly Plain[], temporality = 2): Plain => ({
  name,
  sum: { isMonotonic: true, aggregationTemporality: temporality, dataPoints: points },
})

export const point = (seconds: number, value: number, own: Plain = {}): Plain => ({
  startTimeUnixNano: at(1),
  timeUnixNano: at(seconds),
  asInt: String(value),
  ...own,
})

export const histogram = (name: string, own: Plain = {}, temporality = 2): Plain => ({
  name,
  histogram: {
    aggregationTemporality: temporality,
    dataPoints: [
      {
        startTimeUnixNano: at(1),
        timeUnixNano: at(10),
        count: '6',
        sum: 3.5,
        explicitBounds: [1, 2.5],
        bucketCounts: ['1', '2', '3'],
        ...own,
      },
    ],
  },
})

export const exponential = (name: string, own: Plain = {}): Plain => ({
  name,
  exponentialHistogram: {
    aggregationTemporality: 2,
    dataPoints: [
      {
        startTimeUnixNano: at(1),
        timeUnixNano: at(10),
        count: '6',
        sum: 3.5,
        scale: 2,
        zeroCount: '1',
        positive: { offset: 3, bucketCounts: ['2', '0', '0', '0', '3'] },
        ...own,
      },
    ],
  },
})

export interface From {
  readonly resource?: Readonly<Record<string, string>>
  readonly scope?: Plain
}

export function metricsRequest(
  metrics: readonly Plain[],
  { resource = {}, scope = {} }: From = {},
): Uint8Array {
  return encodeRequest('metrics', {
    resourceMetrics: [{ resource: { attributes: attributes(resource) }, scopeMetrics: [{ scope, metrics }] }],
  })
}

export interface Options {
  /** The test turns the clock of retries by hand. */
  readonly clock?: ManualClock
  /** The test sends nothing, and says so. */
  readonly nothingSent?: boolean
  /** Instead of our receiver's. */
  readonly endpoint?: string
}

/** Condition for condition, never a time; fails after half a minute. */
export async function until(what: string, condition: () => boolean): Promise<void> {
  for (let tries = 0; !condition(); tries++) {
    if (tries > 15_000) throw new Error(`waited in vain for ${what}`)
    await sleep(2)
  }
}

export async function started(t: TestContext, config: Plain = {}, options: Options = {}) {
  const server = new RemoteWriteServer()
  const endpoint = options.endpoint ?? (await server.listen())
  const settings = testSettings('exporter', 'prometheus_remote_write')
  const own = readConfig(factory.config, {
    endpoint,
    retry_on_failure: { initial_interval: '1ms', max_interval: '5ms', max_elapsed_time: '20s' },
    ...config,
  }) as RemoteWriteConfig
  const exporter = factory.create(own, settings, ['metrics'])
  const { clock } = options
  const chain = sendingChain(
    exporter,
    factory.sending!(own),
    settings,
    clock === undefined ? { signals: ['metrics'] } : { signals: ['metrics'], clock, random: () => 0.5 },
  )
  await chain.start()
  const page = settings.account.of('metrics')
  const stop = (): Promise<void> => chain.stop(clock === undefined ? performance.now() + 5_000 : clock.now())
  const settled = (): Promise<void> => until('everything to be settled', () => page.held === 0)
  t.after(async () => {
    await stop()
    await server.close()
    assert.deepEqual(server.problems, [])
    assert.equal(settings.account.imbalance('metrics'), 0)
    if (options.nothingSent !== true) assert.ok(server.requests.length > 0, 'nothing was sent')
  })
  const offer = (metrics: readonly Plain[], from?: From): Promise<Receipt> => {
    const chunk = metricsRequest(metrics, from)
    const batch = batchOf('metrics', [chunk], countItems(chunk, 'metrics'))
    return consumeAsEdge(chain, settings.account, batch)
  }
  return {
    server,
    settings,
    exporter,
    page,
    stop,
    settled,
    /** Hands a request to the queue. */
    offer,
    /** The same, and waits until the server has answered for the last time. */
    async send(metrics: readonly Plain[], from?: From): Promise<void> {
      await offer(metrics, from)
      await settled()
    },
    /** The one series of this name that was taken. */
    one(name: string): ReadSeries {
      const found = [...server.taken()].filter(([key]) => key.startsWith(`${name}{`))
      assert.equal(found.length, 1, `${name}: ${found.map(([key]) => key)}`)
      return found[0]![1]
    },
    dropped: (): Record<string, number> =>
      Object.fromEntries([...page.dropped].map(([reason, { items }]) => [reason, items])),
  }
}
