import assert from 'node:assert/strict'
import { test } from 'node:test'
import { NO_CONTEXT } from '../../../core/component/contract.ts'
import { Refused } from '../../../core/component/outcome.ts'
import { Room, type RoomLimits } from '../../../core/component/room.ts'
import { ManualClock, settled } from '../../kit/clock.ts'
import { numbered } from '../../kit/numbered.ts'

const WORDS = { place: 'the room', enlarge: 'enlarge it', relieve: 'relieve it' }

function room(limits: Partial<RoomLimits>, clock = new ManualClock()): Room {
  return new Room(
    { sizer: 'items', capacity: 10, maxBytes: 0, blockOnOverflow: true, ...limits },
    WORDS,
    clock,
  )
}

// Scenario: a room of 10 items is full; requests of 8, 1 and 1 wait; room comes back bit by bit.
// Guarantees: they enter in the order they asked, none overtakes although it would fit; a newcomer waits behind them.
test('who waits enters in order', async () => {
  const place = room({})
  const inside = [numbered('logs', 0, 5), numbered('logs', 5, 5)]
  for (const one of inside) assert.equal(place.enter(one, NO_CONTEXT), undefined)
  const entered: number[] = []
  for (const items of [8, 1, 1]) {
    void place.enter(numbered('logs', 0, items), NO_CONTEXT)!.then(() => entered.push(items))
  }
  place.release(inside[0]!)
  await settled()
  assert.deepEqual([entered, place.size, place.has(numbered('logs', 0, 1))], [[], 5, false])
  place.release(inside[1]!)
  await settled()
  assert.deepEqual([entered, place.size, place.crowded], [[8, 1, 1], 10, false])
})

// Scenario: the first of two waiting senders leaves by its signal, the second by its deadline, a third when it closes.
// Guarantees: each is refused with its reason; one that leaves lets those behind it in.
test('who waits can leave', async () => {
  const clock = new ManualClock()
  const place = room({}, clock)
  const inside = numbered('logs', 0, 6)
  place.enter(inside, NO_CONTEXT)
  const sender = new AbortController()
  const large = place.enter(numbered('logs', 0, 10), { signal: sender.signal })!
  const small = place.enter(numbered('logs', 0, 4), NO_CONTEXT)!
  sender.abort()
  await assert.rejects(large, { name: 'Refused', status: 'CANCELLED' })
  await small
  const late = assert.rejects(place.enter(inside, { deadline: clock.now() + 5 })!, {
    status: 'DEADLINE_EXCEEDED',
  })
  await clock.advance(5)
  await late
  const last = place.enter(inside, NO_CONTEXT)!
  place.close(new Refused('closed'))
  await assert.rejects(last, /closed/)
  assert.throws(() => place.enter(inside, NO_CONTEXT), /closed/)
  assert.equal(clock.waiting, 0)
})

// Scenario: the sender has gone already when it asks, and there is no room.
// Guarantees: it does not wait for nobody.
test('a sender that is gone does not wait', () => {
  const clock = new ManualClock()
  const place = room({ capacity: 1 }, clock)
  place.enter(numbered('logs', 0, 1), NO_CONTEXT)
  assert.throws(() => place.enter(numbered('logs', 0, 1), { signal: AbortSignal.abort() }), Refused)
  assert.throws(() => place.enter(numbered('logs', 0, 1), { deadline: clock.now() }), Refused)
})

// Scenario: bytes are bounded; a request larger than the bound comes to an empty room, then another one.
// Guarantees: it enters alone; the other is refused with both numbers in the sentence.
test('bytes are bounded beside the capacity', () => {
  const one = numbered('logs', 0, 3)
  const place = room({ maxBytes: one.byteLength - 1, blockOnOverflow: false })
  assert.equal(place.enter(one, NO_CONTEXT), undefined)
  assert.throws(() => place.enter(numbered('logs', 0, 1), NO_CONTEXT), {
    message: `the room is full (3 of 10 items, ${one.byteLength} of ${one.byteLength - 1} bytes): relieve it`,
  })
})
