/**
 * The Collector's modes against a real Elasticsearch: what it takes, finds and refuses. This node has no templates of its
 * own, and no fields for histograms and aggregates (test/services/elasticsearch.ts), so the tests bring a small template.
 */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Batch, batchOf } from '../../core/component/batch.ts'
import type { Consumer, Part } from '../../core/component/contract.ts'
import { sendingChain } from '../../core/component/sending.ts'
import { countItems } from '../../core/otlp/walk.ts'
import type { ElasticsearchConfig } from '../../exporters/elasticsearch/config.ts'
import { factory } from '../../exporters/elasticsearch/index.ts'
import { attributes, LOG, map, SPAN } from '../core/formats/elastic/samples.ts'
import { assertBalanced } from '../kit/balance.ts'
import { ask, count } from '../kit/es-search.ts'
import { consumeAsEdge } from '../kit/exporter.ts'
import { generate } from '../kit/generate.ts'
import type { ItemSignal } from '../kit/mode-documents.ts'
import type { Tree } from '../kit/node.ts'
import { type TestSettings, testSettings } from '../kit/parts.ts'
import { encodeRequest } from '../kit/proto.ts'
import { readConfig } from '../kit/read-config.ts'
import { need } from '../services/cache.ts'
import { elasticsearchUrl, indexPrefix } from '../services/elasticsearch.ts'
import { eventually } from '../services/process.ts'

interface Running {
  readonly settings: TestSettings
  /** Sends batches and returns when nothing is held any longer. */
  send(...batches: Batch[]): Promise<void>
  /** Items of a signal by what became of them. */
  outcome(signal: ItemSignal): Record<string, number>
}

async function withChain(
  url: string,
  config: object,
  run: (running: Running) => Promise<void>,
): Promise<void> {
  const settings = testSettings('exporter', 'elasticsearch')
  const plain = {
    endpoint: url,
    retry: { initial_interval: '50ms', max_interval: '500ms' },
    sending_queue: { batch: { enabled: false } },
    ...config,
  }
  const read = readConfig(factory.config, plain as Tree) as ElasticsearchConfig
  const signals = ['logs', 'metrics', 'traces'] as const
  const chain: Consumer & Part = sendingChain(
    factory.create(read, settings, signals),
    factory.sending!(read),
    settings,
  )
  const page = (signal: ItemSignal) => settings.account.of(signal)
  await chain.start()
  try {
    await run({
      settings,
      send: async (...batches) => {
        for (const batch of batches) await consumeAsEdge(chain, settings.account, batch)
        await eventually(
          () => signals.every(signal => page(signal).held === 0) || undefined,
          'an empty queue',
          60_000,
        )
      },
      outcome: signal => ({
        out: page(signal).out,
        ...Object.fromEntries([...page(signal).dropped].map(([reason, { items }]) => [reason, items])),
      }),
    })
  } finally {
    await chain.stop(performance.now() + 5000)
  }
  assertBalanced([settings.account])
}

function batch(signal: ItemSignal, request: Record<string, unknown>): Batch {
  const bytes = encodeRequest(signal, request)
  return batchOf(signal, [bytes], countItems(bytes, signal))
}

const around = (namespace: string) => ({
  attributes: attributes({ 'service.name': 'till', 'data_stream.namespace': namespace }),
})

function logs(records: readonly object[], namespace = 'default'): Batch {
  return batch('logs', {
    resourceLogs: [
      { resource: around(namespace), scopeLogs: [{ scope: { name: 'lib' }, logRecords: records }] },
    ],
  })
}

const range = (length: number) => Array.from({ length }, (_, i) => i)

/** What Elastic's own templates do for mode otel, as far as this node can. */
async function putTemplate(url: string, namespace: string): Promise<void> {
  const named = Object.fromEntries(
    ['gauge_long', 'gauge_double', 'counter_long', 'counter_double'].map(name => [
      name,
      { mapping: { type: name.endsWith('long') ? 'long' : 'double' } },
    ]),
  )
  const opaque = { mapping: { type: 'object', enabled: false } }
  const templates = { ...named, histogram: opaque, summary: opaque }
  await ask(`${url}/_index_template/otel-${namespace}`, 'PUT', {
    index_patterns: [`*.otel-${namespace}`],
    data_stream: {},
    priority: 500,
    template: {
      settings: { number_of_replicas: 0 },
      mappings: {
        date_detection: false,
        dynamic_templates: Object.entries(templates).map(([name, rule]) => ({ [name]: rule })),
        properties: {
          '@timestamp': { type: 'date_nanos' },
          observed_timestamp: { type: 'date_nanos' },
          start_timestamp: { type: 'date' },
        },
      },
    },
  })
}

// Scenario: logs, spans with events and metrics of every kind in mode otel, into data streams with a template like
// Elastic's.
// Guarantees: every document is in its stream and is found by a value; nanoseconds are kept; metrics are mapped by the
// template that is named for them.
test('mode otel into data streams', { timeout: 300_000 }, async t => {
  const url = await need(t, 'Elasticsearch', elasticsearchUrl)
  if (url === undefined) return
  const namespace = indexPrefix('ns')
  await putTemplate(url, namespace)
  const at = { timeUnixNano: '1741064767000000089', attributes: attributes({ till: 7 }) }
  const metrics = [
    { name: 'whole', unit: '1', gauge: { dataPoints: [{ ...at, asInt: '3' }] } },
    {
      name: 'part',
      unit: '1',
      sum: { isMonotonic: true, aggregationTemporality: 2, dataPoints: [{ ...at, asDouble: 4 }] },
    },
    {
      name: 'spread',
      unit: '1',
      histogram: {
        aggregationTemporality: 1,
        dataPoints: [{ ...at, count: '3', sum: 1, bucketCounts: ['1', '2'], explicitBounds: [1] }],
      },
    },
    { name: 'old', unit: '1', summary: { dataPoints: [{ ...at, count: '3', sum: 1 }] } },
  ]
  const resource = around(namespace)
  // Elasticsearch takes no array of texts and objects.
  const span = { ...SPAN, attributes: attributes({ 'http.request.method': 'POST', ratio: 2.5 }) }
  await withChain(url, {}, async ({ send, outcome }) => {
    await send(
      logs(
        range(300).map(n => ({ ...LOG, attributes: attributes({ n }) })),
        namespace,
      ),
      batch('traces', {
        resourceSpans: [{ resource, scopeSpans: [{ spans: range(200).map(() => span) }] }],
      }),
      batch('metrics', { resourceMetrics: [{ resource, scopeMetrics: [{ metrics }] }] }),
    )
    assert.deepEqual(outcome('logs'), { out: 300 })
    assert.deepEqual(outcome('traces'), { out: 200 })
    assert.deepEqual(outcome('metrics'), { out: 4 })
  })
  const stream = (type: string) => `${type}-generic.otel-${namespace}`
  assert.equal(await count(url, stream('logs')), 300 + 200)
  assert.equal(await count(url, stream('traces')), 200)
  assert.equal(await count(url, stream('metrics')), 1)
  const found = await ask(`${url}/${stream('logs')}/_search`, 'POST', {
    query: { term: { 'attributes.n': 123 } },
    docvalue_fields: [{ field: '@timestamp', format: 'strict_date_optional_time_nanos' }],
  })
  assert.equal(found.hits.total.value, 1)
  assert.deepEqual(found.hits.hits[0].fields['@timestamp'], ['2025-03-04T05:06:07.000000089Z'])
  const mappings = Object.values(await ask(`${url}/${stream('metrics')}/_mapping`))[0] as {
    mappings: { properties: { metrics: { properties: Record<string, { type?: string }> } } }
  }
  const types = mappings.mappings.properties.metrics.properties
  assert.deepEqual([types['whole']?.type, types['part']?.type], ['long', 'double'])
})

// Scenario: mode otel where no template makes a data stream of the name; the same with require_data_stream off.
// Guarantees: nothing is written to a plain index by accident; it is tried again, as a template may come, with
// Elasticsearch's words for what is missing, then dropped and counted. Off, the index is made.
test('no data stream, no documents', { timeout: 300_000 }, async t => {
  const url = await need(t, 'Elasticsearch', elasticsearchUrl)
  if (url === undefined) return
  const namespace = indexPrefix('ns')
  const index = `logs-generic.otel-${namespace}`
  const retry = { max_retries: 2, initial_interval: '10ms', max_interval: '20ms' }
  await withChain(url, { retry }, async ({ send, outcome, settings }) => {
    await send(logs([LOG, LOG], namespace))
    assert.deepEqual(outcome('logs'), { out: 0, retries_exhausted: 2 })
    const errors = settings.log.lines.map(({ fields }) => String(fields['error'] ?? ''))
    assert.ok(
      errors.some(error => /404 .*requires? .*data.stream/.test(error)),
      errors.join(),
    )
  })
  assert.equal((await fetch(`${url}/${index}`)).status, 404)
  await withChain(url, { mapping: { require_data_stream: false } }, async ({ send, outcome }) => {
    await send(logs([LOG, LOG], namespace))
    assert.deepEqual(outcome('logs'), { out: 2 })
  })
  assert.equal(await count(url, index), 2)
})

// Scenario: five hundred logs and spans in each mode into plain indices; ids in attributes, sent twice.
// Guarantees: exactly so many documents, each found by a field of the mode; what is sent twice is there once and is a
// success both times.
test('every mode into indices', { timeout: 300_000 }, async t => {
  const url = await need(t, 'Elasticsearch', elasticsearchUrl)
  if (url === undefined) return
  const fields = {
    otel: 'attributes.n',
    ecs: 'n',
    none: 'Attributes.n',
    raw: 'n',
    bodymap: 'n',
  } as const
  for (const [mode, field] of Object.entries(fields)) {
    const prefix = indexPrefix(mode)
    const config = {
      mapping: { mode },
      logs_index: `${prefix}-l`,
      traces_index: `${prefix}-t`,
      metrics_index: `${prefix}-m`,
      logs_dynamic_id: { enabled: true },
      traces_dynamic_id: { enabled: true },
    }
    const numbered = (n: number) => attributes({ n, 'elasticsearch.document_id': `id-${n}` })
    const records = range(500).map(n => ({ ...LOG, body: map({ n }), attributes: numbered(n) }))
    const spans = range(500).map(n => ({ ...SPAN, events: [], attributes: numbered(n) }))
    const traces = batch('traces', { resourceSpans: [{ scopeSpans: [{ spans }] }] })
    const both = mode === 'bodymap' ? [logs(records)] : [logs(records), traces]
    await withChain(url, config, async ({ send, outcome }) => {
      await send(...both)
      await send(...both)
      assert.deepEqual(outcome('logs'), { out: 1000 }, mode)
      if (mode !== 'bodymap') assert.deepEqual(outcome('traces'), { out: 1000 }, mode)
    })
    for (const kind of mode === 'bodymap' ? ['l'] : ['l', 't']) {
      assert.equal(await count(url, `${prefix}-${kind}`), 500, `${mode} ${kind}`)
      const query = { term: { [field]: 321 } }
      const found = await ask(`${url}/${prefix}-${kind}/_search`, 'POST', { query })
      assert.equal(found.hits.total.value, 1, `${mode} ${kind}`)
    }
  }
})

// Scenario: a thousand records, one of which has a text where a number is in the index; indices and pipelines in
// attributes that Elasticsearch does not have or take, one too long to be asked for.
// Guarantees: exactly those are lost, with its own reason where it was asked; all others are there.
test('what Elasticsearch refuses', { timeout: 300_000 }, async t => {
  const url = await need(t, 'Elasticsearch', elasticsearchUrl)
  if (url === undefined) return
  const prefix = indexPrefix('bad')
  const index = (n: number) => {
    const names = ['*', 'UPPER', '..', 'a,b', '-x', '_x', 'x'.repeat(300), ' ', '#']
    return names[n] ?? `${prefix}-one`
  }
  await withChain(url, { mapping: { mode: 'none' } }, async ({ send, outcome, settings }) => {
    const record = (n: number, more: object = {}) => ({
      attributes: attributes({ n, 'elasticsearch.index': index(n), ...more }),
    })
    await send(logs(range(200).map(n => record(n))))
    assert.deepEqual(outcome('logs'), { out: 191, unmappable: 1, rejected_by_server: 8 })
    const details = settings.log.lines.map(({ fields }) => String(fields['detail'] ?? ''))
    assert.ok(
      details.some(detail => /invalid_index_name_exception|index_not_found/.test(detail)),
      details.join(),
    )
    await send(logs([...range(999).map(n => record(n + 1000)), record(2000, { n: 'no number' })]))
    assert.deepEqual(outcome('logs'), { out: 191 + 999, unmappable: 1, rejected_by_server: 9 })
  })
  assert.equal(await count(url, `${prefix}-one`), 191 + 999)
  const config = {
    mapping: { mode: 'none' },
    logs_index: `${prefix}-two`,
    logs_dynamic_pipeline: { enabled: true },
  }
  await withChain(url, config, async ({ send, outcome }) => {
    const record = (pipeline: string) => ({
      attributes: attributes({ 'elasticsearch.ingest_pipeline': pipeline }),
    })
    await send(logs([record(''), record('nobody has this'), record('_none')]))
    assert.deepEqual(outcome('logs'), { out: 2, rejected_by_server: 1 })
  })
  assert.equal(await count(url, `${prefix}-two`), 2)
})

// Scenario: requests with every field that OTLP has, made up at random, in every mode, each into an index of its own.
// Guarantees: no request is refused as a whole; what is there and what is lost add up to what went in.
test('whatever comes in', { timeout: 600_000 }, async t => {
  const url = await need(t, 'Elasticsearch', elasticsearchUrl)
  if (url === undefined) return
  for (const mode of ['otel', 'ecs', 'none', 'raw', 'bodymap']) {
    const prefix = indexPrefix(`any-${mode}`)
    const config = {
      mapping: { mode },
      logs_index: `${prefix}-l`,
      traces_index: `${prefix}-t`,
      metrics_index: `${prefix}-m`,
    }
    await withChain(url, config, async ({ send, outcome, settings }) => {
      let items = 0
      for (let seed = 1; seed <= 10; seed++)
        for (const signal of ['logs', 'traces', 'metrics'] as const) {
          const made = generate(signal, seed, 20)
          items += made.items
          await send(batchOf(signal, [made.bytes], made.items)).catch(() => undefined)
        }
      const outcomes = (['logs', 'traces', 'metrics'] as const).map(outcome)
      const all = outcomes.flatMap(one => Object.values(one)).reduce((sum, one) => sum + one, 0)
      assert.equal(all, items, JSON.stringify(outcomes))
      for (const { fields } of settings.log.lines)
        assert.doesNotMatch(String(fields['detail'] ?? ''), /request_refused/)
      const there = outcomes[0]!['out']!
      if (there > 0) assert.equal((await count(url, `${prefix}-l`)) >= there, true)
    })
  }
})
