import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Family, Row, Sample } from '../../../../core/formats/prometheus/family.ts'
import type { LabelSet } from '../../../../core/formats/prometheus/labels.ts'
import { ProtoPage } from '../../../../core/formats/prometheus/proto.ts'
import { labelsText, TextPage } from '../../../../core/formats/prometheus/text.ts'
import { readProtoPage } from '../../../kit/prometheus-page.ts'

const row = (sample: Sample, over: Partial<Row> = {}): Row => ({
  labels: [],
  sample,
  created: undefined,
  millis: undefined,
  ...over,
})
const exemplar = { value: 0.5, traceId: 'aa', spanId: 'bb', time: 1_500_000_000n }

function textOf(
  open: boolean,
  family: Family,
  rows: readonly Row[],
  escaping = 'allow-utf-8' as const,
): string {
  const page = new TextPage(open, escaping)
  page.family(family)
  for (const one of rows) page.row(family, one, labelsText(one.labels, escaping))
  page.end()
  return page.take()
}

const COUNTER: Family = { name: 'requests_total', help: 'All "of"\\\nthem', type: 'counter' }
const number = (value: number): Sample => ({ kind: 'number', value, exemplar })
const LABELS: LabelSet = [
  ['a', 'x"\\\n'],
  ['b.c', ''],
]

// Scenario: a counter with an exemplar, a time, labels that must be escaped and one that must be quoted.
// Guarantees: both text formats, letter for letter; exemplars and `# EOF` in OpenMetrics only.
test('a counter as text', () => {
  const rows = [row(number(1e6), { labels: LABELS, millis: 1500n })]
  assert.equal(
    textOf(false, COUNTER, rows),
    '# HELP requests_total All "of"\\\\\\nthem\n# TYPE requests_total counter\n' +
      'requests_total{a="x\\"\\\\\\n","b.c"=""} 1e+06 1500\n',
  )
  assert.equal(
    textOf(true, COUNTER, rows),
    '# HELP requests All \\"of\\"\\\\\\nthem\n# TYPE requests counter\n' +
      'requests_total{a="x\\"\\\\\\n","b.c"=""} 1e+06 1.5 # {span_id="bb",trace_id="aa"} 0.5 1.5\n# EOF\n',
  )
  assert.match(textOf(true, { ...COUNTER, name: 'requests' }, rows), /^# TYPE requests unknown$/m)
})

// Scenario: a counter and a family that is called like it without its ending.
// Guarantees: OpenMetrics heads the two by different names; the samples are the same.
test('a counter whose bare name is taken', () => {
  const page = new TextPage(true, 'allow-utf-8')
  page.family({ ...COUNTER, help: '' }, true)
  page.row(COUNTER, row({ kind: 'number', value: 1, exemplar: undefined }), '')
  assert.equal(page.take(), '# HELP requests_total \n# TYPE requests_total unknown\nrequests_total 1.0\n')
})

// Scenario: sets of labels that look alike when glued together.
// Guarantees: each has a text of its own, by which series are told apart.
test('different labels are different texts', () => {
  const sets: LabelSet[] = [
    [
      ['a', 'b'],
      ['c', 'd'],
    ],
    [['a', 'b",c="d']],
    [['a', 'b\\",c=\\"d']],
    [['a="b",c', 'd']],
    [['a', 'b,c=d']],
    [],
  ]
  assert.equal(new Set(sets.map(set => labelsText(set, 'allow-utf-8'))).size, sets.length)
})

// Scenario: names that need quotes, with and without labels.
// Guarantees: they stand in the braces; escaped they stand outside.
test('quoted names', () => {
  const family: Family = { name: 'a.b', help: '', type: 'gauge' }
  assert.equal(textOf(false, family, [row(number(1))]), '# HELP "a.b" \n# TYPE "a.b" gauge\n{"a.b"} 1\n')
  assert.match(textOf(false, family, [row(number(1), { labels: [['x', '1']] })]), /^\{"a\.b",x="1"\} 1$/m)
  const page = new TextPage(false, 'dots')
  page.family(family)
  page.row(family, row(number(1)), '')
  assert.match(page.take(), /^a_dot_b 1$/m)
})

const HISTOGRAM: Sample = {
  kind: 'histogram',
  count: 12_345_678n,
  sum: 2.5,
  bounds: [0.5, 2],
  cumulative: [1n, 12_345_677n],
  exemplars: [{ ...exemplar, value: 0.1 }, exemplar, { ...exemplar, value: 3, traceId: '', spanId: '' }],
}

// Scenario: a histogram, a summary and an exponential histogram as text.
// Guarantees: cumulative buckets and one to infinity; floats in the classic text, exact integers in OpenMetrics; the
// last exemplar of each bucket, none without ids; of an exponential histogram count and sum.
test('distributions as text', () => {
  const family: Family = { name: 'h', help: '', type: 'histogram' }
  assert.deepEqual(
    textOf(false, family, [row(HISTOGRAM)])
      .split('\n')
      .slice(2),
    [
      'h_bucket{le="0.5"} 1',
      'h_bucket{le="2"} 1.2345677e+07',
      'h_bucket{le="+Inf"} 1.2345678e+07',
      'h_sum 2.5',
      'h_count 1.2345678e+07',
      '',
    ],
  )
  assert.deepEqual(
    textOf(true, family, [row(HISTOGRAM)])
      .split('\n')
      .slice(2),
    [
      'h_bucket{le="0.5"} 1 # {span_id="bb",trace_id="aa"} 0.5 1.5',
      'h_bucket{le="2.0"} 12345677',
      'h_bucket{le="+Inf"} 12345678',
      'h_sum 2.5',
      'h_count 12345678',
      '# EOF',
      '',
    ],
  )
  const summary: Sample = {
    kind: 'summary',
    count: 3n,
    sum: 1,
    quantiles: [
      [0.5, 1],
      [1, NaN],
    ],
  }
  assert.match(
    textOf(false, { ...family, type: 'summary' }, [row(summary, { labels: [['x', '1']] })]),
    /^h\{x="1",quantile="0\.5"\} 1\nh\{x="1",quantile="1"\} NaN\nh_sum\{x="1"\} 1\nh_count\{x="1"\} 3$/m,
  )
  assert.match(
    textOf(false, family, [row(NATIVE)]),
    /histogram\nh_bucket\{le="\+Inf"\} 4\nh_sum 9\nh_count 4\n$/,
  )
})

const NATIVE: Sample = {
  kind: 'native',
  count: 4n,
  sum: 9,
  schema: -1,
  zeroThreshold: 0.5,
  zeroCount: 1n,
  positive: { spans: [{ offset: -2, length: 2 }], deltas: [2n, -1n] },
  negative: { spans: [], deltas: [] },
  exemplars: [exemplar],
}

// Scenario: every kind on a protobuf page, read by the official decoder.
// Guarantees: all fields, times of exemplars and beginnings, 64 bits exact; no bucket to infinity but for an exemplar.
test('the protobuf page', () => {
  const page = new ProtoPage('allow-utf-8')
  const write = (family: Family, rows: readonly Row[]): Uint8Array => {
    page.family(family)
    for (const one of rows) page.row(family, one)
    return page.end()
  }
  const bytes = Buffer.concat([
    write(COUNTER, [row(number(2), { labels: [['k', 'v']], created: 5_000_000_000n, millis: 7n })]),
    write({ name: 'n', help: '', type: 'histogram' }, [row(NATIVE, { created: 2_500_000_000n })]),
    write({ name: 'h', help: '', type: 'histogram' }, [row({ ...HISTOGRAM, count: 2n ** 64n - 1n })]),
    write({ name: 's', help: '', type: 'summary' }, [
      row({ kind: 'summary', count: 1n, sum: 2, quantiles: [[0.5, 3]] }),
    ]),
    write({ name: 'g', help: '', type: 'gauge' }, [row({ kind: 'number', value: -0, exemplar: undefined })]),
  ])
  const [counter, native, histogram, summary, gauge] = readProtoPage(bytes)
  const at = { seconds: '1', nanos: 500_000_000 }
  const label = [
    { name: 'span_id', value: 'bb' },
    { name: 'trace_id', value: 'aa' },
  ]
  assert.deepEqual(counter, {
    name: 'requests_total',
    help: COUNTER.help,
    type: 'COUNTER',
    metric: [
      {
        label: [{ name: 'k', value: 'v' }],
        counter: {
          value: 2,
          exemplar: { label, value: 0.5, timestamp: at },
          created_timestamp: { seconds: '5' },
        },
        timestamp_ms: '7',
      },
    ],
  })
  assert.deepEqual(native!.metric, [
    {
      histogram: {
        sample_count: '4',
        sample_sum: 9,
        schema: -1,
        zero_threshold: 0.5,
        zero_count: '1',
        positive_span: [{ offset: -2, length: 2 }],
        positive_delta: ['2', '-1'],
        exemplars: [{ label, value: 0.5, timestamp: at }],
        created_timestamp: { seconds: '2', nanos: 500_000_000 },
      },
    },
  ])
  assert.deepEqual(histogram!.metric[0]!['histogram'], {
    sample_count: '18446744073709551615',
    sample_sum: 2.5,
    bucket: [
      { cumulative_count: '1', upper_bound: 0.5, exemplar: { label, value: 0.5, timestamp: at } },
      { cumulative_count: '12345677', upper_bound: 2 },
      {
        cumulative_count: '18446744073709551615',
        upper_bound: Infinity,
        exemplar: { value: 3, timestamp: at },
      },
    ],
  })
  assert.deepEqual(summary!.metric, [
    { summary: { sample_count: '1', sample_sum: 2, quantile: [{ quantile: 0.5, value: 3 }] } },
  ])
  assert.deepEqual(gauge!.metric, [{ gauge: { value: -0 } }])
})
