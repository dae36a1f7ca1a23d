/** A series as a scrape left it: its final labels, and what OTLP makes of them. Made once, kept as long as it is exposed. */

import { KeyValue } from '../../../otlp/fields.ts'
import { Writer } from '../../../otlp/writer.ts'
import { parseGoFloat } from '../../go-numbers.ts'
import type { Label, LabelSet } from '../labels.ts'
import { NAME } from '../parse/page.ts'
import type { Group } from './family.ts'

const SCOPE_PREFIX = 'otel_scope_'
const SCOPE_NAME = 'otel_scope_name'
const SCOPE_VERSION = 'otel_scope_version'
const SCOPE_SCHEMA = 'otel_scope_schema_url'

/** Labels that are said elsewhere: in the name, in the resource. */
const ELSEWHERE: ReadonlySet<string> = new Set([NAME, 'instance', '__scheme__', '__metrics_path__', 'job'])

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

export class Series {
  readonly labels: LabelSet
  readonly name: string
  readonly job: string
  readonly instance: string
  readonly scope: ScrapedScope
  /** Its point of the last scrape, to be used again: a hundred thousand of them need not be made each time. */
  point: Group | undefined
  #bound: BoundLabel = ''
  #key: string | undefined
  #boundValue: number | undefined
  #field = 0
  #attributes: Uint8Array | undefined

  /** `labels`: sorted, each name once, no empty values. `target` stands in for job and instance where they are missing. */
  constructor(labels: LabelSet, target: { readonly job: string; readonly instance: string }) {
    this.labels = labels
    this.name = labelValue(labels, NAME)
    this.job = labelValue(labels, 'job') || target.job
    this.instance = labelValue(labels, 'instance') || target.instance
    this.scope = scopeOf(labels)
  }

  /** Equal for equal labels. */
  get id(): string {
    return keyOf(this.labels)
  }

  /** Equal for series that are parts of one point. */
  key(bound: BoundLabel): string {
    this.#use(bound)
    this.#key ??= keyOf(this.#own(bound))
    return this.#key
  }

  /** The number in `le` or `quantile`; undefined where there is none. */
  bound(bound: BoundLabel): number | undefined {
    this.#use(bound)
    this.#boundValue ??= parseGoFloat(labelValue(this.labels, bound))
    return this.#boundValue
  }

  /** The attributes of its point as OTLP bytes, each a KeyValue in `field`. */
  attributes(bound: BoundLabel, field: number): Uint8Array {
    this.#use(bound)
    if (this.#attributes === undefined || this.#field !== field) {
      scratch.rewind()
      writeLabels(scratch, field, this.#own(bound))
      this.#attributes = scratch.copy()
      this.#field = field
    }
    return this.#attributes
  }

  #own(bound: BoundLabel): LabelSet {
    return this.labels.filter(
      ([name]) => name !== bound && !ELSEWHERE.has(name) && !name.startsWith(SCOPE_PREFIX),
    )
  }

  /** What was worked out for another kind of family is of no use. */
  #use(bound: BoundLabel): void {
    if (this.#bound === bound) return
    this.#bound = bound
    this.#key = undefined
    this.#boundValue = undefined
    this.#attributes = undefined
  }
}

const scratch = new Writer(4096)

export function labelValue(labels: LabelSet, name: string): string {
  return labels.find(label => label[0] === name)?.[1] ?? ''
}

function keyOf(labels: LabelSet): string {
  let key = ''
  for (const [name, value] of labels) key += `${name}\xff${value}\xff`
  return key
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
