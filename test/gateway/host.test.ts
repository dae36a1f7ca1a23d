import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { PartHealth } from '../../core/component/contract.ts'
import { GatewayHost } from '../../gateway/host.ts'
import { RecordingLog } from '../kit/parts.ts'

// Scenario: a gateway that leads workers, before and after all of them are ready, and with one in trouble.
// Guarantees: it is ready only when it and all of them are; the health that is shown has theirs and its own.
test('a gateway is as well as its workers', () => {
  const host = new GatewayHost('1', new RecordingLog())
  const health = new Map<string, PartHealth>()
  const crew = { ready: false, health }
  host.crew = crew
  assert.equal(host.ready, false)
  host.ready = true
  assert.equal(host.ready, false)
  crew.ready = true
  assert.equal(host.ready, true)
  health.set('exporter/nop', { state: 'recoverable_error' })
  host.report('extension/zpages', { state: 'ok' })
  const states = [...host.describe().health].map(([part, { state }]) => `${part} ${state}`)
  assert.deepEqual(states, ['exporter/nop recoverable_error', 'extension/zpages ok'])
  crew.ready = false
  assert.equal(host.ready, false)
})
