/** The running connector: takes spans, and flushes in time. */

import { randomUUID } from 'node:crypto'
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Batch } from '../../core/component/batch.ts'
import { type Clock, SYSTEM_CLOCK } from '../../core/component/clock.ts'
import type { Connector, ConsumeContext, Consumer, Settings } from '../../core/component/contract.ts'
import type { DropReason } from '../../core/component/ledger.ts'
import { ACCEPTED, type Receipt, Refused } from '../../core/component/outcome.ts'
import { MADE_INTO_METRICS, Outlet } from '../../core/component/outlet.ts'
import { Budget } from './budget.ts'
import type { SpanMetricsConfig } from './config.ts'
import { Counting } from './counting.ts'
import { INSTANCE_ID } from './dimension-config.ts'
import { Flush } from './flush.ts'
import { gated } from './gates.ts'
import { BYTES, OVERFLOWED, SERIES } from './metrics.ts'
import { findOffenders } from './offenders.ts'

/** The Collector skips these, too, and says nothing. */
const NO_SERVICE_NAME: DropReason = { name: 'no_service_name', intended: false }
/** Of the metric that names services: nobody may blow up that one, either. */
const NAMED_MAX = 10

export class SpanMetrics implements Connector {
  readonly #config: SpanMetricsConfig
  readonly #settings: Settings
  readonly #clock: Clock
  readonly #wall: () => number
  readonly #budget: Budget
  readonly #counting: Counting
  readonly #flush: Flush
  readonly #outlet: Outlet
  readonly #named = new Set<string>()
  #unobserve: readonly (() => void)[] = []
  #cancel = (): void => {}
  #flushing: Promise<void> | undefined
  #stopped: Promise<void> | undefined
  #nameless = 0

  /** `wall` gives ms since 1970. */
  constructor(
    written: SpanMetricsConfig,
    settings: Settings,
    next: Consumer,
    clock: Clock = SYSTEM_CLOCK,
    wall: () => number = Date.now,
  ) {
    const { config, ...switches } = gated(written, settings.host)
    this.#config = config
    this.#settings = settings
    this.#clock = clock
    this.#wall = wall
    this.#budget = new Budget(config.max_series_bytes)
    this.#counting = new Counting(config, switches, instanceIdOf(settings), this.#budget)
    this.#flush = new Flush(config, switches, this.#counting)
    this.#outlet = new Outlet(settings, next, 'metrics', clock)
  }

  /** Throws where a gate takes away what tells the series of workers apart; a config that does so is refused before. */
  async start(): Promise<void> {
    const { metrics, id: connector, host } = this.#settings
    if (host.worker !== undefined && this.#config.exclude_dimensions.includes(INSTANCE_ID))
      throw new Error(`several workers need the dimension ${INSTANCE_ID}: turn its feature gate on again`)
    const groups = this.#groups()
    this.#unobserve = [
      metrics.observe(SERIES, { connector }, () => groups.reduce((sum, { table }) => sum + table.size, 0)),
      metrics.observe(BYTES, { connector }, () => this.#budget.bytes),
    ]
    this.#schedule(this.#clock.now() + this.#config.metrics_flush_interval)
  }

  #groups() {
    const { spans, events } = this.#counting
    return events === undefined ? spans : [...spans, events]
  }

  async consume(batch: Batch, _context: ConsumeContext): Promise<Receipt> {
    if (this.#stopped !== undefined) throw new Refused('the gateway is stopping', { status: 'UNAVAILABLE' })
    const now = { wall: this.#wall(), monotonic: this.#clock.now() }
    let skipped = 0
    for (const chunk of batch.chunks) skipped += this.#counting.count(chunk, now)
    const { account } = this.#settings
    account.drop('traces', skipped, NO_SERVICE_NAME)
    account.drop('traces', batch.items - skipped, MADE_INTO_METRICS)
    this.#nameless += skipped
    return ACCEPTED
  }

  /** Ticks stay where they are, however long a flush takes; one that finds another still going on is left out. */
  #schedule(at: number): void {
    this.#cancel = this.#clock.after(at - this.#clock.now(), () => {
      const interval = this.#config.metrics_flush_interval
      this.#schedule(Math.max(at + interval, this.#clock.now() + 1))
      if (this.#flushing === undefined) void this.#flushNow(this.#clock.now() + interval)
      else
        this.#settings.log.warn('The metrics of the last flush have not been taken yet; this one is left out')
    })
  }

  async #flushNow(giveUpAt: number, last = false): Promise<void> {
    const flush = async (): Promise<void> => {
      for (const { bytes, points } of this.#flush.requests(this.#wall(), this.#clock.now(), last)) {
        await this.#outlet.send(bytes, points, giveUpAt)
        // Other work goes on before the next one is written: a million series take half a second.
        await nextTurn()
      }
    }
    this.#tell()
    this.#flushing = flush()
    await this.#flushing
    this.#flushing = undefined
  }

  /** What went wrong since the last flush. */
  #tell(): void {
    const { log, metrics, id: connector } = this.#settings
    if (this.#nameless > 0) {
      log.warn('Spans whose resource has no service.name are not counted', { spans: this.#nameless })
      this.#nameless = 0
    }
    const limit = this.#config.aggregation_cardinality_limit
    for (const offender of findOffenders(this.#counting.resources.list, this.#groups(), limit)) {
      const { service, dimension, overflowed } = offender
      log.warn(
        'There are more series than the limit allows, so new ones are counted together with otel.metric.overflow=true. Take the values of this dimension out of the spans, or raise the limit.',
        { ...offender },
      )
      const key = JSON.stringify([service, dimension])
      if (this.#named.size < NAMED_MAX) this.#named.add(key)
      const labels = this.#named.has(key)
        ? { service, dimension }
        : { service: 'others', dimension: 'others' }
      metrics.counter(OVERFLOWED).add(overflowed, { connector, ...labels })
    }
  }

  stop(deadline: number): Promise<void> {
    this.#stopped ??= this.#stop(deadline)
    return this.#stopped
  }

  async #stop(deadline: number): Promise<void> {
    this.#cancel()
    const end = this.#outlet.close(deadline)
    await this.#flushing
    await this.#flushNow(deadline, true)
    end()
    for (const end of this.#unobserve) end()
  }
}

/** Tells this gateway's series from those of others, and those of its workers from each other. */
function instanceIdOf({ host }: Settings): string {
  const id = host.instanceId ?? randomUUID()
  return host.worker === undefined ? id : `${id}-${host.worker}`
}
