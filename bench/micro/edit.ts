/** Editing in place: what one span costs in each processor that is built on it. Seeded; 512 spans of 13 attributes. */

import type { Schema } from '../../config/schema.ts'
import { AttributeTable } from '../../core/otlp/attributes.ts'
import { KeySet } from '../../core/otlp/keys.ts'
import { CHANGE, DROP, type Editor, KEEP, Rewriter } from '../../core/otlp/rewrite.ts'
import type { SamplerConfig } from '../../processors/probabilistic-sampler/config.ts'
import { factory as sampler } from '../../processors/probabilistic-sampler/index.ts'
import { LogEditor } from '../../processors/probabilistic-sampler/logs.ts'
import { Sampler } from '../../processors/probabilistic-sampler/sampler.ts'
import { SpanEditor } from '../../processors/probabilistic-sampler/spans.ts'
import { Tally } from '../../processors/probabilistic-sampler/tally.ts'
import { testSettings } from '../../test/kit/parts.ts'
import { encodeRequest } from '../../test/kit/proto.ts'
import { Random } from '../../test/kit/random.ts'
import type { Case } from './harness.ts'

const SPANS = 512
const KEYS = [
  'http.method',
  'http.url',
  'http.status_code',
  'net.peer.name',
  'net.peer.port',
  'user.id',
  'thread.id',
  'thread.name',
  'db.system',
  'db.statement',
  'code.function',
  'enduser.role',
  'custom.flag',
]

const random = new Random(42)
const items = Array.from({ length: SPANS }, (_, i) => ({
  traceId: random.bytes(16),
  spanId: random.bytes(8),
  attributes: KEYS.map((key, j) => ({
    key,
    value: j % 3 === 2 ? { intValue: String(i * j) } : { stringValue: `value-${'x'.repeat(10 + j)}${i}` },
  })),
}))
const resource = { attributes: [{ key: 'service.name', value: { stringValue: 'shop' } }] }
const spans = items.map((item, i) => ({
  ...item,
  parentSpanId: random.bytes(8),
  name: `GET /api/users/${i}`,
  kind: 2,
  startTimeUnixNano: '1700000000000000000',
  endTimeUnixNano: '1700000000001000000',
  status: {},
}))
const traces = Buffer.from(
  encodeRequest('traces', { resourceSpans: [{ resource, scopeSpans: [{ scope: { name: 'lib' }, spans }] }] }),
)
const logs = Buffer.from(
  encodeRequest('logs', { resourceLogs: [{ resource, scopeLogs: [{ logRecords: items }] }] }),
)

/** Deletes one key and inserts another, when `present` is there. */
function deleteAndInsert(present: string): Editor {
  const table = new AttributeTable(new KeySet([present, 'deployment.environment']))
  const value = Uint8Array.of(0x0a, 4, 0x70, 0x72, 0x6f, 0x64)
  return {
    item(bytes, start, stop) {
      table.read(bytes, start, stop, 9)
      const row = table.find(0)
      if (row < 0) return KEEP
      table.remove(row)
      table.put(1, value)
      return CHANGE
    },
    write: patch => table.write(patch),
  }
}

function sampling(signal: 'traces' | 'logs', written: Partial<SamplerConfig>): Editor {
  const config = { ...(sampler.config as Schema<SamplerConfig>).absent(), ...written }
  const one = new Sampler(config)
  const tally = new Tally(testSettings('processor', 'probabilistic_sampler', signal), '')
  return signal === 'logs' ? new LogEditor(config, one, tally) : new SpanEditor(one, tally)
}

/** The editor is made in `prepare`: what it remembers belongs to one measurement. */
function editing(name: string, editor: () => Editor, signal: 'traces' | 'logs' = 'traces'): Case {
  const request = signal === 'logs' ? logs : traces
  return {
    name,
    items: SPANS,
    bytes: request.length,
    prepare: () => {
      const rewriter = new Rewriter(signal, editor())
      return () => rewriter.rewrite(request).length
    },
  }
}

function dropsEveryOther(): Editor {
  let nth = 0
  return { dropsEmpty: true, item: () => (nth++ % 2 === 0 ? DROP : KEEP) }
}

export const cases: readonly Case[] = [
  editing('edit: visit every span', () => ({ item: () => KEEP })),
  editing('edit: look for a key no span has', () => deleteAndInsert('no.such.key')),
  editing('edit: delete one attribute, insert one', () => deleteAndInsert('db.system')),
  editing('edit: drop every other span', dropsEveryOther),
  editing('sample: hash_seed 10 %', () => sampling('traces', { sampling_percentage: 10 })),
  editing('sample: hash_seed 100 %', () => sampling('traces', { sampling_percentage: 100 })),
  editing('sample: equalizing 50 %', () =>
    sampling('traces', { mode: 'equalizing', sampling_percentage: 50 }),
  ),
  editing('sample: records, hash_seed 50 %', () => sampling('logs', { sampling_percentage: 50 }), 'logs'),
]
