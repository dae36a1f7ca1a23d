/** The elasticsearch exporter against a real Elasticsearch: what arrives, what is tried again, what is lost. */

import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { batchOf } from '../../core/component/batch.ts'
import { jaeger, range, spans, withChain } from '../kit/es-chain.ts'
import { ask, count } from '../kit/es-search.ts'
import { encodeRequest } from '../kit/proto.ts'
import { need } from '../services/cache.ts'
import { elasticsearchUrl, indexPrefix, ownElasticsearch } from '../services/elasticsearch.ts'
import { eventually } from '../services/process.ts'

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

// Scenario: the index is made read-only, by hand or as Elasticsearch does when its disk is full, and written to; then it is
// opened again.
// Guarantees: nothing is lost, and nothing is there twice.
for (const name of ['write', 'read_only_allow_delete'])
  test(`an index that is read-only for a while: ${name}`, { timeout: 300_000 }, async t => {
    const url = await need(t, 'Elasticsearch', elasticsearchUrl)
    if (url === undefined) return
    const prefix = indexPrefix()
    await withChain(url, { jaeger: jaeger(prefix) }, async ({ send, idle, outcome, settings }) => {
      await send(spans(range(10)))
      await idle()
      const block = (value: boolean) =>
        ask(`${url}/${prefix}-jaeger-*/_settings`, 'PUT', { [`index.blocks.${name}`]: value })
      await block(true)
      await send(spans(range(20, 10)))
      const failed = failedDocuments('cluster_block_exception')
      await eventually(() => settings.metrics.read(failed) > 20 || undefined, 'a second attempt')
      await block(false)
      await idle()
      assert.deepEqual(outcome(), { out: 30 })
    })
    assert.equal(await count(url, `${prefix}-jaeger-span-*`), 30)
  })

function failedDocuments(type: string): string {
  return `sluice_elasticsearch_failed_documents{error_type="${type}",exporter="elasticsearch"}`
}

// Scenario: a node that works on one bulk request, lets two wait and refuses the others; forty of 250 spans, twenty at once.
// Guarantees: documents are refused with 429 and sent again, and in the end each is there once; none is lost.
test('a node with a full queue', { timeout: 600_000 }, async t => {
  const own = await need(t, 'Elasticsearch', () =>
    ownElasticsearch('thread_pool.write.size: 1\nthread_pool.write.queue_size: 2'),
  )
  if (own === undefined) return
  t.after(() => own.stop())
  const prefix = indexPrefix()
  const config = { jaeger: jaeger(prefix), sending_queue: { num_consumers: 20, batch: { enabled: false } } }
  await withChain(own.url, config, async ({ send, idle, outcome, settings }) => {
    await Promise.all(range(40).map(i => send(spans(range(250, i * 250)))))
    await idle()
    assert.deepEqual(outcome(), { out: 10_000 })
    assert.ok(settings.metrics.read(failedDocuments('es_rejected_execution_exception')) > 0, 'a full queue')
  })
  assert.equal(await count(own.url, `${prefix}-jaeger-span-*`), 10_000)
  assert.equal(await count(own.url, `${prefix}-jaeger-service-*`), 3)
})

// Scenario: the index has a tag as a number, made by somebody else; of a thousand spans a hundred have a text there.
// Guarantees: nine hundred are there; a hundred are in the dead letter file, once, with Elasticsearch's reason, which names
// the field; from the file they can be written again once the index is put right.
test('a mapping that some documents do not fit', { timeout: 300_000 }, async t => {
  const url = await need(t, 'Elasticsearch', elasticsearchUrl)
  if (url === undefined) return
  const folder = mkdtempSync(join(tmpdir(), 'sluice-dead-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const file = join(folder, 'dead.jsonl')
  const prefix = indexPrefix()
  const number = { mappings: { properties: { tag: { properties: { value: { type: 'long' } } } } } }
  const day = (days: number) => new Date(Date.now() + days * 86_400_000).toISOString().slice(0, 10)
  const config = { jaeger: jaeger(prefix, { tags_as_fields: { include: 'value' } }), dead_letter: { file } }
  await withChain(url, config, async ({ send, idle, outcome, settings }) => {
    const template = `${url}/_index_template/${prefix}-jaeger-span`
    await eventually(async () => (await fetch(template)).ok || undefined, 'the template')
    for (const days of [0, 1]) await ask(`${url}/${prefix}-jaeger-span-${day(days)}`, 'PUT', number)
    await send(spans(range(1000), n => (n % 10 === 0 ? { stringValue: 'many' } : { intValue: String(n) })))
    await idle()
    assert.deepEqual(outcome(), { out: 900, dead_letter: 100 })
    assert.equal(settings.metrics.read(failedDocuments('document_parsing_exception')), 100)
  })
  assert.equal(await count(url, `${prefix}-jaeger-span-*`), 900)
  const letters = readFileSync(file, 'utf8').trimEnd().split('\n')
  assert.equal(letters.length, 100)
  for (const line of letters) {
    const letter = JSON.parse(line)
    assert.match(letter.reason, /tag\.value/)
    const answer = await fetch(`${url}/${prefix}-again/_doc/${letter.action.index._id}`, {
      method: 'PUT',
      body: JSON.stringify(letter.document),
      headers: { 'content-type': 'application/json' },
    })
    assert.equal(answer.status, 201)
  }
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
