/**
 * `count`: how many spans, span events, metrics, data points, log records or profiles passed, as metrics.
 *
 *     connectors:
 *       count:
 *         logs:
 *           app.errors:
 *             description: Errors, by environment.
 *             conditions: ['severity_number >= SEVERITY_NUMBER_ERROR']
 *             attributes: [{key: env, default_value: none}]
 *
 * Contrib's countconnector 0.155: each request of data makes a request of delta sums, which the sender waits for. What
 * conditions may say is in core/ottl/README.md.
 */

import { type Batch, batchOf } from '../../core/component/batch.ts'
import type { Connector, ConnectorFactory, ConsumeContext } from '../../core/component/contract.ts'
import type { DropReason } from '../../core/component/ledger.ts'
import { ACCEPTED, type Receipt } from '../../core/component/outcome.ts'
import { MADE_INTO_METRICS } from '../../core/component/outlet.ts'
import { MetricsWriter } from '../../core/otlp/metrics-writer.ts'
import { SIGNALS } from '../../core/otlp/signals.ts'
import { type CountConfig, config } from './config.ts'
import { Counting } from './walk.ts'

const REJECTED_DOWNSTREAM: DropReason = { name: 'rejected_downstream', intended: false }

export const factory: ConnectorFactory<CountConfig> = {
  kind: 'connector',
  type: 'count',
  doc: 'Counts spans, span events, metrics, data points, log records and profiles, as metrics.',
  stability: 'beta',
  config,
  routes: SIGNALS.map(signal => [signal, 'metrics'] as const),
  create(config, settings, next): Connector {
    const signal = settings.signal!
    const { account } = settings
    const counting = new Counting(config, signal)
    const writer = new MetricsWriter(4096)
    return {
      async start() {},
      async stop() {},
      admit: () => next.admit?.('metrics'),
      async consume(batch: Batch, context: ConsumeContext): Promise<Receipt> {
        const now = BigInt(Date.now()) * 1_000_000n
        for (const chunk of batch.chunks) counting.count(chunk, writer, now)
        counting.release()
        const { points } = writer
        const bytes = writer.take()
        if (points > 0) {
          const { rejected } = await next.consume(batchOf('metrics', [bytes], points, batch.meta), context)
          account.create('metrics', points)
          account.drop('metrics', Math.min(rejected, points), REJECTED_DOWNSTREAM)
        }
        account.drop(signal, batch.items, MADE_INTO_METRICS)
        return ACCEPTED
      },
    }
  },
}
