import assert from 'node:assert/strict'
import { test } from 'node:test'
import { NO_CONTEXT } from '../../core/component/contract.ts'
import { ACCEPTED, Refused, Rejected } from '../../core/component/outcome.ts'
import { Fanout } from '../../gateway/fanout.ts'
import { numbered } from '../kit/numbered.ts'
import { Sink } from '../kit/parts.ts'

function sinks(count: number): Sink[] {
  return Array.from({ length: count }, () => new Sink())
}

// Scenario: three branches take a batch.
// Guarantees: all get the same object, bytes shared, and the sender is told it was accepted.
test('all branches get the same batch', async () => {
  const branches = sinks(3)
  const batch = numbered('traces', 0, 5)
  assert.equal(await new Fanout(branches).consume(batch, NO_CONTEXT), ACCEPTED)
  for (const branch of branches) assert.equal(branch.batches[0], batch)
})

// Scenario: of four branches one takes it, one rejects it and two refuse with different waits.
// Guarantees: refused is worst, with the longest wait; rejected is not what the sender hears.
test('the worst outcome wins, with the longest wait', async () => {
  const branches = sinks(4)
  branches[1]!.answer = () => {
    throw new Rejected('never')
  }
  branches[2]!.answer = () => {
    throw new Refused('soon', { afterMs: 100 })
  }
  branches[3]!.answer = () => {
    throw new Refused('later', { afterMs: 900 })
  }
  const outcome = new Fanout(branches).consume(numbered('logs', 0, 3), NO_CONTEXT)
  await assert.rejects(outcome, (error: Refused) => error instanceof Refused && error.afterMs === 900)
})

// Scenario: one of three branches refuses at first, one rejects; the sender offers the same batch object again.
// Guarantees: who took it or rejected it is not asked again; the rejection is told once nobody refuses any more.
test('a branch that has answered for good is not asked again', async () => {
  const branches = sinks(3)
  let asked = 0
  branches[1]!.answer = (_batch, _context, nth) => {
    if (nth === 0) throw new Refused('not now')
    return ACCEPTED
  }
  branches[2]!.answer = () => {
    asked++
    throw new Rejected('never')
  }
  const fanout = new Fanout(branches)
  const batch = numbered('traces', 0, 2)
  await assert.rejects(fanout.consume(batch, NO_CONTEXT), Refused)
  await assert.rejects(fanout.consume(batch, NO_CONTEXT), Rejected)
  assert.deepEqual(
    branches.map(({ batches }) => batches.length),
    [1, 1, 0],
  )
  assert.equal(asked, 1)
})

// Scenario: the same batch object comes again after everybody took it.
// Guarantees: what was accepted is not remembered: a second delivery is a delivery.
test('an accepted batch is forgotten', async () => {
  const branches = sinks(2)
  const fanout = new Fanout(branches)
  const batch = numbered('traces', 0, 2)
  await fanout.consume(batch, NO_CONTEXT)
  await fanout.consume(batch, NO_CONTEXT)
  assert.deepEqual(
    branches.map(({ batches }) => batches.length),
    [2, 2],
  )
})

// Scenario: two branches reject 1 and 3 items of a batch.
// Guarantees: the receipt is that of the branch that rejected most, with its words.
test('receipts are merged to the worst', async () => {
  const branches = sinks(3)
  branches[0]!.answer = () => ({ rejected: 1, message: 'one' })
  branches[1]!.answer = () => ({ rejected: 3, message: 'three' })
  assert.deepEqual(await new Fanout(branches).consume(numbered('logs', 0, 5), NO_CONTEXT), {
    rejected: 3,
    message: 'three',
  })
})

// Scenario: one branch would refuse anything right now.
// Guarantees: nobody is given the batch, so that the sender's retry duplicates nothing.
test('a full branch is asked before any gets the batch', async () => {
  const branches = sinks(2)
  const full = {
    ...branches[1]!,
    consume: branches[1]!.consume,
    admit: () => new Refused('full', { afterMs: 5 }),
  }
  const fanout = new Fanout([branches[0]!, full])
  await assert.rejects(fanout.consume(numbered('logs', 0, 1), NO_CONTEXT), /full/)
  assert.equal(branches[0]!.batches.length, 0)
  assert.equal(fanout.admit('logs')?.afterMs, 5)
})
