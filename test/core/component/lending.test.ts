/** How long a lent request lives behind a chain, whatever becomes of it (memory.ts). */

import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { type Batch, batchOf } from '../../../core/component/batch.ts'
import { type ConsumeContext, NO_CONTEXT } from '../../../core/component/contract.ts'
import { heldBytes, lend, release, retain } from '../../../core/component/memory.ts'
import { Refused } from '../../../core/component/outcome.ts'
import { sendingChain } from '../../../core/component/sending.ts'
import { Fanout } from '../../../gateway/fanout.ts'
import { ManualClock, settled } from '../../kit/clock.ts'
import { FakeExporter, Gate } from '../../kit/exporter.ts'
import { numbered } from '../../kit/numbered.ts'
import { testSettings } from '../../kit/parts.ts'
import { sendingConfig } from '../../kit/sending.ts'

class PromisingExporter extends FakeExporter {
  readonly returnsBytes = true
}

function chainOf(exporter: FakeExporter, overrides: Parameters<typeof sendingConfig>[0] = {}) {
  const clock = new ManualClock()
  const config = sendingConfig({ timeout: 0, ...overrides })
  const chain = sendingChain(exporter, config, testSettings('exporter', 'fake'), { clock, random: () => 0.5 })
  const stop = (): Promise<void> => clock.until(chain.stop(clock.now() + 1000))
  return { chain, clock, stop }
}

/** A request as a door lends it, and whether its memory is still there. */
function lent(t: TestContext): { batch: Batch; readonly lives: boolean; end: () => void } {
  const bytes = Uint8Array.from(numbered('traces', 0, 3).chunks[0]!)
  lend(bytes)
  const batch = batchOf('traces', [bytes], 3)
  retain(batch)
  t.after(() => assert.equal(heldBytes(), 0))
  return {
    batch,
    get lives() {
      return bytes.length > 0
    },
    end: () => release(batch),
  }
}

// Scenario: a queue accepts a request, its exporter refuses it once and then takes it.
// Guarantees: it lives while it waits, while it is sent and between the attempts, and ends when it was sent.
test('from the queue to the last attempt', async t => {
  const gate = new Gate()
  const { chain, clock, stop } = chainOf(new PromisingExporter(gate.answer))
  const request = lent(t)
  await chain.consume(request.batch, NO_CONTEXT)
  request.end()
  assert.ok(request.lives)
  gate.open(new Refused('not now'))
  await settled()
  assert.ok(request.lives)
  await clock.advance(60_000)
  await settled()
  assert.equal(gate.waiting, 1)
  assert.ok(request.lives)
  gate.open({ sent: 3 })
  await settled()
  assert.ok(!request.lives)
  await stop()
})

// Scenario: an attempt outlasts its timeout, the next one delivers, and then the first one comes back.
// Guarantees: what an exporter may still read is left to V8.
test('an attempt that is not waited for', async t => {
  const gate = new Gate()
  const { chain, clock, stop } = chainOf(new PromisingExporter(gate.answer), { timeout: 1000 })
  const request = lent(t)
  await chain.consume(request.batch, NO_CONTEXT)
  request.end()
  await clock.advance(1000)
  await clock.advance(5000)
  await settled()
  assert.equal(gate.waiting, 2)
  gate.open({ sent: 3 })
  gate.open({ sent: 3 })
  await settled()
  await stop()
  assert.ok(request.lives)
})

// Scenario: the sender of a request leaves while it is sent, without a queue; the exporter ignores that.
// Guarantees: the same.
test('a sender that leaves', async t => {
  const gate = new Gate()
  const { chain, stop } = chainOf(new PromisingExporter(gate.answer), { queue: { enabled: false } })
  const request = lent(t)
  const leaving = new AbortController()
  const context: ConsumeContext = { signal: leaving.signal }
  const answer = chain.consume(request.batch, context)
  await settled()
  leaving.abort()
  await assert.rejects(answer, Refused)
  request.end()
  await settled()
  assert.ok(request.lives)
  gate.open({ sent: 3 })
  await stop()
})

// Scenario: a request goes to two exporters; both promise to be done with it, or only one.
// Guarantees: it ends with the later one, or is left to V8.
test('a request of two exporters', async t => {
  for (const promised of [true, false]) {
    const slow = new Gate()
    const quick = chainOf(new PromisingExporter())
    const late = chainOf(promised ? new PromisingExporter(slow.answer) : new FakeExporter(slow.answer))
    const request = lent(t)
    await new Fanout([quick.chain, late.chain]).consume(request.batch, NO_CONTEXT)
    request.end()
    await settled()
    assert.ok(request.lives)
    slow.open({ sent: 3 })
    await settled()
    assert.equal(request.lives, !promised)
    await quick.stop()
    await late.stop()
  }
})
