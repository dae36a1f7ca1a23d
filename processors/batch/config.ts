/** Keys and metrics of the batch processor; index.ts says what it does. */

import { duration, integer, list, section, text, type ValueOf } from '../../config/schema.ts'
import { BYTE_BUCKETS, ITEM_BUCKETS } from '../../core/component/metrics.ts'
import { repeated } from '../../core/component/sending-config.ts'
import type { MetricDeclaration } from '../../core/telemetry/metrics.ts'

export const config = section(
  {
    timeout: duration({
      default: '200ms',
      doc: 'A batch leaves after this long, however small. 0: everything leaves at once.',
    }),
    send_batch_size: integer({
      default: 8192,
      min: 0,
      doc: 'A batch leaves once it has this many items. 0: everything leaves at once.',
    }),
    send_batch_max_size: integer({
      default: 0,
      min: 0,
      doc: 'Batches with more items are split. 0 means no limit.',
    }),
    metadata_keys: list(text({ doc: 'A metadata key.' }), {
      doc: 'Requests whose values of these client metadata keys differ are not merged. auth.NAME is an attribute of the sender that the authenticator found, such as auth.username.',
    }),
    metadata_cardinality_limit: integer({
      default: 1000,
      min: 0,
      doc: 'How many combinations of these values may be buffered at once; more are refused. 0 means no limit.',
    }),
    max_buffer_bytes: integer({
      default: 64 * 1024 * 1024,
      min: 0,
      doc: 'Sluice only: how much the buffer holds, in bytes. When it is full, senders wait. 0 means no limit.',
    }),
  },
  {
    doc: 'Merges requests into larger batches.',
    check({ send_batch_size: size, send_batch_max_size: max, metadata_keys: keys }, report) {
      if (max > 0 && max < size)
        report.error('send_batch_max_size', `is less than send_batch_size (${size})`, `write ${size} or more`)
      const twice = repeated(keys)
      if (twice !== undefined) report.error('metadata_keys', `has "${twice}" twice`, 'write it once')
    },
  },
)

export type BatchConfig = ValueOf<typeof config>

const LABELS = ['processor']

function counted(name: string, help: string): MetricDeclaration {
  const full = `otelcol_processor_batch_${name}`
  return { kind: 'counter', name: full, unit: '{time}', help, labels: LABELS, level: 'normal' }
}

export const BY_SIZE = counted(
  'batch_size_trigger_send',
  'Number of times the batch was sent due to a size trigger.',
)
export const BY_TIME = counted(
  'timeout_trigger_send',
  'Number of times the batch was sent due to a timeout trigger.',
)
export const SEND_SIZE: MetricDeclaration = {
  kind: 'histogram',
  name: 'otelcol_processor_batch_batch_send_size',
  unit: '{unit}',
  help: 'Number of items in the batch.',
  labels: LABELS,
  buckets: ITEM_BUCKETS,
  level: 'normal',
}
export const SEND_SIZE_BYTES: MetricDeclaration = {
  kind: 'histogram',
  name: 'otelcol_processor_batch_batch_send_size_bytes',
  unit: 'By',
  help: 'Number of bytes in the batch that was sent.',
  labels: LABELS,
  buckets: BYTE_BUCKETS,
  level: 'detailed',
}
export const CARDINALITY: MetricDeclaration = {
  kind: 'gauge',
  name: 'otelcol_processor_batch_metadata_cardinality',
  unit: '{combination}',
  help: 'Number of distinct metadata value combinations being processed.',
  labels: LABELS,
  level: 'normal',
}

export const BATCH_METRICS: readonly MetricDeclaration[] = [
  BY_SIZE,
  BY_TIME,
  SEND_SIZE,
  SEND_SIZE_BYTES,
  CARDINALITY,
]
