/** The elasticsearch exporter behind its sending chain, and spans that are numbered. */

import { type Batch, batchOf } from '../../core/component/batch.ts'
import type { Consumer, Part } from '../../core/component/contract.ts'
import { sendingChain } from '../../core/component/sending.ts'
import type { ElasticsearchConfig } from '../../exporters/elasticsearch/config.ts'
import { factory } from '../../exporters/elasticsearch/index.ts'
import { eventually } from '../services/process.ts'
import { assertBalanced } from './balance.ts'
import { consumeAsEdge } from './exporter.ts'
import type { Tree } from './node.ts'
import { type TestSettings, testSettings } from './parts.ts'
import { encodeRequest } from './proto.ts'
import { readConfig } from './read-config.ts'

export interface RunningChain {
  readonly chain: Consumer & Part
  readonly settings: TestSettings
  send(batch: Batch): Promise<void>
  /** Resolves when nothing is held any longer. */
  idle(): Promise<void>
  /** Items by what became of them. */
  outcome(): Record<string, number>
}

/** Runs with the chain, stops it, and checks that its ledger balances. */
export async function withChain(
  url: string,
  config: Tree,
  run: (running: RunningChain) => Promise<void>,
): Promise<void> {
  const settings = testSettings('exporter', 'elasticsearch')
  const plain = {
    endpoint: url,
    mapping: { mode: 'jaeger' },
    retry: { initial_interval: '50ms', max_interval: '500ms' },
    sending_queue: { batch: { enabled: false } },
    ...(config as object),
  }
  const read = readConfig(factory.config, plain) as ElasticsearchConfig
  const chain = sendingChain(factory.create(read, settings, ['traces']), factory.sending!(read), settings)
  const page = settings.account.of('traces')
  await chain.start()
  try {
    await run({
      chain,
      settings,
      send: async batch => void (await consumeAsEdge(chain, settings.account, batch)),
      idle: async () => void (await eventually(() => page.held === 0 || undefined, 'an empty queue', 60_000)),
      outcome: () => ({
        out: page.out,
        ...Object.fromEntries([...page.dropped].map(([reason, { items }]) => [reason, items])),
      }),
    })
  } finally {
    await chain.stop(performance.now() + 5000)
  }
  assertBalanced([settings.account])
}

/** The `jaeger` section for a node of tests. */
export const jaeger = (prefix: string, more: object = {}) => ({
  version: '8',
  indices: {
    index_prefix: prefix,
    spans: { shards: 1, replicas: 0 },
    services: { shards: 1, replicas: 0 },
  },
  ...more,
})

/** One request of spans of three operations, a few hundred bytes each. */
export function spans(
  numbers: readonly number[],
  attribute: (n: number) => object = () => ({ stringValue: 'x' }),
): Batch {
  const now = BigInt(Date.now()) * 1_000_000n
  const made = numbers.map(n => ({
    traceId: Buffer.alloc(16, 7),
    spanId: Buffer.from([0, 0, 0, 1, 0, 0, n >> 8, n & 255]),
    name: `operation ${n % 3}`,
    startTimeUnixNano: String(now),
    endTimeUnixNano: String(now + 5_000_000n),
    attributes: [
      { key: 'n', value: { intValue: String(n) } },
      { key: 'value', value: attribute(n) },
    ],
  }))
  const resource = { attributes: [{ key: 'service.name', value: { stringValue: 'shop' } }] }
  const bytes = encodeRequest('traces', { resourceSpans: [{ resource, scopeSpans: [{ spans: made }] }] })
  return batchOf('traces', [bytes], numbers.length)
}

export const range = (length: number, from = 0) => Array.from({ length }, (_, i) => from + i)
