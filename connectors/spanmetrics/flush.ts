/**
 * From series to metrics. Requests are made one at a time, each of about a megabyte, so that neither memory nor other
 * work waits for all of them; spans that come in between count in whichever request has their series next.
 */

import { MetricsWriter } from '../../core/otlp/metrics-writer.ts'
import { DELTA, type SpanMetricsConfig } from './config.ts'
import type { Counting } from './counting.ts'
import type { Switches } from './gates.ts'
import { isOverflow, type Metrics } from './groups.ts'
import { SCOPE, temporalityOf } from './names.ts'
import type { Resource } from './resources.ts'
import type { SeriesTable } from './series.ts'

const EMPTY = new Uint8Array()
const REQUEST_BYTES = 1024 * 1024
/** Most series that are written before the size is looked at. */
const GROUP = 1000
/** About what a point takes beside its attributes, buckets and exemplars. */
const POINT_BYTES = 44
const EXEMPLAR_BYTES = 56
/** Counts of exponential buckets are varints; large ones are rare. */
const BUCKET_BYTES = 3
/** Default of metric_timestamp_cache_size. */
const REMEMBERED = 1000

export interface Request {
  readonly bytes: Uint8Array
  readonly points: number
}

export class Flush {
  readonly #config: SpanMetricsConfig
  readonly #counting: Counting
  readonly #writer: MetricsWriter
  readonly #temporality: number
  readonly #delta: boolean
  readonly #resourceAttributes: boolean
  /** What the writer is in. */
  #resource: Resource | undefined

  constructor(config: SpanMetricsConfig, { resourceAttributes }: Switches, counting: Counting) {
    this.#config = config
    this.#resourceAttributes = resourceAttributes
    this.#counting = counting
    this.#writer = new MetricsWriter()
    this.#temporality = temporalityOf(config)
    this.#delta = config.aggregation_temporality === DELTA
    this.#resource = undefined
  }

  /**
   * Everything that is to be handed on, at `wall` ms since 1970 and `now` ms on the monotonic clock. Nobody else may
   * flush before the last request was taken. `last`: there will be no other flush, so that series that are new have
   * their count already, and not the 0 they begin with.
   */
  *requests(wall: number, now: number, last = false): Generator<Request> {
    const counting = this.#counting
    const { resources } = counting
    const leaving = resources.leastUsed(this.#config.resource_metrics_cache_size)
    const groups = [...counting.spans, ...(counting.events === undefined ? [] : [counting.events])]
    const ordered = groups.map(({ table }) => byOwner(table, resources.list.length))
    const time = nanos(wall)
    for (const resource of [...resources.list]) {
      if (resource === undefined) continue
      for (const [i, group] of groups.entries()) {
        const { order, starts } = ordered[i]!
        const end = starts[resource.index + 1]!
        for (let at = starts[resource.index]!, next = at; at < end; at = next) {
          const most = Math.min(at + GROUP, end)
          next = this.#fitting(group, order, at, most)
          const rows = order.subarray(at, next)
          this.#write(group, resource, rows, time, last || leaving.has(resource))
          this.#settle(group, resource, rows, wall)
          const isFull = next < most || this.#writer.byteLength >= REQUEST_BYTES
          if (isFull && this.#writer.points > 0) yield this.#take()
        }
      }
    }
    if (this.#writer.points > 0) yield this.#take()
    this.#sweep(groups, leaving, now)
  }

  /** Where the rows from `at` on end that still fit into the request; there is always one. */
  #fitting({ table, calls, duration }: Metrics, order: Int32Array, at: number, most: number): number {
    const points = calls && duration ? 2 : 1
    let room = REQUEST_BYTES - this.#writer.byteLength
    let next = at
    for (; next < most; next++) {
      const row = order[next]!
      const exemplars = table.exemplars[row]?.count ?? 0
      const buckets = 16 * table.width + BUCKET_BYTES * (table.exponential[row]?.length ?? 0)
      room -= points * (table.attributesLength[row]! + POINT_BYTES + EXEMPLAR_BYTES * exemplars) + buckets
      if (room < 0) break
    }
    return Math.max(next, at + 1)
  }

  #take(): Request {
    const { points } = this.#writer
    this.#resource = undefined
    return { bytes: this.#writer.take(), points }
  }

  #begin(resource: Resource): void {
    if (this.#resource === resource) return
    this.#resource = resource
    this.#writer.resource(this.#resourceAttributes ? resource.attributes : EMPTY)
    this.#writer.scope(SCOPE)
  }

  #write(group: Metrics, resource: Resource, rows: Int32Array, time: bigint, counts: boolean): void {
    const writer = this.#writer
    const { table } = group
    const { names } = this.#counting
    const live = this.#delta ? rows.filter(row => table.count[row]! > 0) : rows
    if (live.length === 0) return
    this.#begin(resource)
    if (!group.duration || group.calls) {
      const name = group.calls ? names.calls : names.events
      writer.metric(name, '', '', 'sum', this.#temporality)
      for (const row of live) {
        // Prometheus counts an increase from the first value it sees, so that one has to be 0.
        const zero = table.first[row] === 1 && !this.#delta && !counts
        const [start, stop] = attributesAt(table, row)
        const value = zero ? 0 : table.count[row]!
        writer.numberPoint(
          table.arena,
          start,
          stop,
          nanos(table.start[row]!),
          time,
          value,
          table.exemplars[row],
        )
      }
    }
    if (group.duration) this.#writeDurations(table, live, time)
  }

  #writeDurations(table: SeriesTable, rows: Int32Array, time: bigint): void {
    const writer = this.#writer
    const { duration, writtenUnit } = this.#counting.names
    const { histogram, arena, width } = table
    if (histogram.kind === 'explicit') {
      const { bounds } = histogram
      writer.metric(duration, writtenUnit, '', 'histogram', this.#temporality)
      for (const row of rows) {
        const [start, stop] = attributesAt(table, row)
        const { [row]: count = 0 } = table.count
        const { [row]: sum = 0 } = table.sum
        const point = { bounds, counts: table.buckets, at: row * width, count, sum }
        writer.histogramPoint(arena, start, stop, nanos(table.start[row]!), time, point, table.exemplars[row])
      }
    } else if (histogram.kind === 'exponential') {
      writer.metric(duration, writtenUnit, '', 'exponential_histogram', this.#temporality)
      for (const row of rows) {
        const [start, stop] = attributesAt(table, row)
        const point = table.exponential[row]!
        writer.exponentialPoint(
          arena,
          start,
          stop,
          nanos(table.start[row]!),
          time,
          point,
          table.exemplars[row],
        )
      }
    }
  }

  /** What was written begins anew, as far as it does. */
  #settle({ table, index }: Metrics, resource: Resource, rows: Int32Array, wall: number): void {
    for (const row of rows) {
      table.first[row] = 0
      const some = table.exemplars[row]
      if (some !== undefined) some.count = 0
      if (!this.#delta || table.count[row] === 0) continue
      table.clear(row)
      table.start[row] = wall
      if (!isOverflow(table, row)) resource.active[index] = resource.active[index]! - 1
    }
  }

  /** Forgets what is to be forgotten, unless a span came since the flush began. */
  #sweep(groups: readonly Metrics[], leaving: ReadonlySet<Resource>, now: number): void {
    const { resources } = this.#counting
    const { list } = resources
    const left = new Int32Array(list.length)
    for (const { table, index } of groups) {
      const gone = this.#delta ? this.#idle(table, leaving) : this.#expired(table, leaving, now)
      let any = false
      for (let row = 0; row < table.size; row++) {
        const owner = table.owner[row]!
        if (gone[row] === 0) left[owner] = left[owner]! + 1
        else {
          any = true
          const { active } = list[owner]!
          if (!this.#delta && !isOverflow(table, row)) active[index] = active[index]! - 1
        }
      }
      if (!any) continue
      table.sweep(gone)
      resources.reconsider()
    }
    const removed = list.filter(resource => resource !== undefined && left[resource.index] === 0)
    if (removed.length > 0) resources.remove(removed as Resource[])
  }

  #expired(table: SeriesTable, leaving: ReadonlySet<Resource>, now: number): Uint8Array {
    const gone = new Uint8Array(table.size)
    const { list } = this.#counting.resources
    const { series_expiration, metrics_expiration } = this.#config
    for (let row = 0; row < table.size; row++) {
      const resource = list[table.owner[row]!]!
      const seen = table.seen[row]!
      if (series_expiration > 0 && now - seen >= series_expiration) gone[row] = 1
      else if (metrics_expiration > 0 && now - resource.seen >= metrics_expiration) gone[row] = 1
      else if (seen <= now && leaving.has(resource)) gone[row] = 1
    }
    return gone
  }

  /** Delta: of series without a count, those are kept that were handed on last, so that their next points follow on. */
  #idle(table: SeriesTable, leaving: ReadonlySet<Resource>): Uint8Array {
    const gone = new Uint8Array(table.size)
    const { list } = this.#counting.resources
    const idle: number[] = []
    for (let row = 0; row < table.size; row++) {
      if (table.count[row] !== 0) continue
      if (leaving.has(list[table.owner[row]!]!)) gone[row] = 1
      else idle.push(row)
    }
    const most = this.#config.metric_timestamp_cache_size ?? REMEMBERED
    if (idle.length > most) {
      idle.sort((a, b) => table.start[b]! - table.start[a]!)
      for (const row of idle.slice(most)) gone[row] = 1
    }
    return gone
  }
}

/** Rows of owner `i` are `order[starts[i], starts[i + 1])`. */
function byOwner({ owner, size }: SeriesTable, owners: number): { order: Int32Array; starts: Int32Array } {
  const starts = new Int32Array(owners + 1)
  for (let row = 0; row < size; row++) starts[owner[row]! + 1] = starts[owner[row]! + 1]! + 1
  for (let i = 0; i < owners; i++) starts[i + 1] = starts[i + 1]! + starts[i]!
  const next = starts.slice()
  const order = new Int32Array(size)
  for (let row = 0; row < size; row++) {
    const at = next[owner[row]!]!
    order[at] = row
    next[owner[row]!] = at + 1
  }
  return { order, starts }
}

function attributesAt({ keyAt, keyLength, attributesLength }: SeriesTable, row: number): [number, number] {
  const start = keyAt[row]! + keyLength[row]!
  return [start, start + attributesLength[row]!]
}

let lastMs = 0
let lastNanos = 0n

/** Milliseconds since 1970 in nanoseconds. Series that began together come together. */
function nanos(ms: number): bigint {
  if (ms !== lastMs) {
    lastMs = ms
    lastNanos = BigInt(Math.round(ms * 1000)) * 1000n
  }
  return lastNanos
}
