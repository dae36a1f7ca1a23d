/** The kafka exporter in front of brokers that are not there, and a batch that falls into parts. */

import type { TestContext } from 'node:test'
import { type Batch, batchOf } from '../../core/component/batch.ts'
import { NO_CONTEXT } from '../../core/component/contract.ts'
import { type Meta, NO_META } from '../../core/component/meta.ts'
import type { Signal } from '../../core/otlp/signals.ts'
import { config } from '../../exporters/kafka/config.ts'
import { KafkaExporter } from '../../exporters/kafka/index.ts'
import { FakeKafka } from './fake-kafka.ts'
import { numbersOf } from './numbered.ts'
import { testSettings } from './parts.ts'
import { encodeRequest } from './proto.ts'
import { readConfig } from './read-config.ts'

const FAST = { producer: { linger: '0s' } }

export async function setup(t: TestContext, plain: Record<string, unknown> = {}, kafka = new FakeKafka()) {
  const producer = { ...FAST.producer, ...(plain['producer'] as object) }
  const value = readConfig(config, { ...plain, producer })
  const settings = testSettings('exporter', 'kafka')
  const exporter = new KafkaExporter(value, settings, kafka.open)
  await exporter.start()
  t.after(() => exporter.stop(0))
  return { kafka, exporter, settings, value, send: (batch: Batch) => exporter.send(batch, NO_CONTEXT) }
}

export const meta = (values: Record<string, string[]>): Meta => ({
  ...NO_META,
  metadata: new Map(Object.entries(values)),
})

export function numbersIn(kafka: FakeKafka, signal: Signal = 'traces'): number[][] {
  return kafka.records.map(({ value }) => numbersOf(batchOf(signal, [value], 0)))
}

export const id = (digit: string) => digit.repeat(32)

/** Two resources; the first has two scopes, and trace a in both. */
export const TRACES = batchOf(
  'traces',
  [
    encodeRequest('traces', {
      resourceSpans: [
        {
          resource: { attributes: [{ key: 'k', value: { stringValue: 'topic-one' } }] },
          schemaUrl: 'resource schema',
          scopeSpans: [
            {
              scope: { name: 'first' },
              schemaUrl: 'scope schema',
              spans: [
                { traceId: Buffer.from(id('a'), 'hex'), name: 'item 1' },
                { traceId: Buffer.from(id('b'), 'hex'), name: 'item 2' },
                { traceId: Buffer.from(id('a'), 'hex'), name: 'item 3' },
              ],
            },
            {
              scope: { name: 'second' },
              spans: [{ traceId: Buffer.from(id('a'), 'hex'), name: 'item 4' }],
            },
          ],
        },
        { scopeSpans: [{ spans: [{ name: 'item 5' }] }] },
      ],
    }),
  ],
  5,
)
