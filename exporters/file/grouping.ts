/** Sorting a batch's resources into files by a resource attribute, and the paths of those files. */

import { posix } from 'node:path'
import type { Batch } from '../../core/component/batch.ts'
import { Cursor, LEN } from '../../core/otlp/cursor.ts'
import { ResourceView } from '../../core/otlp/resource.ts'
import type { Signal } from '../../core/otlp/signals.ts'
import { CHILD_FIELDS, countWithin } from '../../core/otlp/walk.ts'

const RESOURCE_ENTRIES = 1
const RESOURCE = 1

export interface Group {
  /** Concatenated, one request: the entries as they came, with their tags, and a profile's dictionary. */
  readonly chunks: Uint8Array[]
  items: number
}

export interface Groups {
  readonly bySegment: ReadonlyMap<string, Group>
  /** Items whose resource does not have the attribute, or not as a string. */
  readonly without: number
}

/** No byte is changed: what is repeated is only the dictionary of profiles, without which they say nothing. */
export function groupBatch(batch: Batch, attribute: string): Groups {
  const bySegment = new Map<string, Group>()
  let without = 0
  const shared: Uint8Array[] = []
  for (const chunk of batch.chunks) {
    const cursor = new Cursor(chunk)
    while (cursor.next()) {
      const field = chunk.subarray(cursor.tagStart, cursor.stop)
      if (cursor.field !== RESOURCE_ENTRIES || cursor.wire !== LEN) {
        shared.push(field)
        continue
      }
      const items = itemsOf(chunk, batch.signal, cursor.start, cursor.stop)
      const segment = segmentOf(chunk, cursor.start, cursor.stop, attribute)
      if (segment === undefined) without += items
      else addTo(bySegment, segment, field, items)
    }
  }
  for (const { chunks } of bySegment.values()) chunks.push(...shared)
  return { bySegment, without }
}

function itemsOf(chunk: Uint8Array, signal: Signal, start: number, stop: number): number {
  return countWithin(chunk, CHILD_FIELDS[signal], 1, start, stop, Infinity)
}

function addTo(groups: Map<string, Group>, segment: string, field: Uint8Array, items: number): void {
  const group = groups.get(segment)
  if (group === undefined) groups.set(segment, { chunks: [field], items })
  else {
    group.chunks.push(field)
    group.items += items
  }
}

function segmentOf(chunk: Uint8Array, start: number, stop: number, attribute: string): string | undefined {
  const entry = new Cursor(chunk, start, stop)
  while (entry.next()) {
    if (entry.field !== RESOURCE || entry.wire !== LEN) continue
    const attributes = new ResourceView().reset(chunk, entry.start, entry.stop).attributes()
    while (attributes.next()) {
      if (attributes.key() !== attribute) continue
      const value = attributes.value()
      return value.type === 'string' ? value.text() : undefined
    }
  }
  return undefined
}

/**
 * The file of a group: `segment` in the place of the `*` of `pattern`. Whatever the segment is, the path begins with
 * what stands before the `*`, as in the Collector.
 */
export function groupPath(pattern: string, segment: string): string {
  const [before, suffix] = pattern.split('*') as [string, string]
  const prefix = cleanPrefix(before)
  // A NUL ends a path for the system but not for us.
  const rest = segment.replaceAll('\0', '').replace(/^\.\.?(?=\/)/, '') + suffix
  const path = posix.normalize(prefix + rest)
  if (path.startsWith(prefix)) return path
  return posix.join(prefix, posix.join('/', rest))
}

/** Without `.` and `..`, but with the slash at its end: `a/` and `a` are different prefixes. */
function cleanPrefix(prefix: string): string {
  const clean = posix.normalize(prefix)
  return prefix.startsWith('./') && clean === './' ? '' : clean
}
