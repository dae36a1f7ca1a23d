/**
 * Reads the config anew and lets the gateway follow it. Knows when and whether; running.ts knows how.
 *
 * One reload at a time. Whoever asks while one is under way gets the next one, all of them the same: it reads the
 * config when it begins, so it has the latest.
 */

import { formatProblem, type Problem } from '../config/node.ts'
import { type Logger, reasonOf } from '../core/telemetry/log.ts'
import type { MetricDeclaration, Metrics } from '../core/telemetry/metrics.ts'
import type { GatewayHost } from './host.ts'
import type { OpenedConfig } from './open-config.ts'
import type { Changes } from './running.ts'

export type ReloadOutcome = 'applied' | 'unchanged' | 'rejected'

export interface ReloadResult extends Changes {
  readonly outcome: ReloadOutcome
  /** Of the config, warnings included; for a part that cannot be made or started there is `error` instead. */
  readonly problems: readonly Problem[]
  readonly error?: string
}

const RELOADS: MetricDeclaration = {
  kind: 'counter',
  name: 'sluice_config_reloads',
  unit: '{reloads}',
  help: 'Attempts to follow a changed config. rejected: it cannot be run, and the one before it still runs.',
  labels: ['outcome'],
  level: 'basic',
}

const LAST_SUCCESS: MetricDeclaration = {
  kind: 'gauge',
  name: 'sluice_config_last_success_timestamp',
  unit: 's',
  help: 'When the gateway last read a config that it could run, in seconds since 1970.',
  labels: [],
  level: 'basic',
}

/** Every metric of this file, for the reference page. */
export const RELOAD_METRICS = [RELOADS, LAST_SUCCESS]

const NO_CHANGES: Changes = { kept: [], started: [], stopped: [] }

export interface ReloaderOptions {
  readonly open: () => Promise<OpenedConfig>
  /** Throws when the config cannot be run; then the old one runs as it did. */
  readonly apply: (
    config: NonNullable<OpenedConfig['config']>,
  ) => Promise<Changes & { readonly other: boolean }>
  readonly host: GatewayHost
  readonly metrics: Metrics
  readonly log: Logger
}

export class Reloader {
  readonly #options: ReloaderOptions
  readonly #count: (outcome: ReloadOutcome) => void
  readonly #succeeded: () => void
  /** The reload that is under way, or the last one. */
  #running: Promise<unknown> = Promise.resolve()
  #waiting: Promise<ReloadResult> | undefined
  #closed = false

  constructor(options: ReloaderOptions) {
    const { metrics } = options
    this.#options = options
    const reloads = metrics.counter(RELOADS)
    for (const outcome of ['applied', 'unchanged', 'rejected']) reloads.add(0, { outcome })
    this.#count = outcome => reloads.add(1, { outcome })
    const last = metrics.gauge(LAST_SUCCESS)
    this.#succeeded = () => last.set(Date.now() / 1000)
    this.#succeeded()
  }

  /** Never rejects. */
  reload(): Promise<ReloadResult> {
    if (this.#waiting !== undefined) return this.#waiting
    const waiting = this.#running.then(() => {
      this.#waiting = undefined
      return this.#closed ? rejected([], 'the gateway is stopping') : this.#reload()
    })
    this.#waiting = waiting
    this.#running = waiting
    return waiting
  }

  /** No reload begins any more; resolves when none is under way. */
  async close(): Promise<void> {
    this.#closed = true
    await this.#running
  }

  async #reload(): Promise<ReloadResult> {
    const result = await this.#attempt()
    const { outcome, problems, error } = result
    const { host, log } = this.#options
    this.#count(outcome)
    if (outcome !== 'rejected') this.#succeeded()
    const wrong = error === undefined ? problems.map(formatProblem) : [error]
    host.lastReload = { at: Date.now(), outcome, problems: wrong }
    if (outcome === 'rejected')
      log.error('The new config cannot be run. The old one keeps running, all of it.', { problems: wrong })
    else if (outcome === 'unchanged') log.info('The config was read again. Nothing changed.')
    else {
      const { kept, started, stopped } = result
      log.info('The new config runs.', { kept: kept.length, started, stopped })
    }
    return result
  }

  async #attempt(): Promise<ReloadResult> {
    const { open, apply, log } = this.#options
    try {
      const { config, check } = await open()
      const { problems } = check
      if (config === undefined) return rejected(problems)
      for (const problem of problems) log.warn(formatProblem(problem))
      const { other, ...changes } = await apply(config)
      const changed = other || changes.started.length + changes.stopped.length > 0
      return { outcome: changed ? 'applied' : 'unchanged', problems, ...changes }
    } catch (error) {
      return rejected([], reasonOf(error))
    }
  }
}

function rejected(problems: readonly Problem[], error?: string): ReloadResult {
  return { outcome: 'rejected', problems, ...NO_CHANGES, ...(error === undefined ? {} : { error }) }
}
