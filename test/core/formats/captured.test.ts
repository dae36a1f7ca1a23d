import assert from 'node:assert/strict'
import { test } from 'node:test'
import { OPERATIONS } from '../../services/translator.ts'
import { capturedCases } from './captured.ts'
import { compare } from './comparison.ts'

// Scenario: requests and messages that the Collector's translators were given, with what these answered.
// Guarantees: our translation is the same, field by field, in every format and both directions.
test('formats are translated as the Collector 0.155.0 translated them', () => {
  const cases = capturedCases()
  assert.deepEqual(new Set(cases.map(one => one.operation)), new Set(OPERATIONS))
  for (const { operation, message, answer } of cases) {
    try {
      compare({ operation, message: Buffer.from(message, 'base64') }, answer)
    } catch (cause) {
      throw new Error(`${operation} ${message.slice(0, 4000)}`, { cause })
    }
  }
})
