import assert from 'node:assert/strict'
import { test } from 'node:test'
import { factory } from '../../connectors/forward.ts'
import { NO_CONTEXT } from '../../core/component/contract.ts'
import { Refused } from '../../core/component/outcome.ts'
import { SIGNALS } from '../../core/otlp/signals.ts'
import { numbered } from '../kit/numbered.ts'
import { Sink, testSettings } from '../kit/parts.ts'

// Scenario: a batch of each signal goes through.
// Guarantees: the same object arrives, every signal has its route, and outcomes come back as they are.
test('forward hands on what it gets', async () => {
  assert.deepEqual(
    factory.routes,
    SIGNALS.map(signal => [signal, signal]),
  )
  const sink = new Sink()
  const connector = factory.create({}, testSettings('connector', 'forward'), sink)
  await connector.start()
  for (const signal of SIGNALS) {
    const batch = numbered(signal, 0, 3)
    await connector.consume(batch, NO_CONTEXT)
    assert.equal(sink.batches.at(-1), batch)
  }
  sink.answer = () => {
    throw new Refused('full')
  }
  await assert.rejects(connector.consume(numbered('logs', 0, 1), NO_CONTEXT), /full/)
  await connector.stop(performance.now())
})

// Scenario: the pipeline behind is asked whether it would take anything.
// Guarantees: its answer is the connector's.
test('forward asks what is behind it', () => {
  const full = { consume: new Sink().consume, admit: () => new Refused('full') }
  const connector = factory.create({}, testSettings('connector', 'forward'), full)
  assert.equal(connector.admit!('logs')!.message, 'full')
})
