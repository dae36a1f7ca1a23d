/** What the gateway says of itself: its log, its metrics and where they are read, and their export over OTLP. */

import type { Host } from '../core/component/contract.ts'
import { type PrometheusReaderConfig, readersOf, type TelemetryConfig } from '../core/telemetry/config.ts'
import { createLog, type RootLog } from '../core/telemetry/log.ts'
import { COLLECTOR_PAGE, labelName, Metrics, PAGE_TYPE, type PageOptions } from '../core/telemetry/metrics.ts'
import { observeProcess } from '../core/telemetry/process-metrics.ts'
import { pick, resourceOf } from '../core/telemetry/resource.ts'
import type { Tracer } from '../core/telemetry/tracer.ts'
import { type AdminServer, serveAdmin } from '../core/transport/http-admin.ts'
import { observeLedger } from './ledger-metrics.ts'
import { type OwnSignals, startOwnSignals } from './own-signals.ts'

type Labels = Readonly<Record<string, string>>

export class SelfTelemetry {
  readonly log: RootLog
  readonly metrics: Metrics
  readonly resource: Labels
  readonly #config: TelemetryConfig
  readonly #servers: AdminServer[] = []
  #endProcess: (() => void) | undefined
  #own: OwnSignals | undefined

  /** Throws when a log file cannot be opened. */
  constructor(config: TelemetryConfig, name: string, version: string, log?: RootLog) {
    this.#config = config
    this.resource = resourceOf(name, version, config.resource)
    this.log = log ?? createLog(config.logs, { resource: this.resource })
    this.metrics = new Metrics(config.metrics.level)
  }

  /** Where the metrics page is, for each reader. */
  get addresses(): readonly string[] {
    return this.#servers.map(({ address }) => `${address}/metrics`)
  }

  /** Before the parts are made. Throws when a reader's address is taken or a certificate cannot be read. */
  async start(): Promise<void> {
    if (this.#config.metrics.level !== 'none') this.#endProcess = observeProcess(this.metrics)
    this.#own = await startOwnSignals(this.#config, this)
    for (const { pull } of readersOf(this.#config.metrics)) {
      if (pull?.exporter.prometheus !== undefined) await this.#serve(pull.exporter.prometheus)
    }
  }

  get tracer(): Tracer | undefined {
    return this.#own?.tracer
  }

  observe(host: Host): void {
    observeLedger(this.metrics, host.describe().accounts)
  }

  async #serve(reader: PrometheusReaderConfig): Promise<void> {
    const options = pageOptions(reader, this.resource)
    const server = await serveAdmin(
      `${bracketed(reader.host)}:${reader.port}`,
      'the metrics page (service::telemetry::metrics)',
      async url => {
        if (url.pathname !== '/metrics') return undefined
        return { type: PAGE_TYPE, body: await this.metrics.page(this.resource, options) }
      },
    )
    this.#servers.push(server)
  }

  /**
   * Last of all: sends what there is until `deadline` (ms, `performance.now()` clock), closes the page and the log.
   * Safe twice.
   */
  async stop(deadline: number): Promise<void> {
    await this.#own?.stop(deadline)
    this.#own = undefined
    this.#endProcess?.()
    this.#endProcess = undefined
    await Promise.all(this.#servers.splice(0).map(server => server.close()))
    await this.log.close()
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
