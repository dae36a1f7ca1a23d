import assert from 'node:assert/strict'
import { test } from 'node:test'
import { nameRules, sendingOf } from '../../../exporters/prometheus-remote-write/config.ts'
import { factory } from '../../../exporters/prometheus-remote-write/index.ts'
import { readConfig, tryConfig } from '../../kit/read-config.ts'
import { V2 } from './kit.ts'

const ENDPOINT = { endpoint: 'http://h/api/v1/write' }
const problems = (plain: Record<string, unknown>): string[] =>
  tryConfig(factory.config, { ...ENDPOINT, ...plain }).problems.map(one => one.replace('test.yaml:1:1: ', ''))

// Scenario: the smallest config.
// Guarantees: the Collector's defaults.
test('defaults', () => {
  const config = readConfig(factory.config, ENDPOINT)
  assert.equal(config.timeout, 5000)
  assert.equal(config.max_batch_size_bytes, 3_000_000)
  assert.equal(config.retry_on_failure.initial_interval, 50)
  assert.deepEqual(config.remote_write_queue, {
    enabled: true,
    queue_size: 10_000,
    num_consumers: 5,
    max_queue_bytes: 268_435_456,
  })
  assert.equal(config.max_batch_request_parallelism, undefined)
  assert.equal(config.protobuf_message, 'prometheus.WriteRequest')
  assert.deepEqual(
    [config.target_info.enabled, config.disable_scope_info, config.send_metadata],
    [true, false, false],
  )
  const { sending_queue } = sendingOf(config)
  assert.deepEqual(
    [sending_queue.num_consumers, sending_queue.queue_size, sending_queue.wait_for_result],
    [1, 10_000, false],
  )
})

// Scenario: what is not to be had, and what cannot be, key by key.
// Guarantees: each is told with its key and what to do.
test('mistakes', () => {
  const cases: readonly (readonly [plain: Record<string, unknown>, says: RegExp])[] = [
    [{ endpoint: 'prometheus:9090' }, /endpoint.*does not begin with http/],
    [{ endpoint: '/push' }, /endpoint.*write http:\/\/host:9090\/push$/],
    [{ compression_params: { level: 1 } }, /compression_params.*snappy has no levels/],
    [{ wal: { directory: '/x' } }, /wal.*write-ahead log is not available/],
    [{ compression: 'gzip' }, /compression.*always snappy/],
    [
      { translation_strategy: 'NoTranslation' },
      /translation_strategy.*only remote write 2\.0.*protobuf_message/,
    ],
    [{ max_batch_request_parallelism: 0 }, /max_batch_request_parallelism.*less than 1/],
    [{ remote_write_queue: { queue_size: 0 } }, /queue_size.*holds nothing/],
    [{ external_labels: { a: '' } }, /external_labels.*empty name or value/],
    [{ headers: { 'content-type': 'x' } }, /headers.*content-type is what the protocol says/],
    [{ add_metric_suffixes: false }, /add_metric_suffixes.*deprecated/],
    [{ sending_queue: { enabled: true } }, /sending_queue.*is called remote_write_queue/],
    [{ protobuf_message: 'v3' }, /protobuf_message/],
    [{ namspace: 'x' }, /namspace.*did you mean.*namespace/],
  ]
  for (const [plain, says] of cases) {
    const found = problems(plain)
    assert.equal(found.length, 1, `${JSON.stringify(plain)}: ${found.join('; ')}`)
    assert.match(found[0]!, says)
  }
  assert.deepEqual(problems({ ...V2, translation_strategy: 'NoTranslation', compression: 'snappy' }), [])
  assert.deepEqual(problems({ remote_write_queue: { enabled: false, queue_size: 0 } }), [])
})

// Scenario: the two keys that say how names are made.
// Guarantees: the strategy wins over the old switch.
test('strategies', () => {
  const rules = (plain: Record<string, unknown>) =>
    nameRules(readConfig(factory.config, { ...ENDPOINT, ...V2, ...plain }))
  assert.deepEqual(rules({}), { namespace: '', suffixes: true, utf8: false })
  assert.equal(rules({ add_metric_suffixes: false }).suffixes, false)
  const both = { add_metric_suffixes: false, translation_strategy: 'NoUTF8EscapingWithSuffixes' }
  assert.deepEqual(rules(both), { namespace: '', suffixes: true, utf8: true })
})
