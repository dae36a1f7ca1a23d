/**
 * Finding the items of a request: counting them, and visiting each with the ranges of what is around it.
 * Bytes have passed `validate`.
 */

import { Cursor, LEN } from './cursor.ts'
import type { Signal } from './signals.ts'

/**
 * Which fields lead from each level to the next, as bits by field number:
 *
 *     request -1-> resource entry -2-> scope entry -2-> span, log record
 *                                                  -2-> metric -gauge, sum, ..-> data -1-> data point
 *                                                  -2-> profile -2-> sample
 */
export const CHILD_FIELDS: Readonly<Record<Signal, readonly number[]>> = {
  traces: [1 << 1, 1 << 2, 1 << 2],
  logs: [1 << 1, 1 << 2, 1 << 2],
  metrics: [1 << 1, 1 << 2, 1 << 2, (1 << 5) | (1 << 7) | (1 << 9) | (1 << 10) | (1 << 11), 1 << 1],
  profiles: [1 << 1, 1 << 2, 1 << 2, 1 << 2],
}

/** True when the cursor's field is one of `fields`, bits by field number. */
export function isChild(cursor: Cursor, fields: number): boolean {
  return cursor.field < 32 && (fields & (1 << cursor.field)) !== 0 && cursor.wire === LEN
}

const counters = Array.from({ length: 5 }, () => new Cursor(new Uint8Array()))

/** Spans, data points, log records or profile samples in a request. */
export function countItems(chunk: Uint8Array, signal: Signal): number {
  return countWithin(chunk, CHILD_FIELDS[signal], 0, 0, chunk.length, Infinity)
}

/**
 * Items in `[start, stop)`, the content of a message at `level` (0: the request). Gives up once there are more than
 * `most`: the result is then somewhere above it.
 */
export function countWithin(
  chunk: Uint8Array,
  childFields: readonly number[],
  level: number,
  start: number,
  stop: number,
  most: number,
): number {
  const fields = childFields[level]
  if (fields === undefined) return 1
  const cursor = counters[level]!.reset(chunk, start, stop)
  const last = level === childFields.length - 1
  let count = 0
  while (count <= most && cursor.next()) {
    if (!isChild(cursor, fields)) continue
    count += last ? 1 : countWithin(chunk, childFields, level + 1, cursor.start, cursor.stop, most - count)
  }
  return count
}

/**
 * Visits the items of one request, in order, without allocating:
 *
 *     const walker = new ItemWalker(chunk, 'traces')
 *     while (walker.next()) use(chunk, walker.start, walker.stop)
 *
 * All ranges are contents without tag and length. Where an entry has no resource or scope the range is empty.
 * Not for profiles, whose samples mean nothing without the request's dictionary.
 */
export class ItemWalker {
  chunk: Uint8Array = EMPTY
  /** The item: a Span, a LogRecord or a data point. */
  start = 0
  stop = 0
  /** The ResourceSpans / ResourceMetrics / ResourceLogs. `resourceEntryStart` changes when the resource does. */
  resourceEntryStart = 0
  resourceEntryStop = 0
  resourceStart = 0
  resourceStop = 0
  /** The ScopeSpans / ScopeMetrics / ScopeLogs. `scopeEntryStart` changes when the scope does. */
  scopeEntryStart = 0
  scopeEntryStop = 0
  scopeStart = 0
  scopeStop = 0
  /** Metrics only: the Metric, its data field (`Metric.sum`, ...) and that field's message. */
  metricStart = 0
  metricStop = 0
  dataField = 0
  dataStart = 0
  dataStop = 0
  readonly #cursors = Array.from({ length: 5 }, () => new Cursor(EMPTY))
  #childFields: readonly number[] = []
  #level = 0

  constructor(chunk: Uint8Array, signal: Exclude<Signal, 'profiles'>) {
    this.reset(chunk, signal)
  }

  /** Starts over, on this or another request. */
  reset(chunk: Uint8Array, signal: Exclude<Signal, 'profiles'>): this {
    this.chunk = chunk
    this.#childFields = CHILD_FIELDS[signal]
    this.#level = 0
    this.#cursors[0]!.reset(chunk, 0, chunk.length)
    return this
  }

  /** Moves to the next item; false when there is none. */
  next(): boolean {
    const childFields = this.#childFields
    const last = childFields.length - 1
    for (;;) {
      const cursor = this.#cursors[this.#level]!
      if (!cursor.next()) {
        if (this.#level === 0) return false
        this.#level--
        continue
      }
      if (!isChild(cursor, childFields[this.#level]!)) continue
      if (this.#level === last) {
        this.start = cursor.start
        this.stop = cursor.stop
        return true
      }
      this.#enter(cursor)
    }
  }

  #enter(entry: Cursor): void {
    const { chunk } = this
    const inner = this.#cursors[++this.#level]!
    switch (this.#level) {
      case 1:
        this.resourceEntryStart = entry.start
        this.resourceEntryStop = entry.stop
        findFirst(inner.reset(chunk, entry.start, entry.stop))
        this.resourceStart = inner.start
        this.resourceStop = inner.stop
        break
      case 2:
        this.scopeEntryStart = entry.start
        this.scopeEntryStop = entry.stop
        findFirst(inner.reset(chunk, entry.start, entry.stop))
        this.scopeStart = inner.start
        this.scopeStop = inner.stop
        break
      case 3:
        this.metricStart = entry.start
        this.metricStop = entry.stop
        break
      case 4:
        this.dataField = entry.field
        this.dataStart = entry.start
        this.dataStop = entry.stop
        break
    }
    inner.reset(chunk, entry.start, entry.stop)
  }
}

const EMPTY = new Uint8Array()

/** Leaves the cursor on field 1, resource or scope, wherever it stands; on an empty range when there is none. */
function findFirst(cursor: Cursor): void {
  while (cursor.next()) if (cursor.field === 1) return
  cursor.start = cursor.stop = cursor.end
}

/** The text of `schema_url`, field 3 of a resource or scope entry, as a range in the result's `start` and `stop`. */
export function findSchemaUrl(
  chunk: Uint8Array,
  entryStart: number,
  entryStop: number,
  into: Cursor,
): boolean {
  into.reset(chunk, entryStart, entryStop)
  let found = false
  let start = 0
  let stop = 0
  while (into.next()) {
    if (into.field !== 3) continue
    found = true
    start = into.start
    stop = into.stop
  }
  into.start = start
  into.stop = stop
  return found
}
