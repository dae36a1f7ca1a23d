/**
 * Remote write 2.0: io.prometheus.write.v2.Request (prometheus/prompb, version 2.0-rc.5). Texts stand once in a request,
 * in its table of symbols, which begins with the empty text.
 */

import { Writer } from '../../otlp/writer.ts'
import { type RequestWriter, writeExemplarValue, writeHistogram, writeSample } from './remote-write.ts'
import type { Samples } from './samples.ts'
import {
  type Family,
  METRIC_TYPES,
  type SeriesTable,
  type WrittenExemplar,
  type WrittenSeries,
} from './write-series.ts'

// Field numbers.
const REQUEST = { symbols: 4, timeseries: 5 } as const
const SERIES = { labels: 1, samples: 2, histograms: 3, exemplars: 4, metadata: 5 } as const
const METADATA = { type: 1, help: 3, unit: 4 } as const

/** At most, in front of a text: its tag and length. */
const TEXT_BYTES = 6

export class RemoteWrite2 implements RequestWriter {
  readonly message = 'io.prometheus.write.v2.Request'
  readonly #table: SeriesTable
  readonly #texts = new Writer(16 * 1024)
  readonly #series = new Writer(64 * 1024)
  /** By the number that a text has in the series table: which request it was last in, and as what. */
  #request = 0
  #seen = new Uint32Array(1024)
  #refs = new Uint32Array(1024)
  #symbols = 0
  /** Texts of exemplars: most come once, so they are not in the series table. */
  readonly #others = new Map<string, number>()

  constructor(table: SeriesTable) {
    this.#table = table
    this.#begin()
  }

  get size(): number {
    return this.#texts.pos + this.#series.pos
  }

  familyRoom({ helpSymbol, unitSymbol }: Family): number {
    return this.#textRoom(helpSymbol) + this.#textRoom(unitSymbol)
  }

  #textRoom(symbol: number): number {
    const known = this.#seen[symbol] === this.#request
    return known ? 0 : this.#table.symbols.bytes(symbol).length + TEXT_BYTES
  }

  series(series: WrittenSeries, samples: Samples): void {
    const out = this.#series
    const { family } = series
    const mark = out.open(REQUEST.timeseries)
    this.#labels(series)
    for (let at = series.head; at !== -1; at = samples.next[at]!) {
      if (!series.native) writeSample(out, SERIES.samples, samples, at, true)
      else writeHistogram(out, SERIES.histograms, samples, at, true)
    }
    for (const one of series.exemplars ?? []) this.#exemplar(one)
    const metadata = out.open(SERIES.metadata)
    number(out, METADATA.type, METRIC_TYPES[family.type])
    number(out, METADATA.help, this.#ref(family.helpSymbol))
    number(out, METADATA.unit, this.#ref(family.unitSymbol))
    out.close(metadata)
    out.close(mark)
  }

  /** Most of a request are these numbers, so they are written without a call for each. */
  #labels({ refsAt, refs }: WrittenSeries): void {
    const symbols = this.#table.refs
    const out = this.#series
    const mark = out.open(SERIES.labels)
    out.reserve(refs * 5)
    const { bytes } = out
    let { pos } = out
    for (let i = refsAt; i < refsAt + refs; i++) {
      const symbol = symbols[i]!
      let ref = this.#seen[symbol] === this.#request ? this.#refs[symbol]! : this.#ref(symbol)
      while (ref > 0x7f) {
        bytes[pos++] = (ref & 0x7f) | 0x80
        ref >>>= 7
      }
      bytes[pos++] = ref
    }
    out.pos = pos
    out.close(mark)
  }

  take(): Uint8Array {
    const texts = this.#texts
    const series = this.#series
    const bytes = Buffer.allocUnsafeSlow(texts.pos + series.pos)
    bytes.set(texts.take())
    bytes.set(series.take(), texts.pos)
    this.#begin()
    return bytes
  }

  #begin(): void {
    this.#texts.rewind()
    this.#series.rewind()
    this.#others.clear()
    this.#symbols = 0
    this.#request++
    // The empty text has the first place.
    this.#ref(0)
  }

  /** The place of a text of the series table in this request's symbols. */
  #ref(symbol: number): number {
    if (symbol >= this.#seen.length) this.#grow(symbol)
    if (this.#seen[symbol] === this.#request) return this.#refs[symbol]!
    this.#seen[symbol] = this.#request
    this.#texts.lengthDelimited(REQUEST.symbols, this.#table.symbols.bytes(symbol))
    this.#refs[symbol] = this.#symbols
    return this.#symbols++
  }

  #grow(symbol: number): void {
    const size = Math.max(symbol + 1, this.#seen.length * 2)
    const seen = new Uint32Array(size)
    const refs = new Uint32Array(size)
    seen.set(this.#seen)
    refs.set(this.#refs)
    this.#seen = seen
    this.#refs = refs
  }

  #textRef(text: string): number {
    const symbol = this.#table.symbols.known(text)
    if (symbol !== undefined) return this.#ref(symbol)
    const known = this.#others.get(text)
    if (known !== undefined) return known
    this.#texts.string(REQUEST.symbols, text)
    this.#others.set(text, this.#symbols)
    return this.#symbols++
  }

  #exemplar({ labels, value, time }: WrittenExemplar): void {
    const out = this.#series
    const mark = out.open(SERIES.exemplars)
    if (labels.length > 0) {
      const refs = out.open(1)
      for (const [name, text] of labels) {
        out.varint(this.#textRef(name))
        out.varint(this.#textRef(text))
      }
      out.close(refs)
    }
    writeExemplarValue(out, value, time)
    out.close(mark)
  }
}

/** Zeros are left out, as in proto3. */
function number(out: Writer, field: number, value: number): void {
  if (value === 0) return
  out.tag(field, 0)
  out.varint(value)
}
