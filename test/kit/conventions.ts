/**
 * Every metric of the semantic conventions as OTLP, and the names under which docs/prometheus-names.md promises them to
 * users. For whoever sends metrics to a Prometheus, by whatever way.
 */

import { readFileSync } from 'node:fs'
import { type Convention, conventions } from '../../gateway/conventions.ts'
import { encodeRequest } from './proto.ts'

export interface DocumentedMetric {
  readonly family: string
  /** As the application calls it. */
  readonly metric: string
  readonly instrument: string
  readonly unit: string
  /** As Prometheus is to have it, without what a histogram appends. */
  readonly name: string
  readonly type: 'counter' | 'gauge' | 'histogram'
}

const ROW = /^\| `([^`]+)` \| (\w+) \| `([^`]+)` \| `([^`]+)` \| (\w+) \|/

/** The rows of the page, in its order. */
export function documentedMetrics(): DocumentedMetric[] {
  const page = readFileSync(new URL('../../docs/prometheus-names.md', import.meta.url), 'utf8')
  const found: DocumentedMetric[] = []
  let family = ''
  for (const line of page.split('\n')) {
    if (line.startsWith('## ')) family = line.slice(3)
    const row = ROW.exec(line)
    if (row === null) continue
    const [, metric, instrument, unit, name, type] = row as unknown as [
      string,
      string,
      string,
      string,
      string,
      DocumentedMetric['type'],
    ]
    found.push({ family, metric, instrument, unit, name, type })
  }
  return found
}

/** The value that `conventionRequest` gives to a metric: another one for each. A histogram has it as its sum. */
export function conventionValue(metric: string): number {
  return conventions().findIndex(({ name }) => name === metric) + 1
}

/** One cumulative point of each, as the SDK of one service would send them. `time` in nanoseconds since 1970. */
export function conventionRequest(time = 1_700_000_000_000_000_000n): Uint8Array {
  const text = (key: string, value: string) => ({ key, value: { stringValue: value } })
  return encodeRequest('metrics', {
    resourceMetrics: [
      {
        resource: { attributes: [text('service.name', 'conventions'), text('service.instance.id', 'one')] },
        scopeMetrics: [
          { scope: { name: 'conventions' }, metrics: conventions().map(one => metricOf(one, time)) },
        ],
      },
    ],
  })
}

function metricOf({ name, unit, instrument }: Convention, time: bigint): object {
  const value = conventionValue(name)
  const point = { startTimeUnixNano: String(time - 1_000_000_000n), timeUnixNano: String(time) }
  const number = { dataPoints: [{ ...point, asDouble: value }] }
  if (instrument === 'gauge') return { name, unit, gauge: number }
  if (instrument !== 'histogram')
    return {
      name,
      unit,
      sum: { ...number, aggregationTemporality: 2, isMonotonic: instrument === 'counter' },
    }
  const histogram = { ...point, count: 3, sum: value, bucketCounts: [1, 2], explicitBounds: [10] }
  return { name, unit, histogram: { dataPoints: [histogram], aggregationTemporality: 2 } }
}
