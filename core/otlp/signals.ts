/**
 * The four signals and what they are called in the places that name them.
 * All four requests nest alike: resource entries are field 1 of the request, scope entries field 2 of a resource
 * entry, items field 2 of a scope entry. Metrics have a fourth level (data points inside a metric).
 */

export const SIGNALS = ['traces', 'metrics', 'logs', 'profiles'] as const
export type Signal = (typeof SIGNALS)[number]

export interface SignalWords {
  /** What one item is called in metric names: `otelcol_receiver_accepted_<items>`. */
  readonly items: string
  /** Default URL path of OTLP/HTTP. */
  readonly path: string
  /** gRPC method, as in `:path`. */
  readonly method: string
}

export const SIGNAL_WORDS: Readonly<Record<Signal, SignalWords>> = {
  traces: {
    items: 'spans',
    path: '/v1/traces',
    method: '/opentelemetry.proto.collector.trace.v1.TraceService/Export',
  },
  metrics: {
    items: 'metric_points',
    path: '/v1/metrics',
    method: '/opentelemetry.proto.collector.metrics.v1.MetricsService/Export',
  },
  logs: {
    items: 'log_records',
    path: '/v1/logs',
    method: '/opentelemetry.proto.collector.logs.v1.LogsService/Export',
  },
  profiles: {
    items: 'profile_samples',
    path: '/v1development/profiles',
    method: '/opentelemetry.proto.collector.profiles.v1development.ProfilesService/Export',
  },
}

/** What the request of each signal is called in the .proto files, and so in messages.ts. */
export const REQUESTS: Readonly<Record<Signal, string>> = {
  traces: 'ExportTraceServiceRequest',
  metrics: 'ExportMetricsServiceRequest',
  logs: 'ExportLogsServiceRequest',
  profiles: 'ExportProfilesServiceRequest',
}
