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

// Scenario: a mode that is none; no endpoint, two ways to name one, and one that is no URL; a compression that
// Elasticsearch does not read; keys of the modes that cannot be together.
// Guarantees: each is an error that says what to do.
test('what cannot be is refused', () => {
  assert.match(problems({ ...BASE, mapping: { mode: 'otle' } }), /otle.*is not one of its values.*otel/)
  const modes = { endpoint: BASE.endpoint }
  assert.match(
    problems({ ...modes, logs_index: 'x', logs_dynamic_index: { enabled: true } }),
    /together with logs_dynamic_index/,
  )
  assert.match(problems({ ...modes, logstash_format: { date_format: '%Q' } }), /%Q.*is not a part of a date/)
  assert.match(problems({ ...modes, mapping: { allowed_modes: ['jaeger'] } }), /is not one of its values/)
  assert.match(
    problems({ ...modes, retry: { max_retries: 2, max_requests: 3 } }),
    /together with max_retries/,
  )
  assert.match(problems({ ...BASE, pipeline: 'p' }), /no effect in mode jaeger/)
  assert.match(problems({ ...modes, jaeger: { dependencies: {} } }), /only mode jaeger writes/)
  assert.doesNotMatch(problems(modes), /"problems":\[\{/)
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
  assert.match(problems({ ...BASE, proxy_url: 'http://p:1' }), /through a proxy/)
  assert.match(problems({ ...BASE, max_idle_conns: 7 }), /warning.*has no effect here; idle connections end/)
  assert.match(
    problems({ ...BASE, user: 'u', password: 'p', password_file: '/f' }),
    /together with password_file/,
  )
  assert.match(problems({ ...BASE, password_file: '/f' }), /needs a user/)
  assert.match(problems({ ...BASE, ca_fingerprint: '12' }), /is not a SHA-256 fingerprint/)
  assert.match(problems({ ...BASE, ca_fingerprint: 'ab'.repeat(32) }), /needs TLS/)
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
  process.env['ELASTICSEARCH_URL'] = 'http://c:3, http://d:4'
  assert.deepEqual(nodesOf(none), ['http://c:3', 'http://d:4'])
  process.env['ELASTICSEARCH_URL'] = 'http://c:3,d:4'
  assert.match(problems({ mapping: BASE.mapping }), /from ELASTICSEARCH_URL, where .*d:4.* does not begin/)
  delete process.env['ELASTICSEARCH_URL']
})

// Scenario: the defaults, the old words for rotations, batching turned off.
// Guarantees: Jaeger's and the Collector's defaults; requests are batched unless the config says otherwise.
test('defaults', () => {
  const config = read()
  assert.equal(rotationOf(config.jaeger), 'periodic')
  assert.equal(rotationOf(read({ jaeger: { use_aliases: true } }).jaeger), 'manual_rollover')
  for (const version of [8, '8']) assert.equal(read({ jaeger: { version } }).jaeger.version, '8')
  for (const version of [0, '0', '']) assert.equal(read({ jaeger: { version } }).jaeger.version, '')
  const ilm = { use_aliases: true, use_ilm: true, create_mappings: false }
  assert.equal(rotationOf(read({ jaeger: ilm }).jaeger), 'auto_rollover')
  assert.equal(config.jaeger.indices.spans.shards, 5)
  assert.equal(config.jaeger.service_cache_ttl, 12 * 3_600_000)
  const { timeout, sending_queue, retry_on_failure } = sendingOf(config)
  assert.equal(timeout, 90_000)
  assert.deepEqual(sending_queue.batch?.max_size, 5_000_000)
  assert.equal(sending_queue.max_queue_bytes, 32 * 1024 * 1024)
  assert.equal(retry_on_failure.initial_interval, 100)
  assert.equal(read({ sending_queue: { num_consumers: 2 } }).sending_queue.batch?.sizer, 'bytes')
  assert.equal(read({ sending_queue: { batch: { enabled: false } } }).sending_queue.batch, undefined)
})

// Scenario: nothing but an endpoint; every key of the queue under its old name and under both; modes in other spellings.
// Guarantees: the Collector's defaults; what is written under the new name wins; senders' modes keep requests apart.
test('defaults of the modes', () => {
  const modes = (changes: object = {}) =>
    readConfig(factory.config, { endpoint: BASE.endpoint, ...changes } as Tree) as ElasticsearchConfig
  const config = modes()
  assert.equal(config.mapping.mode, 'otel')
  assert.deepEqual(config.mapping.allowed_modes, ['otel', 'ecs', 'none', 'raw', 'bodymap'])
  assert.equal(config.include_source_on_error, undefined)
  assert.equal(modes({ include_source_on_error: false }).include_source_on_error, false)
  assert.equal(modes({ mapping: { mode: 'no' } }).mapping.mode, 'none')
  const queue = (changes: object) => sendingOf(modes(changes)).sending_queue
  assert.deepEqual(queue({}).batch, {
    flush_timeout: 10_000,
    min_size: 1_000_000,
    max_size: 5_000_000,
    sizer: 'bytes',
    partition: { metadata_keys: ['x-elastic-mapping-mode'] },
  })
  assert.equal(sendingOf(read()).sending_queue.batch?.flush_timeout, 200)
  assert.deepEqual(sendingOf(read()).sending_queue.batch?.partition.metadata_keys, [])
  assert.equal(queue({ flush: { interval: '3s' } }).batch?.flush_timeout, 3000)
  const both = { flush: { interval: '3s' }, sending_queue: { batch: { flush_timeout: '4s' } } }
  assert.equal(queue(both).batch?.flush_timeout, 4000)
  assert.equal(queue({ num_workers: 3 }).num_consumers, 3)
  assert.equal(queue({ num_workers: 3, sending_queue: { num_consumers: 4 } }).num_consumers, 4)
  assert.deepEqual(queue({ metadata_keys: ['X-Tenant'] }).batch?.partition.metadata_keys, [
    'x-tenant',
    'x-elastic-mapping-mode',
  ])
  for (const changes of [
    {},
    { mapping: { mode: 'jaeger' } },
    { flush: { interval: '3s' }, num_workers: 3 },
  ]) {
    const once = modes(changes)
    const printed = factory.config.print(once, false) as Tree
    assert.deepEqual(sendingOf(readConfig(factory.config, printed) as ElasticsearchConfig), sendingOf(once))
  }
  const retry = (changes: object) => sendingOf(modes({ retry: changes })).retry_on_failure
  assert.equal(retry({}).max_retries, 0)
  assert.equal(retry({ max_retries: 2 }).max_retries, 2)
  assert.equal(retry({ max_requests: 3 }).max_retries, 2)
  assert.equal(retry({ max_requests: 1 }).enabled, false)
})

// Scenario: each mode in a pipeline of each signal.
// Guarantees: a pipeline whose data has no documents in the mode is refused before anything starts.
test('signals and modes', () => {
  const fits = (mode: string) =>
    (['traces', 'metrics', 'logs'] as const).filter(
      signal =>
        factory.misfit!(
          readConfig(factory.config, { ...BASE, mapping: { mode } } as Tree) as ElasticsearchConfig,
          signal,
        ) === undefined,
    )
  assert.deepEqual(fits('otel'), ['traces', 'metrics', 'logs'])
  assert.deepEqual(fits('ecs'), ['traces', 'metrics', 'logs'])
  assert.deepEqual(fits('none'), ['traces', 'logs'])
  assert.deepEqual(fits('raw'), ['traces', 'logs'])
  assert.deepEqual(fits('bodymap'), ['logs'])
  assert.deepEqual(fits('jaeger'), ['traces'])
})
