/** Metrics of every kind for the prometheus exporter, as requests one after another. */

import { encodeRequest } from '../kit/proto.ts'
import { Random } from '../kit/random.ts'

type Plain = Record<string, unknown>

/** Seconds after a fixed moment, as OTLP has times. */
export const at = (seconds: number): string =>
  String(1_700_000_000_000_000_000n + BigInt(Math.round(seconds * 1e9)))

const text = (key: string, value: string): Plain => ({ key, value: { stringValue: value } })

export function attributes(from: Readonly<Record<string, unknown>>): Plain[] {
  return Object.entries(from).map(([key, value]) => {
    if (typeof value === 'string') return text(key, value)
    if (typeof value === 'boolean') return { key, value: { boolValue: value } }
    if (typeof value === 'number') {
      return { key, value: Number.isInteger(value) ? { intValue: String(value) } : { doubleValue: value } }
    }
    return { key, value }
  })
}

const RESOURCE = {
  'service.name': 'shop',
  'service.namespace': 'web',
  'service.instance.id': 'i-1',
  'host.name': 'h"1\\\n',
  'k8s.pod.name': 'pod-1',
  'process.pid': 4711,
}

export interface Part {
  readonly resource?: Readonly<Record<string, unknown>>
  readonly scope?: Plain
  readonly schemaUrl?: string
  readonly metrics: readonly Plain[]
}

export function request(...parts: readonly Part[]): Uint8Array {
  return encodeRequest('metrics', {
    resourceMetrics: parts.map(({ resource = RESOURCE, scope, schemaUrl = '', metrics }) => ({
      resource: { attributes: attributes(resource) },
      scopeMetrics: [{ ...(scope === undefined ? {} : { scope }), schemaUrl, metrics }],
    })),
  })
}

const EXEMPLARS = [
  {
    asDouble: 0.3,
    timeUnixNano: at(9.25),
    traceId: Buffer.from('0af7651916cd43dd8448eb211c80319c', 'hex'),
    spanId: Buffer.from('b7ad6b7169203331', 'hex'),
    filteredAttributes: [text('user', 'ann')],
  },
  { asInt: '70', timeUnixNano: at(9.5), traceId: Buffer.from('0af7651916cd43dd8448eb211c80319d', 'hex') },
  { asDouble: 9e9, timeUnixNano: at(9.75), spanId: Buffer.from('b7ad6b7169203332', 'hex') },
]

const times = { startTimeUnixNano: at(0), timeUnixNano: at(10) }
const gauge = (name: string, value: Plain, more: Plain = {}, own: Plain = {}): Plain => ({
  name,
  gauge: { dataPoints: [{ ...times, ...value, ...own }] },
  ...more,
})
const VALUES = [
  0,
  -0,
  1,
  -1,
  0.1,
  1e6,
  999_999,
  1_234_567.5,
  1e-4,
  9.999e-5,
  1e21,
  5e-324,
  1.7976931348623157e308,
  NaN,
  Infinity,
  -Infinity,
  123_456_789,
]
const histogram = {
  count: '6',
  sum: 180.5,
  explicitBounds: [0.5, 100, 1e6],
  bucketCounts: ['1', '3', '1', '1'],
}
const exponential = {
  ...times,
  count: '13',
  sum: 99.5,
  scale: 3,
  zeroCount: '2',
  positive: { offset: -2, bucketCounts: ['1', '0', '0', '0', '4'] },
  negative: { offset: 5, bucketCounts: ['6'] },
  exemplars: EXEMPLARS,
}

/** Every kind, number, label and name, in one request. */
const KINDS = request(
  {
    scope: { name: 'lib', version: '1.2.3', attributes: attributes({ 'scope.kind': 'x', name: 'ignored' }) },
    schemaUrl: 'https://opentelemetry.io/schemas/1.43.0',
    metrics: [
      ...VALUES.map((value, i) =>
        gauge(`value.${i}`, { asDouble: value }, { description: 'A "value"\\\nof many' }),
      ),
      gauge('big.int', { asInt: '9007199254740993' }, { unit: 'By' }),
      gauge('share', { asDouble: 0.25 }, { unit: '1' }),
      gauge(
        'labels',
        { asInt: '1' },
        {},
        {
          attributes: attributes({
            'a.b': 'x',
            '1st': true,
            double: 1.5,
            int: 42,
            ünï: 'ü',
            list: { arrayValue: { values: [{ intValue: '1' }, { stringValue: 'a' }] } },
            map: { kvlistValue: { values: [text('k', 'v')] } },
            bytes: { bytesValue: Buffer.from('hi') },
            empty: '',
            quotes: 'a"b\\c\nd',
          }),
        },
      ),
      {
        name: 'requests',
        unit: '{request}',
        description: 'Requests.',
        sum: {
          aggregationTemporality: 2,
          isMonotonic: true,
          dataPoints: ['GET', 'POST'].map((method, i) => ({
            ...times,
            asInt: String(i * 3_000_000 + 7),
            attributes: attributes({ method, code: 200 + i }),
            exemplars: i === 0 ? EXEMPLARS : [],
          })),
        },
      },
      {
        name: 'queue.size',
        sum: { aggregationTemporality: 2, dataPoints: [{ ...times, asDouble: -3.5 }] },
      },
      {
        name: 'kinds.request.duration',
        unit: 's',
        description: 'Duration.',
        histogram: {
          aggregationTemporality: 2,
          dataPoints: [
            { ...times, ...histogram, exemplars: EXEMPLARS },
            {
              ...times,
              ...histogram,
              sum: undefined,
              startTimeUnixNano: '0',
              attributes: attributes({ no: 'sum' }),
            },
            { ...times, count: '4', sum: 1, attributes: attributes({ no: 'buckets' }) },
            {
              ...times,
              count: '4',
              sum: 1,
              explicitBounds: [5, 1, 5],
              bucketCounts: ['1', '1', '1', '1'],
              attributes: attributes({ odd: 'bounds' }),
            },
          ],
        },
      },
      {
        name: 'native',
        unit: 'By',
        exponentialHistogram: { aggregationTemporality: 2, dataPoints: [exponential] },
      },
      {
        name: 'native.fine',
        exponentialHistogram: {
          aggregationTemporality: 2,
          dataPoints: [
            {
              ...exponential,
              scale: 10,
              zeroThreshold: 0.001,
              startTimeUnixNano: at(1),
              positive: {
                offset: -3,
                bucketCounts: ['1', '1', '1', '1', '1', '0', '0', '0', '0', '0', '0', '0', '0'],
              },
            },
          ],
        },
      },
      {
        name: 'rpc.latency',
        summary: {
          dataPoints: [
            {
              ...times,
              count: '10',
              sum: 55.5,
              quantileValues: [
                { quantile: 1, value: 9 },
                { quantile: 0.5, value: 5 },
                { quantile: 0.99, value: NaN },
              ],
            },
            { ...times, attributes: attributes({ no: 'quantiles' }) },
          ],
        },
      },
    ],
  },
  {
    resource: { 'service.name': 'alone', 'x.y': 1 },
    metrics: [gauge('share', { asDouble: 2 }, { unit: '1' })],
  },
  { resource: {}, metrics: [gauge('orphan', { asDouble: 2 })] },
  {
    resource: { 'service.name': 'shop', 'service.instance.id': 'i-2', 'a.b': '1' },
    metrics: [gauge('orphan', { asDouble: 3 })],
  },
)

const delta = (from: number, to: number, own: Plain, labels: Plain = {}): Plain => ({
  startTimeUnixNano: at(from),
  timeUnixNano: at(to),
  attributes: attributes(labels),
  ...own,
})

const DELTAS: readonly Plain[][] = [
  [delta(0, 10, {}), delta(10, 20, {}), delta(20, 30, {})],
  [delta(0, 10, {}, { gap: true }), delta(15, 20, {}, { gap: true })],
]

function deltaRequest(step: number): Uint8Array | undefined {
  const points = DELTAS.map(series => series[step]).filter(point => point !== undefined)
  if (points.length === 0) return undefined
  const each = (own: Plain): Plain[] => points.map(point => ({ ...point, ...own }))
  return request({
    metrics: [
      {
        name: 'delta.ints',
        sum: {
          aggregationTemporality: 1,
          isMonotonic: true,
          dataPoints: each({ asInt: '9007199254740993' }),
        },
      },
      {
        name: 'delta.doubles',
        sum: { aggregationTemporality: 1, isMonotonic: true, dataPoints: each({ asDouble: 0.1 }) },
      },
      { name: 'delta.histogram', histogram: { aggregationTemporality: 1, dataPoints: each(histogram) } },
      {
        name: 'delta.other.bounds',
        histogram: {
          aggregationTemporality: 1,
          dataPoints: each(step < 2 ? histogram : { ...histogram, explicitBounds: [1, 2, 3] }),
        },
      },
      {
        name: 'delta.native',
        exponentialHistogram: {
          aggregationTemporality: 1,
          dataPoints: each({
            ...exponential,
            startTimeUnixNano: undefined,
            timeUnixNano: undefined,
            exemplars: [],
          }).map((point, i) => ({
            ...point,
            ...times,
            startTimeUnixNano: points[i]!['startTimeUnixNano'],
            timeUnixNano: points[i]!['timeUnixNano'],
          })),
        },
      },
      { name: 'delta.updown', sum: { aggregationTemporality: 1, dataPoints: each({ asInt: '5' }) } },
    ],
  })
}

const point = (name: string, seconds: number, value: number, own: Plain = {}): Plain => ({
  name,
  gauge: { dataPoints: [{ timeUnixNano: at(seconds), asDouble: value, ...own }] },
})

/** A later value, an older one, one of the same time, a staleness mark. */
const CHANGES = [
  request({
    metrics: [point('late', 10, 1), point('same', 10, 1), point('gone', 10, 1), point('back', 10, 1)],
  }),
  request({
    metrics: [
      point('late', 5, 2),
      point('same', 10, 2),
      point('gone', 11, 0, { flags: 1 }),
      point('back', 11, 0, { flags: 1 }),
    ],
  }),
  request({ metrics: [point('back', 5, 7)] }),
]

const CODES = ['200', '404', '500']
const ROUTES = ['/', '/cart', '/pay/{id}', '日本語', 'a\nb']

/** Many series with values made up anew for each seed. */
function many(name: string, seed: number): Uint8Array {
  const random = new Random(seed)
  const number = (below: number): number => random.below(below)
  const labelled = (make: () => Plain): Plain[] =>
    CODES.flatMap(code =>
      ROUTES.map(route => ({ ...times, ...make(), attributes: attributes({ 'http.route': route, code }) })),
    )
  const counts = (): Plain => {
    const bucketCounts = [0, 1, 2, 3].map(() => number(1000))
    return {
      count: String(bucketCounts.reduce((a, b) => a + b)),
      sum: number(1e9) / 7,
      explicitBounds: [0.005, 2.5, 1e7],
      bucketCounts: bucketCounts.map(String),
    }
  }
  return request({
    scope: { name: `made up ${seed}` },
    metrics: [
      ...[...'abcd'].map(letter => ({
        name: `${name}.gauge.${letter}`,
        unit: ['s', 'By/s', '{x}', '1'][letter.charCodeAt(0) - 97],
        gauge: { dataPoints: labelled(() => ({ asDouble: (number(2e9) - 1e9) * 10 ** (number(30) - 15) })) },
      })),
      {
        name: `${name}.counter`,
        sum: {
          aggregationTemporality: 2,
          isMonotonic: true,
          dataPoints: labelled(() => ({ asInt: String(number(2 ** 31)) })),
        },
      },
      { name: `${name}.histogram`, histogram: { aggregationTemporality: 2, dataPoints: labelled(counts) } },
    ],
  })
}

/** In the order to send them in. */
export function prometheusRequests(seed: number): Uint8Array[] {
  return [
    KINDS,
    ...[0, 1, 2].map(deltaRequest).filter(one => one !== undefined),
    ...CHANGES,
    many('made', seed),
    many('more', seed + 1),
  ]
}
