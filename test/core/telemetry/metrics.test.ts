import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  COLLECTOR_PAGE,
  type MetricDeclaration,
  Metrics,
  type PageOptions,
} from '../../../core/telemetry/metrics.ts'

const SPANS: MetricDeclaration = {
  kind: 'counter',
  name: 'otelcol_receiver_accepted_spans',
  unit: '{spans}',
  help: 'Spans taken.',
  labels: ['receiver', 'transport'],
  level: 'basic',
}
const SIZE: MetricDeclaration = {
  kind: 'histogram',
  name: 'otelcol_batch_size',
  unit: 'By',
  help: 'Sizes.',
  labels: ['processor'],
  buckets: [10, 100],
  level: 'detailed',
}
const QUEUE: MetricDeclaration = {
  kind: 'gauge',
  name: 'otelcol_queue',
  unit: 's',
  help: 'Line one\nand "two" \\ three.',
  labels: ['exporter'],
  level: 'normal',
}

const RESOURCE = { 'service.name': 'sluice', 'service.instance.id': 'abc' }

function lines(page: string): string[] {
  return page.split('\n').filter(line => line !== '' && !line.startsWith('#'))
}

// Scenario: a counter, a gauge and a histogram with bound and free labels, on the default page.
// Guarantees: the text is what the Collector's default reader shows: no _total, no units, no scope, target_info last.
test('the page is the one of the default reader', async () => {
  const metrics = new Metrics('detailed')
  const spans = metrics.counter(SPANS)
  const bound = spans.bind({ receiver: 'otlp', transport: 'grpc' })
  bound.add(3)
  bound.add(4)
  spans.add(1, { receiver: 'otlp', transport: 'http' })
  metrics.gauge(QUEUE).set(0.5, { exporter: 'a"b\\c\nd' })
  const size = metrics.histogram(SIZE).bind({ processor: 'batch' })
  for (const value of [10, 11, 1000]) size.record(value)
  const page = await metrics.page(RESOURCE)
  assert.deepEqual(lines(page), [
    'otelcol_batch_size_bucket{processor="batch",le="10"} 1',
    'otelcol_batch_size_bucket{processor="batch",le="100"} 2',
    'otelcol_batch_size_bucket{processor="batch",le="+Inf"} 3',
    'otelcol_batch_size_sum{processor="batch"} 1021',
    'otelcol_batch_size_count{processor="batch"} 3',
    'otelcol_queue{exporter="a\\"b\\\\c\\nd"} 0.5',
    'otelcol_receiver_accepted_spans{receiver="otlp",transport="grpc"} 7',
    'otelcol_receiver_accepted_spans{receiver="otlp",transport="http"} 1',
    'target_info{service_name="sluice",service_instance_id="abc"} 1',
  ])
  assert.match(page, /^# TYPE otelcol_receiver_accepted_spans counter$/m)
  assert.match(page, /^# HELP otelcol_queue Line one\\nand "two" \\\\ three\.$/m)
})

// Scenario: a reader that wants suffixes, units, scope labels and a constant label.
// Guarantees: each key does what it says, and nothing is appended twice.
test('the reader keys change names and labels', async () => {
  const metrics = new Metrics('detailed')
  metrics.counter(SPANS).add(1, { receiver: 'otlp', transport: 'http' })
  metrics.gauge(QUEUE).set(1, { exporter: 'x' })
  metrics.counter({ ...SPANS, name: 'process_cpu_seconds', unit: 's', labels: [] }).add(2)
  const options: PageOptions = {
    withoutTypeSuffix: false,
    withoutUnits: false,
    withoutScopeInfo: false,
    constantLabels: { cluster: 'c1' },
  }
  const [cpu, spans, queue] = lines(await metrics.page(RESOURCE, options))
    .sort((a, b) => b.localeCompare(a))
    .slice(1)
  const scope = 'cluster="c1",otel_scope_name="sluice",otel_scope_version="",otel_scope_schema_url=""'
  assert.deepEqual(
    [cpu, spans, queue],
    [
      `process_cpu_seconds_total{${scope}} 2`,
      `otelcol_receiver_accepted_spans_total{receiver="otlp",transport="http",${scope}} 1`,
      `otelcol_queue_seconds{exporter="x",${scope}} 1`,
    ],
  )
  assert.equal(lines(await metrics.page(RESOURCE, COLLECTOR_PAGE)).includes('process_cpu_seconds 2'), true)
})

// Scenario: metrics of all three levels in registries of each level.
// Guarantees: each level shows its own and those below; handles of the others take calls and show nothing.
test('the level decides what is measured', async () => {
  const shown = async (level: 'none' | 'basic' | 'normal' | 'detailed') => {
    const metrics = new Metrics(level)
    metrics.counter(SPANS).bind({ receiver: 'r', transport: 't' }).add(1)
    metrics.gauge(QUEUE).bind({ exporter: 'e' }).set(1)
    metrics.histogram(SIZE).bind({ processor: 'p' }).record(1)
    metrics.observe({ ...QUEUE, name: 'observed' }, { exporter: 'e' }, () => 1)
    return metrics.snapshot().map(({ declaration }) => declaration.name)
  }
  assert.deepEqual(await shown('none'), [])
  assert.deepEqual(await shown('basic'), [SPANS.name])
  assert.deepEqual(await shown('normal'), ['observed', QUEUE.name, SPANS.name])
  assert.deepEqual(await shown('detailed'), ['observed', SIZE.name, QUEUE.name, SPANS.name])
})

// Scenario: values read at collection, one of which throws, one of which is removed.
// Guarantees: they are read each time, a broken one takes nothing else away, a removed one is gone.
test('observed values are read at collection', async () => {
  const metrics = new Metrics()
  let depth = 1
  const end = metrics.observe(QUEUE, { exporter: 'a' }, () => depth)
  metrics.observe(QUEUE, { exporter: 'broken' }, () => {
    throw new Error('no')
  })
  const read = async () => lines(await metrics.page({})).filter(line => line.startsWith('otelcol_queue'))
  assert.deepEqual(await read(), ['otelcol_queue{exporter="a"} 1'])
  depth = 5
  assert.deepEqual(await read(), ['otelcol_queue{exporter="a"} 5'])
  end()
  assert.deepEqual(await read(), [])
})

// Scenario: the same declaration is registered twice; the same name with another kind.
// Guarantees: both handles add to one value; two kinds under one name are a mistake that is said at once.
test('a name is one metric', () => {
  const metrics = new Metrics()
  metrics.counter(SPANS).add(1, { receiver: 'r', transport: 't' })
  metrics.counter({ ...SPANS }).add(2, { receiver: 'r', transport: 't', undeclared: 'x' })
  assert.deepEqual(metrics.snapshot()[0]!.points, [{ labels: { receiver: 'r', transport: 't' }, value: 3 }])
  assert.throws(() => metrics.gauge({ ...SPANS, kind: 'gauge' }), /declared as a gauge and as a counter/)
})

// Scenario: 3000 different label sets.
// Guarantees: 2000 are kept apart, the rest is summed in one overflow point: nothing is lost, memory is bounded.
test('label sets are bounded', () => {
  const metrics = new Metrics()
  const counter = metrics.counter(SPANS)
  for (let i = 0; i < 3000; i++) counter.add(1, { receiver: `r${i}`, transport: 't' })
  const { points } = metrics.snapshot()[0]!
  assert.equal(points.length, 2001)
  assert.deepEqual(points.at(-1), { labels: { otel_metric_overflow: 'true' }, value: 1000 })
})
