/** What makes documents, attacked: caches must not grow with what senders make up. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { batchOf } from '../../../core/component/batch.ts'
import type { Signal } from '../../../core/otlp/signals.ts'
import type { ElasticsearchConfig } from '../../../exporters/elasticsearch/config.ts'
import type { Documents } from '../../../exporters/elasticsearch/documents.ts'
import { factory } from '../../../exporters/elasticsearch/index.ts'
import { JaegerBulks } from '../../../exporters/elasticsearch/jaeger-bulks.ts'
import { CACHE_BYTES_MAX } from '../../../exporters/elasticsearch/kit.ts'
import { ModeBulks } from '../../../exporters/elasticsearch/mode-bulks.ts'
import { heldBytes } from '../../kit/held-memory.ts'
import { encodeRequest } from '../../kit/proto.ts'
import { readConfig } from '../../kit/read-config.ts'

const MEBIBYTE = 1024 * 1024
/** Stands for a number that is another for each entry and each round. */
const SERIAL = '@@@@@@@@'

interface Template {
  readonly signal: Signal
  readonly bytes: Uint8Array
  readonly items: number
}

const text = (key: string, value: string) => ({ key, value: { stringValue: value } })
/** 13 kB that are six times as much in JSON. */
const many = (what: string) =>
  Array.from({ length: 110 }, (_, i) => text(`${what}.${SERIAL}.${i}`, '\u0001'.repeat(90)))

/** Two entries in each mode, everything in them large and new. */
function template(signal: 'logs' | 'metrics' | 'traces', modes: readonly string[]): Template {
  const entries = modes.map(mode => {
    const scope = {
      name: SERIAL,
      attributes: [text('elastic.mapping.mode', mode), text('data_stream.dataset', SERIAL), ...many('scope')],
    }
    const resource = { attributes: many('resource') }
    const attributes = many('item')
    switch (signal) {
      case 'logs':
        return { resource, scopeLogs: [{ scope, logRecords: [{ attributes }] }] }
      case 'traces': {
        const name = `${'operation '.repeat(400)}${SERIAL}`
        const span = { traceId: Buffer.alloc(16, 1), spanId: Buffer.alloc(8, 2), name, attributes }
        return { resource, scopeSpans: [{ scope, spans: [span] }] }
      }
      default: {
        const metric = { name: SERIAL.repeat(300), gauge: { dataPoints: [{ asInt: '1', attributes }] } }
        return { resource, scopeMetrics: [{ scope, metrics: [metric] }] }
      }
    }
  })
  const key = { logs: 'resourceLogs', metrics: 'resourceMetrics', traces: 'resourceSpans' }[signal]
  return { signal, bytes: encodeRequest(signal, { [key]: entries }), items: modes.length }
}

/** How many bytes the bodies have. */
function write(documents: Documents, signal: Signal, chunk: Uint8Array, items: number): number {
  const lost = (_items: number, _reason: string, why: string) => assert.fail(why)
  const bulks = documents.bulks(batchOf(signal, [chunk], items), Date.now(), lost)
  let bytes = 0
  for (let next = bulks.next(); !next.done; next = bulks.next()) {
    bytes += next.value.bytes.length
    assert.ok(documents.caches.bytes <= CACHE_BYTES_MAX)
  }
  return bytes
}

/** Sends `rounds` of each, with new numbers. Returns what is held afterwards and was not before, in MiB. */
async function attack(documents: Documents, templates: readonly Template[], rounds: number): Promise<number> {
  let serial = 0
  const send = ({ signal, bytes, items }: Template): void => {
    const chunk = Buffer.from(bytes)
    for (let at = chunk.indexOf(SERIAL); at !== -1; at = chunk.indexOf(SERIAL, at + SERIAL.length))
      chunk.write(String(serial++).padStart(SERIAL.length, '0'), at)
    write(documents, signal, chunk, items)
  }
  for (const one of templates) send(one)
  const before = await heldBytes()
  for (let i = 0; i < rounds; i++) for (const one of templates) send(one)
  return ((await heldBytes()) - before) / MEBIBYTE
}

/** A span or a log record. */
const LARGE = {
  attributes: Array.from({ length: 200 }, (_, i) => text(`large.${i}`, 'x'.repeat(65_536))),
}

/** What is held of a large request once its documents are made, in MiB. */
async function heldAfter(documents: Documents, signal: Signal, chunk: Uint8Array): Promise<number> {
  const before = await heldBytes()
  const bytes = write(documents, signal, chunk, 1)
  assert.ok(bytes > 12 * MEBIBYTE, `${bytes}`)
  return ((await heldBytes()) - before) / MEBIBYTE
}

const config = readConfig(factory.config, {
  endpoint: 'http://127.0.0.1:9200',
  jaeger: { tags_as_fields: { all: true } },
}) as ElasticsearchConfig

// Scenario: logs, spans and points in all modes, each with a resource, a scope, fields, an index and names of metrics that
// were never seen before and are as large as what is kept may be; then one of 13 MB in each mode.
// Guarantees: what is kept of them stays within one small budget: without it 70 MiB were held; the buffers that
// the large one needed are not kept.
test('no sender fills the caches of the modes', async () => {
  const all = ['none', 'none', 'raw', 'raw', 'ecs', 'ecs', 'otel', 'otel']
  const templates = [
    template('logs', all),
    template('traces', all),
    template('metrics', ['ecs', 'ecs', 'otel', 'otel']),
  ]
  const documents = new ModeBulks(config, MEBIBYTE)
  let held = await attack(documents, templates, 20)
  assert.ok(held < 24, `${held.toFixed(1)} MiB`)
  for (const mode of ['none', 'raw', 'ecs', 'otel']) {
    const scope = { attributes: [text('elastic.mapping.mode', mode)] }
    const large = encodeRequest('logs', { resourceLogs: [{ scopeLogs: [{ scope, logRecords: [LARGE] }] }] })
    held = await heldAfter(documents, 'logs', large)
    assert.ok(held < 4, `${mode}: ${held.toFixed(1)} MiB`)
  }
})

// Scenario: the same for Jaeger's documents, with all tags as fields; then one span with 13 MB of fields.
// Guarantees: the same, and the buffer that the large one needed is not kept.
test("no sender fills the caches of Jaeger's documents", async () => {
  const documents = new JaegerBulks(config.jaeger, MEBIBYTE, new Set(['error']))
  const templates = [template('traces', new Array<string>(16).fill('otel'))]
  let held = await attack(documents, templates, 25)
  assert.ok(held < 16, `${held.toFixed(1)} MiB`)
  const large = encodeRequest('traces', { resourceSpans: [{ scopeSpans: [{ spans: [LARGE] }] }] })
  held = await heldAfter(documents, 'traces', large)
  assert.ok(held < 4, `${held.toFixed(1)} MiB`)
})
