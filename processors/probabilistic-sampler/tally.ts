/** What became of the items of one batch: for the metric, the ledger and the log. */

import type { Settings } from '../../core/component/contract.ts'
import type { DropReason } from '../../core/component/ledger.ts'
import type { Transformed } from '../../core/component/transform.ts'
import type { MetricDeclaration } from '../../core/telemetry/metrics.ts'
import { type Failure, POLICIES, PRIORITY, type Sampler } from './sampler.ts'

export const SAMPLED_OUT: DropReason = { name: 'sampled_out', intended: true }
const SAMPLING_FAILED: DropReason = { name: 'sampling_failed', intended: false }

function counted(what: 'traces' | 'logs'): MetricDeclaration {
  return {
    kind: 'counter',
    name: `otelcol_processor_probabilistic_sampler_count_${what}_sampled`,
    unit: '1',
    help: `Count of ${what} that were sampled or not`,
    labels: ['policy', 'sampled'],
    level: 'basic',
  }
}

export const METRICS = { traces: counted('traces'), logs: counted('logs') } as const

export class Tally {
  readonly #settings: Settings
  readonly #counters: readonly { add(value: number): void }[]
  /** Two for each policy: not sampled, sampled. */
  readonly #counts: number[]
  readonly #warned: Set<Failure>
  #failed: number

  constructor(settings: Settings, attribute: string) {
    this.#settings = settings
    const counter = settings.metrics.counter(settings.signal === 'logs' ? METRICS.logs : METRICS.traces)
    this.#counters = [...POLICIES, attribute].flatMap(policy =>
      ['false', 'true'].map(sampled => ({ add: value => counter.add(value, { policy, sampled }) })),
    )
    this.#counts = this.#counters.map(() => 0)
    this.#warned = new Set()
    this.#failed = 0
  }

  begin(): void {
    this.#counts.fill(0)
    this.#failed = 0
  }

  add(sampler: Sampler): void {
    this.#counts[sampler.policy * 2 + (sampler.sampled ? 1 : 0)]!++
    const { failure } = sampler
    if (failure === undefined || sampler.policy === PRIORITY) return
    if (!sampler.sampled) this.#failed++
    if (this.#warned.has(failure)) return
    this.#warned.add(failure)
    const kept = sampler.sampled ? 'kept' : 'dropped'
    this.#settings.log.warn(`an item cannot be sampled and is ${kept}; said once`, { reason: failure })
  }

  /** The same with what failed taken out of what was sampled out. */
  split({ batch, drops }: Transformed): Transformed {
    const failed = this.#failed
    if (failed === 0) return { batch, drops }
    const all = drops.reduce((sum, drop) => sum + drop.items, 0)
    return {
      batch,
      drops: [
        { items: all - failed, reason: SAMPLED_OUT },
        { items: failed, reason: SAMPLING_FAILED },
      ],
    }
  }

  publish(): void {
    for (const [i, count] of this.#counts.entries()) if (count > 0) this.#counters[i]!.add(count)
  }
}
