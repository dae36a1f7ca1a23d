/**
 * Points into series, as the Collector's accumulator: the latest point of each series is kept, deltas of sums and
 * histograms are added up, a staleness mark takes the series away.
 */

import { AggregationTemporality, Metric } from '../../core/otlp/fields.ts'
import { Messages, MessageView } from '../../core/otlp/message.ts'
import { MetricView } from '../../core/otlp/metric.ts'
import { ScopeView } from '../../core/otlp/resource.ts'
import type { Losses, Reason } from './reasons.ts'
import type { SeriesStore } from './store.ts'
import type { Stream, Streams } from './streams.ts'
import { accumulate, readExponential, readHistogram, readNumber, readSummary, type State } from './values.ts'

const RESOURCE_METRICS = 1
const OWNER = 1
const CHILDREN = 2
const SCHEMA_URL = 3

/** Attributes of a point, by the field of its metric. */
const ATTRIBUTES: Readonly<Record<number, number>> = {
  [Metric.gauge]: 7,
  [Metric.sum]: 7,
  [Metric.histogram]: 9,
  [Metric.exponentialHistogram]: 1,
  [Metric.summary]: 7,
}

const { AGGREGATION_TEMPORALITY_DELTA: DELTA, AGGREGATION_TEMPORALITY_CUMULATIVE: CUMULATIVE } =
  AggregationTemporality

interface Point extends MessageView {
  readonly time: bigint
  readonly startTime: bigint
  readonly noRecordedValue: boolean
}

export class Intake {
  readonly #streams: Streams
  readonly #store: SeriesStore
  readonly #resources = new Messages(new MessageView())
  readonly #scopes = new Messages(new MessageView())
  readonly #metrics = new Messages(new MetricView())
  readonly #resource = new MessageView()
  readonly #scope = new ScopeView()

  constructor(streams: Streams, store: SeriesStore) {
    this.#streams = streams
    this.#store = store
  }

  /** Takes one request; what is not shown goes to `losses`. `now` is ms, `performance.now()` clock. */
  take(chunk: Uint8Array, now: number, losses: Losses): void {
    const resources = this.#resources.reset(chunk, 0, chunk.length, RESOURCE_METRICS)
    while (resources.next()) {
      const entry = resources.item
      const resource = ownerOf(this.#resource, entry)
      const scopes = this.#scopes.reset(chunk, entry.start, entry.stop, CHILDREN)
      while (scopes.next()) {
        const scopeEntry = scopes.item
        const scope = ownerOf(this.#scope, scopeEntry)
        const source = this.#streams.source(resource, scope, scopeEntry.text(SCHEMA_URL))
        const metrics = this.#metrics.reset(chunk, scopeEntry.start, scopeEntry.stop, CHILDREN)
        while (metrics.next()) {
          const metric = metrics.item
          const problem = unusable(metric)
          if (problem !== undefined) losses.add(problem, metric.name, pointsIn(metric))
          else this.#metric(this.#streams.stream(source, metric), metric, now, losses)
        }
      }
    }
  }

  #metric(stream: Stream, metric: MetricView, now: number, losses: Losses): void {
    const delta = metric.temporality === DELTA
    const each = <View extends Point>(
      points: Messages<View>,
      read: (point: View) => State | Reason,
    ): void => {
      while (points.next()) {
        const problem = this.#point(stream, points.item, read, delta, now)
        if (problem !== undefined) losses.add(problem, metric.name)
      }
    }
    switch (metric.dataField) {
      case Metric.gauge:
      case Metric.sum:
        each(metric.numberPoints(), point => readNumber(point, stream.type === 'counter'))
        return
      case Metric.histogram:
        each(metric.histogramPoints(), readHistogram)
        return
      case Metric.exponentialHistogram:
        each(metric.exponentialHistogramPoints(), readExponential)
        return
      case Metric.summary:
        each(metric.summaryPoints(), readSummary)
    }
  }

  #point<View extends Point>(
    stream: Stream,
    point: View,
    read: (point: View) => State | Reason,
    delta: boolean,
    now: number,
  ): Reason | undefined {
    const field = ATTRIBUTES[stream.dataField]!
    if (point.noRecordedValue) {
      const gone = this.#streams.series(stream, point, field, false)
      if (typeof gone === 'number') this.#store.remove(gone)
      return undefined
    }
    const state = read(point)
    if (typeof state === 'string') return state
    const series = this.#streams.series(stream, point, field, true)!
    if (typeof series === 'string') return series
    const { table } = this.#store
    const { time, startTime } = point
    let next = state
    let start = startTime
    if (table.hasState(series)) {
      const last = table.time(series)
      if (time < last) return 'out_of_order'
      if (delta && startTime === last) {
        try {
          next = accumulate(table.state(series)!, state)
        } catch {
          return 'buckets_too_far_apart'
        }
        start = table.startTime(series)
      } else if (delta && startTime < last && (startTime !== 0n || state.kind !== 'number')) {
        return 'delta_overlap'
      }
    }
    table.put(series, next, time, start, now, stream.source.target)
    return undefined
  }
}

function ownerOf<View extends MessageView>(view: View, entry: MessageView): View {
  return view.reset(
    entry.bytes,
    entry.has(OWNER) ? entry.startOf(OWNER) : 0,
    entry.has(OWNER) ? entry.stopOf(OWNER) : 0,
  )
}

function unusable(metric: MetricView): Reason | undefined {
  const { dataField, temporality } = metric
  if (dataField === 0) return 'no_data_type'
  if (dataField === Metric.gauge || dataField === Metric.summary) return undefined
  if (temporality !== DELTA && temporality !== CUMULATIVE) return 'unknown_temporality'
  return dataField === Metric.sum && temporality === DELTA && !metric.isMonotonic
    ? 'delta_not_monotonic'
    : undefined
}

/** Points of one metric: counted in its bytes. */
function pointsIn(metric: MetricView): number {
  const field = metric.dataField
  if (field === 0) return 0
  let count = 0
  const points = new Messages(new MessageView()).reset(
    metric.bytes,
    metric.startOf(field),
    metric.stopOf(field),
    1,
  )
  while (points.next()) count++
  return count
}
