/** Remote write 1.0: prometheus.WriteRequest (prometheus/prompb remote.proto and types.proto), every label in full. */

import { LEN } from '../../otlp/cursor.ts'
import { Writer } from '../../otlp/writer.ts'
import {
  type RequestWriter,
  sampleSize,
  writeExemplarValue,
  writeHistogram,
  writeSample,
} from './remote-write.ts'
import type { Samples } from './samples.ts'
import {
  type Family,
  METRIC_TYPES,
  type SeriesTable,
  type WrittenExemplar,
  type WrittenSeries,
} from './write-series.ts'

// Field numbers.
const REQUEST = { timeseries: 1, metadata: 3 } as const
const SERIES = { samples: 2, exemplars: 3, histograms: 4 } as const
const METADATA = { type: 1, name: 2, help: 4, unit: 5 } as const

export class RemoteWrite1 implements RequestWriter {
  readonly message = 'prometheus.WriteRequest'
  readonly #table: SeriesTable
  readonly #out = new Writer(64 * 1024)

  constructor(table: SeriesTable) {
    this.#table = table
  }

  get size(): number {
    return this.#out.pos
  }

  /** It is in requests of its own. */
  familyRoom(): number {
    return 0
  }

  series(series: WrittenSeries, samples: Samples): void {
    const out = this.#out
    const table = this.#table
    table.prepareLabels(series)
    const { prepared, preparedFrom, preparedTo } = table
    if (series.head === series.tail && !series.native && series.exemplars === undefined) {
      // The usual case: its length is known, so nothing has to be moved to make room for it.
      out.tag(REQUEST.timeseries, LEN)
      out.varint(preparedTo - preparedFrom + 2 + sampleSize(samples, series.head, false))
      out.raw(prepared, preparedFrom, preparedTo)
      writeSample(out, SERIES.samples, samples, series.head, false)
      return
    }
    const mark = out.open(REQUEST.timeseries)
    out.raw(prepared, preparedFrom, preparedTo)
    for (let at = series.head; at !== -1; at = samples.next[at]!) {
      if (!series.native) writeSample(out, SERIES.samples, samples, at, false)
      else writeHistogram(out, SERIES.histograms, samples, at, false)
    }
    for (const one of series.exemplars ?? []) exemplar(out, one)
    out.close(mark)
  }

  take(): Uint8Array {
    const bytes = this.#out.copy()
    this.#out.rewind()
    return bytes
  }
}

function exemplar(out: Writer, { labels, value, time }: WrittenExemplar): void {
  const mark = out.open(SERIES.exemplars)
  for (const [name, text] of labels) {
    const label = out.open(1)
    out.string(1, name)
    out.string(2, text)
    out.close(label)
  }
  writeExemplarValue(out, value, time)
  out.close(mark)
}

/** Requests of nothing but metadata, none larger than `maxBytes` unless one entry is. */
export function metadataRequests(families: Iterable<Family>, maxBytes: number): Uint8Array[] {
  const requests: Uint8Array[] = []
  const out = new Writer()
  for (const { name, type, help, unit } of families) {
    const before = out.pos
    const mark = out.open(REQUEST.metadata)
    if (METRIC_TYPES[type] !== 0) {
      out.tag(METADATA.type, 0)
      out.varint(METRIC_TYPES[type])
    }
    out.string(METADATA.name, name)
    if (help !== '') out.string(METADATA.help, help)
    if (unit !== '') out.string(METADATA.unit, unit)
    out.close(mark)
    if (out.pos > maxBytes && before > 0) {
      const entry = out.take().slice(before)
      out.rewind(before)
      requests.push(out.copy())
      out.rewind()
      out.raw(entry)
    }
  }
  if (out.pos > 0) requests.push(out.copy())
  return requests
}
