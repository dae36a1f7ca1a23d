/** Requests into samples: which metrics and points can be written at all, and one sample after the other. */

import type { Samples } from '../../core/formats/prometheus/samples.ts'
import type { Family, WrittenSeries } from '../../core/formats/prometheus/write-series.ts'
import { Cursor, LEN } from '../../core/otlp/cursor.ts'
import { AggregationTemporality, Metric } from '../../core/otlp/fields.ts'
import { Messages, MessageView } from '../../core/otlp/message.ts'
import { MetricView } from '../../core/otlp/metric.ts'
import { ScopeView } from '../../core/otlp/resource.ts'
import type { Identity, Source } from './identity.ts'
import { type PointKind, pointKinds } from './kinds.ts'
import { PointFields } from './point-fields.ts'
import type { Losses, Reason } from './reasons.ts'

const RESOURCE_METRICS = 1
const OWNER = 1
const CHILDREN = 2
const POINTS = 1
/** The same in all kinds of points. */
const TIME = 3

const { AGGREGATION_TEMPORALITY_DELTA: DELTA, AGGREGATION_TEMPORALITY_CUMULATIVE: CUMULATIVE } =
  AggregationTemporality

/** For how long Prometheus takes the last sample of a series for its value, by default. */
const LOOKBACK_MS = 5 * 60_000

/** The double 1. */
const ONE_HIGH = 0x3ff0_0000

export class Intake {
  readonly #identity: Identity
  readonly #samples: Samples
  readonly #families: Set<Family> | undefined
  readonly #kinds: Readonly<Record<number, PointKind>>
  readonly #resources = new Messages(new MessageView())
  readonly #scopes = new Messages(new MessageView())
  readonly #metrics = new Messages(new MetricView())
  readonly #resource = new MessageView()
  readonly #scope = new ScopeView()
  readonly #points = new Cursor(new Uint8Array())
  readonly #point = new PointFields()
  /** Of the resource that is being read, in ms. */
  #latest = 0

  /** `families` is given the metrics that were there, for metadata; undefined when nobody wants them. */
  constructor(identity: Identity, samples: Samples, families: Set<Family> | undefined) {
    this.#identity = identity
    this.#samples = samples
    this.#families = families
    this.#kinds = pointKinds(identity, samples)
  }

  /** Takes one request; what cannot be written goes to `losses`. */
  take(chunk: Uint8Array, losses: Losses): void {
    const resources = this.#resources.reset(chunk, 0, chunk.length, RESOURCE_METRICS)
    while (resources.next()) {
      const entry = resources.item
      const resource = ownerOf(this.#resource, entry)
      this.#latest = 0
      let source: Source | undefined
      const scopes = this.#scopes.reset(chunk, entry.start, entry.stop, CHILDREN)
      while (scopes.next()) {
        source = this.#identity.source(resource, ownerOf(this.#scope, scopes.item))
        const metrics = this.#metrics.reset(chunk, scopes.item.start, scopes.item.stop, CHILDREN)
        while (metrics.next()) this.#metric(source, metrics.item, losses)
      }
      if (source?.target !== undefined) this.#targetInfo(source.target, this.#latest)
    }
  }

  /**
   * One that is a little older than the last one says nothing that is not known, and a server would refuse it, in 1.0 with
   * all that is in the same request.
   */
  #targetInfo(target: WrittenSeries, time: number): void {
    if (time === 0 || (time < target.latest && target.latest - time < LOOKBACK_MS)) return
    target.latest = Math.max(target.latest, time)
    this.#samples.add(target, time, 0, 0, ONE_HIGH, 0)
  }

  #metric(source: Source, metric: MetricView, losses: Losses): void {
    const { dataField } = metric
    const kind = this.#kinds[dataField]
    if (kind === undefined) return
    const stream = this.#identity.stream(source, metric)
    const { family } = stream
    if (family !== undefined) this.#families?.add(family)
    const problem = temporalityProblem(metric) ?? (family === undefined ? 'bad_name' : undefined)
    const points = this.#points.reset(metric.bytes, metric.startOf(dataField), metric.stopOf(dataField))
    const point = this.#point
    while (points.next()) {
      if (points.field !== POINTS || points.wire !== LEN) continue
      point.reset(metric.bytes, points.start, points.stop, kind.attributes, kind.lists)
      const time = point.millis(TIME)
      if (time > this.#latest) this.#latest = time
      const lost: Reason | undefined = problem ?? (time === 0 ? 'no_time' : kind.take(stream, point, time))
      if (lost !== undefined) losses.add(lost, metric.name)
    }
  }
}

function ownerOf<View extends MessageView>(view: View, entry: MessageView): View {
  return view.reset(
    entry.bytes,
    entry.has(OWNER) ? entry.startOf(OWNER) : 0,
    entry.has(OWNER) ? entry.stopOf(OWNER) : 0,
  )
}

function temporalityProblem(metric: MetricView): Reason | undefined {
  const { dataField, temporality } = metric
  if (dataField === Metric.gauge || dataField === Metric.summary) return undefined
  if (temporality === DELTA) return 'delta_temporality'
  return temporality === CUMULATIVE ? undefined : 'unknown_temporality'
}
