/** Placeholder types; the prom-client implementation lives here too. */
export interface Counter {
  add(value: number, labels?: Readonly<Record<string, string>>): void
}
export interface Gauge {
  set(value: number, labels?: Readonly<Record<string, string>>): void
}
export interface Histogram {
  record(value: number, labels?: Readonly<Record<string, string>>): void
}
/** One declared metric: name as the Collector writes it, unit, help, labels. */
export interface MetricDeclaration {
  readonly kind: 'counter' | 'gauge' | 'histogram'
  /** OTel form with its `otelcol_` prefix and no unit or `_total` suffix: `otelcol_exporter_sent_spans`. */
  readonly name: string
  readonly unit: string
  readonly help: string
  readonly labels: readonly string[]
  readonly buckets?: readonly number[]
  /** Which `service.telemetry.metrics.level` it starts to appear at. */
  readonly level: 'basic' | 'normal' | 'detailed'
}
/** Where parts register the metrics they declare. Registering the same declaration twice gives the same handle. */
export interface MetricsRegistry {
  counter(declaration: MetricDeclaration): Counter
  gauge(declaration: MetricDeclaration): Gauge
  histogram(declaration: MetricDeclaration): Histogram
  /** A value read at collection time; returns a function that removes it. */
  observe(
    declaration: MetricDeclaration,
    labels: Readonly<Record<string, string>>,
    read: () => number,
  ): () => void
}
