/**
 * From the bytes of a point to its series, without reading an attribute twice: resource and scope, metric, and point are
 * looked up by their bytes as they came. Only what was never seen is translated.
 */

import { ByteTable } from '../../core/formats/byte-table.ts'
import type { FamilyType } from '../../core/formats/prometheus/family.ts'
import {
  type Attribute,
  addScope,
  IDENTIFYING,
  instanceOf,
  jobOf,
  LabelBuilder,
  type LabelSet,
  readAttributes,
  targetLabels,
} from '../../core/formats/prometheus/labels.ts'
import { metricName, type NamedAs, type NameRules } from '../../core/formats/prometheus/names.ts'
import { Cursor, LEN } from '../../core/otlp/cursor.ts'
import { InstrumentationScope, Metric, Resource } from '../../core/otlp/fields.ts'
import type { MessageView } from '../../core/otlp/message.ts'
import type { MetricView } from '../../core/otlp/metric.ts'
import type { ScopeView } from '../../core/otlp/resource.ts'
import type { Reason } from './reasons.ts'
import type { SeriesStore, Target } from './store.ts'

export interface StreamRules {
  readonly names: NameRules
  readonly constLabels: ReadonlyMap<string, string>
  readonly scopeInfo: boolean
  /** Attributes of the resource as labels: none, all, or all but those in job and instance. */
  readonly resourceLabels: 'none' | 'all' | 'not_identifying'
}

/** Where a metric came from: one resource and one scope. */
export interface Source {
  /** Scope, job, instance and constant labels: the same in all its series. */
  readonly labels: LabelSet
  /** A key among them of which no label can be made. */
  readonly problem: string | undefined
  /** Tells scopes apart where labels do not. */
  readonly scopeKey: string
  readonly target: Target | undefined
  /** What is added to every point's attributes. */
  readonly resourceLabels: readonly Attribute[]
  readonly streams: Map<string, Stream>
}

/** One metric of one source. */
export interface Stream {
  readonly id: number
  readonly source: Source
  readonly metric: string
  readonly name: string | undefined
  readonly help: string
  readonly type: FamilyType
  readonly dataField: number
  /** Each origin once (store.ts), however many series have it. */
  readonly origins: Map<string, string>
}

interface AttributeBytes {
  bytes: Uint8Array
  start: number
  stop: number
}

const FAMILY_TYPES: Readonly<Record<number, FamilyType>> = {
  [Metric.gauge]: 'gauge',
  [Metric.sum]: 'gauge',
  [Metric.histogram]: 'histogram',
  [Metric.exponentialHistogram]: 'histogram',
  [Metric.summary]: 'summary',
}

/** More remembered bytes than this beyond one entry a series, and everything remembered is forgotten. */
const SPARE_ENTRIES = 20_000

/** Sets of attribute keys that one metric may have and share; it is a saving, no limit. */
const ORIGINS_MAX = 64

export class Streams {
  readonly #rules: StreamRules
  readonly #store: SeriesStore
  readonly #sources = new Map<string, Source>()
  /** Attributes of points as they came, by stream, and the numbers of their series. */
  readonly #attributes = new ByteTable()
  #series: number[] = []
  /** Which numbers those are. */
  #generation = 0
  #entries = 0
  #nextStream = 0
  #joined = new Uint8Array(256)
  readonly #cursor = new Cursor(new Uint8Array())
  /** Of the point that is looked at, used again for the next. */
  readonly #key: AttributeBytes = { bytes: new Uint8Array(), start: 0, stop: 0 }

  constructor(rules: StreamRules, store: SeriesStore) {
    this.#rules = rules
    this.#store = store
  }

  #remember(): void {
    if (++this.#entries > 3 * this.#store.size + SPARE_ENTRIES) this.#forget()
  }

  #forget(): void {
    this.#sources.clear()
    this.#attributes.clear()
    this.#series = []
    this.#entries = 1
  }

  /** `resource` is the message of the resource, empty when there is none. */
  source(resource: MessageView, scope: ScopeView, schemaUrl: string): Source {
    if (this.#generation !== this.#store.generation) {
      this.#forget()
      this.#generation = this.#store.generation
    }
    const key = `${rawText(resource)}\u{0}${rawText(scope)}\u{0}${schemaUrl}`
    let source = this.#sources.get(key)
    if (source === undefined) {
      this.#remember()
      source = this.#newSource(resource, scope, schemaUrl)
      this.#sources.set(key, source)
    }
    return source
  }

  #newSource(resource: MessageView, scope: ScopeView, schemaUrl: string): Source {
    const attributes = readAttributes(resource.bytes, resource.start, resource.stop, Resource.attributes)
    const { resourceLabels, names, scopeInfo, constLabels } = this.#rules
    const job = jobOf(attributes)
    const instance = instanceOf(attributes)
    const own = new LabelBuilder(names.utf8)
    if (scopeInfo) {
      const { bytes, start, stop, name, version } = scope
      const scopeAttributes = readAttributes(bytes, start, stop, InstrumentationScope.attributes)
      addScope(own, { name, version, schemaUrl, attributes: scopeAttributes })
    }
    if (job !== undefined) own.set('job', job)
    if (instance !== undefined) own.set('instance', instance)
    for (const [label, value] of constLabels) own.set(label, value)
    const target = targetLabels(attributes, names.utf8)
    const shown = attributes.filter(({ key }) => resourceLabels === 'all' || !IDENTIFYING.has(key))
    return {
      labels: own.build(),
      problem: own.problem,
      scopeKey: `${rawText(scope)}\u{0}${schemaUrl}`,
      target: target && { key: `${job}\u{0}${instance}`, labels: target },
      resourceLabels: resourceLabels === 'none' ? [] : shown,
      streams: new Map(),
    }
  }

  stream(source: Source, metric: MetricView): Stream {
    const { name, unit, description, dataField } = metric
    const counter = metric.isMonotonic
    const key = `${name}\u{0}${unit}\u{0}${description}\u{0}${dataField}${counter}`
    let stream = source.streams.get(key)
    if (stream === undefined) {
      this.#remember()
      const namedAs: NamedAs = counter ? 'counter' : dataField === Metric.gauge ? 'gauge' : 'other'
      stream = {
        id: this.#nextStream++,
        source,
        metric: name,
        name: metricName(name, unit, namedAs, this.#rules.names),
        help: description,
        type: counter ? 'counter' : FAMILY_TYPES[dataField]!,
        dataField,
        origins: new Map(),
      }
      source.streams.set(key, stream)
    }
    return stream
  }

  /** The series of a point with attributes in field `field`, made when `create` says so; or why there can be none. */
  series(stream: Stream, point: MessageView, field: number, create: boolean): number | Reason | undefined {
    const key = this.#attributesOf(point, field)
    const at = this.#attributes.find(stream.id, key.bytes, key.start, key.stop)
    const known = at === -1 ? -1 : this.#series[at]!
    if (known !== -1 && this.#store.table.isLive(known)) return known
    const found = this.#translate(stream, point, field, create)
    if (typeof found !== 'number') return found
    if (at !== -1) this.#series[at] = found
    else {
      this.#remember()
      this.#attributes.find(stream.id, key.bytes, key.start, key.stop)
      this.#series[this.#attributes.add(stream.id, key.bytes, key.start, key.stop)] = found
    }
    return found
  }

  /** Where the bytes of a point's attributes lie: in the point, or one behind the other where it has them scattered. */
  #attributesOf({ bytes, start, stop }: MessageView, field: number): AttributeBytes {
    const cursor = this.#cursor.reset(bytes, start, stop)
    const key = this.#key
    let [from, to, length] = [start, start, 0]
    while (cursor.next()) {
      if (cursor.field !== field || cursor.wire !== LEN) continue
      if (length === 0) from = cursor.tagStart
      to = cursor.stop
      length += cursor.stop - cursor.tagStart
    }
    if (to - from === length) {
      key.bytes = bytes
      key.start = from
      key.stop = to
      return key
    }
    if (this.#joined.length < length) this.#joined = new Uint8Array(length * 2)
    let at = 0
    cursor.reset(bytes, start, stop)
    while (cursor.next()) {
      if (cursor.field !== field || cursor.wire !== LEN) continue
      this.#joined.set(bytes.subarray(cursor.tagStart, cursor.stop), at)
      at += cursor.stop - cursor.tagStart
    }
    key.bytes = this.#joined
    key.start = 0
    key.stop = at
    return key
  }

  #translate(
    stream: Stream,
    point: MessageView,
    field: number,
    create: boolean,
  ): number | Reason | undefined {
    const { source, name, type } = stream
    if (name === undefined || source.problem !== undefined) return 'bad_name'
    const own = readAttributes(point.bytes, point.start, point.stop, field)
    // An attribute of the resource stands for one of the same key.
    const fromResource = source.resourceLabels
    const kept = own.filter(({ key }) => !fromResource.some(one => one.key === key))
    const attributes = [...kept, ...fromResource]
    const labels = new LabelBuilder(this.#rules.names.utf8)
    labels.attributes(attributes)
    labels.setAll(source.labels)
    if (labels.problem !== undefined) return 'bad_name'
    if ((type === 'histogram' && labels.has('le')) || (type === 'summary' && labels.has('quantile')))
      return 'reserved_label'
    const origin = this.#origin(stream, attributes)
    return this.#store.find(name, type, stream.help, labels.build(), origin, source.target, create)
  }

  #origin({ source, metric, dataField, origins }: Stream, attributes: readonly Attribute[]): string {
    const keys = attributes.map(({ key }) => key).sort()
    const scope = this.#rules.scopeInfo ? '' : source.scopeKey
    const origin = [metric, dataField, scope, ...keys].join('\u{0}')
    const known = origins.get(origin)
    if (known !== undefined) return known
    if (origins.size >= ORIGINS_MAX) origins.clear()
    origins.set(origin, origin)
    return origin
  }
}

function rawText({ bytes, start, stop }: MessageView): string {
  return latin1(bytes, start, stop)
}

function latin1(bytes: Uint8Array, start: number, stop: number): string {
  return Buffer.prototype.latin1Slice.call(bytes, start, stop)
}
