/**
 * The protobuf page: io.prometheus.client.MetricFamily messages (client_model v0.6.2), each behind its length. The
 * only page with exponential histograms and with the times at which sums began.
 */

import { Writer } from '../../otlp/writer.ts'
import { type Escaping, escapeName } from './escape.ts'
import {
  type ClassicHistogramSample,
  type Exemplar,
  exemplarsByBucket,
  type Family,
  type FamilyType,
  type NativeBuckets,
  type NativeHistogramSample,
  type Row,
  type SummarySample,
} from './family.ts'
import type { LabelSet } from './labels.ts'
import { exemplarLabels } from './text.ts'

const TYPES: Readonly<Record<FamilyType, number>> = { counter: 0, gauge: 1, summary: 2, histogram: 4 }

// Field numbers of metrics.proto.
const FAMILY = { name: 1, help: 2, type: 3, metric: 4 } as const
const METRIC = { label: 1, gauge: 2, counter: 3, summary: 4, timestampMs: 6, histogram: 7 } as const
const LABEL = { name: 1, value: 2 } as const
const VALUE = 1
const COUNTER = { exemplar: 2, created: 3 } as const
const SUMMARY = { count: 1, sum: 2, quantile: 3, created: 4 } as const
const HISTOGRAM = {
  count: 1,
  sum: 2,
  bucket: 3,
  schema: 5,
  zeroThreshold: 6,
  zeroCount: 7,
  negativeSpan: 9,
  negativeDelta: 10,
  positiveSpan: 12,
  positiveDelta: 13,
  created: 15,
  exemplars: 16,
} as const
const BUCKET = { cumulativeCount: 1, upperBound: 2, exemplar: 3 } as const
const SPAN = { offset: 1, length: 2 } as const
const EXEMPLAR = { label: 1, value: 2, timestamp: 3 } as const

const BILLION = 1_000_000_000n

/** One family at a time: `family`, its rows, `end`. */
export class ProtoPage {
  readonly #escaping: Escaping
  readonly #out = new Writer(64 * 1024)

  constructor(escaping: Escaping) {
    this.#escaping = escaping
  }

  family({ name, help, type }: Family): void {
    const out = this.#out
    out.string(FAMILY.name, escapeName(name, this.#escaping))
    out.string(FAMILY.help, help)
    varint(out, FAMILY.type, BigInt(TYPES[type]))
  }

  row({ type }: Family, { labels, sample, created, millis }: Row): void {
    const out = this.#out
    const metric = out.open(FAMILY.metric)
    for (const [name, value] of labels) label(out, METRIC.label, escapeName(name, this.#escaping), value)
    if (sample.kind === 'number') {
      const field = out.open(type === 'counter' ? METRIC.counter : METRIC.gauge)
      double(out, VALUE, sample.value)
      if (type === 'counter') {
        if (sample.exemplar !== undefined) exemplar(out, COUNTER.exemplar, sample.exemplar)
        if (created !== undefined) timestamp(out, COUNTER.created, created)
      }
      out.close(field)
    } else if (sample.kind === 'summary') {
      summary(out, sample, created)
    } else {
      const field = out.open(METRIC.histogram)
      varint(out, HISTOGRAM.count, sample.count)
      double(out, HISTOGRAM.sum, sample.sum)
      if (sample.kind === 'native') native(out, sample)
      else buckets(out, sample)
      if (created !== undefined) timestamp(out, HISTOGRAM.created, created)
      out.close(field)
    }
    if (millis !== undefined) varint(out, METRIC.timestampMs, millis)
    out.close(metric)
  }

  /** The family's message behind its length. */
  end(): Uint8Array {
    const message = this.#out.copy()
    this.#out.rewind()
    const framed = new Writer(message.length + 10)
    framed.varint(message.length)
    framed.raw(message)
    return framed.take()
  }
}

function varint(out: Writer, field: number, value: bigint): void {
  out.tag(field, 0)
  out.bigVarint(value)
}

function zigzag(value: bigint): bigint {
  return BigInt.asUintN(64, (value << 1n) ^ (value >> 63n))
}

function double(out: Writer, field: number, value: number): void {
  out.tag(field, 1)
  out.double(value)
}

function label(out: Writer, field: number, name: string, value: string): void {
  const pair = out.open(field)
  out.string(LABEL.name, name)
  out.string(LABEL.value, value)
  out.close(pair)
}

function timestamp(out: Writer, field: number, nanos: bigint): void {
  const at = out.open(field)
  // The message is proto3's: zeros are not written.
  if (nanos >= BILLION) varint(out, 1, nanos / BILLION)
  if (nanos % BILLION !== 0n) varint(out, 2, nanos % BILLION)
  out.close(at)
}

function exemplar(out: Writer, field: number, one: Exemplar): void {
  const message = out.open(field)
  const ids: LabelSet = exemplarLabels(one)
  for (const [name, id] of ids) label(out, EXEMPLAR.label, name, id)
  double(out, EXEMPLAR.value, one.value)
  timestamp(out, EXEMPLAR.timestamp, one.time)
  out.close(message)
}

function summary(out: Writer, { count, sum, quantiles }: SummarySample, created: bigint | undefined): void {
  const field = out.open(METRIC.summary)
  varint(out, SUMMARY.count, count)
  double(out, SUMMARY.sum, sum)
  for (const [quantile, value] of quantiles) {
    const entry = out.open(SUMMARY.quantile)
    double(out, 1, quantile)
    double(out, 2, value)
    out.close(entry)
  }
  if (created !== undefined) timestamp(out, SUMMARY.created, created)
  out.close(field)
}

/** The bucket to infinity is there only to carry an exemplar, as in client_golang: otherwise the count says it. */
function buckets(out: Writer, sample: ClassicHistogramSample): void {
  const exemplars = exemplarsByBucket(sample)
  const write = (count: bigint, bound: number, one: Exemplar | undefined): void => {
    const bucket = out.open(HISTOGRAM.bucket)
    varint(out, BUCKET.cumulativeCount, count)
    double(out, BUCKET.upperBound, bound)
    if (one !== undefined) exemplar(out, BUCKET.exemplar, one)
    out.close(bucket)
  }
  for (const [i, bound] of sample.bounds.entries()) write(sample.cumulative[i]!, bound, exemplars[i])
  const last = exemplars[sample.bounds.length]
  if (last !== undefined) write(sample.count, Infinity, last)
}

function native(out: Writer, sample: NativeHistogramSample): void {
  varint(out, HISTOGRAM.schema, zigzag(BigInt(sample.schema)))
  double(out, HISTOGRAM.zeroThreshold, sample.zeroThreshold)
  varint(out, HISTOGRAM.zeroCount, sample.zeroCount)
  nativeBuckets(out, sample.negative, HISTOGRAM.negativeSpan, HISTOGRAM.negativeDelta)
  nativeBuckets(out, sample.positive, HISTOGRAM.positiveSpan, HISTOGRAM.positiveDelta)
  for (const one of sample.exemplars) exemplar(out, HISTOGRAM.exemplars, one)
}

function nativeBuckets(out: Writer, { spans, deltas }: NativeBuckets, span: number, delta: number): void {
  for (const { offset, length } of spans) {
    const message = out.open(span)
    varint(out, SPAN.offset, zigzag(BigInt(offset)))
    varint(out, SPAN.length, BigInt(length))
    out.close(message)
  }
  // proto2 does not pack unless told to, and metrics.proto does not tell.
  for (const difference of deltas) varint(out, delta, zigzag(difference))
}
