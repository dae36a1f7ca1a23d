/**
 * `batch`: merges requests into batches of `send_batch_size` items, and splits those above `send_batch_max_size`.
 *
 *     processors:
 *       batch:
 *         send_batch_size: 8192
 *         timeout: 200ms
 *
 * The Collector's keys (processor/batchprocessor 0.155), with better manners when something goes wrong:
 *
 * - It settles once the request sits in its buffer, which `max_buffer_bytes` bounds. A full buffer makes senders wait.
 * - A batch that the next part refuses is tried again while the buffer has room for what arrives; then the oldest such
 *   batch is dropped and counted. (The Collector drops at the first refusal, and only logs it.)
 * - When an exporter downstream keeps what it acknowledges (`wait_for_result`), nothing is acknowledged here either:
 *   each sender waits for the batch that carries its last item, and is told its outcome.
 *
 * `sending_queue.batch` of the exporters does the same behind the queue and is the better choice for a new config.
 */

import type { ProcessorFactory } from '../../core/component/contract.ts'
import { SIGNALS } from '../../core/otlp/signals.ts'
import { BATCH_METRICS, type BatchConfig, config } from './config.ts'
import { BatchProcessor } from './processor.ts'

export const factory: ProcessorFactory<BatchConfig> = {
  kind: 'processor',
  type: 'batch',
  doc: 'Merges requests into larger batches.',
  stability: 'beta',
  signals: SIGNALS,
  config,
  metrics: BATCH_METRICS,
  mergesBy: ({ metadata_keys }) => metadata_keys,
  create: (config, settings, next) => new BatchProcessor(config, settings, next),
}
