/** What the metrics and their dimensions are called: as in the Collector, or as a preset says. */

import { BUCKETS_MAX } from '../../core/formats/exponential-histogram.ts'
import { AggregationTemporality } from '../../core/otlp/metrics-writer.ts'
import { boundsOf, DELTA, type SpanMetricsConfig } from './config.ts'
import { SERVICE_NAME } from './dimension-config.ts'
import type { HistogramKind } from './series.ts'

/** The Collector's, so that a scope label does not change with the gateway. */
export const SCOPE = 'spanmetricsconnector'

const EXPONENTIAL_BUCKETS = 160

export interface Names {
  readonly calls: string
  readonly duration: string
  readonly events: string
  /** Of the metric of durations; a preset may leave it out of the metric. */
  readonly unit: 'ms' | 's'
  readonly writtenUnit: string
  /** Key of the dimension that has the service's name. */
  readonly service: string
}

export function namesOf({ preset, namespace, histogram }: SpanMetricsConfig): Names {
  const tempo = preset === 'tempo'
  const prefix = namespace ?? (tempo ? 'traces.spanmetrics' : 'traces.span.metrics')
  const name = (last: string): string => (prefix === '' ? last : `${prefix}.${last}`)
  const unit = histogram.unit ?? (tempo ? 's' : 'ms')
  return {
    calls: name('calls'),
    duration: name(tempo ? 'latency' : 'duration'),
    events: name('events'),
    unit,
    writtenUnit: tempo ? '' : unit,
    service: tempo ? 'service' : SERVICE_NAME,
  }
}

export function histogramOf(config: SpanMetricsConfig): HistogramKind {
  const { disable, exponential } = config.histogram
  if (disable) return { kind: 'none' }
  if (exponential !== undefined)
    return {
      kind: 'exponential',
      maxSize: Math.min(exponential.max_size || EXPONENTIAL_BUCKETS, BUCKETS_MAX),
    }
  return { kind: 'explicit', bounds: boundsOf(config, namesOf(config).unit) }
}

export function temporalityOf({ aggregation_temporality }: SpanMetricsConfig): number {
  return aggregation_temporality === DELTA
    ? AggregationTemporality.AGGREGATION_TEMPORALITY_DELTA
    : AggregationTemporality.AGGREGATION_TEMPORALITY_CUMULATIVE
}

const KINDS = ['UNSPECIFIED', 'INTERNAL', 'SERVER', 'CLIENT', 'PRODUCER', 'CONSUMER']
const STATUSES = ['UNSET', 'OK', 'ERROR']

/** '' for a number that is none. */
export function kindText(kind: number): string {
  return KINDS[kind] === undefined ? '' : `SPAN_KIND_${KINDS[kind]}`
}

export function statusText(status: number): string {
  return STATUSES[status] === undefined ? '' : `STATUS_CODE_${STATUSES[status]}`
}

/** Of `otel.status_code`: nothing when the status is not set. */
export function otelStatusText(status: number): string {
  return status === 1 || status === 2 ? STATUSES[status]! : ''
}
