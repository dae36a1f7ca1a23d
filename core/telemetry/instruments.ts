/** What parts see of the gateway's own metrics: how one is declared, and the handles they count with. */

export type Labels = Readonly<Record<string, string>>

export interface BoundCounter {
  add(value: number): void
}
export interface Counter extends BoundCounter {
  add(value: number, labels?: Labels): void
  /** The cell of one label set: what hot paths keep, so that an addition looks nothing up. */
  bind(labels: Labels): BoundCounter
}

export interface BoundGauge {
  set(value: number): void
}
export interface Gauge extends BoundGauge {
  set(value: number, labels?: Labels): void
  bind(labels: Labels): BoundGauge
}

export interface BoundHistogram {
  record(value: number): void
}
export interface Histogram extends BoundHistogram {
  record(value: number, labels?: Labels): void
  bind(labels: Labels): BoundHistogram
}

export type MetricKind = 'counter' | 'gauge' | 'histogram'

/** One declared metric: name as the Collector writes it, unit, help, labels. */
export interface MetricDeclaration {
  readonly kind: MetricKind
  /** OTel form with its `otelcol_` prefix and no unit or `_total` suffix: `otelcol_exporter_sent_spans`. */
  readonly name: string
  /** UCUM: `s`, `By`, `{spans}`. */
  readonly unit: string
  readonly help: string
  /** Label names; a label that is not declared here is not recorded. */
  readonly labels: readonly string[]
  /** Upper bounds of a histogram's buckets, ascending; required for one. */
  readonly buckets?: readonly number[]
  /** How values of several processes become one (merge.ts); `sum` when not given. */
  readonly merge?: 'sum' | 'max'
  /** Which `service.telemetry.metrics.level` it starts to appear at. */
  readonly level: 'basic' | 'normal' | 'detailed'
}

/** Where parts register the metrics they declare. Registering the same declaration twice gives the same handle. */
export interface MetricsRegistry {
  counter(declaration: MetricDeclaration): Counter
  gauge(declaration: MetricDeclaration): Gauge
  histogram(declaration: MetricDeclaration): Histogram
  /** A value read at collection time (counter or gauge); returns a function that removes it. */
  observe(declaration: MetricDeclaration, labels: Labels, read: () => number): () => void
}
