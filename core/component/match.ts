/**
 * Which items `include` and `exclude` mean, decided over the bytes (contrib internal/filter 0.155: filterspan,
 * filterlog, filtermetric, filtermatcher). A walker tells the selection about each resource, scope and metric, and then
 * asks about items; what they have in common is decided once.
 */

import { readBool, readKind, sameValue, valueStart, valueStop, valueText } from '../formats/any-value.ts'
import { formatPlain } from '../formats/go-numbers.ts'
import { AttributeTable } from '../otlp/attributes.ts'
import { Cursor, LEN, low, readDouble, readVarint64, readVarintInt64, VARINT } from '../otlp/cursor.ts'
import { AnyValue, InstrumentationScope, LogRecord, Metric, Resource, Span } from '../otlp/fields.ts'
import { KeySet } from '../otlp/keys.ts'
import type { Signal } from '../otlp/signals.ts'
import type { MatchConfig } from './match-config.ts'
import { exactly, matching, type TextSet } from './text-set.ts'

/** What the Collector compares `services` with when there is no service.name. */
const NO_SERVICE = '<nil-service-name>'
const KIND_NAMES = ['UNSPECIFIED', 'INTERNAL', 'SERVER', 'CLIENT', 'PRODUCER', 'CONSUMER']

const cursor = new Cursor(new Uint8Array())

/** `include` and `exclude` together. */
export class Selection {
  readonly #include: Rule | undefined
  readonly #exclude: Rule | undefined

  constructor(include: Rule | undefined, exclude: Rule | undefined) {
    this.#include = include
    this.#exclude = exclude
  }

  /** The Resource of the items that follow. */
  resource(bytes: Uint8Array, start: number, stop: number): void {
    this.#include?.resource(bytes, start, stop)
    this.#exclude?.resource(bytes, start, stop)
  }

  scope(bytes: Uint8Array, start: number, stop: number): void {
    this.#include?.scope(bytes, start, stop)
    this.#exclude?.scope(bytes, start, stop)
  }

  metric(bytes: Uint8Array, start: number, stop: number): void {
    this.#include?.metric(bytes, start, stop)
    this.#exclude?.metric(bytes, start, stop)
  }

  /** False when no item is meant, whatever its attributes: the cheap question. */
  mayHave(bytes: Uint8Array, start: number, stop: number): boolean {
    return this.#include === undefined || this.#include.mayHave(bytes, start, stop)
  }

  /** Is this item meant? `table` holds its attributes. */
  has(bytes: Uint8Array, start: number, stop: number, table: AttributeTable): boolean {
    const include = this.#include
    if (include !== undefined && !include.hasAttributes(table)) return false
    const exclude = this.#exclude
    return exclude === undefined || !exclude.mayHave(bytes, start, stop) || !exclude.hasAttributes(table)
  }
}

/**
 * The selection that `include` and `exclude` describe, or undefined when they leave nothing out. The keys of matched
 * attributes are added to `keys`, the set of the table that `has` will be given. Both fit the signal (matchProblem).
 */
export function selectionOf(
  include: MatchConfig | undefined,
  exclude: MatchConfig | undefined,
  signal: Signal,
  keys: KeySet,
): Selection | undefined {
  const [included, excluded] = [ruleOf(include), ruleOf(exclude)]
  if (included === undefined && excluded === undefined) return undefined
  return new Selection(included, excluded)

  function ruleOf(config: MatchConfig | undefined): Rule | undefined {
    if (config === undefined) return undefined
    // The Collector validates `resources` for metrics and then looks at metric_names alone.
    if (signal === 'metrics' && config.metric_names.length === 0) return undefined
    return new Rule(config, signal, keys)
  }
}

type MakeSet = (texts: readonly string[]) => TextSet

interface ScopeRule {
  readonly name: TextSet
  readonly version: TextSet | undefined
}

/** One of `include` and `exclude`. A property that is not written matches everything. */
class Rule {
  readonly #signal: Signal
  readonly #services: TextSet | undefined
  readonly #names: TextSet | undefined
  readonly #kinds: readonly boolean[] | undefined
  readonly #bodies: TextSet | undefined
  readonly #severityTexts: TextSet | undefined
  readonly #severity: MatchConfig['log_severity_number']
  readonly #scopes: readonly ScopeRule[]
  readonly #attributes: readonly AttributeRule[]
  readonly #resources: readonly AttributeRule[]
  readonly #resourceTable: AttributeTable
  readonly #serviceSlot: number
  #resourceFits = true
  #scopeFits = true
  #metricFits = true

  constructor(config: MatchConfig, signal: Signal, keys: KeySet) {
    const resourceKeys = new KeySet()
    const regexp = config.match_type === 'regexp'
    const memory = config.regexp?.cachemaxnumentries || undefined
    const patterns: MakeSet = texts => matching(texts, memory)
    const set = regexp ? patterns : exactly
    this.#signal = signal
    this.#services = config.services.length === 0 ? undefined : set(config.services)
    const names = signal === 'metrics' ? config.metric_names : config.span_names
    this.#names = names.length === 0 ? undefined : set(names)
    this.#kinds = config.span_kinds.length === 0 ? undefined : kindTable(set(config.span_kinds))
    this.#bodies = config.log_bodies.length === 0 ? undefined : set(config.log_bodies)
    this.#severityTexts = config.log_severity_texts.length === 0 ? undefined : set(config.log_severity_texts)
    this.#severity = config.log_severity_number
    this.#scopes = config.libraries.map(({ name, version }) => ({
      name: set([name]),
      version: version === undefined ? undefined : set([version]),
    }))
    this.#attributes = config.attributes.map(
      one => new AttributeRule(one, regexp ? patterns : undefined, keys),
    )
    const resources = signal === 'metrics' ? [] : config.resources
    this.#resources = resources.map(
      one => new AttributeRule(one, regexp ? patterns : undefined, resourceKeys),
    )
    this.#serviceSlot = resourceKeys.add('service.name')
    this.#resourceTable = new AttributeTable(resourceKeys)
  }

  resource(bytes: Uint8Array, start: number, stop: number): void {
    if (this.#services === undefined && this.#resources.length === 0) return
    const table = this.#resourceTable
    table.read(bytes, start, stop, Resource.attributes)
    this.#resourceFits = this.#resources.every(one => one.fits(table))
    if (!this.#resourceFits || this.#services === undefined) return
    const row = table.find(this.#serviceSlot)
    const service =
      row < 0 ? NO_SERVICE : valueText(table.valueSource(row), table.valueStart(row), table.valueStop(row))
    this.#resourceFits = this.#services.has(service)
  }

  scope(bytes: Uint8Array, start: number, stop: number): void {
    if (this.#scopes.length === 0) return
    let [nameStart, nameStop, versionStart, versionStop] = [start, start, start, start]
    const c = cursor.reset(bytes, start, stop)
    while (c.next()) {
      if (c.wire !== LEN) continue
      if (c.field === InstrumentationScope.name) [nameStart, nameStop] = [c.start, c.stop]
      else if (c.field === InstrumentationScope.version) [versionStart, versionStop] = [c.start, c.stop]
    }
    this.#scopeFits = this.#scopes.every(
      ({ name, version }) =>
        name.hasBytes(bytes, nameStart, nameStop) &&
        (version === undefined || version.hasBytes(bytes, versionStart, versionStop)),
    )
  }

  metric(bytes: Uint8Array, start: number, stop: number): void {
    this.#metricFits = textFits(this.#names, bytes, start, stop, Metric.name)
  }

  /** Everything but the attributes. */
  mayHave(bytes: Uint8Array, start: number, stop: number): boolean {
    if (!this.#resourceFits || !this.#scopeFits) return false
    if (this.#signal === 'metrics') return this.#metricFits
    if (this.#signal === 'traces') {
      if (!textFits(this.#names, bytes, start, stop, Span.name)) return false
      return this.#kinds === undefined || this.#kinds[numberIn(bytes, start, stop, Span.kind)] === true
    }
    return this.#bodyFits(bytes, start, stop) && this.#severityFits(bytes, start, stop)
  }

  #bodyFits(bytes: Uint8Array, start: number, stop: number): boolean {
    if (this.#bodies === undefined) return true
    const found = seek(bytes, start, stop, LogRecord.body, LEN)
    return this.#bodies.has(found ? valueText(bytes, foundStart, foundStop) : '')
  }

  #severityFits(bytes: Uint8Array, start: number, stop: number): boolean {
    if (!textFits(this.#severityTexts, bytes, start, stop, LogRecord.severityText)) return false
    if (this.#severity === undefined) return true
    const severity = numberIn(bytes, start, stop, LogRecord.severityNumber)
    return severity === 0 ? this.#severity.match_undefined : severity >= this.#severity.min
  }

  hasAttributes(table: AttributeTable): boolean {
    for (const one of this.#attributes) if (!one.fits(table)) return false
    return true
  }
}

/** One entry of `attributes` or `resources`. */
class AttributeRule {
  readonly #slot: number
  readonly #value: Uint8Array | undefined
  readonly #texts: TextSet | undefined

  constructor(
    { key, value }: MatchConfig['attributes'][number],
    patterns: MakeSet | undefined,
    keys: KeySet,
  ) {
    this.#slot = keys.add(key)
    const byPattern = value !== undefined && patterns !== undefined
    this.#texts = byPattern ? patterns([String(value.plain)]) : undefined
    this.#value = byPattern ? undefined : value?.bytes
  }

  fits(table: AttributeTable): boolean {
    const row = table.find(this.#slot)
    if (row < 0) return false
    const bytes = table.valueSource(row)
    const [start, stop] = [table.valueStart(row), table.valueStop(row)]
    if (this.#value !== undefined) return sameValue(bytes, start, stop, this.#value, 0, this.#value.length)
    return this.#texts === undefined || scalarFits(this.#texts, bytes, start, stop)
  }
}

/** As the Collector prints a value for a pattern; only text, bool, int and double have one. */
function scalarFits(texts: TextSet, bytes: Uint8Array, start: number, stop: number): boolean {
  switch (readKind(bytes, start, stop)) {
    case AnyValue.stringValue:
      return texts.hasBytes(bytes, valueStart, valueStop)
    case AnyValue.boolValue:
      return texts.has(readBool(bytes, valueStart) ? 'true' : 'false')
    case AnyValue.intValue:
      return texts.has(readVarintInt64(bytes, valueStart).toString())
    case AnyValue.doubleValue:
      return texts.has(formatPlain(readDouble(bytes, valueStart)))
    default:
      return false
  }
}

/** Which kind numbers the names of `set` mean. */
function kindTable(set: TextSet): boolean[] {
  return KIND_NAMES.map(name => set.has(`SPAN_KIND_${name}`))
}

/** Where `seek` found the field. */
let foundStart = 0
let foundStop = 0

/** The last occurrence of a field, left in `foundStart`, `foundStop`. */
function seek(bytes: Uint8Array, start: number, stop: number, field: number, wire: number): boolean {
  const c = cursor.reset(bytes, start, stop)
  let found = false
  while (c.next()) {
    if (c.field !== field || c.wire !== wire) continue
    found = true
    foundStart = c.start
    foundStop = c.stop
  }
  return found
}

function textFits(
  texts: TextSet | undefined,
  bytes: Uint8Array,
  start: number,
  stop: number,
  field: number,
): boolean {
  if (texts === undefined) return true
  if (!seek(bytes, start, stop, field, LEN)) return texts.has('')
  return texts.hasBytes(bytes, foundStart, foundStop)
}

/** An enum of the message; 0 when it is not there. */
function numberIn(bytes: Uint8Array, start: number, stop: number, field: number): number {
  if (!seek(bytes, start, stop, field, VARINT)) return 0
  readVarint64(bytes, foundStart)
  return low | 0
}
