/** The elasticsearch exporter against a real Elasticsearch: what arrives, what is tried again, what is lost. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Batch, batchOf } from '../../core/component/batch.ts'
import type { Consumer, Part } from '../../core/component/contract.ts'
import { sendingChain } from '../../core/component/sending.ts'
import type { ElasticsearchConfig } from '../../exporters/elasticsearch/config.ts'
import { factory } from '../../exporters/elasticsearch/index.ts'
import { assertBalanced } from '../kit/balance.ts'
import { ask, count } from '../kit/es-search.ts'
import { consumeAsEdge } from '../kit/exporter.ts'
import type { Tree } from '../kit/node.ts'
import { type TestSettings, testSettings } from '../kit/parts.ts'
import { encodeRequest } from '../kit/proto.ts'
import { readConfig } from '../kit/read-config.ts'
import { need } from '../services/cache.ts'
import { elasticsearchUrl, indexPrefix, ownElasticsearch } from '../services/elasticsearch.ts'
import { eventually } from '../services/process.ts'

interface Running {
  readonly chain: Consumer & Part
  readonly settings: TestSettings
  send(batch: Batch): Promise<void>
  /** Resolves when nothing is held any longer. */
  idle(): Promise<void>
  /** Items by what became of them. */
  outcome(): Record<string, number>
}

async function withChain(url: string, config: Tree, run: (running: Running) => Promise<void>): Promise<void> {
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

const jaeger = (prefix: string, more: object = {}) => ({
  version: '8',
  indices: {
    index_prefix: prefix,
    spans: { shards: 1, replicas: 0 },
    services: { shards: 1, replicas: 0 },
  },
  ...more,
})

function spans(
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

const range = (length: number, from = 0) => Array.from({ length }, (_, i) => from + i)

// Scenario: five hundred spans of three operations, sent twice.
// Guarantees: templates are taken and used; every span is there once, as are the services; a tag is found by value.
test('spans are written and found', { timeout: 300_000 }, async t => {
  const url = await need(t, 'Elasticsearch', elasticsearchUrl)
  if (url === undefined) return
  const prefix = indexPrefix()
  await withChain(url, { jaeger: jaeger(prefix) }, async ({ send, idle, outcome }) => {
    const batch = spans(range(500))
    await send(batch)
    await idle()
    await send(batch)
    await idle()
    assert.deepEqual(outcome(), { out: 1000 })
  })
  assert.equal(await count(url, `${prefix}-jaeger-span-*`), 500)
  assert.equal(await count(url, `${prefix}-jaeger-service-*`), 3)
  const query = {
    nested: {
      path: 'tags',
      query: { bool: { must: [{ match: { 'tags.key': 'n' } }, { match: { 'tags.value': '77' } }] } },
    },
  }
  const found = await ask(`${url}/${prefix}-jaeger-span-*/_search`, 'POST', { query })
  assert.equal(found.hits.total.value, 1)
  const mapping = Object.values(await ask(`${url}/${prefix}-jaeger-span-*/_mapping`))[0] as {
    mappings: { properties: Record<string, { type?: string }> }
  }
  assert.equal(mapping.mappings.properties['traceID']?.type, 'keyword')
  assert.equal(mapping.mappings.properties['tags']?.type, 'nested')
})

// Scenario: tags as fields of a sort that the index does not take: one document in a thousand has an object's path as a
// value's.
// Guarantees: that one is lost, with Elasticsearch's word for it; all others are there; nothing is tried for ever.
test('one bad document in a thousand', { timeout: 300_000 }, async t => {
  const url = await need(t, 'Elasticsearch', elasticsearchUrl)
  if (url === undefined) return
  const prefix = indexPrefix()
  const fields = { tags_as_fields: { all: true, dot_replacement: '.' } }
  await withChain(url, { jaeger: jaeger(prefix, fields) }, async ({ send, idle, outcome, settings }) => {
    const batch = spans(range(1000))
    const bad = encodeBad()
    await send(batch)
    await send(batchOf('traces', [...spans(range(1, 2000)).chunks, bad], 2))
    await idle()
    assert.deepEqual(outcome(), { out: 1001, rejected_by_server: 1 })
    const line = settings.log.lines.find(({ message }) => /never will/.test(message))
    assert.match(String(line?.fields['detail']), /^400 \w+_exception: .+/)
  })
  assert.equal(await count(url, `${prefix}-jaeger-span-*`), 1001)
})

/** `n` is a keyword already, so it cannot have something below it. */
function encodeBad(): Uint8Array {
  const span = {
    traceId: Buffer.alloc(16, 8),
    spanId: Buffer.alloc(8, 8),
    name: 'bad',
    startTimeUnixNano: String(BigInt(Date.now()) * 1_000_000n),
    attributes: [{ key: 'n.below', value: { stringValue: 'x' } }],
  }
  return encodeRequest('traces', { resourceSpans: [{ scopeSpans: [{ spans: [span] }] }] })
}

// Scenario: the index is made read-only, and written to; then it is opened again.
// Guarantees: nothing is lost, and nothing is there twice.
test('an index that is read-only for a while', { timeout: 300_000 }, async t => {
  const url = await need(t, 'Elasticsearch', elasticsearchUrl)
  if (url === undefined) return
  const prefix = indexPrefix()
  await withChain(url, { jaeger: jaeger(prefix) }, async ({ send, idle, outcome, settings }) => {
    await send(spans(range(10)))
    await idle()
    const block = (value: boolean) =>
      ask(`${url}/${prefix}-jaeger-*/_settings`, 'PUT', { 'index.blocks.write': value })
    await block(true)
    await send(spans(range(20, 10)))
    const failed =
      'sluice_elasticsearch_failed_documents{error_type="cluster_block_exception",exporter="elasticsearch"}'
    await eventually(() => settings.metrics.read(failed) > 20 || undefined, 'a second attempt')
    await block(false)
    await idle()
    assert.deepEqual(outcome(), { out: 30 })
  })
  assert.equal(await count(url, `${prefix}-jaeger-span-*`), 30)
})

// Scenario: Elasticsearch is not there when the exporter starts, comes, is stopped with data on the way, and comes back.
// Guarantees: every span is there once in the end; templates came first.
test('a cluster that comes and goes', { timeout: 600_000 }, async t => {
  const own = await need(t, 'Elasticsearch', ownElasticsearch)
  if (own === undefined) return
  t.after(() => own.stop())
  const prefix = indexPrefix()
  await own.stop()
  await withChain(own.url, { jaeger: jaeger(prefix) }, async ({ send, idle, outcome }) => {
    await send(spans(range(100)))
    await own.start()
    await idle()
    assert.equal(await count(own.url, `${prefix}-jaeger-span-*`), 100)
    const stopped = own.stop()
    for (let i = 1; i <= 5; i++) await send(spans(range(100, i * 100)))
    await stopped
    await own.start()
    await idle()
    assert.deepEqual(outcome(), { out: 600 })
  })
  assert.equal(await count(own.url, `${prefix}-jaeger-span-*`), 600)
  const templates = await ask(`${own.url}/_index_template/${prefix}-jaeger-span`)
  assert.equal(templates.index_templates.length, 1)
})

// Scenario: a data stream, and a write alias that is made while spans wait for it.
// Guarantees: the stream is made from our template; without its alias no index takes its name.
test('a data stream and an alias', { timeout: 300_000 }, async t => {
  const url = await need(t, 'Elasticsearch', elasticsearchUrl)
  if (url === undefined) return
  const stream = indexPrefix()
  await withChain(
    url,
    { jaeger: jaeger(stream, { rotation: 'data_stream' }) },
    async ({ send, idle, outcome }) => {
      const batch = spans(range(5))
      await send(batch)
      await idle()
      await send(batch)
      await idle()
      assert.deepEqual(outcome(), { out: 10 })
    },
  )
  assert.equal(await count(url, `${stream}.jaeger.spans`), 5)
  const prefix = indexPrefix()
  await withChain(url, { jaeger: jaeger(prefix, { rotation: 'manual_rollover' }) }, async running => {
    const { send, idle, settings } = running
    await send(spans(range(5)))
    const failed =
      'sluice_elasticsearch_failed_documents{error_type="index_not_found_exception",exporter="elasticsearch"}'
    await eventually(() => settings.metrics.read(failed) > 0 || undefined, 'a refusal')
    for (const kind of ['span', 'service']) {
      const base = `${prefix}-jaeger-${kind}`
      await ask(`${url}/${base}-000001`, 'PUT', { aliases: { [`${base}-write`]: {}, [`${base}-read`]: {} } })
    }
    await idle()
  })
  assert.equal(await count(url, `${prefix}-jaeger-span-read`), 5)
})
