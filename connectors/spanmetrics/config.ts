/** Keys of the span_metrics connector, those of the Collector's connector/spanmetricsconnector 0.155. */

import {
  anyCase,
  choice,
  duration,
  flag,
  integer,
  list,
  optional,
  section,
  text,
  type ValueOf,
} from '../../config/schema.ts'
import { checkDimensions } from './dimension-config.ts'

const dimension = section(
  {
    name: text({
      default: '',
      doc: 'Key of an attribute: of the span (for events: of the span, then of the event), else of the resource.',
    }),
    default: optional(
      text({ doc: 'The value when no such attribute is there. Without it the dimension is left out then.' }),
      { empty: 'off' },
    ),
    glob: text({
      default: '',
      doc: 'Instead of a name: every attribute whose key matches is a dimension. `*` matches up to the next dot, `**` beyond it.',
    }),
  },
  { doc: 'One attribute that tells series apart.' },
)

export type DimensionConfig = ValueOf<typeof dimension>

const dimensions = (doc: string) => list(dimension, { doc })

const histogram = section(
  {
    disable: flag({ default: false, doc: 'No metric of durations.' }),
    unit: optional(
      choice(['ms', 's'], {
        aliases: anyCase(['ms', 's']),
        doc: 'Unit of durations: ms unless a preset says otherwise.',
      }),
    ),
    dimensions: dimensions('Dimensions of the metric of durations, besides those of all metrics.'),
    explicit: optional(
      section(
        {
          buckets: optional(
            list(duration({ doc: 'An upper bound.' }), {
              doc: 'Upper bounds, ascending. Not written, with explicit written: one bucket for everything.',
            }),
          ),
        },
        { doc: 'Buckets with fixed bounds. This is the default, with bounds from 2ms to 15s.' },
      ),
      { empty: 'off' },
    ),
    exponential: optional(
      section(
        {
          max_size: integer({
            default: 0,
            min: 0,
            doc: 'Most buckets of a series; its resolution is halved when it needs more. 0: 160.',
          }),
        },
        { doc: 'An exponential histogram, whose bounds follow the data.' },
      ),
      { empty: 'off' },
    ),
  },
  {
    doc: 'How durations are counted.',
    check({ explicit, exponential }, report) {
      if (explicit !== undefined && exponential !== undefined)
        report.error('exponential', 'and explicit are both there', 'take one of them out')
      const bounds = explicit?.buckets ?? []
      if (bounds.some((bound, i) => i > 0 && bound <= bounds[i - 1]!))
        report.error('explicit', 'has buckets that do not ascend', 'write them from short to long')
    },
  },
)

export const CUMULATIVE = 'AGGREGATION_TEMPORALITY_CUMULATIVE'
export const DELTA = 'AGGREGATION_TEMPORALITY_DELTA'

export const config = section(
  {
    preset: choice(['', 'tempo'], {
      default: '',
      doc: "Sluice only: other people's names as defaults. tempo: those of Grafana Tempo's metrics generator (traces_spanmetrics_latency in seconds, label service), which many dashboards ask for.",
    }),
    namespace: optional(
      text({
        doc: 'Stands in front of the names, with a dot between: traces.span.metrics unless a preset says otherwise. Empty: bare names.',
      }),
    ),
    dimensions: dimensions(
      'Attributes that tell series apart, besides service.name, span.name, span.kind, status.code and collector.instance.id.',
    ),
    calls_dimensions: dimensions('Dimensions of the metric of calls, besides those of all metrics.'),
    exclude_dimensions: list(
      text({ doc: 'service.name, span.name, span.kind, status.code or collector.instance.id.' }),
      {
        doc: 'Which of the dimensions that are always there to leave out.',
      },
    ),
    include_instrumentation_scope: list(text({ doc: 'Name of a scope.' }), {
      doc: 'Spans of these scopes get span.instrumentation.scope.name and .version as dimensions.',
    }),
    histogram,
    events: section(
      {
        enabled: flag({ default: false, doc: "Count spans' events." }),
        dimensions: dimensions('Dimensions of the metric of events: attributes of events, above all.'),
      },
      {
        doc: 'A metric of events.',
        check({ enabled, dimensions }, report) {
          if (!enabled) return
          if (dimensions.length === 0)
            report.error('dimensions', 'is empty', 'write which attributes of events tell them apart')
        },
      },
    ),
    exemplars: section(
      {
        enabled: flag({ default: false, doc: 'Spans as examples at the points they were counted in.' }),
        max_per_data_point: integer({ default: 5, min: 0, doc: 'How many at each point.' }),
      },
      { doc: 'From a number to a trace.' },
    ),
    aggregation_temporality: text({
      default: CUMULATIVE,
      doc: `${CUMULATIVE} or ${DELTA}. Anything else counts as the first.`,
    }),
    metrics_flush_interval: duration({
      default: '60s',
      min: 1,
      doc: 'How often the metrics are handed on.',
    }),
    metrics_expiration: duration({
      default: '15m',
      doc: 'A resource that had no span for this long is forgotten. 0: never, the default in the Collector.',
    }),
    series_expiration: duration({
      default: '15m',
      doc: 'A series that had no span for this long is forgotten. 0: never, the default in the Collector.',
    }),
    metric_timestamp_cache_size: optional(
      integer({
        doc: 'With delta temporality: of how many series without new spans to remember when they were handed on last, so that their next point begins there. 1000 when it is not written.',
      }),
      { empty: 'off' },
    ),
    resource_metrics_cache_size: integer({
      default: 1000,
      min: 1,
      doc: 'Of how many resources metrics are kept; of those above, the ones that had no span for the longest time are handed on once more and forgotten.',
    }),
    resource_metrics_key_attributes: list(text({ doc: 'Key of an attribute of resources.' }), {
      doc: 'Resources that differ in other attributes only are one. Empty: in any attribute.',
    }),
    aggregation_cardinality_limit: integer({
      default: 10_000,
      min: 0,
      doc: 'Most series of one resource and metric. What would be more is counted in a series with otel.metric.overflow="true". 0: no limit, the default in the Collector.',
    }),
    max_series_bytes: integer({
      default: 128 * 1024 * 1024,
      min: 0,
      doc: 'Sluice only: memory for all series and resources, in bytes. When it is used up, new ones are counted in series with otel.metric.overflow="true". 0: no limit.',
    }),
    add_resource_attributes: flag({
      default: false,
      doc: 'Metrics have the attributes of the resource of their spans also with the feature gate connector.spanmetrics.excludeResourceMetrics; without it they have them in any case.',
    }),
    enable_metrics_sampling_method: flag({
      default: false,
      doc: 'A dimension sampling.method: extrapolated for spans whose tracestate says how many they stand for, counted for the others.',
    }),
  },
  {
    doc: 'Counts spans, their durations and their events, and hands them on as metrics.',
    ignored: {
      dimensions_cache_size: 'deprecated in the Collector; aggregation_cardinality_limit bounds what is kept',
    },
    check(value, report) {
      for (const [key, wrong] of checkDimensions(value)) report.error(key, ...wrong)
      const { aggregation_temporality: temporality, metric_timestamp_cache_size: remembered } = value
      if (temporality !== CUMULATIVE && temporality !== DELTA)
        report.warn(
          'aggregation_temporality',
          `"${temporality}" is not known, so metrics are cumulative`,
          `write ${CUMULATIVE} or ${DELTA}`,
        )
      if (temporality === DELTA && remembered !== undefined && remembered <= 0)
        report.error('metric_timestamp_cache_size', `is ${remembered}`, 'write 1 or more')
    },
  },
)

export type SpanMetricsConfig = ValueOf<typeof config>

/** The upper bounds of explicit buckets, in the unit of the metric. */
export function boundsOf({ histogram, preset }: SpanMetricsConfig, unit: 'ms' | 's'): Float64Array {
  const { explicit } = histogram
  const bounds =
    explicit === undefined
      ? preset === 'tempo'
        ? TEMPO_BOUNDS_MS
        : DEFAULT_BOUNDS_MS
      : (explicit.buckets ?? [])
  // Through whole nanoseconds: 1400 ms are 1.4 s, exactly as the nearest double.
  return Float64Array.from(bounds, ms => Math.round(ms * 1e6) / (unit === 's' ? 1e9 : 1e6))
}

const DEFAULT_BOUNDS_MS = [2, 4, 6, 8, 10, 50, 100, 200, 400, 800, 1000, 1400, 2000, 5000, 10_000, 15_000]
const TEMPO_BOUNDS_MS = Array.from({ length: 14 }, (_, i) => 2 * 2 ** i)
