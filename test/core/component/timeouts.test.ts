import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Timeouts } from '../../../core/component/timeouts.ts'
import { ManualClock } from '../../kit/clock.ts'

// Scenario: timeouts begin at different times, one is ended early, one begins while another rings.
// Guarantees: each rings exactly at its time, ended ones never, with one timer in all; none is left after clear.
test('timeouts of one length share a timer', async () => {
  const clock = new ManualClock()
  const start = clock.now()
  const timeouts = new Timeouts(100, clock)
  const rung: [name: string, at: number][] = []
  const begin = (name: string, then = (): void => {}) =>
    timeouts.begin(() => {
      rung.push([name, clock.now() - start])
      then()
    })
  begin('a', () => begin('d'))
  await clock.advance(30)
  const end = begin('b')
  await clock.advance(30)
  begin('c')
  end()
  end()
  assert.equal(clock.waiting, 1)
  await clock.advance(1000)
  assert.deepEqual(rung, [
    ['a', 100],
    ['c', 160],
    ['d', 200],
  ])
  begin('e')
  timeouts.clear()
  assert.equal(clock.waiting, 0)
})
