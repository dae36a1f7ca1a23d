/**
 * The protobuf page: io.prometheus.client.MetricFamily messages, each behind its length, taken apart into the samples
 * that a text page would have, and native histograms (model/textparse/protobufparse.go).
 */

import { LEN, readVarint, VARINT, varintEnd } from '../../../otlp/cursor.ts'
import { BadMessage } from '../../bad-message.ts'
import type { Label } from '../labels.ts'
import { formatOpenFloat } from '../numbers.ts'
import { denseBuckets, type ScrapedHistogram, type Span } from './histogram.ts'
import { ClassicCollector } from './nhcb.ts'
import { BadPage, type Entry, type MetricType, NAME, type PageParser, type ScrapedExemplar } from './page.ts'
import { type Bound, type ProtoHistogram, type ProtoMetric, ProtoReader } from './proto-messages.ts'

const TYPES: readonly MetricType[] = ['counter', 'gauge', 'summary', 'unknown', 'histogram', 'gaugehistogram']

export interface ProtoOptions {
  /** Read native histograms; otherwise their classic buckets only. */
  readonly native: boolean
  /** Classic buckets of a native histogram too. */
  readonly classic: boolean
  /** Classic histograms as one of custom buckets. */
  readonly custom: boolean
}

const NONE: readonly ScrapedExemplar[] = []

export class ProtoParser implements PageParser {
  family = ''
  text = ''
  type: MetricType = 'unknown'
  series = ''
  value = 0
  millis: number | undefined
  histogram: ScrapedHistogram | undefined
  started: number | undefined
  readonly #bytes: Buffer
  readonly #reader: ProtoReader
  readonly #options: ProtoOptions
  readonly #entries: Generator<Entry, void>
  readonly #collector = new ClassicCollector()
  /** What `labels()` is made of. */
  #name = ''
  #places: readonly number[] = []
  #bound: Label | undefined
  #exemplars: readonly ScrapedExemplar[] = NONE

  constructor(bytes: Uint8Array, options: ProtoOptions) {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
    this.#reader = new ProtoReader(bytes)
    this.#options = options
    this.#entries = this.#families()
  }

  next(): Entry | undefined {
    return this.#reading(() => {
      const { done, value } = this.#entries.next()
      return done === true ? undefined : value
    })
  }

  labels(): Label[] {
    const labels = this.#reading(() => this.#reader.labels(this.#places))
    labels.unshift([NAME, this.#name])
    if (this.#bound !== undefined) labels.push(this.#bound)
    return labels
  }

  exemplars(): readonly ScrapedExemplar[] {
    return this.#exemplars
  }

  where(): string {
    return `family "${this.family}"`
  }

  #reading<T>(read: () => T): T {
    try {
      return read()
    } catch (error) {
      if (!(error instanceof BadMessage || error instanceof RangeError)) throw error
      throw new BadPage(this.family === '' ? error.message : `family "${this.family}": ${error.message}`)
    }
  }

  *#families(): Generator<Entry, void> {
    const { length } = this.#bytes
    for (let pos = 0; pos < length; ) {
      const size = readVarint(this.#bytes, pos)
      const start = varintEnd
      if (size > length - start) throw new BadPage(`byte ${pos}: a message runs past the end of the page`)
      pos = start + size
      yield* this.#family(start, pos)
    }
  }

  *#family(start: number, stop: number): Generator<Entry, void> {
    const metrics: number[] = []
    let unit = ''
    let type = 0
    this.family = ''
    this.text = ''
    const at = this.#reader.cursor(start, stop)
    while (at.next()) {
      if (at.field === 1) this.family = this.#reader.text(at)
      else if (at.field === 2) this.text = this.#reader.text(at)
      else if (at.field === 3) {
        at.expect(VARINT)
        type = readVarint(this.#bytes, at.start)
      } else if (at.field === 4) {
        at.expect(LEN)
        metrics.push(at.start, at.stop)
      } else if (at.field === 5) unit = this.#reader.text(at)
    }
    // Nothing is said of a family without metrics.
    if (metrics.length === 0) return
    if (this.family === '') throw new BadPage(`byte ${start}: a family has no name`)
    if (TYPES[type] === undefined) throw new RangeError(`${type} is not a type of metric`)
    this.type = TYPES[type]!
    yield 'help'
    if (unit !== '') {
      this.text = unit
      yield 'unit'
    }
    yield 'type'
    for (let i = 0; i < metrics.length; i += 2) yield* this.#metric(metrics[i]!, metrics[i + 1]!)
  }

  *#metric(start: number, stop: number): Generator<Entry, void> {
    const metric = this.#reader.metric(start, stop)
    this.#places = metric.labelPlaces
    this.millis = metric.millis
    this.started = metric.started
    const id = this.#id(metric.labelPlaces)
    if (this.type === 'summary') {
      const { count, sum, quantiles } = metric.summary ?? { count: 0, sum: 0, quantiles: [] }
      yield this.#sample('_count', id, count)
      yield this.#sample('_sum', id, sum)
      for (const { bound, value } of quantiles)
        yield this.#sample('', id, value, ['quantile', formatOpenFloat(bound)])
    } else if (this.type === 'histogram' || this.type === 'gaugehistogram') {
      yield* this.#histogram(metric, id)
    } else {
      const exemplars = this.type === 'counter' && metric.exemplar !== undefined ? [metric.exemplar] : NONE
      yield this.#sample('', id, metric.value, undefined, exemplars)
    }
  }

  *#histogram(metric: ProtoMetric, id: string): Generator<Entry, void> {
    const { native, classic, custom } = this.#options
    const { histogram } = metric
    if (histogram === undefined) {
      yield* this.#classic(EMPTY, id)
      return
    }
    this.started = histogram.started
    if (native && isNative(histogram)) {
      this.histogram = exponential(histogram)
      yield this.#whole(id, nativeExemplars(histogram))
      if (classic && histogram.buckets.length > 0) yield* this.#classic(histogram, id)
      return
    }
    if (!custom || classic) yield* this.#classic(histogram, id)
    if (custom) {
      this.histogram = this.#collected(histogram)
      yield this.#whole(id, timed(histogram.buckets))
    }
  }

  #collected(histogram: ProtoHistogram): ScrapedHistogram {
    const collector = this.#collector
    collector.count(histogram.countFloat || Number(histogram.count))
    collector.sum(histogram.sum)
    for (const { bound, value } of histogram.buckets) collector.bucket(bound, value)
    const { problem } = collector
    const made = collector.take()
    if (made === undefined) throw new RangeError(problem || 'its count is not that of its buckets')
    return made
  }

  *#classic(histogram: ClassicHistogram, id: string): Generator<Entry, void> {
    const count = histogram.countFloat || Number(histogram.count)
    yield this.#sample('_count', id, count)
    yield this.#sample('_sum', id, histogram.sum)
    let last = 0
    for (const { bound, value, exemplar } of histogram.buckets) {
      const exemplars = exemplar === undefined ? NONE : [exemplar]
      yield this.#sample('_bucket', id, value, ['le', formatOpenFloat(bound)], exemplars)
      last = bound
      // What stands behind it cannot be more.
      if (bound === Infinity) break
    }
    if (last !== Infinity) yield this.#sample('_bucket', id, count, ['le', '+Inf'])
  }

  #sample(suffix: string, id: string, value: number, bound?: Label, exemplars = NONE): Entry {
    this.#name = this.family + suffix
    this.series = bound === undefined ? `${this.#name}\xff${id}` : `${this.#name}\xff${id}\xff${bound[1]}`
    this.value = value
    this.histogram = undefined
    this.#bound = bound
    this.#exemplars = exemplars
    return 'sample'
  }

  #whole(id: string, exemplars: readonly ScrapedExemplar[]): Entry {
    this.#name = this.family
    this.series = `${this.family}\xff${id}`
    this.#bound = undefined
    this.#exemplars = exemplars
    return 'histogram'
  }

  /** The bytes of the labels, as they stand there. */
  #id(places: readonly number[]): string {
    let id = ''
    for (let i = 0; i < places.length; i += 2)
      id += `${this.#bytes.toString('latin1', places[i]!, places[i + 1]!)}\xff`
    return id
  }
}

type ClassicHistogram = Pick<ProtoHistogram, 'count' | 'countFloat' | 'sum' | 'buckets'>
const EMPTY: ClassicHistogram = { count: 0n, countFloat: 0, sum: 0, buckets: [] }

/** Libraries add an empty span to a native histogram that has seen nothing yet. */
function isNative({ positiveSpans, negativeSpans, zeroThreshold, zeroCount }: ProtoHistogram): boolean {
  return positiveSpans.length > 0 || negativeSpans.length > 0 || zeroThreshold > 0 || zeroCount > 0n
}

function exponential(histogram: ProtoHistogram): ScrapedHistogram {
  const { schema, zeroThreshold, sum } = histogram
  if (!Number.isInteger(schema) || schema < -4 || schema > 8)
    throw new RangeError(`a histogram has schema ${schema}`)
  const float = histogram.countFloat > 0 || histogram.zeroCountFloat > 0
  return {
    kind: 'exponential',
    count: float ? whole(histogram.countFloat) : histogram.count,
    sum,
    scale: schema,
    zeroThreshold,
    zeroCount: float ? whole(histogram.zeroCountFloat) : histogram.zeroCount,
    positive: side(histogram.positiveSpans, histogram.positiveDeltas, histogram.positiveCounts, float),
    negative: side(histogram.negativeSpans, histogram.negativeDeltas, histogram.negativeCounts, float),
  }
}

function side(spans: readonly Span[], deltas: readonly bigint[], counts: readonly number[], float: boolean) {
  if (float) return denseBuckets(spans, counts.map(whole))
  let count = 0n
  return denseBuckets(
    spans,
    deltas.map(delta => {
      count += delta
      return count
    }),
  )
}

/** Float histograms come of computing; their fractions are cut off, as in the Collector. */
function whole(value: number): bigint {
  if (!(value >= 0 && value < 2 ** 64)) throw new RangeError(`a histogram has the count ${value}`)
  return BigInt(Math.trunc(value))
}

/** Exemplars of a native histogram need a time; those of its buckets serve where it has none of its own. */
function nativeExemplars({ exemplars, buckets }: ProtoHistogram): readonly ScrapedExemplar[] {
  return exemplars.length > 0 ? exemplars.filter(({ millis }) => millis !== undefined) : timed(buckets)
}

function timed(buckets: readonly Bound[]): readonly ScrapedExemplar[] {
  return buckets.flatMap(({ exemplar }) => (exemplar?.millis === undefined ? [] : [exemplar]))
}
