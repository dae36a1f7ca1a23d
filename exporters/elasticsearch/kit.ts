/** What writing documents in the Collector's modes needs, made once for each exporter. */

import type { EcsMetricDocuments } from '../../core/formats/elastic/ecs-metrics.ts'
import type { FlatDocuments } from '../../core/formats/elastic/flat-items.ts'
import type { Mode } from '../../core/formats/elastic/modes.ts'
import type { OtelDocuments } from '../../core/formats/elastic/otel.ts'
import type { OtelMetricDocuments } from '../../core/formats/elastic/otel-metrics.ts'
import type { StreamType } from '../../core/formats/elastic/route.ts'
import type { ValueWriter } from '../../core/formats/elastic/values.ts'
import type { BodyBuffers } from './body-buffers.ts'
import type { ModesConfig } from './modes-config.ts'
import type { Targets } from './targets.ts'

/** Shared by all batches: everything in it is ready for any document between two. */
export interface Kit {
  readonly config: ModesConfig
  readonly maxBytes: number
  readonly buffers: BodyBuffers
  readonly defaultMode: Mode
  readonly allowed: ReadonlySet<Mode>
  readonly targets: Targets
  readonly values: ValueWriter
  readonly otel: OtelDocuments
  /** As `otel`, but maps in attributes are texts. */
  readonly otelPoints: OtelDocuments
  readonly otelMetrics: OtelMetricDocuments
  readonly flat: Readonly<Record<'none' | 'raw' | 'ecs', FlatDocuments>>
  readonly ecsMetrics: EcsMetricDocuments
}

/** For all caches of an exporter together: what a few hundred services have takes a tenth of it. */
export const CACHE_BYTES_MAX = 8 * 1024 * 1024

/** Behind a mode that cannot be had. */
export function allowedText({ allowed }: Kit): string {
  return `is none of those that mapping.allowed_modes has: ${[...allowed].join(', ')}`
}

/** The index that the config has for a kind of data; '' when attributes decide. */
export function staticIndex(config: ModesConfig, type: StreamType): string {
  return config[`${type}_index`]
}
