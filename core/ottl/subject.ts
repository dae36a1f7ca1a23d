/** What a condition is asked about: an item and what is around it, as lazy views over the request's bytes. */

import type {
  ExponentialHistogramPointView,
  HistogramPointView,
  NumberPointView,
  SummaryPointView,
} from '../otlp/data-point.ts'
import type { LogRecordView } from '../otlp/log-record.ts'
import type { MetricView } from '../otlp/metric.ts'
import type { ResourceView, ScopeView } from '../otlp/resource.ts'
import type { SpanEventView, SpanView } from '../otlp/span.ts'

/** The Collector's names of what a condition may be about. */
export const CONTEXTS = ['span', 'spanevent', 'metric', 'datapoint', 'log'] as const
export type Context = (typeof CONTEXTS)[number]

export type PointView =
  | NumberPointView
  | HistogramPointView
  | ExponentialHistogramPointView
  | SummaryPointView

/** Whoever asks sees to it that those are set that the condition's context has. */
export interface Subject {
  /**
   * A number that changes when what is around the item does: its resource or scope, the span of an event, the metric of a
   * data point. What a condition asks of these it asks once, however many items there are.
   */
  around: number
  resource: ResourceView
  scope: ScopeView
  span?: SpanView
  event?: SpanEventView
  metric?: MetricView
  point?: PointView
  log?: LogRecordView
}
