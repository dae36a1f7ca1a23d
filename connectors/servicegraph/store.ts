/**
 * Where one side of a request waits for the other (contrib's internal/store): found by the trace id and the span id of
 * the client, which the server has as its parent. Bounded in entries, bytes and time.
 */

import { SpanIndex } from '../../core/otlp/span-index.ts'
import { Edge } from './edge.ts'

export interface StoreLimits {
  readonly max_items: number
  readonly max_bytes: number
  /** ms. */
  readonly ttl: number
}

/** What becomes of edges. They are used again afterwards: nobody keeps one. */
export interface EdgeListener {
  /** Both sides are known. */
  onComplete(edge: Edge): void
  /** It waited too long. `isRoot`: it is the server's side, and the server's span has no parent. */
  onExpire(edge: Edge, isRoot: boolean): void
  /** There was no room for it. */
  onDrop(edge: Edge): void
}

export class EdgeStore {
  /** Edges that were not there before a span made them. */
  created: number
  /** Spans that wait. */
  spans: number
  readonly #index: SpanIndex
  readonly #limits: StoreLimits
  readonly #listener: EdgeListener
  readonly #dimensions: number
  readonly #edges: Edge[]
  #fresh: Edge
  #byteLength: number

  constructor(limits: StoreLimits, dimensions: number, listener: EdgeListener) {
    this.created = 0
    this.spans = 0
    this.#index = new SpanIndex(limits.max_items, limits.ttl)
    this.#limits = limits
    this.#listener = listener
    this.#dimensions = dimensions
    this.#edges = []
    this.#fresh = new Edge(dimensions)
    this.#byteLength = 0
  }

  /**
   * The edge of the client span with these ids, to be changed; `done` must be called next. `spanStart`: where the span id
   * is in `bytes`, -1 for none, as SpanIndex has it.
   */
  open(bytes: Uint8Array, traceStart: number, spanStart: number): Edge {
    this.#slot = this.#index.seek(bytes, traceStart, spanStart)
    this.#isNew = this.#slot < 0
    const edge = this.#isNew ? this.#fresh : this.#edges[this.#slot]!
    edge.spans++
    this.spans++
    return edge
  }

  #slot = -1
  #isNew = false

  /** Ends the change. `nowMs`: on the clock that `expire` is told. */
  done(nowMs: number): void {
    const edge = this.#isNew ? this.#fresh : this.#edges[this.#slot]!
    if (edge.isComplete) {
      this.#forget(edge)
      this.#listener.onComplete(edge)
      if (this.#isNew) this.created++
      else this.#index.remove(this.#slot)
      edge.clear()
      return
    }
    const byteLength = edge.measure()
    const more = byteLength - edge.byteLength
    if (!this.#makeRoom(more, nowMs)) {
      this.#forget(edge)
      this.#listener.onDrop(edge)
      if (!this.#isNew) this.#index.remove(this.#slot)
      edge.clear()
      return
    }
    this.#byteLength += more
    edge.byteLength = byteLength
    if (!this.#isNew) return
    this.created++
    const slot = this.#index.add(nowMs)
    this.#fresh = this.#edges[slot] ?? new Edge(this.#dimensions)
    this.#edges[slot] = edge
  }

  /** Lets the oldest go as long as there is no room and they have waited long enough. */
  #makeRoom(bytes: number, nowMs: number): boolean {
    const { max_bytes } = this.#limits
    while ((this.#isNew && this.#index.isFull) || this.#byteLength + bytes > max_bytes) {
      // An edge that is about to be changed goes with its change.
      const oldest = this.#index.expired(nowMs)
      if (oldest < 0 || oldest === this.#slot) return false
      this.#expire(oldest)
    }
    return true
  }

  /** Lets all go that have waited too long. */
  expire(nowMs: number): void {
    for (let slot = this.#index.expired(nowMs); slot >= 0; slot = this.#index.expired(nowMs))
      this.#expire(slot)
  }

  /** Forgets all that wait, and returns how many spans these were. Nobody is told. */
  clear(): number {
    const { spans } = this
    for (let slot = this.#index.oldest; slot >= 0; slot = this.#index.oldest) {
      const edge = this.#edges[slot]!
      this.#forget(edge)
      this.#index.remove(slot)
      edge.clear()
    }
    return spans
  }

  #expire(slot: number): void {
    const edge = this.#edges[slot]!
    this.#forget(edge)
    this.#listener.onExpire(edge, this.#index.isRoot(slot))
    this.#index.remove(slot)
    edge.clear()
  }

  /** It no longer counts. */
  #forget(edge: Edge): void {
    this.spans -= edge.spans
    this.#byteLength -= edge.byteLength
  }
}
