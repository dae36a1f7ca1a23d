/** What this exporter counts besides items: the Collector's names (exporter/prometheusremotewriteexporter 0.155). */

import type { MetricDeclaration } from '../../core/telemetry/metrics.ts'

function counter(name: string, unit: string, help: string): MetricDeclaration {
  return {
    kind: 'counter',
    name: `otelcol_exporter_prometheusremotewrite_${name}`,
    unit,
    help,
    labels: ['exporter', 'endpoint'],
    level: 'basic',
  }
}

export const TRANSLATED = counter('translated_time_series', '1', 'Series written into requests.')
export const FAILED = counter(
  'failed_translations',
  '1',
  'Batches with points that could not be written, each with a reason in sluice_dropped_items.',
)
export const BATCHES = counter('sent_batches', '{batch}', 'Requests sent, those sent again included.')
export const SAMPLES = counter(
  'written_samples',
  '{sample}',
  'Samples that servers say they wrote. Remote write 2.0 only.',
)
export const HISTOGRAMS = counter(
  'written_histograms',
  '{histogram}',
  'Native histograms that servers say they wrote. Remote write 2.0 only.',
)
export const EXEMPLARS = counter(
  'written_exemplars',
  '{exemplar}',
  'Exemplars that servers say they wrote. Remote write 2.0 only.',
)
export const CONSUMERS: MetricDeclaration = {
  kind: 'gauge',
  name: 'otelcol_exporter_prometheusremotewrite_consumers',
  unit: '{consumer}',
  help: 'Requests of one batch that may be sent at once.',
  labels: ['exporter', 'endpoint'],
  level: 'basic',
}
