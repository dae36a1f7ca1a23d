/**
 * `forward`: joins pipelines of one signal. What a pipeline exports to it enters the pipelines that receive from it,
 * unchanged and without a queue, so outcomes reach the sender as if it were one pipeline.
 */

import { section } from '../config/schema.ts'
import type { Connector, ConnectorFactory } from '../core/component/contract.ts'
import { SIGNALS } from '../core/otlp/signals.ts'

export const factory: ConnectorFactory = {
  kind: 'connector',
  type: 'forward',
  doc: 'Hands everything from the pipelines that export to it to the pipelines that receive from it.',
  stability: 'beta',
  config: section({}, { doc: 'Forward has no settings.' }),
  routes: SIGNALS.map(signal => [signal, signal] as const),
  create(_config, _settings, next): Connector {
    return {
      async start() {},
      async stop() {},
      consume: (batch, context) => next.consume(batch, context),
      admit: signal => next.admit?.(signal),
    }
  },
}
