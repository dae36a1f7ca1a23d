/**
 * The gateway's own metrics. Values live in cells of ours (cells.ts), because the hot path must cost a few ns an
 * addition; prom-client, whose only user this file is, writes the Prometheus text page from them.
 *
 * Names are the Collector's: a declaration carries the plain form (`otelcol_receiver_accepted_spans`), and the page
 * adds `_total`, units and scope labels only when a reader asks for them, as the Collector's default reader does not.
 */

import Registry from 'prom-client/lib/registry.js'
import { Family, NO_LABELS, type Point } from './cells.ts'
import type { Counter, Gauge, Histogram, Labels, MetricDeclaration, MetricsRegistry } from './instruments.ts'
import { mergeSnapshots } from './merge.ts'

export type { HistogramPoint, NumberPoint, Point } from './cells.ts'
export type * from './instruments.ts'

export type MetricsLevel = 'none' | 'basic' | 'normal' | 'detailed'

const RANK: Readonly<Record<MetricsLevel, number>> = { none: 0, basic: 1, normal: 2, detailed: 3 }

export interface MetricSnapshot {
  readonly declaration: MetricDeclaration
  readonly points: readonly Point[]
}

/** How one reader wants names written; the Collector's keys and defaults. */
export interface PageOptions {
  readonly withoutTypeSuffix: boolean
  readonly withoutUnits: boolean
  readonly withoutScopeInfo: boolean
  /** Resource attributes that become labels of every line (`with_resource_constant_labels`). */
  readonly constantLabels?: Labels
}

export const COLLECTOR_PAGE: PageOptions = Object.freeze({
  withoutTypeSuffix: true,
  withoutUnits: true,
  withoutScopeInfo: true,
})

const NOTHING = (): void => {}
const OFF = {
  add: NOTHING,
  set: NOTHING,
  record: NOTHING,
  bind: () => ({ add: NOTHING, set: NOTHING, record: NOTHING }),
}

/** Metrics of other processes, shown together with one's own. */
export interface Elsewhere {
  /** Asks them for their latest. Never rejects, and does not wait long. */
  refresh(): Promise<void>
  /** What they said last. */
  snapshots(): readonly (readonly MetricSnapshot[])[]
}

/** The registry of one gateway. */
export class Metrics implements MetricsRegistry {
  elsewhere: Elsewhere | undefined
  /** When counting began, ms since the epoch. */
  readonly startedAt = Date.now()
  readonly #families = new Map<string, Family>()
  readonly #level: MetricsLevel

  constructor(level: MetricsLevel = 'normal') {
    this.#level = level
  }

  /** The family of a declaration; undefined when the level leaves it out. Throws when a name has two kinds. */
  #family(declaration: MetricDeclaration): Family | undefined {
    if (RANK[declaration.level] > RANK[this.#level]) return undefined
    let family = this.#families.get(declaration.name)
    if (family === undefined) {
      family = new Family(declaration)
      this.#families.set(declaration.name, family)
    } else if (family.declaration.kind !== declaration.kind) {
      const { kind, name } = declaration
      throw new Error(`metric ${name} is declared as a ${kind} and as a ${family.declaration.kind}`)
    }
    return family
  }

  counter(declaration: MetricDeclaration): Counter {
    const family = this.#family(declaration)
    if (family === undefined) return OFF
    return {
      add: (value, labels = NO_LABELS) => family.number(labels).add(value),
      bind: labels => family.number(labels),
    }
  }

  gauge(declaration: MetricDeclaration): Gauge {
    const family = this.#family(declaration)
    if (family === undefined) return OFF
    return {
      set: (value, labels = NO_LABELS) => family.number(labels).set(value),
      bind: labels => family.number(labels),
    }
  }

  histogram(declaration: MetricDeclaration): Histogram {
    const family = this.#family(declaration)
    if (family === undefined) return OFF
    return {
      record: (value, labels = NO_LABELS) => family.distribution(labels).record(value),
      bind: labels => family.distribution(labels),
    }
  }

  observe(declaration: MetricDeclaration, labels: Labels, read: () => number): () => void {
    return this.observeAll(declaration, () => [[labels, read()]])
  }

  /** As `observe`, for label sets that are known only at collection time. */
  observeAll(declaration: MetricDeclaration, read: () => Iterable<readonly [Labels, number]>): () => void {
    return this.#family(declaration)?.observe(read) ?? NOTHING
  }

  /** Everything as it is now, in order of name. A metric without a point is left out. */
  snapshot(): MetricSnapshot[] {
    const found: MetricSnapshot[] = []
    for (const family of this.#families.values()) {
      const points = family.points()
      if (points.length > 0) found.push({ declaration: family.declaration, points })
    }
    const all = this.elsewhere === undefined ? found : mergeSnapshots([found, ...this.elsewhere.snapshots()])
    return all.sort((a, b) => (a.declaration.name < b.declaration.name ? -1 : 1))
  }

  /** The page in Prometheus' text format 0.0.4, with `target_info` made of `resource`'s attributes. */
  async page(resource: Labels, options: PageOptions = COLLECTOR_PAGE): Promise<string> {
    await this.elsewhere?.refresh()
    const registry = new Registry()
    const constant = {
      ...options.constantLabels,
      ...(options.withoutScopeInfo
        ? {}
        : { otel_scope_name: 'sluice', otel_scope_version: '', otel_scope_schema_url: '' }),
    }
    for (const { declaration, points } of this.snapshot()) {
      registerPoints(registry, pageName(declaration, options), declaration, points, constant)
    }
    const target = Object.fromEntries(Object.entries(resource).map(([key, value]) => [labelName(key), value]))
    registerPoints(registry, 'target_info', TARGET_INFO, [{ labels: target, value: 1 }], {})
    return registry.metrics()
  }
}

export const PAGE_TYPE = 'text/plain; version=0.0.4; charset=utf-8'

const TARGET_INFO = { kind: 'gauge', help: 'Target metadata' } as const

interface Line {
  readonly metricName?: string
  readonly labels: Readonly<Record<string, string | number>>
  readonly value: number
}

function registerPoints(
  registry: Registry,
  name: string,
  { kind, help }: Pick<MetricDeclaration, 'kind' | 'help'>,
  points: readonly Point[],
  constant: Labels,
): void {
  const values = points.flatMap(point => lines(name, point, constant))
  const metric = { name, help, type: kind, get: () => ({ name, help, type: kind, values }) }
  // prom-client asks a metric for nothing but these at collection; its own classes would hold every value twice.
  registry.registerMetric(metric as unknown as Parameters<Registry['registerMetric']>[0])
}

function lines(name: string, point: Point, constant: Labels): Line[] {
  const labels = { ...point.labels, ...constant }
  if (!('bounds' in point)) return [{ labels, value: point.value }]
  const out: Line[] = []
  let below = 0
  for (const [i, bound] of point.bounds.entries()) {
    below += point.counts[i]!
    out.push({ metricName: `${name}_bucket`, labels: { ...labels, le: bound }, value: below })
  }
  out.push({ metricName: `${name}_bucket`, labels: { ...labels, le: '+Inf' }, value: point.count })
  out.push({ metricName: `${name}_sum`, labels, value: point.sum })
  out.push({ metricName: `${name}_count`, labels, value: point.count })
  return out
}

const UNIT_WORDS: Readonly<Record<string, string>> = {
  s: 'seconds',
  ms: 'milliseconds',
  By: 'bytes',
  MiBy: 'mebibytes',
}

/** The name on the page: unit and `_total` as the reader's keys say, nothing twice. */
export function pageName({ name, unit, kind }: MetricDeclaration, options: PageOptions): string {
  let full = name
  const word = UNIT_WORDS[unit]
  if (!options.withoutUnits && word !== undefined && !full.endsWith(`_${word}`)) full += `_${word}`
  if (!options.withoutTypeSuffix && kind === 'counter' && !full.endsWith('_total')) full += '_total'
  return full
}

/** An attribute key as a Prometheus label. */
export function labelName(key: string): string {
  const plain = key.replaceAll(/[^a-zA-Z0-9_]/g, '_')
  return /^[0-9]/.test(plain) ? `_${plain}` : plain
}
