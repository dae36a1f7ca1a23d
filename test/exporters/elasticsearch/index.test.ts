/** The whole exporter in mode jaeger: what it writes where, and which nodes it asks. */

import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import type { ElasticsearchConfig } from '../../../exporters/elasticsearch/config.ts'
import { factory } from '../../../exporters/elasticsearch/index.ts'
import { numberedSpans, numberOf, refusedBy, sendTo, withExporter } from '../../kit/elasticsearch-exporter.ts'
import { FakeElasticsearch } from '../../kit/fake-elasticsearch.ts'
import { testSettings } from '../../kit/parts.ts'
import { readConfig } from '../../kit/read-config.ts'

const folder = mkdtempSync(join(tmpdir(), 'sluice-elasticsearch-'))
after(() => rmSync(folder, { recursive: true }))

// Scenario: two batches of one service and operation, the first from two pipelines at once, to an empty cluster.
// Guarantees: templates first; each span once; the service's document once, before its spans, with Jaeger's id; gzip.
test('spans and services are written', async () => {
  await withExporter({}, async (exporter, _settings, cluster) => {
    const batch = numberedSpans(3)
    const both = await Promise.all([sendTo(exporter, batch), sendTo(exporter, batch)])
    assert.deepEqual(both, [{ sent: 3 }, { sent: 3 }])
    cluster.requests.splice(cluster.requests.indexOf(cluster.bulks[1]!), 1)
    assert.deepEqual(await sendTo(exporter, numberedSpans(2, undefined, 3)), { sent: 2 })
    assert.deepEqual(
      cluster.templates.map(({ path }) => path),
      ['/_index_template/jaeger-span', '/_index_template/jaeger-service'],
    )
    assert.ok(cluster.requests.indexOf(cluster.templates[1]!) < cluster.requests.indexOf(cluster.bulks[0]!))
    assert.deepEqual(cluster.spans.map(numberOf), [0, 1, 2, 3, 4])
    assert.deepEqual(cluster.services, [{ serviceName: 'shop', operationName: 'operation' }])
    const day = new Date().toISOString().slice(0, 10)
    assert.match(cluster.bulks[0]!.lines[0].index._index, new RegExp(`^jaeger-service-${day.slice(0, 4)}`))
    assert.match(cluster.bulks[0]!.lines[0].index._id, /^[0-9a-f]{1,16}$/)
    assert.match(cluster.bulks[0]!.lines[2].index._id, /^0102030405060000_[0-9a-f]{16}$/)
    assert.equal(cluster.bulks[0]!.headers['content-encoding'], 'gzip')
    assert.equal(cluster.bulks[0]!.headers['content-type'], 'application/x-ndjson')
    assert.ok(!cluster.bulks[0]!.path.includes('require_alias'))
  })
})

// Scenario: tags as fields, from the config and from a file; ids left to Elasticsearch.
// Guarantees: those keys are fields; documents have no id.
test('tags as fields', async () => {
  const file = join(folder, 'keys')
  writeFileSync(file, ' http.method \n\nhost.name\n')
  await withExporter(
    { jaeger: { deterministic_ids: false, tags_as_fields: { include: 'n,other', config_file: file } } },
    async (exporter, _settings, cluster) => {
      await sendTo(
        exporter,
        numberedSpans(1, n => ({
          attributes: [
            { key: 'n', value: { intValue: String(n) } },
            { key: 'http.method', value: { stringValue: 'GET' } },
            { key: 'rest', value: { boolValue: true } },
          ],
        })),
      )
      const [document] = cluster.spans
      assert.deepEqual(document.tag, { n: 0, 'http@method': 'GET' })
      assert.deepEqual(document.tags, [{ key: 'rest', value: true, type: 'bool' }])
      assert.equal(cluster.bulks[0]!.lines[2].index._id, undefined)
    },
  )
  await assert.rejects(
    withExporter({ jaeger: { tags_as_fields: { config_file: join(folder, 'none') } } }, async () => {}),
    /config_file.*ENOENT/,
  )
})

// Scenario: rollover by alias, and a data stream.
// Guarantees: an alias must exist, or the write would make an index of its name; a stream gets @timestamp and create.
test('aliases and streams', async () => {
  await withExporter({ jaeger: { rotation: 'manual_rollover' } }, async (exporter, _settings, cluster) => {
    cluster.item = () => ({
      status: 404,
      error: { type: 'index_not_found_exception', reason: 'no such index' },
    })
    await refusedBy(exporter, numberedSpans(1))
    assert.match(cluster.bulks[0]!.path, /require_alias=true/)
    assert.equal(cluster.bulks[0]!.lines[2].index._index, 'jaeger-span-write')
  })
  await withExporter(
    { jaeger: { rotation: 'data_stream', indices: { index_prefix: 'prod' } } },
    async (exporter, _settings, cluster) => {
      cluster.item = () => ({
        status: 409,
        error: { type: 'version_conflict_engine_exception', reason: 'there' },
      })
      assert.deepEqual(await sendTo(exporter, numberedSpans(1)), { sent: 1 })
      const [service, serviceDocument, span, spanDocument] = cluster.bulks[0]!.lines
      assert.equal(service.create._index, 'prod.jaeger.services')
      assert.equal(span.create._index, 'prod.jaeger.spans')
      for (const document of [serviceDocument, spanDocument])
        assert.match(document['@timestamp'], /^\d{4}-\d\d-\d\dT[\d:.]+Z$/)
    },
  )
})

// Scenario: two nodes, one of which goes away; a user and a password, then an API key.
// Guarantees: requests go to the nodes in turn, then to the one that is left; the credentials are sent.
test('several nodes are asked in turn', async () => {
  const [a, b] = [await FakeElasticsearch.start(), await FakeElasticsearch.start()]
  const settings = testSettings('exporter', 'elasticsearch')
  const plain = {
    endpoints: [a.url, b.url],
    mapping: { mode: 'jaeger' },
    user: 'elastic',
    password: 'secret',
    jaeger: { create_mappings: false },
  }
  const exporter = factory.create(readConfig(factory.config, plain) as ElasticsearchConfig, settings, [
    'traces',
  ])
  await exporter.start()
  try {
    for (let i = 0; i < 6; i++) await sendTo(exporter, numberedSpans(1))
    assert.deepEqual([a.bulks.length, b.bulks.length], [3, 3])
    const basic = `Basic ${Buffer.from('elastic:secret').toString('base64')}`
    assert.equal(a.bulks[0]!.headers['authorization'], basic)
    await a.close()
    let failures = 0
    for (let i = 0; i < 6; i++) await sendTo(exporter, numberedSpans(1)).catch(() => failures++)
    assert.ok(failures <= 1, `${failures} of 6 went to the node that is gone`)
    assert.ok(b.bulks.length >= 8)
  } finally {
    await exporter.stop(performance.now() + 1000)
    await b.close()
  }
  await withExporter({ api_key: 'abc' }, async (exporter, _settings, cluster) => {
    await sendTo(exporter, numberedSpans(1))
    assert.equal(cluster.bulks[0]!.headers['authorization'], 'ApiKey abc')
  })
})
