/** Data points that share one document: those of one time, unit, resource, scope and set of attributes. */

import { Cursor, LEN } from '../../otlp/cursor.ts'
import { Metric } from '../../otlp/fields.ts'
import { KeyValueRange } from '../../otlp/value.ts'
import { Writer } from '../../otlp/writer.ts'
import type { PointRef, PointValue } from './points.ts'
import { DATASET, HINTS, NAMESPACE, specialSlot, TYPE } from './special.ts'

/** Field numbers of attributes by kind of metric. */
export const POINT_ATTRIBUTES: Readonly<Record<number, number>> = {
  [Metric.gauge]: 7,
  [Metric.sum]: 7,
  [Metric.histogram]: 9,
  [Metric.exponentialHistogram]: 1,
  [Metric.summary]: 7,
}
/** The same in all kinds of points. */
const START_TIME = 2
const TIME = 3

/** One document. `place`: whatever the caller keeps groups apart by. */
export interface Group<Place> {
  readonly place: Place
  readonly points: PointRef[]
  readonly values: PointValue[]
  readonly names: Set<string>
}

/** Groups that nothing keeps apart but that one metric has several points for them. */
interface Alike<Place> {
  readonly groups: Group<Place>[]
  /** How many points each metric has in them. */
  readonly counts: Map<string, number>
}

/** Groups of one batch. */
export class MetricGroups<Place> {
  readonly #groups: Group<Place>[] = []
  readonly #alike = new Map<string, Alike<Place>>()
  readonly #numbers = new Map<unknown, number>()
  readonly #key = new Writer(1024)
  readonly #list = new Cursor(EMPTY)
  readonly #entry = new KeyValueRange()
  readonly #sorted: { start: number; stop: number; keyStart: number; keyStop: number }[] = []

  /**
   * `parts` are compared by identity: where the document goes, its resource, its scope. `wide`: the start and the unit do
   * not keep points apart. A second point of the same name gets a document of its own: which of the two is right is not for us to say.
   */
  add(parts: readonly unknown[], place: Place, point: PointRef, value: PointValue, wide: boolean): void {
    const key = this.#keyOf(parts, point, wide)
    const { name } = point.metric
    let alike = this.#alike.get(key)
    if (alike === undefined) {
      alike = { groups: [], counts: new Map() }
      this.#alike.set(key, alike)
    }
    const nth = alike.counts.get(name) ?? 0
    alike.counts.set(name, nth + 1)
    let group = alike.groups[nth]
    if (group === undefined) {
      group = { place, points: [], values: [], names: new Set() }
      alike.groups.push(group)
      this.#groups.push(group)
    }
    group.names.add(name)
    group.points.push(point)
    group.values.push(value)
  }

  /** In the order in which the first point of each came. */
  all(): Iterable<Group<Place>> {
    return this.#groups
  }

  #keyOf(parts: readonly unknown[], { bytes, start, stop, metric }: PointRef, wide: boolean): string {
    const key = this.#key
    key.rewind()
    for (const part of parts) key.fixed32(this.#numberOf(part))
    const timeAt = key.pos
    key.bigFixed64(0n)
    key.bigFixed64(0n)
    if (!wide) key.string(1, metric.unit)
    const field = POINT_ATTRIBUTES[metric.kind]!
    const list = this.#list.reset(bytes, start, stop)
    let count = 0
    while (list.next()) {
      if (list.field === TIME) copyEight(key.bytes, timeAt, bytes, list.start)
      else if (list.field === START_TIME && !wide) copyEight(key.bytes, timeAt + 8, bytes, list.start)
      else if (list.field === field && list.wire === LEN) count = this.#insert(bytes, count)
    }
    for (let i = 0; i < count; i++) {
      const { start, stop } = this.#sorted[i]!
      key.lengthDelimited(2, bytes, start, stop)
    }
    return Buffer.from(key.bytes.buffer, key.bytes.byteOffset, key.pos).toString('latin1')
  }

  /** The attribute that the list stands on, in its place by key. Returns how many there are now. */
  #insert(bytes: Uint8Array, count: number): number {
    const { start, stop } = this.#list
    const { keyStart, keyStop } = this.#entry.find(bytes, start, stop)
    const slot = specialSlot(bytes, keyStart, keyStop)
    if (slot === TYPE || slot === DATASET || slot === NAMESPACE || slot === HINTS) return count
    const sorted = this.#sorted
    const spare = sorted[count] ?? { start: 0, stop: 0, keyStart: 0, keyStop: 0 }
    spare.start = start
    spare.stop = stop
    spare.keyStart = keyStart
    spare.keyStop = keyStop
    let at = count
    for (; at > 0 && count < SORTED_MAX; at--) {
      const before = sorted[at - 1]!
      if (compare(bytes, before.keyStart, before.keyStop, keyStart, keyStop) <= 0) break
      sorted[at] = before
    }
    sorted[at] = spare
    return count + 1
  }

  #numberOf(part: unknown): number {
    let known = this.#numbers.get(part)
    if (known === undefined) {
      known = this.#numbers.size
      this.#numbers.set(part, known)
    }
    return known
  }
}

/** What comes after so many attributes stays in the order it has: sorting by insertion is not for thousands. */
const SORTED_MAX = 64
const EMPTY = new Uint8Array()

function copyEight(target: Uint8Array, at: number, source: Uint8Array, from: number): void {
  for (let i = 0; i < 8; i++) target[at + i] = source[from + i]!
}

function compare(bytes: Uint8Array, aStart: number, aStop: number, bStart: number, bStop: number): number {
  const length = Math.min(aStop - aStart, bStop - bStart)
  for (let i = 0; i < length; i++) {
    const difference = bytes[aStart + i]! - bytes[bStart + i]!
    if (difference !== 0) return difference
  }
  return aStop - aStart - (bStop - bStart)
}
