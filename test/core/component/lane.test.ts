/** Properties of the whole chain under random arrivals and a server with random moods; sending.test.ts has scenarios. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { type Batch, batchOf } from '../../../core/component/batch.ts'
import type { SendResult } from '../../../core/component/contract.ts'
import { heldBytes } from '../../../core/component/memory.ts'
import { Refused, Rejected } from '../../../core/component/outcome.ts'
import { sendingChain } from '../../../core/component/sending.ts'
import { assertBalanced } from '../../kit/balance.ts'
import { ManualClock, settled } from '../../kit/clock.ts'
import { consumeAsEdge, FakeExporter } from '../../kit/exporter.ts'
import { numbered, numberedExactly, numbersOf } from '../../kit/numbered.ts'
import { testSettings } from '../../kit/parts.ts'
import { Random } from '../../kit/random.ts'
import { sendingConfig } from '../../kit/sending.ts'

/** Knows item by item what it took and what it refused for ever. */
class MoodyServer {
  readonly delivered: number[] = []
  readonly rejected: number[] = []
  readonly #random: Random
  readonly #clock: ManualClock

  constructor(random: Random, clock: ManualClock) {
    this.#random = random
    this.#clock = clock
  }

  readonly answer = async (batch: Batch): Promise<SendResult> => {
    const numbers = numbersOf(batch)
    assert.equal(numbers.length, batch.items)
    if (this.#random.chance(0.5)) await this.#takeTime()
    const mood = this.#random.below(10)
    if (mood === 0) throw new Refused('busy', { afterMs: this.#random.below(3000) })
    if (mood === 1) throw new TypeError('a bug')
    if (mood === 2) {
      this.rejected.push(...numbers)
      throw new Rejected('never')
    }
    if (mood === 3) return this.#some(batch, numbers)
    this.delivered.push(...numbers)
    return { sent: numbers.length }
  }

  /** Never longer than the attempt's timeout, so that what is delivered is known to be. */
  #takeTime(): Promise<void> {
    return new Promise(resolve => {
      this.#clock.after(this.#random.below(500), resolve)
    })
  }

  #some(batch: Batch, numbers: readonly number[]): SendResult {
    const parts: number[][] = [[], [], []]
    for (const number of numbers) parts[this.#random.below(3)]!.push(number)
    const [sent, rejected, again] = parts as [number[], number[], number[]]
    this.delivered.push(...sent)
    this.rejected.push(...rejected)
    return {
      sent: sent.length,
      rejected: [{ items: rejected.length, reason: 'bad' }],
      ...(again.length === 0 ? {} : { retry: numberedExactly(batch.signal, again) }),
    }
  }
}

/** A request as a batch processor would hand it on: of one chunk or two. */
function inChunks(from: number, items: number, random: Random): Batch {
  const first = numbered('logs', from, random.chance(0.7) ? items : random.below(items))
  const second = numbered('logs', from + first.items, items - first.items)
  return batchOf('logs', [...first.chunks, ...second.chunks], items)
}

const anyBatching = fc.record({
  // 0: whatever waits is taken when a consumer is free.
  flush_timeout: fc.constantFrom(200, 0),
  min_size: fc.integer({ min: 1, max: 20 }),
  max_size: fc.constantFrom(0, 20, 33),
  sizer: fc.constantFrom('items' as const),
  partition: fc.constant({ metadata_keys: [] }),
})

const anyQueue = fc.record({
  enabled: fc.constant(true),
  num_consumers: fc.constantFrom(1, 1, 3),
  queue_size: fc.integer({ min: 1, max: 60 }),
  sizer: fc.constantFrom('requests' as const, 'items' as const),
  block_on_overflow: fc.boolean(),
  batch: fc.option(anyBatching, { nil: undefined }),
})

const anyStep = fc.oneof(
  { weight: 3, arbitrary: fc.record({ items: fc.integer({ min: 1, max: 50 }) }) },
  { weight: 1, arbitrary: fc.record({ wait: fc.integer({ min: 0, max: 4000 }) }) },
)

const anyRun = fc.record({
  queue: anyQueue,
  waits: fc.boolean(),
  steps: fc.array(anyStep, { maxLength: 25 }),
  seed: fc.nat(),
  drain: fc.constantFrom(0, 300, 100_000),
})

/** Plays a run and returns everything that can be judged afterwards. */
async function play({
  queue,
  waits,
  steps,
  seed,
  drain,
}: typeof anyRun extends fc.Arbitrary<infer R> ? R : never) {
  const random = new Random(seed)
  const clock = new ManualClock()
  const server = new MoodyServer(random, clock)
  const exporter = new FakeExporter(server.answer)
  const settings = testSettings('exporter', 'fake')
  const config = sendingConfig({
    queue: { ...queue, wait_for_result: waits },
    retry: { max_elapsed_time: 30_000 },
  })
  const chain = sendingChain(exporter, config, settings, { clock, random: () => random.below(1000) / 1000 })
  const taken: number[] = []
  const refused: number[] = []
  let told = 0
  let pending = 0
  let from = 0
  for (const step of steps) {
    if ('wait' in step) await clock.advance(step.wait)
    else {
      const batch = inChunks(from, step.items, random)
      from += step.items
      pending++
      consumeAsEdge(chain, settings.account, batch)
        .then(receipt => {
          told += receipt.rejected
          taken.push(...numbersOf(batch))
        })
        .catch(error => {
          assert.ok(error instanceof Refused || error instanceof Rejected, String(error))
          refused.push(...numbersOf(batch))
        })
        .finally(() => pending--)
      await settled()
    }
    const size = settings.metrics.read('otelcol_exporter_queue_size{data_type="logs",exporter="fake"}')
    assert.ok(size <= queue.queue_size, `${size} in a queue of ${queue.queue_size}`)
    assert.ok(exporter.inFlightMax <= queue.num_consumers)
  }
  await clock.until(chain.stop(clock.now() + drain))
  await settled()
  const page = settings.account.of('logs')
  return { exporter, from, page, pending, queue, refused, server, settings, taken, told, waits }
}

// Scenario: random requests, waits, queue and batch sizes, one or three consumers; the server takes, refuses, rejects,
// breaks, or takes a part, at once or later; stop with no, little and much time.
// Guarantees: every sender has an answer; nothing is lost, nothing is sent twice; the queue never exceeds its capacity;
// order is kept with one consumer; the ledger balances; no memory stays held.
test('nothing is lost or doubled on the way to a moody server', async () => {
  await fc.assert(
    fc.asyncProperty(anyRun, async run => {
      const { exporter, from, page, pending, queue, refused, server, settings, taken, told, waits } =
        await play(run)
      assert.equal(pending, 0, 'a sender has no answer')
      assert.equal(taken.length + refused.length, from)
      assert.equal(new Set(server.delivered).size, server.delivered.length, 'sent twice')
      assertBalanced([settings.account])
      assert.equal(page.held, 0)
      assert.equal(heldBytes(), 0)
      const gone = new Set([...server.delivered, ...server.rejected])
      if (waits) {
        assert.equal(page.dropped.size, 0)
        assert.equal(page.in, page.out)
        assert.equal(page.in, taken.length - told)
        // Without a batch around it, whoever was told "taken" has all of it there, or was told what was not.
        if (queue.batch === undefined)
          assert.equal(taken.filter(number => !gone.has(number)).length, page.unknown)
      } else {
        const lost = taken.filter(number => !gone.has(number)).length
        const dropped = [...page.dropped].reduce((sum, [, { items }]) => sum + items, 0)
        // An answer that came in the very moment of the drain's end was not heard: those items are the unknown ones.
        const unheard = dropped - server.rejected.length + page.unknown - lost
        assert.ok(unheard >= 0 && unheard <= page.unknown, `${unheard} of ${page.unknown} unknown`)
        const arrived = server.delivered.length
        assert.ok(arrived >= page.out - page.unknown && arrived <= page.out, `${arrived} arrived`)
      }
      if (queue.num_consumers === 1) {
        const firsts = exporter.numbers.map(numbers => Math.min(...numbers))
        assert.deepEqual(
          firsts,
          firsts.toSorted((a, b) => a - b),
        )
      }
    }),
    { numRuns: 300 },
  )
})
