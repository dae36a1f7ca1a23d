import assert from 'node:assert/strict'
import { test } from 'node:test'
import { batchOf } from '../../../core/component/batch.ts'
import type { Meta } from '../../../core/component/meta.ts'
import type { ElasticsearchConfig } from '../../../exporters/elasticsearch/config.ts'
import { factory } from '../../../exporters/elasticsearch/index.ts'
import { ModeBulks } from '../../../exporters/elasticsearch/mode-bulks.ts'
import {
  array,
  attributes,
  LOG,
  logsOf,
  map,
  metricsOf,
  SPAN,
  spansOf,
} from '../../core/formats/elastic/samples.ts'
import { generate } from '../../kit/generate.ts'
import { type Asking, documentsOf, documentsOfBytes, type ItemSignal } from '../../kit/mode-documents.ts'
import { encodeRequest } from '../../kit/proto.ts'
import { readConfig } from '../../kit/read-config.ts'

type Own = Parameters<typeof attributes>[0]

const metadata = (values: Readonly<Record<string, readonly string[]>>): Meta => ({
  address: '',
  metadata: new Map(Object.entries(values)),
  auth: new Map(),
})

/** One log record with attributes of its own, of its scope and of its resource. */
function log(item: Own, scope: Own = {}, resource: Own = {}, scopeName = 'x'): Record<string, unknown> {
  return {
    resourceLogs: [
      {
        resource: { attributes: attributes(resource) },
        scopeLogs: [
          {
            scope: { name: scopeName, attributes: attributes(scope) },
            logRecords: [{ body: map({ a: 1 }), attributes: attributes(item) }],
          },
        ],
      },
    ],
  }
}

function indexOf(request: Record<string, unknown>, asking: Asking = {}): string {
  const { actions } = documentsOf('logs', request, asking)
  return actions[0].create._index
}

// Scenario: attributes that name an index or a part of a data stream, at each level, and several at once; a scope of a
// receiver; parts that a name must not have, that are too long, or in capitals.
// Guarantees: the item's own counts first, then its scope's, then its resource's; an index wins over data streams; names
// are clean and never cut within a character.
test('routing by attributes', () => {
  const dataset = (word: string) => ({ 'data_stream.dataset': word })
  assert.equal(indexOf(log({})), 'logs-generic.otel-default')
  assert.equal(indexOf(log(dataset('a'), dataset('b'), dataset('c'))), 'logs-a.otel-default')
  assert.equal(indexOf(log({}, dataset('b'), dataset('c'))), 'logs-b.otel-default')
  assert.equal(indexOf(log({}, {}, dataset('c')), { mode: 'none' }), 'logs-c-default')
  assert.equal(indexOf(log({ 'data_stream.namespace': 'Team-A B' })), 'logs-generic.otel-team-a_b')
  assert.equal(indexOf(log(dataset('A-b/c'))), 'logs-a_b_c.otel-default')
  assert.equal(indexOf(log(dataset('ä'.repeat(99)))), `logs-${'ä'.repeat(47)}.otel-default`)
  assert.equal(indexOf(log({ ...dataset('a'), 'elasticsearch.index': 'mine' })), 'mine')
  assert.equal(indexOf(log(dataset('a'), { 'elasticsearch.index': 'mine' })), 'mine')
  assert.equal(indexOf(log({ 'elasticsearch.index': '' })), 'logs-generic.otel-default')
  assert.equal(indexOf(log({ 'elasticsearch.index': 'x'.repeat(255) })), 'x'.repeat(255))
  const long = documentsOf('logs', log({ 'elasticsearch.index': 'x'.repeat(256) }))
  assert.match(long.losses[0]!.message, /elasticsearch.index has 256 bytes/)
  const scope = 'example.com/receiver/hostmetricsreceiver/internal/cpu'
  assert.equal(indexOf(log({}, {}, {}, scope)), 'logs-hostmetricsreceiver.otel-default')
  assert.equal(indexOf(log({}, {}, dataset('c'), scope)), 'logs-c.otel-default')
  assert.equal(indexOf(log({ 'data_stream.type': 'metrics' })), 'logs-generic.otel-default')
  const bodymap = { mode: 'bodymap' }
  assert.equal(indexOf(log({ 'data_stream.type': 'metrics' }), bodymap), 'metrics-generic-default')
  const bad = documentsOf('logs', log({ 'data_stream.type': 'traces' }), bodymap)
  assert.match(bad.losses[0]!.message, /data_stream.type is "traces"/)
})

// Scenario: indices in the config, with dates; a data stream that is not required to be one.
// Guarantees: a configured index wins over attributes; it is no data stream, so nothing says so; events of spans go where
// logs go.
test('routing by config', () => {
  const named = log({ 'data_stream.dataset': 'a', 'elasticsearch.index': 'b' })
  const fixed = documentsOf('logs', named, { config: { logs_index: 'fixed' } })
  assert.deepEqual(fixed.actions, [{ create: { _index: 'fixed' } }])
  assert.equal(fixed.documents[0].data_stream, undefined)
  const nowMs = Date.UTC(2026, 10, 26, 23, 59)
  const dated = { logstash_format: { enabled: true } }
  assert.equal(indexOf(log({}), { config: { ...dated, logs_index: 'fixed' }, nowMs }), 'fixed-2026.11.26')
  const monthly = { logstash_format: { enabled: true, prefix_separator: '.', date_format: '%Y-%m' } }
  const dynamic = documentsOf('logs', log({}), { config: monthly, nowMs })
  assert.deepEqual(dynamic.actions, [{ create: { _index: 'logs-generic.otel-default.2026-11' } }])
  assert.equal(dynamic.documents[0].data_stream, undefined)
  const lax = documentsOf('logs', log({}), { config: { mapping: { require_data_stream: false } } })
  assert.deepEqual(lax.actions, [{ create: { _index: 'logs-generic.otel-default' } }])
  assert.equal(lax.documents[0].data_stream.dataset, 'generic.otel')
  const spans = documentsOf('traces', spansOf(SPAN), { config: { traces_index: 't', logs_index: 'l' } })
  assert.deepEqual(
    spans.actions.map(({ create }) => create._index),
    ['t', 'l'],
  )
  const point = { gauge: { dataPoints: [{ asInt: '1' }] }, name: 'g' }
  const metrics = documentsOf('metrics', metricsOf(point), { config: { metrics_index: 'm' } })
  assert.equal(metrics.actions[0].create._index, 'm')
})

// Scenario: ids and pipelines in attributes, wanted and not; an id that is empty, a number, longer than Elasticsearch takes.
// Guarantees: they stand in front of the document and not in it; an impossible id costs its document and no other.
test('ids and pipelines', () => {
  const own = { 'elasticsearch.document_id': 'id-1', 'elasticsearch.ingest_pipeline': 'clean' }
  const config = { logs_dynamic_id: { enabled: true }, logs_dynamic_pipeline: { enabled: true } }
  const both = documentsOf('logs', log(own), { config: { ...config, logs_index: 'i' } })
  assert.deepEqual(both.actions, [{ create: { _index: 'i', _id: 'id-1', pipeline: 'clean' } }])
  assert.deepEqual(both.documents[0].attributes, {})
  const neither = documentsOf('logs', log(own), { config: { logs_index: 'i' } })
  assert.deepEqual(neither.actions, [{ create: { _index: 'i' } }])
  const id = (value: string | number) =>
    documentsOf('logs', log({ 'elasticsearch.document_id': value }), {
      config: { ...config, logs_index: 'i' },
    })
  assert.deepEqual(id('').actions, [{ create: { _index: 'i' } }])
  assert.deepEqual(id(7).actions, [{ create: { _index: 'i', _id: '7' } }])
  assert.match(id('x'.repeat(513)).losses[0]!.message, /has 513 bytes; Elasticsearch takes 512/)
  const withId = (id: string) => ({ attributes: attributes({ 'elasticsearch.document_id': id }) })
  const events = [withId('e'), withId('x'.repeat(513)), {}]
  const span = { ...SPAN, ...withId('s'), events }
  const traces = documentsOf('traces', spansOf(span), { config: { traces_dynamic_id: { enabled: true } } })
  assert.deepEqual(
    traces.actions.map(({ create }) => create._id),
    ['s', 'e', undefined, undefined],
  )
})

// Scenario: a mode in the request's metadata, in the scope, in both, in other spellings; one that is none or not allowed;
// two at once.
// Guarantees: the scope's counts first, then the request's, then the config's; what cannot be had is lost with a reason
// that names what can, and counts every item.
test('modes that senders ask for', () => {
  const modeOf = (made: { documents: readonly Record<string, unknown>[] }): string => {
    const document = made.documents[0]!
    if ('resource' in document) return 'otel'
    if ('a' in document) return 'bodymap'
    if ('event' in document || 'data_stream' in document) return 'ecs'
    return 'none'
  }
  const ask = (word: string) => metadata({ 'x-elastic-mapping-mode': [word] })
  const scope = (word: string) => log({}, { 'elastic.mapping.mode': word })
  assert.equal(modeOf(documentsOf('logs', log({}))), 'otel')
  assert.equal(modeOf(documentsOf('logs', log({}), { meta: ask('ECS') })), 'ecs')
  assert.equal(modeOf(documentsOf('logs', log({}), { meta: ask('') })), 'none')
  assert.equal(modeOf(documentsOf('logs', scope('bodymap'), { meta: ask('ecs') })), 'bodymap')
  assert.equal(modeOf(documentsOf('logs', scope('otel'), { mode: 'none' })), 'otel')
  const lost = (request: Record<string, unknown>, asking: Asking): string => {
    const { losses, items, documents } = documentsOf('logs', request, asking)
    assert.equal(documents.length, 0)
    assert.equal(items, 1)
    return losses[0]!.message
  }
  assert.match(lost(log({}), { meta: ask('nothing') }), /"nothing", which is none of those/)
  const narrow = { config: { mapping: { allowed_modes: ['ecs'] } } }
  assert.match(lost(log({}), { ...narrow, meta: ask('raw') }), /allowed_modes has: ecs$/)
  assert.match(lost(scope('raw'), narrow), /the scope asks for mapping mode "raw"/)
  assert.equal(modeOf(documentsOf('logs', log({}), narrow)), 'otel')
  assert.match(
    lost(log({}), { meta: metadata({ 'x-elastic-mapping-mode': ['ecs', 'otel'] }) }),
    /"ecs, otel"/,
  )
})

// Scenario: what has no documents in a mode: metrics in three of them, spans in bodymap, bodies that are no maps.
// Guarantees: all of it is lost, counted, with a reason; what has documents beside it is written.
test('what a mode cannot write', () => {
  const point = { name: 'g', gauge: { dataPoints: [{ asInt: '1' }, { asInt: '2' }] } }
  for (const mode of ['none', 'raw', 'bodymap']) {
    const { losses, items, documents } = documentsOf('metrics', metricsOf(point), { mode })
    assert.deepEqual([losses.length, items, documents.length], [2, 2, 0])
    assert.match(losses[0]!.message, new RegExp(`mode ${mode} has no documents of metrics`))
  }
  const spans = documentsOf('traces', spansOf(SPAN), { mode: 'bodymap' })
  assert.match(spans.losses[0]!.message, /bodymap has documents of logs only/)
  const body = map({ a: map({ 'b.c': 1.5 }), list: array(1, 'x') })
  const logs = documentsOf('logs', logsOf(LOG, { ...LOG, body }, {}), { mode: 'bodymap' })
  assert.deepEqual(logs.documents, [{ a: { 'b.c': 1.5 }, list: [1, 'x'] }])
  assert.equal(logs.items, 3)
  assert.match(logs.losses[0]!.message, /whose body is a map/)
})

// Scenario: two batches are written in turns, body by body, with other resources, scopes and modes in each.
// Guarantees: neither's documents have anything of the other.
test('batches that are written at once', () => {
  const request = (word: string, mode: string) =>
    encodeRequest('logs', {
      resourceLogs: [1, 2].map(n => ({
        resource: { attributes: attributes({ word, n, 'data_stream.dataset': word }) },
        scopeLogs: [
          {
            scope: { name: word, attributes: attributes({ 'elastic.mapping.mode': mode }) },
            logRecords: Array.from({ length: 20 }, (_, i) => ({ body: { stringValue: `${word} ${i}` } })),
          },
        ],
      })),
    })
  const plain = { endpoint: 'http://127.0.0.1:9200', flush: { bytes: 600 } }
  const config = readConfig(factory.config, plain) as ElasticsearchConfig
  const bulks = new ModeBulks(config, 600)
  const words = ['alpha', 'beta'] as const
  const running = words.map((word, i) =>
    bulks.bulks(batchOf('logs', [request(word, i === 0 ? 'otel' : 'none')], 40), 0, () => assert.fail()),
  )
  const seen: [string[], string[]] = [[], []]
  for (let turn = 0, open = 2; open > 0; turn++) {
    const { value, done } = running[turn % 2]!.next()
    if (done) open--
    else seen[turn % 2 === 0 ? 0 : 1].push(Buffer.from(value.bytes).toString())
  }
  for (const [i, bodies] of seen.entries()) {
    assert.ok(bodies.length > 10)
    const all = bodies.join('')
    assert.equal(all.match(new RegExp(`${words[i]} \\d+"`, 'g'))!.length, 40)
    assert.ok(!all.includes(words[1 - i]!))
  }
})

// Scenario: a span with two thousand events and a large resource.
// Guarantees: no body is much larger than flush.bytes, however much the events repeat what is around them.
test('events do not make large bodies', () => {
  const events = Array.from({ length: 2000 }, (_, i) => ({ name: `e${i}` }))
  const request = {
    resourceSpans: [
      {
        resource: { attributes: attributes({ large: 'x'.repeat(2000) }) },
        scopeSpans: [{ spans: [{ ...SPAN, events }] }],
      },
    ],
  }
  const made = documentsOf('traces', request, { config: { flush: { bytes: 50_000 } } })
  assert.equal(made.documents.length, 2001)
  assert.equal(made.items, 1)
  assert.ok(made.bodies > 80, `${made.bodies}`)
})

// Scenario: requests with every field that OTLP has, made up at random, in every mode.
// Guarantees: every document and action is JSON without a key twice, every item is in one or lost, nothing throws.
test('whatever comes in', () => {
  for (const signal of ['logs', 'traces', 'metrics'] as const satisfies readonly ItemSignal[])
    for (let seed = 1; seed <= 15; seed++) {
      const { bytes, items, untidy } = generate(signal, seed, 20)
      for (const mode of ['otel', 'ecs', 'none', 'raw', 'bodymap']) {
        const made = documentsOfBytes(signal, [bytes], { mode })
        assert.equal(made.items, items, `${mode} ${signal} ${seed}`)
        const same = documentsOfBytes(signal, [untidy], { mode }).texts
        assert.equal(same.length, made.texts.length)
        for (const [i, text] of made.texts.entries()) assert.equal(same[i], text, `${mode} ${signal} ${seed}`)
        for (const text of made.texts) assert.equal(doubleKey(text), undefined, `${mode} ${signal} ${seed}`)
      }
    }
})

/** A key that an object in the JSON has twice. */
function doubleKey(text: string): string | undefined {
  const stack: Set<string>[] = []
  let at = 0
  const string = /"(?:[^"\\]|\\.)*"/y
  while (at < text.length) {
    const letter = text[at]!
    if (letter === '{') stack.push(new Set())
    else if (letter === '}') stack.pop()
    else if (letter === '"') {
      string.lastIndex = at
      const [token] = string.exec(text)!
      at += token.length
      if (text[at] === ':') {
        const keys = stack.at(-1)!
        if (keys.has(token)) return token
        keys.add(token)
      }
      continue
    }
    at++
  }
  return undefined
}
