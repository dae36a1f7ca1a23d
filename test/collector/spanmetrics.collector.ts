/** `span_metrics`: the same series with the same numbers from the same spans, whatever the options. */

import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { Comparison } from './comparison.ts'
import { post } from './exchange.ts'
import { protoFile, readProto, saying } from './outputs.ts'
import { type Side, startPair } from './pair.ts'
import { spansOf } from './spanmetrics-spans.ts'

type Plain = Record<string, unknown>

const DELTA = 'AGGREGATION_TEMPORALITY_DELTA'

const OPTIONS: readonly string[] = [
  '',
  'histogram: {disable: true}',
  'histogram: {unit: s}',
  'histogram: {unit: S}',
  'histogram: {explicit: {buckets: [100us, 1ms, 2ms, 1400ms, 10h]}}',
  'histogram: {unit: s, explicit: {buckets: [100us, 1ms, 2ms, 1400ms, 10h]}}',
  'histogram: {explicit: {}}',
  'histogram: {explicit: }',
  'histogram: {exponential: {}}',
  'histogram: {exponential: {max_size: 10}}',
  'histogram: {unit: s, exponential: {max_size: 3}}',
  'dimensions: [{name: http.route}]',
  'dimensions: [{name: status}]',
  'dimensions: [{name: status, default: none}, {name: region}, {name: host.name, default: ""}]',
  'dimensions: [{name: http.route}], calls_dimensions: [{name: status}]',
  'dimensions: [{name: http.route}], calls_dimensions: [{name: http.route}]',
  'histogram: {dimensions: [{name: region, default: nowhere}]}',
  'calls_dimensions: [{name: status}], histogram: {exponential: {}, dimensions: [{name: region}]}',
  'dimensions: [{glob: "http.*"}]',
  'dimensions: [{glob: "h*.{name,method}"}, {name: status}], calls_dimensions: [{glob: "reg[i]on"}]',
  'dimensions: [{glob: "a.**"}, {glob: "?egion"}]',
  'dimensions: [{name: region, default: }]',
  'dimensions: [{glob: "[hx]ost.*"}, {glob: "r[!a]*"}, {glob: "serv[f-k]ce.version"}]',
  'dimensions: [{name: otel.status_code}, {name: sampling.method}], enable_metrics_sampling_method: true',
  'exclude_dimensions: [service.name], resource_metrics_key_attributes: [host.name]',
  'histogram: {exponential: {max_size: 1}}',
  'namespace: , histogram: {unit: }',
  'exclude_dimensions: [status.code, span.kind]',
  'exclude_dimensions: [span.name, service.name, collector.instance.id]',
  'include_instrumentation_scope: [other]',
  'include_instrumentation_scope: [http]',
  'aggregation_cardinality_limit: 3',
  'aggregation_cardinality_limit: 3, exemplars: {enabled: true}, calls_dimensions: [{name: status}], events: {enabled: true, dimensions: [{name: region}]}',
  'resource_metrics_cache_size: 1',
  'namespace: ""',
  'namespace: my.own',
  'resource_metrics_key_attributes: [service.name]',
  'resource_metrics_key_attributes: [host.name]',
  'add_resource_attributes: true',
  'enable_metrics_sampling_method: true',
  'events: {enabled: true, dimensions: [{name: exception.type}]}',
  'events: {enabled: true, dimensions: [{name: exception.type, default: none}]}, dimensions: [{name: region}]',
  'events: {enabled: true, dimensions: [{glob: "exception.*"}]}, dimensions: [{glob: "reg*"}]',
  'exemplars: {enabled: true}',
  'exemplars: {enabled: true, max_per_data_point: 1}, events: {enabled: true, dimensions: [{name: region}]}',
  'exemplars: {enabled: true, max_per_data_point: 0}',
  'exemplars: {enabled: true}, histogram: {exponential: {}}',
  'dimensions_cache_size: 10',
  'aggregation_temporality: AGGREGATION_TEMPORALITY_NONSENSE',
  ...[
    '',
    'histogram: {exponential: {}}',
    'dimensions: [{name: status}], calls_dimensions: [{name: region}], events: {enabled: true, dimensions: [{name: exception.type}]}',
    'exemplars: {enabled: true}',
    'histogram: {disable: true}, metric_timestamp_cache_size: 100000',
    'aggregation_cardinality_limit: 3',
  ].map(more => `aggregation_temporality: ${DELTA}, ${more}`.replace(/, $/, '')),
]

/** Rare enough that a round is posted between two of them. */
const FLUSH = 'metrics_flush_interval: 2s'

interface Case {
  readonly yaml: string
  readonly sampled: boolean
}

function casesOf(options: readonly string[]): Case[] {
  return options.flatMap(yaml => [
    { yaml, sampled: false },
    { yaml, sampled: true },
  ])
}

function configOf(cases: readonly Case[]): string {
  const lines = (format: (one: Case, i: number) => string): string =>
    cases.map((one, i) => `  ${format(one, i)}`).join('\n')
  return `
receivers:
  otlp/plain: {protocols: {http: {endpoint: "@plain@"}}}
  otlp/sampled: {protocols: {http: {endpoint: "@sampled@"}}}
connectors:
${lines(({ yaml }, i) => `spanmetrics/${i}: {${[FLUSH, yaml].filter(one => one !== '').join(', ')}}`)}
exporters:
${lines((_, i) => `file/${i}: ${protoFile(String(i))}`)}
service:
  pipelines:
${lines(({ sampled }, i) => `  traces/${i}: {receivers: [otlp/${sampled ? 'sampled' : 'plain'}], exporters: [spanmetrics/${i}]}`)}
${lines((_, i) => `  metrics/${i}: {receivers: [spanmetrics/${i}], exporters: [file/${i}]}`)}
`
}

interface Point {
  readonly series: string
  readonly plain: Plain
  readonly start: bigint
  readonly time: bigint
  readonly delta: boolean
}

/** Every data point, in the order of flushes, with the name of its series. */
function pointsOf(requests: readonly Uint8Array[]): Point[] {
  const found: Point[] = []
  for (const request of saying('metrics', requests)) {
    for (const { resource = {}, scopeMetrics } of list(request['resourceMetrics'])) {
      for (const { scope, metrics } of list(scopeMetrics)) {
        for (const metric of list(metrics)) {
          const { name, unit, description, ...data } = metric
          const [kind, body] = Object.entries(data)[0] as [string, Plain]
          const { dataPoints, ...rest } = body
          for (const { attributes, startTimeUnixNano, timeUnixNano, ...plain } of list(dataPoints)) {
            const named = list(attributes).map(one =>
              one['key'] === 'collector.instance.id' ? { key: one['key'], value: typeof one['value'] } : one,
            )
            found.push({
              series: JSON.stringify({ resource, scope, name, unit, description, kind, rest, named }),
              plain: timeless(plain),
              start: BigInt(startTimeUnixNano as string),
              time: BigInt(timeUnixNano as string),
              delta: String(rest['aggregationTemporality']) === '1',
            })
          }
        }
      }
    }
  }
  return found
}

function list(value: unknown): Plain[] {
  return (value ?? []) as Plain[]
}

function timeless({ exemplars, ...plain }: Plain): Plain {
  if (exemplars === undefined) return plain
  const some = list(exemplars).map(({ timeUnixNano, ...rest }) => JSON.stringify(rest))
  return { ...plain, exemplars: some.sort() }
}

/** What each series says: its last point, or all points when they are of delta temporality. */
function summary(points: readonly Point[]): Record<string, unknown> {
  const bySeries = Map.groupBy(points, ({ series }) => series)
  return Object.fromEntries(
    [...bySeries].map(([series, own]) => {
      const said = own.map(({ plain }) => plain)
      const last = { ...said.at(-1)! }
      const exemplars = [...new Set(said.flatMap(one => list(one['exemplars'])))].sort()
      return [series, own[0]!.delta ? { points: said } : { ...last, exemplars, first: said[0]!['asInt'] }]
    }),
  )
}

/** Cumulative: one beginning (another one when it was forgotten), later ends. Delta: each begins where the last ended. */
function timing(points: readonly Point[]): string[] {
  const problems: string[] = []
  for (const [series, own] of Map.groupBy(points, one => one.series)) {
    for (const [i, { start, time, delta }] of own.entries()) {
      const before = own[i - 1]
      if (start > time) problems.push(`${series}: ends before it starts`)
      if (before === undefined) continue
      const anew = !delta && start > before.time
      if (!anew && start !== (delta ? before.time : before.start))
        problems.push(`${series}: point ${i} starts at ${start}`)
      if (time <= before.time) problems.push(`${series}: point ${i} is not later`)
    }
  }
  return problems
}

/** How many times a file has been written to. */
function flushes(side: Side, i: number): number {
  try {
    return readProto(side, String(i)).length
  } catch {
    // Half of a request is there.
    return 0
  }
}

/** Waits until `count` more flushes are in file `i`. */
async function further(side: Side, i: number, count: number): Promise<void> {
  const before = flushes(side, i)
  for (let waited = 0; flushes(side, i) < before + count; waited += 50) {
    assert.ok(waited < 60_000, `${side.name} has not flushed`)
    await sleep(50)
  }
}

/** Two rounds of spans, some flushes apart, through a connector for each case; then compares. */
async function compare(
  t: TestContext,
  comparison: Comparison,
  options: readonly string[],
  title: string,
  flags: readonly string[] = [],
): Promise<void> {
  const cases = casesOf(options)
  const pair = await startPair(t, configOf(cases), { flags })
  if (pair === undefined) return
  // One that is cumulative: those of delta temporality say nothing when there is nothing. All have the same ticks.
  const watched = cases.findLastIndex(({ yaml }) => !yaml.includes(DELTA))
  await pair.both(async side => {
    for (const round of [1, 2]) {
      for (const kind of ['plain', 'sampled']) {
        const answer = await post(side.address(kind), 'traces', spansOf(round, kind === 'sampled'))
        assert.equal(answer.status, 200)
      }
      await further(side, watched, 2)
    }
  })
  await pair.stop()
  for (const [i, { yaml, sampled }] of cases.entries()) {
    const name = `${title}${yaml}${sampled ? ', sampled' : ''}`
    await t.test(name, () => {
      const [ours, theirs] = pair.sides.map(side => pointsOf(readProto(side, String(i))))
      assert.ok(theirs!.length > 10)
      assert.deepEqual(timing(ours!).slice(0, 3), [])
      comparison.same(name, { series: summary(ours!) }, { series: summary(theirs!) })
    })
  }
}

/** All of the connector's, the other way round. */
const GATES = [
  'connector.spanmetrics.excludeResourceMetrics',
  'connector.spanmetrics.legacyMetricNames',
  'connector.spanmetrics.useSecondAsDefaultMetricsUnit',
  'spanmetrics.statusCodeConvention.useOtelPrefix',
  '-connector.spanmetrics.includeCollectorInstanceID',
].join()

const GATED: readonly string[] = [
  '',
  'add_resource_attributes: true',
  'histogram: {unit: ms}, namespace: traces.span.metrics',
  'namespace: mine, exclude_dimensions: [status.code]',
  'exclude_dimensions: [otel.status_code]',
  // Without it series of different resources would have one name.
].map(yaml => `dimensions: [{name: host.name}], ${yaml}`.replace(/, $/, ''))

// Scenario: two rounds of spans, some flushes apart, go through connectors with every option, once with tracestates that
// say how many a span stands for (rates at which that is exact) and once without; then the same with all feature gates of
// the connector the other way round.
// Guarantees: the same series, values, buckets, exemplars, units and names; times that follow on.
test('spanmetrics', { timeout: 300_000 }, async t => {
  const comparison = new Comparison('spanmetrics')
  await compare(t, comparison, OPTIONS, '')
  await compare(t, comparison, GATED, 'gates: ', [`--feature-gates=${GATES}`])
  comparison.end()
})
