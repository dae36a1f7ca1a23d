import assert from 'node:assert/strict'
import { test } from 'node:test'
import { section } from '../../../config/schema.ts'
import { sendingFields } from '../../../core/component/sending-config.ts'
import { complaints, readConfig, type Tree } from '../../kit/node.ts'

const schema = section(sendingFields(), { doc: '' })

// Scenario: nothing is written.
// Guarantees: exporterhelper's defaults, and no batching.
test('the defaults are the Collector’s', () => {
  const { config, problems } = readConfig(schema, {})
  assert.deepEqual(problems, [])
  assert.equal(config.timeout, 5000)
  assert.deepEqual(
    [config.sending_queue.num_consumers, config.sending_queue.queue_size, config.sending_queue.batch],
    [10, 1000, undefined],
  )
  assert.equal(config.retry_on_failure.max_elapsed_time, 300_000)
})

// Scenario: `batch:` with and without a sizer, in a queue that counts bytes, requests, or does not say.
// Guarantees: a batch without a sizer takes the queue's, as there.
test('a batch is measured as its queue is', () => {
  const sizer = (queue: Tree) =>
    readConfig(schema, { sending_queue: queue }).config.sending_queue.batch!.sizer
  assert.equal(sizer({ batch: null }), 'items')
  assert.equal(sizer({ sizer: 'bytes', batch: { min_size: 10 } }), 'bytes')
  assert.equal(sizer({ sizer: 'bytes', batch: { min_size: 10, sizer: 'items' } }), 'items')
  assert.equal(sizer({ sizer: 'requests', batch: { min_size: 10 } }), 'items')
})

// Scenario: values that contradict each other.
// Guarantees: what the Collector refuses is refused, at its key.
test('contradictions are errors', () => {
  assert.deepEqual(complaints(schema, { retry_on_failure: { max_elapsed_time: '10s' } }), [
    'max_elapsed_time is less than max_interval',
  ])
  assert.deepEqual(complaints(schema, { retry_on_failure: { enabled: false, max_elapsed_time: '10s' } }), [])
  const batch = { min_size: 10, max_size: 5, flush_timeout: '0s', partition: { metadata_keys: ['a', 'A'] } }
  assert.deepEqual(complaints(schema, { sending_queue: { batch } }), [
    'flush_timeout is 0',
    'max_size is less than min_size (10)',
    'partition has the metadata key "a" twice',
  ])
  assert.deepEqual(
    complaints(schema, { sending_queue: { sizer: 'items', queue_size: 9, batch: { min_size: 10 } } }),
    ['queue_size cannot hold one batch of batch.min_size (10)'],
  )
})
