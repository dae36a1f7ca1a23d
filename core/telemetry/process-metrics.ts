/**
 * The process in numbers: the Collector's `otelcol_process_*` as far as they mean the same in Node, and what only Node
 * has. Buffers lie outside V8's heap, so heap and external memory are told apart.
 */

import { monitorEventLoopDelay } from 'node:perf_hooks'
import { getHeapStatistics } from 'node:v8'
import type { MetricDeclaration, MetricsRegistry } from './metrics.ts'

function metric(
  name: string,
  kind: 'counter' | 'gauge',
  unit: string,
  help: string,
  labels: readonly string[] = [],
): MetricDeclaration {
  return { kind, name, unit, help, labels, level: 'basic' }
}

const UPTIME: MetricDeclaration = {
  ...metric('otelcol_process_uptime', 'counter', 's', 'Uptime of the process.'),
  merge: 'max',
}
const CPU = metric('otelcol_process_cpu_seconds', 'counter', 's', 'CPU time of the process, user and system.')
const RSS = metric('otelcol_process_memory_rss', 'gauge', 'By', 'Resident memory of the process.')
const HEAP = metric(
  'otelcol_process_runtime_heap_alloc_bytes',
  'gauge',
  'By',
  "V8's used heap, without buffers.",
)
const ALLOCATED = metric(
  'otelcol_process_runtime_total_alloc_bytes',
  'counter',
  'By',
  "Bytes ever allocated on V8's heap.",
)
const SYSTEM = metric(
  'otelcol_process_runtime_total_sys_memory_bytes',
  'gauge',
  'By',
  "V8's whole heap and the buffers outside it.",
)
const EXTERNAL = metric(
  'sluice_process_external_bytes',
  'gauge',
  'By',
  "Buffers and other memory outside V8's heap.",
)
const DELAY: MetricDeclaration = {
  ...metric(
    'sluice_event_loop_delay',
    'gauge',
    's',
    'How long the event loop was late, over the last minute at most; of workers, the latest one.',
    ['quantile'],
  ),
  merge: 'max',
}

/** Every metric of this file, for the reference page. */
export const PROCESS_METRICS = [UPTIME, CPU, RSS, HEAP, ALLOCATED, SYSTEM, EXTERNAL, DELAY]

const DELAY_SAMPLE_MS = 20
const DELAY_WINDOW_MS = 60_000
const QUANTILES = [50, 99, 100] as const

/** Starts measuring; gives a function that ends it. */
export function observeProcess(metrics: MetricsRegistry): () => void {
  const delay = monitorEventLoopDelay({ resolution: DELAY_SAMPLE_MS })
  delay.enable()
  const window = setInterval(() => delay.reset(), DELAY_WINDOW_MS).unref()
  const cpu = (): number => {
    const { user, system } = process.cpuUsage()
    return (user + system) / 1e6
  }
  const sys = (): number => {
    const { heapTotal, external } = process.memoryUsage()
    return heapTotal + external
  }
  const ends = [
    metrics.observe(UPTIME, {}, () => process.uptime()),
    metrics.observe(CPU, {}, cpu),
    metrics.observe(RSS, {}, () => process.memoryUsage.rss()),
    metrics.observe(HEAP, {}, () => process.memoryUsage().heapUsed),
    metrics.observe(ALLOCATED, {}, () => totalAllocated()),
    metrics.observe(SYSTEM, {}, sys),
    metrics.observe(EXTERNAL, {}, () => process.memoryUsage().external),
    ...QUANTILES.map(percent =>
      metrics.observe(DELAY, { quantile: String(percent / 100) }, () => lateness(delay.percentile(percent))),
    ),
  ]
  return () => {
    clearInterval(window)
    delay.disable()
    for (const end of ends) end()
  }
}

/** Newer V8 only; 0 before. */
function totalAllocated(): number {
  return (getHeapStatistics() as { total_allocated_bytes?: number }).total_allocated_bytes ?? 0
}

/** Node measures from one sample to the next, in ns: what is beyond the sampling interval was late. */
function lateness(ns: number): number {
  return Math.max(0, ns / 1e6 - DELAY_SAMPLE_MS) / 1000
}
