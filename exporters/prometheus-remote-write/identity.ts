/**
 * From bytes to series, without reading an attribute twice: resource and scope, metric, and the attributes of a point are
 * looked up by their bytes as they came. Only what was never seen is translated.
 */

import { ByteTable } from '../../core/formats/byte-table.ts'
import {
  type Attribute,
  IDENTIFYING,
  type Label,
  readAttributes,
} from '../../core/formats/prometheus/labels.ts'
import { metricName, type NamedAs, type NameRules, unitName } from '../../core/formats/prometheus/names.ts'
import {
  type Family,
  type MetricTypeName,
  SeriesTable,
  type WrittenSeries,
} from '../../core/formats/prometheus/write-series.ts'
import {
  type LabelRules,
  pointLabels,
  type SharedLabels,
  sharedLabels,
  writtenTargetLabels,
} from '../../core/formats/prometheus/written-labels.ts'
import { InstrumentationScope, Metric, Resource } from '../../core/otlp/fields.ts'
import type { MessageView } from '../../core/otlp/message.ts'
import type { MetricView } from '../../core/otlp/metric.ts'
import type { ScopeView } from '../../core/otlp/resource.ts'
import { Writer } from '../../core/otlp/writer.ts'
import type { PointFields } from './point-fields.ts'
import type { Reason } from './reasons.ts'

export interface IdentityRules {
  readonly names: NameRules
  readonly labels: LabelRules
  /** Attributes of the resource as labels: none, all, or all but those in job and instance. */
  readonly resourceLabels: 'none' | 'all' | 'not_identifying'
  /** The name of `target_info`; undefined when there is to be none. */
  readonly targetName: string | undefined
  readonly version: 1 | 2
  /** More series than this, and all of them are forgotten. */
  readonly seriesMax: number
}

/** Where a metric came from: one resource and one scope. */
export interface Source {
  readonly id: number
  readonly shared: SharedLabels
  /** What is added to every point's attributes. */
  readonly resourceLabels: readonly Attribute[]
  readonly target: WrittenSeries | undefined
}

/** One metric of one source. */
export class Stream {
  readonly id: number
  readonly source: Source
  readonly dataField: number
  /** Undefined when Prometheus has no name for it. */
  readonly family: Family | undefined
  /** Its sums begin at some time, which is worth telling. */
  readonly counts: boolean
  /** Points in the order they were first seen in, which is the order they come in again. */
  readonly order: Entry[] = []
  next = 0

  constructor(id: number, source: Source, dataField: number, family: Family | undefined, counts: boolean) {
    this.id = id
    this.source = source
    this.dataField = dataField
    this.family = family
    this.counts = counts
  }
}

/** One set of attributes of one metric. */
export class Entry {
  readonly position: number
  /** Among the keys of all entries. */
  readonly key: number
  /** What it makes: one series, or for histograms and summaries count, sum and the rest. */
  series: readonly WrittenSeries[] = []
  /** The bounds or quantiles that `series` are of, as they came. */
  layout: Uint8Array | undefined = undefined

  constructor(position: number, key: number) {
    this.position = position
    this.key = key
  }
}

/**
 * Bytes that a series may take when all places for series are taken, more than twice of what one usually does: senders
 * choose how long their labels are.
 */
const BYTES_OF_SERIES = 2048
const BYTES_MIN = 8 * 1024 * 1024

/** Fields of a metric besides its data. */
const NAMING = [Metric.name, Metric.description, Metric.unit, Metric.metadata] as const

/** What a prometheus receiver says of types that OTLP does not have. */
const TYPE_KEY = 'prometheus.type'

const TYPES: Readonly<Record<number, MetricTypeName>> = {
  [Metric.gauge]: 'gauge',
  [Metric.sum]: 'gauge',
  [Metric.histogram]: 'histogram',
  [Metric.exponentialHistogram]: 'histogram',
  [Metric.summary]: 'summary',
}

export class Identity {
  readonly table = new SeriesTable()
  readonly #rules: IdentityRules
  readonly #sourceKeys = new ByteTable()
  #sources: Source[] = []
  readonly #streamKeys = new ByteTable()
  #streams: Stream[] = []
  readonly #entryKeys = new ByteTable()
  #entries: (Entry | Reason)[] = []
  /** Each once: metadata of remote write 1.0 are of metrics, not of series. */
  readonly #families = new Map<string, Family>()
  readonly #scratch = new Writer()

  constructor(rules: IdentityRules) {
    this.#rules = rules
  }

  /** Between two batches: forgets everything when there is too much of it. */
  bound(): void {
    const { seriesMax } = this.#rules
    const most = Math.max(this.table.size, this.#entries.length, this.#sources.length, this.#streams.length)
    const tooMany = most > seriesMax || this.table.symbols.size > 4 * seriesMax + 10_000
    if (tooMany || this.bytes > BYTES_MIN + BYTES_OF_SERIES * seriesMax) this.forget()
  }

  /** Of all that is remembered, texts and keys; objects are counted. */
  get bytes(): number {
    return this.table.bytes + this.#sourceKeys.bytes + this.#streamKeys.bytes + this.#entryKeys.bytes
  }

  /** Not while a batch is being made. */
  forget(): void {
    this.table.clear()
    this.#sourceKeys.clear()
    this.#streamKeys.clear()
    this.#entryKeys.clear()
    this.#sources = []
    this.#streams = []
    this.#entries = []
    this.#families.clear()
  }

  /** `resource` is the message of the resource, empty when there is none. */
  source(resource: MessageView, scope: ScopeView): Source {
    const key = this.#scratch
    key.rewind()
    key.varint(resource.stop - resource.start)
    key.raw(resource.bytes, resource.start, resource.stop)
    key.raw(scope.bytes, scope.start, scope.stop)
    const known = this.#sourceKeys.find(0, key.bytes, 0, key.pos)
    if (known >= 0) return this.#sources[known]!
    const id = this.#sourceKeys.add(0, key.bytes, 0, key.pos)
    const source = this.#newSource(id, resource, scope)
    this.#sources[id] = source
    return source
  }

  #newSource(id: number, resource: MessageView, scope: ScopeView): Source {
    const { resourceLabels, labels, targetName, version } = this.#rules
    const attributes = readAttributes(resource.bytes, resource.start, resource.stop, Resource.attributes)
    const { bytes, start, stop, name, version: scopeVersion } = scope
    const shared = sharedLabels(
      attributes,
      {
        name,
        version: scopeVersion,
        schemaUrl: '',
        attributes: readAttributes(bytes, start, stop, InstrumentationScope.attributes),
      },
      labels,
    )
    const shown = attributes.filter(({ key }) => resourceLabels === 'all' || !IDENTIFYING.has(key))
    let target: WrittenSeries | undefined
    if (targetName !== undefined) {
      const found = writtenTargetLabels(attributes, labels, version)
      const family = this.#family(targetName, 'gauge', 'Target metadata', '')
      target = found && this.table.find([...found, ['__name__', targetName]], family, false, true)
    }
    return { id, shared, resourceLabels: resourceLabels === 'none' ? [] : shown, target }
  }

  #family(name: string, type: MetricTypeName, help: string, unit: string): Family {
    const key = `${name}\u{0}${type}\u{0}${unit}\u{0}${help}`
    let family = this.#families.get(key)
    if (family === undefined) {
      family = this.table.family(name, type, help, unit)
      this.#families.set(key, family)
    }
    return family
  }

  stream(source: Source, metric: MetricView): Stream {
    const key = this.#scratch
    key.rewind()
    for (const field of NAMING) {
      const at = metric.startOf(field)
      key.varint(at === -1 ? 0 : metric.stopOf(field) - at)
      if (at !== -1) key.raw(metric.bytes, at, metric.stopOf(field))
    }
    key.byte(metric.dataField)
    key.byte(metric.isMonotonic ? 1 : 0)
    const known = this.#streamKeys.find(source.id, key.bytes, 0, key.pos)
    if (known >= 0) return this.#streams[known]!
    const id = this.#streamKeys.add(source.id, key.bytes, 0, key.pos)
    const stream = this.#newStream(id, source, metric)
    this.#streams[id] = stream
    return stream
  }

  #newStream(id: number, source: Source, metric: MetricView): Stream {
    const { names } = this.#rules
    const { name, unit, description, dataField, isMonotonic } = metric
    const namedAs: NamedAs = isMonotonic ? 'counter' : dataField === Metric.gauge ? 'gauge' : 'other'
    const made = metricName(name, unit, namedAs, names)
    const family =
      made === undefined
        ? undefined
        : this.#family(made, typeOf(metric), description, unitName(unit, names.utf8))
    const counts = isMonotonic || (dataField !== Metric.gauge && dataField !== Metric.sum)
    return new Stream(id, source, dataField, family, counts)
  }

  /** The entry of a point, made when it is new; or why there can be none. */
  entry(stream: Stream, point: PointFields, attributesField: number): Entry | Reason {
    const { key, keyStart, keyStop } = point
    const { order } = stream
    if (stream.next >= order.length) stream.next = 0
    const expected = order[stream.next]
    if (expected !== undefined && this.#entryKeys.same(expected.key, key, keyStart, keyStop)) {
      stream.next++
      return expected
    }
    const known = this.#entryKeys.find(stream.id, key, keyStart, keyStop)
    if (known >= 0) {
      const found = this.#entries[known]!
      if (typeof found === 'object') stream.next = found.position + 1
      return found
    }
    const index = this.#entryKeys.add(stream.id, key, keyStart, keyStop)
    const labels = this.labels(stream, point, attributesField)
    let entry: Entry | Reason
    if (typeof labels === 'string') entry = labels
    else {
      entry = new Entry(order.length, index)
      order.push(entry)
      stream.next = order.length
    }
    this.#entries[index] = entry
    return entry
  }

  /** The labels of a point but for its name; or why there can be none. */
  labels(stream: Stream, point: PointFields, attributesField: number): Map<string, string> | Reason {
    const { resourceLabels, shared } = stream.source
    const own = readAttributes(point.key, point.keyStart, point.keyStop, attributesField)
    // An attribute of the resource stands for one of the same key.
    const kept = own.filter(({ key }) => !resourceLabels.some(one => one.key === key))
    const labels = pointLabels([...kept, ...resourceLabels], shared, this.#rules.labels)
    if (!(labels instanceof Map)) return 'bad_name'
    const { dataField } = stream
    const reserved =
      dataField === Metric.histogram ? 'le' : dataField === Metric.summary ? 'quantile' : undefined
    return reserved !== undefined && labels.has(reserved) ? 'reserved_label' : labels
  }

  /** A series of `labels` under a name. */
  series(
    labels: ReadonlyMap<string, string>,
    family: Family,
    name: string,
    options: { readonly more?: Label; readonly native?: boolean; readonly leads?: boolean } = {},
  ): WrittenSeries {
    const all: Label[] = [...labels, ['__name__', name]]
    if (options.more !== undefined) all.push(options.more)
    return this.table.find(all, family, options.native ?? false, options.leads ?? false)
  }
}

function typeOf(metric: MetricView): MetricTypeName {
  if (metric.isMonotonic) return 'counter'
  const { dataField } = metric
  if (dataField === Metric.gauge || dataField === Metric.sum) {
    const said = prometheusType(metric)
    if (dataField === Metric.gauge && said === 'unknown') return 'unknown'
    if (dataField === Metric.sum && (said === 'info' || said === 'stateset')) return said
  }
  return TYPES[dataField]!
}

function prometheusType(metric: MetricView): string {
  const entries = metric.metadata()
  while (entries.next()) if (entries.key() === TYPE_KEY) return entries.value().text()
  return ''
}
