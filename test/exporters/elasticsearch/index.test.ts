import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { type Batch, batchOf } from '../../../core/component/batch.ts'
import { type Exporter, NO_CONTEXT, type SendResult } from '../../../core/component/contract.ts'
import { Refused } from '../../../core/component/outcome.ts'
import type { ElasticsearchConfig } from '../../../exporters/elasticsearch/config.ts'
import { factory } from '../../../exporters/elasticsearch/index.ts'
import { FakeElasticsearch } from '../../kit/fake-elasticsearch.ts'
import type { Tree } from '../../kit/node.ts'
import { type TestSettings, testSettings } from '../../kit/parts.ts'
import { encodeRequest } from '../../kit/proto.ts'
import { readConfig } from '../../kit/read-config.ts'

const folder = mkdtempSync(join(tmpdir(), 'sluice-elasticsearch-'))
after(() => rmSync(folder, { recursive: true }))

const HOUR = 3_600_000

/** Spans whose operations are numbered, of one service. */
function spans(
  count: number,
  changes: (n: number) => Record<string, unknown> = () => ({}),
  first = 0,
): Batch {
  const now = BigInt(Date.now()) * 1_000_000n
  const made = Array.from({ length: count }, (_, i) => ({
    traceId: Buffer.alloc(16, 1),
    spanId: Buffer.from([1, 2, 3, 4, 5, 6, (first + i) >> 8, (first + i) & 255]),
    name: 'operation',
    startTimeUnixNano: String(now),
    endTimeUnixNano: String(now + 1_000_000n),
    attributes: [{ key: 'n', value: { intValue: String(first + i) } }],
    ...changes(first + i),
  }))
  const resource = { attributes: [{ key: 'service.name', value: { stringValue: 'shop' } }] }
  const bytes = encodeRequest('traces', { resourceSpans: [{ resource, scopeSpans: [{ spans: made }] }] })
  return batchOf('traces', [bytes], count)
}

const numberOf = (document: { tags: { key: string; value: number }[] }): number =>
  document.tags.find(({ key }) => key === 'n')!.value

async function withExporter(
  config: Tree,
  run: (exporter: Exporter, settings: TestSettings, cluster: FakeElasticsearch) => Promise<void>,
  prepare: (cluster: FakeElasticsearch) => void = () => {},
): Promise<void> {
  const cluster = await FakeElasticsearch.start()
  prepare(cluster)
  const settings = testSettings('exporter', 'elasticsearch')
  const whole = { endpoint: cluster.url, mapping: { mode: 'jaeger' }, ...(config as object) }
  const exporter = factory.create(readConfig(factory.config, whole) as ElasticsearchConfig, settings, [
    'traces',
  ])
  try {
    await exporter.start()
    await run(exporter, settings, cluster)
  } finally {
    await exporter.stop(performance.now() + 1000)
    await cluster.close()
  }
}

const send = (exporter: Exporter, batch: Batch): Promise<SendResult> => exporter.send(batch, NO_CONTEXT)

async function refusedBy(exporter: Exporter, batch: Batch): Promise<Refused> {
  const error = await send(exporter, batch).then(
    () => undefined,
    thrown => thrown,
  )
  assert.ok(error instanceof Refused, `${error}`)
  return error
}

// Scenario: two batches of one service and operation, the first from two pipelines at once, to an empty cluster.
// Guarantees: templates first; each span once; the service's document once, before its spans, with Jaeger's id; gzip.
test('spans and services are written', async () => {
  await withExporter({}, async (exporter, _settings, cluster) => {
    const batch = spans(3)
    const both = await Promise.all([send(exporter, batch), send(exporter, batch)])
    assert.deepEqual(both, [{ sent: 3 }, { sent: 3 }])
    cluster.requests.splice(cluster.requests.indexOf(cluster.bulks[1]!), 1)
    assert.deepEqual(await send(exporter, spans(2, undefined, 3)), { sent: 2 })
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
    assert.match(cluster.bulks[0]!.lines[2].index._id, /^(01){16}_0102030405060000_[0-9a-f]{16}$/)
    assert.equal(cluster.bulks[0]!.headers['content-encoding'], 'gzip')
    assert.equal(cluster.bulks[0]!.headers['content-type'], 'application/x-ndjson')
    assert.ok(!cluster.bulks[0]!.path.includes('require_alias'))
  })
})

// Scenario: of a thousand documents ten are too much for now, one has a field of a wrong type, one is there already.
// Guarantees: the ten are sent again and no others; the wrong one is lost with Elasticsearch's reason, never retried.
test('each document has a fate of its own', async () => {
  await withExporter({ flush: { bytes: 40_000 } }, async (exporter, settings, cluster) => {
    cluster.item = document => {
      if (document.traceID === undefined) return { status: 201 }
      const n = numberOf(document)
      if (n === 500) {
        const error = {
          type: 'mapper_parsing_exception',
          reason: 'failed to parse',
          caused_by: { reason: 'no date' },
        }
        return { status: 400, error }
      }
      if (n === 600)
        return { status: 409, error: { type: 'version_conflict_engine_exception', reason: 'there' } }
      if (n % 100 === 7)
        return { status: 429, error: { type: 'es_rejected_execution_exception', reason: 'busy' } }
      return { status: 201 }
    }
    const first = await send(exporter, spans(1000))
    assert.equal(first.sent, 989)
    assert.deepEqual(first.rejected, [
      {
        items: 1,
        reason: 'rejected_by_server',
        message: '400 mapper_parsing_exception: failed to parse: no date',
      },
    ])
    assert.equal(first.retry?.items, 10)
    assert.ok(cluster.bulks.length > 5, 'bodies are bounded')
    for (const { byteLength } of cluster.bulks) assert.ok(byteLength <= 40_000, `${byteLength}`)
    cluster.item = () => ({ status: 201 })
    const before = cluster.spans.length
    assert.deepEqual(await send(exporter, first.retry!), { sent: 10 })
    const again = cluster.spans.slice(before).map(numberOf)
    assert.deepEqual(again, [7, 107, 207, 307, 407, 507, 607, 707, 807, 907])
    assert.equal(cluster.services.length, 1)
    const failed = (type: string) =>
      settings.metrics.read(
        `sluice_elasticsearch_failed_documents{error_type="${type}",exporter="elasticsearch"}`,
      )
    assert.equal(failed('mapper_parsing_exception'), 1)
    assert.equal(failed('es_rejected_execution_exception'), 10)
  })
})

// Scenario: every status for a whole request; a 200 with something else than an answer to a bulk request.
// Guarantees: what may pass is refused, with the cluster's words and wait; what cannot is lost.
test('every status has its outcome', async () => {
  await withExporter({}, async (exporter, _settings, cluster) => {
    for (const status of [401, 403, 408, 429, 500, 502, 503, 504]) {
      cluster.answer = ({ path }) =>
        path.startsWith('/_bulk')
          ? {
              status,
              body: { error: { type: 'some_exception', reason: 'because' } },
              headers: { 'retry-after': '7' },
            }
          : undefined
      const refused = await refusedBy(exporter, spans(2))
      assert.match(refused.message, new RegExp(`answered ${status} some_exception: because`))
      assert.equal(refused.afterMs, 7000)
    }
    for (const status of [400, 404, 405, 413]) {
      cluster.answer = ({ path }) => (path.startsWith('/_bulk') ? { status, body: 'no' } : undefined)
      const { sent, rejected } = await send(exporter, spans(1))
      assert.deepEqual([sent, rejected?.[0]?.items], [0, 1], `${status}`)
    }
    cluster.answer = ({ path }) =>
      path.startsWith('/_bulk') ? { status: 200, body: { hello: 1 } } : undefined
    assert.match((await refusedBy(exporter, spans(2))).message, /not one to a bulk request/)
  })
})

// Scenario: the third of many requests of one batch is refused, twice.
// Guarantees: the retry begins with that request; nothing is sent twice, and the counts add up.
test('a batch goes on where it was', async () => {
  await withExporter({ flush: { bytes: 5000 } }, async (exporter, _settings, cluster) => {
    let busy = true
    let bulks = 0
    cluster.answer = ({ path }) =>
      path.startsWith('/_bulk') && bulks++ >= 2 && busy ? { status: 503, body: 'busy' } : undefined
    const batch = spans(60)
    const first = await send(exporter, batch)
    assert.ok(first.sent > 0 && first.sent < 60)
    assert.equal(first.retry!.items, 60 - first.sent)
    await refusedBy(exporter, first.retry!)
    busy = false
    const taken = (from: number) =>
      cluster.bulks.slice(from).flatMap(({ lines }) => lines.filter(line => line.traceID))
    const before = cluster.bulks.length
    assert.deepEqual(await send(exporter, first.retry!), { sent: 60 - first.sent })
    assert.deepEqual(
      taken(before).map(numberOf),
      Array.from({ length: 60 - first.sent }, (_, i) => first.sent + i),
    )
  })
})

// Scenario: no level, the best one, and no compression at all.
// Guarantees: gzip says in its header how it was made: as fast as it goes unless the config says otherwise.
test('the level of gzip', async () => {
  const headerOf = async (config: Tree): Promise<readonly [string | undefined, number]> => {
    let found: readonly [string | undefined, number] = [undefined, -1]
    await withExporter(config, async (exporter, _settings, cluster) => {
      await send(exporter, spans(3))
      const { headers, raw } = cluster.bulks[0]!
      found = [headers['content-encoding'] as string | undefined, raw[8]!]
    })
    return found
  }
  assert.deepEqual(await headerOf({}), ['gzip', 4])
  assert.deepEqual(await headerOf({ compression_params: { level: 9 } }), ['gzip', 2])
  assert.equal((await headerOf({ compression: 'none' }))[0], undefined)
})

// Scenario: the cluster takes no body of more than three documents, and one document not even alone.
// Guarantees: requests are halved until they fit; the one is lost and holds up nobody.
test('bodies that are too large are halved', async () => {
  await withExporter({ compression: 'none' }, async (exporter, _settings, cluster) => {
    cluster.answer = ({ path, lines }) =>
      path.startsWith('/_bulk') &&
      (lines.length > 6 || lines.some(line => line.traceID && numberOf(line) === 5))
        ? { status: 413, body: '' }
        : undefined
    const { sent, rejected, retry } = await send(exporter, spans(20))
    assert.deepEqual([sent, rejected?.[0]?.items, retry], [19, 1, undefined])
    assert.equal(cluster.bulks[0]!.headers['content-encoding'], undefined)
  })
})

// Scenario: documents are refused for ever, with a file for them that has room for two.
// Guarantees: lines from which the request can be made again, with Elasticsearch's reason; the third is counted apart.
test('dead letters', async () => {
  const file = join(folder, 'sub', 'dead.jsonl')
  await withExporter({ dead_letter: { file } }, async (exporter, _settings, cluster) => {
    cluster.item = document =>
      document.traceID === undefined
        ? { status: 201 }
        : { status: 400, error: { type: 'document_parsing_exception', reason: 'odd' } }
    const { sent, rejected } = await send(exporter, spans(2))
    assert.deepEqual([sent, rejected?.map(({ items, reason }) => [items, reason])], [0, [[2, 'dead_letter']]])
    const [line] = readFileSync(file, 'utf8').split('\n')
    const letter = JSON.parse(line!)
    assert.deepEqual([letter.status, letter.type, letter.reason], [400, 'document_parsing_exception', 'odd'])
    assert.equal(letter.document.operationName, 'operation')
    assert.match(letter.action.index._index, /^jaeger-span-/)
  })
  const size = readFileSync(file).length
  writeFileSync(file, Buffer.alloc(1024 * 1024 - size))
  await withExporter({ dead_letter: { file, max_megabytes: 1 } }, async (exporter, settings, cluster) => {
    cluster.item = document => (document.traceID === undefined ? { status: 201 } : { status: 400 })
    const { rejected } = await send(exporter, spans(3))
    assert.deepEqual(
      rejected?.map(({ items, reason }) => [items, reason]),
      [
        [2, 'dead_letter'],
        [1, 'rejected_by_server'],
      ],
    )
    assert.ok(settings.log.lines.some(({ fields }) => /is full/.test(String(fields['problem']))))
  })
})

// Scenario: a cluster that does not listen at first, then is busy, then is there.
// Guarantees: the exporter starts all the same; no document before the templates.
test('nothing is written before the templates are there', async () => {
  await withExporter(
    {},
    async (exporter, settings, cluster) => {
      assert.match((await refusedBy(exporter, spans(1))).message, /busy/)
      assert.equal(cluster.bulks.length, 0)
      assert.ok(settings.log.lines.some(({ message }) => /not there yet/.test(message)))
      cluster.answer = () => undefined
      assert.deepEqual(await send(exporter, spans(1)), { sent: 1 })
      assert.equal(cluster.templates.length, 2)
    },
    cluster => {
      cluster.answer = () => ({ status: 503, body: { error: { type: 'x', reason: 'busy' } } })
    },
  )
})

// Scenario: a template is refused; a cluster without GET /; OpenSearch, also under the version
// 7; one that is too old; templates made by others.
// Guarantees: the way out is named; the right kind of template for each.
test('the cluster decides on the templates', async () => {
  const withCluster = async <T>(
    config: Tree,
    root: { status: number; body: unknown },
    look: (cluster: FakeElasticsearch) => T,
  ): Promise<T> => {
    let found: T | undefined
    await withExporter(
      config,
      async (exporter, _settings, cluster) => {
        await send(exporter, spans(1))
        found = look(cluster)
      },
      cluster => {
        cluster.answer = ({ path }) => (path === '/' ? root : undefined)
      },
    )
    return found!
  }
  const paths = (config: Tree, root: { status: number; body: unknown }): Promise<string[]> =>
    withCluster(config, root, cluster => cluster.templates.map(({ path }) => path))
  const none = { status: 405, body: 'no' }
  assert.deepEqual(await paths({}, none), ['/_index_template/jaeger-span', '/_index_template/jaeger-service'])
  const open = { status: 200, body: { version: { number: '2.11.0', distribution: 'opensearch' } } }
  assert.deepEqual(await paths({}, open), ['/_template/jaeger-span', '/_template/jaeger-service'])
  assert.deepEqual(await paths({ jaeger: { version: '7' } }, none), [
    '/_template/jaeger-span',
    '/_template/jaeger-service',
  ])
  assert.deepEqual(await paths({ jaeger: { create_mappings: false } }, none), [])
  await withExporter(
    {},
    async exporter => {
      assert.match((await refusedBy(exporter, spans(1))).message, /index pattern.*create_mappings: false/)
    },
    cluster => {
      cluster.answer = ({ method }) =>
        method === 'PUT'
          ? { status: 400, body: { error: { type: 'illegal_argument_exception', reason: 'index pattern' } } }
          : undefined
    },
  )
  const settingsOf = (rotation: string, root: { status: number; body: unknown }): Promise<string> =>
    withCluster({ jaeger: { version: '7', rotation } }, root, cluster =>
      JSON.stringify(cluster.templates[0]!.lines),
    )
  assert.match(await settingsOf('auto_rollover', open), /plugins.index_state_management.rollover_alias/)
  for (const root of [none, { status: 200, body: { version: { number: '7.17.0' } } }])
    assert.match(await settingsOf('auto_rollover', root), /index.lifecycle.rollover_alias/)
  const old = { status: 200, body: { version: { number: '6.8.0' } } }
  await assert.rejects(paths({}, old), /too old/)
})

// Scenario: spans of 1970, of next year, of an hour ago, of no time at all and of one before 1970.
// Guarantees: all but the third go to the indices at the edge of the window, with their own times in them, and are counted.
test('no clock makes an index of its own', async () => {
  await withExporter(
    { jaeger: { max_past: '48h', max_future: '1h', indices: { spans: { date_layout: '2006-01-02-15' } } } },
    async (exporter, settings, cluster) => {
      const at = (ms: number) => ({ startTimeUnixNano: String(BigInt(ms) * 1_000_000n) })
      const now = Date.now()
      const times = [1000, now + 8760 * HOUR, now - HOUR, 0, -1000]
      await send(
        exporter,
        spans(5, n => at(times[n]!)),
      )
      const indices = cluster.bulks[0]!.lines.filter(line => line.index !== undefined)
        .map(line => line.index._index as string)
        .filter(name => name.startsWith('jaeger-span'))
      const name = (ms: number) => `jaeger-span-${new Date(ms).toISOString().slice(0, 13).replace('T', '-')}`
      for (const [i, ms] of [
        now - 48 * HOUR,
        now + HOUR,
        now - HOUR,
        now - 48 * HOUR,
        now - 48 * HOUR,
      ].entries())
        assert.ok([name(ms), name(ms + 60_000)].includes(indices[i]!), `${indices[i]} for ${name(ms)}`)
      assert.equal(cluster.spans[0]!.startTimeMillis, 1000)
      const key = 'sluice_elasticsearch_repairs{exporter="elasticsearch",kind="impossible_time"}'
      assert.equal(settings.metrics.read(key), 4)
    },
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
    await refusedBy(exporter, spans(1))
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
      assert.deepEqual(await send(exporter, spans(1)), { sent: 1 })
      const [service, serviceDocument, span, spanDocument] = cluster.bulks[0]!.lines
      assert.equal(service.create._index, 'prod.jaeger.services')
      assert.equal(span.create._index, 'prod.jaeger.spans')
      for (const document of [serviceDocument, spanDocument])
        assert.match(document['@timestamp'], /^\d{4}-\d\d-\d\dT[\d:.]+Z$/)
    },
  )
})

// Scenario: a service's document is refused for now, then for ever, then taken.
// Guarantees: it is offered until it is there, and never counts as an item.
test('a service is known once its document is there', async () => {
  await withExporter({}, async (exporter, _settings, cluster) => {
    let status = 429
    cluster.item = document => ({ status: document.traceID === undefined ? status : 201 })
    assert.deepEqual(await send(exporter, spans(2)), { sent: 2 })
    status = 400
    assert.deepEqual(await send(exporter, spans(2)), { sent: 2 })
    status = 201
    assert.deepEqual(await send(exporter, spans(2)), { sent: 2 })
    assert.deepEqual(await send(exporter, spans(2)), { sent: 2 })
    assert.equal(cluster.services.length, 3)
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
      await send(
        exporter,
        spans(1, n => ({
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
    for (let i = 0; i < 6; i++) await send(exporter, spans(1))
    assert.deepEqual([a.bulks.length, b.bulks.length], [3, 3])
    const basic = `Basic ${Buffer.from('elastic:secret').toString('base64')}`
    assert.equal(a.bulks[0]!.headers['authorization'], basic)
    await a.close()
    let failures = 0
    for (let i = 0; i < 6; i++) await send(exporter, spans(1)).catch(() => failures++)
    assert.ok(failures <= 1, `${failures} of 6 went to the node that is gone`)
    assert.ok(b.bulks.length >= 8)
  } finally {
    await exporter.stop(performance.now() + 1000)
    await b.close()
  }
  await withExporter({ api_key: 'abc' }, async (exporter, _settings, cluster) => {
    await send(exporter, spans(1))
    assert.equal(cluster.bulks[0]!.headers['authorization'], 'ApiKey abc')
  })
})

// Scenario: a cluster that answers "busy" for every document of a batch of many requests, and then takes them all.
// Guarantees: only so many documents as a request has wait to be sent again; the rest are made when they are sent.
test('few documents wait to be sent again', async () => {
  await withExporter(
    { jaeger: { create_mappings: false }, flush: { bytes: 5000 } },
    async (exporter, _settings, cluster) => {
      const busy = { status: 429, error: { type: 'es_rejected_execution_exception', reason: 'busy' } }
      cluster.item = () => (cluster.bulks.length > 1 ? busy : { status: 201 })
      const first = await send(exporter, spans(100))
      const { sent } = first
      assert.ok(sent > 0 && sent < 20, `${sent}`)
      for (let i = 0; i < 3; i++) await refusedBy(exporter, first.retry!)
      assert.ok(cluster.bulks.length < 12, `${cluster.bulks.length} requests`)
      cluster.item = () => ({ status: 201 })
      assert.deepEqual(await send(exporter, first.retry!), { sent: 100 - sent })
      const there = new Set(cluster.spans.map(numberOf))
      assert.equal(there.size, 100)
    },
  )
})

// Scenario: the third of many requests of a batch is never answered, and the attempt has a deadline.
// Guarantees: shortly before it the exporter says what is there, and what is sent again begins with the third.
test('a deadline does not lose what is known', async () => {
  await withExporter(
    { jaeger: { create_mappings: false }, flush: { bytes: 5000 } },
    async (exporter, _settings, cluster) => {
      cluster.answer = () => {
        cluster.hangs = cluster.bulks.length >= 2
        return undefined
      }
      const first = await exporter.send(spans(60), { deadline: performance.now() + 1000 })
      assert.ok(first.sent > 0 && first.sent < 60, `${first.sent}`)
      assert.equal(first.retry!.items, 60 - first.sent)
      cluster.answer = () => undefined
      cluster.hangs = false
      const before = cluster.spans.length
      assert.deepEqual(await send(exporter, first.retry!), { sent: 60 - first.sent })
      assert.equal(numberOf(cluster.spans[before]!), first.sent)
    },
  )
})

// Scenario: an attempt is aborted while the cluster thinks; then the cluster answers, and the batch is sent again.
// Guarantees: every span is told once, whatever became of the first attempt.
test('an attempt that was given up on does not count', async () => {
  await withExporter(
    { jaeger: { create_mappings: false }, flush: { bytes: 3000 } },
    async (exporter, _settings, cluster) => {
      const gate = Promise.withResolvers<void>()
      let hold = true
      cluster.item = () => ({ status: 201 })
      const batch = spans(30)
      const controller = new AbortController()
      cluster.answer = ({ path }) => {
        if (!path.startsWith('/_bulk') || !hold || cluster.bulks.length < 3) return undefined
        hold = false
        controller.abort()
        gate.resolve()
        return undefined
      }
      const first = exporter.send(batch, { signal: controller.signal }).catch(error => error)
      await gate.promise
      const result = await first
      const second = result instanceof Refused ? { sent: 0, retry: batch } : (result as SendResult)
      const rest = await send(exporter, second.retry ?? batch)
      assert.equal(second.sent + rest.sent, 30)
    },
  )
})
