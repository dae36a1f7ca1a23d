/** Metrics of one batch as bulk requests: data points that belong together are one document. */

import type { Prepared } from '../../core/formats/elastic/flat.ts'
import { MetricGroups, POINT_ATTRIBUTES } from '../../core/formats/elastic/metric-groups.ts'
import type { Mode } from '../../core/formats/elastic/modes.ts'
import {
  forLater,
  type MetricInfo,
  metricInfo,
  type PointRef,
  readPoint,
} from '../../core/formats/elastic/points.ts'
import { SpecialAttributes } from '../../core/formats/elastic/special.ts'
import { MetricView } from '../../core/otlp/metric.ts'
import { ItemWalker } from '../../core/otlp/walk.ts'
import { type Bulk, BulkWriter } from './bulk.ts'
import { type Lose, UNMAPPABLE } from './documents.ts'
import type { Kit } from './kit.ts'
import { Placing } from './placing.ts'
import { type Target, writeAction } from './targets.ts'

const EMPTY = new Uint8Array()

type Place =
  | {
      readonly mode: 'otel'
      readonly target: Target
      readonly resource: Uint8Array
      readonly scope: Uint8Array
    }
  | { readonly mode: 'ecs'; readonly target: Target; readonly resource: Prepared }

export class MetricWriting {
  readonly #kit: Kit
  readonly #lose: Lose
  readonly #placing: Placing
  readonly #groups = new MetricGroups<Place>()
  readonly #special = new SpecialAttributes()
  readonly #view = new MetricView()
  #resource: Uint8Array | Prepared = EMPTY
  #scope: Uint8Array | undefined
  #metric: MetricInfo | undefined
  #metricStart = -1

  constructor(kit: Kit, asked: Mode, suffix: string, lose: Lose) {
    this.#kit = kit
    this.#lose = lose
    this.#placing = new Placing(kit, asked, suffix)
  }

  *bulks(chunks: readonly Uint8Array[]): Generator<Bulk, void, undefined> {
    const walker = new ItemWalker(EMPTY, 'metrics')
    for (const chunk of chunks) {
      walker.reset(chunk, 'metrics')
      this.#metricStart = -1
      while (walker.next()) {
        if (this.#placing.move(walker)) this.#around()
        const problem = this.#point(walker)
        if (problem !== undefined) this.#lose(1, UNMAPPABLE, problem)
      }
    }
    yield* this.#documents()
  }

  #around(): void {
    const { mode, resource, scope } = this.#placing
    this.#scope = undefined
    if (mode === 'otel') {
      this.#resource = this.#kit.otelPoints.resource(resource)
      this.#scope = this.#kit.otelPoints.scope(scope)
    } else if (mode === 'ecs') this.#resource = this.#kit.flat.ecs.resource(resource)
  }

  /** Why the point has no document; undefined when it has. */
  #point(walker: ItemWalker): string | undefined {
    const { chunk, start, stop, metricStart, dataField } = walker
    const { mode } = this.#placing
    if (mode !== 'otel' && mode !== 'ecs')
      return mode === 'none' || mode === 'raw' || mode === 'bodymap'
        ? `mapping mode ${mode} has no documents of metrics`
        : mode
    if (metricStart !== this.#metricStart || this.#metric === undefined) {
      this.#metricStart = metricStart
      this.#metric = metricInfo(this.#view.reset(chunk, metricStart, walker.metricStop), dataField)
    }
    const special = this.#special.read(chunk, start, stop, POINT_ATTRIBUTES[dataField]!)
    const target = this.#placing.target('metrics', special.any ? special : undefined)
    if (typeof target === 'string') return target
    const point: PointRef = { bytes: chunk, start, stop, metric: this.#metric, hints: special.hints }
    const value = readPoint(point)
    if (typeof value === 'string') return value
    const resource = this.#resource
    const scope = this.#scope
    const place = (
      scope === undefined ? { mode, target, resource } : { mode, target, resource, scope }
    ) as Place
    this.#groups.add([target, resource, scope], place, point, forLater(value), mode === 'ecs')
    return undefined
  }

  *#documents(): Generator<Bulk, void, undefined> {
    const { otelMetrics, ecsMetrics, maxBytes, buffers } = this.#kit
    const bulk = new BulkWriter(maxBytes, buffers)
    for (const group of this.#groups.all()) {
      const { place } = group
      const { target } = place
      const before = bulk.count
      if (place.mode === 'otel') {
        writeAction(bulk.out, target, undefined, undefined, out => otelMetrics.writeTemplates(out, group))
        otelMetrics.write(bulk.out, group, target.stream, place.resource, place.scope)
      } else {
        writeAction(bulk.out, target, undefined, undefined)
        ecsMetrics.write(bulk.out, group, target.route, place.resource)
      }
      bulk.end(undefined, group.points.length)
      const full = bulk.overflow(before)
      if (full !== undefined) yield full
    }
    const rest = bulk.rest()
    if (rest !== undefined) yield rest
  }
}
