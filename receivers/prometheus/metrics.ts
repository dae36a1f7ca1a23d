/** What the prometheus receiver measures besides what its edge counts. Ours: the Collector shows Prometheus' own instead. */

import type { MetricDeclaration, MetricsRegistry } from '../../core/telemetry/metrics.ts'
import type { FailureReason } from './fetch.ts'

function declare(
  kind: 'counter' | 'gauge',
  word: string,
  unit: string,
  help: string,
  label: string,
): MetricDeclaration {
  return {
    kind,
    name: `sluice_prometheus_receiver_${word}`,
    unit,
    help,
    labels: ['receiver', 'job', label].filter(one => one !== ''),
    level: 'basic',
  }
}

const SCRAPES = declare(
  'counter',
  'scrapes',
  '{scrape}',
  'Scrapes by how they ended: ok, a reason for up being 0, or skipped because the pipeline takes nothing now.',
  'outcome',
)
const LEFT_OUT = declare(
  'counter',
  'left_out_samples',
  '{sample}',
  'Samples of good pages that became no point: duplicate, in_the_future, other_time, no_bound or other_type.',
  'reason',
)
const TARGETS = declare('gauge', 'targets', '{target}', 'Targets that are scraped.', '')
const TARGETS_FAILED = declare(
  'counter',
  'bad_targets',
  '{target}',
  'Targets that a discovery gave and that cannot be scraped, or are too many, each time that they were looked at.',
  '',
)

export const PROMETHEUS_RECEIVER_METRICS: readonly MetricDeclaration[] = [
  SCRAPES,
  LEFT_OUT,
  TARGETS,
  TARGETS_FAILED,
]

export type Outcome = 'ok' | 'skipped' | FailureReason

/** The handles of one job. */
export class JobMeters {
  readonly #metrics: MetricsRegistry
  readonly #labels: Readonly<Record<string, string>>

  constructor(metrics: MetricsRegistry, receiver: string, job: string) {
    this.#metrics = metrics
    this.#labels = { receiver, job }
  }

  scraped(outcome: Outcome): void {
    this.#metrics.counter(SCRAPES).add(1, { ...this.#labels, outcome })
  }

  leftOut(reason: string, samples: number): void {
    this.#metrics.counter(LEFT_OUT).add(samples, { ...this.#labels, reason })
  }

  badTargets(count: number): void {
    if (count > 0) this.#metrics.counter(TARGETS_FAILED).add(count, this.#labels)
  }

  /** Returns how to take it back. */
  observeTargets(read: () => number): () => void {
    return this.#metrics.observe(TARGETS, this.#labels, read)
  }
}
