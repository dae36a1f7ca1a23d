/** What the Collector's feature gates change: the config becomes one that says the same by its keys, as far as it can. */

import type { Host } from '../../core/component/contract.ts'
import type { SpanMetricsConfig } from './config.ts'
import { INSTANCE_ID } from './dimension-config.ts'

const DEFAULT_NAMESPACE = 'traces.span.metrics'

/** What no key says. */
export interface Switches {
  /** Metrics have the attributes of the resource. */
  readonly resourceAttributes: boolean
  /** `otel.status_code` instead of `status.code`. */
  readonly otelStatus: boolean
}

export const USUAL: Switches = { resourceAttributes: true, otelStatus: false }

export function gated(config: SpanMetricsConfig, host: Host): { config: SpanMetricsConfig } & Switches {
  const gate = (id: string, usual = false): boolean => host.gate?.(id) ?? usual
  const { histogram, preset, exclude_dimensions: excluded } = config
  const usualName = preset === '' && (config.namespace ?? DEFAULT_NAMESPACE) === DEFAULT_NAMESPACE
  const bare = usualName && gate('connector.spanmetrics.legacyMetricNames')
  const seconds = histogram.unit === undefined && gate('connector.spanmetrics.useSecondAsDefaultMetricsUnit')
  const nameless = !gate('connector.spanmetrics.includeCollectorInstanceID', true)
  return {
    config: {
      ...config,
      ...(bare ? { namespace: '' } : {}),
      ...(seconds ? { histogram: { ...histogram, unit: 's' } } : {}),
      ...(nameless ? { exclude_dimensions: [...excluded, INSTANCE_ID] } : {}),
    },
    resourceAttributes:
      config.add_resource_attributes || !gate('connector.spanmetrics.excludeResourceMetrics'),
    otelStatus: gate('spanmetrics.statusCodeConvention.useOtelPrefix'),
  }
}
