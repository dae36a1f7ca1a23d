/**
 * `elasticsearch`: writes logs, metrics and spans to Elasticsearch or OpenSearch, in the Collector's layouts (contrib
 * elasticsearchexporter 0.155) or as the documents that Jaeger reads.
 *
 *     exporters:
 *       elasticsearch:
 *         endpoints: [http://es-1:9200, http://es-2:9200]
 *       elasticsearch/jaeger:
 *         endpoints: [http://es-1:9200, http://es-2:9200]
 *         mapping: {mode: jaeger}
 *         jaeger: {indices: {index_prefix: prod}}
 *
 * docs/elasticsearch.md and docs/elasticsearch-modes.md have what users should know.
 */

import { readFileSync } from 'node:fs'
import { type Batch, batchOf } from '../../core/component/batch.ts'
import type {
  ConsumeContext,
  Exporter,
  ExporterFactory,
  SendResult,
  Settings,
} from '../../core/component/contract.ts'
import { Refused } from '../../core/component/outcome.ts'
import { noCounts } from '../../core/formats/jaeger-es/counts.ts'
import type { Counter } from '../../core/telemetry/instruments.ts'
import { clientAuthenticator } from '../../core/transport/auth.ts'
import { BulkSender, packsFast, type SendingTo } from './bulk-sender.ts'
import { openCluster } from './client.ts'
import { config, type ElasticsearchConfig, nodesOf, sendingOf } from './config.ts'
import { withCredentialFiles } from './credential-files.ts'
import { DeadLetters } from './dead-letter.ts'
import { DEPENDENCY_DOCUMENTS, DEPENDENCY_LOSSES, DependencyWriter } from './dependency-writer.ts'
import { endingBefore } from './early-end.ts'
import { JaegerBulks } from './jaeger-bulks.ts'
import { FAILED_DOCUMENTS, REPAIR_KINDS, REPAIRS } from './metrics.ts'
import { ModeBulks } from './mode-bulks.ts'
import { modeMisfit } from './modes-config.ts'
import { Progress } from './progress.ts'
import { Setup } from './setup.ts'

/** What there is while it runs. */
interface Running extends SendingTo {
  /** Undefined when nothing has to be there before the first document. */
  readonly setup: Setup | undefined
  readonly dependencies: DependencyWriter | undefined
}

class ElasticsearchExporter implements Exporter {
  /** What waits is documents in memory of their own, or is written from the batch when it is sent again. */
  readonly returnsBytes = true
  readonly #config: ElasticsearchConfig
  readonly #settings: Settings
  readonly #sender: BulkSender
  readonly #repairs: Counter
  readonly #told = noCounts()
  /** What is left of batches that were sent in part, by what stands for them in the sending chain. */
  readonly #progress = new WeakMap<Batch, Progress>()
  #running: Running | undefined

  constructor(config: ElasticsearchConfig, settings: Settings) {
    this.#config = config
    this.#settings = settings
    this.#sender = new BulkSender(config, settings)
    this.#repairs = settings.metrics.counter(REPAIRS)
  }

  /** A cluster that is not there is no reason not to start: batches wait in the queue. */
  async start(): Promise<void> {
    const { name, version } = this.#settings.host.build
    const { jaeger, flush, dead_letter, mapping, auth } = this.#config
    const authenticator = clientAuthenticator(auth, this.#settings.host)
    const cluster = await withCredentialFiles(
      openCluster(
        this.#config,
        nodesOf(this.#config),
        `${name}/${version}`,
        authenticator,
        this.#settings.log,
      ),
      this.#config,
      this.#settings.log,
    )
    const forJaeger = mapping.mode === 'jaeger'
    const setup = forJaeger ? new Setup(cluster, jaeger, this.#settings.log) : undefined
    const { dependencies } = jaeger
    const writer =
      setup &&
      dependencies &&
      new DependencyWriter({ ...jaeger, dependencies }, this.#settings, cluster, setup)
    this.#running = {
      cluster,
      setup,
      documents: forJaeger
        ? new JaegerBulks(jaeger, flush.bytes, keysOfFields(this.#config), packsFast(this.#config))
        : new ModeBulks(this.#config, flush.bytes),
      deadLetters: new DeadLetters(dead_letter),
      dependencies: writer,
    }
    writer?.start()
    setup?.run().catch((problem: Error) => {
      this.#settings.log.warn('The index templates are not there yet; the first batch will try again.', {
        detail: problem.message,
      })
    })
  }

  async stop(deadline: number): Promise<void> {
    const running = this.#running
    this.#running = undefined
    if (running === undefined) return
    this.#sender.stop()
    await running.dependencies?.stop(deadline)
    const { promise, resolve } = Promise.withResolvers<void>()
    const timer = setTimeout(resolve, Math.max(0, deadline - performance.now()))
    await Promise.race([running.cluster.close().catch(() => undefined), promise])
    clearTimeout(timer)
  }

  async send(batch: Batch, { signal, deadline }: ConsumeContext): Promise<SendResult> {
    const running = this.#running
    if (running === undefined) throw new Refused('the exporter is not running')
    // A batch that is new may come twice at once, from two pipelines: only those that we ask for again are known.
    const progress =
      this.#progress.get(batch) ?? new Progress(lose => running.documents.bulks(batch, Date.now(), lose))
    const attempt = progress.begin()
    const end = endingBefore(deadline, signal)
    let refused: Refused | undefined
    try {
      await running.setup?.run()
      for (let bulk = progress.next(); bulk !== undefined; bulk = progress.next()) {
        await this.#sender.send(running, progress, bulk, { attempt, meta: batch.meta, signal: end.signal })
        // The next attempt may have begun while dead letters were written: the rest is for that one.
        if (!progress.isCurrent(attempt)) throw new Refused('this attempt was given up on')
        // What is to be sent again waits as documents, which nobody counts: the rest waits as the bytes it came in.
        if (progress.laterBytes >= this.#config.flush.bytes) break
      }
    } catch (error) {
      if (!(error instanceof Refused)) throw error
      refused = error
      if (progress.isCurrent(attempt)) progress.giveBack()
      else throw refused
    } finally {
      end.over()
    }
    this.#tellRepairs(running)
    const result = this.#result(batch, progress, refused)
    // All of it is done with, so nobody will send it again.
    if (result.retry === undefined) running.dependencies?.observe(batch.chunks)
    return result
  }

  #result(batch: Batch, progress: Progress, refused: Refused | undefined): SendResult {
    progress.turn()
    const { sent, losses, items } = progress.tell()
    const left = batch.items - items
    const rejected = losses.length === 0 ? {} : { rejected: losses }
    // Services alone are not worth a request: the next batch offers them again. Events of spans are, without being items.
    if (left === 0 && !progress.pending.some(({ hasData }) => hasData)) return { sent, ...rejected }
    const what = left === 0 ? 'events of spans' : `${left} documents`
    const why = refused ?? new Refused(`Elasticsearch did not take ${what} for now: ${progress.why}`)
    // Either it is known how far it is, or nothing of it is there: it may as well begin anew.
    if (items === 0 && (this.#progress.has(batch) || !progress.landed)) throw why
    const retry = batchOf(batch.signal, batch.chunks, left, batch.meta)
    this.#progress.set(retry, progress)
    return { sent, ...rejected, retry, ...(why.afterMs === undefined ? {} : { afterMs: why.afterMs }) }
  }

  #tellRepairs({ documents }: Running): void {
    const { counts } = documents
    for (const [kind, key] of REPAIR_KINDS) {
      const more = counts[key] - this.#told[key]
      if (more === 0) continue
      this.#told[key] = counts[key]
      this.#repairs.add(more, { exporter: this.#settings.id, kind })
    }
  }
}

/** Jaeger keeps these as fields whatever its config says (ensureRequiredFields), and searches for them. */
const ALWAYS_FIELDS = ['span.kind', 'error']

/** Throws an Error that names the key when the file cannot be read. */
function keysOfFields({ jaeger }: ElasticsearchConfig): ReadonlySet<string> {
  const { include, config_file } = jaeger.tags_as_fields
  const keys = include === '' ? ALWAYS_FIELDS : [...ALWAYS_FIELDS, ...include.split(',')]
  if (config_file === '') return new Set(keys)
  try {
    const lines = readFileSync(config_file, 'utf8').split('\n')
    return new Set([...keys, ...lines.map(line => line.trim()).filter(line => line !== '')])
  } catch (cause) {
    throw new Error(`jaeger.tags_as_fields.config_file: ${(cause as Error).message}`, { cause })
  }
}

export const factory: ExporterFactory<ElasticsearchConfig> = {
  kind: 'exporter',
  type: 'elasticsearch',
  doc: "Writes logs, metrics and spans to Elasticsearch or OpenSearch: OpenTelemetry's layout, ECS, or what Jaeger reads.",
  stability: 'beta',
  signals: ['traces', 'metrics', 'logs'],
  config,
  metrics: [FAILED_DOCUMENTS, REPAIRS, DEPENDENCY_DOCUMENTS, DEPENDENCY_LOSSES],
  misfit: ({ mapping }, signal) => modeMisfit(mapping.mode, signal),
  sending: sendingOf,
  liveSignals: true,
  create: (config, settings) => new ElasticsearchExporter(config, settings),
}
