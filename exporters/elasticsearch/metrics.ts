/** What this exporter counts besides items: documents that failed, and what had to be changed in them. */

import type { Counts } from '../../core/formats/jaeger-es/counts.ts'
import type { MetricDeclaration } from '../../core/telemetry/metrics.ts'

export const FAILED_DOCUMENTS: MetricDeclaration = {
  kind: 'counter',
  name: 'sluice_elasticsearch_failed_documents',
  unit: '{documents}',
  help: 'Documents that Elasticsearch did not take, each time it did not, by its own word for the reason.',
  labels: ['exporter', 'error_type'],
  level: 'basic',
}

export const REPAIRS: MetricDeclaration = {
  kind: 'counter',
  name: 'sluice_elasticsearch_repairs',
  unit: '{repairs}',
  help: 'What was changed in documents: invalid_text, cut_value, fixed_duration, impossible_time.',
  labels: ['exporter', 'kind'],
  level: 'normal',
}

export const REPAIR_KINDS: readonly (readonly [kind: string, key: keyof Counts])[] = [
  ['invalid_text', 'invalidText'],
  ['cut_value', 'cutValues'],
  ['fixed_duration', 'fixedDurations'],
  ['impossible_time', 'impossibleTimes'],
]
