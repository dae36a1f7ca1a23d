/** Logs or spans of one batch as bulk requests. */

import { readKind, valueStart, valueStop } from '../../core/formats/any-value.ts'
import { NOTHING } from '../../core/formats/elastic/flat.ts'
import type { FlatDocuments } from '../../core/formats/elastic/flat-items.ts'
import type { Mode } from '../../core/formats/elastic/modes.ts'
import { DOCUMENT_ID, PIPELINE, SpecialAttributes } from '../../core/formats/elastic/special.ts'
import { Cursor } from '../../core/otlp/cursor.ts'
import { AnyValue, LogRecord, Span, SpanEvent } from '../../core/otlp/fields.ts'
import { ItemWalker } from '../../core/otlp/walk.ts'
import { type Bulk, BulkWriter } from './bulk.ts'
import { type Lose, UNMAPPABLE } from './documents.ts'
import type { Kit } from './kit.ts'
import { Placing } from './placing.ts'
import { idProblem, type Target, writeAction } from './targets.ts'

const EMPTY = new Uint8Array()

export class ItemWriting {
  readonly #kit: Kit
  readonly #signal: 'logs' | 'traces'
  readonly #lose: Lose
  readonly #placing: Placing
  readonly #special = new SpecialAttributes()
  readonly #walker: ItemWalker
  readonly #events = new Cursor(EMPTY)
  readonly #body = new Cursor(EMPTY)
  readonly #bulk: BulkWriter
  readonly #dynamicId: boolean
  readonly #dynamicPipeline: boolean
  /** JSON of what is around the items, in mode otel. */
  #resource: Uint8Array = EMPTY
  #scope: Uint8Array = EMPTY
  /** The same in the flat modes. */
  #flat: FlatDocuments | undefined
  #flatResource = NOTHING
  #flatScope = NOTHING

  constructor(kit: Kit, asked: Mode, signal: 'logs' | 'traces', suffix: string, lose: Lose) {
    const { config } = kit
    this.#kit = kit
    this.#signal = signal
    this.#lose = lose
    this.#placing = new Placing(kit, asked, suffix)
    this.#walker = new ItemWalker(EMPTY, signal)
    this.#bulk = new BulkWriter(kit.maxBytes, kit.buffers)
    this.#dynamicId = config[`${signal}_dynamic_id`].enabled
    this.#dynamicPipeline = signal === 'logs' && config.logs_dynamic_pipeline.enabled
  }

  *bulks(chunks: readonly Uint8Array[]): Generator<Bulk, void, undefined> {
    const walker = this.#walker
    const bulk = this.#bulk
    for (const chunk of chunks) {
      walker.reset(chunk, this.#signal)
      while (walker.next()) {
        if (this.#placing.move(walker)) this.#around()
        const before = bulk.count
        const problem = this.#item(walker)
        if (problem !== undefined) this.#lose(1, UNMAPPABLE, problem)
        const full = bulk.overflow(before)
        if (full !== undefined) yield full
        const hasEvents = problem === undefined && this.#signal === 'traces' && this.#flat === undefined
        if (hasEvents) yield* this.#spanEvents(chunk, walker.start, walker.stop)
      }
    }
    const rest = bulk.rest()
    if (rest !== undefined) yield rest
  }

  #around(): void {
    const { mode, resource, scope } = this.#placing
    const { otel, flat } = this.#kit
    this.#flat = undefined
    if (mode === 'otel') {
      this.#resource = otel.resource(resource)
      this.#scope = otel.scope(scope)
    } else if (mode === 'none' || mode === 'raw' || mode === 'ecs') {
      this.#flat = flat[mode]
      this.#flatResource = this.#flat.resource(resource)
      this.#flatScope = this.#flat.scope(scope)
    }
  }

  /** Why the item has no document; undefined when it has. */
  #item({ chunk, start, stop }: ItemWalker): string | undefined {
    const { mode } = this.#placing
    const isLog = this.#signal === 'logs'
    if (mode === 'bodymap' && !isLog) return 'mapping mode bodymap has documents of logs only'
    const flat = this.#flat
    if (mode !== 'otel' && mode !== 'bodymap' && flat === undefined) return mode
    const special = this.#special.read(chunk, start, stop, isLog ? LogRecord.attributes : Span.attributes)
    const target = this.#placing.target(this.#signal, special.any ? special : undefined)
    if (typeof target === 'string') return target
    const id = this.#dynamicId ? special.values[DOCUMENT_ID] : undefined
    const problem = id === undefined ? undefined : idProblem(id)
    if (problem !== undefined) return problem
    if (mode === 'bodymap') return this.#bodyMap(chunk, start, stop, target, id)
    const { out } = this.#bulk
    writeAction(out, target, id, this.#dynamicPipeline ? special.values[PIPELINE] : undefined)
    if (flat !== undefined) {
      const { route } = target
      if (isLog) flat.log(out, chunk, start, stop, route, this.#flatResource, this.#flatScope)
      else flat.span(out, chunk, start, stop, route, this.#flatResource, this.#flatScope)
    } else if (isLog) this.#kit.otel.log(out, chunk, start, stop, target.stream, this.#resource, this.#scope)
    else this.#kit.otel.span(out, chunk, start, stop, target.stream, this.#resource, this.#scope)
    this.#bulk.end(undefined, 1)
    return undefined
  }

  #bodyMap(
    chunk: Uint8Array,
    start: number,
    stop: number,
    target: Target,
    id: string | undefined,
  ): string | undefined {
    const body = this.#body.reset(chunk, start, stop)
    let from = -1
    let to = -1
    while (body.next())
      if (body.field === LogRecord.body) {
        from = body.start
        to = body.stop
      }
    if (from === -1 || readKind(chunk, from, to) !== AnyValue.kvlistValue)
      return 'mapping mode bodymap takes only log records whose body is a map'
    const mapStart = valueStart
    const mapStop = valueStop
    const { out } = this.#bulk
    writeAction(out, target, id, this.#dynamicPipeline ? this.#special.values[PIPELINE] : undefined)
    this.#kit.values.map(out, chunk, mapStart, mapStop)
    this.#bulk.end(undefined, 1)
    return undefined
  }

  /** Events of a span are documents of their own, among the logs. They are no items. */
  *#spanEvents(chunk: Uint8Array, start: number, stop: number): Generator<Bulk, void, undefined> {
    const events = this.#events.reset(chunk, start, stop)
    const bulk = this.#bulk
    while (events.next()) {
      if (events.field !== Span.events) continue
      const special = this.#special.read(chunk, events.start, events.stop, SpanEvent.attributes)
      const target = this.#placing.target('logs', special.any ? special : undefined)
      if (typeof target === 'string') continue
      const asked = this.#dynamicId ? special.values[DOCUMENT_ID] : undefined
      // Better with an id of Elasticsearch's than not at all.
      const id = asked === undefined || idProblem(asked) !== undefined ? undefined : asked
      writeAction(bulk.out, target, id, undefined)
      this.#kit.otel.event(
        bulk.out,
        chunk,
        events.start,
        events.stop,
        start,
        stop,
        target.stream,
        this.#resource,
        this.#scope,
      )
      const before = bulk.count
      bulk.end(undefined, 0)
      const full = bulk.overflow(before)
      if (full !== undefined) yield full
    }
  }
}
