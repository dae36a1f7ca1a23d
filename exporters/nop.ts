/**
 * `nop`: takes everything and keeps nothing. For trying out what stands before it, and for measuring it.
 *
 *     exporters:
 *       nop:
 *
 * No sending queue, as in the Collector (exporter/nopexporter 0.155): what arrives counts as sent at once.
 */

import { section } from '../config/schema.ts'
import type { Batch } from '../core/component/batch.ts'
import type { Exporter, ExporterFactory, SendResult } from '../core/component/contract.ts'
import { SIGNALS } from '../core/otlp/signals.ts'

const config = section({}, { doc: 'nop has no keys.' })

const nop: Exporter = {
  returnsBytes: true,
  async start(): Promise<void> {},
  async stop(): Promise<void> {},
  async send(batch: Batch): Promise<SendResult> {
    return { sent: batch.items }
  },
}

export const factory: ExporterFactory<Record<string, never>> = {
  kind: 'exporter',
  type: 'nop',
  doc: 'Takes everything and keeps nothing; for trials and measurements.',
  stability: 'stable',
  signals: SIGNALS,
  config,
  liveSignals: true,
  create: () => nop,
}
