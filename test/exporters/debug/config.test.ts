import assert from 'node:assert/strict'
import { test } from 'node:test'
import { factory } from '../../../exporters/debug/index.ts'
import { readConfig, tryConfig } from '../../kit/read-config.ts'

// Scenario: an empty section, then one with a queue.
// Guarantees: the Collector's defaults: no queue, no retry and no time limit until a queue is written.
test('defaults are those of the Collector', () => {
  const value = readConfig(factory.config, {})
  assert.deepEqual(value, {
    verbosity: 'basic',
    sampling_initial: 2,
    sampling_thereafter: 1,
    use_internal_logger: true,
    output_paths: ['stdout'],
    sending_queue: undefined,
  })
  const sending = factory.sending!(value)
  assert.equal(sending.sending_queue.enabled, false)
  assert.equal(sending.retry_on_failure.enabled, false)
  assert.equal(sending.timeout, 0)
  const queued = factory.sending!(readConfig(factory.config, { sending_queue: { queue_size: 5 } }))
  assert.equal(queued.sending_queue.enabled, true)
  assert.equal(queued.sending_queue.queue_size, 5)
})

// Scenario: configs that the Collector refuses, and its other spelling of a level.
// Guarantees: each is refused here too, and says what to do.
test('mistakes', () => {
  const mistakes: [Record<string, unknown>, RegExp][] = [
    [{ verbosity: 'none' }, /"none" is not one of its values/],
    [
      { output_paths: ['stderr'] },
      /output_paths: has no effect with use_internal_logger; set use_internal_logger: false/,
    ],
    [{ use_internal_logger: false, output_paths: [] }, /output_paths: is empty/],
  ]
  for (const [plain, expected] of mistakes) {
    const { problems } = tryConfig(factory.config, plain)
    assert.equal(problems.length, 1, JSON.stringify(plain))
    assert.match(problems[0]!, expected)
  }
  assert.equal(readConfig(factory.config, { verbosity: 'Detailed' }).verbosity, 'detailed')
})
