/** `probabilistic_sampler`: all modes and options on both signals: the same survivors with the same marks. */

import { test } from 'node:test'
import { CASES, REQUESTS } from '../processors/probabilistic-sampler/collector-samples.ts'
import { compareProcessors } from './processors.ts'
import { generated, golden, random, type TestRequest } from './requests.ts'

const cases = CASES.map(one => ({ ...one, type: 'probabilistic_sampler' }))
const made: TestRequest[] = (['traces', 'logs'] as const).map(signal => ({
  name: `every tracestate ${signal}`,
  signal,
  bytes: REQUESTS[signal],
}))

// Scenario: trace ids, tracestates and priorities of every kind, real and made up, go through every config in both.
// Guarantees: the same items survive, with the same tracestate and the same attributes.
test('probabilistic_sampler', { timeout: 120_000 }, async t => {
  const requests = [...made, ...golden(), ...generated(6), ...random(6)].filter(
    ({ signal }) => signal !== 'metrics',
  )
  await compareProcessors(t, 'sampler', cases, requests)
})
