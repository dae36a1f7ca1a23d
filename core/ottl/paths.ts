/**
 * What paths read, by context: names and meaning of pkg/ottl's contexts (0.155). A path may begin with the name of its
 * context (`span.name`) or leave it out where it is the condition's own (`name`).
 */

import { didYouMean } from '../../config/suggest.ts'
import { valueText } from '../formats/any-value.ts'
import { sameBytes } from '../otlp/cursor.ts'
import { ExponentialHistogramPointView, NumberPointView } from '../otlp/data-point.ts'
import { LogRecord, Metric } from '../otlp/fields.ts'
import { type KeyValues, plainEntries } from '../otlp/value.ts'
import type { OttlValue } from './compare.ts'
import { OttlError } from './lexer.ts'
import type { PathStep, PathValue } from './parser.ts'
import type { Context, Subject } from './subject.ts'

export type Getter = (subject: Subject) => OttlValue

/** A field is its getter; one with attributes or other keys behind it makes a getter of these. */
type Field = Getter | { readonly keyed: (keys: PathStep['keys']) => Getter | undefined }
type Fields = Readonly<Record<string, Field>>

/** `m[key]`: the first entry with this key, and into it with the keys behind. */
function attributes(of: (subject: Subject) => KeyValues): Field {
  return {
    keyed([first, ...rest]) {
      if (first === undefined) return subject => plainEntries(of(subject))
      if (typeof first !== 'string') return undefined
      const key = Buffer.from(first)
      return subject => {
        const entries = of(subject)
        while (entries.next())
          if (sameBytes(entries.bytes, entries.keyStart, entries.keyStop, key))
            return into(entries.value().toPlain(), rest)
        return null
      }
    },
  }
}

/** What cannot be gone into has nothing inside. */
function into(value: OttlValue, keys: PathStep['keys']): OttlValue {
  let inner = value
  for (const key of keys) {
    if (typeof key === 'string') {
      const isMap = typeof inner === 'object' && inner !== null && !Array.isArray(inner)
      inner = isMap && !(inner instanceof Uint8Array) ? ((inner as Map)[key] ?? null) : null
    } else inner = Array.isArray(inner) ? (inner[Number(key)] ?? null) : null
  }
  return inner
}

type Map = { readonly [key: string]: OttlValue }

const big = BigInt
const KINDS = ['Unspecified', 'Internal', 'Server', 'Client', 'Producer', 'Consumer']
const OLD_KINDS = KINDS.map(kind => `SPAN_KIND_${kind.toUpperCase()}`)

const RESOURCE: Fields = {
  attributes: attributes(({ resource }) => resource.attributes()),
  dropped_attributes_count: ({ resource }) => big(resource.droppedAttributesCount),
}

const SCOPE: Fields = {
  name: ({ scope }) => scope.name,
  version: ({ scope }) => scope.version,
  attributes: attributes(({ scope }) => scope.attributes()),
  dropped_attributes_count: ({ scope }) => big(scope.droppedAttributesCount),
}

const SPAN: Fields = {
  'trace_id.string': ({ span }) => span!.traceId.padStart(32, '0'),
  'span_id.string': ({ span }) => span!.spanId.padStart(16, '0'),
  'parent_span_id.string': ({ span }) => span!.parentSpanId.padStart(16, '0'),
  trace_state: ({ span }) => span!.traceState,
  name: ({ span }) => span!.name,
  kind: ({ span }) => big(span!.kind),
  'kind.string': ({ span }) => KINDS[span!.kind] ?? '',
  'kind.deprecated_string': ({ span }) => OLD_KINDS[span!.kind] ?? '',
  start_time_unix_nano: ({ span }) => big.asIntN(64, span!.startTime),
  end_time_unix_nano: ({ span }) => big.asIntN(64, span!.endTime),
  attributes: attributes(({ span }) => span!.attributes()),
  dropped_attributes_count: ({ span }) => big(span!.droppedAttributesCount),
  dropped_events_count: ({ span }) => big(span!.droppedEventsCount),
  dropped_links_count: ({ span }) => big(span!.droppedLinksCount),
  'status.code': ({ span }) => big(span!.statusCode),
  'status.message': ({ span }) => span!.statusMessage,
  flags: ({ span }) => big(span!.flags),
}

const SPAN_EVENT: Fields = {
  name: ({ event }) => event!.name,
  time_unix_nano: ({ event }) => big.asIntN(64, event!.time),
  attributes: attributes(({ event }) => event!.attributes()),
  dropped_attributes_count: ({ event }) => big(event!.droppedAttributesCount),
}

/** METRIC_DATA_TYPE_..., in the order of pmetric.MetricType. */
const METRIC_TYPES = [
  0,
  Metric.gauge,
  Metric.sum,
  Metric.histogram,
  Metric.exponentialHistogram,
  Metric.summary,
]
const SUM = METRIC_TYPES.indexOf(Metric.sum)
const SUMMARY = METRIC_TYPES.indexOf(Metric.summary)
const typeOf = ({ metric }: Subject): number => METRIC_TYPES.indexOf(metric!.dataField)

const METRIC: Fields = {
  name: ({ metric }) => metric!.name,
  description: ({ metric }) => metric!.description,
  unit: ({ metric }) => metric!.unit,
  type: subject => big(typeOf(subject)),
  aggregation_temporality: subject => {
    const type = typeOf(subject)
    return type >= SUM && type !== SUMMARY ? big(subject.metric!.temporality) : null
  },
  is_monotonic: subject => (typeOf(subject) === SUM ? subject.metric!.isMonotonic : null),
  metadata: attributes(({ metric }) => metric!.metadata()),
}

function number({ point }: Subject): bigint | number | undefined {
  return point instanceof NumberPointView ? point.value : undefined
}

const DATA_POINT: Fields = {
  attributes: attributes(({ point }) => point!.attributes()),
  start_time_unix_nano: ({ point }) => big.asIntN(64, point!.startTime),
  time_unix_nano: ({ point }) => big.asIntN(64, point!.time),
  flags: ({ point }) => big(point!.flags),
  // Of the other type it is 0, as there; of other points nothing.
  value_double: subject => {
    if (!(subject.point instanceof NumberPointView)) return null
    const value = number(subject)
    return typeof value === 'number' ? value : 0
  },
  value_int: subject => {
    if (!(subject.point instanceof NumberPointView)) return null
    const value = number(subject)
    return typeof value === 'bigint' ? value : 0n
  },
  count: ({ point }) =>
    point instanceof NumberPointView || point === undefined ? null : big.asIntN(64, point.count),
  sum: ({ point }) => (point instanceof NumberPointView || point === undefined ? null : (point.sum ?? 0)),
  scale: ({ point }) => (point instanceof ExponentialHistogramPointView ? big(point.scale) : null),
  zero_count: ({ point }) =>
    point instanceof ExponentialHistogramPointView ? big.asIntN(64, point.zeroCount) : null,
}

const LOG: Fields = {
  time_unix_nano: ({ log }) => big.asIntN(64, log!.time),
  observed_time_unix_nano: ({ log }) => big.asIntN(64, log!.observedTime),
  severity_number: ({ log }) => big(log!.severityNumber),
  severity_text: ({ log }) => log!.severityText,
  body: {
    keyed: keys => subject => into(subject.log!.body().toPlain(), keys),
  },
  'body.string': bodyText,
  attributes: attributes(({ log }) => log!.attributes()),
  dropped_attributes_count: ({ log }) => big(log!.droppedAttributesCount),
  flags: ({ log }) => big(log!.flags),
  'trace_id.string': ({ log }) => log!.traceId.padStart(32, '0'),
  'span_id.string': ({ log }) => log!.spanId.padStart(16, '0'),
  event_name: ({ log }) => log!.eventName,
}

/** As the Collector's AsString. */
function bodyText({ log }: Subject): string {
  const start = log!.startOf(LogRecord.body)
  return start < 0 ? '' : valueText(log!.bytes, start, log!.stopOf(LogRecord.body))
}

/** What a condition of each context may ask for, the nearest first. */
const VISIBLE: Readonly<Record<Context, Readonly<Record<string, Fields>>>> = {
  span: { span: SPAN },
  spanevent: { spanevent: SPAN_EVENT, span: SPAN },
  metric: { metric: METRIC },
  datapoint: { datapoint: DATA_POINT, metric: METRIC },
  log: { log: LOG },
}
const AROUND: Readonly<Record<string, Fields>> = {
  resource: RESOURCE,
  scope: SCOPE,
  instrumentation_scope: SCOPE,
}

/** What the Collector has besides: told apart from typos. */
const NOT_YET: Readonly<Record<string, readonly string[]>> = {
  resource: ['schema_url'],
  scope: ['schema_url'],
  instrumentation_scope: ['schema_url'],
  span: [
    'trace_id',
    'span_id',
    'parent_span_id',
    'start_time',
    'end_time',
    'events',
    'links',
    'status',
    'cache',
  ],
  spanevent: ['time', 'cache', 'event_index'],
  metric: ['data_points', 'cache'],
  datapoint: [
    'start_time',
    'time',
    'exemplars',
    'bucket_counts',
    'explicit_bounds',
    'positive',
    'negative',
    'quantile_values',
    'cache',
  ],
  log: ['trace_id', 'span_id', 'time', 'observed_time', 'cache'],
}

/** Reads a path. `isAround`: it reads nothing of the item itself. */
export interface Reading {
  readonly getter: Getter
  readonly isAround: boolean
}

/** Throws OttlError, which names what was meant. */
export function readingOf(path: PathValue, context: Context): Reading {
  const { where, getter } = find(path, context)
  const isAround = where !== context
  return { getter: isAround ? keptText(getter) : getter, isAround }
}

/** Texts may be long and are asked for by every item. What else there is would keep the bytes of a request alive. */
function keptText(getter: Getter): Getter {
  let around = -1
  let text = ''
  return subject => {
    if (subject.around === around) return text
    const value = getter(subject)
    if (typeof value === 'string') {
      text = value
      around = subject.around
    }
    return value
  }
}

function find(path: PathValue, context: Context): { where: string; getter: Getter } {
  const contexts = { ...VISIBLE[context], ...AROUND }
  const [first] = path.steps
  const named = path.steps.length > 1 && Object.hasOwn(contexts, first!.name) && first!.keys.length === 0
  const where = named ? first!.name : context
  const steps = named ? path.steps.slice(1) : path.steps
  const fields = contexts[where]!
  const name = steps.map(step => step.name).join('.')
  const last = steps.at(-1)!
  const field = Object.hasOwn(fields, name) ? fields[name]! : undefined
  const early = steps.slice(0, -1).find(step => step.keys.length > 0)
  if (field === undefined || early !== undefined) {
    if (NOT_YET[where]?.includes(steps[0]!.name))
      throw new OttlError(
        `${where}.${name} cannot be had here yet`,
        path.offset,
        'write it without, or count in a Collector',
      )
    const known = named ? Object.keys(fields) : [...Object.keys(fields), ...Object.keys(contexts)]
    throw new OttlError(`there is no ${where}.${name}`, path.offset, didYouMean(name, known))
  }
  if (typeof field === 'function') {
    if (last.keys.length > 0)
      throw new OttlError(`${name} has nothing inside`, last.offset, `write ${name} without [...]`)
    return { where, getter: field }
  }
  const getter = field.keyed(last.keys)
  if (getter === undefined)
    throw new OttlError(`${name}[${last.keys[0]}] needs a text`, last.offset, `write ${name}["key"]`)
  return { where, getter }
}

const range = (prefix: string, words: readonly string[], from = 0): [string, bigint][] =>
  words.map((word, i) => [`${prefix}_${word}`, big(from + i)])

const SPAN_ENUMS = Object.fromEntries([
  ...range('SPAN_KIND', ['UNSPECIFIED', 'INTERNAL', 'SERVER', 'CLIENT', 'PRODUCER', 'CONSUMER']),
  ...range('STATUS_CODE', ['UNSET', 'OK', 'ERROR']),
])
const METRIC_ENUMS = Object.fromEntries([
  ...range('AGGREGATION_TEMPORALITY', ['UNSPECIFIED', 'DELTA', 'CUMULATIVE']),
  ...range('METRIC_DATA_TYPE', ['NONE', 'GAUGE', 'SUM', 'HISTOGRAM', 'EXPONENTIAL_HISTOGRAM', 'SUMMARY']),
])
const LEVELS = ['TRACE', 'DEBUG', 'INFO', 'WARN', 'ERROR', 'FATAL']

/** Names of numbers, by context. */
export const ENUMS: Readonly<Record<Context, Readonly<Record<string, bigint>>>> = {
  span: SPAN_ENUMS,
  spanevent: SPAN_ENUMS,
  metric: METRIC_ENUMS,
  datapoint: { ...METRIC_ENUMS, FLAG_NONE: 0n, FLAG_NO_RECORDED_VALUE: 1n },
  log: Object.fromEntries([
    ['SEVERITY_NUMBER_UNSPECIFIED', 0n],
    ...LEVELS.flatMap((level, i) =>
      range('SEVERITY_NUMBER', [level, `${level}2`, `${level}3`, `${level}4`], 1 + 4 * i),
    ),
  ]),
}
