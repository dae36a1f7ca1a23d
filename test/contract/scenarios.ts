/** Four ways a next part may behave, and senders that count their items. */

import assert from 'node:assert/strict'
import type { Batch } from '../../core/component/batch.ts'
import type { Consumer, Part } from '../../core/component/contract.ts'
import type { Account } from '../../core/component/ledger.ts'
import { ACCEPTED, type Receipt, Refused, Rejected } from '../../core/component/outcome.ts'
import type { Signal } from '../../core/otlp/signals.ts'
import { Edge, intoPage, outOfPage } from '../../gateway/edge.ts'
import { assertBalanced } from '../kit/balance.ts'
import { settled } from '../kit/clock.ts'
import { lendTo, SPOILED } from '../kit/lending.ts'
import { numbered, numbersOf } from '../kit/numbered.ts'
import { RecordingLog } from '../kit/parts.ts'
import { Random } from '../kit/random.ts'

type Mood = 'taken' | 'refused' | 'rejected' | 'partly'

export interface Scenario {
  readonly name: string
  readonly mood: (random: Random) => Mood
}

export const SCENARIOS: readonly Scenario[] = [
  { name: 'always fine', mood: () => 'taken' },
  { name: 'randomly refused', mood: random => (random.chance(0.3) ? 'refused' : 'taken') },
  { name: 'randomly rejected', mood: random => (random.chance(0.3) ? 'rejected' : 'taken') },
  { name: 'anything', mood: random => random.pick(['taken', 'taken', 'refused', 'rejected', 'partly']) },
]

const REQUESTS = 30
const ITEMS_MAX = 25
/** A sender that was refused so often would give up in real life too. */
const TRIES = 20

/** Keeps the numbers it took; of a batch it took partly, nobody knows which. */
class MoodyNext implements Consumer {
  readonly taken: number[] = []
  readonly partlyTaken: number[] = []
  /** Batches with bytes that had been given back. */
  ended = 0
  readonly #mood: () => Mood

  constructor(mood: () => Mood) {
    this.#mood = mood
  }

  async consume(batch: Batch): Promise<Receipt> {
    if (hasEnded(batch)) this.ended++
    await settled()
    const mood = this.#mood()
    if (mood === 'refused') throw new Refused('not now', { afterMs: 20 })
    if (mood === 'rejected') throw new Rejected('never')
    const numbers = numbersOf(batch)
    if (mood === 'taken' || batch.items < 2) {
      this.taken.push(...numbers)
      return ACCEPTED
    }
    this.partlyTaken.push(...numbers)
    return { rejected: 1, message: 'one was bad' }
  }
}

/** A part that keeps a view of what it was lent hands on what became of it. */
function hasEnded({ chunks }: Batch): boolean {
  const spoiled = Buffer.alloc(6, SPOILED)
  return chunks.some(chunk => Buffer.from(chunk).includes(spoiled))
}

/**
 * Runs one scenario over a part that `create` makes around `next`. Timers are mocked; `tick` moves them on. Items of
 * `from` are compared with what comes out only when the part does not make a new signal of them.
 */
export async function runScenario(
  scenario: Scenario,
  from: Signal,
  to: Signal,
  create: (next: Consumer) => { part: Part & Consumer; account: Account },
  tick: (ms: number) => void,
): Promise<void> {
  const random = new Random(7)
  const next = new MoodyNext(() => scenario.mood(random))
  const blamed = { name: 'part', log: new RecordingLog() }
  // The account is known only once the part is made, and the part wants its edge first.
  let account: Account | undefined
  const behind = new Edge(
    [{ taken: (items, rejected, context) => outOfPage(account!.of(to)).taken?.(items, rejected, context) }],
    next,
    blamed,
  )
  const made = create(behind)
  account = made.account
  const front = new Edge([intoPage(account.of(from))], made.part, blamed)

  await made.part.start()
  const taken = new Set<number>()
  let told = 0
  const senders = Array.from({ length: REQUESTS }, (_, i) =>
    send(front, numbered(from, i * ITEMS_MAX, 1 + random.below(ITEMS_MAX)), (batch, receipt) => {
      for (const number of numbersOf(batch)) taken.add(number)
      told += receipt.rejected
    }),
  )
  await underTicks(Promise.all(senders), tick)
  await underTicks(made.part.stop(performance.now() + 60_000), tick)

  assert.equal(next.ended, 0, 'it hands on bytes that it neither retained nor copied')
  assertBalanced([account])
  assert.equal(account.of(from).held, 0)
  if (from === to && account.of(from).created === 0) judge(next, taken, told, account, from)
}

function judge(next: MoodyNext, taken: Set<number>, told: number, account: Account, signal: Signal): void {
  const arrived = [...next.taken, ...next.partlyTaken]
  assert.equal(new Set(arrived).size, arrived.length, 'an item arrived twice')
  for (const number of arrived)
    assert.ok(taken.has(number), `item ${number} arrived and was not acknowledged`)
  let dropped = 0
  for (const { items } of account.of(signal).dropped.values()) dropped += items
  assert.equal(taken.size - told, account.of(signal).out + dropped, 'items are missing from the ledger')
}

/** A sender as OTLP wants it: it tries again when refused, never when rejected. */
async function send(
  to: Consumer,
  batch: Batch,
  acknowledged: (batch: Batch, receipt: Receipt) => void,
): Promise<void> {
  for (let i = 0; i < TRIES; i++) {
    try {
      acknowledged(batch, await lendTo(to, batch))
      return
    } catch (error) {
      if (error instanceof Rejected) return
      assert.ok(error instanceof Refused, String(error))
    }
  }
}

/** Lets mocked time pass until `promise` settles. */
async function underTicks(promise: Promise<unknown>, tick: (ms: number) => void): Promise<void> {
  let pending = true
  const done = (): void => {
    pending = false
  }
  promise.then(done, done)
  for (let turns = 0; pending; turns++) {
    assert.ok(turns < 10_000, 'it never settles')
    await settled()
    tick(10)
  }
  await promise
}
