/**
 * Writing metrics as OTLP: for connectors, whose metrics begin as counts and not as somebody's bytes.
 *
 *     writer.resource(attributes)
 *     writer.scope('spanmetricsconnector')
 *     writer.metric('calls', '', '', 'sum', CUMULATIVE)
 *     writer.numberPoint(attributes, 0, attributes.length, startTime, time, 7)
 *     const request = writer.take()
 *
 * Attributes are bytes: one KeyValue after the other, each as field 1, which is how they stand in a Resource or a
 * KeyValueList. Counts and integers are doubles: exact up to 2^53, and at most the largest below 2^63, so that what
 * somebody adds up without end stays a number that can be read. Times are nanoseconds since 1970.
 */

import { I64, LEN, VARINT } from './cursor.ts'
import {
  ExponentialHistogramDataPointBuckets as Buckets,
  Exemplar,
  ExponentialHistogramDataPoint as ExponentialPoint,
  HistogramDataPoint as HistogramPoint,
  InstrumentationScope,
  Metric,
  NumberDataPoint as NumberPoint,
  Resource,
  ResourceMetrics,
  ScopeMetrics,
  Sum,
} from './fields.ts'
import type { Exemplars, ExplicitBuckets, ExponentialBuckets } from './metric-points.ts'
import { varintSize, Writer } from './writer.ts'

export { AggregationTemporality } from './fields.ts'
export { Exemplars, type ExplicitBuckets, type ExponentialBuckets } from './metric-points.ts'

export type DataKind = 'gauge' | 'sum' | 'histogram' | 'exponential_histogram'

const DATA: Readonly<Record<DataKind, number>> = {
  gauge: Metric.gauge,
  sum: Metric.sum,
  histogram: Metric.histogram,
  exponential_histogram: Metric.exponentialHistogram,
}

/** A buffer of this size stays for the next request. */
const KEPT_BYTES = 4 * 1024 * 1024

/** A number in eight bytes and its tag. */
const NUMBER = 9
/** An exemplar with all of time, value, span and trace id. */
const EXEMPLAR_SIZE = NUMBER + NUMBER + (2 + 8) + (2 + 16)

export class MetricsWriter {
  /** Data points written since the last `take`. */
  points: number
  readonly #out: Writer
  #resource: number
  #scope: number
  #metric: number
  #data: number
  readonly #start: Halves
  readonly #time: Halves
  #bounds: Float64Array | undefined
  #encodedBounds: Uint8Array

  constructor(sizeHint = 64 * 1024) {
    this.points = 0
    this.#out = new Writer(sizeHint)
    this.#resource = this.#scope = this.#metric = this.#data = -1
    this.#start = new Halves()
    this.#time = new Halves()
    this.#bounds = undefined
    this.#encodedBounds = new Uint8Array()
  }

  /** Bytes written since the last `take`. */
  get byteLength(): number {
    return this.#out.pos
  }

  /** Begins the metrics of a resource. */
  resource(attributes: Uint8Array): void {
    this.#endResource()
    const out = this.#out
    this.#resource = out.open(1)
    out.lengthDelimited(ResourceMetrics.resource, attributes)
  }

  /** Begins a scope in the resource. */
  scope(name: string, version = ''): void {
    this.#endScope()
    const out = this.#out
    this.#scope = out.open(ResourceMetrics.scopeMetrics)
    const scope = out.open(ScopeMetrics.scope)
    if (name !== '') out.string(InstrumentationScope.name, name)
    if (version !== '') out.string(InstrumentationScope.version, version)
    out.close(scope)
  }

  /** Begins a metric in the scope. Sums are monotonic; `temporality` is not for gauges. */
  metric(name: string, unit: string, description: string, kind: DataKind, temporality = 0): void {
    this.#endMetric()
    const out = this.#out
    this.#metric = out.open(ScopeMetrics.metrics)
    out.string(Metric.name, name)
    if (description !== '') out.string(Metric.description, description)
    if (unit !== '') out.string(Metric.unit, unit)
    this.#data = out.open(DATA[kind])
    if (kind !== 'gauge') {
      out.tag(Sum.aggregationTemporality, VARINT)
      out.varint(temporality)
    }
    if (kind === 'sum') {
      out.tag(Sum.isMonotonic, VARINT)
      out.byte(1)
    }
  }

  /** A point of a gauge or sum whose value is an integer. */
  numberPoint(
    attributes: Uint8Array,
    start: number,
    stop: number,
    startTime: bigint,
    time: bigint,
    value: number,
    exemplars?: Exemplars,
  ): void {
    const size = stop - start + 3 * NUMBER + exemplarsSize(exemplars)
    this.#beginPoint(size)
    const out = this.#out
    this.#times(startTime, time)
    out.tag(NumberPoint.asInt, I64)
    integer(out, value)
    this.#attributes(NumberPoint.attributes, attributes, start, stop)
    this.#exemplars(NumberPoint.exemplars, exemplars)
  }

  histogramPoint(
    attributes: Uint8Array,
    start: number,
    stop: number,
    startTime: bigint,
    time: bigint,
    { bounds, counts, at, count, sum }: ExplicitBuckets,
    exemplars?: Exemplars,
  ): void {
    const buckets = bounds.length + 1
    const encoded = this.#boundsOf(bounds)
    const size =
      stop - start + 4 * NUMBER + packedSize(buckets * 8) + encoded.length + exemplarsSize(exemplars)
    this.#beginPoint(size)
    const out = this.#out
    this.#times(startTime, time)
    out.tag(HistogramPoint.count, I64)
    integer(out, count)
    out.tag(HistogramPoint.sum, I64)
    out.double(sum)
    out.tag(HistogramPoint.bucketCounts, LEN)
    out.varint(buckets * 8)
    integers(out, counts, at, at + buckets)
    out.raw(encoded)
    this.#exemplars(HistogramPoint.exemplars, exemplars)
    this.#attributes(HistogramPoint.attributes, attributes, start, stop)
  }

  /** The field of the bounds, which is the same in all points of a metric. */
  #boundsOf(bounds: Float64Array): Uint8Array {
    if (bounds === this.#bounds) return this.#encodedBounds
    const out = new Writer(bounds.length * 8 + 16)
    if (bounds.length > 0) {
      out.tag(HistogramPoint.explicitBounds, LEN)
      out.varint(bounds.length * 8)
      for (const bound of bounds) out.double(bound)
    }
    this.#bounds = bounds
    this.#encodedBounds = out.copy()
    return this.#encodedBounds
  }

  /** Values are never negative here. */
  exponentialPoint(
    attributes: Uint8Array,
    start: number,
    stop: number,
    startTime: bigint,
    time: bigint,
    buckets: ExponentialBuckets,
    exemplars?: Exemplars,
  ): void {
    this.points++
    const out = this.#out
    const { count, sum, scale, zeroCount, min, max } = buckets
    const point = out.open(1)
    out.raw(attributes, start, stop)
    this.#times(startTime, time)
    out.tag(ExponentialPoint.count, I64)
    integer(out, count)
    out.tag(ExponentialPoint.sum, I64)
    out.double(sum)
    if (scale !== 0) {
      out.tag(ExponentialPoint.scale, VARINT)
      zigzag(out, scale)
    }
    if (zeroCount !== 0) {
      out.tag(ExponentialPoint.zeroCount, I64)
      integer(out, zeroCount)
    }
    const positive = out.open(ExponentialPoint.positive)
    writeBuckets(out, buckets)
    out.close(positive)
    this.#exemplars(ExponentialPoint.exemplars, exemplars)
    if (count > 0) {
      out.tag(ExponentialPoint.min, I64)
      out.double(min)
      out.tag(ExponentialPoint.max, I64)
      out.double(max)
    }
    out.close(point)
  }

  /** Ends whatever was begun. The request is the caller's; the writer begins another one. */
  take(): Uint8Array {
    this.#endResource()
    const request = this.#out.copy()
    this.#out.trim(KEPT_BYTES)
    this.points = 0
    return request
  }

  /** `size` is exact: a point is written once and never moved. */
  #beginPoint(size: number): void {
    this.points++
    const out = this.#out
    out.reserve(size + 16)
    out.tag(1, LEN)
    out.varint(size)
  }

  #times(startTime: bigint, time: bigint): void {
    const out = this.#out
    out.tag(NumberPoint.startTimeUnixNano, I64)
    this.#start.write(out, startTime)
    out.tag(NumberPoint.timeUnixNano, I64)
    this.#time.write(out, time)
  }

  /** The KeyValues, copied at once and given their field number; all numbers below 16 have tags of one byte. */
  #attributes(field: number, bytes: Uint8Array, start: number, stop: number): void {
    const out = this.#out
    let pos = out.pos
    out.raw(bytes, start, stop)
    const { bytes: target, pos: end } = out
    while (pos < end) {
      target[pos++] = (field << 3) | LEN
      let length = target[pos++]!
      if (length >= 0x80) {
        let shift = 7
        length &= 0x7f
        for (let more = 0x80; more >= 0x80; shift += 7) {
          more = target[pos++]!
          length |= (more & 0x7f) << shift
        }
      }
      pos += length
    }
  }

  #exemplars(field: number, exemplars: Exemplars | undefined): void {
    if (exemplars === undefined) return
    const out = this.#out
    const { ids, values, count } = exemplars
    for (let i = 0; i < count; i++) {
      out.tag(field, LEN)
      out.varint(EXEMPLAR_SIZE)
      out.tag(Exemplar.timeUnixNano, I64)
      this.#time.again(out)
      out.tag(Exemplar.asDouble, I64)
      out.double(values[i]!)
      out.lengthDelimited(Exemplar.spanId, ids, i * 24 + 16, i * 24 + 24)
      out.lengthDelimited(Exemplar.traceId, ids, i * 24, i * 24 + 16)
    }
  }

  #endMetric(): void {
    if (this.#metric < 0) return
    this.#out.close(this.#data)
    this.#out.close(this.#metric)
    this.#metric = this.#data = -1
  }

  #endScope(): void {
    this.#endMetric()
    if (this.#scope >= 0) this.#out.close(this.#scope)
    this.#scope = -1
  }

  #endResource(): void {
    this.#endScope()
    if (this.#resource >= 0) this.#out.close(this.#resource)
    this.#resource = -1
  }
}

/** A time, taken apart once for all points that have it. */
class Halves {
  #value = -1n
  #low = 0
  #high = 0

  write(out: Writer, value: bigint): void {
    if (value !== this.#value) {
      this.#value = value
      this.#low = Number(value & 0xffff_ffffn)
      this.#high = Number(value >> 32n)
    }
    this.again(out)
  }

  again(out: Writer): void {
    out.fixed32(this.#low)
    out.fixed32(this.#high)
  }
}

/** One KeyValue, as field 1, whose value is a text. */
export function writeTextAttribute(out: Writer, key: string, value: string): void {
  const entry = out.open(Resource.attributes)
  out.string(1, key)
  const any = out.open(2)
  out.string(1, value)
  out.close(any)
  out.close(entry)
}

function exemplarsSize(exemplars: Exemplars | undefined): number {
  return exemplars === undefined ? 0 : exemplars.count * (2 + EXEMPLAR_SIZE)
}

function packedSize(length: number): number {
  return 1 + varintSize(length) + length
}

/** The largest double that is an int64. */
const MOST = 2 ** 63 - 1024

/** `fixed64` and `sfixed64` of a whole number from 0 on. */
function integer(out: Writer, whole: number): void {
  const value = Math.min(whole, MOST)
  out.fixed32(value % 0x1_0000_0000)
  out.fixed32(value < 0x1_0000_0000 ? 0 : Math.floor(value / 0x1_0000_0000))
}

/** `values[start, stop)`, one after the other; room is made once. */
function integers(out: Writer, values: Float64Array, start: number, stop: number): void {
  out.reserve((stop - start) * 8)
  const { bytes } = out
  let { pos } = out
  for (let i = start; i < stop; i++, pos += 8) {
    const value = values[i]!
    if (value < 0x1_0000_0000) {
      bytes[pos] = value
      bytes[pos + 1] = value >>> 8
      bytes[pos + 2] = value >>> 16
      bytes[pos + 3] = value >>> 24
      bytes[pos + 4] = bytes[pos + 5] = bytes[pos + 6] = bytes[pos + 7] = 0
    } else {
      out.pos = pos
      integer(out, value)
    }
  }
  out.pos = pos
}

function zigzag(out: Writer, value: number): void {
  out.varint(((value << 1) ^ (value >> 31)) >>> 0)
}

function writeBuckets(out: Writer, { offset, counts, first, length }: ExponentialBuckets): void {
  if (length === 0) return
  if (offset !== 0) {
    out.tag(Buckets.offset, VARINT)
    zigzag(out, offset)
  }
  const packed = out.open(Buckets.bucketCounts)
  for (let i = first; i < first + length; i++) out.varint(Math.min(counts[i]!, MOST))
  out.close(packed)
}
