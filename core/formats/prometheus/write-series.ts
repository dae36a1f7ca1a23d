/**
 * Series of remote write as a sender keeps them between requests: label sets as numbers of texts that are kept once.
 * Both versions of the protocol are written from these.
 */

import { Writer } from '../../otlp/writer.ts'
import { ByteArena, offsetOf } from '../byte-arena.ts'
import { ByteTable } from '../byte-table.ts'
import { byBytes, type Label } from './labels.ts'

/** prompb.MetricMetadata.MetricType and writev2.Metadata.MetricType; the numbers are the same in both. */
export const METRIC_TYPES = {
  unknown: 0,
  counter: 1,
  gauge: 2,
  histogram: 3,
  summary: 5,
  info: 6,
  stateset: 7,
} as const
export type MetricTypeName = keyof typeof METRIC_TYPES

/** What is said of a metric beside its samples. */
export interface Family {
  readonly name: string
  readonly type: MetricTypeName
  readonly help: string
  readonly unit: string
  /** Numbers of `help` and `unit` among the symbols. */
  readonly helpSymbol: number
  readonly unitSymbol: number
}

export interface WrittenExemplar {
  /** Sorted by name. */
  readonly labels: readonly Label[]
  readonly value: number
  /** Milliseconds since 1970. */
  readonly time: number
}

export class WrittenSeries {
  /** Where its label references are in those of the table (SeriesTable.refs), and how many. */
  readonly refsAt: number
  readonly refs: number
  family: Family
  /** Its samples are native histograms; otherwise numbers. Never both: remote write 2.0 forbids it. */
  readonly native: boolean
  /** The first of the series that a data point makes: requests are cut in front of these only. */
  readonly leads: boolean
  /** Bytes of all its names and values. */
  readonly textBytes: number
  /** Where its labels are as remote write 1.0 has them (SeriesTable.labels1), once they were needed; -1 before. */
  labelsAt = -1
  labelsLength = 0
  /** Its samples in the batch that is being made: a chain in order of time (samples.ts). -1: none. */
  head = -1
  tail = -1
  exemplars: WrittenExemplar[] | undefined = undefined
  /** When a sample of it came last (ms, `performance.now()` clock), and the time of that sample; for its expiry. */
  seen = 0
  latest = 0
  /** Its last sample said that it has ended. */
  ended = false

  constructor(
    refsAt: number,
    refs: number,
    family: Family,
    native: boolean,
    leads: boolean,
    textBytes: number,
  ) {
    this.refsAt = refsAt
    this.refs = refs
    this.family = family
    this.native = native
    this.leads = leads
    this.textBytes = textBytes
  }
}

/** Texts, each once, with a number. 0 is the empty text. */
export class Symbols {
  readonly #numbers = new Map<string, number>()
  readonly #texts: string[] = []
  readonly #bytes: Uint8Array[] = []
  /** All texts in UTF-8. */
  textBytes = 0

  constructor() {
    this.clear()
  }

  get size(): number {
    return this.#texts.length
  }

  /** The number of a text, given to it now when it has none. */
  of(text: string): number {
    const known = this.#numbers.get(text)
    if (known !== undefined) return known
    const number = this.#texts.push(text) - 1
    this.#numbers.set(text, number)
    const bytes = encoder.encode(text)
    this.#bytes.push(bytes)
    this.textBytes += bytes.length
    return number
  }

  /** The same, or undefined when it has none. */
  known(text: string): number | undefined {
    return this.#numbers.get(text)
  }

  text(number: number): string {
    return this.#texts[number]!
  }

  /** In UTF-8. */
  bytes(number: number): Uint8Array {
    return this.#bytes[number]!
  }

  clear(): void {
    this.#numbers.clear()
    this.#texts.length = 0
    this.#bytes.length = 0
    this.textBytes = 0
    this.of('')
  }
}

const encoder = new TextEncoder()

const scratch = new Writer()

/** Longer labels of a series are written anew each time: there may be as many of them as points. Bytes. */
const LABELS_KEPT_MAX = 4096
/** Letters of a text that is shown to people. */
const SHOWN_MAX = 200

/** `name{label="value", ...}`, for people: long texts are cut. */
export function labelsText(labels: readonly Label[]): string {
  const name = labels.find(([label]) => label === '__name__')?.[1] ?? ''
  const others = labels.filter(([label]) => label !== '__name__')
  const texts = others.map(([label, value]) => `${shortened(label)}=${JSON.stringify(shortened(value))}`)
  return `${shortened(name)}{${texts.join(', ')}}`
}

function shortened(text: string): string {
  return text.length <= SHOWN_MAX ? text : `${text.slice(0, SHOWN_MAX)}...`
}

/** All series, each once, whatever they were made from. */
export class SeriesTable {
  readonly symbols = new Symbols()
  /** Name and value of each label of each series, sorted by name: numbers of symbols. */
  refs = new Uint32Array(1024)
  /** Labels as remote write 1.0 writes them, repeated field 1 of TimeSeries, by `labelsAt` of a series. */
  readonly labels = new ByteArena()
  prepared: Uint8Array = new Uint8Array()
  preparedFrom = 0
  preparedTo = 0
  #refsUsed = 0
  readonly #table = new ByteTable()
  #series: WrittenSeries[] = []

  get size(): number {
    return this.#series.length
  }

  /** What is kept besides the series themselves: texts in both forms, references, labels. */
  get bytes(): number {
    const { symbols, refs, labels } = this
    return 2 * symbols.textBytes + refs.byteLength + labels.bytes + this.#table.bytes
  }

  /** In the order they were made. */
  all(): readonly WrittenSeries[] {
    return this.#series
  }

  family(name: string, type: MetricTypeName, help: string, unit: string): Family {
    const { symbols } = this
    return { name, type, help, unit, helpSymbol: symbols.of(help), unitSymbol: symbols.of(unit) }
  }

  /** The series with these labels, `__name__` among them, in any order and each name once; made when it is new. */
  find(labels: readonly Label[], family: Family, native: boolean, leads: boolean): WrittenSeries {
    const { symbols } = this
    const sorted = labels.toSorted(byName)
    const refs = new Uint32Array(sorted.length * 2)
    let textBytes = 0
    for (const [i, [name, value]] of sorted.entries()) {
      refs[i * 2] = symbols.of(name)
      refs[i * 2 + 1] = symbols.of(value)
      textBytes += symbols.bytes(refs[i * 2]!).length + symbols.bytes(refs[i * 2 + 1]!).length
    }
    const key = new Uint8Array(refs.buffer)
    const known = this.#table.find(0, key, 0, key.length)
    if (known >= 0) {
      const series = this.#series[known]!
      // Whoever came last says what it is: a new release may say it in other words.
      series.family = family
      return series
    }
    this.#table.add(0, key, 0, key.length)
    const series = new WrittenSeries(this.#keep(refs), refs.length, family, native, leads, textBytes)
    this.#series.push(series)
    return series
  }

  #keep(refs: Uint32Array): number {
    const at = this.#refsUsed
    this.#refsUsed += refs.length
    if (this.#refsUsed > this.refs.length) {
      const grown = new Uint32Array(Math.max(this.#refsUsed, this.refs.length * 2))
      grown.set(this.refs)
      this.refs = grown
    }
    this.refs.set(refs, at)
    return at
  }

  /** `prepared[preparedFrom, preparedTo)` are the labels of the series as remote write 1.0 has them, until the next call. */
  prepareLabels(series: WrittenSeries): void {
    if (series.labelsAt === -1) {
      this.#writeLabels(scratch, series)
      if (scratch.pos > LABELS_KEPT_MAX) {
        this.prepared = scratch.bytes
        this.preparedFrom = 0
        this.preparedTo = scratch.pos
        return
      }
      series.labelsLength = scratch.pos
      series.labelsAt = this.labels.add(scratch.bytes, 0, scratch.pos)
    }
    const { labelsAt, labelsLength } = series
    this.prepared = this.labels.chunkOf(labelsAt)
    this.preparedFrom = offsetOf(labelsAt)
    this.preparedTo = this.preparedFrom + labelsLength
  }

  #writeLabels(out: Writer, series: WrittenSeries): void {
    out.rewind()
    for (let i = series.refsAt; i < series.refsAt + series.refs; i += 2) {
      const label = out.open(1)
      out.lengthDelimited(1, this.symbols.bytes(this.refs[i]!))
      out.lengthDelimited(2, this.symbols.bytes(this.refs[i + 1]!))
      out.close(label)
    }
  }

  /** For people. */
  text({ refsAt, refs }: WrittenSeries): string {
    const labels: Label[] = []
    for (let i = refsAt; i < refsAt + refs; i += 2)
      labels.push([this.symbols.text(this.refs[i]!), this.symbols.text(this.refs[i + 1]!)])
    return labelsText(labels)
  }

  /** Forgets all. Series that were handed out before are not to be used any more. */
  clear(): void {
    this.symbols.clear()
    this.labels.clear()
    this.refs = new Uint32Array(1024)
    this.#refsUsed = 0
    this.#table.clear()
    this.#series = []
  }
}

function byName([a]: Label, [b]: Label): number {
  return byBytes(a, b)
}
