/**
 * The two text pages: classic 0.0.4 and OpenMetrics 1.0, letter for letter as client_golang writes them (common
 * v0.69, expfmt). Exponential histograms have no form there but their count and sum; the protobuf page has them whole.
 */

import { type Escaping, escapeName, isLegacyName } from './escape.ts'
import {
  type ClassicHistogramSample,
  type Exemplar,
  exemplarsByBucket,
  type Family,
  type Row,
} from './family.ts'
import type { LabelSet } from './labels.ts'
import { formatFloat, formatOpenFloat, formatSeconds } from './numbers.ts'

export const TOTAL = '_total'
export const OPEN_METRICS_END = '# EOF\n'

function escapeText(text: string, quotes: boolean): string {
  if (!/[\\\n"]/.test(text)) return text
  const plain = text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n')
  return quotes ? plain.replaceAll('"', '\\"') : plain
}

/** As it is where every reader knows it, in quotes otherwise. */
function writtenName(name: string): string {
  return isLegacyName(name) ? name : `"${escapeText(name, true)}"`
}

/**
 * `a="1",b="2"`: what stands in braces, the same in both formats. Made in one piece, because it is kept. Different sets
 * of labels have different texts.
 */
export function labelsText(labels: LabelSet, escaping: Escaping): string {
  return labels
    .map(([name, value]) => `${writtenName(escapeName(name, escaping))}="${escapeText(value, true)}"`)
    .join(',')
}

/** Writes families one after another; the text so far is `take`n by whoever sends it. */
export class TextPage {
  readonly #open: boolean
  readonly #escaping: Escaping
  readonly #float: (value: number) => string
  #text = ''

  constructor(openMetrics: boolean, escaping: Escaping) {
    this.#open = openMetrics
    this.#escaping = escaping
    this.#float = openMetrics ? formatOpenFloat : formatFloat
  }

  /** Letters that were not taken yet. */
  get length(): number {
    return this.#text.length
  }

  take(): string {
    const text = this.#text
    this.#text = ''
    return text
  }

  end(): void {
    if (this.#open) this.#text += OPEN_METRICS_END
  }

  /**
   * HELP and TYPE; its rows follow. `bareTaken`: there is a family called like this counter without its `_total`, so
   * that OpenMetrics, which heads a counter by that name, would have two of them.
   */
  family({ name, help, type }: Family, bareTaken = false): void {
    const full = escapeName(name, this.#escaping)
    const total = type === 'counter' && full.endsWith(TOTAL) && !bareTaken
    const head = writtenName(this.#open && total ? full.slice(0, -TOTAL.length) : full)
    // OpenMetrics knows no counter that is headed otherwise.
    const word = this.#open && type === 'counter' && !total ? 'unknown' : type
    this.#text += `# HELP ${head} ${escapeText(help, this.#open)}\n# TYPE ${head} ${word}\n`
  }

  /** `labels` are those of the row as `labelsText` gives them. */
  row(family: Family, row: Row, labels: string): void {
    const name = escapeName(family.name, this.#escaping)
    const time = this.#timeOf(row)
    const { sample } = row
    switch (sample.kind) {
      case 'number':
        this.#line(name, labels, this.#float(sample.value), time, sample.exemplar)
        return
      case 'summary':
        for (const [quantile, value] of sample.quantiles)
          this.#line(name, more(labels, 'quantile', this.#float(quantile)), this.#float(value), time)
        break
      case 'histogram':
        this.#buckets(name, labels, sample, time)
        break
      case 'native':
        this.#line(`${name}_bucket`, more(labels, 'le', '+Inf'), this.#count(sample.count), time)
    }
    this.#line(`${name}_sum`, labels, this.#float(sample.sum), time)
    this.#line(`${name}_count`, labels, this.#count(sample.count), time)
  }

  #buckets(name: string, labels: string, sample: ClassicHistogramSample, time: string): void {
    const { bounds, cumulative, count } = sample
    const bucket = `${name}_bucket`
    const exemplars = this.#open && sample.exemplars.length > 0 ? exemplarsByBucket(sample) : []
    for (const [i, bound] of bounds.entries()) {
      const le = more(labels, 'le', this.#float(bound))
      this.#line(bucket, le, this.#count(cumulative[i]!), time, exemplars[i])
    }
    if (bounds.at(-1) === Infinity) return
    this.#line(bucket, more(labels, 'le', '+Inf'), this.#count(count), time, exemplars[bounds.length])
  }

  #count(count: bigint): string {
    return this.#open ? String(count) : formatFloat(Number(count))
  }

  #timeOf({ millis }: Row): string {
    if (millis === undefined) return ''
    return this.#open ? ` ${formatOpenFloat(Number(millis) / 1000)}` : ` ${millis}`
  }

  #line(name: string, labels: string, value: string, time: string, exemplar?: Exemplar): void {
    // A name that needs quotes stands in the braces, before the labels.
    if (isLegacyName(name)) this.#text += labels === '' ? name : `${name}{${labels}}`
    else this.#text += `{${writtenName(name)}${labels === '' ? '' : `,${labels}`}}`
    this.#text += ` ${value}${time}${this.#open && exemplar !== undefined ? exemplarText(exemplar) : ''}\n`
  }
}

function more(labels: string, name: string, value: string): string {
  return `${labels === '' ? '' : `${labels},`}${name}="${value}"`
}

/** '' for one without ids: it would lead nowhere. */
function exemplarText(exemplar: Exemplar): string {
  const ids = exemplarLabels(exemplar)
  if (ids.length === 0) return ''
  const labels = ids.map(([name, id]) => `${name}="${id}"`).join(',')
  return ` # {${labels}} ${formatOpenFloat(exemplar.value)} ${formatSeconds(exemplar.time)}`
}

/** Sorted by name, as client_golang has them. */
export function exemplarLabels({ traceId, spanId }: Exemplar): LabelSet {
  const labels: [string, string][] = []
  if (spanId !== '') labels.push(['span_id', spanId])
  if (traceId !== '') labels.push(['trace_id', traceId])
  return labels
}
