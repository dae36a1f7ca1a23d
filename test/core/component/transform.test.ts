import assert from 'node:assert/strict'
import { test } from 'node:test'
import { batchOf } from '../../../core/component/batch.ts'
import { NO_CONTEXT } from '../../../core/component/contract.ts'
import { ACCEPTED, Refused } from '../../../core/component/outcome.ts'
import { type Apply, kept, transforming } from '../../../core/component/transform.ts'
import { Sink, testSettings } from '../../kit/parts.ts'

const SAMPLED = { name: 'sampled_out', intended: true }
const six = batchOf('traces', [new Uint8Array(3)], 6)
const two = batchOf('traces', [new Uint8Array(1)], 2)

// Scenario: apply keeps two of six items.
// Guarantees: next gets the new batch, the drop is entered with its reason, and the receipt is next's own.
test('hands on what is left and enters the drop', async () => {
  const settings = testSettings('processor', 'p', 'traces')
  const sink = new Sink()
  const receipt = { rejected: 1, message: 'one was bad' }
  sink.answer = () => receipt
  const processor = transforming(sink, settings, () => ({
    batch: two,
    drops: [{ items: 4, reason: SAMPLED }],
  }))
  assert.equal(await processor.consume(six, NO_CONTEXT), receipt)
  assert.deepEqual(sink.batches, [two])
  assert.deepEqual(settings.account.of('traces').dropped.get('sampled_out'), { intended: true, items: 4 })
})

// Scenario: next refuses, the sender sends again, next takes it.
// Guarantees: drops and the accepted hook happen once, for the attempt that was taken.
test('a refused batch leaves no trace in the account', async () => {
  const settings = testSettings('processor', 'p', 'traces')
  const sink = new Sink()
  sink.answer = (_batch, _context, nth) => {
    if (nth === 0) throw new Refused('full')
    return ACCEPTED
  }
  let accepted = 0
  const apply: Apply = () => ({ batch: two, drops: [{ items: 4, reason: SAMPLED }] })
  const processor = transforming(sink, settings, apply, { accepted: () => accepted++ })
  await assert.rejects(processor.consume(six, NO_CONTEXT), Refused)
  assert.equal(settings.account.of('traces').dropped.size, 0)
  assert.equal(accepted, 0)
  await processor.consume(six, NO_CONTEXT)
  assert.equal(settings.account.of('traces').dropped.get('sampled_out')?.items, 4)
  assert.equal(accepted, 1)
})

// Scenario: nothing is left; and a batch that apply did not touch.
// Guarantees: next is not bothered with nothing, and gets the very object otherwise.
test('nothing left is accepted without next; the same batch stays the same object', async () => {
  const settings = testSettings('processor', 'p', 'traces')
  const sink = new Sink()
  const none = transforming(sink, settings, () => ({
    batch: undefined,
    drops: [{ items: 6, reason: SAMPLED }],
  }))
  assert.equal(await none.consume(six, NO_CONTEXT), ACCEPTED)
  assert.equal(sink.batches.length, 0)
  await transforming(sink, settings, kept).consume(six, NO_CONTEXT)
  assert.equal(sink.batches[0], six)
})

// Scenario: a receiver asks for admission.
// Guarantees: the answer is next's, and a next that takes everything answers undefined.
test('admit is passed through', () => {
  const settings = testSettings('processor', 'p', 'traces')
  const refused = new Refused('over the limit')
  const next = { consume: async () => ACCEPTED, admit: () => refused }
  assert.equal(transforming(next, settings, kept).admit?.('traces'), refused)
  assert.equal(transforming(new Sink(), settings, kept).admit?.('traces'), undefined)
})
