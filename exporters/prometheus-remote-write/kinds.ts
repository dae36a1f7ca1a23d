/** How a point of each kind becomes samples, straight from its bytes. */

import { formatPlain } from '../../core/formats/go-numbers.ts'
import type { Label } from '../../core/formats/prometheus/labels.ts'
import { type Samples, STALE_HIGH, STALE_LOW } from '../../core/formats/prometheus/samples.ts'
import { writeNative, writeStaleNative } from '../../core/formats/prometheus/write-native.ts'
import type { WrittenSeries } from '../../core/formats/prometheus/write-series.ts'
import { high, low, readDouble, readFixed32, readFixed64, sameBytes } from '../../core/otlp/cursor.ts'
import {
  ExponentialHistogramPointView,
  HistogramPointView,
  NumberPointView,
  SummaryPointView,
} from '../../core/otlp/data-point.ts'
import {
  DataPointFlags,
  ExponentialHistogramDataPoint as Exponential,
  HistogramDataPoint as Histogram,
  Metric,
  NumberDataPoint as Number_,
  SummaryDataPoint as Summary,
} from '../../core/otlp/fields.ts'
import { Writer } from '../../core/otlp/writer.ts'
import { bucketExemplars, exemplars } from './exemplars.ts'
import type { Entry, Identity, Stream } from './identity.ts'
import type { PointFields } from './point-fields.ts'
import type { Reason } from './reasons.ts'

export interface PointKind {
  /** Field numbers of its attributes, and bits of those that are lists of numbers. */
  readonly attributes: number
  readonly lists: number
  /** Adds its samples; or why it cannot be written. */
  take(stream: Stream, point: PointFields, time: number): Reason | undefined
}

const NO_VALUE = DataPointFlags.DATA_POINT_FLAGS_NO_RECORDED_VALUE_MASK

/** A double and its halves: whatever is written to one side is read from the other. */
const double = new Float64Array(1)
const halves = new Uint32Array(double.buffer)

export function pointKinds(identity: Identity, samples: Samples): Readonly<Record<number, PointKind>> {
  const numbers = new Numbers(identity, samples)
  return {
    [Metric.gauge]: numbers,
    [Metric.sum]: numbers,
    [Metric.histogram]: new Histograms(identity, samples),
    [Metric.exponentialHistogram]: new Exponentials(identity, samples),
    [Metric.summary]: new Summaries(identity, samples),
  }
}

/** Of the series of a histogram or a summary the first two. */
const COUNT = 0
const SUM = 1

abstract class Kind implements PointKind {
  abstract readonly attributes: number
  abstract readonly lists: number
  protected readonly identity: Identity
  protected readonly samples: Samples

  constructor(identity: Identity, samples: Samples) {
    this.identity = identity
    this.samples = samples
  }

  abstract take(stream: Stream, point: PointFields, time: number): Reason | undefined

  protected stale(series: WrittenSeries, time: number, items: number): boolean {
    const added = this.samples.add(series, time, 0, STALE_LOW, STALE_HIGH, items)
    series.ended = true
    return added
  }

  protected number(
    series: WrittenSeries,
    time: number,
    start: number,
    value: number,
    items: number,
  ): boolean {
    double[0] = value
    return this.samples.add(series, time, start, halves[0]!, halves[1]!, items)
  }

  /** The eight bytes at `pos`, a double, as they are. */
  protected bits(
    series: WrittenSeries,
    time: number,
    start: number,
    bytes: Uint8Array,
    pos: number,
    items: number,
  ): boolean {
    return this.samples.add(series, time, start, readFixed32(bytes, pos), readFixed32(bytes, pos + 4), items)
  }
}

class Numbers extends Kind {
  readonly attributes = Number_.attributes
  readonly lists = 0
  readonly #view = new NumberPointView()

  take(stream: Stream, point: PointFields, time: number): Reason | undefined {
    const entry = this.identity.entry(stream, point, this.attributes)
    if (typeof entry === 'string') return entry
    const series = entry.series[0] ?? this.#make(stream, point, entry)
    if (series === undefined) return 'type_conflict'
    if ((point.uint32(Number_.flags) & NO_VALUE) !== 0)
      return this.stale(series, time, 1) ? undefined : 'duplicate_sample'
    const start = stream.counts ? point.millis(Number_.startTimeUnixNano) : 0
    const asDouble = point.at[Number_.asDouble]!
    const asInt = point.at[Number_.asInt]!
    let added: boolean
    // Of two, the last on the wire counts.
    if (asInt > asDouble) {
      readFixed64(point.bytes, asInt)
      added = this.number(series, time, start, (high | 0) * 0x1_0000_0000 + low, 1)
    } else if (asDouble !== -1) added = this.bits(series, time, start, point.bytes, asDouble, 1)
    else added = this.number(series, time, start, 0, 1)
    if (!added) return 'duplicate_sample'
    if (point.has(Number_.exemplars)) {
      const view = this.#view.reset(point.bytes, point.start, point.stop)
      exemplars(series, view.exemplars(), time)
    }
    return undefined
  }

  #make(stream: Stream, point: PointFields, entry: Entry): WrittenSeries | undefined {
    const family = stream.family!
    const labels = this.identity.labels(stream, point, this.attributes) as Map<string, string>
    const series = this.identity.series(labels, family, family.name, { leads: true })
    if (series.native) return undefined
    entry.series = [series]
    return series
  }
}

class Exponentials extends Kind {
  readonly attributes = Exponential.attributes
  readonly lists = 0
  readonly #view = new ExponentialHistogramPointView()

  take(stream: Stream, point: PointFields, time: number): Reason | undefined {
    const entry = this.identity.entry(stream, point, this.attributes)
    if (typeof entry === 'string') return entry
    const series = entry.series[0] ?? this.#make(stream, point, entry)
    if (series === undefined) return 'type_conflict'
    const { natives } = this.samples
    const begin = natives.pos
    const view = this.#view.reset(point.bytes, point.start, point.stop)
    const stale = (point.uint32(Exponential.flags) & NO_VALUE) !== 0
    if (stale) writeStaleNative(natives, time)
    else {
      const problem = writeNative(natives, view, time)
      if (problem !== undefined) return problem
    }
    const start = stale ? 0 : point.millis(Exponential.startTimeUnixNano)
    if (!this.samples.add(series, time, start, begin, natives.pos, 1)) {
      natives.rewind(begin)
      return 'duplicate_sample'
    }
    series.ended = stale
    if (point.has(Exponential.exemplars)) exemplars(series, view.exemplars(), time)
    return undefined
  }

  #make(stream: Stream, point: PointFields, entry: Entry): WrittenSeries | undefined {
    const family = stream.family!
    const labels = this.identity.labels(stream, point, this.attributes) as Map<string, string>
    const series = this.identity.series(labels, family, family.name, { native: true, leads: true })
    if (!series.native) return undefined
    entry.series = [series]
    return series
  }
}

/** Kinds whose points make count, sum, and one series for each bound or quantile. */
abstract class Composite extends Kind {
  protected again = false

  /** The bounds or quantiles of this point, eight bytes each; a new entry has series for these. */
  protected prepare(
    stream: Stream,
    point: PointFields,
    bytes: Uint8Array,
    start: number,
    stop: number,
    stale: boolean,
  ): Entry | Reason {
    const entry = this.identity.entry(stream, point, this.attributes)
    if (typeof entry === 'string') return entry
    const { layout } = entry
    if (layout !== undefined) {
      if (sameBytes(bytes, start, stop, layout)) return entry
      // A mark without bounds is for those that were there.
      if (stale && start === stop) return entry
    }
    const labels = this.identity.labels(stream, point, this.attributes) as Map<string, string>
    const own = Uint8Array.prototype.slice.call(bytes, start, stop)
    const values: number[] = []
    for (let pos = 0; pos + 8 <= own.length; pos += 8) values.push(readDouble(own, pos))
    const { name } = stream.family!
    const series = [
      this.identity.series(labels, stream.family!, `${name}_count`, { leads: true }),
      this.identity.series(labels, stream.family!, `${name}_sum`),
      ...this.rest(values).map(([suffix, more]) =>
        this.identity.series(labels, stream.family!, name + suffix, { more }),
      ),
    ]
    if (series.some(({ native }) => native)) return 'type_conflict'
    entry.series = series
    entry.layout = own
    return entry
  }

  /**
   * Enters the count of a point. False when another point is there at its time with another count; with the same count
   * `again` says so, and the rest of this point has to be the same too before `count` counts it.
   */
  protected begin(series: WrittenSeries, time: number, start: number, count: number): boolean {
    this.again = this.samples.has(series, time)
    return this.number(series, time, start, count, this.again ? 0 : 1)
  }

  /** `same`: whether all samples after the count could be entered. */
  protected finish(
    series: WrittenSeries,
    time: number,
    start: number,
    count: number,
    same: boolean,
  ): Reason | undefined {
    // A bound that stands twice in one point is told once.
    if (!this.again) return undefined
    return same && this.number(series, time, start, count, 1) ? undefined : 'duplicate_sample'
  }

  /** Name and label of the series for each of these values. */
  protected abstract rest(values: readonly number[]): readonly (readonly [suffix: string, label: Label])[]

  /** All series of an entry end. */
  protected end({ series }: Entry, time: number): Reason | undefined {
    if (!this.stale(series[COUNT]!, time, 1)) return 'duplicate_sample'
    for (let i = SUM; i < series.length; i++) this.stale(series[i]!, time, 0)
    return undefined
  }
}

class Histograms extends Composite {
  readonly attributes = Histogram.attributes
  readonly lists = (1 << Histogram.bucketCounts) | (1 << Histogram.explicitBounds)
  readonly #view = new HistogramPointView()
  readonly #bounds = new Writer()
  readonly #counts = new Writer()

  take(stream: Stream, point: PointFields, time: number): Reason | undefined {
    let { bytes } = point
    let counts = bytes
    const at = point.at
    let boundsAt = Math.max(0, at[Histogram.explicitBounds]!)
    let boundsEnd = at[Histogram.explicitBounds] === -1 ? 0 : point.end[Histogram.explicitBounds]!
    let countsAt = Math.max(0, at[Histogram.bucketCounts]!)
    let countsEnd = at[Histogram.bucketCounts] === -1 ? 0 : point.end[Histogram.bucketCounts]!
    if (point.repeated) {
      this.#unpack(point)
      bytes = this.#bounds.bytes
      counts = this.#counts.bytes
      boundsAt = countsAt = 0
      boundsEnd = this.#bounds.pos
      countsEnd = this.#counts.pos
    }
    // Counts without bounds, or bounds without counts, are no buckets.
    const buckets = Math.min(boundsEnd - boundsAt, countsEnd - countsAt) & ~7
    const stale = (point.uint32(Histogram.flags) & NO_VALUE) !== 0
    const entry = this.prepare(stream, point, bytes, boundsAt, boundsAt + buckets, stale)
    if (typeof entry === 'string') return entry
    if (stale) return this.end(entry, time)
    const { series } = entry
    const start = point.millis(Histogram.startTimeUnixNano)
    const count = point.fixed64(Histogram.count)
    if (!this.begin(series[COUNT]!, time, start, count)) return 'duplicate_sample'
    let same = true
    if (point.has(Histogram.sum))
      same = this.bits(series[SUM]!, time, start, point.bytes, at[Histogram.sum]!, 0)
    // Halves apart, so that the sum of integers is rounded once.
    let belowLow = 0
    let belowHigh = 0
    for (let i = 0; i < buckets; i += 8) {
      readFixed64(counts, countsAt + i)
      belowLow += low
      belowHigh += high
      if (belowLow > 0xffff_ffff) {
        belowLow -= 0x1_0000_0000
        belowHigh++
      }
      const below = belowHigh * 0x1_0000_0000 + belowLow
      if (!this.number(series[2 + (i >> 3)]!, time, start, below, 0)) same = false
    }
    if (!this.number(series[2 + (buckets >> 3)]!, time, start, count, 0)) same = false
    const problem = this.finish(series[COUNT]!, time, start, count, same)
    if (problem !== undefined) return problem
    if (point.has(Histogram.exemplars)) {
      const view = this.#view.reset(point.bytes, point.start, point.stop)
      bucketExemplars(entry, view.exemplars(), time)
    }
    return undefined
  }

  /** Lists that are not packed, or in several pieces. */
  #unpack(point: PointFields): void {
    const view = this.#view.reset(point.bytes, point.start, point.stop)
    this.#bounds.rewind()
    this.#counts.rewind()
    for (const bound of view.explicitBounds) this.#bounds.double(bound)
    for (const count of view.bucketCounts) this.#counts.bigFixed64(count)
  }

  protected rest(bounds: readonly number[]): [string, Label][] {
    return [...bounds, Infinity].map(bound => ['_bucket', ['le', formatPlain(bound)]])
  }
}

class Summaries extends Composite {
  readonly attributes = Summary.attributes
  readonly lists = 0
  readonly #view = new SummaryPointView()
  readonly #quantiles = new Writer()

  take(stream: Stream, point: PointFields, time: number): Reason | undefined {
    const view = this.#view.reset(point.bytes, point.start, point.stop)
    const layout = this.#quantiles
    layout.rewind()
    let found = view.quantiles()
    while (found.next()) layout.double(found.item.quantile)
    const stale = (point.uint32(Summary.flags) & NO_VALUE) !== 0
    const entry = this.prepare(stream, point, layout.bytes, 0, layout.pos, stale)
    if (typeof entry === 'string') return entry
    if (stale) return this.end(entry, time)
    const { series } = entry
    const start = point.millis(Summary.startTimeUnixNano)
    const count = point.fixed64(Summary.count)
    if (!this.begin(series[COUNT]!, time, start, count)) return 'duplicate_sample'
    let same = this.number(series[SUM]!, time, start, view.sum, 0)
    found = view.quantiles()
    for (let i = 2; found.next(); i++)
      if (!this.number(series[i]!, time, start, found.item.value, 0)) same = false
    return this.finish(series[COUNT]!, time, start, count, same)
  }

  protected rest(quantiles: readonly number[]): [string, Label][] {
    return quantiles.map(quantile => ['', ['quantile', formatPlain(quantile)]])
  }
}
