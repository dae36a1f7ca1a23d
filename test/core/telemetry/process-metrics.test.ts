import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Metrics } from '../../../core/telemetry/metrics.ts'
import { observeProcess, PROCESS_METRICS } from '../../../core/telemetry/process-metrics.ts'

// Scenario: the process is observed, and no longer.
// Guarantees: every declared metric has a sensible value; ending takes all of them away.
test('the process is measured', () => {
  const metrics = new Metrics('basic')
  const end = observeProcess(metrics)
  const values = new Map(
    metrics
      .snapshot()
      .map(({ declaration, points }) => [declaration.name, points as readonly { value: number }[]]),
  )
  assert.deepEqual([...values.keys()].sort(), PROCESS_METRICS.map(({ name }) => name).sort())
  const value = (name: string) => values.get(name)![0]!.value
  assert.equal(value('otelcol_process_memory_rss') > value('otelcol_process_runtime_heap_alloc_bytes'), true)
  assert.equal(
    value('otelcol_process_runtime_total_sys_memory_bytes') > value('sluice_process_external_bytes'),
    true,
  )
  assert.equal(value('otelcol_process_cpu_seconds') > 0 && value('otelcol_process_uptime') > 0, true)
  assert.equal(values.get('sluice_event_loop_delay')!.length, 3)
  end()
  assert.deepEqual(metrics.snapshot(), [])
})
