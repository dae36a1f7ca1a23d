/** Metrics at which senders of remote write may come apart, each under names of its own. */

import { at, attributes, type Part, request } from './prometheus-input.ts'

type Plain = Record<string, unknown>

const times = { startTimeUnixNano: at(0), timeUnixNano: at(10) }
const RESOURCE = { 'service.name': 's', 'service.instance.id': 'i' }

const gauge = (name: string, labels: Readonly<Record<string, unknown>> = {}, own: Plain = {}): Plain => ({
  name,
  gauge: { dataPoints: [{ ...times, asDouble: 1, attributes: attributes(labels), ...own }] },
})
const histogram = (name: string, own: Plain, labels: Readonly<Record<string, unknown>> = {}): Plain => ({
  name,
  histogram: {
    aggregationTemporality: 2,
    dataPoints: [
      {
        ...times,
        count: '6',
        sum: 3,
        explicitBounds: [1, 2],
        bucketCounts: ['1', '2', '3'],
        attributes: attributes(labels),
        ...own,
      },
    ],
  },
})
const exponential = (name: string, own: Plain): Plain => ({
  name,
  exponentialHistogram: {
    aggregationTemporality: 2,
    dataPoints: [
      { ...times, count: '3', sum: 3, scale: 0, positive: { offset: 0, bucketCounts: ['1', '2'] }, ...own },
    ],
  },
})
const monotonic = (name: string, points: readonly Plain[]): Plain => ({
  name,
  sum: { aggregationTemporality: 2, isMonotonic: true, dataPoints: points },
})
const exemplar = (own: Plain): Plain => ({ asDouble: 5, timeUnixNano: at(5), ...own })
const TRACE = Buffer.from('0af7651916cd43dd8448eb211c80319c', 'hex')

/** Names begin with the case's own, in letters that no rule changes. */
export const ODD: Readonly<Record<string, readonly Part[]>> = {
  odd_labels: [
    {
      metrics: [
        gauge('odd_labels', {
          _a: '1',
          'b..c': '2',
          '9': '3',
          __d__: '4',
          __e: '5',
          'f-_-g': '6',
          ü: '7',
          'h.': '8',
          empty: '',
        }),
      ],
    },
  ],
  joined_labels: [{ metrics: [gauge('joined_labels', { 'a.b': '1', a_b: '2', 'a-b': '2', 'a/b': '1' })] }],
  same_values: [{ metrics: [gauge('same_values', { 'a.b': '1', a_b: '1' })] }],
  underscores: [{ metrics: [gauge('underscores_a', { _: '1' }), gauge('underscores_b', { '..': '1' })] }],
  own_labels: [
    { metrics: [gauge('own_labels', { job: 'mine', instance: 'mine', otel_scope_name: 'mine' })] },
  ],
  no_instance: [{ resource: { 'service.name': 'only', a: 'b' }, metrics: [gauge('no_instance')] }],
  no_name: [{ resource: { 'service.instance.id': 'only', a: 'c' }, metrics: [gauge('no_name')] }],
  empty_name: [
    { resource: { 'service.name': '', 'service.namespace': 'n', a: 'd' }, metrics: [gauge('empty_name')] },
  ],
  empty_namespace: [
    {
      resource: { 'service.name': 'n', 'service.namespace': '', a: 'e' },
      metrics: [gauge('empty_namespace')],
    },
  ],
  scopes: [
    {
      scope: { name: '', version: '1', attributes: attributes({ 'x..y': '1', _z: '2', name: 'no' }) },
      schemaUrl: 'https://x',
      metrics: [gauge('scopes')],
    },
  ],
  types: [
    {
      metrics: [
        { ...gauge('types_unknown'), metadata: attributes({ 'prometheus.type': 'unknown' }) },
        {
          name: 'types_info',
          metadata: attributes({ 'prometheus.type': 'info' }),
          sum: { aggregationTemporality: 2, dataPoints: [{ ...times, asInt: '1' }] },
        },
        {
          name: 'types_stateset',
          metadata: attributes({ 'prometheus.type': 'stateset' }),
          sum: { aggregationTemporality: 2, dataPoints: [{ ...times, asInt: '1' }] },
        },
        { ...gauge('types_unit'), unit: 'By/s', description: 'Help.' },
        { ...gauge('types_odd_unit'), unit: '_a b_' },
      ],
    },
  ],
  stale_numbers: [{ metrics: [gauge('stale_numbers', {}, { flags: 1 })] }],
  stale_histogram: [
    {
      metrics: [
        histogram('stale_histogram', { flags: 1, count: '0', sum: 0, bucketCounts: ['0', '0', '0'] }),
      ],
    },
  ],
  stale_summary: [
    {
      metrics: [
        {
          name: 'stale_summary',
          summary: { dataPoints: [{ ...times, flags: 1, quantileValues: [{ quantile: 0.5, value: 0 }] }] },
        },
      ],
    },
  ],
  stale_native: [
    { metrics: [exponential('stale_native', { flags: 1, count: '0', sum: 0, positive: undefined })] },
  ],
  no_value: [{ metrics: [gauge('no_value', {}, { asDouble: undefined })] }],
  not_finite: [
    {
      metrics: [
        gauge('not_finite_a', {}, { asDouble: NaN }),
        gauge('not_finite_b', {}, { asDouble: -Infinity }),
      ],
    },
  ],
  late_points: [
    {
      metrics: [
        {
          name: 'late_points',
          gauge: {
            dataPoints: [30, 10, 20, 40].map(seconds => ({ timeUnixNano: at(seconds), asDouble: seconds })),
          },
        },
      ],
    },
  ],
  twice_the_same: [
    {
      metrics: [
        {
          name: 'twice_the_same',
          gauge: { dataPoints: [10, 10, 20].map(seconds => ({ timeUnixNano: at(seconds), asDouble: 7 })) },
        },
      ],
    },
  ],
  infinite_bound: [
    {
      metrics: [
        histogram('infinite_bound', { explicitBounds: [1, Infinity], bucketCounts: ['1', '5', '0'] }),
      ],
    },
  ],
  more_bounds: [
    { metrics: [histogram('more_bounds', { explicitBounds: [1, 2, 3, 4], bucketCounts: ['1', '2'] })] },
  ],
  native_sizes: [
    {
      metrics: [
        exponential('native_sizes_a', {
          count: '9',
          scale: 12,
          positive: { offset: -40, bucketCounts: ['1', ...new Array(60).fill('0'), '2', '0', '0', '0', '3'] },
          negative: { offset: -1, bucketCounts: ['1', '2'] },
        }),
        exponential('native_sizes_b', { scale: -4 }),
        exponential('native_sizes_c', { scale: -5 }),
        exponential('native_sizes_d', { sum: undefined, zeroThreshold: 0.5, zeroCount: '1', count: '4' }),
      ],
    },
  ],
  exemplars_long: [
    {
      metrics: [
        monotonic('exemplars_long', [
          {
            ...times,
            asInt: '1',
            exemplars: [
              exemplar({ traceId: TRACE, filteredAttributes: attributes({ long: 'x'.repeat(120) }) }),
              exemplar({
                asDouble: undefined,
                asInt: '7',
                timeUnixNano: at(6),
                filteredAttributes: attributes({ a: 1 }),
              }),
            ],
          },
        ]),
      ],
    },
  ],
  // What follows is listed in differences.ts.
  conflicting_values: [
    {
      metrics: [
        {
          name: 'conflicting_values',
          gauge: { dataPoints: [1, 2].map(value => ({ timeUnixNano: at(10), asDouble: value })) },
        },
      ],
    },
  ],
  conflicting_buckets: [
    { metrics: [1, 2].map(sum => histogram('conflicting_buckets', { sum })) },
    { metrics: [histogram('conflicting_buckets', { timeUnixNano: at(20) })] },
  ],
  without_time: [{ metrics: [gauge('without_time', {}, { timeUnixNano: '0' })] }],
  equal_bounds: [
    { metrics: [histogram('equal_bounds', { explicitBounds: [1, 1], bucketCounts: ['1', '2', '3'] })] },
  ],
  reserved_le: [{ metrics: [histogram('reserved_le', {}, { le: 'mine' })] }],
  wrong_native: [
    {
      metrics: [
        exponential('wrong_native', { count: '7' }),
        exponential('wrong_native_far', { positive: { offset: 2 ** 31 - 2, bucketCounts: ['1', '2'] } }),
      ],
    },
  ],
  name_label: [{ metrics: [histogram('name_label', {}, { __name__: 'mine' })] }],
  stale_later: [
    { metrics: [histogram('stale_later', {})] },
    {
      metrics: [
        histogram('stale_later', {
          timeUnixNano: at(20),
          flags: 1,
          count: '0',
          sum: undefined,
          explicitBounds: [],
          bucketCounts: [],
        }),
      ],
    },
  ],
  empty_scope_attribute: [
    { scope: { name: 'x', attributes: attributes({ none: '' }) }, metrics: [gauge('empty_scope_attribute')] },
  ],
  exemplars_of_gauges: [
    { metrics: [gauge('exemplars_of_gauges', {}, { exemplars: [exemplar({ traceId: TRACE })] })] },
  ],
  exemplars_without_time: [
    {
      metrics: [
        monotonic('exemplars_without_time', [
          { ...times, asInt: '1', exemplars: [exemplar({ timeUnixNano: '0', traceId: TRACE })] },
        ]),
      ],
    },
  ],
  exemplars_of_buckets: [
    { metrics: [histogram('exemplars_of_buckets', { exemplars: [exemplar({ traceId: TRACE })] })] },
  ],
}

export const ODD_REQUESTS: readonly Uint8Array[] = Object.values(ODD).flatMap(parts =>
  parts.map(part => request({ resource: RESOURCE, ...part })),
)
