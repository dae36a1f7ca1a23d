/**
 * `service.telemetry`: what the gateway says of itself. Keys and defaults are the Collector's (otelconftelemetry
 * 0.155, which takes the OpenTelemetry configuration schema 0.3). Times in that schema are plain ms, not durations.
 */

import { isDeepStrictEqual } from 'node:util'
import { childPath, type Node } from '../../config/node.ts'
import {
  anyCase,
  anything,
  choice,
  duration,
  flag,
  integer,
  list,
  map,
  number,
  optional,
  plainValue,
  type Schema,
  section,
  text,
  type ValueOf,
} from '../../config/schema.ts'
import { otlp, otlpFields } from './otlp-target.ts'

const LOG_LEVELS = ['debug', 'info', 'warn', 'error'] as const
const METRIC_LEVELS = ['none', 'basic', 'normal', 'detailed'] as const

const otlpMetrics = section(
  {
    ...otlpFields,
    temporality_preference: choice(['cumulative', 'delta', 'low_memory'], {
      default: 'cumulative',
      doc: 'Counters are sent as running totals. Only cumulative is available.',
    }),
  },
  {
    doc: 'An OTLP server.',
    ignored: { default_histogram_aggregation: 'histograms are sent with explicit buckets' },
    check: ({ temporality_preference }, report) => {
      if (temporality_preference !== 'cumulative')
        report.warn('temporality_preference', 'only cumulative is available', 'it is sent as cumulative')
    },
  },
)

/** `console: {}` is where the SDK prints to standard output. */
const NO_CONSOLE = { console: "only otlp is available for the gateway's own signals" }

const spanOrLogExporter = section({ otlp: optional(otlp) }, { doc: 'Where to.', ignored: NO_CONSOLE })

const batchProcessor = section(
  {
    schedule_delay: integer({
      default: 5000,
      min: 1,
      doc: 'Longest wait before what there is gets sent, in ms.',
    }),
    export_timeout: integer({ default: 30_000, min: 0, doc: 'Longest time one export may take, in ms.' }),
    max_queue_size: integer({
      default: 2048,
      min: 1,
      doc: 'Most records kept; more are dropped and counted.',
    }),
    max_export_batch_size: integer({ default: 512, min: 1, doc: 'Most records in one request.' }),
    exporter: spanOrLogExporter,
  },
  { doc: 'Collects and sends in batches.' },
)

const processor = section(
  {
    batch: optional(batchProcessor),
    simple: optional(section({ exporter: spanOrLogExporter }, { doc: 'Sends each record at once.' })),
  },
  { doc: 'One way out.' },
)

const sampling = section(
  {
    enabled: flag({ default: true, doc: 'Off: every line is written.' }),
    tick: duration({ default: '10s', doc: 'Lines are counted over this long.' }),
    initial: integer({ default: 10, min: 0, doc: 'So many equal lines are written in each tick.' }),
    thereafter: integer({ default: 100, min: 0, doc: 'Then each so many-th. 0 means none.' }),
  },
  { doc: 'Equal lines (same level and message) are limited.' },
)

const logs = section(
  {
    level: choice(LOG_LEVELS, {
      default: 'info',
      doc: 'The least important lines that are written.',
      aliases: { ...anyCase(LOG_LEVELS), warning: 'warn', dpanic: 'error', panic: 'error', fatal: 'error' },
    }),
    encoding: choice(['console', 'json'], {
      default: 'console',
      doc: 'console is for people, json is one object a line.',
    }),
    output_paths: list(text({ doc: 'One of them.' }), {
      default: ['stderr'],
      doc: 'stdout, stderr, or files that are appended to.',
    }),
    error_output_paths: list(text({ doc: 'One of them.' }), {
      default: ['stderr'],
      doc: 'Where the logger says that it cannot write.',
    }),
    sampling,
    initial_fields: map(anything({ doc: 'One of them.' }), { doc: 'Fields of every line.' }),
    development: flag({ default: false, doc: 'Warnings carry stack traces too.' }),
    disable_caller: flag({ default: false, doc: 'Accepted: lines name the component, not a source line.' }),
    disable_stacktrace: flag({ default: false, doc: 'Errors are written without their stack.' }),
    disable_zap_resource: flag({ default: false, doc: 'Json lines do not carry the resource.' }),
    processors: list(processor, { doc: 'Where lines are sent besides.' }),
  },
  { doc: "The gateway's own log." },
)

const constantLabels = section(
  {
    included: list(text({ doc: 'One of them.' }), {
      doc: 'Resource attributes (with * and ?) that become labels.',
    }),
    excluded: list(text({ doc: 'One of them.' }), { doc: 'Those of them that do not.' }),
  },
  { doc: 'Resource attributes on every line of the page.' },
)

const prometheusFields = {
  host: text({ default: 'localhost', doc: 'Address to listen on.' }),
  port: integer({ default: 8888, min: 0, max: 65_535, doc: 'Port to listen on; 0 takes a free one.' }),
  without_type_suffix: flag({ default: true, doc: 'Counters do not end in _total.' }),
  without_units: flag({ default: true, doc: 'Names do not end in their unit.' }),
  without_scope_info: flag({ default: true, doc: 'Lines carry no otel_scope_ labels.' }),
  with_resource_constant_labels: optional(constantLabels),
}

const reader = section(
  {
    pull: optional(
      section(
        {
          exporter: section(
            {
              prometheus: optional(section(prometheusFields, { doc: 'A page for Prometheus on /metrics.' })),
            },
            { doc: 'What is asked.' },
          ),
        },
        { doc: 'Metrics that are asked for.' },
      ),
    ),
    periodic: optional(
      section(
        {
          interval: integer({ default: 60_000, min: 1, doc: 'Time between two sends, in ms.' }),
          timeout: integer({ default: 30_000, min: 0, doc: 'Longest time one send may take, in ms.' }),
          exporter: section({ otlp: optional(otlpMetrics) }, { doc: 'Where to.', ignored: NO_CONSOLE }),
        },
        { doc: 'Metrics that are sent.' },
      ),
    ),
  },
  { doc: 'One way to read the metrics.' },
)

export type MetricReaderConfig = ValueOf<typeof reader>
export type PrometheusReaderConfig = NonNullable<
  NonNullable<MetricReaderConfig['pull']>['exporter']['prometheus']
>
export type SignalProcessorConfig = ValueOf<typeof processor>

const DEFAULT_PAGE: PrometheusReaderConfig = {
  host: 'localhost',
  port: 8888,
  without_type_suffix: true,
  without_units: true,
  without_scope_info: true,
  with_resource_constant_labels: undefined,
}

const DEFAULT_READER: MetricReaderConfig = {
  pull: { exporter: { prometheus: DEFAULT_PAGE } },
  periodic: undefined,
}

const metrics = section(
  {
    level: choice(METRIC_LEVELS, {
      default: 'normal',
      doc: 'How much is measured.',
      aliases: anyCase(METRIC_LEVELS),
    }),
    address: text({ default: '', doc: 'Old way to write where the Prometheus page is: host:port.' }),
    readers: list(reader, { default: [DEFAULT_READER], doc: 'Ways to read the metrics.' }),
  },
  {
    doc: "The gateway's own metrics.",
    ignored: { views: 'labels and buckets cannot be changed here' },
    check: ({ level, readers, address }, report) => {
      if (address !== '') {
        report.warn(
          'address',
          'is an old name',
          'write readers: with a pull exporter prometheus: {host, port}',
        )
        if (!/^.*:\d+$/.test(address))
          report.error('address', `"${address}" is not host:port`, 'write localhost:8888')
      }
      if (level !== 'none' && readers.length === 0)
        report.error('readers', 'is empty', 'write level: none to have no metrics')
    },
  },
)

type Sampler = { readonly ratio: number; readonly parentBased: boolean }

const ratio = section(
  { ratio: number({ default: 1, min: 0, max: 1, doc: 'Share of traces that is kept.' }) },
  { doc: 'By trace id.' },
)

/** `always_on`, `always_off`, `trace_id_ratio_based: {ratio}`, `parent_based: {root: <one of them>}`. */
const sampler: Schema<Sampler> = {
  ...anything({
    doc: 'Which traces of the gateway itself are kept: always_on, always_off, trace_id_ratio_based, parent_based.',
  }),
  typeText: 'section',
  absent: () => ({ ratio: 1, parentBased: true }),
  read(node, path, check): Sampler {
    const [name, entry] = (node.kind === 'map' && [...node.entries][0]) || ['', undefined]
    if (name === 'always_on') return { ratio: 1, parentBased: false }
    if (name === 'always_off') return { ratio: 0, parentBased: false }
    if (name === 'trace_id_ratio_based')
      return { ratio: ratio.read(entry!.node, childPath(path, name), check).ratio, parentBased: false }
    if (name === 'parent_based') {
      const root = entry!.node.kind === 'map' ? entry!.node.entries.get('root') : undefined
      const inner =
        root === undefined
          ? { ratio: 1 }
          : sampler.read(root.node, childPath(path, 'parent_based::root'), check)
      return { ratio: inner.ratio, parentBased: true }
    }
    check.error(
      node.at,
      path,
      'is not a sampler',
      'write always_on:, always_off:, trace_id_ratio_based: or parent_based:',
    )
    return sampler.absent()
  },
  print: value => {
    const { ratio, parentBased } = value as Sampler
    const root = { trace_id_ratio_based: { ratio } }
    return parentBased ? { parent_based: { root } } : root
  },
}

const traces = section(
  {
    level: choice(METRIC_LEVELS, {
      default: 'basic',
      doc: 'none: no traces of the gateway itself.',
      aliases: anyCase(METRIC_LEVELS),
    }),
    processors: list(processor, { doc: 'Where they are sent. None: no traces are made.' }),
    propagators: list(choice(['tracecontext', 'b3'], { doc: 'One of them.' }), {
      doc: 'Which headers continue a trace. tracecontext is always understood.',
    }),
    sampler,
  },
  { doc: "The gateway's own traces.", ignored: { limits: 'spans of the gateway are small' } },
)

export type ResourceConfig = ReadonlyMap<string, string | null>

const SCHEMA_KEYS = ['attributes', 'attributes_list', 'schema_url', 'detectors', 'detection/development']

/** `name: value` lines, null to leave out one that is set by itself; or the schema's `attributes: [{name, value}]`. */
const resource: Schema<ResourceConfig> = {
  ...anything({ doc: "Attributes of the gateway's own signals." }),
  typeText: 'map of text',
  absent: () => new Map(),
  read(node, path, check) {
    const found = new Map<string, string | null>()
    if (node.kind === 'scalar' && node.value === null) return found
    if (node.kind !== 'map') {
      check.error(node.at, path, 'expected a section', 'write name: value lines below it')
      return found
    }
    const add = (name: string, value: Node): void => {
      const plain = plainValue(value)
      if (plain === null || typeof plain === 'string') found.set(name, plain)
      else check.error(value.at, childPath(path, name), 'expected a text or null', 'quote it')
    }
    if (!SCHEMA_KEYS.some(key => node.entries.has(key))) {
      for (const [name, entry] of node.entries) add(name, entry.node)
      return found
    }
    const attributes = node.entries.get('attributes')?.node
    for (const item of attributes?.kind === 'list' ? attributes.items : []) {
      const name = item.kind === 'map' ? item.entries.get('name')?.node : undefined
      const value = item.kind === 'map' ? item.entries.get('value')?.node : undefined
      if (name?.kind === 'scalar' && value !== undefined) add(String(name.value), value)
      else check.error(item.at, childPath(path, 'attributes'), 'expected name: and value:')
    }
    return found
  },
  print: value => Object.fromEntries(value as ResourceConfig),
  json: () => ({ description: "Attributes of the gateway's own signals.", type: ['object', 'null'] }),
}

/** The whole section, as the config reader hands it to the gateway. */
export const telemetryConfig = section(
  { logs, metrics, traces, resource },
  { doc: 'What the gateway says of itself: logs, metrics, traces.' },
)

export type TelemetryConfig = ValueOf<typeof telemetryConfig>
export type LogsConfig = TelemetryConfig['logs']

/** The readers in effect: the old `address` key stands for the default reader when no others are written. */
export function readersOf({
  level,
  readers,
  address,
}: TelemetryConfig['metrics']): readonly MetricReaderConfig[] {
  if (level === 'none') return []
  if (address === '' || !isDeepStrictEqual(readers, [DEFAULT_READER])) return readers
  const cut = address.lastIndexOf(':')
  const prometheus = { ...DEFAULT_PAGE, host: address.slice(0, cut), port: Number(address.slice(cut + 1)) }
  return [{ pull: { exporter: { prometheus } }, periodic: undefined }]
}
