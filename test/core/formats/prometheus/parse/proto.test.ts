import assert from 'node:assert/strict'
import { test } from 'node:test'
import { writeProtoPage } from '../../../../kit/prometheus-page.ts'
import { readPage } from '../../../../kit/read-page.ts'

const TYPE = 'application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited'
const read = (families: readonly object[], options = {}) => readPage(writeProtoPage(families), TYPE, options)

const label = (name: string, value: string) => ({ name, value })
const exemplar = {
  label: [label('trace_id', 'ab')],
  value: 0.5,
  timestamp: { seconds: 12, nanos: 345_678_900 },
}
const timeless = { label: [label('trace_id', 'cd')], value: 0.25 }

const CLASSIC = {
  sample_count: 3,
  sample_sum: 4.5,
  bucket: [
    { cumulative_count: 1, upper_bound: 1, exemplar: timeless },
    { cumulative_count: 2, upper_bound: 10, exemplar },
  ],
}
const NATIVE = {
  sample_count: 10,
  sample_sum: 5,
  schema: 2,
  zero_threshold: 0.25,
  zero_count: 1,
  positive_span: [
    { offset: -1, length: 2 },
    { offset: 2, length: 1 },
  ],
  positive_delta: [3, -1, 0],
  negative_span: [{ offset: 4, length: 3 }],
  negative_delta: [0, 2, -2],
}

// Scenario: families of the simple types, encoded by the official protobuf.
// Guarantees: each metric is the samples of a text page; unit and help are there; a family without metrics is nothing.
test('families as samples', () => {
  const families = [
    {
      name: 'c_total',
      help: 'h',
      unit: 'bytes',
      type: 'COUNTER',
      metric: [
        {
          label: [label('b', 'ü'), label('a', '')],
          counter: { value: 1.5, exemplar, created_timestamp: { seconds: 9 } },
          timestamp_ms: 7,
        },
      ],
    },
    { name: 'g', type: 'GAUGE', metric: [{ gauge: { value: -2 } }, {}] },
    { name: 'u', type: 'UNTYPED', metric: [{ untyped: { value: 3 } }] },
    {
      name: 's',
      type: 'SUMMARY',
      metric: [{ summary: { sample_count: 2, sample_sum: 3, quantile: [{ quantile: 0.5, value: 1 }] } }, {}],
    },
    { name: 'nothing', type: 'GAUGE' },
  ]
  assert.deepEqual(read(families), [
    'help c_total h',
    'unit c_total bytes',
    'type c_total counter',
    'c_total{b="ü",a=""} 1.5 @7 since 9000 # {trace_id="ab"} 0.5 @12345',
    'help g ',
    'type g gauge',
    'g{} -2',
    'g{} 0',
    'help u ',
    'type u unknown',
    'u{} 3',
    'help s ',
    'type s summary',
    's_count{} 2',
    's_sum{} 3',
    's{quantile="0.5"} 1',
    's_count{} 0',
    's_sum{} 0',
  ])
})

// Scenario: a classic and a native histogram under each combination of the three keys.
// Guarantees: samples, one piece, or both, as the keys say; what is read in one piece has exact buckets without gaps.
test('histograms as the job wants them', () => {
  const page = (histogram: object) => [{ name: 'h', type: 'HISTOGRAM', metric: [{ histogram }] }]
  const lines = (histogram: object, options: object) => read(page(histogram), options).slice(2)
  const samples = [
    'h_count{} 3',
    'h_sum{} 4.5',
    'h_bucket{le="1.0"} 1 # {trace_id="cd"} 0.25',
    'h_bucket{le="10.0"} 2 # {trace_id="ab"} 0.5 @12345',
    'h_bucket{le="+Inf"} 3',
  ]
  const custom =
    'h{} {"kind":"custom","count":3,"sum":4.5,"bounds":[1,10],"counts":[1,1,1]} # {trace_id="ab"} 0.5 @12345'
  assert.deepEqual(lines(CLASSIC, {}), samples)
  assert.deepEqual(lines(CLASSIC, { custom: true }), [custom])
  assert.deepEqual(lines(CLASSIC, { custom: true, classic: true }), [...samples, custom])
  const native =
    'h{} {"kind":"exponential","count":10,"sum":5,"scale":2,"zeroThreshold":0.25,"zeroCount":1,' +
    '"positive":{"offset":-2,"counts":[3,2,0,0,2]},"negative":{"offset":4,"counts":[2]}}'
  assert.deepEqual(lines(NATIVE, {}), [native])
  assert.deepEqual(lines({ ...NATIVE, exemplars: [timeless, exemplar] }, {}), [
    `${native} # {trace_id="ab"} 0.5 @12345`,
  ])
  const both = { ...NATIVE, ...CLASSIC, sample_count: 10, sample_sum: 5 }
  assert.equal(lines(both, {}).length, 1)
  assert.equal(lines(both, { classic: true }).length, 6)
  assert.equal(lines(both, { native: false }).length, 5)
})

// Scenario: float and packed histograms, and one that has seen nothing.
// Guarantees: fractions are cut off, packed and single values read the same.
test('histograms in other forms', () => {
  const float = {
    sample_count_float: 5.9,
    sample_sum: 1,
    zero_count_float: 1.5,
    positive_span: [{ offset: 1, length: 2 }],
    positive_count: [1.75, 2.25],
  }
  const line = read([{ name: 'h', type: 'HISTOGRAM', metric: [{ histogram: float }] }])[2]!
  assert.match(line, /"count":5.*"zeroCount":1,"positive":\{"offset":0,"counts":\[1,2\]\}/)
  // Field 13 (positive_delta) packed: 0a 01 04 is one value.
  const packed = Buffer.from([0x62, 4, 0x08, 2, 0x10, 2, 0x6a, 2, 4, 1])
  const metric = Buffer.concat([Buffer.from([0x3a, packed.length]), packed])
  const family = Buffer.concat([Buffer.from([0x0a, 1, 0x68, 0x18, 4, 0x22, metric.length]), metric])
  const page = Buffer.concat([Buffer.from([family.length]), family])
  assert.match(readPage(page, TYPE)[2]!, /"counts":\[2,1\]/)
})

// Scenario: histograms and messages that lie.
// Guarantees: BadPage with the family, never another error, never a huge array.
test('what cannot be', () => {
  const wrong = (histogram: object) => read([{ name: 'h', type: 'HISTOGRAM', metric: [{ histogram }] }])
  const problems: [object, RegExp][] = [
    [{ ...NATIVE, positive_delta: [1] }, /spans have more buckets than it has counts/],
    [{ ...NATIVE, positive_delta: [1, 1, 1, 1] }, /more counts than its spans have buckets/],
    [{ ...NATIVE, positive_delta: [1, -2, 3] }, /a count below 0/],
    [
      {
        ...NATIVE,
        positive_span: [
          { offset: 0, length: 1 },
          { offset: -1, length: 2 },
        ],
      },
      /begins before the one in front/,
    ],
    [
      {
        ...NATIVE,
        positive_span: [
          { offset: 0, length: 1 },
          { offset: 2 ** 31 - 1, length: 2 },
        ],
      },
      /more than 16384/,
    ],
    [{ ...NATIVE, positive_span: [{ offset: 0, length: 2 ** 32 - 1 }] }, /more buckets than it has counts/],
    [{ ...NATIVE, schema: 9 }, /schema 9/],
    [{ ...NATIVE, sample_count_float: Infinity }, /the count Infinity/],
  ]
  for (const [histogram, message] of problems)
    assert.throws(() => wrong(histogram), {
      name: 'BadPage',
      message: new RegExp(`family "h": .*${message.source}`),
    })
  assert.throws(() => read([{ type: 'GAUGE', metric: [{}] }]), /a family has no name/)
  assert.throws(() => readPage(Uint8Array.of(5, 10, 1), TYPE), /a message runs past the end of the page/)
  assert.throws(() => readPage(Uint8Array.of(2, 0x0a, 9), TYPE), /BadPage: .*runs past the end/)
  assert.throws(() => readPage(Uint8Array.of(3, 0x0a, 1, 0xff), TYPE), /not UTF-8/)
})
