/** A series as a scrape left it: its final labels, and what OTLP makes of them. Made once, kept as long as it is exposed. */

import { KeyValue, NumberDataPoint } from '../../../otlp/fields.ts'
import { Writer } from '../../../otlp/writer.ts'
import { parseGoFloat } from '../../go-numbers.ts'
import type { Label, LabelSet } from '../labels.ts'
import { NAME } from '../parse/page.ts'
import { entryAt } from './entry.ts'
import type { Group } from './family.ts'

const SCOPE_PREFIX = 'otel_scope_'
const SCOPE_NAME = 'otel_scope_name'
const SCOPE_VERSION = 'otel_scope_version'
const SCOPE_SCHEMA = 'otel_scope_schema_url'

/** Labels that are said elsewhere: in the name, in the resource. */
const ELSEWHERE: ReadonlySet<string> = new Set([NAME, 'instance', '__scheme__', '__metrics_path__', 'job'])

/** The field that labels are encoded for: that of most points. */
const ATTRIBUTES = NumberDataPoint.attributes
const LEN = 2

export interface ScrapedScope {
  readonly name: string
  readonly version: string
  readonly schemaUrl: string
  readonly attributes: LabelSet
  /** Equal for equal scopes. */
  readonly key: string
}

/** Which label is part of the value: `le` of a histogram, `quantile` of a summary. */
export type BoundLabel = '' | 'le' | 'quantile'

/** What the series of one metric have in common, and therefore share. */
export interface SeriesIdentity {
  readonly name: string
  readonly job: string
  readonly instance: string
  readonly scope: ScrapedScope
}

/** `target` stands in for job and instance where they are missing. */
export function identityOf(
  labels: LabelSet,
  target: { readonly job: string; readonly instance: string },
): SeriesIdentity {
  return {
    name: labelValue(labels, NAME),
    job: labelValue(labels, 'job') || target.job,
    instance: labelValue(labels, 'instance') || target.instance,
    scope: scopeOf(labels),
  }
}

/** Where the labels of a series lie: equal labels are equal bytes. */
export interface EncodedLabels {
  readonly bytes: Uint8Array
  readonly start: number
  /** Up to here those that are attributes of its point. */
  readonly ownStop: number
  readonly stop: number
}

const scratch = new Writer(4096)

/** `labels`: sorted, each name once, no empty values. What it gives is good until it is called again. */
export function encodeLabels(labels: LabelSet): EncodedLabels {
  scratch.rewind()
  writeLabels(scratch, ATTRIBUTES, labels.filter(isOwn))
  const ownStop = scratch.pos
  writeLabels(
    scratch,
    ATTRIBUTES,
    labels.filter(label => !isOwn(label)),
  )
  return { bytes: scratch.bytes, start: 0, ownStop, stop: scratch.pos }
}

function isOwn([name]: Label): boolean {
  return !ELSEWHERE.has(name) && !name.startsWith(SCOPE_PREFIX)
}

/** What was worked out of a series that is a part of a point. */
interface AsPart {
  readonly bound: BoundLabel
  readonly key: string
  value: number | undefined
}

/** Parts of one point stand together: they share the text of their key. */
let lastKey = ''

/**
 * Its labels are bytes, as a point has them: a hundred thousand series are a few large buffers instead of a million
 * strings.
 */
export class Series implements EncodedLabels {
  readonly identity: SeriesIdentity
  bytes: Uint8Array
  start: number
  ownStop: number
  stop: number
  /** Its point of the last scrape, to be used again: a hundred thousand of them need not be made each time. */
  point: Group | undefined = undefined
  #part: AsPart | undefined = undefined

  /** Takes `encoded` as it is. */
  constructor(identity: SeriesIdentity, { bytes, start, ownStop, stop }: EncodedLabels) {
    this.identity = identity
    this.bytes = bytes
    this.start = start
    this.ownStop = ownStop
    this.stop = stop
  }

  /** One that stands alone. `labels`: sorted, each name once, no empty values. */
  static of(labels: LabelSet, target: { readonly job: string; readonly instance: string }): Series {
    const encoded = encodeLabels(labels)
    return new Series(identityOf(labels, target), { ...encoded, bytes: scratch.copy() })
  }

  get name(): string {
    return this.identity.name
  }

  get labels(): LabelSet {
    const labels: Label[] = []
    for (let at = this.start; at < this.stop; ) {
      const entry = entryAt(this.bytes, at)
      labels.push([entry.key(), entry.value()])
      at = entry.stop
    }
    return labels.sort(([a], [b]) => (a < b ? -1 : 1))
  }

  /** Its bytes lie elsewhere now. */
  move(bytes: Uint8Array, start: number): void {
    const by = start - this.start
    this.bytes = bytes
    this.start = start
    this.ownStop += by
    this.stop += by
  }

  /** Equal for series that are parts of one point. */
  key(bound: BoundLabel): string {
    return bound === '' ? latin1(this.bytes, this.start, this.ownStop) : this.#as(bound).key
  }

  /** The number in `le` or `quantile`; undefined where there is none. */
  bound(bound: BoundLabel): number | undefined {
    if (bound === '') return undefined
    return this.#as(bound).value
  }

  /** Writes the attributes of its point, each a KeyValue in `field`. */
  writeAttributes(out: Writer, bound: BoundLabel, field: number): void {
    const { bytes, start, ownStop } = this
    if (bound === '' && field === ATTRIBUTES) {
      out.raw(bytes, start, ownStop)
      return
    }
    for (let at = start; at < ownStop; ) {
      const entry = entryAt(bytes, at)
      at = entry.stop
      if (entry.is(bound)) continue
      out.tag(field, LEN)
      // Its length stands in front of it.
      out.raw(bytes, entry.lengthStart, at)
    }
  }

  /** What was worked out for another kind of family is of no use. */
  #as(bound: BoundLabel): AsPart {
    if (this.#part?.bound === bound) return this.#part
    const { bytes, start, ownStop } = this
    let key = ''
    let value: number | undefined
    for (let at = start; at < ownStop; ) {
      const entry = entryAt(bytes, at)
      if (entry.is(bound)) value = parseGoFloat(entry.value())
      else key += latin1(bytes, at, entry.stop)
      at = entry.stop
    }
    if (key === lastKey) key = lastKey
    else lastKey = key
    this.#part = { bound, key, value }
    return this.#part
  }
}

function latin1(bytes: Uint8Array, start: number, stop: number): string {
  return Buffer.prototype.latin1Slice.call(bytes, start, stop)
}

export function labelValue(labels: LabelSet, name: string): string {
  return labels.find(label => label[0] === name)?.[1] ?? ''
}

const NO_SCOPE: ScrapedScope = { name: '', version: '', schemaUrl: '', attributes: [], key: '' }

function scopeOf(labels: LabelSet): ScrapedScope {
  if (!labels.some(([name]) => name.startsWith(SCOPE_PREFIX))) return NO_SCOPE
  const attributes = labels
    .filter(([name]) => name.startsWith(SCOPE_PREFIX))
    .map(([name, value]): Label => [name.slice(SCOPE_PREFIX.length), value])
    .filter(([name]) => name !== 'name' && name !== 'version' && name !== 'schema_url')
  return scope(
    labelValue(labels, SCOPE_NAME),
    labelValue(labels, SCOPE_VERSION),
    labelValue(labels, SCOPE_SCHEMA),
    attributes,
  )
}

function scope(name: string, version: string, schemaUrl: string, attributes: LabelSet): ScrapedScope {
  const empty = name === '' && version === '' && schemaUrl === '' && attributes.length === 0
  const key = empty ? '' : JSON.stringify([name, version, schemaUrl, ...attributes])
  return { name, version, schemaUrl, attributes, key }
}

/** What a sample of `otel_scope_info` says: which scope it speaks of, and that scope's attributes. */
export function scopeInfo({ labels }: Series): { readonly key: string; readonly attributes: LabelSet } {
  const own = new Set([NAME, 'job', 'instance', SCOPE_NAME, SCOPE_VERSION, SCOPE_SCHEMA])
  const { key } = scope(
    labelValue(labels, SCOPE_NAME),
    labelValue(labels, SCOPE_VERSION),
    labelValue(labels, SCOPE_SCHEMA),
    [],
  )
  return { key, attributes: labels.filter(([name]) => !own.has(name)) }
}

/** What a sample of `target_info` says of its resource. */
export function targetInfo({ labels }: Series): LabelSet {
  return labels.filter(([name]) => name !== NAME && name !== 'job' && name !== 'instance')
}

/** Writes each label as a KeyValue in `field`. */
export function writeLabels(out: Writer, field: number, labels: Iterable<readonly [string, string]>): void {
  for (const [name, value] of labels) {
    const entry = out.open(field)
    out.string(KeyValue.key, name)
    const text = out.open(KeyValue.value)
    out.string(1, value)
    out.close(text)
    out.close(entry)
  }
}
