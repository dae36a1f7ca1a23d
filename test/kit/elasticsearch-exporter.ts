/** The elasticsearch exporter in mode jaeger, in front of a cluster that answers as a test says; and spans for it. */

import assert from 'node:assert/strict'
import { type Batch, batchOf } from '../../core/component/batch.ts'
import { type Exporter, NO_CONTEXT, type SendResult } from '../../core/component/contract.ts'
import { Refused } from '../../core/component/outcome.ts'
import type { ElasticsearchConfig } from '../../exporters/elasticsearch/config.ts'
import { factory } from '../../exporters/elasticsearch/index.ts'
import { FakeElasticsearch } from './fake-elasticsearch.ts'
import type { Tree } from './node.ts'
import { type TestSettings, testSettings } from './parts.ts'
import { encodeRequest } from './proto.ts'
import { readConfig } from './read-config.ts'

/** Spans whose operations are numbered, of one service. */
export function numberedSpans(
  count: number,
  changes: (n: number) => Record<string, unknown> = () => ({}),
  first = 0,
): Batch {
  const now = BigInt(Date.now()) * 1_000_000n
  const made = Array.from({ length: count }, (_, i) => ({
    traceId: Buffer.alloc(16, 1),
    spanId: Buffer.from([1, 2, 3, 4, 5, 6, (first + i) >> 8, (first + i) & 255]),
    name: 'operation',
    startTimeUnixNano: String(now),
    endTimeUnixNano: String(now + 1_000_000n),
    attributes: [{ key: 'n', value: { intValue: String(first + i) } }],
    ...changes(first + i),
  }))
  const resource = { attributes: [{ key: 'service.name', value: { stringValue: 'shop' } }] }
  const bytes = encodeRequest('traces', { resourceSpans: [{ resource, scopeSpans: [{ spans: made }] }] })
  return batchOf('traces', [bytes], count)
}

/** Which of `numberedSpans` a document is of. */
export function numberOf(document: { tags: { key: string; value: number }[] }): number {
  return document.tags.find(({ key }) => key === 'n')!.value
}

/** `config` over an endpoint and mode jaeger. `prepare` is called before the exporter starts. */
export async function withExporter(
  config: Tree,
  run: (exporter: Exporter, settings: TestSettings, cluster: FakeElasticsearch) => Promise<void>,
  prepare: (cluster: FakeElasticsearch) => void = () => {},
): Promise<void> {
  const cluster = await FakeElasticsearch.start()
  prepare(cluster)
  const settings = testSettings('exporter', 'elasticsearch')
  const whole = { endpoint: cluster.url, mapping: { mode: 'jaeger' }, ...(config as object) }
  const exporter = factory.create(readConfig(factory.config, whole) as ElasticsearchConfig, settings, [
    'traces',
  ])
  try {
    await exporter.start()
    await run(exporter, settings, cluster)
  } finally {
    await exporter.stop(performance.now() + 1000)
    await cluster.close()
  }
}

export function sendTo(exporter: Exporter, batch: Batch): Promise<SendResult> {
  return exporter.send(batch, NO_CONTEXT)
}

/** What `exporter` throws, which must be Refused. */
export async function refusedBy(exporter: Exporter, batch: Batch): Promise<Refused> {
  const error = await sendTo(exporter, batch).then(
    () => undefined,
    thrown => thrown,
  )
  assert.ok(error instanceof Refused, `${error}`)
  return error
}
