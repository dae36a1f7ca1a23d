import assert from 'node:assert/strict'
import { test } from 'node:test'
import { heldBytes } from '../../../core/component/memory.ts'
import { ACCEPTED, Refused, Rejected } from '../../../core/component/outcome.ts'
import { Outlet } from '../../../core/component/outlet.ts'
import { ManualClock, settled } from '../../kit/clock.ts'
import { numbered } from '../../kit/numbered.ts'
import { Sink, testSettings } from '../../kit/parts.ts'

function begin() {
  const settings = testSettings('connector', 'count', undefined)
  const sink = new Sink()
  const clock = new ManualClock()
  const outlet = new Outlet(settings, sink, 'metrics', clock)
  const batch = numbered('metrics', 0, 5)
  const page = settings.account.of('metrics')
  const send = (forMs: number): Promise<boolean> =>
    outlet.send(batch.chunks[0]!, batch.items, clock.now() + forMs)
  const dropped = (): unknown =>
    Object.fromEntries([...page.dropped].map(([name, { items }]) => [name, items]))
  return { settings, sink, clock, outlet, page, send, dropped }
}

// Scenario: the next part takes what was made; another time it takes all but two items.
// Guarantees: the items are created, those that were not taken are dropped by their reason, and nothing stays held.
test('what is made is created in the ledger and handed on', async () => {
  const { sink, page, send, dropped } = begin()
  assert.equal(await send(1000), true)
  assert.deepEqual([sink.items, page.created, page.held, dropped()], [5, 5, 0, {}])
  sink.answer = () => ({ rejected: 2, message: 'two are wrong' })
  assert.equal(await send(1000), true)
  assert.deepEqual([page.created, page.held, dropped()], [10, 0, { rejected_downstream: 2 }])
  assert.equal(heldBytes(), 0)
})

// Scenario: the next part refuses three times and then takes it; it refuses for ever; it rejects.
// Guarantees: a refusal is tried again until its time is over and is held meanwhile; a rejection is not tried again; what
// is lost is counted and said.
test('refusals are tried again until it is time to give up', async () => {
  const { settings, sink, clock, page, send, dropped } = begin()
  sink.answer = (_batch, _context, nth) => {
    if (nth < 3) throw new Refused('full')
    return ACCEPTED
  }
  const first = send(10_000)
  await settled()
  assert.equal(page.held, 5)
  assert.equal(await clock.until(first), true)
  sink.answer = () => {
    throw new Refused('full', { afterMs: 700 })
  }
  const before = clock.now()
  assert.equal(await clock.until(send(2000)), false)
  assert.ok(clock.now() - before <= 2000)
  assert.deepEqual([page.held, dropped()], [0, { refused_downstream: 5 }])
  sink.answer = () => {
    throw new Rejected('never')
  }
  assert.equal(await send(10_000), false)
  assert.deepEqual(dropped(), { refused_downstream: 5, rejected_downstream: 5 })
  assert.equal(settings.log.lines.filter(({ level }) => level === 'error').length, 2)
  assert.equal(heldBytes(), 0)
})

// Scenario: the gateway stops while a refused request waits for its next attempt, and while the next part does not answer.
// Guarantees: both end by the deadline, dropped and counted.
test('stopping ends every wait', async () => {
  const waiting = begin()
  waiting.sink.answer = () => {
    throw new Refused('full', { afterMs: 60_000 })
  }
  const sent = waiting.send(1_000_000)
  await settled()
  waiting.outlet.close(waiting.clock.now() + 10)
  assert.equal(await waiting.clock.until(sent), false)
  const hanging = begin()
  hanging.sink.answer = (_batch, { signal }) =>
    new Promise((_, reject) => signal!.addEventListener('abort', () => reject(signal!.reason)))
  const asked = hanging.send(1_000_000)
  await settled()
  const end = hanging.outlet.close(hanging.clock.now() + 10)
  assert.equal(await hanging.clock.until(asked), false)
  end()
  assert.deepEqual([waiting.dropped(), hanging.dropped()], Array(2).fill({ refused_downstream: 5 }))
})
