/** The metrics of one kind, over one resource: how many items there were, by attributes. */

import { hash } from 'node:crypto'
import { encodeBool, fingerprint, readKind, valueStart, valueStop } from '../../core/formats/any-value.ts'
import { AttributeTable } from '../../core/otlp/attributes.ts'
import { high, low, readFixed64 } from '../../core/otlp/cursor.ts'
import { AnyValue, KeyValue, Resource } from '../../core/otlp/fields.ts'
import { KeySet } from '../../core/otlp/keys.ts'
import { AggregationTemporality, type MetricsWriter } from '../../core/otlp/metrics-writer.ts'
import { Writer } from '../../core/otlp/writer.ts'
import { compileCondition, type Predicate } from '../../core/ottl/condition.ts'
import type { Subject } from '../../core/ottl/subject.ts'
import { CONTEXT_OF, type CountConfig, DEFAULTS, type Kind, type MetricInfo } from './config.ts'

const DELTA = AggregationTemporality.AGGREGATION_TEMPORALITY_DELTA
const NO_ATTRIBUTES = new Uint8Array()
/** So many bytes of attributes in the points of one kind and batch: what is told apart beyond is counted together. */
const ATTRIBUTE_BYTES_MAX = 16 * 1024 * 1024
const OVERFLOW = 'otel.metric.overflow'
/** Of the tables. */
const ITEM = 0
const SCOPE = 1
const RESOURCE = 2
/** Longer values are told apart by a hash. */
const HASHED_FROM = 256

interface Point {
  readonly attributes: Uint8Array
  count: number
}

interface Metric {
  readonly name: string
  readonly description: string
  readonly conditions: readonly Predicate[]
  readonly attributes: MetricInfo['attributes']
  readonly slots: readonly number[]
  readonly points: Map<string, Point>
}

interface ValueRange {
  readonly bytes: Uint8Array
  readonly start: number
  readonly stop: number
}

/** A range of bytes with attributes in it. */
export interface AttributeSource extends ValueRange {
  /** Of the attributes; 0 when it has none. */
  readonly field: number
}

export class Counter {
  readonly #metrics: readonly Metric[]
  readonly #tables: readonly AttributeTable[]
  readonly #needsAttributes: boolean
  readonly #scratch = new Writer(512)
  /** By table and slot; those of items are not kept. */
  readonly #keptKeys: (string | undefined)[][] = [[], [], []]
  #attributeBytes = 0
  /** Halves of the first and the last time; 0 for none. */
  #startHigh = 0
  #startLow = 0
  #endHigh = 0
  #endLow = 0

  constructor(config: CountConfig, kind: Kind) {
    const keys = new KeySet()
    const context = CONTEXT_OF[kind]
    const [name, description] = DEFAULTS[kind]
    const usual: [string, MetricInfo][] = [[name, { description, conditions: [], attributes: [] }]]
    const written = config[kind]
    this.#metrics = [...(written.size > 0 ? written : usual)].map(([name, info]) => ({
      name,
      description: info.description,
      conditions: info.conditions.map(condition => compileCondition(condition, context!)),
      attributes: info.attributes,
      slots: info.attributes.map(({ key }) => keys.add(key)),
      points: new Map(),
    }))
    this.#needsAttributes = keys.size > 0
    // Of the item, of its scope, of its resource.
    this.#tables = Array.from({ length: 3 }, () => new AttributeTable(keys))
  }

  enterResource({ bytes, start, stop, field }: AttributeSource): void {
    if (!this.#needsAttributes) return
    this.#tables[RESOURCE]!.read(bytes, start, stop, field)
    this.#keptKeys[RESOURCE]!.length = 0
  }

  enterScope({ bytes, start, stop, field }: AttributeSource): void {
    if (!this.#needsAttributes) return
    this.#tables[SCOPE]!.read(bytes, start, stop, field)
    this.#keptKeys[SCOPE]!.length = 0
  }

  /** A time of an item, as `fixed64`; what is 0 is none. */
  noteTime(bytes: Uint8Array, at: number): void {
    if (at < 0) return
    readFixed64(bytes, at)
    if (low === 0 && high === 0) return
    if (this.#startHigh === 0 && this.#startLow === 0) {
      this.#startHigh = this.#endHigh = high
      this.#startLow = this.#endLow = low
    } else if (high < this.#startHigh || (high === this.#startHigh && low < this.#startLow)) {
      this.#startHigh = high
      this.#startLow = low
    } else if (high > this.#endHigh || (high === this.#endHigh && low > this.#endLow)) {
      this.#endHigh = high
      this.#endLow = low
    }
  }

  count({ bytes, start, stop, field }: AttributeSource, subject: Subject): void {
    if (this.#needsAttributes) this.#tables[ITEM]!.read(bytes, field === 0 ? stop : start, stop, field || 1)
    for (const metric of this.#metrics) {
      const { conditions, attributes, points } = metric
      if (attributes.length === 0) {
        if (conditions.length === 0 || conditions.some(fits => fits(subject)))
          this.#add(points, '', NO_ATTRIBUTES)
        continue
      }
      const key = this.#keyOf(metric)
      if (key === undefined) continue
      if (conditions.length === 0 || conditions.some(fits => fits(subject))) this.#addApart(metric, key)
    }
  }

  /** What tells a point of the metric apart, or undefined when an attribute is missing. */
  #keyOf({ attributes, slots }: Metric): string | undefined {
    let key = ''
    for (const [i, slot] of slots.entries()) {
      const level = this.#tables.findIndex(table => table.find(slot) >= 0)
      const usual = attributes[i]!.default_value
      if (level >= 0) key += this.#keyAt(level, slot)
      else if (usual === undefined) return undefined
      else key += keyOf(usual.bytes, 0, usual.bytes.length)
      key += '\0'
    }
    return key
  }

  /** Values of a resource and of a scope are looked at once, however many items it has. */
  #keyAt(level: number, slot: number): string {
    const kept = this.#keptKeys[level]!
    const known = level === ITEM ? undefined : kept[slot]
    if (known !== undefined) return known
    const table = this.#tables[level]!
    const row = table.find(slot)
    const key = keyOf(table.bytes, table.valueStart(row), table.valueStop(row))
    if (level !== ITEM) kept[slot] = key
    return key
  }

  #addApart({ attributes, slots, points }: Metric, key: string): void {
    const known = points.get(key)
    if (known !== undefined) {
      known.count++
      return
    }
    const values = slots.map((slot, i) => this.#valueOf(slot, attributes[i]!.default_value?.bytes))
    // Before anything is copied: beyond the limit each item would copy what it does not keep.
    const byteLength = values.reduce((sum, { start, stop }) => sum + stop - start, 0)
    if (this.#attributeBytes + byteLength > ATTRIBUTE_BYTES_MAX) {
      this.#add(points, OVERFLOW, overflow())
      return
    }
    const out = this.#scratch
    out.rewind()
    for (const [i, { bytes, start, stop }] of values.entries()) {
      const entry = out.open(Resource.attributes)
      out.string(KeyValue.key, attributes[i]!.key)
      out.lengthDelimited(KeyValue.value, bytes, start, stop)
      out.close(entry)
    }
    this.#attributeBytes += out.pos
    this.#add(points, key, out.copy())
  }

  /** Where the value of an attribute is, an AnyValue. Either it is there or it has a default value. */
  #valueOf(slot: number, usual: Uint8Array | undefined): ValueRange {
    for (const table of this.#tables) {
      const row = table.find(slot)
      if (row >= 0) return { bytes: table.bytes, start: table.valueStart(row), stop: table.valueStop(row) }
    }
    return { bytes: usual!, start: 0, stop: usual!.length }
  }

  #add(points: Map<string, Point>, key: string, attributes: Uint8Array): void {
    const point = points.get(key)
    if (point === undefined) points.set(key, { attributes, count: 1 })
    else point.count++
  }

  get isEmpty(): boolean {
    return this.#metrics.every(({ points }) => points.size === 0)
  }

  /** Writes what was counted, and begins again. `now`: the time of items without one, ns. */
  write(writer: MetricsWriter, now: bigint): void {
    const timed = this.#startHigh !== 0 || this.#startLow !== 0
    const start = timed ? join(this.#startHigh, this.#startLow) : now
    const end = timed ? join(this.#endHigh, this.#endLow) : now
    for (const { name, description, points } of this.#metrics) {
      if (points.size === 0) continue
      writer.metric(name, '', description, 'sum', DELTA)
      for (const { attributes, count } of points.values())
        writer.numberPoint(attributes, 0, attributes.length, start, end, count)
    }
    this.reset()
  }

  /** Begins another batch. */
  begin(): void {
    this.reset()
    this.#attributeBytes = 0
  }

  /** Begins another resource. */
  reset(): void {
    for (const { points } of this.#metrics) points.clear()
    this.#startHigh = this.#startLow = this.#endHigh = this.#endLow = 0
  }
}

/** Texts as they are, long ones as a hash; other values by what they mean, as maps have no order. */
function keyOf(bytes: Uint8Array, start: number, stop: number): string {
  const kind = readKind(bytes, start, stop)
  if (kind !== AnyValue.stringValue) return fingerprint(bytes, start, stop)
  const text = Buffer.from(bytes.buffer, bytes.byteOffset + valueStart, valueStop - valueStart)
  return text.length < HASHED_FROM
    ? `${text.length}:${text.toString('latin1')}`
    : hash('sha256', text, 'base64')
}

function overflow(): Uint8Array {
  const out = new Writer(64)
  const entry = out.open(Resource.attributes)
  out.string(KeyValue.key, OVERFLOW)
  out.lengthDelimited(KeyValue.value, encodeBool(true))
  out.close(entry)
  return out.copy()
}

function join(high: number, low: number): bigint {
  return (BigInt(high) << 32n) | BigInt(low)
}
