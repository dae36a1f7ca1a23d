/** Attributes as labels: keys translated, values joined where two keys become one label. */

import { KeyValues } from '../../otlp/value.ts'
import { valueText } from '../any-value.ts'
import { labelName } from './names.ts'

export type Label = readonly [name: string, value: string]

/** Sorted by name, each name once. */
export type LabelSet = readonly Label[]

export interface Attribute {
  readonly key: string
  /** As the Collector's AsString: JSON for arrays and maps, base64 for bytes. */
  readonly value: string
}

/** The attributes in field `field` of the message `bytes[start, stop)`; of equal keys the first counts. */
export function readAttributes(bytes: Uint8Array, start: number, stop: number, field: number): Attribute[] {
  const found: Attribute[] = []
  const seen = new Set<string>()
  const entries = new KeyValues().reset(bytes, start, stop, field)
  while (entries.next()) {
    const key = entries.key()
    if (seen.has(key)) continue
    seen.add(key)
    found.push({ key, value: valueText(bytes, entries.valueStart, entries.valueStop) })
  }
  return found
}

/**
 * The order of texts by their bytes in UTF-8, which Prometheus sorts by. JavaScript's own is that of UTF-16, where letters
 * beyond U+FFFF come before those from U+E000 on.
 */
export function byBytes(a: string, b: string): number {
  const length = Math.min(a.length, b.length)
  for (let i = 0; i < length; i++) {
    const x = a.charCodeAt(i)
    const y = b.charCodeAt(i)
    if (x === y) continue
    // Surrogates are of letters that are above all others.
    return isSurrogate(x) === isSurrogate(y) ? x - y : isSurrogate(x) ? 1 : -1
  }
  return a.length - b.length
}

function isSurrogate(unit: number): boolean {
  return unit >= 0xd800 && unit < 0xe000
}

/**
 * Labels under construction. Attributes come first, then what the exporter itself says (`job`, scope, constants),
 * which stands alone under its name.
 */
export class LabelBuilder {
  readonly #utf8: boolean
  readonly #labels = new Map<string, Label>()
  /** A key of which no label can be made; undefined when all could. */
  problem: string | undefined

  constructor(utf8: boolean) {
    this.#utf8 = utf8
  }

  /**
   * Adds attributes in the order of their keys: two that become one label have their values joined by `;`, as the
   * OpenTelemetry specification asks. `prefix` stands in front of each key.
   */
  attributes(attributes: readonly Attribute[], prefix = ''): void {
    const own = new Map<string, string>()
    for (const { key, value } of [...attributes].sort((a, b) => (a.key < b.key ? -1 : 1))) {
      const name = knownLabelName(prefix === '' ? key : prefix + key, this.#utf8)
      if (name === undefined) {
        this.problem ??= prefix + key
        continue
      }
      const before = own.get(name)
      own.set(name, before === undefined ? value : `${before};${value}`)
    }
    for (const [name, value] of own) this.set(name, value)
  }

  /** Whatever an attribute said under this name is replaced. */
  set(name: string, value: string): void {
    this.#labels.set(name, [name, value])
  }

  /** The same for labels that are made once and stand in many sets. */
  setAll(labels: LabelSet): void {
    for (const label of labels) this.#labels.set(label[0], label)
  }

  has(name: string): boolean {
    return this.#labels.has(name)
  }

  build(): LabelSet {
    return [...this.#labels.values()].sort(([a], [b]) => (a < b ? -1 : 1))
  }
}

/** Keys come again with every series: their names are made, and kept, once. */
const NAMES_MAX = 4096
const names = { utf8: new Map<string, string | undefined>(), escaped: new Map<string, string | undefined>() }

function knownLabelName(key: string, utf8: boolean): string | undefined {
  const known = utf8 ? names.utf8 : names.escaped
  if (known.has(key)) return known.get(key)
  const name = labelName(key, utf8)
  if (known.size >= NAMES_MAX) known.clear()
  known.set(key, name)
  return name
}

/** The order of a page: fewer labels first, then by their values in turn, as client_golang sorts. */
export function compareLabels(a: LabelSet, b: LabelSet): number {
  if (a.length !== b.length) return a.length - b.length
  for (const [i, [, value]] of a.entries()) {
    const other = b[i]![1]
    if (value !== other) return value < other ? -1 : 1
  }
  return 0
}

/** `service.namespace/service.name`, or the name alone; undefined without a name. */
export function jobOf(resource: readonly Attribute[]): string | undefined {
  const name = valueFor(resource, 'service.name')
  const namespace = valueFor(resource, 'service.namespace')
  if (name === undefined) return undefined
  return namespace === undefined ? name : `${namespace}/${name}`
}

export function instanceOf(resource: readonly Attribute[]): string | undefined {
  return valueFor(resource, 'service.instance.id')
}

function valueFor(attributes: readonly Attribute[], key: string): string | undefined {
  return attributes.find(attribute => attribute.key === key)?.value
}

/** Resource attributes that are in `job` and `instance` already. */
export const IDENTIFYING: ReadonlySet<string> = new Set([
  'service.name',
  'service.namespace',
  'service.instance.id',
])

/** What a scope's attributes may not replace. */
const RESERVED_SCOPE: ReadonlySet<string> = new Set(['name', 'version', 'schema_url'])

export interface Scope {
  readonly name: string
  readonly version: string
  readonly schemaUrl: string
  readonly attributes: readonly Attribute[]
}

/** `otel_scope_name`, `_version`, `_schema_url` (empty ones too) and one for each attribute of the scope. */
export function addScope(labels: LabelBuilder, scope: Scope): void {
  labels.attributes(
    scope.attributes.filter(({ key }) => !RESERVED_SCOPE.has(key)),
    'otel_scope_',
  )
  labels.set('otel_scope_name', scope.name)
  labels.set('otel_scope_version', scope.version)
  labels.set('otel_scope_schema_url', scope.schemaUrl)
}

/** The labels of `target_info`; undefined unless the resource has both job and instance. */
export function targetLabels(resource: readonly Attribute[], utf8: boolean): LabelSet | undefined {
  const job = jobOf(resource) ?? ''
  const instance = instanceOf(resource) ?? ''
  if (job === '' || instance === '') return undefined
  const labels = new LabelBuilder(utf8)
  labels.attributes(resource.filter(({ key }) => !IDENTIFYING.has(key)))
  if (labels.problem !== undefined) return undefined
  labels.set('job', job)
  labels.set('instance', instance)
  return labels.build()
}
