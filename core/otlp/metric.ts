/** Metric, read lazily; its data points are in data-point.ts. */

import {
  ExponentialHistogramPointView,
  HistogramPointView,
  NumberPointView,
  SummaryPointView,
} from './data-point.ts'
import { Metric, Sum } from './fields.ts'
import { Messages, MessageView } from './message.ts'
import { KeyValues } from './value.ts'

export type MetricType = 'empty' | 'gauge' | 'sum' | 'histogram' | 'exponential_histogram' | 'summary'

const TYPES: Readonly<Record<number, MetricType>> = {
  [Metric.gauge]: 'gauge',
  [Metric.sum]: 'sum',
  [Metric.histogram]: 'histogram',
  [Metric.exponentialHistogram]: 'exponential_histogram',
  [Metric.summary]: 'summary',
}
const DATA_FIELDS = Object.keys(TYPES).map(Number)

/** Data points are field 1 in each of the five messages, temporality field 2 where there is one. */
const DATA_POINTS = 1

export class MetricView extends MessageView {
  readonly #metadata = new KeyValues()
  readonly #data = new MessageView()
  readonly #numbers = new Messages(new NumberPointView())
  readonly #histograms = new Messages(new HistogramPointView())
  readonly #exponentials = new Messages(new ExponentialHistogramPointView())
  readonly #summaries = new Messages(new SummaryPointView())

  get name(): string {
    return this.text(Metric.name)
  }

  get description(): string {
    return this.text(Metric.description)
  }

  get unit(): string {
    return this.text(Metric.unit)
  }

  metadata(): KeyValues {
    return this.#metadata.reset(this.bytes, this.start, this.stop, Metric.metadata)
  }

  /** `Metric.gauge`, `Metric.sum`, ...; 0 when the metric has no data. */
  get dataField(): number {
    return DATA_FIELDS.find(field => this.has(field)) ?? 0
  }

  get type(): MetricType {
    return TYPES[this.dataField] ?? 'empty'
  }

  /** `AggregationTemporality`; unspecified for gauges and summaries. */
  get temporality(): number {
    const field = this.dataField
    if (field === Metric.gauge || field === Metric.summary) return 0
    return this.#readData().int32(Sum.aggregationTemporality)
  }

  /** False for all but sums. */
  get isMonotonic(): boolean {
    return this.dataField === Metric.sum && this.#readData().bool(Sum.isMonotonic)
  }

  /** Points of a gauge or sum; none for other types. The same holds for the next three. */
  numberPoints(): Messages<NumberPointView> {
    const field = this.dataField
    return this.#points(this.#numbers, field === Metric.gauge ? field : Metric.sum)
  }

  histogramPoints(): Messages<HistogramPointView> {
    return this.#points(this.#histograms, Metric.histogram)
  }

  exponentialHistogramPoints(): Messages<ExponentialHistogramPointView> {
    return this.#points(this.#exponentials, Metric.exponentialHistogram)
  }

  summaryPoints(): Messages<SummaryPointView> {
    return this.#points(this.#summaries, Metric.summary)
  }

  #points<View extends MessageView>(points: Messages<View>, field: number): Messages<View> {
    return this.has(field)
      ? points.reset(this.bytes, this.startOf(field), this.stopOf(field), DATA_POINTS)
      : points.reset(this.bytes, 0, 0, DATA_POINTS)
  }

  #readData(): MessageView {
    const field = this.dataField
    if (field === 0) return this.#data.reset(this.bytes, 0, 0)
    return this.#data.reset(this.bytes, this.startOf(field), this.stopOf(field))
  }
}
