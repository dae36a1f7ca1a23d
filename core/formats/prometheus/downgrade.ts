/** A request of remote write 2.0 as requests of 1.0, for a server that turned out not to know 2.0. */

import { Cursor, LEN, readVarint, varintEnd } from '../../otlp/cursor.ts'
import { Writer } from '../../otlp/writer.ts'
import type { Label } from './labels.ts'
import { MESSAGES, type WriteRequest } from './remote-write.ts'
import { labelsText } from './write-series.ts'

// Field numbers; those of 1.0 in the order of 2.0's.
const REQUEST = { symbols: 4, timeseries: 5 } as const
const SERIES = { labels: 1, samples: 2, histograms: 3, exemplars: 4 } as const
const SERIES_1 = { timeseries: 1, labels: 1, samples: 2, exemplars: 3, histograms: 4 } as const
/** What 1.0 does not have. */
const SAMPLE_START = 3
const HISTOGRAM_START = 17

/**
 * `request` was written by RemoteWrite2, so each of its messages is sound. Metadata and start times are left out. Written
 * in full it is larger, so it may become several requests, each with the data points of its own series.
 */
export function downgrade(request: WriteRequest, maxBytes: number): WriteRequest[] {
  const { bytes } = request
  const symbols: Uint8Array[] = []
  const made: WriteRequest[] = []
  const out = new Writer(bytes.length * 3)
  let first = 0
  let series = 0
  /** Where the first series of the request that is being made is. */
  let at = 0
  let end = 0
  const close = (): void => {
    const seriesItems = request.seriesItems.slice(first, series)
    made.push({
      message: MESSAGES[0],
      bytes: out.copy(),
      items: seriesItems.reduce((sum, items) => sum + items, 0),
      seriesItems,
      // A server of 1.0 does not say how many of these it wrote.
      samples: 0,
      histograms: 0,
      exemplars: 0,
      example: seriesText(bytes, at, end, symbols),
      series: series - first,
    })
    first = series
    out.rewind()
  }
  const fields = new Cursor(bytes)
  while (fields.next()) {
    if (fields.field === REQUEST.symbols) symbols.push(bytes.subarray(fields.start, fields.stop))
    if (fields.field !== REQUEST.timeseries) continue
    const before = out.pos
    if (before === 0) [at, end] = [fields.start, fields.stop]
    writeSeries(out, bytes, fields.start, fields.stop, symbols)
    if (out.pos > maxBytes && before > 0) {
      const last = out.bytes.slice(before, out.pos)
      out.rewind(before)
      close()
      out.raw(last)
      ;[at, end] = [fields.start, fields.stop]
    }
    series++
  }
  close()
  return made
}

function writeSeries(
  out: Writer,
  bytes: Uint8Array,
  start: number,
  stop: number,
  symbols: readonly Uint8Array[],
): void {
  const mark = out.open(SERIES_1.timeseries)
  const fields = new Cursor(bytes, start, stop)
  while (fields.next()) {
    if (fields.wire !== LEN) continue
    const { field } = fields
    if (field === SERIES.labels) writeLabels(out, bytes, fields.start, fields.stop, symbols)
    else if (field === SERIES.samples)
      without(out, SERIES_1.samples, bytes, fields.start, fields.stop, SAMPLE_START)
    else if (field === SERIES.histograms)
      without(out, SERIES_1.histograms, bytes, fields.start, fields.stop, HISTOGRAM_START)
    else if (field === SERIES.exemplars) {
      const exemplar = out.open(SERIES_1.exemplars)
      const inner = new Cursor(bytes, fields.start, fields.stop)
      while (inner.next()) {
        if (inner.field === SERIES.labels) writeLabels(out, bytes, inner.start, inner.stop, symbols)
        else out.raw(bytes, inner.tagStart, inner.stop)
      }
      out.close(exemplar)
    }
  }
  out.close(mark)
}

function writeLabels(
  out: Writer,
  bytes: Uint8Array,
  start: number,
  stop: number,
  symbols: readonly Uint8Array[],
): void {
  for (let pos = start; pos < stop; ) {
    const name = readVarint(bytes, pos)
    const value = readVarint(bytes, varintEnd)
    pos = varintEnd
    const label = out.open(SERIES_1.labels)
    out.lengthDelimited(1, symbols[name]!)
    out.lengthDelimited(2, symbols[value]!)
    out.close(label)
  }
}

/** As SeriesTable.text. */
function seriesText(bytes: Uint8Array, start: number, stop: number, symbols: readonly Uint8Array[]): string {
  const labels: Label[] = []
  const fields = new Cursor(bytes, start, stop)
  while (fields.next()) {
    if (fields.field !== SERIES.labels) continue
    for (let pos = fields.start; pos < fields.stop; ) {
      const name = Buffer.from(symbols[readVarint(bytes, pos)]!).toString()
      const value = Buffer.from(symbols[readVarint(bytes, varintEnd)]!).toString()
      pos = varintEnd
      labels.push([name, value])
    }
  }
  return labelsText(labels)
}

function without(
  out: Writer,
  field: number,
  bytes: Uint8Array,
  start: number,
  stop: number,
  left: number,
): void {
  const mark = out.open(field)
  const inner = new Cursor(bytes, start, stop)
  while (inner.next()) if (inner.field !== left) out.raw(bytes, inner.tagStart, inner.stop)
  out.close(mark)
}
