/** Metrics requests shaped like what instrumented services send each ten seconds: for benchmarks and load. */

import { encodeRequest } from './proto.ts'
import { Random } from './random.ts'

type Plain = Record<string, unknown>

/** Stands where each time goes; `at` replaces it. */
const TIME = 0x7a7a_7a7a_7a7a_7a7an
const START = 1_760_000_000_000_000_000n
const BOUNDS = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10]
const ROUTES = [
  '/api/orders/{id}',
  '/api/cart',
  '/api/products/search',
  '/healthz',
  '/api/users/{id}/profile',
]

function text(key: string, stringValue: string): Plain {
  return { key, value: { stringValue } }
}

function int(key: string, intValue: number): Plain {
  return { key, value: { intValue } }
}

const times = { startTimeUnixNano: String(START), timeUnixNano: String(TIME) }

function http(i: number): Plain[] {
  return [
    text('http.request.method', ['GET', 'POST', 'PUT'][i % 3]!),
    text('http.route', ROUTES[i % 5]!),
    int('http.response.status_code', [200, 404, 500][i % 3]!),
    text('url.scheme', 'https'),
    text('network.protocol.version', '1.1'),
  ]
}

function metrics(random: Random, histograms: boolean): Plain[] {
  const points = (count: number, attributes: (i: number) => Plain[], value: (i: number) => Plain): Plain[] =>
    Array.from({ length: count }, (_, i) => ({ ...times, attributes: attributes(i), ...value(i) }))
  const asInt = (): Plain => ({ asInt: String(random.below(1_000_000_000)) })
  const asDouble = (): Plain => ({ asDouble: random.below(1_000_000_000) / 997 })
  const pool = (i: number): Plain[] => [
    text('jvm.memory.pool.name', `Pool ${i}`),
    text('jvm.memory.type', i % 2 === 0 ? 'heap' : 'non_heap'),
  ]
  const counter = (name: string, unit: string, dataPoints: Plain[]): Plain => ({
    name,
    unit,
    description: `What ${name} has counted so far.`,
    sum: { aggregationTemporality: 2, isMonotonic: true, dataPoints },
  })
  const gauge = (name: string, unit: string, dataPoints: Plain[]): Plain => ({
    name,
    unit,
    description: `What ${name} is now.`,
    gauge: { dataPoints },
  })
  const made = [
    counter('http.server.requests', '{request}', points(15, http, asInt)),
    counter('http.server.response.body.size', 'By', points(15, http, asInt)),
    gauge('jvm.memory.used', 'By', points(8, pool, asInt)),
    gauge('jvm.memory.committed', 'By', points(8, pool, asInt)),
    gauge(
      'system.cpu.utilization',
      '1',
      points(16, i => [int('cpu', i), text('cpu.mode', 'user')], asDouble),
    ),
    counter(
      'process.cpu.time',
      's',
      points(2, i => [text('cpu.mode', i === 0 ? 'user' : 'system')], asDouble),
    ),
    {
      name: 'db.client.connection.count',
      unit: '{connection}',
      sum: {
        aggregationTemporality: 2,
        dataPoints: points(4, i => [text('state', i % 2 === 0 ? 'idle' : 'used'), int('pool', i)], asInt),
      },
    },
  ]
  if (!histograms) return made
  const buckets = (): Plain => {
    const bucketCounts = [...BOUNDS, 0].map(() => random.below(10_000))
    const count = bucketCounts.reduce((sum, one) => sum + one)
    return {
      count: String(count),
      sum: count / 7,
      explicitBounds: BOUNDS,
      bucketCounts: bucketCounts.map(String),
    }
  }
  return [
    ...made,
    {
      name: 'http.server.request.duration',
      unit: 's',
      description: 'Duration of HTTP server requests.',
      histogram: { aggregationTemporality: 2, dataPoints: points(15, http, buckets) },
    },
  ]
}

export interface MetricsLoad {
  readonly points: number
  /** The same request with another time, ns since 1970. Writes into the bytes that it returned before. */
  at(nanos: bigint): Uint8Array
}

/**
 * One request of one instance of a service: 68 points of counters and gauges, and with `histograms` 15 more of 14 bounds.
 * Another `instance` makes other series.
 */
export function realisticMetrics(instance: number, histograms: boolean): MetricsLoad {
  const random = new Random(instance)
  const bytes = Buffer.from(
    encodeRequest('metrics', {
      resourceMetrics: [
        {
          resource: {
            attributes: [
              text('service.name', 'checkout'),
              text('service.namespace', 'shop'),
              text('service.instance.id', `8f4e2d1c-0b3a-4c59-9d68-${String(instance).padStart(12, '0')}`),
              text('service.version', '1.42.0'),
              text('k8s.pod.name', `checkout-7d9f8b6c5-${instance}`),
              text('k8s.namespace.name', 'shop'),
              text('host.name', `node-${instance % 7}`),
              text('telemetry.sdk.language', 'java'),
            ],
          },
          scopeMetrics: [
            {
              scope: { name: 'io.opentelemetry.runtime', version: '2.33.1' },
              metrics: metrics(random, histograms),
            },
          ],
        },
      ],
    }),
  )
  const mark = Buffer.alloc(8)
  mark.writeBigUInt64LE(TIME)
  const places: number[] = []
  for (let at = bytes.indexOf(mark); at !== -1; at = bytes.indexOf(mark, at + 8)) places.push(at)
  return {
    points: places.length,
    at(nanos) {
      for (const place of places) bytes.writeBigUInt64LE(nanos, place)
      return bytes
    },
  }
}
