/**
 * One running gateway, from its config to its last flushed item. Used by main.ts for the program and by tests in their
 * own process: it installs no signal handlers and ends nothing but itself.
 */

import { readFileSync } from 'node:fs'
import { formatProblem, type Problem } from '../config/node.ts'
import type { Account } from '../core/component/ledger.ts'
import type { TelemetryConfig } from '../core/telemetry/config.ts'
import type { Logger, RootLog } from '../core/telemetry/log.ts'
import type { Metrics } from '../core/telemetry/metrics.ts'
import { CATALOG, type CatalogEntry } from './catalog.ts'
import type { GatewayConfig } from './gateway-config.ts'
import { GatewayHost, NAME } from './host.ts'
import { untilDeadline } from './lifecycle.ts'
import { type OpenedConfig, openConfig } from './open-config.ts'
import { Reloader, type ReloadResult } from './reload.ts'
import { Running } from './running.ts'
import { SelfTelemetry } from './self-telemetry.ts'

export const SHUTDOWN_TIMEOUT_MS = 30_000

/** So long the gateway's own last words may take, even when the pipelines used up the deadline. */
const LAST_SEND_MS = 1_000

export interface StartOptions {
  /** As behind `--config`: paths, `yaml:...`, `env:NAME`. */
  readonly sources: readonly string[]
  /** As behind `--set`. */
  readonly sets?: readonly string[]
  /** As behind `--feature-gates`. */
  readonly gates?: readonly string[]
  readonly env?: NodeJS.ProcessEnv
  /** What relative paths are relative to. */
  readonly cwd?: string
  readonly catalog?: readonly CatalogEntry[]
  /** How long `stop` may take in ms, also for what had started when a start fails. */
  readonly shutdownTimeoutMs?: number
  /** Instead of the log the config describes. */
  readonly log?: RootLog
}

export interface RunningGateway {
  /** What runs; a reload changes it, and `addresses`. */
  readonly config: GatewayConfig
  readonly host: GatewayHost
  readonly accounts: readonly Account[]
  readonly metrics: Metrics
  readonly log: RootLog
  /** Where parts listen: `receiver/otlp/grpc` -> `127.0.0.1:4317`; `telemetry/metrics` -> the page's URL. */
  readonly addresses: ReadonlyMap<string, string>
  /** The files of the config when it was last read: absolute path -> state (config/sources.ts). */
  readonly files: ReadonlyMap<string, string>
  /**
   * Reads the config anew and rebuilds what changed. Never rejects: a config that cannot be run leaves everything as
   * it is. What is replaced may still drain when it resolves.
   */
  reload(): Promise<ReloadResult>
  /** Drains and stops everything. Safe twice: the second call waits for the first. */
  stop(timeoutMs?: number): Promise<void>
}

/** A config that cannot be run: `problems` has every mistake in it. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError'
  readonly problems: readonly Problem[]

  constructor(problems: readonly Problem[]) {
    super(problems.map(formatProblem).join('\n'))
    this.problems = problems
  }
}

/** Throws ConfigError for a wrong config, and an Error naming the part when one cannot start. */
export async function startGateway(options: StartOptions): Promise<RunningGateway> {
  const {
    sources,
    sets = [],
    gates = [],
    env = process.env,
    cwd = process.cwd(),
    catalog = CATALOG,
  } = options
  const open = () => openConfig({ sources, sets, gates }, { env, cwd }, catalog)
  const { config, check, files } = await open()
  if (config === undefined) throw new ConfigError(check.problems)
  const telemetry = new SelfTelemetry(
    config.service.telemetry as TelemetryConfig,
    NAME,
    version(),
    options.log,
  )
  for (const problem of check.problems) telemetry.log.warn(formatProblem(problem))
  try {
    const gateway = new Gateway(telemetry, open, options.shutdownTimeoutMs ?? SHUTDOWN_TIMEOUT_MS)
    await gateway.start(config, files)
    return gateway
  } catch (error) {
    await telemetry.stop(performance.now() + LAST_SEND_MS)
    throw error
  }
}

class Gateway implements RunningGateway {
  readonly host: GatewayHost
  readonly #telemetry: SelfTelemetry
  readonly #running: Running
  readonly #reloader: Reloader
  readonly #timeoutMs: number
  #config: GatewayConfig | undefined
  #files: ReadonlyMap<string, string> = new Map()
  #stopping: Promise<void> | undefined

  constructor(telemetry: SelfTelemetry, open: () => Promise<OpenedConfig>, timeoutMs: number) {
    const { log, metrics } = telemetry
    const host = new GatewayHost(version(), log)
    this.host = host
    this.#telemetry = telemetry
    this.#running = new Running({ host, log, metrics }, timeoutMs)
    this.#timeoutMs = timeoutMs
    const reopen = async (): Promise<OpenedConfig> => {
      const opened = await open()
      // Of a config that cannot be read nobody knows all the files: the old ones may be those to mend.
      const before = opened.config === undefined ? this.#files : []
      this.#files = new Map([...before, ...opened.files])
      return opened
    }
    this.#reloader = new Reloader({ open: reopen, apply: config => this.#apply(config), host, metrics, log })
  }

  async start(config: GatewayConfig, files: ReadonlyMap<string, string>): Promise<void> {
    const { log } = this
    this.#files = files
    await this.#telemetry.start()
    this.#telemetry.observe(this.host)
    await this.#running.apply(config, this.#telemetry.tracer)
    this.#config = config
    this.host.ready = true
    log.info('Everything is ready. Begin running and processing data.', { version: this.host.build.version })
  }

  async #apply(config: GatewayConfig<TelemetryConfig>) {
    const telemetry = await this.#telemetry.prepare(config.service.telemetry)
    try {
      const changes = await this.#running.apply(config, telemetry.tracer)
      telemetry.commit()
      this.#config = config
      return { ...changes, other: telemetry.changes }
    } catch (error) {
      await telemetry.undo()
      throw error
    }
  }

  reload(): Promise<ReloadResult> {
    return this.#reloader.reload()
  }

  stop(within = this.#timeoutMs): Promise<void> {
    this.#stopping ??= this.#stop(within)
    return this.#stopping
  }

  async #stop(within: number): Promise<void> {
    const { host, log } = this
    host.ready = false
    log.info('Stopping: receivers close, what is held is sent on.', { within_s: within / 1000 })
    const deadline = performance.now() + within
    await untilDeadline(deadline, this.#reloader.close())
    await this.#running.stop(deadline)
    reportLeftovers(host.accounts, log)
    log.info('Stopped.')
    await this.#telemetry.stop(Math.max(deadline, performance.now() + LAST_SEND_MS))
  }

  get config(): GatewayConfig {
    return this.#config!
  }

  get accounts(): readonly Account[] {
    return this.host.accounts
  }

  get metrics(): Metrics {
    return this.#telemetry.metrics
  }

  get log(): RootLog {
    return this.#telemetry.log
  }

  get files(): ReadonlyMap<string, string> {
    return this.#files
  }

  get addresses(): ReadonlyMap<string, string> {
    const found = new Map<string, string>()
    for (const { name, part } of this.#running.members) {
      for (const [protocol, address] of part.addresses ?? []) found.set(`${name}/${protocol}`, address)
    }
    this.#telemetry.addresses.forEach((address, i) => {
      found.set(i === 0 ? 'telemetry/metrics' : `telemetry/metrics/${i + 1}`, address)
    })
    return found
  }
}

/** At rest the ledger balances; when it does not, somebody should know. */
function reportLeftovers(accounts: readonly Account[], log: Logger): void {
  for (const account of accounts) {
    for (const [signal, { held }] of account.signals) {
      const imbalance = account.imbalance(signal)
      if (imbalance !== 0 || held !== 0)
        log.warn('The ledger does not balance', { part: account.name, signal, imbalance, held })
    }
  }
}

/** From package.json. */
export function version(): string {
  const text = readFileSync(new URL('../package.json', import.meta.url), 'utf8')
  return (JSON.parse(text) as { version: string }).version
}
