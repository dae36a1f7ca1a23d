/**
 * All samples of one scrape, on their way to being one OTLP request: by resource (job and instance), scope and family
 * (receiver/prometheusreceiver 0.155, internal/transaction.go).
 */

import {
  ExportMetricsServiceRequest,
  InstrumentationScope,
  Resource,
  ResourceMetrics,
  ScopeMetrics,
} from '../../../otlp/fields.ts'
import { Writer } from '../../../otlp/writer.ts'
import type { LabelSet } from '../labels.ts'
import type { ScrapedHistogram } from '../parse/histogram.ts'
import type { ScrapedExemplar } from '../parse/page.ts'
import { Family, type Misfit } from './family.ts'
import { familyOf, type MetadataStore, withoutSuffix } from './metadata.ts'
import { trimmedName } from './names.ts'
import { type Turn, writeMetric } from './points.ts'
import { resourceOf } from './resource.ts'
import { type ScrapedScope, type Series, scopeInfo, targetInfo, writeLabels } from './series.ts'

/** What the Collector writes for metrics that say no scope of their own: names of series downstream depend on it. */
const OWN_SCOPE = 'github.com/open-telemetry/opentelemetry-collector-contrib/receiver/prometheusreceiver'

const TARGET_INFO = 'target_info'
const SCOPE_INFO = 'otel_scope_info'

export interface TransactionRules {
  /** `trim_metric_suffixes` */
  readonly trimSuffixes: boolean
  /** Of the gateway, for its scope. */
  readonly version: string
  /** Labels of the target before any rule. */
  readonly discovered: LabelSet
}

interface ScopeFamilies {
  readonly scope: ScrapedScope
  /** By their own name, histograms in one piece apart. */
  readonly families: Map<string, Family>
  /** By the name of a sample. */
  readonly byName: Map<string, Family>
}

interface ResourceScopes {
  readonly job: string
  readonly instance: string
  readonly attributes: Map<string, string>
  readonly scopes: Map<string, ScopeFamilies>
  readonly scopeAttributes: Map<string, LabelSet>
}

export interface BuiltRequest {
  readonly bytes: Uint8Array
  readonly points: number
}

const noTurn: Turn = () => undefined

/** In front of the names of histograms in one piece. */
const WHOLE = '\0'

export class Transaction {
  readonly #metadata: MetadataStore
  readonly #rules: TransactionRules
  readonly #resources = new Map<string, ResourceScopes>()
  /** Nearly always the next sample is one of it too. */
  #lastResource: ResourceScopes | undefined
  /** Samples that did not fit into a point, by why. */
  readonly misfits = new Map<Misfit, number>()

  constructor(metadata: MetadataStore, rules: TransactionRules) {
    this.#metadata = metadata
    this.#rules = rules
  }

  /**
   * `value` undefined: stale. False when it became no part of a point: it was said to a resource or a scope, or did not
   * fit. Such a series needs no mark when it vanishes.
   */
  sample(series: Series, millis: number, value: number | undefined): boolean {
    const resource = this.#resource(series)
    if (series.name === TARGET_INFO) {
      for (const [name, text] of targetInfo(series)) resource.attributes.set(name, text)
      return false
    }
    if (series.name === SCOPE_INFO) {
      const { key, attributes } = scopeInfo(series)
      resource.scopeAttributes.set(key, attributes)
      return false
    }
    return this.#fits(this.#family(resource, series, undefined).add(series, millis, value))
  }

  /** `histogram` undefined: the one of this kind is stale. */
  whole(
    series: Series,
    millis: number,
    kind: ScrapedHistogram['kind'],
    histogram: ScrapedHistogram | undefined,
  ): boolean {
    const family = this.#family(this.#resource(series), series, kind)
    return this.#fits(family.addWhole(series, millis, histogram))
  }

  /** `millis` for those that have no time of their own. */
  exemplars(
    series: Series,
    kind: ScrapedHistogram['kind'] | undefined,
    list: readonly ScrapedExemplar[],
    millis: number,
  ): void {
    this.#family(this.#resource(series), series, kind).addExemplars(series, list, millis)
  }

  /** When counting began, for formats that say it beside the sample. */
  start(series: Series, kind: ScrapedHistogram['kind'] | undefined, millis: number, started: number): void {
    this.#family(this.#resource(series), series, kind).start(series, millis, started)
  }

  /** `turn` is called now and then; what it gives is waited for. `sizeHint`: bytes that it will probably have. */
  async build(turn: Turn = noTurn, sizeHint = 16 * 1024): Promise<BuiltRequest> {
    const out = new Writer(sizeHint)
    let points = 0
    for (const resource of this.#resources.values()) points += await this.#writeResource(out, resource, turn)
    return { bytes: out.take(), points }
  }

  #fits(misfit: Misfit | undefined): boolean {
    if (misfit !== undefined) this.misfits.set(misfit, (this.misfits.get(misfit) ?? 0) + 1)
    return misfit === undefined
  }

  #resource({ identity: { job, instance } }: Series): ResourceScopes {
    if (this.#lastResource?.job === job && this.#lastResource.instance === instance) return this.#lastResource
    const key = `${job}\xff${instance}`
    let resource = this.#resources.get(key)
    if (resource === undefined) {
      const attributes = resourceOf(job, instance, this.#rules.discovered)
      resource = { job, instance, attributes, scopes: new Map(), scopeAttributes: new Map() }
      this.#resources.set(key, resource)
    }
    this.#lastResource = resource
    return resource
  }

  #family(resource: ResourceScopes, series: Series, kind: ScrapedHistogram['kind'] | undefined): Family {
    const { scope, name } = series.identity
    let of = resource.scopes.get(scope.key)
    if (of === undefined) {
      of = { scope, families: new Map(), byName: new Map() }
      resource.scopes.set(scope.key, of)
    }
    const key = kind === undefined ? name : WHOLE + name
    let family = of.byName.get(key)
    if (family === undefined) {
      family = this.#find(of, name, kind)
      of.byName.set(key, family)
    }
    return family
  }

  #find({ families }: ScopeFamilies, name: string, kind: ScrapedHistogram['kind'] | undefined): Family {
    const mark = kind === undefined ? '' : WHOLE
    const exact = families.get(mark + name)
    if (exact !== undefined) return exact
    let wanted = name
    if (this.#metadata.get(name) === undefined) {
      wanted = withoutSuffix(name)
      if (name.endsWith('_created') && this.#metadata.get(wanted)?.type === 'counter') wanted += '_total'
    }
    const found = families.get(mark + wanted)
    if (found?.includes(name)) return found
    const { family, metadata } = familyOf(name, this.#metadata)
    const made = new Family(family, metadata, kind)
    families.set(mark + family, made)
    return made
  }

  async #writeResource(
    out: Writer,
    { attributes, scopes, scopeAttributes }: ResourceScopes,
    turn: Turn,
  ): Promise<number> {
    const before = out.pos
    const metrics = out.open(ExportMetricsServiceRequest.resourceMetrics)
    const resource = out.open(ResourceMetrics.resource)
    writeLabels(out, Resource.attributes, attributes)
    out.close(resource)
    let points = 0
    for (const one of scopes.values()) points += await this.#writeScope(out, one, scopeAttributes, turn)
    out.close(metrics)
    if (points === 0) out.rewind(before)
    return points
  }

  async #writeScope(
    out: Writer,
    { scope, families }: ScopeFamilies,
    attributes: Map<string, LabelSet>,
    turn: Turn,
  ): Promise<number> {
    const before = out.pos
    const metrics = out.open(ResourceMetrics.scopeMetrics)
    const head = out.open(ScopeMetrics.scope)
    const own = scope.key === ''
    const name = own ? OWN_SCOPE : scope.name
    const version = own ? this.#rules.version : scope.version
    if (name !== '') out.string(InstrumentationScope.name, name)
    if (version !== '') out.string(InstrumentationScope.version, version)
    if (!own) writeLabels(out, InstrumentationScope.attributes, attributes.get(scope.key) ?? scope.attributes)
    out.close(head)
    let points = 0
    for (const family of families.values()) {
      const { unit } = family.metadata
      const title = this.#rules.trimSuffixes ? trimmedName(family.name, family.kind, unit) : family.name
      points += await writeMetric(out, ScopeMetrics.metrics, title, family, turn)
    }
    if (!own && scope.schemaUrl !== '') out.string(ScopeMetrics.schemaUrl, scope.schemaUrl)
    out.close(metrics)
    if (points === 0) out.rewind(before)
    return points
  }
}
