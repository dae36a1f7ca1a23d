/**
 * The series that the page shows: at most `max_series`, each with its latest point, gone when no point came for
 * `metric_expiration`. Families hold series of one name and type; a series is its family's name and its labels.
 */

import { isLegacyName } from '../../core/formats/prometheus/escape.ts'
import type { FamilyType } from '../../core/formats/prometheus/family.ts'
import { compareLabels, type LabelSet } from '../../core/formats/prometheus/labels.ts'
import { labelsText } from '../../core/formats/prometheus/text.ts'
import type { Reason } from './reasons.ts'
import type { State } from './values.ts'

/** What `target_info` says of the resource of a series. */
export interface Target {
  /** Equal for one job and instance. */
  readonly key: string
  readonly labels: LabelSet
}

export class Series {
  readonly family: SeriesFamily
  readonly labels: LabelSet
  /** The metric and attribute keys it came from: another origin with the same labels is a clash. */
  readonly origin: string
  /** The labels as text, with UTF-8 names. */
  readonly key: string
  /** True when all readers are given that text. */
  readonly plain: boolean
  target: Target | undefined
  /** Undefined until the first point is in. */
  state: State | undefined = undefined
  /** Of the point, and of the time it counts from: nanoseconds since 1970. */
  time = 0n
  startTime = 0n
  /** When the last point came: ms, `performance.now()` clock. */
  updated = 0
  removed = false

  constructor(
    family: SeriesFamily,
    labels: LabelSet,
    key: string,
    origin: string,
    target: Target | undefined,
  ) {
    this.family = family
    this.labels = labels
    this.key = key
    this.plain = labels.every(([name]) => isLegacyName(name))
    this.origin = origin
    this.target = target
  }
}

export class SeriesFamily {
  readonly name: string
  /** Of the first metric that made it; others with the same name may say something else. */
  readonly help: string
  readonly type: FamilyType
  readonly byKey = new Map<string, Series>()
  #sorted: readonly Series[] | undefined

  constructor(name: string, help: string, type: FamilyType) {
    this.name = name
    this.help = help
    this.type = type
  }

  /** In the order of a page. */
  sorted(): readonly Series[] {
    this.#sorted ??= [...this.byKey.values()].sort((a, b) => compareLabels(a.labels, b.labels))
    return this.#sorted
  }

  add(series: Series): void {
    this.byKey.set(series.key, series)
    this.#sorted = undefined
  }

  remove(series: Series): void {
    this.byKey.delete(series.key)
    this.#sorted = undefined
  }
}

export class SeriesStore {
  readonly #families = new Map<string, SeriesFamily>()
  readonly #seriesMax: number
  readonly #expirationMs: number
  #size = 0

  /** `seriesMax` 0 is no limit. */
  constructor(seriesMax: number, expirationMs: number) {
    this.#seriesMax = seriesMax
    this.#expirationMs = expirationMs
  }

  get size(): number {
    return this.#size
  }

  /** The series with these labels; made when there is none and `create` says so. Or why it cannot be. */
  find(
    name: string,
    type: FamilyType,
    help: string,
    labels: LabelSet,
    origin: string,
    target: Target | undefined,
    create: boolean,
  ): Series | Reason | undefined {
    let family = this.#families.get(name)
    if (family !== undefined && family.type !== type) return 'type_conflict'
    const key = labelsText(labels, 'allow-utf-8')
    const known = family?.byKey.get(key)
    if (known !== undefined) return known.origin === origin ? known : 'duplicate_series'
    if (!create) return undefined
    if (this.#seriesMax > 0 && this.#size >= this.#seriesMax) return 'series_limit'
    if (family === undefined) {
      if (this.#collides(name, type)) return 'type_conflict'
      family = new SeriesFamily(name, help, type)
      this.#families.set(name, family)
    }
    const series = new Series(family, labels, key, origin, target)
    family.add(series)
    this.#size++
    return series
  }

  /** A histogram `x` also has the names `x_bucket`, `x_sum` and `x_count`, a summary the last two. */
  #collides(name: string, type: FamilyType): boolean {
    const suffix = /_(?:count|sum|bucket)$/.exec(name)?.[0]
    if (suffix !== undefined) {
      const owner = this.#families.get(name.slice(0, -suffix.length))?.type
      if (owner === 'histogram' || (owner === 'summary' && suffix !== '_bucket')) return true
    }
    if (type !== 'histogram' && type !== 'summary') return false
    const own = type === 'histogram' ? ['_count', '_sum', '_bucket'] : ['_count', '_sum']
    return own.some(end => this.#families.has(name + end))
  }

  remove(series: Series): void {
    if (series.removed) return
    series.removed = true
    series.family.remove(series)
    this.#size--
    if (series.family.byKey.size === 0) this.#families.delete(series.family.name)
  }

  /** Takes out what got no point for too long; `now` is ms on the clock of `updated`. */
  expire(now: number): void {
    for (const { byKey } of this.#families.values()) {
      for (const series of byKey.values()) {
        if (now - series.updated > this.#expirationMs) this.remove(series)
      }
    }
  }

  /** In order of the name. */
  families(): SeriesFamily[] {
    return [...this.#families.values()].sort((a, b) => (a.name < b.name ? -1 : 1))
  }

  /** One for each job and instance: what the resource said last. */
  targets(): Target[] {
    const latest = new Map<string, { target: Target; updated: number }>()
    for (const { byKey } of this.#families.values()) {
      for (const { target, updated } of byKey.values()) {
        if (target === undefined) continue
        const known = latest.get(target.key)
        if (known === undefined || known.updated < updated) latest.set(target.key, { target, updated })
      }
    }
    return [...latest.values()].map(({ target }) => target)
  }
}
