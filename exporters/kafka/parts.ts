/**
 * Which items of a batch go into a record together, and under which key: the Collector's partitionData.
 *
 * - All of them, without a key.
 * - One part for each resource, keyed by the hash of its attributes or not at all.
 * - One part for each trace of each scope, keyed by the trace id in hex, as contrib's batchpersignal splits: a trace
 *   that has spans in two scopes is two parts.
 */

import { type Batch, contiguous } from '../../core/component/batch.ts'
import { mapHash } from '../../core/formats/map-hash.ts'
import { Cursor, LEN } from '../../core/otlp/cursor.ts'
import {
  ExportTraceServiceRequest,
  LogRecord,
  Resource,
  ResourceSpans,
  Span,
} from '../../core/otlp/fields.ts'
import type { Signal } from '../../core/otlp/signals.ts'
import { CHILD_FIELDS, countWithin } from '../../core/otlp/walk.ts'
import { varintSize, Writer } from '../../core/otlp/writer.ts'

export interface Part {
  /** A whole request. */
  readonly request: Uint8Array
  readonly items: number
  readonly key: Uint8Array | undefined
}

export type Parting = 'whole' | 'resource' | 'resource hash' | 'trace'

/** The same names and numbers for all signals. */
const RESOURCE_ENTRY = ExportTraceServiceRequest.resourceSpans
const RESOURCE = ResourceSpans.resource
const SCOPE_ENTRY = ResourceSpans.scopeSpans
const ITEM = 2

/** In the order of the batch. Parts without items are left out. */
export function partsOf(batch: Batch, parting: Parting, hashes: ResourceHashes): Part[] {
  if (parting === 'whole') return [{ request: contiguous(batch), items: batch.items, key: undefined }]
  const parts: Part[] = []
  for (const chunk of batch.chunks) {
    const shared = parting === 'trace' ? [] : sharedFields(chunk)
    const entries = new Cursor(chunk)
    while (entries.next()) {
      if (entries.field !== RESOURCE_ENTRY || entries.wire !== LEN) continue
      if (parting === 'trace') addTraces(parts, chunk, batch.signal, entries.start, entries.stop)
      else
        addResource(
          parts,
          chunk,
          batch.signal,
          entries,
          shared,
          parting === 'resource hash' ? hashes : undefined,
        )
    }
  }
  return parts
}

/** What stands in a request beside its resources: the dictionary of profiles, and fields we do not know. */
function sharedFields(chunk: Uint8Array): Uint8Array[] {
  const shared: Uint8Array[] = []
  const c = new Cursor(chunk)
  while (c.next()) {
    if (c.field !== RESOURCE_ENTRY || c.wire !== LEN) shared.push(chunk.subarray(c.tagStart, c.stop))
  }
  return shared
}

function addResource(
  parts: Part[],
  chunk: Uint8Array,
  signal: Signal,
  entry: Cursor,
  shared: readonly Uint8Array[],
  hashes: ResourceHashes | undefined,
): void {
  const { tagStart, start, stop } = entry
  const items = countWithin(chunk, CHILD_FIELDS[signal], 1, start, stop, Infinity)
  if (items === 0) return
  const field = chunk.subarray(tagStart, stop)
  const request = shared.length === 0 ? field : Buffer.concat([field, ...shared])
  parts.push({ request, items, key: hashes?.of(chunk, start, stop) })
}

interface Trace {
  /** Ranges of its items with their tags, start and stop alternating. */
  readonly ranges: number[]
  size: number
  readonly key: Uint8Array | undefined
}

function addTraces(parts: Part[], chunk: Uint8Array, signal: Signal, start: number, stop: number): void {
  const around = envelope(chunk, start, stop, SCOPE_ENTRY)
  const scopes = new Cursor(chunk, start, stop)
  while (scopes.next()) {
    if (scopes.field !== SCOPE_ENTRY || scopes.wire !== LEN) continue
    const inside = envelope(chunk, scopes.start, scopes.stop, ITEM)
    for (const trace of tracesOf(chunk, signal, scopes.start, scopes.stop)) {
      const request = writeTrace(chunk, around, inside, trace)
      parts.push({ request, items: trace.ranges.length / 2, key: trace.key })
    }
  }
}

/** The fields of a message that are not `field`, one behind the other. */
function envelope(chunk: Uint8Array, start: number, stop: number, field: number): Uint8Array {
  const fields: Uint8Array[] = []
  const c = new Cursor(chunk, start, stop)
  while (c.next()) if (c.field !== field || c.wire !== LEN) fields.push(chunk.subarray(c.tagStart, c.stop))
  return fields.length === 1 ? fields[0]! : Buffer.concat(fields)
}

function tracesOf(chunk: Uint8Array, signal: Signal, start: number, stop: number): Iterable<Trace> {
  const idField = signal === 'traces' ? Span.traceId : LogRecord.traceId
  const traces = new Map<string, Trace>()
  const items = new Cursor(chunk, start, stop)
  const inner = new Cursor(chunk)
  const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length)
  while (items.next()) {
    if (items.field !== ITEM || items.wire !== LEN) continue
    const id = idIn(inner.reset(chunk, items.start, items.stop), idField, bytes)
    let trace = traces.get(id)
    if (trace === undefined) {
      // A span without an id has the empty key there, a log record none.
      const key = id === '' && signal === 'logs' ? undefined : Buffer.from(id, 'latin1')
      trace = { ranges: [], size: 0, key }
      traces.set(id, trace)
    }
    trace.ranges.push(items.tagStart, items.stop)
    trace.size += items.stop - items.tagStart
  }
  return traces.values()
}

const NO_ID = '0'.repeat(32)

/** 32 hex digits; '' when there is none, or only zeros. */
function idIn(item: Cursor, field: number, bytes: Buffer): string {
  let id = ''
  while (item.next())
    if (item.field === field && item.wire === LEN) id = bytes.toString('hex', item.start, item.stop)
  return id === NO_ID ? '' : id
}

function writeTrace(chunk: Uint8Array, around: Uint8Array, inside: Uint8Array, trace: Trace): Uint8Array {
  const scope = inside.length + trace.size
  const resource = around.length + 1 + varintSize(scope) + scope
  const out = new Writer(resource + 16)
  out.tag(RESOURCE_ENTRY, LEN)
  out.varint(resource)
  out.raw(around)
  out.tag(SCOPE_ENTRY, LEN)
  out.varint(scope)
  out.raw(inside)
  for (let i = 0; i < trace.ranges.length; i += 2) out.raw(chunk, trace.ranges[i], trace.ranges[i + 1])
  return out.take()
}

/** A resource of more bytes than this is hashed each time. */
const KEPT_BYTES_MAX = 4096
const KEPT_MAX = 10_000

/** Hashes of resources, kept under their bytes: the same few come again and again, and one costs tens of us. */
export class ResourceHashes {
  readonly #kept = new Map<string, Buffer>()

  /** Of the Resource in the entry `[start, stop)`; one without attributes, or none, has sixteen zeros. */
  of(chunk: Uint8Array, start: number, stop: number): Buffer {
    let from = stop
    let to = stop
    const c = new Cursor(chunk, start, stop)
    while (c.next()) {
      if (c.field !== RESOURCE || c.wire !== LEN) continue
      from = c.start
      to = c.stop
    }
    if (to - from > KEPT_BYTES_MAX) return mapHash(chunk, from, to, Resource.attributes)
    const bytes = Buffer.from(chunk.buffer, chunk.byteOffset + from, to - from).toString('latin1')
    const kept = this.#kept.get(bytes)
    if (kept !== undefined) return kept
    const hash = mapHash(chunk, from, to, Resource.attributes)
    if (this.#kept.size >= KEPT_MAX) this.#kept.clear()
    this.#kept.set(bytes, hash)
    return hash
  }
}
