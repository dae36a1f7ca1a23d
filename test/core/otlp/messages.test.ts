import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MESSAGES } from '../../../core/otlp/messages.ts'
import { REQUESTS, SIGNALS } from '../../../core/otlp/signals.ts'
import { generateRequest, type Plain } from '../../kit/generate.ts'

// Scenario: a hundred generated requests of each signal are walked by the table of messages.
// Guarantees: every field of every message that a request can hold is generated somewhere, so that what property tests
// say, they say of all of OTLP; and nothing is generated that the table does not know.
test('generated requests have every field', () => {
  const seen = new Set<string>()
  const reachable = new Set<string>()
  const visit = (message: string, value: Plain): void => {
    for (const [name, inner] of Object.entries(value)) {
      const shape = MESSAGES[message]![name]
      assert.ok(shape, `${message}.${name} is not in the table`)
      seen.add(`${message}.${name}`)
      if (!(shape[1] in MESSAGES)) continue
      for (const one of shape[2] ? (inner as Plain[]) : [inner as Plain]) visit(shape[1], one)
    }
  }
  const reach = (message: string): void => {
    for (const [name, [, type]] of Object.entries(MESSAGES[message]!)) {
      if (reachable.has(`${message}.${name}`)) continue
      reachable.add(`${message}.${name}`)
      if (type in MESSAGES) reach(type)
    }
  }
  for (const signal of SIGNALS) {
    reach(REQUESTS[signal])
    for (let seed = 0; seed < 100; seed++) visit(REQUESTS[signal], generateRequest(signal, seed, 5))
  }
  assert.deepEqual(
    [...reachable].filter(field => !seen.has(field)),
    [],
  )
})
