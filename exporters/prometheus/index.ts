/**
 * `prometheus`: keeps the latest value of every series and shows them on a page that Prometheus scrapes.
 *
 *     exporters:
 *       prometheus:
 *         endpoint: 0.0.0.0:9464
 *         resource_to_telemetry_conversion: {enabled: true}
 *
 * Names, labels and pages are the Collector's (exporter/prometheusexporter 0.155). A point counts as sent once its
 * series shows it; what cannot be shown is rejected with a reason, and never harms what else is on the page.
 */

import type { IncomingMessage } from 'node:http'
import type { Batch } from '../../core/component/batch.ts'
import type { Exporter, ExporterFactory, SendResult, Settings } from '../../core/component/contract.ts'
import { Refused } from '../../core/component/outcome.ts'
import { DIRECT } from '../../core/component/sending.ts'
import { acceptsGzip, contentType, negotiate, type Wish } from '../../core/formats/prometheus/accept.ts'
import { namespaceName } from '../../core/formats/prometheus/names.ts'
import type { MetricDeclaration } from '../../core/telemetry/metrics.ts'
import { AdminPages, type Page } from '../../core/transport/http-admin.ts'
import { config, nameRules, type PrometheusConfig } from './config.ts'
import { Intake } from './intake.ts'
import { makePage, type PageRules } from './page.ts'
import { gzipPieces, plainPieces } from './pieces.ts'
import { Losses } from './reasons.ts'
import { SeriesStore } from './store.ts'
import { Streams } from './streams.ts'

export type { PrometheusConfig } from './config.ts'

const PATH = '/metrics'

const SERIES: MetricDeclaration = {
  kind: 'gauge',
  name: 'sluice_prometheus_series',
  unit: '{series}',
  help: 'Series on the page of a prometheus exporter.',
  labels: ['exporter'],
  level: 'basic',
}

const HIDDEN: MetricDeclaration = {
  kind: 'gauge',
  name: 'sluice_prometheus_hidden_series',
  unit: '{series}',
  help: 'Series that the last scrape did not get, because its escaping made two names equal.',
  labels: ['exporter'],
  level: 'basic',
}

class PrometheusExporter implements Exporter {
  /** Of a point that was taken numbers and texts are kept, and of keys copies. */
  readonly returnsBytes = true
  readonly addresses: ReadonlyMap<string, string>
  readonly #config: PrometheusConfig
  readonly #settings: Settings
  readonly #store: SeriesStore
  readonly #streams: Streams
  readonly #intake: Intake
  readonly #rules: PageRules
  readonly #pages: AdminPages
  /** Pages that are being made: scrapers that ask for the same at once share it. */
  readonly #making = new Map<string, Promise<readonly Uint8Array[]>>()
  readonly #stopCounting: () => void
  #sweeper: NodeJS.Timeout | undefined
  #running = false

  constructor(config: PrometheusConfig, settings: Settings) {
    const names = nameRules(config)
    const { enabled, exclude_service_attributes } = config.resource_to_telemetry_conversion
    this.#config = config
    this.#settings = settings
    this.#store = new SeriesStore(config.max_series, config.metric_expiration)
    this.#streams = new Streams(
      {
        names,
        constLabels: config.const_labels,
        scopeInfo: !config.without_scope_info,
        resourceLabels: !enabled ? 'none' : exclude_service_attributes ? 'not_identifying' : 'all',
      },
      this.#store,
    )
    this.#intake = new Intake(this.#streams, this.#store)
    this.#rules = {
      sendTimestamps: config.send_timestamps,
      namespace: namespaceName(config.namespace, names.utf8),
    }
    this.#pages = new AdminPages(
      config.endpoint.trim(),
      settings.id,
      (url, request) => this.#answer(url, request),
      { tls: config.tls, auth: config.auth, host: settings.host, log: settings.log },
    )
    this.addresses = this.#pages.addresses
    const labels = { exporter: settings.id }
    this.#stopCounting = settings.metrics.observe(SERIES, labels, () => this.#store.size)
  }

  async start(): Promise<void> {
    await this.#pages.start()
    this.#running = true
    const every = Math.min(this.#config.metric_expiration, 2 ** 31 - 1)
    if (every > 0) this.#sweeper = setInterval(() => this.#sweep(), every).unref()
  }

  async stop(): Promise<void> {
    this.#running = false
    clearInterval(this.#sweeper)
    this.#stopCounting()
    await this.#pages.stop()
  }

  async send(batch: Batch): Promise<SendResult> {
    if (!this.#running) throw new Refused('the page is not served')
    const losses = new Losses()
    const now = performance.now()
    for (const chunk of batch.chunks) this.#intake.take(chunk, now, losses)
    const rejected = losses.rejected()
    if (rejected === undefined) return { sent: batch.items }
    const lost = rejected.reduce((sum, { items }) => sum + items, 0)
    for (const { items, reason, message } of rejected) {
      this.#settings.log.warn('Points are not on the page.', { reason, why: message, dropped_items: items })
    }
    return { sent: batch.items - lost, rejected }
  }

  #sweep(): void {
    this.#store.expire(performance.now())
    this.#compact()
  }

  /** Not while somebody goes through the series. */
  #compact(): void {
    if (this.#making.size === 0) this.#store.compact()
  }

  async #answer(url: URL, request: IncomingMessage): Promise<Page | undefined> {
    const { headers } = request
    if (url.pathname !== PATH) return undefined
    const wish = negotiate(String(headers['accept'] ?? ''), this.#config.enable_open_metrics)
    const gzip = acceptsGzip(String(headers['accept-encoding'] ?? ''))
    const body = await this.#made(wish, gzip)
    return { type: contentType(wish), body, ...(gzip ? { headers: { 'content-encoding': 'gzip' } } : {}) }
  }

  #made(wish: Wish, gzip: boolean): Promise<readonly Uint8Array[]> {
    const key = `${gzip} ${contentType(wish)}`
    let making = this.#making.get(key)
    if (making === undefined) {
      this.#store.expire(performance.now())
      this.#compact()
      making = this.#make(wish, gzip).finally(() => this.#making.delete(key))
      this.#making.set(key, making)
    }
    return making
  }

  async #make(wish: Wish, gzip: boolean): Promise<readonly Uint8Array[]> {
    const pieces = gzip ? gzipPieces() : plainPieces()
    const hidden = await makePage(this.#store, wish, this.#rules, pieces)
    const { log, metrics, id } = this.#settings
    metrics.gauge(HIDDEN).set(hidden, { exporter: id })
    if (hidden > 0) {
      log.warn('Series are left out of the page: this scraper cannot tell their names apart.', {
        series: hidden,
        fix: 'let it ask for escaping=allow-utf-8, or use a translation_strategy that escapes',
      })
    }
    return pieces.end()
  }
}

export const factory: ExporterFactory<PrometheusConfig> = {
  kind: 'exporter',
  type: 'prometheus',
  doc: 'Shows the latest value of every series on a page that Prometheus scrapes.',
  stability: 'beta',
  signals: ['metrics'],
  workers: {
    impossible: 'each process would have a page of its own, with a part of the series',
    fix: 'leave out service.workers, or send to a gateway of its own that has the page',
  },
  config,
  metrics: [SERIES, HIDDEN],
  sending: ({ sending_queue }) => ({ ...DIRECT, sending_queue: sending_queue ?? DIRECT.sending_queue }),
  listens: ({ endpoint }) => [{ key: 'endpoint', endpoint: endpoint.trim(), transport: 'tcp' }],
  create: (config, settings) => new PrometheusExporter(config, settings),
}
