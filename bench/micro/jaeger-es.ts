/** What it costs to write spans as Jaeger's documents for Elasticsearch, and to compress them. */

import { gzipSync } from 'node:zlib'
import { batchOf } from '../../core/component/batch.ts'
import { JaegerBulks } from '../../exporters/elasticsearch/jaeger-bulks.ts'
import { type JaegerConfig, jaegerSection } from '../../exporters/elasticsearch/jaeger-config.ts'
import { realisticTraces } from '../../test/kit/realistic.ts'
import type { Case } from './harness.ts'

const SPANS = 512
const MAX_BYTES = 5_000_000
/** They take turns, so that values of which there are many do not come again soon. */
const requests = Array.from({ length: 64 }, (_, nth) => realisticTraces(SPANS, nth + 1))
const batches = requests.map(request => batchOf('traces', [request], SPANS))
const ALWAYS_FIELDS = new Set(['span.kind', 'error'])

function writing(changes: Partial<JaegerConfig>, packs = false): () => number {
  const bulks = new JaegerBulks({ ...jaegerSection.absent(), ...changes }, MAX_BYTES, ALWAYS_FIELDS, packs)
  const now = Date.now()
  for (const batch of batches)
    for (const { keys } of bulks.bulks(batch, now))
      for (const key of keys) if (key !== undefined) bulks.landed(key, now)
  let nth = 0
  return () => {
    let bytes = 0
    for (const bulk of bulks.bulks(batches[nth++ % batches.length]!, now)) {
      bytes += (bulk.gzip ?? bulk.bytes).length
      if (bulk.gzip === undefined) bulks.buffers.giveBack(bulk.bytes)
      else bulks.packed.giveBack(bulk.gzip)
    }
    return bytes
  }
}

function written(): Uint8Array {
  const bulks = new JaegerBulks(jaegerSection.absent(), MAX_BYTES, ALWAYS_FIELDS)
  return [...bulks.bulks(batches[0]!, Date.now())][0]!.bytes
}

function compressing(level: number): () => number {
  const bytes = written()
  return () => gzipSync(bytes, { level }).length
}

const same = { items: SPANS, bytes: requests[0]!.length }

export const cases: readonly Case[] = [
  { name: 'write jaeger documents', ...same, prepare: () => writing({}) },
  { name: 'the same without ids', ...same, prepare: () => writing({ deterministic_ids: false }) },
  { name: 'write and compress them', ...same, prepare: () => writing({}, true) },
  { name: 'gzip them, level 1', ...same, prepare: () => compressing(1) },
  { name: 'gzip them, level 6', ...same, prepare: () => compressing(6) },
]
