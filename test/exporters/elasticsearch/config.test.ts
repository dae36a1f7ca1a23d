import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type ElasticsearchConfig, nodesOf, sendingOf } from '../../../exporters/elasticsearch/config.ts'
import { factory } from '../../../exporters/elasticsearch/index.ts'
import { rotationOf } from '../../../exporters/elasticsearch/jaeger-config.ts'
import type { Tree } from '../../kit/node.ts'
import { readConfig, tryConfig } from '../../kit/read-config.ts'

const BASE = { endpoint: 'http://127.0.0.1:9200', mapping: { mode: 'jaeger' } }

function read(changes: object = {}): ElasticsearchConfig {
  return readConfig(factory.config, { ...BASE, ...changes } as Tree) as ElasticsearchConfig
}

function problems(plain: object): string {
  return JSON.stringify(tryConfig(factory.config, plain as Tree))
}

// Scenario: every mode but jaeger; no endpoint, two ways to name one, and one that is no URL; a compression that
// Elasticsearch does not read.
// Guarantees: each is an error that says what to do.
test('what cannot be is refused', () => {
  for (const mode of ['otel', 'ecs', 'none', 'raw', 'bodymap'])
    assert.match(problems({ ...BASE, mapping: { mode } }), new RegExp(`mode ${mode} cannot be written yet`))
  assert.match(problems({ endpoint: BASE.endpoint }), /mode otel cannot be written yet/)
  assert.match(problems({ mapping: BASE.mapping }), /has no endpoints/)
  assert.match(problems({ ...BASE, endpoints: ['http://a:9200'] }), /together with endpoints/)
  assert.match(problems({ ...BASE, endpoint: 'a:9200' }), /does not begin with http/)
  assert.match(problems({ ...BASE, compression: 'zstd' }), /does not read zstd/)
  assert.match(
    problems({ ...BASE, jaeger: { rotation: 'periodic', use_aliases: true } }),
    /together with use_aliases/,
  )
  assert.match(problems({ ...BASE, jaeger: { use_ilm: true, use_aliases: true } }), /create_mappings/)
  assert.match(problems({ ...BASE, jaeger: { indices: { index_prefix: 'Prod' } } }), /cannot begin the name/)
  assert.match(problems({ ...BASE, jaeger: { server_urls: ['http://a'] } }), /has no effect here.*endpoints/)
})

// Scenario: nodes by each key, a deployment in the cloud, and the environment.
// Guarantees: where documents go.
test('nodes', () => {
  const none = { endpoint: '', endpoints: [], cloudid: '' }
  assert.deepEqual(nodesOf({ ...none, endpoint: 'http://a:9200' }), ['http://a:9200'])
  assert.deepEqual(nodesOf({ ...none, endpoints: ['http://a:1', 'http://b:2'] }), [
    'http://a:1',
    'http://b:2',
  ])
  const cloudid = `name:${Buffer.from('eu.example.com$abc$def').toString('base64')}`
  assert.deepEqual(nodesOf({ ...none, cloudid }), ['https://abc.eu.example.com'])
  process.env['ELASTICSEARCH_URL'] = 'http://c:3,http://d:4'
  assert.deepEqual(nodesOf(none), ['http://c:3', 'http://d:4'])
  delete process.env['ELASTICSEARCH_URL']
})

// Scenario: the defaults, the old words for rotations, batching turned off.
// Guarantees: Jaeger's and the Collector's defaults; requests are batched unless the config says otherwise.
test('defaults', () => {
  const config = read()
  assert.equal(rotationOf(config.jaeger), 'periodic')
  assert.equal(rotationOf(read({ jaeger: { use_aliases: true } }).jaeger), 'manual_rollover')
  const ilm = { use_aliases: true, use_ilm: true, create_mappings: false }
  assert.equal(rotationOf(read({ jaeger: ilm }).jaeger), 'auto_rollover')
  assert.equal(config.jaeger.indices.spans.shards, 5)
  assert.equal(config.jaeger.service_cache_ttl, 12 * 3_600_000)
  const { timeout, sending_queue, retry_on_failure } = sendingOf(config)
  assert.equal(timeout, 90_000)
  assert.deepEqual(sending_queue.batch?.max_size, 5_000_000)
  assert.equal(retry_on_failure.initial_interval, 100)
  assert.equal(read({ sending_queue: { num_consumers: 2 } }).sending_queue.batch?.sizer, 'bytes')
  assert.equal(read({ sending_queue: { batch: { enabled: false } } }).sending_queue.batch, undefined)
})
