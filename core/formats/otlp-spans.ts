/** Writing OTLP traces and logs from values: what decoders of other formats end in. */

import { I64, VARINT } from '../otlp/cursor.ts'
import {
  AnyValue,
  ArrayValue,
  ExportTraceServiceRequest,
  InstrumentationScope,
  KeyValue,
  KeyValueList,
  Resource,
  ResourceSpans,
  ScopeSpans,
  Span,
  SpanEvent,
  SpanLink,
  Status,
} from '../otlp/fields.ts'
import type { PlainValue } from '../otlp/value.ts'
import { Writer } from '../otlp/writer.ts'

/** By key. A bigint is an int64, a number a double, null an empty value. */
export type Attributes = Map<string, PlainValue>

export interface SpanValues {
  /** 16 bytes. */
  traceId: Uint8Array
  /** 8 bytes. */
  spanId: Uint8Array
  /** 8 bytes; undefined for a root. */
  parentSpanId: Uint8Array | undefined
  traceState: string
  name: string
  kind: number
  /** Nanoseconds since 1970; 64 bits are kept. */
  start: bigint
  end: bigint
  attributes: Attributes
  events: EventValues[]
  links: LinkValues[]
  statusCode: number
  statusMessage: string
}

export interface EventValues {
  time: bigint
  name: string
  attributes: Attributes
  dropped: number
}

export interface LinkValues {
  traceId: Uint8Array
  spanId: Uint8Array
  traceState: string
  attributes: Attributes
  dropped: number
}

interface ScopeGroup {
  readonly name: string
  readonly version: string
  readonly spans: SpanValues[]
}

interface ResourceGroup {
  /** The content of the Resource message. */
  readonly content: Uint8Array
  readonly scopes: Map<string, ScopeGroup>
}

/** What every builder writes into; `finish` copies. */
const scratch = new Writer(16 * 1024)
/** A scratch that one huge message made larger than this is given back. */
const SCRATCH_MAX = 1024 * 1024

/** The content of a Resource message with these attributes. Keep it where the same resource comes again. */
export function encodeResource(attributes: Attributes): Uint8Array {
  scratch.rewind()
  writeAttributes(scratch, Resource.attributes, attributes)
  return scratch.copy()
}

/** Collects spans under their resources and scopes, in the order in which these first came, and writes the request. */
export class TracesBuilder {
  readonly #groups = new Map<string, ResourceGroup>()
  /** Spans that stand together mostly share the object. */
  #last: ResourceGroup | undefined

  /** `resource` is made by `encodeResource`; equal ones become one. */
  add(resource: Uint8Array, scopeName: string, scopeVersion: string, span: SpanValues): void {
    const { scopes } = this.#groupOf(resource)
    const key = `${scopeName.length} ${scopeName}${scopeVersion}`
    let scope = scopes.get(key)
    if (scope === undefined) {
      scope = { name: scopeName, version: scopeVersion, spans: [] }
      scopes.set(key, scope)
    }
    scope.spans.push(span)
  }

  #groupOf(content: Uint8Array): ResourceGroup {
    if (this.#last?.content === content) return this.#last
    const key = Buffer.from(content.buffer, content.byteOffset, content.length).toString('latin1')
    let group = this.#groups.get(key)
    if (group === undefined) {
      group = { content, scopes: new Map() }
      this.#groups.set(key, group)
    }
    this.#last = group
    return group
  }

  /** An ExportTraceServiceRequest. */
  finish(): Uint8Array {
    const out = scratch
    out.rewind()
    for (const { content, scopes } of this.#groups.values()) {
      const entry = out.open(ExportTraceServiceRequest.resourceSpans)
      out.lengthDelimited(ResourceSpans.resource, content)
      for (const scope of scopes.values()) {
        const scopeEntry = out.open(ResourceSpans.scopeSpans)
        writeScope(out, scope.name, scope.version)
        for (const span of scope.spans) writeSpan(out, span)
        out.close(scopeEntry)
      }
      out.close(entry)
    }
    const request = out.copy()
    if (out.bytes.length > SCRATCH_MAX) out.bytes = new Writer(16 * 1024).bytes
    return request
  }
}

function writeScope(out: Writer, name: string, version: string): void {
  const scope = out.open(ScopeSpans.scope)
  if (name !== '') out.string(InstrumentationScope.name, name)
  if (version !== '') out.string(InstrumentationScope.version, version)
  out.close(scope)
}

function writeSpan(out: Writer, span: SpanValues): void {
  const mark = out.open(ScopeSpans.spans)
  writeId(out, Span.traceId, span.traceId)
  writeId(out, Span.spanId, span.spanId)
  if (span.traceState !== '') out.string(Span.traceState, span.traceState)
  if (span.parentSpanId !== undefined) writeId(out, Span.parentSpanId, span.parentSpanId)
  if (span.name !== '') out.string(Span.name, span.name)
  writeNumber(out, Span.kind, span.kind)
  writeTime(out, Span.startTimeUnixNano, span.start)
  writeTime(out, Span.endTimeUnixNano, span.end)
  writeAttributes(out, Span.attributes, span.attributes)
  for (const event of span.events) {
    const one = out.open(Span.events)
    writeTime(out, SpanEvent.timeUnixNano, event.time)
    if (event.name !== '') out.string(SpanEvent.name, event.name)
    writeAttributes(out, SpanEvent.attributes, event.attributes)
    writeNumber(out, SpanEvent.droppedAttributesCount, event.dropped)
    out.close(one)
  }
  for (const link of span.links) {
    const one = out.open(Span.links)
    writeId(out, SpanLink.traceId, link.traceId)
    writeId(out, SpanLink.spanId, link.spanId)
    if (link.traceState !== '') out.string(SpanLink.traceState, link.traceState)
    writeAttributes(out, SpanLink.attributes, link.attributes)
    writeNumber(out, SpanLink.droppedAttributesCount, link.dropped)
    out.close(one)
  }
  if (span.statusCode !== 0 || span.statusMessage !== '') {
    const status = out.open(Span.status)
    if (span.statusMessage !== '') out.string(Status.message, span.statusMessage)
    writeNumber(out, Status.code, span.statusCode)
    out.close(status)
  }
  out.close(mark)
}

/** An id of zeros is no id. */
function writeId(out: Writer, field: number, id: Uint8Array): void {
  if (!isZero(id)) out.lengthDelimited(field, id)
}

export function isZero(id: Uint8Array): boolean {
  for (let i = 0; i < id.length; i++) if (id[i] !== 0) return false
  return true
}

function writeNumber(out: Writer, field: number, value: number): void {
  if (value === 0) return
  out.tag(field, VARINT)
  out.bigVarint(BigInt(value))
}

export function writeTime(out: Writer, field: number, time: bigint): void {
  if (time === 0n) return
  out.tag(field, I64)
  out.bigFixed64(time)
}

export function writeAttributes(out: Writer, field: number, attributes: Attributes): void {
  for (const [key, value] of attributes) writeEntry(out, field, key, value)
}

function writeEntry(out: Writer, field: number, key: string, value: PlainValue): void {
  const entry = out.open(field)
  out.string(KeyValue.key, key)
  writeValue(out, KeyValue.value, value)
  out.close(entry)
}

/** `value` as an AnyValue in field `field`. */
export function writeValue(out: Writer, field: number, value: PlainValue): void {
  const mark = out.open(field)
  if (typeof value === 'string') out.string(AnyValue.stringValue, value)
  else if (typeof value === 'boolean') {
    out.tag(AnyValue.boolValue, VARINT)
    out.byte(value ? 1 : 0)
  } else if (typeof value === 'bigint') {
    out.tag(AnyValue.intValue, VARINT)
    out.bigVarint(value)
  } else if (typeof value === 'number') {
    out.tag(AnyValue.doubleValue, I64)
    out.double(value)
  } else if (value instanceof Uint8Array) out.lengthDelimited(AnyValue.bytesValue, value)
  else if (Array.isArray(value)) {
    const array = out.open(AnyValue.arrayValue)
    for (const one of value) writeValue(out, ArrayValue.values, one)
    out.close(array)
  } else if (value !== null) {
    const list = out.open(AnyValue.kvlistValue)
    for (const [key, one] of Object.entries(value)) writeEntry(out, KeyValueList.values, key, one)
    out.close(list)
  }
  out.close(mark)
}
