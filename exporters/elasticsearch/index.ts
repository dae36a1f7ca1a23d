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
import { REJECTED_BY_SERVER } from '../../core/component/delivery.ts'
import type { Meta } from '../../core/component/meta.ts'
import { Refused, type StatusName } from '../../core/component/outcome.ts'
import { noCounts } from '../../core/formats/jaeger-es/counts.ts'
import type { Counter } from '../../core/telemetry/instruments.ts'
import { clientAuthenticator } from '../../core/transport/auth.ts'
import { type Compressor, compressorFor } from '../../core/transport/compress.ts'
import { retryAfterMs, statusOfHttp } from '../../core/transport/otlp-outcome.ts'
import { errorLabel, type Item, readItems, wordsOf } from './answers.ts'
import type { Bulk } from './bulk.ts'
import { type Cluster, type ClusterAnswer, openCluster } from './client.ts'
import { config, type ElasticsearchConfig, nodesOf, sendingOf } from './config.ts'
import { withCredentialFiles } from './credential-files.ts'
import { DeadLetters, type Letter } from './dead-letter.ts'
import { DEPENDENCY_DOCUMENTS, DEPENDENCY_LOSSES, DependencyWriter } from './dependency-writer.ts'
import type { Documents } from './documents.ts'
import { endingBefore } from './early-end.ts'
import { JaegerBulks } from './jaeger-bulks.ts'
import { rotationOf } from './jaeger-config.ts'
import { FAILED_DOCUMENTS, REPAIR_KINDS, REPAIRS } from './metrics.ts'
import { ModeBulks } from './mode-bulks.ts'
import { modeMisfit } from './modes-config.ts'
import { Progress } from './progress.ts'
import { Setup } from './setup.ts'

/** What there is while it runs. */
interface Running {
  readonly cluster: Cluster
  /** Undefined when nothing has to be there before the first document. */
  readonly setup: Setup | undefined
  readonly documents: Documents
  readonly deadLetters: DeadLetters
  readonly dependencies: DependencyWriter | undefined
}

/** Credentials may be put right while data waits, as a server may come back. */
const REFUSING = new Set([401, 403, 408])
const TOO_LARGE = 413
/** As fast as it goes: half the CPU of level 3 for a tenth more bytes, and the cluster is near. */
const GZIP_LEVEL = 1

class ElasticsearchExporter implements Exporter {
  readonly #config: ElasticsearchConfig
  readonly #settings: Settings
  readonly #path: string
  readonly #retryOn: ReadonlySet<number>
  readonly #compressor: Compressor | undefined
  readonly #failed: Counter
  readonly #repairs: Counter
  readonly #told = noCounts()
  /** What is left of batches that were sent in part, by what stands for them in the sending chain. */
  readonly #progress = new WeakMap<Batch, Progress>()
  #inputLoggedAt = Number.NEGATIVE_INFINITY
  #running: Running | undefined

  constructor(config: ElasticsearchConfig, settings: Settings) {
    const { compression, compression_params, retry } = config
    const level = compression_params.level === 0 ? GZIP_LEVEL : compression_params.level
    this.#config = config
    this.#settings = settings
    this.#path = bulkPath(config)
    this.#retryOn = new Set(retry.retry_on_status)
    this.#compressor = compressorFor({ compression, compression_params: { level } })
    this.#failed = settings.metrics.counter(FAILED_DOCUMENTS)
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
        ? new JaegerBulks(jaeger, flush.bytes, keysOfFields(this.#config))
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
        await this.#sendOne(running, progress, bulk, attempt, batch.meta, end.signal)
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

  async #sendOne(
    running: Running,
    progress: Progress,
    bulk: Bulk,
    attempt: number,
    meta: Meta,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    const { documents, deadLetters } = running
    const answer = await this.#post(running, bulk, meta, signal)
    // An attempt that was given up on keeps its hands off: the next one may have begun.
    if (!progress.isCurrent(attempt)) throw new Refused('this attempt was given up on')
    if (answer.status === TOO_LARGE && bulk.ends.length > 1) {
      progress.answered()
      progress.pending.unshift(...bulk.halves())
      return
    }
    const items = this.#itemsOf(answer, bulk)
    progress.answered()
    const letters: Letter[] = []
    const again: number[] = []
    for (const [nth, item] of items.entries()) {
      const key = bulk.keys[nth]
      if (item.fate !== 'there') this.#failed.add(1, this.#labels(errorLabel(item.type)))
      if (item.fate === 'again') {
        again.push(nth)
        progress.why = `${item.status} ${item.type}: ${item.reason}`
      } else if (item.fate === 'there') {
        progress.landed = true
        if (key === undefined) progress.sent += bulk.items[nth]!
        else documents.landed(key, Date.now())
        // A service that is refused for ever is no item; the next batch offers it again.
      } else if (key === undefined) letters.push({ ...bulk.part(nth), ...item, items: bulk.items[nth]! })
    }
    if (again.length > 0) progress.sendLater(bulk.only(again))
    if (letters.length > 0) await this.#bury(deadLetters, progress, letters)
    // Who answered 2xx has read all of it; what is to be sent again was copied.
    if (answer.status < 300) documents.buffers.giveBack(bulk.bytes)
  }

  async #post(
    { cluster }: Running,
    bulk: Bulk,
    meta: Meta,
    signal: AbortSignal | undefined,
  ): Promise<ClusterAnswer> {
    const { log_request_body, log_response_body } = this.#config.telemetry
    const { log } = this.#settings
    const compressed = await this.#compressor?.compress(bulk.bytes)
    if (log_request_body) log.debug('bulk request', { body: textOf(bulk.bytes) })
    const answer = await cluster.request({
      method: 'POST',
      path: this.#path,
      body: compressed ?? bulk.bytes,
      contentType: 'application/x-ndjson',
      encoding: this.#compressor?.encoding ?? '',
      signal,
      meta,
    })
    if (log_response_body)
      log.debug('bulk answer', { status: answer.status, body: JSON.stringify(answer.body) })
    return answer
  }

  /** Throws Refused when the whole request is to be sent again. */
  #itemsOf(answer: ClusterAnswer, bulk: Bulk): readonly Item[] {
    const { status } = answer
    if (status >= 200 && status < 300) {
      const items = readItems(answer, bulk.ends.length, this.#retryOn)
      if (items !== undefined) return items
    } else if (!this.#retryOn.has(status) && !REFUSING.has(status) && status < 500) {
      const item: Item = { fate: 'never', status, type: 'request_refused', reason: wordsOf(answer) }
      return new Array<Item>(bulk.ends.length).fill(item)
    }
    const afterMs = retryAfterMs(answer.retryAfter, Date.now())
    const words = status < 300 ? 'an answer that is not one to a bulk request' : wordsOf(answer)
    throw new Refused(`Elasticsearch answered ${words}`, {
      status: statusName(status),
      ...(afterMs === undefined ? {} : { afterMs }),
    })
  }

  async #bury(deadLetters: DeadLetters, progress: Progress, letters: readonly Letter[]): Promise<void> {
    const { reason, type, status } = letters[0]!
    const message = `${status} ${type}: ${reason}`
    const { taken, problem } = await deadLetters.take(letters, Date.now())
    progress.lose(itemsOf(letters.slice(0, taken)), 'dead_letter', message)
    progress.lose(itemsOf(letters.slice(taken)), REJECTED_BY_SERVER.name, message)
    this.#settings.log.warn('Elasticsearch does not take documents, and never will.', {
      documents: letters.length,
      dead_letters: taken,
      detail: message,
      ...(problem === undefined ? {} : { problem }),
      ...this.#inputOf(letters[0]!),
    })
  }

  /** The document itself for the log, where that is wanted and it is not too soon for another. */
  #inputOf({ action, document }: Letter): { readonly input?: string } {
    const { log_failed_docs_input, log_failed_docs_input_rate_limit: pause } = this.#config.telemetry
    const now = performance.now()
    if (!log_failed_docs_input || now < this.#inputLoggedAt + pause) return {}
    this.#inputLoggedAt = now
    return { input: `${textOf(action)} ${textOf(document)}` }
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

  #labels(errorType: string) {
    return { exporter: this.#settings.id, error_type: errorType }
  }
}

/** What a bulk request asks for besides its documents. */
function bulkPath({ mapping, jaeger, pipeline, include_source_on_error }: ElasticsearchConfig): string {
  const path = '/_bulk?filter_path=errors,items.*.status,items.*.error'
  if (mapping.mode === 'jaeger') {
    // Without the alias a write would make an index of its name, and the real one could never take its place.
    return /rollover/.test(rotationOf(jaeger)) ? `${path}&require_alias=true` : path
  }
  const query = new URLSearchParams()
  if (pipeline !== '') query.set('pipeline', pipeline)
  if (include_source_on_error !== undefined)
    query.set('include_source_on_error', String(include_source_on_error))
  return query.size === 0 ? path : `${path}&${query}`
}

function itemsOf(letters: readonly Letter[]): number {
  return letters.reduce((sum, { items }) => sum + items, 0)
}

function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString()
}

function statusName(status: number): StatusName {
  return status >= 500 ? 'UNAVAILABLE' : statusOfHttp(status)
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
