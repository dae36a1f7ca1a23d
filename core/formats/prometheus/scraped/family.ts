/**
 * Samples of one scrape put together into points: `_bucket`, `_sum`, `_count` and `_created` of one histogram are one
 * point. As the Collector does it (receiver/prometheusreceiver 0.155, internal/metricfamily.go).
 */

import type { ScrapedHistogram } from '../parse/histogram.ts'
import type { MetricType, ScrapedExemplar } from '../parse/page.ts'
import { type MetricMetadata, withoutSuffix } from './metadata.ts'
import type { BoundLabel, Series } from './series.ts'

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

/** What points of several samples are made of. */
export interface Parts {
  sum: number | undefined
  count: number | undefined
  /** Bounds, and their values or cumulative counts. */
  readonly bounds: number[]
  readonly values: number[]
  /** Bounds whose series has vanished. */
  readonly staleBounds: number[]
}

/** A point under construction. Undefined where the scrape did not say; `stale`: it said that there is no value any more. */
export class Group {
  family: Family | undefined
  series: Series
  millis = 0
  value: number | undefined
  stale = false
  /** Seconds since 1970; 0: not said. */
  created = 0
  /** One that is a single number has none: there are a hundred thousand of them. */
  parts: Parts | undefined
  histogram: ScrapedHistogram | undefined
  exemplars: Exemplars[] | undefined

  constructor(series: Series) {
    this.series = series
  }

  /** Begins anew, in a family of another scrape. */
  reset(family: Family, millis: number): this {
    this.family = family
    this.millis = millis
    this.value = undefined
    this.stale = false
    this.created = 0
    this.parts = undefined
    this.histogram = undefined
    this.exemplars = undefined
    return this
  }

  /** To be written to. */
  get made(): Parts {
    this.parts ??= { sum: undefined, count: undefined, bounds: [], values: [], staleBounds: [] }
    return this.parts
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
  readonly groups: Group[] = []
  readonly bound: BoundLabel
  /** Whose point is a single sample, unless there is a _created. */
  readonly #single: boolean
  /** Of the first sample. */
  #name: string | undefined
  /** Made when a point is looked for by its labels. */
  #byKey: Map<string, Group> | undefined
  /** Parts of one point stand together. */
  #lastKey = ''
  #last: Group | undefined

  constructor(name: string, metadata: MetricMetadata, whole: ScrapedHistogram['kind'] | undefined) {
    this.name = name
    this.whole = whole !== undefined
    // A histogram in one piece is one, whatever its TYPE says.
    this.metadata = whole === undefined ? metadata : { ...metadata, type: 'histogram' }
    this.kind = whole === 'exponential' ? 'exponential' : KINDS[this.metadata.type]
    this.monotonic = this.metadata.type === 'counter'
    this.bound = BOUNDS[this.kind]
    this.#single = this.bound === ''
  }

  /** Whether a sample of this name, of which nothing is known, is part of the family. */
  includes(name: string): boolean {
    if (this.kind === 'sum') return withoutSuffix(name) === this.metadata.family
    return (this.kind === 'gauge' ? name : withoutSuffix(name)) === this.name
  }

  /** `value` undefined: stale. */
  add(series: Series, millis: number, value: number | undefined): Misfit | undefined {
    const { name } = series
    const created = this.#hasCreated && this.#isCreated(name)
    const group = this.#group(series, millis, created)
    if (group.millis !== millis) return 'other_time'
    if (this.kind === 'histogram' || this.kind === 'summary') {
      if (name.endsWith('_sum')) {
        group.made.sum = value
        group.stale ||= value === undefined
      } else if (name.endsWith('_count')) {
        group.made.count = value ?? 0
        group.stale ||= value === undefined
      } else if (created) group.created = value ?? 0
      else return this.#addBound(group, series, value)
    } else if (created) {
      group.created = value ?? 0
    } else if (this.kind !== 'exponential') {
      group.value = value ?? 0
      group.stale = value === undefined
    }
    return undefined
  }

  /** `histogram` undefined: stale. */
  addWhole(series: Series, millis: number, histogram: ScrapedHistogram | undefined): Misfit | undefined {
    // Asked before a point is made: a family has no points without a value.
    if (histogram !== undefined && (histogram.kind === 'exponential') !== (this.kind === 'exponential'))
      return 'other_type'
    const group = this.#group(series, millis, false)
    if (group.millis !== millis) return 'other_time'
    group.histogram = histogram
    group.stale = histogram === undefined
    return undefined
  }

  addExemplars(series: Series, list: readonly ScrapedExemplar[], millis: number): void {
    const { point } = series
    const group = point?.family === this ? point : this.#keyed().get(series.key(this.bound))
    if (group !== undefined) (group.exemplars ??= []).push({ list, millis })
  }

  start(series: Series, millis: number, started: number): void {
    this.#group(series, millis, false).created = started / 1000
  }

  #addBound(group: Group, series: Series, value: number | undefined): Misfit | undefined {
    const bound = series.bound(this.bound)
    if (bound === undefined) return 'no_bound'
    const { bounds, values, staleBounds } = group.made
    if (value === undefined) staleBounds.push(bound)
    else {
      bounds.push(bound)
      values.push(value)
    }
    return undefined
  }

  get #hasCreated(): boolean {
    return this.kind !== 'gauge' && this.kind !== 'other'
  }

  #isCreated(name: string): boolean {
    return name.endsWith('_created') && name.slice(0, -'_created'.length) === this.metadata.family
  }

  /** `apart`: the sample is no point of its own, though the family's points are single samples. */
  #group(series: Series, millis: number, apart: boolean): Group {
    if (!this.#single || apart) return this.#shared(series, millis)
    const { point } = series
    if (point?.family === this) return point
    this.#name ??= series.name
    // A family whose samples are `x` has one that is called `x_count` too: of equal labels the last one counts.
    if (this.#name !== series.name) return this.#shared(series, millis)
    const known = this.#byKey?.get(series.key(''))
    if (known !== undefined) return known
    const group = (point ?? new Group(series)).reset(this, millis)
    series.point = group
    this.groups.push(group)
    this.#byKey?.set(series.key(''), group)
    return group
  }

  /** The point that several series are parts of. */
  #shared(series: Series, millis: number): Group {
    const key = series.key(this.bound)
    if (this.#last !== undefined && this.#lastKey === key) return this.#last
    const byKey = this.#keyed()
    let group = byKey.get(key)
    if (group === undefined) {
      group = new Group(series).reset(this, millis)
      this.groups.push(group)
      byKey.set(key, group)
    }
    this.#last = group
    this.#lastKey = key
    return group
  }

  #keyed(): Map<string, Group> {
    this.#byKey ??= new Map(this.groups.map(group => [group.series.key(this.bound), group]))
    return this.#byKey
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
