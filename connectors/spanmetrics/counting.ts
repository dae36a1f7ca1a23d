/**
 * From spans to series: what happens to every span. Reads fields from the wire, makes the keys of the series the span
 * counts in, and adds to them; only a series that is new costs more.
 */

import { encodeText } from '../../core/formats/any-value.ts'
import { Cursor, LEN, readString } from '../../core/otlp/cursor.ts'
import {
  AnyValue,
  InstrumentationScope,
  Resource as ResourceFields,
  ResourceSpans,
  ScopeSpans,
  Span,
  SpanEvent,
} from '../../core/otlp/fields.ts'
import { KeySet } from '../../core/otlp/keys.ts'
import { Writer } from '../../core/otlp/writer.ts'
import { AdjustedCount } from './adjusted-count.ts'
import type { Budget } from './budget.ts'
import { DELTA, type SpanMetricsConfig } from './config.ts'
import {
  INSTANCE_ID,
  OTEL_STATUS_CODE,
  SERVICE_NAME,
  SPAN_KIND,
  SPAN_NAME,
  STATUS_CODE,
} from './dimension-config.ts'
import {
  type DimensionList,
  encodeAttributes,
  KEPT_BYTES,
  matched,
  type Value,
  writeMatched,
} from './dimensions.ts'
import type { Switches } from './gates.ts'
import { Groups, type Metrics, OVERFLOW_MARK, TABLES } from './groups.ts'
import { kindText, type Names, namesOf, otelStatusText, statusText } from './names.ts'
import { type Origin, OVERFLOW, type Resource, Resources } from './resources.ts'
import { NONE, type SeriesTable } from './series.ts'
import { SlotValues } from './slot-values.ts'
import { SpanFields } from './span-fields.ts'

const EMPTY = new Uint8Array()
const ENTRIES = 1
/** Who is being counted, when. */
interface Now {
  /** ms since 1970, for series that begin. */
  readonly wall: number
  /** ms on the monotonic clock. */
  readonly monotonic: number
}

export class Counting {
  readonly resources: Resources
  /** Of calls and durations: one when their dimensions are the same. */
  readonly spans: readonly Metrics[]
  readonly events: Metrics | undefined
  readonly names: Names
  readonly #config: SpanMetricsConfig
  readonly #common: DimensionList
  readonly #divider: number
  readonly #exemplars: boolean
  readonly #delta: boolean
  readonly #limit: number
  readonly #instanceId: string
  readonly #scopes: ReadonlySet<string>
  readonly #withName: boolean
  readonly #withKind: boolean
  readonly #withStatus: boolean
  readonly #otelStatus: boolean
  readonly #withService: boolean
  readonly #withMethod: boolean
  readonly #adjusted: AdjustedCount
  readonly #fields: SpanFields
  readonly #eventValues: SlotValues
  readonly #key: Writer
  readonly #overflowKey: Writer
  readonly #request: Cursor
  readonly #entry: Cursor
  readonly #scopeEntry: Cursor
  readonly #cursor: Cursor
  #scopeName: string
  #scopeVersion: string
  #event: { readonly start: number; readonly stop: number } | undefined

  constructor(
    config: SpanMetricsConfig,
    { otelStatus }: Switches,
    instanceId: string,
    budget: Budget,
    random?: () => number,
  ) {
    const keys = new KeySet()
    const { exclude_dimensions: excluded, exemplars, resource_metrics_key_attributes: identifying } = config
    const groups = new Groups(config, keys, budget)
    this.spans = groups.spans
    this.events = groups.events
    this.resources = new Resources(keys, identifying, TABLES, budget)
    this.names = namesOf(config)
    this.#config = config
    this.#common = groups.common
    this.#divider = this.names.unit === 's' ? 1e9 : 1e6
    this.#exemplars = exemplars.enabled
    this.#delta = config.aggregation_temporality === DELTA
    this.#limit = config.aggregation_cardinality_limit || Number.POSITIVE_INFINITY
    this.#instanceId = instanceId
    this.#scopes = new Set(config.include_instrumentation_scope)
    this.#withName = !excluded.includes(SPAN_NAME)
    this.#withKind = !excluded.includes(SPAN_KIND)
    this.#otelStatus = otelStatus
    this.#withStatus = !excluded.includes(otelStatus ? OTEL_STATUS_CODE : STATUS_CODE)
    // Otherwise one resource has one service.
    this.#withService =
      identifying.length > 0 && !identifying.includes(SERVICE_NAME) && !excluded.includes(SERVICE_NAME)
    this.#withMethod = config.enable_metrics_sampling_method
    this.#adjusted = new AdjustedCount(random)
    this.#fields = new SpanFields(keys)
    this.#eventValues = new SlotValues(keys)
    this.#key = new Writer(1024)
    this.#overflowKey = new Writer()
    this.#request = new Cursor(EMPTY)
    this.#entry = new Cursor(EMPTY)
    this.#scopeEntry = new Cursor(EMPTY)
    this.#cursor = new Cursor(EMPTY)
    this.#scopeName = this.#scopeVersion = ''
    this.#event = undefined
  }

  /** Counts the spans of one request; says how many of them it skipped because their resource has no service.name. */
  count(chunk: Uint8Array, now: Now): number {
    let skipped = 0
    const request = this.#request.reset(chunk, 0, chunk.length)
    while (request.next()) {
      if (request.field !== ENTRIES || request.wire !== LEN) continue
      const origin = this.#originOf(chunk, request.start, request.stop)
      if (origin !== undefined) origin.resource.seen = now.monotonic
      const entry = this.#entry.reset(chunk, request.start, request.stop)
      while (entry.next()) {
        if (entry.field !== ResourceSpans.scopeSpans || entry.wire !== LEN) continue
        if (this.#scopes.size > 0) this.#readScope(chunk, entry.start, entry.stop)
        const scope = this.#scopeEntry.reset(chunk, entry.start, entry.stop)
        while (scope.next()) {
          if (scope.field !== ScopeSpans.spans || scope.wire !== LEN) continue
          if (origin === undefined) skipped++
          else this.#span(chunk, scope.start, scope.stop, origin, now)
        }
      }
    }
    this.#release()
    return skipped
  }

  /** Holds on to nothing of the request, which may be large. */
  #release(): void {
    this.#adjusted.forget()
    this.#fields.release()
    this.#eventValues.reset(EMPTY)
    this.#key.trim(KEPT_BYTES)
    for (const cursor of [this.#request, this.#entry, this.#scopeEntry, this.#cursor])
      cursor.reset(EMPTY, 0, 0)
  }

  #originOf(chunk: Uint8Array, start: number, stop: number): Origin | undefined {
    const cursor = this.#entry.reset(chunk, start, stop)
    while (cursor.next())
      if (cursor.field === ResourceSpans.resource && cursor.wire === LEN)
        return this.resources.find(chunk, cursor.start, cursor.stop)
    return undefined
  }

  /** Name and version of the scope, when spans of it are to be told apart. */
  #readScope(chunk: Uint8Array, start: number, stop: number): void {
    this.#scopeName = this.#scopeVersion = ''
    const cursor = this.#cursor.reset(chunk, start, stop)
    while (cursor.next()) if (cursor.field === ScopeSpans.scope && cursor.wire === LEN) break
    if (cursor.field !== ScopeSpans.scope) return
    cursor.reset(chunk, cursor.start, cursor.stop)
    while (cursor.next()) {
      if (cursor.field === InstrumentationScope.name)
        this.#scopeName = readString(chunk, cursor.start, cursor.stop)
      else if (cursor.field === InstrumentationScope.version)
        this.#scopeVersion = readString(chunk, cursor.start, cursor.stop)
    }
    if (this.#scopeName === '' || !this.#scopes.has(this.#scopeName))
      this.#scopeName = this.#scopeVersion = ''
  }

  #span(chunk: Uint8Array, start: number, stop: number, origin: Origin, now: Now): void {
    const fields = this.#fields
    fields.read(chunk, start, stop)
    const times = this.#adjusted.of(chunk, fields.stateStart, fields.stateStop)
    const duration = fields.durationNs / this.#divider
    const fixed = this.#fixedKey(origin)
    const all = this.spans
    for (let i = 0; i < all.length; i++) {
      const metrics = all[i]!
      const { table } = metrics
      const row = this.#row(metrics, fixed, origin, undefined, now)
      table.count[row] = table.count[row]! + times
      table.seen[row] = now.monotonic
      if (metrics.duration) table.observe(row, duration, times)
    }
    if (this.events !== undefined && fields.hasEvents)
      this.#countEvents(this.events, fixed, origin, times, now)
  }

  #countEvents(metrics: Metrics, fixed: number, origin: Origin, times: number, now: Now): void {
    const { bytes, start, stop } = this.#fields
    const { table } = metrics
    const cursor = this.#cursor.reset(bytes, start, stop)
    while (cursor.next()) {
      if (cursor.field !== Span.events || cursor.wire !== LEN) continue
      this.#event = { start: cursor.start, stop: cursor.stop }
      this.#eventValues.read(bytes, cursor.start, cursor.stop, SpanEvent.attributes)
      const row = this.#row(metrics, fixed, origin, this.#eventValues, now)
      table.count[row] = table.count[row]! + times
      table.seen[row] = now.monotonic
    }
    this.#event = undefined
  }

  /** Writes what all series of a span have in their keys; says where it ends. */
  #fixedKey({ resource, service }: Origin): number {
    const key = this.#key
    const fields = this.#fields
    key.rewind()
    key.fixed32(resource.index)
    const kind = this.#withKind ? (fields.kind >>> 0 < 6 ? fields.kind : 6) : 0
    const status = this.#withStatus ? (fields.status >>> 0 < 3 ? fields.status : 3) : 0
    const method = this.#withMethod && this.#adjusted.extrapolated ? 1 : 0
    key.byte(kind | (status << 3) | (method << 5))
    if (this.#withName) {
      key.varint(fields.nameStop - fields.nameStart)
      key.raw(fields.bytes, fields.nameStart, fields.nameStop)
    }
    if (this.#withService) key.string(1, service)
    if (this.#scopes.size > 0) {
      key.string(1, this.#scopeName)
      key.string(2, this.#scopeVersion)
    }
    return key.pos
  }

  /** The series that is counted in; always one. */
  #row(metrics: Metrics, fixed: number, origin: Origin, event: SlotValues | undefined, now: Now): number {
    const { resource } = origin
    if (resource.overflow) return this.#overflow(metrics, resource, now)
    const { table, own, index } = metrics
    const key = this.#key
    const common = this.#common
    key.rewind(fixed)
    const { values } = this.#fields
    common.writeKey(key, values, event, origin.values)
    own.writeKey(key, values, event, origin.values)
    if (metrics.globs.length > 0) writeMatched(key, this.#matched(metrics, origin))
    let row = table.find(key.bytes, key.pos)
    const isNew = row === NONE || (this.#delta && table.count[row] === 0)
    if (isNew) {
      if (resource.active[index]! >= this.#limit) return this.#overflow(metrics, resource, now)
      if (row === NONE) {
        const attributes = encodeAttributes(this.#attributes(metrics, origin, event))
        row = table.add(key.bytes, key.pos, attributes, resource.index, now.wall)
        if (row === NONE) return this.#overflow(metrics, this.resources.others(), now)
      }
      resource.active[index] = resource.active[index]! + 1
    }
    if (this.#exemplars) this.#exemplify(table, row)
    return row
  }

  #exemplify(table: SeriesTable, row: number): void {
    const { bytes, traceId, spanId, durationNs } = this.#fields
    if (traceId < 0 || spanId < 0 || isZero(bytes, traceId)) return
    table.exemplify(row, bytes, traceId, spanId, durationNs / this.#divider)
  }

  /** The series that counts what is beyond a limit; where there is no room for that, the one of all resources. */
  #overflow(metrics: Metrics, resource: Resource, now: Now): number {
    resource.overflowed++
    // Nobody finds the resource of all others by its bytes, which is where the others are marked as seen.
    resource.seen = now.monotonic
    const { table } = metrics
    const key = this.#overflowKey
    key.rewind()
    key.fixed32(resource.index)
    key.byte(OVERFLOW_MARK)
    let row = table.find(key.bytes, key.pos)
    if (row !== NONE) return row
    row = table.add(key.bytes, key.pos, OVERFLOW, resource.index, now.wall, resource.overflow)
    return row === NONE ? this.#overflow(metrics, this.resources.others(), now) : row
  }

  #matched({ globs }: Metrics, origin: Origin): readonly (readonly [string, Value])[] {
    const { bytes, start, stop } = this.#fields
    const event = this.#event
    const resource = origin.bytes
    return matched(globs, [
      { bytes, start, stop, field: Span.attributes },
      ...(event === undefined ? [] : [{ bytes, ...event, field: SpanEvent.attributes }]),
      { bytes: resource, start: 0, stop: resource.length, field: ResourceFields.attributes },
    ])
  }

  /** Of a series that is new, in the Collector's order. */
  #attributes(metrics: Metrics, origin: Origin, event: SlotValues | undefined): Map<string, Value> {
    const { bytes, nameStart, nameStop, kind, status, values } = this.#fields
    const { exclude_dimensions: excluded } = this.#config
    const found = new Map<string, Value>()
    const put = (key: string, text: string): void => {
      const value = encodeText(text)
      found.set(key, { bytes: value, start: 0, stop: value.length })
    }
    if (!excluded.includes(SERVICE_NAME)) put(this.names.service, origin.service)
    if (this.#withName) found.set(SPAN_NAME, textValue(bytes, nameStart, nameStop))
    if (this.#withKind) put(SPAN_KIND, kindText(kind))
    if (this.#withStatus && this.#otelStatus) {
      if (otelStatusText(status) !== '') put(OTEL_STATUS_CODE, otelStatusText(status))
    } else if (this.#withStatus) put(STATUS_CODE, statusText(status))
    if (!excluded.includes(INSTANCE_ID)) put(INSTANCE_ID, this.#instanceId)
    if (this.#scopeName !== '') {
      put('span.instrumentation.scope.name', this.#scopeName)
      if (this.#scopeVersion !== '') put('span.instrumentation.scope.version', this.#scopeVersion)
    }
    if (this.#withMethod) put('sampling.method', this.#adjusted.extrapolated ? 'extrapolated' : 'counted')
    const sources = { span: values, event, resource: origin.values }
    this.#common.collect(found, sources)
    metrics.own.collect(found, sources)
    if (metrics.globs.length > 0)
      for (const [key, value] of this.#matched(metrics, origin)) found.set(key, value)
    return found
  }
}

/** An AnyValue with the text as it is, be it UTF-8 or not. */
function textValue(bytes: Uint8Array, start: number, stop: number): Value {
  const out = new Writer(stop - start + 8)
  out.lengthDelimited(AnyValue.stringValue, bytes, start, stop)
  return { bytes: out.bytes, start: 0, stop: out.pos }
}

function isZero(bytes: Uint8Array, at: number): boolean {
  for (let i = 0; i < 16; i++) if (bytes[at + i] !== 0) return false
  return true
}
