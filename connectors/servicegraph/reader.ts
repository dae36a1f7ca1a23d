/**
 * Reads what a graph needs of spans out of their bytes, and enters it into edges, as contrib's connector.go does: which
 * attributes count, and where, is the Collector's (0.155).
 */

import { valueText } from '../../core/formats/any-value.ts'
import { readCachedString } from '../../core/formats/text-cache.ts'
import { AttributeTable } from '../../core/otlp/attributes.ts'
import { Cursor, high, low, readFixed64, readVarint } from '../../core/otlp/cursor.ts'
import { Resource, Span, SpanSpanKind, Status, StatusStatusCode } from '../../core/otlp/fields.ts'
import { KeySet } from '../../core/otlp/keys.ts'
import type { ItemWalker } from '../../core/otlp/walk.ts'
import type { ServiceGraphConfig } from './config.ts'
import type { ConnectionType, Edge } from './edge.ts'

const EMPTY = new Uint8Array()
const TWO_32 = 0x1_0000_0000
const NANOSECONDS = 1e9

export class SpanReader {
  /** Of the resource: undefined when it does not say. */
  service: string | undefined
  /** Of the span: where ids begin, -1 when it has none. */
  traceId: number
  spanId: number
  parentSpanId: number
  kind: number
  readonly #config: ServiceGraphConfig
  readonly #keys = new KeySet()
  readonly #serviceSlot: number
  readonly #dimensionSlots: readonly number[]
  readonly #databaseSlots: readonly number[]
  readonly #peerSlots: readonly number[]
  readonly #resource: AttributeTable
  readonly #span: AttributeTable
  readonly #cursor = new Cursor(EMPTY)
  readonly #status = new Cursor(EMPTY)
  #bytes: Uint8Array
  #start: number
  #stop: number
  #failed: boolean
  #seconds: number
  #resourceEntry: number

  constructor(config: ServiceGraphConfig) {
    this.#config = config
    const slots = (keys: readonly string[]): number[] => keys.map(key => this.#keys.add(key))
    this.#serviceSlot = this.#keys.add('service.name')
    this.#dimensionSlots = slots(config.dimensions)
    this.#databaseSlots = slots(config.database_name_attributes)
    this.#peerSlots = slots(config.virtual_node_peer_attributes)
    this.#resource = new AttributeTable(this.#keys)
    this.#span = new AttributeTable(this.#keys)
    this.service = undefined
    this.traceId = this.spanId = this.parentSpanId = -1
    this.kind = 0
    this.#bytes = EMPTY
    this.#start = this.#stop = 0
    this.#failed = false
    this.#seconds = 0
    this.#resourceEntry = -1
  }

  /** Begins another request. */
  begin(): void {
    this.#resourceEntry = -1
  }

  /** Lets go of the request that was read last. */
  release(): void {
    this.#resourceEntry = -1
    this.#bytes = EMPTY
    this.#cursor.reset(EMPTY, 0, 0)
    this.#status.reset(EMPTY, 0, 0)
    this.#resource.read(EMPTY, 0, 0, Resource.attributes)
    this.#span.read(EMPTY, 0, 0, Span.attributes)
  }

  /** Looks at the span that the walker stands on. */
  read(walker: ItemWalker): void {
    const { chunk, start, stop } = walker
    if (walker.resourceEntryStart !== this.#resourceEntry) {
      this.#resourceEntry = walker.resourceEntryStart
      this.#resource.read(chunk, walker.resourceStart, walker.resourceStop, Resource.attributes)
      this.service = textAt(this.#resource, this.#serviceSlot)
    }
    this.#bytes = chunk
    this.#start = start
    this.#stop = stop
    this.traceId = this.spanId = this.parentSpanId = -1
    this.kind = 0
    this.#failed = false
    let startLow = 0
    let startHigh = 0
    let endLow = 0
    let endHigh = 0
    const c = this.#cursor.reset(chunk, start, stop)
    while (c.next()) {
      switch (c.field) {
        case Span.traceId:
          this.traceId = c.stop > c.start ? c.start : -1
          break
        case Span.spanId:
          this.spanId = c.stop > c.start ? c.start : -1
          break
        case Span.parentSpanId:
          this.parentSpanId = c.stop > c.start ? c.start : -1
          break
        case Span.kind:
          this.kind = readVarint(chunk, c.start)
          break
        case Span.startTimeUnixNano:
          readFixed64(chunk, c.start)
          startLow = low
          startHigh = high
          break
        case Span.endTimeUnixNano:
          readFixed64(chunk, c.start)
          endLow = low
          endHigh = high
          break
        case Span.status:
          this.#readStatus(c.start, c.stop)
      }
    }
    // A span that ends before it begins lasted no time.
    this.#seconds = Math.max(0, ((endHigh - startHigh) * TWO_32 + (endLow - startLow)) / NANOSECONDS)
  }

  #readStatus(start: number, stop: number): void {
    const c = this.#status.reset(this.#bytes, start, stop)
    while (c.next()) {
      if (c.field === Status.code)
        this.#failed = readVarint(this.#bytes, c.start) === StatusStatusCode.STATUS_CODE_ERROR
    }
  }

  /** Enters the span as the one that asks. */
  enterClient(edge: Edge): void {
    edge.connectionType = this.#connection(SpanSpanKind.SPAN_KIND_PRODUCER)
    edge.clientService = this.service!
    edge.clientSeconds = this.#seconds
    edge.failed ||= this.#failed
    this.#span.read(this.#bytes, this.#start, this.#stop, Span.attributes)
    this.#enterDimensions(edge, 0)
    edge.peer = firstOf(this.#peerSlots, this.#span) ?? edge.peer
    // A database sends no span: its side is the client's.
    const database = firstOf(this.#databaseSlots, this.#resource, this.#span)
    if (database === undefined) return
    edge.connectionType = 'database'
    edge.serverService = database
    edge.serverSeconds = this.#seconds
  }

  /** Enters it as the one that answers. */
  enterServer(edge: Edge): void {
    edge.connectionType = this.#connection(SpanSpanKind.SPAN_KIND_CONSUMER)
    edge.serverService = this.service!
    edge.serverSeconds = this.#seconds
    edge.failed ||= this.#failed
    if (this.#dimensionSlots.length === 0) return
    this.#span.read(this.#bytes, this.#start, this.#stop, Span.attributes)
    this.#enterDimensions(edge, this.#dimensionSlots.length)
  }

  #connection(messaging: number): ConnectionType {
    return this.kind === messaging ? 'messaging_system' : ''
  }

  #enterDimensions(edge: Edge, from: number): void {
    for (const [i, slot] of this.#dimensionSlots.entries()) {
      const value = textAt(this.#resource, slot) ?? textAt(this.#span, slot)
      if (value !== undefined) edge.dimensions[from + i] = value
    }
  }

  /** Keys of the labels that dimensions become, in the order in which an edge has their values. */
  get dimensionLabels(): readonly string[] {
    const { dimensions } = this.#config
    return [...dimensions.map(key => `client_${key}`), ...dimensions.map(key => `server_${key}`)]
  }
}

/** By key first, then by table. */
function firstOf(slots: readonly number[], ...tables: readonly AttributeTable[]): string | undefined {
  for (const slot of slots) {
    for (const table of tables) {
      const value = textAt(table, slot)
      if (value !== undefined) return value
    }
  }
  return undefined
}

/** The value of an attribute as a text; undefined when it is not there. */
function textAt(table: AttributeTable, slot: number): string | undefined {
  const row = table.find(slot)
  if (row < 0) return undefined
  const { bytes } = table
  const start = table.valueStart(row)
  const stop = table.valueStop(row)
  // The usual form of a text: its tag, its length in one byte, and nothing else.
  if (stop - start >= 2 && bytes[start] === 0x0a && bytes[start + 1] === stop - start - 2)
    return readCachedString(bytes, start + 2, stop)
  return valueText(bytes, start, stop)
}
