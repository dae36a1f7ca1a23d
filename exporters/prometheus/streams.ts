/**
 * From the bytes of a point to its series, without reading an attribute twice: resource and scope, metric, and point are
 * looked up by their bytes as they came. Only what was never seen is translated.
 */

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
import type { Series, SeriesStore, Target } from './store.ts'

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
  readonly source: Source
  readonly metric: string
  readonly name: string | undefined
  readonly help: string
  readonly type: FamilyType
  readonly dataField: number
  readonly series: Map<string, Series>
  /** Each origin once (store.ts), however many series have it. */
  readonly origins: Map<string, string>
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
  #entries = 0
  readonly #cursor = new Cursor(new Uint8Array())

  constructor(rules: StreamRules, store: SeriesStore) {
    this.#rules = rules
    this.#store = store
  }

  /** Forgets series that are gone. */
  prune(): void {
    let entries = 0
    for (const [sourceKey, { streams }] of this.#sources) {
      for (const [key, { series }] of streams) {
        for (const [bytes, one] of series) if (one.removed) series.delete(bytes)
        if (series.size === 0) streams.delete(key)
        else entries += series.size + 1
      }
      if (streams.size === 0) this.#sources.delete(sourceKey)
      else entries++
    }
    this.#entries = entries
  }

  #remember(): void {
    if (++this.#entries <= 3 * this.#store.size + SPARE_ENTRIES) return
    this.#sources.clear()
    this.#entries = 1
  }

  /** `resource` is the message of the resource, empty when there is none. */
  source(resource: MessageView, scope: ScopeView, schemaUrl: string): Source {
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
        source,
        metric: name,
        name: metricName(name, unit, namedAs, this.#rules.names),
        help: description,
        type: counter ? 'counter' : FAMILY_TYPES[dataField]!,
        dataField,
        series: new Map(),
        origins: new Map(),
      }
      source.streams.set(key, stream)
    }
    return stream
  }

  /** The series of a point with attributes in field `field`, made when `create` says so; or why there can be none. */
  series(stream: Stream, point: MessageView, field: number, create: boolean): Series | Reason | undefined {
    const bytes = this.#attributeBytes(point, field)
    const known = stream.series.get(bytes)
    if (known !== undefined && !known.removed) return known
    const found = this.#translate(stream, point, field, create)
    if (typeof found === 'object') {
      this.#remember()
      stream.series.set(bytes, found)
    }
    return found
  }

  #attributeBytes({ bytes, start, stop }: MessageView, field: number): string {
    const cursor = this.#cursor.reset(bytes, start, stop)
    let text = ''
    while (cursor.next()) {
      if (cursor.field === field && cursor.wire === LEN) text += latin1(bytes, cursor.tagStart, cursor.stop)
    }
    return text
  }

  #translate(
    stream: Stream,
    point: MessageView,
    field: number,
    create: boolean,
  ): Series | Reason | undefined {
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
