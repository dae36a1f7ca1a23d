import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { loadConfig } from '../../../config/load.ts'
import { formatProblem, type Node } from '../../../config/node.ts'
import { batchOf } from '../../../core/component/batch.ts'
import { NO_CONTEXT } from '../../../core/component/contract.ts'
import { CATALOG } from '../../../gateway/catalog.ts'
import { fingerprint } from '../../../gateway/fingerprint.ts'
import { readConfig } from '../../../gateway/read-config.ts'
import { FakeElasticsearch } from '../../kit/fake-elasticsearch.ts'
import { requestOf } from '../../kit/jaeger-cases.ts'
import { testSettings } from '../../kit/parts.ts'
import { eventually } from '../../services/process.ts'

const folder = mkdtempSync(join(tmpdir(), 'sluice-jaeger-storage-'))
after(() => rmSync(folder, { recursive: true }))

/** A whole config with this backend, and these keys of the exporter besides the name of its storage. */
function wholeConfig(backend: object, exporter: object = {}, more: object = {}): string {
  return JSON.stringify({
    receivers: { otlp: { protocols: { grpc: null } } },
    exporters: { jaeger_storage_exporter: { trace_storage: 'main', ...exporter } },
    extensions: { jaeger_storage: { backends: { main: backend, ...more } } },
    service: {
      extensions: ['jaeger_storage'],
      pipelines: { traces: { receivers: ['otlp'], exporters: ['jaeger_storage_exporter'] } },
    },
  })
}

async function understood(text: string) {
  const { root, check } = loadConfig([`yaml:${text}`], [], { env: {}, cwd: folder })
  const config = await readConfig(root, CATALOG, check)
  const said = check.problems.map(formatProblem)
  return { config, said, failed: check.failed, exporter: config.exporters.get('jaeger_storage_exporter') }
}

/** Where it stands and what it is about: `5:20 exporters::x::y: words`. */
async function mistakes(yaml: string): Promise<string[]> {
  const { said } = await understood(yaml)
  return said.map(line => line.replace(/^yaml:.*?:(\d+:\d+): /, '$1 '))
}

async function running(text: string) {
  const { exporter, said, failed } = await understood(text)
  assert.ok(!failed, said.join('\n'))
  const settings = testSettings('exporter', 'jaeger_storage_exporter')
  return exporter!.factory.create(exporter!.config, settings, ['traces'])
}

// Scenario: a backend with every key of Jaeger's that means something to a writer, and one with none.
// Guarantees: each does what it does in Jaeger: names and settings of indices, tags as fields, credentials, headers,
// compression, sizes; without any Jaeger's defaults.
test("Jaeger's keys do what they do there", async () => {
  const cluster = await FakeElasticsearch.start()
  const index = {
    date_layout: '2006-01-02-15',
    rollover_frequency: 'hour',
    shards: 3,
    replicas: 0,
    priority: 7,
  }
  const backend = {
    server_urls: [cluster.url],
    auth: { basic: { username: 'jaeger', password: 'secret' } },
    custom_headers: { 'X-Team': 'a' },
    http_compression: false,
    version: 8,
    indices: { index_prefix: 'prod', spans: index, services: { ...index, shards: 1 } },
    tags_as_fields: { all: true, dot_replacement: '#' },
    bulk_processing: { max_bytes: 700, workers: 2, flush_interval: '1s' },
    service_cache_ttl: '1h',
  }
  const text = wholeConfig({ elasticsearch: backend })
  const { exporter: read } = await understood(text)
  const { sending_queue, retry_on_failure } = read!.factory.sending!(read!.config)
  assert.equal(sending_queue.num_consumers, 2)
  assert.deepEqual(
    { ...sending_queue.batch, partition: undefined },
    { flush_timeout: 1000, min_size: 700, max_size: 700, sizer: 'bytes', partition: undefined },
  )
  assert.equal(retry_on_failure.enabled, true)
  const exporter = await running(text)
  await exporter.start()
  const requests = ['onSpan', 'scoped', 'shop'].map(requestOf)
  assert.deepEqual(await exporter.send(batchOf('traces', requests, 7), NO_CONTEXT), { sent: 7 })
  await exporter.stop(performance.now() + 1000)
  await cluster.close()
  const [spanTemplate] = cluster.templates
  assert.equal(spanTemplate!.path, '/_index_template/prod-jaeger-span')
  assert.equal(spanTemplate!.lines[0].priority, 7)
  assert.equal(spanTemplate!.lines[0].template.settings['index.number_of_shards'], 3)
  assert.equal(spanTemplate!.lines[0].template.settings['index.number_of_replicas'], 0)
  assert.ok(cluster.bulks.length > 1, 'more than one bulk request')
  for (const { headers, lines } of cluster.bulks) {
    assert.equal(headers['authorization'], `Basic ${Buffer.from('jaeger:secret').toString('base64')}`)
    assert.equal(headers['x-team'], 'a')
    assert.equal(headers['content-encoding'], undefined)
    for (const { index } of lines.filter(line => line.index !== undefined))
      assert.match(index._index, /^prod-jaeger-(?:span|service)-\d{4}-\d\d-\d\d-\d\d$/)
  }
  const scoped = cluster.spans.find(({ operationName }) => operationName === 'look')
  assert.deepEqual(scoped.tag, { 'otel#scope#name': 'depot.client', 'otel#scope#version': '2.1' })

  const { exporter: plain, said } = await understood(wholeConfig({ opensearch: {} }))
  assert.deepEqual(said, [])
  const { sending_queue: usual } = plain!.factory.sending!(plain!.config)
  assert.ok(usual.enabled && usual.batch?.sizer === 'bytes')
  assert.equal(usual.batch.flush_timeout, 200)
})

// Scenario: a queue and a retry of the exporter's own; both turned off; certificates not looked at.
// Guarantees: they win over the backend's; `insecure` takes any certificate, as in Jaeger.
test('the exporter has the last word on its queue', async () => {
  const bulk = { bulk_processing: { workers: 2, flush_interval: '1s' } }
  const own = {
    queue: { num_consumers: 5, queue_size: 70 },
    retry_on_failure: { enabled: true, initial_interval: '1s', max_elapsed_time: '10m', multiplier: 3 },
  }
  const { exporter, said } = await understood(wholeConfig({ elasticsearch: bulk }, own))
  assert.deepEqual(
    said.map(line => line.replace(/^.*?: warning: /, '')),
    [
      'exporters::jaeger_storage_exporter::retry_on_failure::multiplier: has no effect here; each wait is twice the one before',
    ],
  )
  const { sending_queue, retry_on_failure } = exporter!.factory.sending!(exporter!.config)
  assert.equal(sending_queue.num_consumers, 5)
  assert.equal(sending_queue.queue_size, 70)
  assert.equal(sending_queue.batch?.flush_timeout, 1000)
  assert.equal(retry_on_failure.initial_interval, 1000)
  const off = { queue: { enabled: false }, retry_on_failure: { enabled: false } }
  const tls = { server_urls: ['https://a:9200'], tls: { insecure: true } }
  const { exporter: direct } = await understood(wholeConfig({ elasticsearch: tls }, off))
  const config = direct!.config as { elasticsearch: { tls: { insecure_skip_verify: boolean } } }
  assert.equal(config.elasticsearch.tls.insecure_skip_verify, true)
  const sending = direct!.factory.sending!(direct!.config)
  assert.equal(sending.sending_queue.enabled, false)
  assert.equal(sending.retry_on_failure.enabled, false)
})

// Scenario: a file with mistakes in the backend, in the exporter and between the two, and keys that are for readers.
// Guarantees: every mistake once, where it is written, with what to do; keys without effect are named as such.
test('mistakes are told where they are', async () => {
  const text = (storage: string) => `
receivers: {otlp: {protocols: {grpc: }}}
exporters:
  jaeger_storage_exporter:
    trace_storage: ${storage}
    queue: {queue_size: 0}
extensions:
  jaeger_storage:
    backends:
      main:
        elasticsearch:
          server_urls: [es-1:9200]
          indices: {index_prefix: Prod, sampling: {shards: 1}}
          use_ilm: true
          max_span_age: 72h
          auth: {api_key: {from_context: true}}
      old: {cassandra: {schema: {keyspace: jaeger}}}
      none: {}
    metric_backends: {some: {prometheus: {endpoint: a}}}
service:
  extensions: [jaeger_storage]
  pipelines: {traces: {receivers: [otlp], exporters: [jaeger_storage_exporter]}}
`
  const said = (await mistakes(text('mian'))).join('\n')
  const at = 'extensions::jaeger_storage::backends::main::elasticsearch'
  for (const [line, column, path, words] of [
    [
      5,
      20,
      'exporters::jaeger_storage_exporter::trace_storage',
      'jaeger_storage has no backend "mian"; did you mean "main"?',
    ],
    [6, 25, 'exporters::jaeger_storage_exporter::queue::queue_size', '0 is less than 1'],
    [12, 25, `${at}::server_urls::0`, '"es-1:9200" does not begin with http'],
    [13, 35, `${at}::indices::index_prefix`, '"Prod" cannot begin the name of an index'],
    [13, 41, `warning: ${at}::indices::sampling`, 'has no effect here'],
    [15, 11, `warning: ${at}::max_span_age`, 'has no effect here; it is for readers'],
    [16, 42, `${at}::auth::api_key::from_context`, 'is not available'],
    [17, 24, 'warning: extensions::jaeger_storage::backends::old::cassandra', 'has no effect here'],
    [18, 13, 'extensions::jaeger_storage::backends::none', 'is empty'],
    [19, 5, 'warning: extensions::jaeger_storage::metric_backends', 'has no effect here'],
  ] as const)
    assert.ok(said.includes(`${line}:${column} ${path}: ${words}`), `${line}:${column} ${path} in\n${said}`)
  assert.equal(said.match(/Prod/g)?.length, 1)
  assert.match(
    (await mistakes(text('old'))).join('\n'),
    /5:20 .*"old" is cassandra, which is not written to here/,
  )
  const fixed = text('main')
    .replace('es-1:9200', 'http://es-1:9200')
    .replace('Prod', 'prod')
    .replace('{queue_size: 0}', '{queue_size: 1}')
    .replace('auth: {api_key: {from_context: true}}', 'use_aliases: false')
    .replace('none: {}', 'none: {memory: }')
  assert.match((await mistakes(fixed)).join('\n'), /14:20 .*::use_ilm: needs use_aliases/)
  const { said: alone } = await understood(
    wholeConfig({ elasticsearch: {} }).replace('"jaeger_storage":{"backends"', '"nop":{"backends"'),
  )
  assert.match(alone.join('\n'), /trace_storage: there is no extension jaeger_storage/)
})

// Scenario: the backend changes, another backend changes, and the exporter stays as it is.
// Guarantees: a reload sees that the exporter is another one in the first case only.
test('a reload sees a changed backend', async () => {
  const printOf = async (prefix: string, other: string): Promise<string> => {
    const backend = { elasticsearch: { indices: { index_prefix: prefix } } }
    const more = { other: { elasticsearch: { indices: { index_prefix: other } } } }
    const { exporter } = await understood(wholeConfig(backend, {}, more))
    return fingerprint(exporter!.written as Node)
  }
  assert.notEqual(await printOf('a', 'x'), await printOf('b', 'x'))
  assert.equal(await printOf('a', 'x'), await printOf('a', 'y'))
})

// Scenario: a password, an API key and a bearer token in files; one is changed while data flows; one is not there.
// Guarantees: requests carry what is in the file at the time; a start without it is refused and names the key.
test('credentials in files', async () => {
  const cluster = await FakeElasticsearch.start()
  const file = join(folder, 'credential')
  const kinds: [object, (text: string) => string][] = [
    [
      { basic: { username: 'u', password_file: file, reload_interval: '10s' } },
      text => `Basic ${Buffer.from(`u:${text}`).toString('base64')}`,
    ],
    [{ api_key: { file_path: file } }, text => `ApiKey ${text}`],
    [{ bearer_token: { file_path: file } }, text => `Bearer ${text}`],
  ]
  for (const [auth, header] of kinds) {
    writeFileSync(file, 'first\n')
    const text = wholeConfig({ elasticsearch: { server_urls: [cluster.url], auth } })
    const exporter = await running(text)
    await exporter.start()
    const shown = async () => {
      await exporter.send(batchOf('traces', [requestOf('onSpan')], 1), NO_CONTEXT)
      return cluster.bulks.at(-1)!.headers['authorization']
    }
    assert.equal(await shown(), header('first'))
    writeFileSync(file, 'second\n')
    await eventually(
      async () => ((await shown()) === header('second') ? true : undefined),
      'the new credential',
    )
    await exporter.stop(performance.now() + 1000)
  }
  const missing = { api_key: { file_path: join(folder, 'not-there') } }
  const exporter = await running(
    wholeConfig({ elasticsearch: { server_urls: [cluster.url], auth: missing } }),
  )
  await assert.rejects(exporter.start(), /cannot use api_key_file .*not-there/)
  await exporter.stop(0)
  await cluster.close()
})
