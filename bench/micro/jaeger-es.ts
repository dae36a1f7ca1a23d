/** What it costs to write spans as Jaeger's documents for Elasticsearch, and to compress them. */

import { gzipSync } from 'node:zlib'
import { batchOf } from '../../core/component/batch.ts'
import { JaegerBulks } from '../../exporters/elasticsearch/jaeger-bulks.ts'
import { type JaegerConfig, jaegerSection } from '../../exporters/elasticsearch/jaeger-config.ts'
import { realisticTraces } from '../../test/kit/realistic.ts'
import type { Case } from './harness.ts'

const SPANS = 512
const MAX_BYTES = 5_000_000
const request = realisticTraces(SPANS, 1)
const batch = batchOf('traces', [request], SPANS)
const ALWAYS_FIELDS = new Set(['span.kind', 'error'])

function writing(changes: Partial<JaegerConfig>): () => number {
  const bulks = new JaegerBulks({ ...jaegerSection.absent(), ...changes }, MAX_BYTES, ALWAYS_FIELDS)
  const now = Date.now()
  for (const { keys } of bulks.bulks(batch, now))
    for (const key of keys) if (key !== undefined) bulks.landed(key, now)
  return () => {
    let bytes = 0
    for (const bulk of bulks.bulks(batch, now)) {
      bytes += bulk.bytes.length
      bulks.buffers.giveBack(bulk.bytes)
    }
    return bytes
  }
}

function written(): Uint8Array {
  const bulks = new JaegerBulks(jaegerSection.absent(), MAX_BYTES, ALWAYS_FIELDS)
  return [...bulks.bulks(batch, Date.now())][0]!.bytes
}

function compressing(level: number): () => number {
  const bytes = written()
  return () => gzipSync(bytes, { level }).length
}

const same = { items: SPANS, bytes: request.length }

export const cases: readonly Case[] = [
  { name: 'write jaeger documents', ...same, prepare: () => writing({}) },
  { name: 'the same without ids', ...same, prepare: () => writing({ deterministic_ids: false }) },
  { name: 'gzip them, level 1', ...same, prepare: () => compressing(1) },
  { name: 'gzip them, level 6', ...same, prepare: () => compressing(6) },
]
