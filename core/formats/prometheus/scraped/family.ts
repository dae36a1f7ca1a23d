/**
 * Samples of one scrape put together into points: `_bucket`, `_sum`, `_count` and `_created` of one histogram are one
 * point. As the Collector does it (receiver/prometheusreceiver 0.155, internal/metricfamily.go).
 */

import { parseGoFloat } from '../../go-numbers.ts'
import type { LabelSet } from '../labels.ts'
import type { ScrapedHistogram } from '../parse/histogram.ts'
import type { MetricType, ScrapedExemplar } from '../parse/page.ts'
import { type MetricMetadata, withoutSuffix } from './metadata.ts'
import { type BoundLabel, labelValue, type Series } from './series.ts'

/** `other`: what OTLP has no form for; it becomes a gauge of whatever samples there are. */
export type PointKind = 'gauge' | 'sum' | 'histogram' | 'exponential' | 'summary' | 'other'

const KINDS: Readonly<Record<MetricType, PointKind>> = {
  counter: 'sum',
  gauge: 'gauge',
  unknown: 'gauge',
  histogram: 'histogram',
  gaugehistogram: 'other',
  summary: 'summary',
  info: 'sum',
  stateset: 'sum',
}

export interface Exemplars {
  readonly list: readonly ScrapedExemplar[]
  /** For those without a time. */
  readonly millis: number
}

/** A point under construction. Undefined where the scrape did not say; `stale`: it said that there is no value any more. */
export class Group {
  readonly labels: LabelSet
  readonly millis: number
  value: number | undefined
  sum: number | undefined
  count: number | undefined
  stale = false
  /** Seconds since 1970; 0: not said. */
  created = 0
  /** Bounds, and their values or cumulative counts. */
  readonly bounds: number[] = []
  readonly values: number[] = []
  /** Bounds whose series has vanished. */
  readonly staleBounds: number[] = []
  histogram: ScrapedHistogram | undefined
  exemplars: Exemplars[] | undefined

  constructor(labels: LabelSet, millis: number) {
    this.labels = labels
    this.millis = millis
  }
}

/** Why a sample did not become part of a point. */
export type Misfit = 'other_time' | 'no_bound' | 'other_type'

export class Family {
  readonly name: string
  readonly metadata: MetricMetadata
  readonly kind: PointKind
  readonly monotonic: boolean
  /** It comes in one piece, not in samples. */
  readonly whole: boolean
  readonly groups = new Map<string, Group>()
  readonly #bound: BoundLabel

  constructor(name: string, metadata: MetricMetadata, whole: ScrapedHistogram['kind'] | undefined) {
    this.name = name
    this.whole = whole !== undefined
    // A histogram in one piece is one, whatever its TYPE says.
    this.metadata = whole === undefined ? metadata : { ...metadata, type: 'histogram' }
    this.kind = whole === 'exponential' ? 'exponential' : KINDS[this.metadata.type]
    this.monotonic = this.metadata.type === 'counter'
    this.#bound = BOUNDS[this.kind]
  }

  /** Whether a sample of this name, of which nothing is known, is part of the family. */
  includes(name: string): boolean {
    if (this.kind === 'sum') return withoutSuffix(name) === this.metadata.family
    return (this.kind === 'gauge' ? name : withoutSuffix(name)) === this.name
  }

  /** `value` undefined: stale. */
  add(series: Series, millis: number, value: number | undefined): Misfit | undefined {
    const group = this.#group(series, millis)
    if (group.millis !== millis) return 'other_time'
    const { name } = series
    if (this.kind === 'histogram' || this.kind === 'summary') {
      if (name.endsWith('_sum')) {
        group.sum = value
        group.stale ||= value === undefined
      } else if (name.endsWith('_count')) {
        group.count = value ?? 0
        group.stale ||= value === undefined
      } else if (this.#isCreated(name)) group.created = value ?? 0
      else return this.#addBound(group, series, value)
    } else if ((this.kind === 'sum' || this.kind === 'exponential') && this.#isCreated(name)) {
      group.created = value ?? 0
    } else if (this.kind !== 'exponential') {
      group.value = value ?? 0
      group.stale = value === undefined
    }
    return undefined
  }

  /** `histogram` undefined: stale. */
  addWhole(series: Series, millis: number, histogram: ScrapedHistogram | undefined): Misfit | undefined {
    const group = this.#group(series, millis)
    if (group.millis !== millis) return 'other_time'
    if (histogram !== undefined && (histogram.kind === 'exponential') !== (this.kind === 'exponential'))
      return 'other_type'
    group.histogram = histogram
    group.stale = histogram === undefined
    return undefined
  }

  addExemplars(series: Series, list: readonly ScrapedExemplar[], millis: number): void {
    const group = this.groups.get(series.attributes(this.#bound).key)
    if (group !== undefined) (group.exemplars ??= []).push({ list, millis })
  }

  start(series: Series, millis: number, started: number): void {
    this.#group(series, millis).created = started / 1000
  }

  #addBound(group: Group, { labels }: Series, value: number | undefined): Misfit | undefined {
    const bound = parseGoFloat(labelValue(labels, this.#bound))
    if (bound === undefined) return 'no_bound'
    if (value === undefined) group.staleBounds.push(bound)
    else {
      group.bounds.push(bound)
      group.values.push(value)
    }
    return undefined
  }

  #isCreated(name: string): boolean {
    return name.endsWith('_created') && name.slice(0, -'_created'.length) === this.metadata.family
  }

  #group(series: Series, millis: number): Group {
    const { key, labels } = series.attributes(this.#bound)
    let group = this.groups.get(key)
    if (group === undefined) {
      group = new Group(labels, millis)
      this.groups.set(key, group)
    }
    return group
  }
}

const BOUNDS: Readonly<Record<PointKind, BoundLabel>> = {
  gauge: '',
  sum: '',
  other: '',
  exponential: 'le',
  histogram: 'le',
  summary: 'quantile',
}
