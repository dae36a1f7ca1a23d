/** Batches of logs, metrics and spans as bulk requests in the Collector's modes. */

import type { Batch } from '../../core/component/batch.ts'
import { metadataValues } from '../../core/component/meta.ts'
import { CacheBudget } from '../../core/formats/cache-budget.ts'
import { EcsMetricDocuments } from '../../core/formats/elastic/ecs-metrics.ts'
import { FlatDocuments } from '../../core/formats/elastic/flat-items.ts'
import { MODE_METADATA, type Mode, readMode } from '../../core/formats/elastic/modes.ts'
import { OtelDocuments } from '../../core/formats/elastic/otel.ts'
import { OtelMetricDocuments } from '../../core/formats/elastic/otel-metrics.ts'
import { releasePoints } from '../../core/formats/elastic/points.ts'
import { ValueWriter } from '../../core/formats/elastic/values.ts'
import { type Counts, noCounts } from '../../core/formats/jaeger-es/counts.ts'
import { BodyBuffers } from './body-buffers.ts'
import type { Bulk } from './bulk.ts'
import { formatDate } from './date-format.ts'
import { type Documents, type Lose, UNMAPPABLE } from './documents.ts'
import { allowedText, CACHE_BYTES_MAX, type Kit } from './kit.ts'
import { MetricWriting } from './metric-writing.ts'
import type { ModesConfig } from './modes-config.ts'
import { Targets } from './targets.ts'
import { ItemWriting } from './writing.ts'

export class ModeBulks implements Documents {
  readonly buffers: BodyBuffers
  /** Of all caches together. */
  readonly caches = new CacheBudget(CACHE_BYTES_MAX)
  readonly #kit: Kit
  readonly #counts = noCounts()

  constructor(config: ModesConfig, maxBytes: number) {
    const { mode, allowed_modes, require_data_stream } = config.mapping
    this.buffers = new BodyBuffers(2 * maxBytes)
    const values = new ValueWriter()
    const { caches } = this
    const otelPoints = new OtelDocuments(values, caches, true)
    this.#kit = {
      config,
      maxBytes,
      buffers: this.buffers,
      defaultMode: mode === 'jaeger' ? 'otel' : mode,
      allowed: new Set(allowed_modes),
      targets: new Targets(require_data_stream, caches),
      values,
      otel: new OtelDocuments(values, caches),
      otelPoints,
      otelMetrics: new OtelMetricDocuments(otelPoints, caches),
      flat: {
        none: new FlatDocuments('none', values, caches),
        raw: new FlatDocuments('raw', values, caches),
        ecs: new FlatDocuments('ecs', values, caches),
      },
      ecsMetrics: new EcsMetricDocuments(values, caches),
    }
  }

  get counts(): Counts {
    const counts = this.#counts
    counts.invalidText = this.#kit.values.invalidText
    counts.fixedDurations = this.#kit.otel.fixedDurations
    return counts
  }

  landed(): void {}

  *bulks(batch: Batch, nowMs: number, lose: Lose): Generator<Bulk, void, undefined> {
    const kit = this.#kit
    const mode = askedMode(batch, kit)
    if (mode === undefined) {
      const said = metadataValues(batch.meta, MODE_METADATA).join(', ')
      lose(batch.items, UNMAPPABLE, `the sender asks for mapping mode "${said}", which ${allowedText(kit)}`)
      return
    }
    const suffix = suffixOf(kit.config, nowMs)
    if (batch.signal === 'metrics') yield* new MetricWriting(kit, mode, suffix, lose).bulks(batch.chunks)
    else if (batch.signal !== 'profiles')
      yield* new ItemWriting(kit, mode, batch.signal, suffix, lose).bulks(batch.chunks)
    this.#release()
  }

  #release(): void {
    const { otel, otelPoints, otelMetrics, flat, ecsMetrics } = this.#kit
    for (const one of [otel, otelPoints, otelMetrics, flat.none, flat.raw, flat.ecs, ecsMetrics])
      one.release()
    releasePoints()
  }
}

/** The mode of the request's metadata, else of the config; undefined when the request's cannot be had. */
function askedMode({ meta }: Batch, { defaultMode, allowed }: Kit): Mode | undefined {
  const asked = metadataValues(meta, MODE_METADATA)
  if (asked.length === 0) return defaultMode
  const mode = asked.length === 1 ? readMode(asked[0]!) : undefined
  return mode !== undefined && allowed.has(mode) ? mode : undefined
}

/** What stands behind the name of every index. */
function suffixOf({ logstash_format }: ModesConfig, nowMs: number): string {
  const { enabled, prefix_separator, date_format } = logstash_format
  return enabled ? prefix_separator + formatDate(date_format, new Date(nowMs)) : ''
}
