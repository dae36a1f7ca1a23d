/** The exporter in the Collector's modes, against a cluster that answers as a test says. */

import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { type Batch, batchOf } from '../../../core/component/batch.ts'
import { type Exporter, NO_CONTEXT, type Part, type SendResult } from '../../../core/component/contract.ts'
import { NO_META } from '../../../core/component/meta.ts'
import { Refused } from '../../../core/component/outcome.ts'
import { sendingChain } from '../../../core/component/sending.ts'
import { countItems } from '../../../core/otlp/walk.ts'
import type { ElasticsearchConfig } from '../../../exporters/elasticsearch/config.ts'
import { factory } from '../../../exporters/elasticsearch/index.ts'
import { attributes, LOG, logsOf, metricsOf, SPAN, spansOf } from '../../core/formats/elastic/samples.ts'
import { consumeAsEdge } from '../../kit/exporter.ts'
import { FakeElasticsearch } from '../../kit/fake-elasticsearch.ts'
import type { ItemSignal } from '../../kit/mode-documents.ts'
import type { Tree } from '../../kit/node.ts'
import { type TestSettings, testSettings } from '../../kit/parts.ts'
import { encodeRequest } from '../../kit/proto.ts'
import { readConfig } from '../../kit/read-config.ts'

const folder = mkdtempSync(join(tmpdir(), 'sluice-elasticsearch-modes-'))
after(() => rmSync(folder, { recursive: true }))

function batch(signal: ItemSignal, request: Record<string, unknown>): Batch {
  const bytes = encodeRequest(signal, request)
  return batchOf(signal, [bytes], countItems(bytes, signal))
}

interface Around {
  readonly exporter: Exporter
  readonly cluster: FakeElasticsearch
  readonly settings: TestSettings
  readonly config: ElasticsearchConfig
  send(batch: Batch): Promise<SendResult>
}

async function withExporter(
  config: Tree,
  run: (around: Around) => Promise<void>,
  extension?: object,
): Promise<void> {
  const cluster = await FakeElasticsearch.start()
  const settings = testSettings('exporter', 'elasticsearch')
  if (extension !== undefined) settings.host.extensions.set('bearertokenauth', extension as Part)
  const read = readConfig(factory.config, { endpoint: cluster.url, ...(config as object) })
  const exporter = factory.create(read as ElasticsearchConfig, settings, ['logs', 'metrics', 'traces'])
  try {
    await exporter.start()
    const send = (one: Batch): Promise<SendResult> => exporter.send(one, NO_CONTEXT)
    await run({ exporter, cluster, settings, config: read as ElasticsearchConfig, send })
  } finally {
    await exporter.stop(performance.now() + 1000)
    await cluster.close()
  }
}

const busy = { status: 429, error: { type: 'es_rejected_execution_exception', reason: 'busy' } }

// Scenario: logs, one of which is there already, with a pipeline and the source on errors.
// Guarantees: nothing is put before them; what is there already is sent; the request asks for what the config says.
test('documents are created', async () => {
  const config = { pipeline: 'clean up', include_source_on_error: true }
  await withExporter(config, async ({ cluster, send }) => {
    cluster.item = (_, { create }) =>
      create._index.startsWith('logs-')
        ? { status: 409, error: { type: 'version_conflict_engine_exception', reason: 'exists' } }
        : { status: 201 }
    assert.deepEqual(await send(batch('logs', logsOf(LOG, LOG))), { sent: 2 })
    assert.equal(cluster.requests.length, 1)
    const { path, lines } = cluster.requests[0]!
    assert.equal(
      path,
      '/_bulk?filter_path=errors,items.*.status,items.*.error&pipeline=clean+up&include_source_on_error=true',
    )
    assert.equal(lines.length, 4)
  })
})

// Scenario: five points in two documents, one of which is refused for now and then for ever.
// Guarantees: points are counted, not documents; only the refused document is sent again.
test('documents of several data points', async () => {
  const gauge = (name: string, ...values: number[]) => ({
    name,
    gauge: {
      dataPoints: values.map(at => ({ asInt: '1', attributes: attributes({ at }), timeUnixNano: '1' })),
    },
  })
  const metrics = batch('metrics', metricsOf(gauge('a', 1, 2), gauge('b', 1), gauge('c', 1, 2)))
  await withExporter({}, async ({ cluster, send }) => {
    cluster.item = ({ attributes }) => (attributes.at === 1 ? busy : { status: 201 })
    const first = await send(metrics)
    assert.equal(first.sent, 2)
    assert.equal(first.retry!.items, 3)
    const error = { type: 'document_parsing_exception', reason: 'no' }
    cluster.item = () => ({ status: 400, error })
    const second = await send(first.retry!)
    assert.deepEqual(second, {
      sent: 0,
      rejected: [{ items: 3, reason: 'rejected_by_server', message: '400 document_parsing_exception: no' }],
    })
    assert.deepEqual(cluster.bulks[1]!.lines.length, 2)
  })
})

// Scenario: a span is taken, its event is not, for now; then for ever.
// Guarantees: the event is sent again though every item is sent; when it is lost no item is, but it is counted and kept.
test('events of spans have fates of their own', async () => {
  const file = join(folder, 'events.jsonl')
  await withExporter({ dead_letter: { file } }, async ({ cluster, send, settings }) => {
    cluster.item = document => (document.event_name === undefined ? { status: 201 } : busy)
    const first = await send(batch('traces', spansOf(SPAN)))
    assert.equal(first.sent, 1)
    assert.equal(first.retry!.items, 0)
    await assert.rejects(send(first.retry!), (error: unknown) => {
      assert.ok(error instanceof Refused)
      assert.match(error.message, /events of spans/)
      return true
    })
    assert.equal(cluster.bulks[1]!.lines.length, 2)
    cluster.item = () => ({ status: 400, error: { type: 'mapper_parsing_exception', reason: 'no' } })
    assert.deepEqual(await send(first.retry!), { sent: 0 })
    const letters = readFileSync(file, 'utf8').trim().split('\n')
    assert.equal(letters.length, 1)
    assert.equal(JSON.parse(letters[0]!).document.event_name, 'charged')
    const name =
      'sluice_elasticsearch_failed_documents{error_type="mapper_parsing_exception",exporter="elasticsearch"}'
    assert.equal(settings.metrics.read(name), 1)
  })
})

// Scenario: no span is taken for now, but their events are.
// Guarantees: the spans are sent again without the events, which would be there twice.
test('events that are there are not sent again', async () => {
  await withExporter({}, async ({ cluster, send }) => {
    cluster.item = document => (document.event_name === undefined ? busy : { status: 201 })
    const first = await send(batch('traces', spansOf(SPAN)))
    assert.equal(first.sent, 0)
    assert.equal(first.retry!.items, 1)
    cluster.item = () => ({ status: 201 })
    assert.deepEqual(await send(first.retry!), { sent: 1 })
    assert.equal(cluster.bulks[1]!.lines.length, 2)
    assert.equal(cluster.bulks[1]!.lines[1].event_name, undefined)
  })
})

// Scenario: of three records one has no document in its mode and one is refused for ever.
// Guarantees: each is lost with its own reason, and the third is sent.
test('losses of every kind in one batch', async () => {
  await withExporter({ mapping: { mode: 'bodymap' } }, async ({ cluster, send }) => {
    const body = (n: number) => ({ kvlistValue: { values: attributes({ n }) } })
    cluster.item = ({ n }) =>
      n === 1 ? { status: 400, error: { type: 'mapper_parsing_exception', reason: 'no' } } : { status: 201 }
    const { sent, rejected } = await send(
      batch('logs', logsOf(LOG, { ...LOG, body: body(1) }, { ...LOG, body: body(2) })),
    )
    assert.equal(sent, 1)
    assert.deepEqual(
      rejected!.map(({ items, reason }) => [items, reason]),
      [
        [1, 'unmappable'],
        [1, 'rejected_by_server'],
      ],
    )
  })
})

// Scenario: a cluster that never has time, behind a queue that may try three times.
// Guarantees: so many requests and no more; the sender, who waits, hears of it.
test('retries end by number', async () => {
  const retry = { max_retries: 2, initial_interval: '1ms', max_interval: '2ms' }
  const queue = { sending_queue: { wait_for_result: true, batch: { enabled: false } } }
  await withExporter({ retry, ...queue }, async ({ exporter, cluster, settings, config }) => {
    cluster.answer = () => ({ status: 503, body: 'busy' })
    const chain = sendingChain(exporter, factory.sending!(config), settings)
    await chain.start()
    await assert.rejects(consumeAsEdge(chain, settings.account, batch('logs', logsOf(LOG))), Refused)
    await chain.stop(performance.now() + 1000)
    assert.equal(cluster.bulks.length, 3)
  })
})

// Scenario: senders that ask for different modes, behind a queue that batches.
// Guarantees: each gets its own; requests that ask for the same are one.
test('modes are kept apart in the queue', async () => {
  const queue = { sending_queue: { batch: { flush_timeout: '10m', min_size: 1_000_000 } } }
  await withExporter(queue, async ({ exporter, cluster, settings, config }) => {
    const chain = sendingChain(exporter, factory.sending!(config), settings)
    await chain.start()
    const asking = (mode: string): Batch => {
      const { chunks, items } = batch('logs', logsOf(LOG))
      const metadata = new Map([['x-elastic-mapping-mode', [mode]]])
      return batchOf('logs', chunks, items, { ...NO_META, metadata })
    }
    for (const mode of ['ecs', 'none', 'ecs', 'none'])
      await consumeAsEdge(chain, settings.account, asking(mode))
    await chain.stop(performance.now() + 5000)
    const kinds = cluster.bulks.map(({ lines }) =>
      lines.filter((_, i) => i % 2 === 1).map(document => ('message' in document ? 'ecs' : 'none')),
    )
    assert.deepEqual(kinds.map(kind => kind.join()).sort(), ['ecs,ecs', 'none,none'])
  })
})

// Scenario: an authenticator whose first token is old; its headers beside a user's.
// Guarantees: every request has what it adds, which wins; a 401 is tried once more with what it has then.
test('credentials of an extension', async () => {
  let token = 0
  const extension = {
    authorize: (headers: Record<string, string>) => {
      headers['authorization'] = `Bearer ${token}`
    },
    renew: () => {
      token++
      return token < 2
    },
    plainTextAllowed: false,
  }
  const config = { user: 'u', password: 'p', auth: { authenticator: 'bearertokenauth' } }
  await withExporter(
    config,
    async ({ cluster, send }) => {
      cluster.answer = ({ headers }) =>
        headers['authorization'] === 'Bearer 1' ? undefined : { status: 401, body: 'no' }
      assert.deepEqual(await send(batch('logs', logsOf(LOG))), { sent: 1 })
      const sent = cluster.bulks.map(({ headers }) => headers['authorization'])
      assert.deepEqual(sent, ['Bearer 0', 'Bearer 1'])
      token = 5
      await assert.rejects(send(batch('logs', logsOf(LOG))), Refused)
    },
    extension,
  )
})

// Scenario: everything that may be logged of requests, and documents that fail one after another.
// Guarantees: bodies at level debug; a document beside its reason, but not more often than the config says; nothing of that
// without the keys.
test('what is logged of the data', async () => {
  const error = { type: 'mapper_parsing_exception', reason: 'no' }
  const failing = async (telemetry: object): Promise<TestSettings> => {
    let kept: TestSettings | undefined
    await withExporter({ telemetry } as Tree, async ({ cluster, send, settings }) => {
      cluster.item = () => ({ status: 400, error })
      await send(batch('logs', logsOf(LOG)))
      await send(batch('logs', logsOf(LOG)))
      kept = settings
    })
    return kept!
  }
  const quiet = await failing({})
  assert.ok(!JSON.stringify(quiet.log.lines).includes('card refused'))
  const loud = await failing({
    log_request_body: true,
    log_response_body: true,
    log_failed_docs_input: true,
    log_failed_docs_input_rate_limit: '1h',
  })
  const lines = (message: string) => loud.log.lines.filter(line => line.message === message)
  assert.equal(lines('bulk request').length, 2)
  assert.match(String(lines('bulk request')[0]!.fields['body']), /card refused/)
  assert.match(String(lines('bulk answer')[0]!.fields['body']), /mapper_parsing_exception/)
  const inputs = loud.log.lines.filter(({ fields }) => fields['input'] !== undefined)
  assert.equal(inputs.length, 1)
  assert.match(String(inputs[0]!.fields['input']), /^\{"create":.*card refused/)
})
