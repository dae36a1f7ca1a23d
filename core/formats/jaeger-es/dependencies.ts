/**
 * Which service calls which, as Jaeger's System Architecture page shows it: a link for every span whose parent is of
 * another service, whatever their kinds are. Jaeger's own job (spark-dependencies) and its in-memory store count spans
 * whose parent is of the same service as well; docs/elasticsearch.md has what else the job counts.
 *
 * Spans come in any order and from several senders. Each is kept for a time and asks for its parent twice: when it comes,
 * and when it goes. Whichever of the two came first, they meet once. A span that comes twice is counted once.
 */

import { Cursor, readFixed32 } from '../../otlp/cursor.ts'
import { Span } from '../../otlp/fields.ts'
import { SpanIndex } from '../../otlp/span-index.ts'
import { ItemWalker } from '../../otlp/walk.ts'
import { readServiceName } from './process.ts'

const EMPTY = new Uint8Array()
/** So many letters of names of services, all spans together: more, and the oldest go. */
const LETTERS_MAX = 64 * 1024 * 1024
/** So many links between two documents, and so many letters of names in them: more are not counted. */
const LINKS_MAX = 50_000
const LINK_LETTERS_MAX = 4 * 1024 * 1024

export interface DependencyLink {
  readonly parent: string
  readonly child: string
  readonly callCount: number
}

export interface DependencyLimits {
  /** How long a span is kept, ms. */
  readonly ttl: number
  /** How many spans are kept. */
  readonly max_spans: number
}

export class Dependencies {
  /** Spans that went before their time, because there were too many. */
  forgotten: number
  /** Calls that were not counted, because there were too many links. */
  uncounted: number
  readonly #index: SpanIndex
  readonly #walker = new ItemWalker(EMPTY, 'traces')
  readonly #cursor = new Cursor(EMPTY)
  /** By slot. The two words of the parent's id are 0 when there is none, or when it was found. */
  readonly #services: string[]
  readonly #parents: number[]
  #letters: number
  readonly #links: Map<string, Map<string, number>>
  #linkCount: number
  #linkLetters: number

  constructor({ ttl, max_spans }: DependencyLimits) {
    this.forgotten = 0
    this.uncounted = 0
    this.#index = new SpanIndex(max_spans, ttl)
    this.#services = []
    this.#parents = []
    this.#letters = 0
    this.#links = new Map()
    this.#linkCount = 0
    this.#linkLetters = 0
  }

  /** Spans that are kept. */
  get size(): number {
    return this.#index.size
  }

  /** Looks at the spans of a request. `nowMs`: on the clock that `expire` is told. */
  observe(chunk: Uint8Array, nowMs: number): void {
    const walker = this.#walker.reset(chunk, 'traces')
    let resource = -1
    let service = ''
    while (walker.next()) {
      if (walker.resourceEntryStart !== resource) {
        resource = walker.resourceEntryStart
        const name = readServiceName(chunk, walker.resourceStart, walker.resourceStop)
        service = Buffer.from(name.buffer, name.byteOffset, name.length).toString()
      }
      this.#span(chunk, walker.start, walker.stop, service, nowMs)
    }
    walker.reset(EMPTY, 'traces')
    this.#cursor.reset(EMPTY, 0, 0)
  }

  #span(bytes: Uint8Array, start: number, stop: number, service: string, nowMs: number): void {
    let trace = -1
    let span = -1
    let parent = -1
    const c = this.#cursor.reset(bytes, start, stop)
    while (c.next()) {
      if (c.field === Span.traceId) trace = c.stop > c.start ? c.start : -1
      else if (c.field === Span.spanId) span = c.stop > c.start ? c.start : -1
      else if (c.field === Span.parentSpanId) parent = c.stop > c.start ? c.start : -1
    }
    const index = this.#index
    if (index.isFull || this.#letters > LETTERS_MAX) this.#makeRoom(nowMs)
    if (index.seek(bytes, trace, span) >= 0) return
    const slot = index.add(nowMs)
    const low = parent < 0 ? 0 : readFixed32(bytes, parent)
    const high = parent < 0 ? 0 : readFixed32(bytes, parent + 4)
    this.#services[slot] = service
    this.#letters += service.length
    this.#parents[slot * 2] = low
    this.#parents[slot * 2 + 1] = high
    this.#findParent(slot)
  }

  /** Counts the link to the parent when it is there. */
  #findParent(slot: number): void {
    const low = this.#parents[slot * 2]!
    const high = this.#parents[slot * 2 + 1]!
    if (low === 0 && high === 0) return
    const parent = this.#index.seekBeside(slot, low, high)
    if (parent < 0) return
    this.#parents[slot * 2] = this.#parents[slot * 2 + 1] = 0
    this.#count(this.#services[parent]!, this.#services[slot]!)
  }

  #count(parent: string, child: string): void {
    if (parent === child) return
    let children = this.#links.get(parent)
    const before = children?.get(child)
    const letters = parent.length + child.length
    if (
      before === undefined &&
      (this.#linkCount >= LINKS_MAX || this.#linkLetters + letters > LINK_LETTERS_MAX)
    ) {
      this.uncounted++
      return
    }
    if (children === undefined) {
      children = new Map()
      this.#links.set(parent, children)
    }
    if (before === undefined) {
      this.#linkCount++
      this.#linkLetters += letters
    }
    children.set(child, (before ?? 0) + 1)
  }

  /** What has been there for its time goes, or else the oldest. */
  #makeRoom(nowMs: number): void {
    this.expire(nowMs)
    while (this.#index.isFull || this.#letters > LETTERS_MAX) {
      this.#remove(this.#index.oldest)
      this.forgotten++
    }
  }

  /** Lets all spans go whose time is over. */
  expire(nowMs: number): void {
    for (let slot = this.#index.expired(nowMs); slot >= 0; slot = this.#index.expired(nowMs))
      this.#remove(slot)
  }

  #remove(slot: number): void {
    this.#findParent(slot)
    this.#letters -= this.#services[slot]!.length
    this.#services[slot] = ''
    this.#index.remove(slot)
  }

  /** Lets all spans go: no others will come. */
  end(): void {
    while (this.#index.oldest >= 0) this.#remove(this.#index.oldest)
  }

  /** The links since this was last asked. */
  take(): DependencyLink[] {
    const links = [...this.#links].flatMap(([parent, children]) =>
      [...children].map(([child, callCount]) => ({ parent, child, callCount })),
    )
    this.#links.clear()
    this.#linkCount = this.#linkLetters = 0
    return links
  }
}

/** The document of Jaeger's writer (depstore/dbmodel, 1.76). `millis`: since 1970; `isStream`: as data streams want it. */
export function dependencyDocument(
  links: readonly DependencyLink[],
  millis: number,
  isStream: boolean,
): Uint8Array {
  const timestamp = new Date(millis).toISOString()
  return Buffer.from(
    JSON.stringify({
      timestamp,
      dependencies: links.map(({ parent, child, callCount }) => ({ parent, child, callCount })),
      ...(isStream ? { '@timestamp': timestamp } : {}),
    }),
  )
}
