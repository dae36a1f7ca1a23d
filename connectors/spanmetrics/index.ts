/**
 * `span_metrics`: counts spans, errors and durations, and hands them on as metrics.
 *
 *     connectors:
 *       span_metrics:
 *         dimensions: [{ name: http.route }]
 *     service:
 *       pipelines:
 *         traces: { receivers: [otlp], exporters: [span_metrics] }
 *         metrics: { receivers: [span_metrics], exporters: [prometheus] }
 *
 * The Collector's keys, names and values (connector/spanmetricsconnector 0.155). docs/spanmetrics.md says what differs and
 * what to ask Prometheus for; in short, here are the files:
 *
 *     connector.ts   takes batches, flushes in time
 *     counting.ts    a span: its fields (span-fields.ts, slot-values.ts), the key of its series (dimensions.ts)
 *     series.ts      the series, as rows in arrays, within a budget of bytes (budget.ts)
 *     resources.ts   whose they are
 *     flush.ts       series become OTLP; what is old is forgotten
 *     offenders.ts   who made too many series
 */

import type { ConnectorFactory } from '../../core/component/contract.ts'
import { config, type SpanMetricsConfig } from './config.ts'
import { SpanMetrics } from './connector.ts'
import { INSTANCE_ID } from './dimension-config.ts'
import { SPANMETRICS_METRICS } from './metrics.ts'

export const factory: ConnectorFactory<SpanMetricsConfig> = {
  kind: 'connector',
  type: 'span_metrics',
  aliases: ['spanmetrics'],
  doc: 'Counts spans, their durations and their events, and hands them on as metrics.',
  stability: 'beta',
  routes: [['traces', 'metrics']],
  config,
  metrics: SPANMETRICS_METRICS,
  workersClash: ({ exclude_dimensions }) =>
    exclude_dimensions.includes(INSTANCE_ID)
      ? {
          impossible: `several processes would each count on their own and call their series the same, because exclude_dimensions has ${INSTANCE_ID}`,
          fix: `take ${INSTANCE_ID} out of exclude_dimensions, or write service.workers: 1`,
        }
      : undefined,
  create: (config, settings, next) => new SpanMetrics(config, settings, next),
}
