/**
 * The series that the page shows: at most `max_series`, each with its latest point, gone when no point came for
 * `metric_expiration`. Families hold series of one name and type; a series is its family's name and its labels, and is
 * known by a number, which stays its own until `compact`.
 */

import { isLegacyName } from '../../core/formats/prometheus/escape.ts'
import type { FamilyType } from '../../core/formats/prometheus/family.ts'
import type { LabelSet } from '../../core/formats/prometheus/labels.ts'
import { labelsText } from '../../core/formats/prometheus/text.ts'
import type { Reason } from './reasons.ts'
import { SeriesTable } from './series-table.ts'

/** What `target_info` says of the resource of a series. */
export interface Target {
  /** Equal for one job and instance. */
  readonly key: string
  readonly labels: LabelSet
}

export class SeriesFamily {
  readonly id: number
  readonly name: string
  /** Of the first metric that made it; others with the same name may say something else. */
  readonly help: string
  readonly type: FamilyType
  /** How many of its series there are. */
  live = 0
  /** Those that are there, and some that went since it was sorted last. */
  members: readonly number[] = []
  /** Since then. */
  added: number[] = []

  constructor(id: number, name: string, help: string, type: FamilyType) {
    this.id = id
    this.name = name
    this.help = help
    this.type = type
  }
}

/** Removed series are kept until there are this many more of them than of the others. */
const SPARE = 1000

export class SeriesStore {
  readonly #families = new Map<string, SeriesFamily>()
  readonly #seriesMax: number
  readonly #expirationMs: number
  #table = new SeriesTable()
  #size = 0
  #nextFamily = 0
  #generation = 0

  /** `seriesMax` 0 is no limit. */
  constructor(seriesMax: number, expirationMs: number) {
    this.#seriesMax = seriesMax
    this.#expirationMs = expirationMs
  }

  get size(): number {
    return this.#size
  }

  /** Another one means that all numbers are others. */
  get generation(): number {
    return this.#generation
  }

  get table(): SeriesTable {
    return this.#table
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
  ): number | Reason | undefined {
    let family = this.#families.get(name)
    if (family !== undefined && family.type !== type) return 'type_conflict'
    const table = this.#table
    const text = Buffer.from(labelsText(labels, 'allow-utf-8'))
    let index = family === undefined ? -1 : table.find(family, text)
    if (index !== -1 && table.isLive(index))
      return table.origin(index) === origin ? index : 'duplicate_series'
    if (!create) return undefined
    if (this.#seriesMax > 0 && this.#size >= this.#seriesMax) return 'series_limit'
    if (family === undefined) {
      if (this.#collides(name, type)) return 'type_conflict'
      family = new SeriesFamily(this.#nextFamily++, name, help, type)
      this.#families.set(name, family)
    }
    if (index === -1) {
      // Under a new family it was not looked for yet.
      table.find(family, text)
      index = table.add(
        family,
        text,
        labels.length,
        labels.every(([label]) => isLegacyName(label)),
      )
    }
    table.revive(index, origin, target)
    if (table.list(index)) family.added.push(index)
    family.live++
    this.#size++
    return index
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

  /** There is a series with these labels, as `labelsText` with UTF-8 names. */
  has(family: SeriesFamily, text: string): boolean {
    const index = this.#table.find(family, Buffer.from(text))
    return index !== -1 && this.#table.isLive(index)
  }

  remove(index: number): void {
    const table = this.#table
    if (!table.isLive(index)) return
    table.remove(index)
    const family = table.family(index)
    this.#size--
    if (--family.live === 0) this.#families.delete(family.name)
  }

  /** Takes out what got no point for too long; `now` is ms on the clock of `updated`. */
  expire(now: number): void {
    const table = this.#table
    for (let index = 0; index < table.size; index++) {
      if (table.isLive(index) && now - table.updated(index) > this.#expirationMs) this.remove(index)
    }
  }

  /** Gives back the memory of removed series. Nobody may hold a number over it. */
  compact(): void {
    const before = this.#table
    if (before.size - this.#size <= this.#size + SPARE) return
    const table = new SeriesTable()
    for (const family of this.#families.values()) {
      family.members = []
      family.added = []
    }
    for (let index = 0; index < before.size; index++) {
      if (!before.isLive(index)) continue
      const at = table.copy(before, index)
      table.list(at)
      table.family(at).added.push(at)
    }
    this.#table = table
    this.#generation++
  }

  /** In order of the name. */
  families(): SeriesFamily[] {
    return [...this.#families.values()].sort((a, b) => (a.name < b.name ? -1 : 1))
  }

  /** The series of a family in the order of a page. Some of them may be gone. The list never changes. */
  sorted(family: SeriesFamily): readonly number[] {
    const { members, added } = family
    const table = this.#table
    if (added.length === 0 && members.length <= 2 * family.live + SPARE) return members
    const kept = [...members, ...added].filter(index => {
      const live = table.isLive(index)
      if (!live) table.unlist(index)
      return live
    })
    family.members = kept.sort((a, b) => table.compare(a, b))
    family.added = []
    return family.members
  }

  /** One for each job and instance: what the resource said last. */
  targets(): Target[] {
    const table = this.#table
    const latest = new Map<string, { target: Target; updated: number }>()
    for (let index = 0; index < table.size; index++) {
      const target = table.target(index)
      if (target === undefined) continue
      const updated = table.updated(index)
      const known = latest.get(target.key)
      if (known === undefined || known.updated < updated) latest.set(target.key, { target, updated })
    }
    return [...latest.values()].map(({ target }) => target)
  }
}
