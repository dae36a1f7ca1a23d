/** What the connector tells of itself. */

import type { MetricDeclaration } from '../../core/telemetry/metrics.ts'

export const SERIES: MetricDeclaration = {
  kind: 'gauge',
  name: 'sluice_spanmetrics_series',
  unit: '{series}',
  help: 'Series that are kept, those that count what is beyond a limit included.',
  labels: ['connector'],
  level: 'basic',
}

export const BYTES: MetricDeclaration = {
  kind: 'gauge',
  name: 'sluice_spanmetrics_series_bytes',
  unit: 'By',
  help: 'Memory of the series and resources that are kept; max_series_bytes is its limit.',
  labels: ['connector'],
  level: 'basic',
}

export const OVERFLOWED: MetricDeclaration = {
  kind: 'counter',
  name: 'sluice_spanmetrics_overflowed',
  unit: '{span}',
  help: 'Spans, and events, counted in a series with otel.metric.overflow because there were too many series; by the service and the dimension that has the most values. Ten of these are told apart.',
  labels: ['connector', 'service', 'dimension'],
  level: 'basic',
}

export const SPANMETRICS_METRICS: readonly MetricDeclaration[] = [SERIES, BYTES, OVERFLOWED]
