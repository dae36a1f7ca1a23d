/**
 * Edits a request message by message. One walk; an `Editor` says of each message whether it is kept, dropped or
 * changed, and lengths, order and unknown fields are taken care of (patch.ts). A request that nothing changed comes
 * back as the same object.
 *
 *     request                  resource entries  1
 *       resource entry         resource 1        scope entries  2
 *         scope entry          scope 1           items or metrics  2
 *           metric (metrics)   gauge 5, sum 7, histogram 9, exponential histogram 10, summary 11
 *             data             data points  1
 *
 * Behind the door: the bytes were validated.
 */

import { Cursor, LEN } from './cursor.ts'
import { ExportTraceServiceRequest, Metric, ResourceSpans, ScopeSpans } from './fields.ts'
import { Patch } from './patch.ts'
import type { Signal } from './signals.ts'
import { CHILD_FIELDS, countWithin } from './walk.ts'

/** What becomes of a message. CHANGE: `write` will be asked to make the cuts. */
export const KEEP = 0
export const DROP = 1
export const CHANGE = 2
export type Verdict = typeof KEEP | typeof DROP | typeof CHANGE

export type Level = 'resource' | 'scope' | 'metric' | 'item'

/**
 * Each method is given the content `[start, stop)` of one message. A method that is not there means KEEP, and a level
 * that nobody asks about is walked as fast as its lengths can be read. No method may keep or write to `bytes`.
 *
 * A resource entry or scope entry without its Resource or InstrumentationScope gives an empty range (`start ===
 * stop`); CHANGE then makes one of what `write` wrote.
 */
export interface Editor {
  /**
   * The Resource of the entry that is walked next; DROP drops the whole entry with all its items. When an entry has
   * more than one (protobuf merges them), the last is shown, and only that one is changed.
   */
  resource?(bytes: Uint8Array, start: number, stop: number): Verdict
  /** The InstrumentationScope of the entry that is walked next; DROP drops the whole entry. */
  scope?(bytes: Uint8Array, start: number, stop: number): Verdict
  /** A whole Metric, before its data points. After CHANGE those are not walked. */
  metric?(bytes: Uint8Array, start: number, stop: number): Verdict
  /**
   * A span, log record, profile or data point. `kind` is the field of Metric that holds the data point (5 gauge,
   * 7 sum, 9 histogram, 10 exponential histogram, 11 summary), 0 for the other signals.
   */
  item?(bytes: Uint8Array, start: number, stop: number, kind: number): Verdict
  /**
   * Makes the cuts in the message that CHANGE was said of, in ascending order; `patch.bytes` are those bytes. For a
   * metric or item that is right after the verdict, for a resource or scope when the walk comes to it, which may be
   * after the items: an editor that changes several levels keeps their changes apart.
   */
  write?(patch: Patch, start: number, stop: number, level: Level): void
  /**
   * Also drop scope and resource entries (and metrics with a data field) without any item, as the Collector's
   * RemoveIf filters do, whether they arrived empty or became so. Without it nothing but what the editor dropped
   * is dropped.
   */
  readonly dropsEmpty?: boolean
}

const REQUEST_ENTRIES = ExportTraceServiceRequest.resourceSpans
const RESOURCE = ResourceSpans.resource
const SCOPE_ENTRIES = ResourceSpans.scopeSpans
const SCOPE = ScopeSpans.scope
const SCOPE_ITEMS = ScopeSpans.spans
const POINTS = 1

export class Rewriter {
  /** Items (of profiles: samples) dropped by the last `rewrite`, those in dropped entries and metrics included. */
  dropped: number
  readonly #editor: Editor
  readonly #metrics: boolean
  /** Nobody asks about anything below the resource: scope entries are skipped unread. */
  readonly #shallow: boolean
  readonly #childFields: readonly number[]
  readonly #patch: Patch
  /** One cursor a level, so that walking allocates nothing. */
  readonly #request: Cursor
  readonly #resource: Cursor
  readonly #scope: Cursor
  readonly #metric: Cursor
  readonly #data: Cursor
  readonly #seek: Cursor

  constructor(signal: Signal, editor: Editor) {
    this.dropped = 0
    this.#editor = editor
    this.#metrics = signal === 'metrics'
    this.#shallow = !(editor.scope || editor.metric || editor.item || editor.dropsEmpty)
    this.#childFields = CHILD_FIELDS[signal]
    this.#patch = new Patch()
    this.#request = new Cursor(EMPTY)
    this.#resource = new Cursor(EMPTY)
    this.#scope = new Cursor(EMPTY)
    this.#metric = new Cursor(EMPTY)
    this.#data = new Cursor(EMPTY)
    this.#seek = new Cursor(EMPTY)
  }

  /**
   * The edited request: the same object when nothing changed, an empty array when nothing is left. Not reentrant: an
   * editor must not call `rewrite` of its own rewriter.
   */
  rewrite(request: Uint8Array): Uint8Array {
    this.dropped = 0
    const patch = this.#patch
    patch.begin(request)
    const c = this.#request.reset(request, 0, request.length)
    while (c.next()) {
      if (c.field !== REQUEST_ENTRIES || c.wire !== LEN) continue
      patch.enter(c.tagStart, c.start)
      this.#close(this.#resourceEntry(c.start, c.stop), c.stop)
    }
    return patch.end()
  }

  #close(keep: boolean, stop: number): void {
    if (keep) this.#patch.leave(stop)
    else this.#patch.drop(stop)
  }

  #resourceEntry(start: number, stop: number): boolean {
    const editor = this.#editor
    const patch = this.#patch
    const { bytes } = patch
    let changedAt = -1
    if (editor.resource !== undefined) {
      const found = this.#find(RESOURCE, start, stop)
      const verdict = found
        ? editor.resource(bytes, this.#seek.start, this.#seek.stop)
        : editor.resource(bytes, start, start)
      if (verdict === DROP) {
        this.dropped += this.#count(1, start, stop)
        return false
      }
      if (verdict === CHANGE) changedAt = this.#writeHead(RESOURCE, found, start, 'resource')
    }
    let kept = 0
    const c = this.#resource.reset(bytes, start, stop)
    while (c.next()) {
      if (c.tagStart === changedAt) this.#writeChange(c, 'resource')
      if (this.#shallow || c.field !== SCOPE_ENTRIES || c.wire !== LEN) continue
      patch.enter(c.tagStart, c.start)
      const keep = this.#scopeEntry(c.start, c.stop)
      if (keep) kept++
      this.#close(keep, c.stop)
    }
    return kept > 0 || editor.dropsEmpty !== true
  }

  #scopeEntry(start: number, stop: number): boolean {
    const editor = this.#editor
    const { bytes } = this.#patch
    let changedAt = -1
    if (editor.scope !== undefined) {
      const found = this.#find(SCOPE, start, stop)
      const verdict = found
        ? editor.scope(bytes, this.#seek.start, this.#seek.stop)
        : editor.scope(bytes, start, start)
      if (verdict === DROP) {
        this.dropped += this.#count(2, start, stop)
        return false
      }
      if (verdict === CHANGE) changedAt = this.#writeHead(SCOPE, found, start, 'scope')
    }
    const c = this.#scope.reset(bytes, start, stop)
    let kept = 0
    while (c.next()) {
      if (c.tagStart === changedAt) this.#writeChange(c, 'scope')
      if (c.field !== SCOPE_ITEMS || c.wire !== LEN) continue
      if (this.#metrics ? this.#metricMessage(c) : this.#item(c, 0)) kept++
    }
    return kept > 0 || editor.dropsEmpty !== true
  }

  /** True when the metric stays. */
  #metricMessage(at: Cursor): boolean {
    const editor = this.#editor
    const patch = this.#patch
    if (editor.metric !== undefined) {
      const verdict = editor.metric(patch.bytes, at.start, at.stop)
      if (verdict === CHANGE) this.#writeChange(at, 'metric')
      if (verdict === DROP) {
        this.dropped += this.#count(3, at.start, at.stop)
        patch.cut(at.tagStart, at.stop)
      }
      if (verdict !== KEEP) return verdict === CHANGE
    }
    if (editor.item === undefined && editor.dropsEmpty !== true) return true
    patch.enter(at.tagStart, at.start)
    let hasData = false
    let kept = 0
    const c = this.#metric.reset(patch.bytes, at.start, at.stop)
    while (c.next()) {
      if (!isData(c.field, c.wire)) continue
      hasData = true
      patch.enter(c.tagStart, c.start)
      const points = this.#data.reset(patch.bytes, c.start, c.stop)
      while (points.next()) {
        if (points.field === POINTS && points.wire === LEN && this.#item(points, c.field)) kept++
      }
      patch.leave(c.stop)
    }
    const keep = kept > 0 || !hasData || editor.dropsEmpty !== true
    this.#close(keep, at.stop)
    return keep
  }

  /** True when the item stays. */
  #item(at: Cursor, kind: number): boolean {
    const editor = this.#editor
    if (editor.item === undefined) return true
    const verdict = editor.item(this.#patch.bytes, at.start, at.stop, kind)
    if (verdict === KEEP) return true
    if (verdict === CHANGE) {
      this.#writeChange(at, 'item')
      return true
    }
    this.dropped += kind === 0 ? this.#count(3, at.start, at.stop) : 1
    this.#patch.cut(at.tagStart, at.stop)
    return false
  }

  #writeChange(at: Cursor, level: Level): void {
    const patch = this.#patch
    patch.enter(at.tagStart, at.start)
    this.#editor.write?.(patch, at.start, at.stop, level)
    patch.leave(at.stop)
  }

  /** Leaves the last occurrence of `field` in `#seek`; false when there is none. */
  #find(field: number, start: number, stop: number): boolean {
    const seek = this.#seek.reset(this.#patch.bytes, start, stop)
    let tag = -1
    while (seek.next()) if (seek.field === field && seek.wire === LEN) tag = seek.tagStart
    if (tag < 0) return false
    seek.pos = tag
    return seek.next()
  }

  /**
   * A Resource or scope that is there is changed when the walk comes to it, at the returned position, because cuts go
   * in ascending order; one that is not there is written at once, at the front. Returns -1 then.
   */
  #writeHead(field: number, found: boolean, start: number, level: Level): number {
    if (found) return this.#seek.tagStart
    const patch = this.#patch
    const out = patch.cut(start, start)
    const mark = out.open(field)
    this.#editor.write?.(patch, start, start, level)
    out.close(mark)
    return -1
  }

  /** Items in the content of a message at `level`: 1 a resource entry, 2 a scope entry, 3 an item or metric. */
  #count(level: number, start: number, stop: number): number {
    return countWithin(this.#patch.bytes, this.#childFields, level, start, stop, Infinity)
  }
}

function isData(field: number, wire: number): boolean {
  if (wire !== LEN) return false
  return (
    field === Metric.gauge ||
    field === Metric.sum ||
    field === Metric.histogram ||
    field === Metric.exponentialHistogram ||
    field === Metric.summary
  )
}

const EMPTY = new Uint8Array(0)
