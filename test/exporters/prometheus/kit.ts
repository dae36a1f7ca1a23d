/** A prometheus exporter on a port of its own, what it is sent and what its page says. */

import type { TestContext } from 'node:test'
import { batchOf } from '../../../core/component/batch.ts'
import { NO_CONTEXT, type SendResult } from '../../../core/component/contract.ts'
import type { ServerAuthenticator } from '../../../core/component/extensions.ts'
import { countItems } from '../../../core/otlp/walk.ts'
import { factory } from '../../../exporters/prometheus/index.ts'
import { testSettings } from '../../kit/parts.ts'
import { encodeRequest } from '../../kit/proto.ts'
import { readConfig } from '../../kit/read-config.ts'

type Plain = Record<string, unknown>

/** Nanoseconds, from seconds. */
export const at = (seconds: number): string => String(BigInt(Math.round(seconds * 1e9)))

export const attributes = (from: Readonly<Record<string, string>>): Plain[] =>
  Object.entries(from).map(([key, value]) => ({ key, value: { stringValue: value } }))

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

export interface Scraped {
  readonly status: number
  readonly headers: Headers
  readonly body: string
  readonly bytes: Uint8Array
  /** Lines that are samples, without scope labels that say nothing. */
  readonly samples: readonly string[]
}

/** `authenticator` runs under the id that the config names. */
export async function started(t: TestContext, config: Plain = {}, authenticator?: ServerAuthenticator) {
  const settings = testSettings('exporter', 'prometheus')
  if (authenticator !== undefined) {
    const extension = { ...authenticator, start: async () => {}, stop: async () => {} }
    settings.host.extensions.set('basicauth', extension)
  }
  const own = readConfig(factory.config, {
    endpoint: '127.0.0.1:0',
    without_scope_info: true,
    ...config,
  } as Parameters<typeof readConfig>[1])
  const exporter = factory.create(own, settings, ['metrics'])
  await exporter.start()
  t.after(() => exporter.stop(0))
  const address = exporter.addresses!.get('http')!
  return {
    exporter,
    settings,
    address,
    send: (metrics: readonly Plain[], from?: From): Promise<SendResult> => {
      const chunk = metricsRequest(metrics, from)
      return exporter.send(batchOf('metrics', [chunk], countItems(chunk, 'metrics')), NO_CONTEXT)
    },
    async scrape(headers: Record<string, string> = {}, path = '/metrics'): Promise<Scraped> {
      const answer = await fetch(`http://${address}${path}`, { headers })
      const bytes = new Uint8Array(await answer.arrayBuffer())
      const body = Buffer.from(bytes).toString()
      const samples = body.split('\n').filter(line => line !== '' && !line.startsWith('#'))
      return { status: answer.status, headers: answer.headers, body, bytes, samples }
    },
  }
}

/** Reasons and how many points each took. */
export function lost({ rejected = [] }: SendResult): Record<string, number> {
  return Object.fromEntries(rejected.map(({ reason, items }) => [reason, items]))
}
