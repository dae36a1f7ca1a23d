/**
 * One running gateway, from its config to its last flushed item. Used by main.ts for the program and by tests in their
 * own process: it installs no signal handlers and ends nothing but itself.
 */

import { readFileSync } from 'node:fs'
import { formatProblem, type Problem } from '../config/node.ts'
import type { Account } from '../core/component/ledger.ts'
import type { TelemetryConfig } from '../core/telemetry/config.ts'
import type { Logger, LogRecord, RootLog } from '../core/telemetry/log.ts'
import type { Metrics } from '../core/telemetry/metrics.ts'
import type { Tracer } from '../core/telemetry/tracer.ts'
import { CATALOG, type CatalogEntry, loadCrew } from './catalog.ts'
import { readGates } from './gates.ts'
import type { GatewayConfig } from './gateway-config.ts'
import { GatewayHost, NAME } from './host.ts'
import { untilDeadline } from './lifecycle.ts'
import { type OpenedConfig, openConfig } from './open-config.ts'
import { Reloader, type ReloadResult } from './reload.ts'
import { type Changes, Running } from './running.ts'
import { SelfTelemetry } from './self-telemetry.ts'
import type { Crew } from './workers/crew.ts'
import { type Role, shareOf } from './workers/share.ts'

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
  /** In a worker: its place among the others. */
  readonly worker?: WorkerSeat
}

/** What a worker is told by the process that leads it (workers/). */
export interface WorkerSeat {
  /** Counted from 1. */
  readonly index: number
  readonly count: number
  /** The files of the config, as they are to be read now. */
  texts(): ReadonlyMap<string, string>
  /** Takes every line of the log. */
  relay(line: LogRecord): void
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
    shutdownTimeoutMs = SHUTDOWN_TIMEOUT_MS,
    worker,
  } = options
  const read = () => (worker === undefined ? {} : { texts: worker.texts() })
  const open = () => openConfig({ sources, sets, gates }, { env, cwd, ...read() }, catalog)
  const opened = await open()
  const { config, check } = opened
  if (config === undefined) throw new ConfigError(check.problems)
  const role: Role =
    worker !== undefined ? { worker: worker.index } : config.service.workers === 1 ? 'alone' : 'primary'
  const own = shareOf(config, role).service.telemetry
  const telemetry = new SelfTelemetry(own, NAME, version(), options.log)
  if (worker !== undefined) telemetry.log.tee(worker.relay)
  // What the primary has said already the workers need not say.
  const voice = worker === undefined ? telemetry.log : quiet(telemetry.log)
  for (const problem of check.problems) voice.warn(formatProblem(problem))
  try {
    const gateway = new Gateway({
      telemetry,
      voice,
      open,
      role,
      workers: worker?.count ?? 1,
      gate: readGates(gates).enabled,
      shutdownTimeoutMs,
    })
    if (role === 'primary') {
      const Workers = await loadCrew()
      const orders = { sources, sets, gates, cwd, env, shutdownTimeoutMs }
      gateway.crew = new Workers(config.service.workers, orders, gateway)
    }
    await gateway.start(opened)
    return gateway
  } catch (error) {
    await telemetry.stop(performance.now() + LAST_SEND_MS)
    throw error
  }
}

interface GatewayOptions {
  readonly telemetry: SelfTelemetry
  /** What the gateway says of itself as a whole. */
  readonly voice: Logger
  readonly open: () => Promise<OpenedConfig>
  readonly role: Role
  /** How many processes share the memory. */
  readonly workers: number
  /** Is this feature gate on? */
  readonly gate: (id: string) => boolean
  readonly shutdownTimeoutMs: number
}

class Gateway implements RunningGateway {
  readonly host: GatewayHost
  readonly #telemetry: SelfTelemetry
  readonly #running: Running
  readonly #reloader: Reloader
  readonly #timeoutMs: number
  readonly #role: Role
  readonly #voice: Logger
  /** The processes that run the pipelines, when it is not this one. */
  crew: Crew | undefined
  #config: GatewayConfig | undefined
  #files: ReadonlyMap<string, string> = new Map()
  /** Of the config that was read last and had no mistake. */
  #texts: OpenedConfig['texts'] = new Map()
  #stopping: Promise<void> | undefined

  constructor({ telemetry, voice, open, role, workers, gate, shutdownTimeoutMs }: GatewayOptions) {
    const { log, metrics } = telemetry
    const worker = typeof role === 'object' ? role.worker : undefined
    const instanceId = telemetry.resource['service.instance.id']
    const host = new GatewayHost(version(), log, { workers, worker, instanceId, gate })
    this.host = host
    this.#telemetry = telemetry
    this.#running = new Running({ host, log, metrics }, shutdownTimeoutMs)
    this.#timeoutMs = shutdownTimeoutMs
    this.#role = role
    this.#voice = voice
    const reopen = async (): Promise<OpenedConfig> => {
      const opened = await open()
      // Of a config that cannot be read nobody knows all the files: the old ones may be those to mend.
      const before = opened.config === undefined ? this.#files : []
      this.#files = new Map([...before, ...opened.files])
      if (opened.config !== undefined) this.#texts = opened.texts
      return opened
    }
    this.#reloader = new Reloader({
      open: reopen,
      apply: config => this.#apply(config),
      host,
      metrics,
      log: voice,
    })
  }

  async start({ config, files, texts }: OpenedConfig): Promise<void> {
    this.#files = files
    await this.#telemetry.start()
    this.#telemetry.observe(this.host)
    await this.#running.apply(shareOf(config!, this.#role), this.#telemetry.tracer)
    this.#config = config
    try {
      await this.crew?.start(config!.service.pipelines, texts)
    } catch (error) {
      await this.#running.stop(performance.now())
      throw error
    }
    this.host.ready = true
    this.#voice.info('Everything is ready. Begin running and processing data.', {
      version: this.host.build.version,
    })
  }

  async #apply(config: GatewayConfig<TelemetryConfig>) {
    const mine = shareOf(config, this.#role)
    if (config.service.workers !== this.config.service.workers)
      throw new Error('service.workers cannot change while the gateway runs; restart it')
    const telemetry = await this.#telemetry.prepare(mine.service.telemetry)
    try {
      const changes = await this.#applyParts(config, mine, telemetry.tracer)
      telemetry.commit()
      this.#config = config
      return { ...changes, other: changes.other || telemetry.changes }
    } catch (error) {
      await telemetry.undo()
      throw error
    }
  }

  /** `other`: something else than parts has changed. */
  async #applyParts(
    whole: GatewayConfig,
    mine: GatewayConfig,
    tracer: Tracer | undefined,
  ): Promise<Changes & { readonly other: boolean }> {
    const before = this.#running.config
    const changes = await this.#running.apply(mine, tracer)
    if (this.crew === undefined) return { ...changes, other: false }
    try {
      const theirs = await this.crew.reload(whole.service.pipelines, this.#texts)
      const both = (what: keyof Changes) => [...changes[what], ...theirs[what]]
      return { kept: both('kept'), started: both('started'), stopped: both('stopped'), other: theirs.other }
    } catch (error) {
      if (before !== undefined) await this.#running.apply(before, tracer)
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
    const voice = this.#voice
    host.ready = false
    voice.info('Stopping: receivers close, what is held is sent on.', { within_s: within / 1000 })
    const deadline = performance.now() + within
    await untilDeadline(deadline, this.#reloader.close())
    await this.crew?.stop(deadline)
    await this.#running.stop(deadline)
    // Workers have told of theirs.
    if (this.crew === undefined) reportLeftovers(host.accounts, log)
    voice.info('Stopped.')
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
    for (const [name, address] of this.crew?.addresses ?? []) found.set(name, address)
    this.#telemetry.addresses.forEach((address, i) => {
      found.set(i === 0 ? 'telemetry/metrics' : `telemetry/metrics/${i + 1}`, address)
    })
    return found
  }
}

/** Says everything, but only to those who want to know everything. */
function quiet(log: Logger): Logger {
  const debug = log.debug.bind(log)
  return { debug, info: debug, warn: debug, error: debug, with: fields => quiet(log.with(fields)) }
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
