/** What it costs to count spans, and to hand on the series. */

import { Budget } from '../../connectors/spanmetrics/budget.ts'
import { config } from '../../connectors/spanmetrics/config.ts'
import { Counting } from '../../connectors/spanmetrics/counting.ts'
import { Flush } from '../../connectors/spanmetrics/flush.ts'
import { USUAL } from '../../connectors/spanmetrics/gates.ts'
import { encodeRequest } from '../../test/kit/proto.ts'
import { readConfig } from '../../test/kit/read-config.ts'
import { realisticTraces } from '../../test/kit/realistic.ts'
import type { Case } from './harness.ts'

const SPANS = 512
const SERIES = 10_000
const request = realisticTraces(SPANS, 1)
const NOW = { wall: 1_700_000_000_000, monotonic: 1 }

const OPTIONS: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  'no dimensions': {},
  'two dimensions': { dimensions: [{ name: 'http.route' }, { name: 'http.response.status_code' }] },
  'own dimensions of calls': { calls_dimensions: [{ name: 'http.route' }] },
  'exponential buckets': { histogram: { exponential: {} } },
  exemplars: { exemplars: { enabled: true } },
  glob: { dimensions: [{ glob: 'http.*' }] },
}

function counting(options: Readonly<Record<string, unknown>>) {
  const read = readConfig(config, options)
  const made = new Counting(read, USUAL, 'me', new Budget(0))
  return { read, made }
}

function manyNames(): Uint8Array {
  const spans = Array.from({ length: SERIES }, (_, i) => ({
    name: `GET /api/orders/${i}`,
    kind: 2,
    startTimeUnixNano: '1',
    endTimeUnixNano: String(i * 1_000_000),
  }))
  const resource = { attributes: [{ key: 'service.name', value: { stringValue: 'shop' } }] }
  return encodeRequest('traces', { resourceSpans: [{ resource, scopeSpans: [{ spans }] }] })
}

export const cases: readonly Case[] = [
  ...Object.entries(OPTIONS).map(([name, options]) => ({
    name: `count, ${name}`,
    items: SPANS,
    bytes: request.length,
    prepare() {
      const { made } = counting(options)
      return () => made.count(request, NOW)
    },
  })),
  {
    name: 'flush',
    items: SERIES,
    bytes: 0,
    prepare() {
      const { made, read } = counting({ aggregation_cardinality_limit: 0 })
      made.count(manyNames(), NOW)
      const flush = new Flush(read, USUAL, made)
      return () => {
        let bytes = 0
        for (const one of flush.requests(NOW.wall, NOW.monotonic)) bytes += one.bytes.length
        return bytes
      }
    },
  },
]
