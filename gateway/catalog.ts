/**
 * The one list of all components. Each is loaded on first use, so that a sidecar does not carry clients it does not
 * run. Types and aliases stand here as well as in the factories, so that a config can be checked against names
 * without loading anything; a test compares the two.
 */

import type { Factory } from '../core/component/contract.ts'

export type Kind = Factory['kind']

export interface CatalogEntry {
  readonly kind: Kind
  readonly type: string
  readonly aliases: readonly string[]
  readonly load: () => Promise<Factory>
}

function entry(
  kind: Kind,
  type: string,
  load: () => Promise<{ factory: Factory }>,
  ...aliases: string[]
): CatalogEntry {
  return { kind, type, aliases, load: async () => (await load()).factory }
}

export const CATALOG: readonly CatalogEntry[] = [
  entry('receiver', 'kafka', () => import('../receivers/kafka/index.ts')),
  entry('receiver', 'otlp', () => import('../receivers/otlp/index.ts')),
  entry('receiver', 'prometheus', () => import('../receivers/prometheus/index.ts')),
  entry('processor', 'attributes', () => import('../processors/attributes.ts')),
  entry('processor', 'batch', () => import('../processors/batch/index.ts')),
  entry('processor', 'memory_limiter', () => import('../processors/memory-limiter.ts')),
  entry('processor', 'probabilistic_sampler', () => import('../processors/probabilistic-sampler/index.ts')),
  entry('processor', 'resource', () => import('../processors/resource.ts')),
  entry('exporter', 'debug', () => import('../exporters/debug/index.ts')),
  entry('exporter', 'elasticsearch', () => import('../exporters/elasticsearch/index.ts')),
  entry('exporter', 'file', () => import('../exporters/file/index.ts')),
  entry(
    'exporter',
    'jaeger_storage_exporter',
    () => import('../exporters/elasticsearch/storage-exporter.ts'),
  ),
  entry('exporter', 'kafka', () => import('../exporters/kafka/index.ts')),
  entry('exporter', 'nop', () => import('../exporters/nop.ts')),
  entry('exporter', 'otlp_grpc', () => import('../exporters/otlp-grpc.ts'), 'otlp'),
  entry('exporter', 'otlp_http', () => import('../exporters/otlp-http.ts'), 'otlphttp'),
  entry('exporter', 'prometheus', () => import('../exporters/prometheus/index.ts')),
  entry(
    'exporter',
    'prometheus_remote_write',
    () => import('../exporters/prometheus-remote-write/index.ts'),
    'prometheusremotewrite',
  ),
  entry('connector', 'count', () => import('../connectors/count/index.ts')),
  entry('connector', 'forward', () => import('../connectors/forward.ts')),
  entry('connector', 'service_graph', () => import('../connectors/servicegraph/index.ts'), 'servicegraph'),
  entry('connector', 'span_metrics', () => import('../connectors/spanmetrics/index.ts'), 'spanmetrics'),
  entry('extension', 'basicauth', () => import('../extensions/basicauth/index.ts')),
  entry('extension', 'bearertokenauth', () => import('../extensions/bearertokenauth.ts')),
  entry('extension', 'headers_setter', () => import('../extensions/headers-setter.ts')),
  entry('extension', 'health_check', () => import('../extensions/health-check.ts')),
  entry('extension', 'jaeger_storage', () => import('../exporters/elasticsearch/jaeger-storage.ts')),
  entry('extension', 'oauth2client', () => import('../extensions/oauth2client/index.ts')),
  entry('extension', 'pprof', () => import('../extensions/pprof.ts')),
  entry('extension', 'zpages', () => import('../extensions/zpages.ts')),
]

/** Not a component: what leads other processes, for gateways that have some. */
export async function loadCrew() {
  return (await import('./workers/crew.ts')).Crew
}

/** Not a component either, and loaded as late: it encodes the gateway's own signals and brings half of the SDK along. */
export async function loadOtlpEncoder() {
  return (await import('../core/telemetry/otlp-export.ts')).OtlpEncoder
}
