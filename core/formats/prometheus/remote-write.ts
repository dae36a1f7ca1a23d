/** What both versions of remote write have in common: how requests are filled, and the form of one. */

import { varintSize, type Writer } from '../../otlp/writer.ts'
import type { Samples } from './samples.ts'
import type { Family, WrittenSeries } from './write-series.ts'

export const MESSAGES = ['prometheus.WriteRequest', 'io.prometheus.write.v2.Request'] as const
export type MessageName = (typeof MESSAGES)[number]

/** One request, not compressed yet. */
export interface WriteRequest {
  readonly message: MessageName
  readonly bytes: Uint8Array
  /** Data points, by their first samples. */
  readonly items: number
  /** The same for each of its series, in their order. */
  readonly seriesItems: readonly number[]
  readonly samples: number
  readonly histograms: number
  readonly exemplars: number
  /** One of its series, for people; undefined when it has none. */
  readonly example: string | undefined
  readonly series: number
}

/** Writes series into one request after another. */
export interface RequestWriter {
  readonly message: MessageName
  /** Bytes so far. */
  readonly size: number
  /** What is written of a family with a series, at most; bytes. */
  familyRoom(family: Family): number
  /** Writes a series with its samples. */
  series(series: WrittenSeries, samples: Samples): void
  /** What was written, which begins anew. */
  take(): Uint8Array
}

/** At most, of a series: numbers of labels, samples with all three fields, tags and lengths. */
const SERIES_BYTES = 64
const REF_BYTES = 5
const SAMPLE_BYTES = 9 + 7 + 7 + 2
const EXEMPLAR_BYTES = 24

/** No fewer bytes than a series takes in a request that has none of its texts yet. */
function room(series: WrittenSeries, samples: Samples, writer: RequestWriter): number {
  let bytes = SERIES_BYTES + series.textBytes + series.refs * REF_BYTES + writer.familyRoom(series.family)
  bytes += samples.natives.pos > 0 && series.native ? nativeRoom(series, samples) : 0
  for (let at = series.head; at !== -1; at = samples.next[at]!) bytes += SAMPLE_BYTES
  for (const { labels } of series.exemplars ?? []) {
    bytes += EXEMPLAR_BYTES
    for (const [name, value] of labels) bytes += 3 * (name.length + value.length) + 8
  }
  return bytes
}

function nativeRoom(series: WrittenSeries, samples: Samples): number {
  let bytes = 0
  for (let at = series.head; at !== -1; at = samples.next[at]!)
    bytes += samples.bits[at * 2 + 1]! - samples.bits[at * 2]!
  return bytes
}

export interface Writing {
  readonly samples: Samples
  readonly writer: RequestWriter
  readonly maxBytes: number
  /** For people. */
  readonly textOf: (series: WrittenSeries) => string
  /** From here on series are written for themselves, and not with those that lead them. */
  readonly loneFrom: number
}

/**
 * All samples as requests, each written when it is asked for: labels that many series share can make them a thousand times
 * as large as what came in. None is larger than `maxBytes`, unless what one data point makes is alone, or one series; a
 * series is in one request whole, so they may be sent at once without its samples overtaking each other.
 */
export function* writeRequests(writing: Writing): Generator<WriteRequest, void> {
  const { samples, writer, maxBytes, loneFrom } = writing
  const { touched } = samples
  let first = 0
  for (let i = 0; i < touched.length; ) {
    // What one data point makes stays together.
    let group = room(touched[i]!, samples, writer)
    let end = i + 1
    if (i < loneFrom)
      while (end < loneFrom && !touched[end]!.leads) group += room(touched[end++]!, samples, writer)
    if (writer.size + group > maxBytes && i > first) {
      yield taken(writing, first, i)
      first = i
    }
    for (; i < end; i++) writer.series(touched[i]!, samples)
  }
  if (first < touched.length) yield taken(writing, first, touched.length)
}

/** What the writer has, which are these series. */
function taken({ samples, writer, textOf }: Writing, first: number, end: number): WriteRequest {
  const series = samples.touched.slice(first, end)
  const seriesItems = series.map(one => samples.itemsOf(one))
  const counts = { samples: 0, histograms: 0, exemplars: 0 }
  for (const one of series) {
    const length = samples.lengthOf(one)
    if (one.native) counts.histograms += length
    else counts.samples += length
    counts.exemplars += one.exemplars?.length ?? 0
  }
  return {
    message: writer.message,
    bytes: writer.take(),
    ...counts,
    items: seriesItems.reduce((sum, items) => sum + items, 0),
    seriesItems,
    example: textOf(series[0]!),
    series: series.length,
  }
}

/** Bytes of what `writeSample` writes, without its tag and length, which are two. */
export function sampleSize({ bits, times, starts }: Samples, at: number, withStart: boolean): number {
  let size = bits[at * 2] !== 0 || bits[at * 2 + 1] !== 0 ? 9 : 0
  if (times[at] !== 0) size += 1 + varintSize(times[at]!)
  if (withStart && starts[at]! > 0) size += 1 + varintSize(starts[at]!)
  return size
}

/** `value 1, timestamp 2`, a message of both versions; in 2.0 `start_timestamp 3`. Zeros are left out, as in proto3. */
export function writeSample(
  out: Writer,
  field: number,
  samples: Samples,
  at: number,
  withStart: boolean,
): void {
  const low = samples.bits[at * 2]!
  const high = samples.bits[at * 2 + 1]!
  const start = withStart ? samples.starts[at]! : 0
  const time = samples.times[at]!
  const mark = out.open(field)
  out.reserve(SAMPLE_BYTES)
  const { bytes } = out
  let { pos } = out
  if (low !== 0 || high !== 0) {
    bytes[pos++] = 0x09
    for (let half = low, i = 0; i < 4; i++, half >>>= 8) bytes[pos++] = half
    for (let half = high, i = 0; i < 4; i++, half >>>= 8) bytes[pos++] = half
  }
  out.pos = pos
  if (time !== 0) {
    out.byte(0x10)
    out.varint(time)
  }
  if (start > 0) {
    out.byte(0x18)
    out.varint(start)
  }
  out.close(mark)
}

/** A native histogram, `start_timestamp 17` at its end where it is wanted. */
export function writeHistogram(
  out: Writer,
  field: number,
  samples: Samples,
  at: number,
  withStart: boolean,
): void {
  const mark = out.open(field)
  out.raw(samples.natives.bytes, samples.bits[at * 2]!, samples.bits[at * 2 + 1]!)
  const start = withStart ? samples.starts[at]! : 0
  if (start > 0) {
    out.tag(17, 0)
    out.varint(start)
  }
  out.close(mark)
}

/** `value 2, timestamp 3` of an exemplar, a message of both versions whose labels come first. */
export function writeExemplarValue(out: Writer, value: number, time: number): void {
  if (value !== 0 || Object.is(value, -0)) {
    out.byte(0x11)
    out.double(value)
  }
  if (time > 0) {
    out.byte(0x18)
    out.varint(time)
  }
}
