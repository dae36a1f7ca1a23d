import assert from 'node:assert/strict'
import { test } from 'node:test'
import { batchOf } from '../../core/component/batch.ts'
import { NO_CONTEXT } from '../../core/component/contract.ts'
import { SIGNALS } from '../../core/otlp/signals.ts'
import { factory } from '../../exporters/nop.ts'
import { testSettings } from '../kit/parts.ts'

// Scenario: a batch of each signal goes to nop, before start and after stop as well.
// Guarantees: every item counts as sent, nothing is rejected or left to retry, and there is no queue in front of it.
test('nop counts everything as sent', async () => {
  const nop = factory.create({}, testSettings('exporter', 'nop'), SIGNALS)
  assert.equal(factory.sending, undefined)
  await nop.stop(0)
  await nop.start()
  for (const signal of SIGNALS) {
    const result = await nop.send(batchOf(signal, [new Uint8Array(7)], 5), NO_CONTEXT)
    assert.deepEqual(result, { sent: 5 })
  }
  await nop.stop(0)
  await nop.stop(0)
})
