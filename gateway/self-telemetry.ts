/** What the gateway says of itself: its log, its metrics and where they are read, and their export over OTLP. */

import type { Host } from '../core/component/contract.ts'
import {
  type PrometheusReaderConfig,
  readersOf,
  type TelemetryConfig,
  telemetryConfig,
} from '../core/telemetry/config.ts'
import { createLog, type RootLog } from '../core/telemetry/log.ts'
import { COLLECTOR_PAGE, labelName, Metrics, PAGE_TYPE, type PageOptions } from '../core/telemetry/metrics.ts'
import { observeProcess } from '../core/telemetry/process-metrics.ts'
import { pick, resourceOf } from '../core/telemetry/resource.ts'
import type { Tracer } from '../core/telemetry/tracer.ts'
import { Handover } from '../core/transport/handover.ts'
import { type AdminServer, serveAdmin } from '../core/transport/http-admin.ts'
import { observeLedger } from './ledger-metrics.ts'
import { type OwnSignals, startOwnSignals } from './own-signals.ts'

type Labels = Readonly<Record<string, string>>

/** A metrics page, and what of the config it was made of. */
interface MetricsPage {
  readonly madeOf: string
  readonly server: AdminServer
  /** For the handover. */
  readonly owner: object
}

/** What a reload does to the telemetry, prepared: nothing of it shows yet. */
export interface TelemetryChange {
  /** Of the gateway's own traces, from the commit on. */
  readonly tracer: Tracer | undefined
  readonly changes: boolean
  commit(): void
  undo(): Promise<void>
}

/** So long the old way out of own signals has to send what it holds, in ms. */
const LAST_SEND_MS = 5_000

export class SelfTelemetry {
  readonly log: RootLog
  readonly metrics: Metrics
  readonly resource: Labels
  #config: TelemetryConfig
  #pages: readonly MetricsPage[] = []
  #endProcess: (() => void) | undefined
  #own: OwnSignals | undefined
  /** Ways out of own signals that a reload replaced. */
  readonly #ending = new Set<Promise<void>>()

  /** Throws when a log file cannot be opened. */
  constructor(config: TelemetryConfig, name: string, version: string, log?: RootLog) {
    this.#config = config
    this.resource = resourceOf(name, version, config.resource)
    this.log = log ?? createLog(config.logs, { resource: this.resource })
    this.metrics = new Metrics(config.metrics.level)
  }

  /** Where the metrics page is, for each reader. */
  get addresses(): readonly string[] {
    return this.#pages.map(({ server }) => `${server.address}/metrics`)
  }

  /** Before the parts are made. Throws when a reader's address is taken or a certificate cannot be read. */
  async start(): Promise<void> {
    if (this.#config.metrics.level !== 'none') this.#endProcess = observeProcess(this.metrics)
    this.#own = await startOwnSignals(this.#config, this)
    const pages: MetricsPage[] = []
    // Entered before the first one listens: when the second cannot, the first one is closed.
    this.#pages = pages
    const handover = new Handover(new Set())
    for (const reader of pagesOf(this.#config)) pages.push(await this.#serve(reader, handover))
  }

  /**
   * For another config: readers and ways out that changed are started anew, beside the old ones. What cannot change
   * while the gateway runs is warned of. Throws when one cannot start; then everything is as it was.
   */
  async prepare(config: TelemetryConfig): Promise<TelemetryChange> {
    const [old, now] = [outlineOf(this.#config), outlineOf(config)]
    if (old.fixed !== now.fixed) {
      this.log.warn(
        'A change of service::telemetry takes effect only after a restart; live are the log level, the readers and processors.',
      )
    }
    const wanted = pagesOf(config)
    const kept = this.#pages.filter(page => wanted.some(reader => JSON.stringify(reader) === page.madeOf))
    const handover = new Handover(
      new Set(this.#pages.filter(page => !kept.includes(page)).map(({ owner }) => owner)),
    )
    const started: MetricsPage[] = []
    let own = this.#own
    const undo = async (): Promise<void> => {
      await handover.giveBack()
      await Promise.all(started.map(({ server }) => server.close()))
      if (own !== this.#own) await own?.stop(performance.now())
    }
    const pages: MetricsPage[] = []
    try {
      for (const reader of wanted) {
        const same = kept.find(page => page.madeOf === JSON.stringify(reader) && !pages.includes(page))
        if (same === undefined) started.push(await this.#serve(reader, handover))
        pages.push(same ?? started.at(-1)!)
      }
      if (old.own !== now.own) own = await startOwnSignals(config, this)
    } catch (error) {
      await undo()
      throw error
    }
    const changes = started.length > 0 || own !== this.#own || pages.length !== this.#pages.length
    return {
      tracer: own?.tracer,
      changes: changes || config.logs.level !== this.#config.logs.level,
      commit: () => this.#commit(config, pages, own),
      undo,
    }
  }

  #commit(config: TelemetryConfig, pages: readonly MetricsPage[], own: OwnSignals | undefined): void {
    const closing = this.#pages.filter(page => !pages.includes(page)).map(({ server }) => server.close())
    if (own !== this.#own)
      closing.push(this.#own?.stop(performance.now() + LAST_SEND_MS) ?? Promise.resolve())
    const end = Promise.all(closing).then(() => void this.#ending.delete(end))
    this.#ending.add(end)
    this.log.setLevel(config.logs.level)
    this.#config = config
    this.#pages = pages
    this.#own = own
  }

  get tracer(): Tracer | undefined {
    return this.#own?.tracer
  }

  observe(host: Host): void {
    observeLedger(this.metrics, host.describe().accounts)
  }

  async #serve(reader: PrometheusReaderConfig, handover: Handover): Promise<MetricsPage> {
    const options = pageOptions(reader, this.resource)
    const owner = {}
    const server = await handover.run(owner, () =>
      serveAdmin(
        `${bracketed(reader.host)}:${reader.port}`,
        'the metrics page (service::telemetry::metrics)',
        async url => {
          if (url.pathname !== '/metrics') return undefined
          return { type: PAGE_TYPE, body: await this.metrics.page(this.resource, options) }
        },
      ),
    )
    return { madeOf: JSON.stringify(reader), server, owner }
  }

  /**
   * Last of all: sends what there is until `deadline` (ms, `performance.now()` clock), closes the page and the log.
   * Safe twice.
   */
  async stop(deadline: number): Promise<void> {
    await this.#own?.stop(deadline)
    await Promise.all(this.#ending)
    this.#own = undefined
    this.#endProcess?.()
    this.#endProcess = undefined
    await Promise.all(this.#pages.map(({ server }) => server.close()))
    this.#pages = []
    await this.log.close()
  }
}

function pagesOf({ metrics }: TelemetryConfig): PrometheusReaderConfig[] {
  return readersOf(metrics).flatMap(({ pull }) => pull?.exporter.prometheus ?? [])
}

/** The config as texts to compare, secrets included: what cannot change in a gateway that runs, and what is sent where. */
function outlineOf(config: TelemetryConfig): { readonly fixed: string; readonly own: string } {
  type Printed = Record<'logs' | 'metrics' | 'traces' | 'resource', Record<string, unknown>>
  const { logs, metrics, traces, resource } = telemetryConfig.print(config, true) as Printed
  const { level: _level, processors, ...log } = logs
  const periodic = readersOf(config.metrics).map(reader => reader.periodic !== undefined)
  const readers = periodic.includes(true) ? metrics['readers'] : []
  return {
    fixed: JSON.stringify([log, metrics['level'], resource]),
    own: JSON.stringify([processors, traces, readers]),
  }
}

function pageOptions(reader: PrometheusReaderConfig, resource: Labels): PageOptions {
  const labels = reader.with_resource_constant_labels
  const chosen = labels === undefined ? {} : pick(resource, labels.included, labels.excluded)
  return {
    ...COLLECTOR_PAGE,
    withoutTypeSuffix: reader.without_type_suffix,
    withoutUnits: reader.without_units,
    withoutScopeInfo: reader.without_scope_info,
    constantLabels: Object.fromEntries(Object.entries(chosen).map(([key, value]) => [labelName(key), value])),
  }
}

function bracketed(host: string): string {
  return host.includes(':') && !host.startsWith('[') ? `[${host}]` : host
}
