/**
 * The series of a service graph: how many requests there were between two services, how many failed, how long they took
 * as either side saw them. One for each combination of labels; past a limit all others are one.
 */

import { encodeBool, encodeText } from '../../core/formats/any-value.ts'
import { ExponentialHistogram } from '../../core/formats/exponential-histogram.ts'
import { KeyValue, Resource } from '../../core/otlp/fields.ts'
import { AggregationTemporality, type DataKind, type MetricsWriter } from '../../core/otlp/metrics-writer.ts'
import { Writer } from '../../core/otlp/writer.ts'
import type { Edge } from './edge.ts'

const CUMULATIVE = AggregationTemporality.AGGREGATION_TEMPORALITY_CUMULATIVE
const SCOPE = 'traces_service_graph'
const NO_ATTRIBUTES = new Uint8Array()
const SEPARATOR = '\0'
/** So much text in labels, in letters, all series together: beyond it they become one, as beyond `max`. */
const LETTERS_MAX = 64 * 1024 * 1024
/** Larger requests are cut. */
const REQUEST_BYTES = 2 * 1024 * 1024

export interface SeriesOptions {
  /** Upper bounds in seconds. */
  readonly bounds: readonly number[]
  /** Of exponential histograms; 0: explicit ones. */
  readonly exponentialSize: number
  /** Keys for the dimensions of an edge. */
  readonly dimensionLabels: readonly string[]
  readonly virtualNodeLabel: boolean
  /** How many; 0 means any number. */
  readonly max: number
}

interface Series {
  readonly attributes: Uint8Array
  readonly letters: number
  /** ns since 1970. */
  readonly start: bigint
  readonly server: Durations
  readonly client: Durations
  total: number
  failed: number
  /** ms, on the caller's clock. */
  updated: number
}

export class GraphSeries {
  readonly #options: SeriesOptions
  readonly #bounds: Float64Array
  readonly #series = new Map<string, Series>()
  readonly #scratch = new Writer(512)
  #letters: number
  #hasOverflow: boolean

  constructor(options: SeriesOptions) {
    this.#options = options
    this.#bounds = Float64Array.from(options.bounds)
    this.#letters = 0
    this.#hasOverflow = false
  }

  get size(): number {
    return this.#series.size
  }

  /** True while some series have become one because there are too many. */
  get hasOverflow(): boolean {
    return this.#hasOverflow
  }

  /** Counts one request. `nowMs` is on the clock that `expire` is told, `nowNs` since 1970. */
  add(edge: Edge, nowMs: number, nowNs: bigint): void {
    const series = this.#find(edge, nowNs)
    series.total++
    if (edge.failed) series.failed++
    series.server.add(edge.serverSeconds)
    series.client.add(edge.clientSeconds)
    series.updated = nowMs
  }

  #find(edge: Edge, nowNs: bigint): Series {
    const { virtualNodeLabel, max } = this.#options
    const { clientService, serverService, connectionType, failed, virtualNode, dimensions } = edge
    let key = clientService + SEPARATOR + serverService + SEPARATOR + connectionType + SEPARATOR
    key += failed ? 'true' : 'false'
    if (virtualNodeLabel) key += SEPARATOR + virtualNode
    // What is not there is told apart from what is empty.
    for (const value of dimensions) key += value === undefined ? SEPARATOR : `${SEPARATOR}=${value}`
    const known = this.#series.get(key)
    if (known !== undefined) return known
    if ((max > 0 && this.#series.size >= max) || this.#letters + key.length > LETTERS_MAX)
      return this.#overflow(nowNs)
    return this.#make(key, this.#attributesOf(edge), nowNs)
  }

  /** Its key is one that no edge has. */
  #overflow(nowNs: bigint): Series {
    const known = this.#series.get('')
    if (known !== undefined) return known
    this.#hasOverflow = true
    this.#scratch.rewind()
    this.#attribute('otel.metric.overflow', encodeBool(true))
    return this.#make('', this.#scratch.copy(), nowNs)
  }

  #make(key: string, attributes: Uint8Array, start: bigint): Series {
    const durations = (): Durations =>
      this.#options.exponentialSize > 0
        ? new ExponentialHistogram(this.#options.exponentialSize)
        : new ExplicitHistogram(this.#bounds)
    const [server, client] = [durations(), durations()]
    const letters = key.length
    const series = { attributes, letters, start, server, client, total: 0, failed: 0, updated: 0 }
    this.#letters += letters
    this.#series.set(key, series)
    return series
  }

  #attributesOf(edge: Edge): Uint8Array {
    const { dimensionLabels, virtualNodeLabel } = this.#options
    this.#scratch.rewind()
    this.#attribute('client', encodeText(edge.clientService))
    this.#attribute('server', encodeText(edge.serverService))
    this.#attribute('connection_type', encodeText(edge.connectionType))
    this.#attribute('failed', encodeBool(edge.failed))
    for (const [i, value] of edge.dimensions.entries())
      if (value !== undefined) this.#attribute(dimensionLabels[i]!, encodeText(value))
    if (virtualNodeLabel) this.#attribute('virtual_node', encodeText(edge.virtualNode))
    return this.#scratch.copy()
  }

  #attribute(key: string, value: Uint8Array): void {
    const entry = this.#scratch.open(Resource.attributes)
    this.#scratch.string(KeyValue.key, key)
    this.#scratch.lengthDelimited(KeyValue.value, value)
    this.#scratch.close(entry)
  }

  /** Ends the series that no request was counted in since `beforeMs`. */
  expire(beforeMs: number): void {
    for (const [key, { updated, letters }] of this.#series) {
      if (updated >= beforeMs) continue
      this.#series.delete(key)
      this.#letters -= letters
      if (key === '') this.#hasOverflow = false
    }
  }

  /** All series as they are, as requests of a few MB and the number of points in each. `time`: of their points, ns. */
  *requests(writer: MetricsWriter, time: bigint): Generator<{ bytes: Uint8Array; points: number }> {
    let begun = false
    for (const metric of this.#metrics()) {
      let named = false
      for (const series of metric.series) {
        if (!begun) {
          writer.resource(NO_ATTRIBUTES)
          writer.scope(SCOPE)
          begun = true
          named = false
        }
        if (!named) writer.metric(metric.name, metric.unit, '', metric.kind, CUMULATIVE)
        named = true
        writePoint(writer, series, metric.value(series), time)
        if (writer.byteLength < REQUEST_BYTES) continue
        const { points } = writer
        yield { bytes: writer.take(), points }
        begun = false
      }
    }
    const { points } = writer
    if (begun) yield { bytes: writer.take(), points }
  }

  #metrics(): readonly MetricOfGraph[] {
    const series = [...this.#series.values()]
    const kind: DataKind = this.#options.exponentialSize > 0 ? 'exponential_histogram' : 'histogram'
    const failed = series.filter(one => one.failed > 0)
    const sum = { unit: '', kind: 'sum' } as const
    const histogram = { unit: 's', kind, series }
    return [
      { ...sum, name: 'traces_service_graph_request_total', series, value: one => one.total },
      {
        ...sum,
        name: 'traces_service_graph_request_failed_total',
        series: failed,
        value: one => one.failed,
      },
      { ...histogram, name: 'traces_service_graph_request_server', value: one => one.server },
      { ...histogram, name: 'traces_service_graph_request_client', value: one => one.client },
    ]
  }
}

interface MetricOfGraph {
  readonly name: string
  readonly unit: string
  readonly kind: DataKind
  readonly series: readonly Series[]
  readonly value: (series: Series) => number | Durations
}

function writePoint(
  writer: MetricsWriter,
  { attributes, start }: Series,
  value: number | Durations,
  time: bigint,
): void {
  const stop = attributes.length
  if (typeof value === 'number') writer.numberPoint(attributes, 0, stop, start, time, value)
  else if (value instanceof ExplicitHistogram) writer.histogramPoint(attributes, 0, stop, start, time, value)
  else writer.exponentialPoint(attributes, 0, stop, start, time, value)
}

type Durations = ExplicitHistogram | ExponentialHistogram

/** Counts by upper bounds, as MetricsWriter takes them. */
class ExplicitHistogram {
  readonly bounds: Float64Array
  readonly counts: Float64Array
  readonly at = 0
  count: number
  sum: number

  constructor(bounds: Float64Array) {
    this.bounds = bounds
    this.counts = new Float64Array(bounds.length + 1)
    this.count = 0
    this.sum = 0
  }

  /** A bucket holds what is not above its bound. */
  add(value: number): void {
    const { bounds } = this
    let low = 0
    let high = bounds.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (bounds[middle]! < value) low = middle + 1
      else high = middle
    }
    this.counts[low]!++
    this.count++
    this.sum += value
  }
}
