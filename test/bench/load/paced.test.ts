import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Clock, openLoop } from '../../../bench/load/paced.ts'

/** Time that passes only when it is waited for, or when something is said to take it. */
function fakeClock(): Clock & { spend(ms: number): void } {
  let now = 0
  return {
    now: () => now,
    until: async due => {
      // What was answered before is seen first, as in a real turn of the event loop.
      for (let i = 0; i < 4; i++) await null
      now = Math.max(now, due)
    },
    spend: ms => {
      now += ms
    },
  }
}

// Scenario: 100 requests are due every 10 ms; everything takes 1 ms, but the first stalls everything for 500 ms.
// Guarantees: the requests that should have been sent during the stall count what they waited. A driver that waited for
// the answer and then went on would have one slow request in a hundred, and a median of 1 ms.
test('requests that a stall delays count their delay', async () => {
  const clock = fakeClock()
  let nth = 0
  const send = async () => {
    clock.spend(nth++ === 0 ? 500 : 1)
    return true
  }
  const { errors, p50Ms, p99Ms, lateMs } = await openLoop(send, 100, 10, { clock })
  assert.equal(errors, 0)
  // 500, 491, 482, .. 1: the backlog falls by 9 ms with each request until it is worked off after 56 of them.
  assert.equal(p99Ms, 500)
  assert.equal(p50Ms, 500 - 49 * 9)
  assert.equal(lateMs, 490)
})

// Scenario: everything in time.
// Guarantees: latencies are those of the requests, and the driver was not late.
test('without a stall nothing is added', async () => {
  const clock = fakeClock()
  const send = async () => {
    clock.spend(2)
    return true
  }
  const { errors, p50Ms, p99Ms, lateMs } = await openLoop(send, 50, 10, { clock })
  assert.deepEqual([errors, p50Ms, p99Ms, lateMs], [0, 2, 2, 0])
})

// Scenario: requests that fail, that are never answered, and more unanswered ones than may be.
// Guarantees: each is an error; the driver ends.
test('what is not answered is an error', async () => {
  const clock = fakeClock()
  let nth = 0
  const some = await openLoop(async () => nth++ % 5 !== 0, 20, 1, { clock })
  assert.equal(some.errors, 4)
  let sent = 0
  const never = () => {
    sent++
    return new Promise<boolean>(() => {})
  }
  const none = await openLoop(never, 20, 1, { clock, openMax: 8, lastMsMax: 1 })
  assert.equal(none.errors, 20)
  assert.equal(sent, 8)
})

// Scenario: the real clock.
// Guarantees: nothing is sent before it is due.
test('nothing is sent early', async () => {
  const began = performance.now()
  const at: number[] = []
  await openLoop(
    async () => {
      at.push(performance.now() - began)
      return true
    },
    20,
    3,
  )
  for (const [n, ms] of at.entries()) assert.ok(ms >= n * 3, `${n}: ${ms}`)
})
