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
import { assemble } from './assemble.ts'
import { CATALOG, type CatalogEntry } from './catalog.ts'
import type { GatewayConfig } from './gateway-config.ts'
import { GatewayHost, NAME } from './host.ts'
import { Lifecycle, type Stage } from './lifecycle.ts'
import { openConfig } from './open-config.ts'
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
  readonly config: GatewayConfig
  readonly host: GatewayHost
  readonly accounts: readonly Account[]
  readonly metrics: Metrics
  readonly log: RootLog
  /** Where parts listen: `receiver/otlp/grpc` -> `127.0.0.1:4317`; `telemetry/metrics` -> the page's URL. */
  readonly addresses: ReadonlyMap<string, string>
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
  const { config, check } = await openConfig({ sources, sets, gates }, { env, cwd }, catalog)
  if (config === undefined) throw new ConfigError(check.problems)
  const telemetry = new SelfTelemetry(
    config.service.telemetry as TelemetryConfig,
    NAME,
    version(),
    options.log,
  )
  for (const problem of check.problems) telemetry.log.warn(formatProblem(problem))
  try {
    return await start(config, telemetry, options.shutdownTimeoutMs ?? SHUTDOWN_TIMEOUT_MS)
  } catch (error) {
    await telemetry.stop(performance.now() + LAST_SEND_MS)
    throw error
  }
}

async function start(
  config: GatewayConfig,
  telemetry: SelfTelemetry,
  timeoutMs: number,
): Promise<RunningGateway> {
  const { log, metrics } = telemetry
  const host = new GatewayHost(version(), log)
  await telemetry.start()
  const stages = assemble(config, { host, log, metrics, tracer: telemetry.tracer })
  telemetry.observe(host)
  const lifecycle = new Lifecycle(stages, host, log)
  await lifecycle.start(timeoutMs)
  host.ready = true
  log.info('Everything is ready. Begin running and processing data.', { version: host.build.version })
  let stopping: Promise<void> | undefined
  const stop = async (within: number): Promise<void> => {
    host.ready = false
    log.info('Stopping: receivers close, what is held is sent on.', { within_s: within / 1000 })
    const deadline = performance.now() + within
    await lifecycle.stop(deadline)
    reportLeftovers(host.accounts, log)
    log.info('Stopped.')
    await telemetry.stop(Math.max(deadline, performance.now() + LAST_SEND_MS))
  }
  return {
    config,
    host,
    accounts: host.accounts,
    metrics,
    log,
    addresses: addressesOf(stages, telemetry),
    stop: (within = timeoutMs) => {
      stopping ??= stop(within)
      return stopping
    },
  }
}

function addressesOf(stages: readonly Stage[], telemetry: SelfTelemetry): Map<string, string> {
  const found = new Map<string, string>()
  for (const { name, part } of stages.flat()) {
    for (const [protocol, address] of part.addresses ?? []) found.set(`${name}/${protocol}`, address)
  }
  telemetry.addresses.forEach((address, i) => {
    found.set(i === 0 ? 'telemetry/metrics' : `telemetry/metrics/${i + 1}`, address)
  })
  return found
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
