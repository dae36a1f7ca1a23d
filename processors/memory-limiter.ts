/**
 * `memory_limiter`: refuses data while the process has too little memory, so that senders slow down instead of the
 * kernel killing the gateway. Must be the first processor of a pipeline.
 *
 *     processors:
 *       memory_limiter:
 *         check_interval: 1s
 *         limit_percentage: 80
 *         spike_limit_percentage: 20
 *
 * The Collector's keys and rules (processor/memorylimiterprocessor 0.155). What is compared with the limits stands in
 * core/component/pressure.ts. Receivers ask `admit` before they read a body, so refusing costs no memory.
 */

import { duration, integer, section, type ValueOf } from '../config/schema.ts'
import type { Batch } from '../core/component/batch.ts'
import type {
  ConsumeContext,
  Consumer,
  Processor,
  ProcessorFactory,
  Settings,
} from '../core/component/contract.ts'
import { type Receipt, Refused } from '../core/component/outcome.ts'
import {
  type MemorySource,
  PROCESS_MEMORY,
  type PressureLimits,
  type PressureListener,
  type PressureMonitor,
  pressureMonitor,
  totalMemory,
} from '../core/component/pressure.ts'
import { SIGNAL_WORDS, SIGNALS, type Signal } from '../core/otlp/signals.ts'
import type { BoundCounter, MetricDeclaration } from '../core/telemetry/metrics.ts'

const config = section(
  {
    check_interval: duration({
      default: '0s',
      doc: 'Time between measurements; 1s is a good value. Required.',
    }),
    limit_mib: integer({
      default: 0,
      min: 0,
      doc: 'The hard limit in MiB, of all workers together. Data is refused from limit_mib - spike_limit_mib on.',
    }),
    spike_limit_mib: integer({
      default: 0,
      min: 0,
      doc: 'How much may be added between two measurements, in MiB. 0 means a fifth of the limit.',
    }),
    limit_percentage: integer({
      default: 0,
      min: 0,
      max: 100,
      doc: "The hard limit as a share of the container's memory, or the machine's. limit_mib has precedence.",
    }),
    spike_limit_percentage: integer({
      default: 0,
      min: 0,
      max: 100,
      doc: 'As spike_limit_mib, as a share. 0 means a fifth of the limit.',
    }),
    min_gc_interval_when_soft_limited: duration({
      default: '10s',
      doc: 'At least this long between forced collections while above the soft limit.',
    }),
    min_gc_interval_when_hard_limited: duration({
      default: '0s',
      doc: 'At least this long between forced collections while above the hard limit.',
    }),
    max_gc_interval_when_soft_limited: duration({
      default: '30s',
      doc: 'While collections free nothing the interval doubles up to this. 0: it does not grow.',
    }),
    max_gc_interval_when_hard_limited: duration({
      default: '30s',
      doc: 'As max_gc_interval_when_soft_limited, above the hard limit.',
    }),
  },
  {
    doc: 'Refuses data while the process has too little memory. Put it first.',
    check(value, report) {
      const { limit_mib: limit, limit_percentage: percentage } = value
      if (value.check_interval === 0)
        report.error('check_interval', 'must be greater than zero', 'write check_interval: 1s')
      if (limit === 0 && percentage === 0)
        report.error('', 'has no limit', 'write limit_mib, or limit_percentage such as 80')
      if (limit > 0 && value.spike_limit_mib >= limit)
        report.error('spike_limit_mib', 'must be smaller than limit_mib', 'a fifth of it is usual')
      if (percentage > 0 && value.spike_limit_percentage >= percentage)
        report.error(
          'spike_limit_percentage',
          'must be smaller than limit_percentage',
          'a fifth of it is usual',
        )
      checkIntervals(value, (key, wrong) => report.error(key, wrong, 'change one of the two'))
    },
  },
)

type IntervalKey = `${'min' | 'max'}_gc_interval_when_${'soft' | 'hard'}_limited`

function checkIntervals(
  value: Readonly<Record<IntervalKey, number>>,
  wrong: (key: IntervalKey, what: string) => void,
): void {
  const minSoft = value.min_gc_interval_when_soft_limited
  const minHard = value.min_gc_interval_when_hard_limited
  const maxSoft = value.max_gc_interval_when_soft_limited
  const maxHard = value.max_gc_interval_when_hard_limited
  if (minSoft < minHard)
    wrong('min_gc_interval_when_soft_limited', 'is less than min_gc_interval_when_hard_limited')
  if (maxSoft > 0 && maxSoft < minSoft)
    wrong('max_gc_interval_when_soft_limited', 'is less than min_gc_interval_when_soft_limited')
  if (maxHard > 0 && maxHard < minHard)
    wrong('max_gc_interval_when_hard_limited', 'is less than min_gc_interval_when_hard_limited')
  if (maxSoft > 0 && maxHard > 0 && maxSoft < maxHard)
    wrong('max_gc_interval_when_soft_limited', 'is less than max_gc_interval_when_hard_limited')
}

export type MemoryLimiterConfig = ValueOf<typeof config>

function counted(signal: Signal, verb: 'accepted' | 'refused'): MetricDeclaration {
  const { items } = SIGNAL_WORDS[signal]
  const what = items.replaceAll('_', ' ')
  return {
    kind: 'counter',
    name: `otelcol_processor_memory_limiter_${verb}_${items}`,
    unit: `{${items}}`,
    help:
      verb === 'accepted'
        ? `Number of ${what} successfully pushed into the next component in the pipeline.`
        : `Number of ${what} that were refused because memory was short.`,
    labels: ['processor'],
    level: 'basic',
  }
}

/**
 * The limits in bytes. `limit_percentage` is taken of the container's memory as it is now. What is written is the limit
 * of the whole gateway: each of its processes has its part.
 */
export function limitsOf(config: MemoryLimiterConfig, source: MemorySource, processes = 1): PressureLimits {
  const fixed = config.limit_mib > 0
  const unit = (fixed ? 2 ** 20 : totalMemory(source) / 100) / processes
  const limit = Math.floor((fixed ? config.limit_mib : config.limit_percentage) * unit)
  const spike = Math.floor((fixed ? config.spike_limit_mib : config.spike_limit_percentage) * unit)
  return {
    checkInterval: config.check_interval,
    limit,
    spikeLimit: spike === 0 ? Math.floor(limit / 5) : spike,
    minGcIntervalSoft: config.min_gc_interval_when_soft_limited,
    minGcIntervalHard: config.min_gc_interval_when_hard_limited,
    maxGcIntervalSoft: config.max_gc_interval_when_soft_limited,
    maxGcIntervalHard: config.max_gc_interval_when_hard_limited,
    ...(processes === 1 ? {} : { processes }),
  }
}

export class MemoryLimiter implements Processor {
  readonly #settings: Settings
  readonly #next: Consumer
  readonly #monitor: PressureMonitor
  readonly #listener: PressureListener
  readonly #accepted: BoundCounter
  readonly #refused: BoundCounter

  constructor(monitor: PressureMonitor, settings: Settings, next: Consumer) {
    const signal = settings.signal ?? 'traces'
    this.#settings = settings
    this.#next = next
    this.#monitor = monitor
    const labels = { processor: settings.id }
    this.#accepted = settings.metrics.counter(counted(signal, 'accepted')).bind(labels)
    this.#refused = settings.metrics.counter(counted(signal, 'refused')).bind(labels)
    this.#listener = {
      log: settings.log,
      changed: refusing =>
        settings.host.report(
          settings.name,
          refusing
            ? { state: 'recoverable_error', message: 'refusing data: memory is short' }
            : { state: 'ok' },
        ),
    }
  }

  async start(): Promise<void> {
    const { limit, spikeLimit } = this.#monitor.limits
    this.#settings.log.info('Memory limiter configured', {
      limit_mib: Math.floor(limit / 2 ** 20),
      spike_limit_mib: Math.floor(spikeLimit / 2 ** 20),
    })
    this.#monitor.join(this.#listener)
  }

  async stop(): Promise<void> {
    this.#monitor.leave(this.#listener)
  }

  admit(signal: Signal): Refused | undefined {
    return this.#refusal() ?? this.#next.admit?.(signal)
  }

  /** Not `async`: a promise around a promise for each request. */
  consume(batch: Batch, context: ConsumeContext): Promise<Receipt> {
    const refusal = this.#refusal()
    if (refusal !== undefined) {
      this.#refused.add(batch.items)
      return Promise.reject(refusal)
    }
    // As there: it is accepted by this processor even when the next one refuses it.
    this.#accepted.add(batch.items)
    return this.#next.consume(batch, context)
  }

  #refusal(): Refused | undefined {
    if (!this.#monitor.refusing) return undefined
    const mib = (bytes: number): number => Math.round(bytes / 2 ** 20)
    const { used, limits } = this.#monitor
    return new Refused(
      `data refused due to high memory usage (${mib(used)} MiB used, limit ${mib(limits.limit)} MiB); try again later`,
      { status: 'UNAVAILABLE', afterMs: limits.checkInterval },
    )
  }
}

export const factory: ProcessorFactory<MemoryLimiterConfig> = {
  kind: 'processor',
  type: 'memory_limiter',
  doc: 'Refuses data while the process has too little memory. Put it first in every pipeline.',
  stability: 'beta',
  signals: SIGNALS,
  config,
  metrics: SIGNALS.flatMap(signal => [counted(signal, 'accepted'), counted(signal, 'refused')]),
  create(config, settings, next) {
    const limits = limitsOf(config, PROCESS_MEMORY, settings.host.workers)
    return new MemoryLimiter(pressureMonitor(limits), settings, next)
  },
}
