/**
 * `prometheus`: scrapes pages of Prometheus metrics, as Prometheus itself does.
 *
 *     receivers:
 *       prometheus:
 *         config:
 *           scrape_configs:
 *             - job_name: app
 *               scrape_interval: 15s
 *               static_configs: [{targets: ["localhost:9090"]}]
 *
 * The Collector's keys (receiver/prometheusreceiver 0.155) around Prometheus' own; what becomes what is the Collector's
 * too. docs/prometheus-receiver.md has what users should know. From config to batch: job.ts, pool.ts (targets come and
 * go), target-loop.ts (when), scraper.ts (one scrape), page.ts and labels.ts (one page), and
 * core/formats/prometheus/{parse,scraped} for the formats.
 */

import { hostname } from 'node:os'
import type { Consumer, Receiver, ReceiverFactory, Settings } from '../../core/component/contract.ts'
import type { Signal } from '../../core/otlp/signals.ts'
import type { MetricsRegistry } from '../../core/telemetry/metrics.ts'
import { userAgent } from '../../core/transport/user-agent.ts'
import { config, type PrometheusReceiverConfig } from './config/index.ts'
import { Fetcher } from './fetch.ts'
import { FileDiscovery } from './file-discovery.ts'
import { type Job, jobOf } from './job.ts'
import { JobMeters, PROMETHEUS_RECEIVER_METRICS } from './metrics.ts'
import { PageRoom, ROOM_BYTES } from './page-room.ts'
import { Pool } from './pool.ts'
import { fnv64, type TargetGroup } from './target.ts'
import type { Heirs } from './target-loop.ts'

export type { PrometheusReceiverConfig } from './config/index.ts'

interface RunningJob {
  readonly name: string
  readonly pool: Pool
  readonly fetcher: Fetcher
  readonly files: readonly FileDiscovery[]
  readonly unobserve: () => void
}

/** Of each gateway, told by its metrics: the receivers that run, by id. A reload starts the next before the last one stops. */
const running = new WeakMap<MetricsRegistry, Map<string, PrometheusReceiver>>()

export class PrometheusReceiver implements Receiver {
  readonly #config: PrometheusReceiverConfig
  readonly #settings: Settings
  readonly #next: Consumer
  readonly #jobs: RunningJob[] = []
  #room = new PageRoom()
  /** Which ran under this id until now: it is there again if a reload fails. */
  #before: PrometheusReceiver | undefined

  constructor(config: PrometheusReceiverConfig, settings: Settings, next: Consumer) {
    this.#config = config
    this.#settings = settings
    this.#next = next
  }

  /** Targets that are not there are no reason not to start; certificates and secrets that cannot be read are. */
  async start(): Promise<void> {
    const { global, scrape_configs } = this.#config.config
    const seed = fnv64(`${hostname()}${JSON.stringify([...global.external_labels])}`)
    const jobs = scrape_configs.map(settings => jobOf(settings, global))
    // A single page of the largest limit fits, compressed and not.
    this.#room = new PageRoom(Math.max(ROOM_BYTES, ...jobs.map(({ pageBytes }) => 2 * pageBytes)))
    for (const job of jobs) {
      try {
        this.#jobs.push(await this.#startJob(job, seed))
      } catch (error) {
        await this.stop(0)
        throw new Error(`${this.#settings.id}: job "${job.name}": ${(error as Error).message}`, {
          cause: error,
        })
      }
    }
    const others = this.#others()
    this.#before = others.get(this.#settings.id)
    others.set(this.#settings.id, this)
  }

  #others(): Map<string, PrometheusReceiver> {
    const { metrics } = this.#settings
    const known = running.get(metrics) ?? new Map<string, PrometheusReceiver>()
    running.set(metrics, known)
    return known
  }

  /** Undefined when the gateway stops, or this receiver is gone: then nothing is marked, as after a restart. */
  #heirs(): ((job: string) => Heirs) | undefined {
    const others = this.#others()
    const { id } = this.#settings
    const after = others.get(id)
    if (after === this) {
      if (this.#before === undefined) others.delete(id)
      else others.set(id, this.#before)
      return undefined
    }
    if (after === undefined) return undefined
    if (after.#before === this) after.#before = undefined
    return job => target => after.#jobs.find(({ name }) => name === job)?.pool.find(target)
  }

  async stop(deadline: number): Promise<void> {
    const heirs = this.#heirs()
    const jobs = this.#jobs.splice(0)
    for (const { files } of jobs) for (const one of files) one.stop()
    const last = this.#config.scrape_on_shutdown && performance.now() < deadline
    await Promise.all(jobs.map(({ name, pool }) => pool.stop(deadline, last, heirs?.(name))))
    await Promise.all(jobs.map(({ fetcher }) => fetcher.close(deadline)))
    for (const { unobserve } of jobs) unobserve()
  }

  async #startJob(job: Job, seed: bigint): Promise<RunningJob> {
    const { metrics, id, host, log } = this.#settings
    const fetcher = new Fetcher(job, userAgent(host.build), log, this.#room)
    await fetcher.open(host)
    const meters = new JobMeters(metrics, id, job.name)
    const context = {
      job,
      fetcher,
      meters,
      settings: this.#settings,
      next: this.#next,
      trimSuffixes: this.#config.trim_metric_suffixes,
      tooMany: undefined,
    }
    const share = { index: (host.worker ?? 1) - 1, of: host.worker === undefined ? 1 : (host.workers ?? 1) }
    const pool = new Pool(context, { wait: this.#config.initial_scrape_offset, seed }, share)
    const statics = staticGroups(job)
    const files: FileDiscovery[] = []
    const sync = () => pool.sync([...statics, ...files.flatMap(({ groups }) => groups)])
    for (const one of job.files) files.push(new FileDiscovery(one, log, sync))
    await Promise.all(files.map(one => one.start()))
    sync()
    log.info('Scraping', { job: job.name, targets: pool.size, interval: `${job.interval / 1000}s` })
    return { name: job.name, pool, fetcher, files, unobserve: meters.observeTargets(() => pool.size) }
  }
}

function staticGroups({ name, statics }: Job): TargetGroup[] {
  return statics.map(({ targets, labels }, i) => ({
    source: `${name}: static_configs ${i}`,
    targets,
    labels,
  }))
}

export const factory: ReceiverFactory<PrometheusReceiverConfig> = {
  kind: 'receiver',
  type: 'prometheus',
  doc: 'Scrapes pages of Prometheus metrics, as Prometheus itself does.',
  stability: 'beta',
  signals: ['metrics'] satisfies Signal[],
  config,
  metrics: PROMETHEUS_RECEIVER_METRICS,
  create: (config, settings, next) => new PrometheusReceiver(config, settings, next.metrics!),
}
