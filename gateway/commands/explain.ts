/** `explain metric NAME`: what a metric is called in Prometheus, with which labels, and why. */

import { didYouMean } from '../../config/suggest.ts'
import { isLegacyName } from '../../core/formats/prometheus/escape.ts'
import { explainLabelName, explainMetricName } from '../../core/formats/prometheus/explain.ts'
import { type NamedAs, rulesOf, STRATEGIES, type Strategy } from '../../core/formats/prometheus/names.ts'
import type { CatalogEntry } from '../catalog.ts'
import {
  type CommandLine,
  EXIT_FAILED,
  EXIT_OK,
  EXIT_USAGE,
  type ExplainOptions,
  METRIC_TYPES,
} from '../cli.ts'
import { CONVENTIONS_VERSION, conventions } from '../conventions.ts'
import type { CommandIo } from './io.ts'
import { openOrExplain } from './validate.ts'

type MetricType = (typeof METRIC_TYPES)[number]

/** The metric that is asked about. */
interface Metric {
  readonly name: string
  readonly unit: string
  readonly type: MetricType
  /** Where unit and type are known from, for people. */
  readonly source: string
}

/** One way out to Prometheus. */
interface Way {
  readonly title: string
  readonly kind: 'scrape' | 'remote write'
  readonly strategy: Strategy
  readonly namespace: string
  readonly constant: readonly string[]
  readonly scope: boolean
  readonly resource: boolean
}

const USUAL: Strategy = 'UnderscoreEscapingWithSuffixes'

export async function explain(
  line: CommandLine,
  io: CommandIo,
  catalog: readonly CatalogEntry[],
): Promise<number> {
  const [subject, name, ...more] = line.rest
  if (subject !== 'metric' || name === undefined || more.length > 0) {
    io.err('write: sluice explain metric NAME, such as: sluice explain metric http.server.request.duration\n')
    return EXIT_USAGE
  }
  const metric = metricOf(name, line.explain, io)
  if (metric === undefined) return EXIT_FAILED
  const ways = await waysOf(line, io, catalog)
  if (ways === undefined) return EXIT_FAILED
  io.out(
    `${metric.name}\n  ${typeText(metric.type)}, ${metric.unit === '' ? 'no unit' : `unit ${metric.unit}`}; ${metric.source}\n`,
  )
  for (const way of ways) io.out(`\n${wayText(metric, way, line.explain)}`)
  if (line.sources.length === 0 && line.explain.strategy === undefined)
    io.out(`\n${strategiesText(metric, line.explain)}`)
  return EXIT_OK
}

function metricOf(name: string, { type, unit }: ExplainOptions, io: CommandIo): Metric | undefined {
  const known = conventions().find(one => one.name === name)
  if (type !== undefined) return { name, unit: unit ?? known?.unit ?? '', type, source: 'as you said' }
  if (known !== undefined) {
    const { instrument, stability, family } = known
    const said = unit === undefined ? '' : 'unit as you said, '
    const source = `${said}semantic conventions ${CONVENTIONS_VERSION}, ${family}, ${stability.replace('_', ' ')}`
    return { name, unit: unit ?? known.unit, type: instrument, source }
  }
  const names = conventions().map(one => one.name)
  io.err(
    `${name}: is not in the semantic conventions ${CONVENTIONS_VERSION}, so its type is not known; ` +
      `write --type ${METRIC_TYPES.join('|')} and --unit, or ${didYouMean(name, names).replace(/;.*/, '')}\n`,
  )
  return undefined
}

/** Those of the config, or what there is without one. Undefined after saying what is wrong. */
async function waysOf(
  line: CommandLine,
  io: CommandIo,
  catalog: readonly CatalogEntry[],
): Promise<readonly Way[] | undefined> {
  const { strategy, namespace } = line.explain
  if (line.sources.length === 0) {
    return [
      {
        title: `with ${strategy ?? `${USUAL}, the default`}`,
        kind: 'scrape',
        strategy: strategy ?? USUAL,
        namespace: namespace ?? '',
        constant: [],
        scope: true,
        resource: false,
      },
    ]
  }
  const config = await openOrExplain(line, io, catalog)
  if (config === undefined) return undefined
  const used = new Set(config.service.pipelines.flatMap(({ exporters }) => exporters.map(({ id }) => id)))
  const ways: Way[] = []
  for (const [id, one] of config.exporters) {
    const { type } = one.factory
    if (type !== 'prometheus' && type !== 'prometheus_remote_write') continue
    ways.push(
      wayOf(used.has(id) ? id : `${id} (in no pipeline)`, type, one.config as ExporterKeys, line.explain),
    )
  }
  if (ways.length === 0) {
    io.err(
      'The config has no exporter prometheus or prometheus_remote_write; without --config the defaults are explained.\n',
    )
    return undefined
  }
  return ways
}

/** The keys of both exporters that say something about names and labels. */
interface ExporterKeys {
  readonly translation_strategy?: Strategy | ''
  readonly add_metric_suffixes?: boolean
  readonly namespace?: string
  readonly const_labels?: ReadonlyMap<string, string>
  readonly external_labels?: ReadonlyMap<string, string>
  readonly without_scope_info?: boolean
  readonly disable_scope_info?: boolean
  readonly resource_to_telemetry_conversion?: { readonly enabled: boolean }
}

function wayOf(id: string, type: string, keys: ExporterKeys, given: ExplainOptions): Way {
  const remote = type === 'prometheus_remote_write'
  // The scrape endpoint knows the key and, like the Collector's, does nothing with it.
  const bare = remote && keys.add_metric_suffixes === false ? 'UnderscoreEscapingWithoutSuffixes' : USUAL
  const strategy = given.strategy ?? (keys.translation_strategy || bare)
  return {
    title: `exporter ${id}, with ${strategy}`,
    kind: remote ? 'remote write' : 'scrape',
    strategy,
    namespace: given.namespace ?? keys.namespace ?? '',
    constant: [...(keys.const_labels ?? keys.external_labels ?? new Map()).keys()],
    scope: !(keys.without_scope_info ?? keys.disable_scope_info ?? false),
    resource: keys.resource_to_telemetry_conversion?.enabled ?? false,
  }
}

function namedAs(type: MetricType): NamedAs {
  return type === 'counter' || type === 'gauge' ? type : 'other'
}

function typeText(type: MetricType): string {
  const said: Readonly<Record<MetricType, string>> = {
    counter: 'counter (a sum that only grows)',
    updowncounter: 'updowncounter (a sum that goes up and down)',
    gauge: 'gauge',
    histogram: 'histogram',
    exponential_histogram: 'exponential histogram',
    summary: 'summary',
  }
  return said[type]
}

function wayText(metric: Metric, way: Way, { attributes }: ExplainOptions): string {
  const rules = rulesOf(way.strategy, way.namespace)
  const { name, steps } = explainMetricName(metric.name, metric.unit, namedAs(metric.type), rules)
  const lines = [`${way.title}:`]
  if (name === undefined) lines.push('  it has no name in Prometheus, and its points are dropped')
  else
    for (const [series, what] of seriesOf(name, metric.type, way.kind))
      lines.push(`  ${series}   ${what}`.trimEnd())
  lines.push('  why:', `    ${metric.name}`)
  const width = Math.max(...steps.map(step => step.name.length), 0)
  for (const step of steps) lines.push(`    -> ${step.name.padEnd(width)}  ${step.why}`)
  if (steps.length === 0) lines.push('    -> it is a good name as it is')
  if (name !== undefined && !isLegacyName(name))
    lines.push('    A scraper that does not ask for escaping=allow-utf-8 gets it escaped, with underscores.')
  lines.push('  labels:', ...labelLines(way, attributes, rules.utf8).map(text => `    ${text}`))
  return `${lines.join('\n')}\n`
}

/** What stands in Prometheus, and what each is. */
function seriesOf(
  name: string,
  type: MetricType,
  kind: Way['kind'],
): (readonly [series: string, what: string])[] {
  const of = (suffix: string, labels = ''): string => written(name + suffix, labels)
  switch (type) {
    case 'histogram':
      return [
        [of('_bucket', 'le="..."'), 'how many values are at most le'],
        [of('_sum'), 'their sum'],
        [of('_count'), 'their number'],
      ]
    case 'exponential_histogram':
      return kind === 'scrape'
        ? [
            [of(''), 'a native histogram, for those who scrape by protobuf (scrape_native_histograms: true)'],
            [of('_sum'), 'its sum, on text pages'],
            [of('_count'), 'its number, on text pages'],
          ]
        : [[of(''), 'a native histogram']]
    case 'summary':
      return [
        [of('', 'quantile="..."'), 'each quantile'],
        [of('_sum'), 'the sum of the values'],
        [of('_count'), 'their number'],
      ]
    default:
      return [[of(''), type === 'counter' ? 'a counter: ask for rate() or increase() of it' : 'a gauge']]
  }
}

/** As it stands in PromQL. */
function written(name: string, labels: string): string {
  if (isLegacyName(name)) return labels === '' ? name : `${name}{${labels}}`
  return `{"${name}"${labels === '' ? '' : `, ${labels}`}}`
}

function labelLines(way: Way, attributes: readonly string[], utf8: boolean): string[] {
  const lines = [
    'job                  service.namespace/service.name of the resource, or the name alone',
    'instance             service.instance.id of the resource',
  ]
  const places = new Map<string, string[]>()
  for (const key of attributes) {
    const { name, steps } = explainLabelName(key, utf8)
    if (name === undefined) lines.push(`(none)               attribute ${key}: ${steps[0]!.why}`)
    else places.set(name, [...(places.get(name) ?? []), key])
  }
  for (const [name, keys] of places) {
    const { steps } = explainLabelName(keys[0]!, utf8)
    const why = steps.length === 0 ? '' : `: ${steps[0]!.why}`
    const joined = keys.length === 1 ? '' : '; their values are joined by ;'
    lines.push(`${name.padEnd(20)} attribute ${keys.join(' and ')}${why}${joined}`)
  }
  if (attributes.length === 0) lines.push('one for each attribute of the point; --attribute KEY says which')
  for (const name of way.constant) lines.push(`${name.padEnd(20)} the same on every series, by the config`)
  if (way.resource) lines.push('one for each attribute of the resource (resource_to_telemetry_conversion)')
  else lines.push('other attributes of the resource are in target_info{job, instance}, to be joined')
  if (way.scope)
    lines.push('otel_scope_name, otel_scope_version, otel_scope_schema_url and otel_scope_ATTRIBUTE')
  return lines
}

function strategiesText(metric: Metric, { namespace = '' }: ExplainOptions): string {
  const rows = STRATEGIES.map(strategy => {
    const rules = rulesOf(strategy, namespace)
    const { name } = explainMetricName(metric.name, metric.unit, namedAs(metric.type), rules)
    return `  ${strategy.padEnd(34)} ${name ?? '(none)'}`
  })
  return `all values of translation_strategy:\n${rows.join('\n')}\n`
}
