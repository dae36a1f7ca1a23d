/** `attributes` and `resource`: every action on every type of value, every way to include and exclude, all signals. */

import { test } from 'node:test'
import { CASES, REQUESTS } from '../processors/collector-attributes.ts'
import { compareProcessors, type ProcessorCase } from './processors.ts'
import { generated, golden, random, type TestRequest } from './requests.ts'

const SIGNALS = ['traces', 'metrics', 'logs'] as const

/** The cases, those without include and exclude for all signals. */
const cases: ProcessorCase[] = CASES.flatMap(({ type, signal, yaml }) => {
  const signals = /include|exclude/.test(yaml) ? SIGNALS.filter(one => one === signal) : SIGNALS
  return signals.map(one => ({ type, signal: one, yaml }))
}).filter(
  (one, i, all) =>
    all.findIndex(
      ({ type, signal, yaml }) => `${type} ${signal} ${yaml}` === `${one.type} ${one.signal} ${one.yaml}`,
    ) === i,
)

const made: TestRequest[] = SIGNALS.map(signal => ({
  name: `every value ${signal}`,
  signal,
  bytes: REQUESTS[signal]!,
}))

// Scenario: requests with every type of attribute, of real clients and made up, go through every config in both.
// Guarantees: the same attributes everywhere, whatever the action, the value, the match and the signal.
test('attributes and resource', { timeout: 120_000 }, async t => {
  await compareProcessors(t, 'attributes', cases, [...made, ...golden(), ...generated(3), ...random(3)], {
    'x-tenant': 'a',
  })
})
