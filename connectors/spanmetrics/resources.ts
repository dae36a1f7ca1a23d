/**
 * Resources, found by their bytes. What came once is an Origin; origins with equal attributes (or equal
 * `resource_metrics_key_attributes`) are one Resource, whose metrics are handed on together.
 */

import { encodeBool, readKind, valueStart, valueStop } from '../../core/formats/any-value.ts'
import { mapHash } from '../../core/formats/map-hash.ts'
import { Cursor, LEN, readString, sameRange } from '../../core/otlp/cursor.ts'
import { AnyValue, Resource as ResourceFields } from '../../core/otlp/fields.ts'
import { KeySet } from '../../core/otlp/keys.ts'
import { KeyValueRange } from '../../core/otlp/value.ts'
import { Writer } from '../../core/otlp/writer.ts'
import type { Budget } from './budget.ts'
import { encodeAttributes, KEPT_BYTES } from './dimensions.ts'
import { SlotValues } from './slot-values.ts'

export const OVERFLOW_KEY = 'otel.metric.overflow'
const TRUE = encodeBool(true)
/** The attributes of what is counted beyond a limit. */
export const OVERFLOW = encodeAttributes(
  new Map([[OVERFLOW_KEY, { bytes: TRUE, start: 0, stop: TRUE.length }]]),
)

const SERVICE = new KeySet(['service.name'])
const EMPTY = new Uint8Array()
/** Most origins that are remembered: all are forgotten then, and found anew. */
const ORIGINS_MAX = 4096
/** What the objects take beside their bytes. */
const ORIGIN_BYTES = 800
const RESOURCE_BYTES = 400

/** Metrics of it stand together. */
export interface Resource {
  /** Unique among those that are kept. */
  readonly index: number
  readonly identity: string
  /** As of the first origin: KeyValues in field 1. */
  readonly attributes: Uint8Array
  /** By table: series that count against the limit. */
  readonly active: Int32Array
  /** Of all resources that there was no room for. */
  readonly overflow: boolean
  /** What is used last has the highest. */
  used: number
  /** ms on the monotonic clock. */
  seen: number
  /** Spans and events counted beyond a limit since the last flush. */
  overflowed: number
}

export interface Origin {
  readonly resource: Resource
  /** The Resource message. */
  readonly bytes: Uint8Array
  readonly service: string
  /** The attributes that dimensions ask for. */
  readonly values: SlotValues
}

export class Resources {
  /** By index; holes are indices to be used again. */
  readonly list: (Resource | undefined)[]
  readonly #keys: KeySet
  readonly #identifying: ReadonlySet<string>
  readonly #tables: number
  readonly #budget: Budget
  readonly #origins: Map<string, Origin>
  readonly #byIdentity: Map<string, Resource>
  readonly #service: SlotValues
  readonly #free: number[]
  #others: Resource | undefined
  #last: Origin | undefined
  #used: number
  #originBytes: number

  /** `keys`: what dimensions ask for. `identifying`: keys of attributes that tell resources apart; none: all. */
  constructor(keys: KeySet, identifying: readonly string[], tables: number, budget: Budget) {
    this.list = []
    this.#keys = keys
    this.#identifying = new Set(identifying)
    this.#tables = tables
    this.#budget = budget
    this.#origins = new Map()
    this.#byIdentity = new Map()
    this.#service = new SlotValues(SERVICE)
    this.#free = []
    this.#used = this.#originBytes = 0
  }

  get size(): number {
    return this.#byIdentity.size
  }

  /** Of the Resource message `bytes[start, stop)`; undefined when it has no service.name. */
  find(bytes: Uint8Array, start: number, stop: number): Origin | undefined {
    let origin = this.#last
    if (origin === undefined || !sameRange(bytes, start, stop, origin.bytes, 0, origin.bytes.length)) {
      const raw = Buffer.prototype.latin1Slice.call(bytes, start, stop)
      origin = this.#origins.get(raw)
      if (origin === undefined) {
        origin = this.#read(Uint8Array.prototype.slice.call(bytes, start, stop))
        if (origin === undefined) return undefined
        this.#remember(raw, origin)
      }
      this.#last = origin
    }
    origin.resource.used = ++this.#used
    return origin
  }

  #remember(raw: string, origin: Origin): void {
    const bytes = ORIGIN_BYTES + 2 * raw.length
    if (this.#origins.size >= ORIGINS_MAX || !this.#budget.fits(bytes)) this.#forgetOrigins()
    this.#origins.set(raw, origin)
    this.#originBytes += bytes
    this.#budget.bytes += bytes
  }

  /** There is room again: whoever was counted together with others may now get a resource. */
  reconsider(): void {
    if (this.#others !== undefined) this.#forgetOrigins()
  }

  #forgetOrigins(): void {
    this.#origins.clear()
    this.#last = undefined
    this.#budget.bytes -= this.#originBytes
    this.#originBytes = 0
  }

  #read(bytes: Uint8Array): Origin | undefined {
    const { starts, stops } = this.#service.read(bytes, 0, bytes.length, ResourceFields.attributes)
    if (starts[0] === -1) return undefined
    const isText = readKind(bytes, starts[0]!, stops[0]!) === AnyValue.stringValue
    const service = isText ? readString(bytes, valueStart, valueStop) : ''
    const values = new SlotValues(this.#keys).read(bytes, 0, bytes.length, ResourceFields.attributes)
    return { resource: this.#resource(bytes), bytes, service, values }
  }

  #resource(bytes: Uint8Array): Resource {
    const all = attributesOf(bytes, undefined)
    const told = this.#identifying.size === 0 ? all : attributesOf(bytes, this.#identifying)
    const identity = mapHash(told, 0, told.length, ResourceFields.attributes).toString('latin1')
    const known = this.#byIdentity.get(identity)
    if (known !== undefined) return known
    if (!this.#budget.fits(RESOURCE_BYTES + all.length)) return this.others()
    const made = this.#make(identity, all, false)
    this.#byIdentity.set(identity, made)
    return made
  }

  /** Stands for all that there is no room for. */
  others(): Resource {
    this.#others ??= this.#make('', OVERFLOW, true)
    return this.#others
  }

  #make(identity: string, attributes: Uint8Array, overflow: boolean): Resource {
    const index = this.#free.pop() ?? this.list.length
    const made: Resource = {
      index,
      identity,
      attributes,
      active: new Int32Array(this.#tables),
      overflow,
      used: 0,
      seen: 0,
      overflowed: 0,
    }
    this.list[index] = made
    this.#budget.bytes += RESOURCE_BYTES + attributes.length
    return made
  }

  /** Those beyond the `most` that were used last. */
  leastUsed(most: number): Set<Resource> {
    if (this.size <= most) return new Set()
    const byUse = [...this.#byIdentity.values()].sort((a, b) => a.used - b.used)
    return new Set(byUse.slice(0, byUse.length - most))
  }

  /** Takes out resources of which there is no series any more. */
  remove(gone: Iterable<Resource>): void {
    for (const resource of gone) {
      this.list[resource.index] = undefined
      this.#free.push(resource.index)
      if (resource.overflow) this.#others = undefined
      else this.#byIdentity.delete(resource.identity)
      this.#budget.bytes -= RESOURCE_BYTES + resource.attributes.length
    }
    this.#forgetOrigins()
  }
}

const out = new Writer(1024)
const cursor = new Cursor(EMPTY)
const entry = new KeyValueRange()

/** The attributes of a Resource message alone, or those with these keys: KeyValues in field 1. */
function attributesOf(bytes: Uint8Array, keys: ReadonlySet<string> | undefined): Uint8Array {
  out.rewind()
  cursor.reset(bytes, 0, bytes.length)
  while (cursor.next()) {
    if (cursor.field !== ResourceFields.attributes || cursor.wire !== LEN) continue
    if (keys !== undefined && !keys.has(keyOf(bytes, cursor.start, cursor.stop))) continue
    out.lengthDelimited(ResourceFields.attributes, bytes, cursor.start, cursor.stop)
  }
  const copy = out.copy()
  out.trim(KEPT_BYTES)
  return copy
}

function keyOf(bytes: Uint8Array, start: number, stop: number): string {
  entry.find(bytes, start, stop)
  return readString(bytes, entry.keyStart, entry.keyStop)
}
