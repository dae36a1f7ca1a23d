/** One io.prometheus.client.Metric, read from bytes that nobody has validated (client_model, metrics.proto). */

import {
  I64,
  LEN,
  readDouble,
  readVarintInt64,
  readVarintUint64,
  VARINT,
  varintEnd,
} from '../../../otlp/cursor.ts'
import { CheckedCursor } from '../../checked-cursor.ts'
import type { Label } from '../labels.ts'
import type { Span } from './histogram.ts'
import type { ScrapedExemplar } from './page.ts'

const FORMAT = 'a protobuf page'
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** A bucket of a classic histogram, or a quantile of a summary. */
export interface Bound {
  readonly bound: number
  readonly value: number
  readonly exemplar: ScrapedExemplar | undefined
}

export interface ProtoHistogram {
  count: bigint
  countFloat: number
  sum: number
  readonly buckets: Bound[]
  schema: number
  zeroThreshold: number
  zeroCount: bigint
  zeroCountFloat: number
  readonly positiveSpans: Span[]
  readonly positiveDeltas: bigint[]
  readonly positiveCounts: number[]
  readonly negativeSpans: Span[]
  readonly negativeDeltas: bigint[]
  readonly negativeCounts: number[]
  readonly exemplars: ScrapedExemplar[]
  started: number | undefined
}

export interface ProtoMetric {
  /** Where each label's message is. */
  readonly labelPlaces: number[]
  millis: number | undefined
  /** Counter, gauge and untyped. */
  value: number
  exemplar: ScrapedExemplar | undefined
  started: number | undefined
  summary: { count: number; sum: number; readonly quantiles: Bound[] } | undefined
  histogram: ProtoHistogram | undefined
}

export class ProtoReader {
  readonly #bytes: Uint8Array

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
  }

  cursor(start: number, stop: number): CheckedCursor {
    const cursor = new CheckedCursor(FORMAT, this.#bytes)
    cursor.reset(this.#bytes, start, stop)
    return cursor
  }

  text(at: CheckedCursor): string {
    at.expect(LEN)
    try {
      return utf8.decode(this.#bytes.subarray(at.start, at.stop))
    } catch {
      return at.fail('a text that is not UTF-8')
    }
  }

  metric(start: number, stop: number): ProtoMetric {
    const metric: ProtoMetric = {
      labelPlaces: [],
      millis: undefined,
      value: 0,
      exemplar: undefined,
      started: undefined,
      summary: undefined,
      histogram: undefined,
    }
    const at = this.cursor(start, stop)
    while (at.next()) {
      if (at.field === 1) {
        at.expect(LEN)
        metric.labelPlaces.push(at.start, at.stop)
      } else if (at.field === 6) {
        at.expect(VARINT)
        // 0 means that there is none.
        metric.millis = Number(readVarintInt64(this.#bytes, at.start)) || undefined
      } else if (at.field === 4) metric.summary = this.#summary(metric, at)
      else if (at.field === 7) metric.histogram = this.#histogram(at)
      else if (at.field === 2 || at.field === 3 || at.field === 5) this.#number(metric, at)
    }
    return metric
  }

  labels(places: readonly number[]): Label[] {
    const labels: Label[] = []
    for (let i = 0; i < places.length; i += 2) labels.push(this.#label(places[i]!, places[i + 1]!))
    return labels
  }

  #label(start: number, stop: number): Label {
    let name = ''
    let value = ''
    const at = this.cursor(start, stop)
    while (at.next()) {
      if (at.field === 1) name = this.text(at)
      else if (at.field === 2) value = this.text(at)
    }
    return [name, value]
  }

  #double(at: CheckedCursor): number {
    at.expect(I64)
    return readDouble(this.#bytes, at.start)
  }

  #unsigned(at: CheckedCursor): bigint {
    at.expect(VARINT)
    return readVarintUint64(this.#bytes, at.start)
  }

  #number(metric: ProtoMetric, at: CheckedCursor): void {
    const inner = this.#enter(at)
    while (inner.next()) {
      if (inner.field === 1) metric.value = this.#double(inner)
      else if (inner.field === 2) metric.exemplar = this.#exemplar(inner)
      else if (inner.field === 3) metric.started = this.#timestamp(inner)
    }
  }

  #summary(metric: ProtoMetric, at: CheckedCursor): ProtoMetric['summary'] {
    const summary = { count: 0, sum: 0, quantiles: [] as Bound[] }
    const inner = this.#enter(at)
    while (inner.next()) {
      if (inner.field === 1) summary.count = Number(this.#unsigned(inner))
      else if (inner.field === 2) summary.sum = this.#double(inner)
      else if (inner.field === 3) summary.quantiles.push(this.#quantile(inner))
      else if (inner.field === 4) metric.started = this.#timestamp(inner)
    }
    return summary
  }

  #quantile(at: CheckedCursor): Bound {
    let bound = 0
    let value = 0
    const inner = this.#enter(at)
    while (inner.next()) {
      if (inner.field === 1) bound = this.#double(inner)
      else if (inner.field === 2) value = this.#double(inner)
    }
    return { bound, value, exemplar: undefined }
  }

  #histogram(at: CheckedCursor): ProtoHistogram {
    const histogram: ProtoHistogram = {
      count: 0n,
      countFloat: 0,
      sum: 0,
      buckets: [],
      schema: 0,
      zeroThreshold: 0,
      zeroCount: 0n,
      zeroCountFloat: 0,
      positiveSpans: [],
      positiveDeltas: [],
      positiveCounts: [],
      negativeSpans: [],
      negativeDeltas: [],
      negativeCounts: [],
      exemplars: [],
      started: undefined,
    }
    const inner = this.#enter(at)
    while (inner.next()) this.#histogramField(histogram, inner)
    return histogram
  }

  #histogramField(into: ProtoHistogram, at: CheckedCursor): void {
    switch (at.field) {
      case 1:
        into.count = this.#unsigned(at)
        break
      case 2:
        into.sum = this.#double(at)
        break
      case 3:
        into.buckets.push(this.#bucket(at))
        break
      case 4:
        into.countFloat = this.#double(at)
        break
      case 5:
        into.schema = Number(zigzag(this.#unsigned(at)))
        break
      case 6:
        into.zeroThreshold = this.#double(at)
        break
      case 7:
        into.zeroCount = this.#unsigned(at)
        break
      case 8:
        into.zeroCountFloat = this.#double(at)
        break
      case 9:
        into.negativeSpans.push(this.#span(at))
        break
      case 10:
        this.#deltas(at, into.negativeDeltas)
        break
      case 11:
        this.#doubles(at, into.negativeCounts)
        break
      case 12:
        into.positiveSpans.push(this.#span(at))
        break
      case 13:
        this.#deltas(at, into.positiveDeltas)
        break
      case 14:
        this.#doubles(at, into.positiveCounts)
        break
      case 15:
        into.started = this.#timestamp(at)
        break
      case 16: {
        const exemplar = this.#exemplar(at)
        into.exemplars.push(exemplar)
      }
    }
  }

  #bucket(at: CheckedCursor): Bound {
    let bound = 0
    let count = 0
    let countFloat = 0
    let exemplar: ScrapedExemplar | undefined
    const inner = this.#enter(at)
    while (inner.next()) {
      if (inner.field === 1) count = Number(this.#unsigned(inner))
      else if (inner.field === 2) bound = this.#double(inner)
      else if (inner.field === 3) exemplar = this.#exemplar(inner)
      else if (inner.field === 4) countFloat = this.#double(inner)
    }
    return { bound, value: countFloat || count, exemplar }
  }

  #span(at: CheckedCursor): Span {
    let offset = 0
    let length = 0
    const inner = this.#enter(at)
    while (inner.next()) {
      if (inner.field === 1) offset = Number(zigzag(this.#unsigned(inner)))
      else if (inner.field === 2) length = Number(this.#unsigned(inner))
    }
    return { offset, length }
  }

  /** Packed or not: both are to be read. */
  #deltas(at: CheckedCursor, into: bigint[]): void {
    if (at.wire === VARINT) into.push(zigzag(this.#unsigned(at)))
    else {
      at.expect(LEN)
      for (let pos = at.start; pos < at.stop; ) {
        into.push(zigzag(readVarintUint64(this.#bytes, pos)))
        pos = varintEnd
      }
    }
  }

  #doubles(at: CheckedCursor, into: number[]): void {
    if (at.wire === I64) into.push(this.#double(at))
    else {
      at.expect(LEN)
      for (let pos = at.start; pos + 8 <= at.stop; pos += 8) into.push(readDouble(this.#bytes, pos))
    }
  }

  #exemplar(at: CheckedCursor): ScrapedExemplar {
    const labels: Label[] = []
    let value = 0
    let millis: number | undefined
    const inner = this.#enter(at)
    while (inner.next()) {
      if (inner.field === 1) {
        inner.expect(LEN)
        labels.push(this.#label(inner.start, inner.stop))
      } else if (inner.field === 2) value = this.#double(inner)
      else if (inner.field === 3) millis = this.#timestamp(inner)
    }
    return { labels, value, millis }
  }

  /** In milliseconds. */
  #timestamp(at: CheckedCursor): number {
    let seconds = 0
    let nanos = 0
    const inner = this.#enter(at)
    while (inner.next()) {
      inner.expect(VARINT)
      if (inner.field === 1) seconds = Number(readVarintInt64(this.#bytes, inner.start))
      else if (inner.field === 2) nanos = Number(readVarintInt64(this.#bytes, inner.start))
    }
    return seconds * 1000 + Math.trunc(nanos / 1e6)
  }

  #enter(at: CheckedCursor): CheckedCursor {
    at.expect(LEN)
    return this.cursor(at.start, at.stop)
  }
}

function zigzag(value: bigint): bigint {
  return (value >> 1n) ^ -(value & 1n)
}
