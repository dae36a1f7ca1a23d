import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Check, type Node, type Scalar } from '../../../config/node.ts'
import { section } from '../../../config/schema.ts'
import { sendingFields } from '../../../core/component/sending-config.ts'

type Tree = Scalar | { readonly [key: string]: Tree } | readonly Scalar[]

const at = { file: 'x.yaml', line: 1, column: 1 }

function node(value: Tree): Node {
  if (Array.isArray(value)) return { kind: 'list', items: value.map(node), at }
  if (value !== null && typeof value === 'object') {
    const entries = Object.entries(value).map(
      ([key, child]) => [key, { keyAt: at, node: node(child) }] as const,
    )
    return { kind: 'map', entries: new Map(entries), at }
  }
  return { kind: 'scalar', value: value as Scalar, text: String(value), fromExpansion: false, at }
}

function read(value: Tree) {
  const check = new Check()
  const config = section(sendingFields(), { doc: '' }).read(node(value), 'x', check)
  return { config, problems: check.problems.map(({ path, wrong }) => `${path.split('::').at(-1)} ${wrong}`) }
}

// Scenario: nothing is written.
// Guarantees: exporterhelper's defaults, and no batching.
test('the defaults are the Collector’s', () => {
  const { config, problems } = read({})
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
  const sizer = (queue: Tree) => read({ sending_queue: queue }).config.sending_queue.batch!.sizer
  assert.equal(sizer({ batch: null }), 'items')
  assert.equal(sizer({ sizer: 'bytes', batch: { min_size: 10 } }), 'bytes')
  assert.equal(sizer({ sizer: 'bytes', batch: { min_size: 10, sizer: 'items' } }), 'items')
  assert.equal(sizer({ sizer: 'requests', batch: { min_size: 10 } }), 'items')
})

// Scenario: values that contradict each other.
// Guarantees: what the Collector refuses is refused, at its key.
test('contradictions are errors', () => {
  assert.deepEqual(read({ retry_on_failure: { max_elapsed_time: '10s' } }).problems, [
    'max_elapsed_time is less than max_interval',
  ])
  assert.deepEqual(read({ retry_on_failure: { enabled: false, max_elapsed_time: '10s' } }).problems, [])
  const batch = { min_size: 10, max_size: 5, flush_timeout: '0s', partition: { metadata_keys: ['a', 'A'] } }
  assert.deepEqual(read({ sending_queue: { batch } }).problems, [
    'flush_timeout is 0',
    'max_size is less than min_size (10)',
    'partition has the metadata key "a" twice',
  ])
  assert.deepEqual(
    read({ sending_queue: { sizer: 'items', queue_size: 9, batch: { min_size: 10 } } }).problems,
    ['queue_size cannot hold one batch of batch.min_size (10)'],
  )
})
