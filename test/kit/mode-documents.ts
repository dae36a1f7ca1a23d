/** What the elasticsearch exporter makes of a request in one of the Collector's modes, without sending it. */

import { batchOf } from '../../core/component/batch.ts'
import { type Meta, NO_META } from '../../core/component/meta.ts'
import { countItems } from '../../core/otlp/walk.ts'
import type { ElasticsearchConfig } from '../../exporters/elasticsearch/config.ts'
import { factory } from '../../exporters/elasticsearch/index.ts'
import { ModeBulks } from '../../exporters/elasticsearch/mode-bulks.ts'
import type { Tree } from './node.ts'
import { encodeRequest } from './proto.ts'
import { readConfig } from './read-config.ts'

/** Whatever JSON has. */
type Json = ReturnType<typeof JSON.parse>

export interface Made {
  /** `{create: {...}}` in front of each. */
  readonly actions: readonly Json[]
  readonly documents: readonly Json[]
  /** As they are sent. */
  readonly texts: readonly string[]
  readonly losses: readonly { readonly items: number; readonly message: string }[]
  /** Of documents, and lost: as many as went in. */
  readonly items: number
  readonly bodies: number
}

export interface Asking {
  readonly mode?: string
  readonly config?: object
  readonly meta?: Meta
  readonly nowMs?: number
}

export type ItemSignal = 'logs' | 'metrics' | 'traces'

export function documentsOfBytes(
  signal: ItemSignal,
  chunks: readonly Uint8Array[],
  { mode = 'otel', config = {}, meta = NO_META, nowMs = 0 }: Asking = {},
): Made {
  const plain = { endpoint: 'http://127.0.0.1:9200', ...config } as { mapping?: object }
  const whole = { ...plain, mapping: { mode, ...plain.mapping } }
  const read = readConfig(factory.config, whole as Tree) as ElasticsearchConfig
  const items = chunks.reduce((sum, chunk) => sum + countItems(chunk, signal), 0)
  const losses: { items: number; message: string }[] = []
  const bulks = new ModeBulks(read, read.flush.bytes).bulks(
    batchOf(signal, chunks, items, meta),
    nowMs,
    (items, _reason, message) => losses.push({ items, message }),
  )
  const lines: string[] = []
  let bodies = 0
  let made = 0
  for (const bulk of bulks) {
    bodies++
    made += bulk.items.reduce((sum, one) => sum + one, 0)
    lines.push(...Buffer.from(bulk.bytes).toString().trimEnd().split('\n'))
  }
  const texts = lines.filter((_, i) => i % 2 === 1)
  return {
    actions: lines.filter((_, i) => i % 2 === 0).map(line => JSON.parse(line)),
    documents: texts.map(text => JSON.parse(text)),
    texts,
    losses,
    items: made + losses.reduce((sum, { items }) => sum + items, 0),
    bodies,
  }
}

export function documentsOf(signal: ItemSignal, request: Record<string, unknown>, asking: Asking = {}): Made {
  return documentsOfBytes(signal, [encodeRequest(signal, request)], asking)
}
