/**
 * Who made more series than there is room for: which service, and which of its dimensions has the most values. Looked
 * for only when it has happened, among the series there are.
 */

import { valueText } from '../../core/formats/any-value.ts'
import { readCachedString } from '../../core/formats/text-cache.ts'
import { Cursor } from '../../core/otlp/cursor.ts'
import { KeyValueRange } from '../../core/otlp/value.ts'
import { isOverflow, type Metrics } from './groups.ts'
import type { Resource } from './resources.ts'

/** Looking at more rows, or at more bytes of attributes, would not change the answer, and nothing else goes on meanwhile. */
const ROWS_MAX = 10_000
const BYTES_MAX = 4 * 1024 * 1024
const EXAMPLES = 3
const EXAMPLE_LENGTH = 60

export interface Offender {
  readonly service: string
  /** Key of the dimension, or of the attribute of resources. */
  readonly dimension: string
  /** How many values it has, among the series that were looked at. */
  readonly values: number
  readonly examples: readonly string[]
  /** What was counted beyond the limit: spans, and events. */
  readonly overflowed: number
  /** The limit that was reached. */
  readonly limit: 'aggregation_cardinality_limit' | 'max_series_bytes'
}

const cursor = new Cursor(new Uint8Array())
const entry = new KeyValueRange()

/** The `most` resources that overflowed most, each with its reason; forgets that they did. */
export function findOffenders(
  resources: readonly (Resource | undefined)[],
  groups: readonly Metrics[],
  limit: number,
  most = 3,
): Offender[] {
  const overflowed = resources.filter(one => one !== undefined && one.overflowed > 0) as Resource[]
  overflowed.sort((a, b) => b.overflowed - a.overflowed)
  const found = overflowed.slice(0, most).map(resource => describe(resource, resources, groups, limit))
  for (const resource of overflowed) resource.overflowed = 0
  return found
}

function describe(
  resource: Resource,
  resources: readonly (Resource | undefined)[],
  groups: readonly Metrics[],
  limit: number,
): Offender {
  const own = groups.some(({ index }) => limit > 0 && resource.active[index]! >= limit)
  // Where it was memory that ended, it may be somebody else's series that took it.
  const blamed = own ? resource : (largest(resources) ?? resource)
  const values = new Map<string, Set<string>>()
  let rows = 0
  let bytes = 0
  for (const { table } of groups) {
    for (let row = 0; row < table.size && rows < ROWS_MAX && bytes < BYTES_MAX; row++) {
      if (table.owner[row] !== blamed.index || isOverflow(table, row)) continue
      rows++
      bytes += table.attributesLength[row]!
      const start = table.keyAt[row]! + table.keyLength[row]!
      collect(values, table.arena, start, start + table.attributesLength[row]!)
    }
  }
  if (!own) {
    const others = new Map<string, Set<string>>()
    bytes = 0
    for (const one of resources.slice(0, ROWS_MAX)) {
      if (one === undefined || one.overflow || bytes >= BYTES_MAX) continue
      bytes += one.attributes.length
      collect(others, one.attributes, 0, one.attributes.length)
    }
    const [key, inResources] = widest(others)
    if (inResources.size > widest(values)[1].size) values.set(`resource ${key}`, inResources)
  }
  const [dimension, seen] = widest(values)
  return {
    service: serviceOf(blamed),
    dimension,
    values: seen.size,
    examples: [...seen].slice(0, EXAMPLES).map(short),
    overflowed: resource.overflowed,
    limit: own ? 'aggregation_cardinality_limit' : 'max_series_bytes',
  }
}

function largest(resources: readonly (Resource | undefined)[]): Resource | undefined {
  let found: Resource | undefined
  for (const one of resources)
    if (one !== undefined && !one.overflow && (found === undefined || total(one) > total(found))) found = one
  return found
}

function total({ active }: Resource): number {
  return active.reduce((sum, one) => sum + one, 0)
}

function collect(into: Map<string, Set<string>>, bytes: Uint8Array, start: number, stop: number): void {
  cursor.reset(bytes, start, stop)
  const entries: number[] = []
  while (cursor.next()) entries.push(cursor.start, cursor.stop)
  for (let i = 0; i < entries.length; i += 2) {
    entry.find(bytes, entries[i]!, entries[i + 1]!)
    const key = readCachedString(bytes, entry.keyStart, entry.keyStop)
    let values = into.get(key)
    if (values === undefined) into.set(key, (values = new Set()))
    values.add(valueText(bytes, entry.valueStart, entry.valueStop))
  }
}

function widest(values: ReadonlyMap<string, Set<string>>): [string, Set<string>] {
  let found: [string, Set<string>] = ['', new Set()]
  for (const one of values) if (one[1].size > found[1].size) found = one
  return found
}

function serviceOf({ attributes, overflow }: Resource): string {
  if (overflow) return ''
  const values = new Map<string, Set<string>>()
  collect(values, attributes, 0, attributes.length)
  return short([...(values.get('service.name') ?? [''])][0]!)
}

function short(text: string): string {
  return text.length > EXAMPLE_LENGTH ? `${text.slice(0, EXAMPLE_LENGTH)}...` : text
}
