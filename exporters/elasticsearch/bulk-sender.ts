/** Sends one body of a bulk request and reads what became of each document in it. */

import type { Settings } from '../../core/component/contract.ts'
import { REJECTED_BY_SERVER } from '../../core/component/delivery.ts'
import type { Meta } from '../../core/component/meta.ts'
import { Refused, type StatusName } from '../../core/component/outcome.ts'
import type { Counter } from '../../core/telemetry/instruments.ts'
import { type Compressor, compressorFor } from '../../core/transport/compress.ts'
import { retryAfterMs, statusOfHttp } from '../../core/transport/otlp-outcome.ts'
import { errorLabel, type Item, readItems, wordsOf } from './answers.ts'
import type { Bulk } from './bulk.ts'
import type { Cluster, ClusterAnswer } from './client.ts'
import type { ElasticsearchConfig } from './config.ts'
import type { DeadLetters, Letter } from './dead-letter.ts'
import type { Documents } from './documents.ts'
import { rotationOf } from './jaeger-config.ts'
import { FAILED_DOCUMENTS } from './metrics.ts'
import type { Progress } from './progress.ts'
import { Refusals } from './refusals.ts'

export interface SendingTo {
  readonly cluster: Cluster
  readonly documents: Documents
  readonly deadLetters: DeadLetters
}

export interface Attempt {
  /** Its number in the progress of the batch. */
  readonly attempt: number
  /** What an authenticator is told of the sender. */
  readonly meta: Meta
  readonly signal: AbortSignal
}

/** Credentials may be put right while data waits, as a server may come back. */
const REFUSING = new Set([401, 403, 408])
const TOO_LARGE = 413
/** As fast as it goes: half the CPU of level 3 for a tenth more bytes, and the cluster is near. */
const GZIP_LEVEL = 1

/** True when bodies are compressed at that level: who writes them may do it. */
export function packsFast({ compression, compression_params }: ElasticsearchConfig): boolean {
  const { level } = compression_params
  return compression === 'gzip' && (level === 0 || level === GZIP_LEVEL)
}

export class BulkSender {
  readonly #config: ElasticsearchConfig
  readonly #settings: Settings
  readonly #path: string
  readonly #retryOn: ReadonlySet<number>
  readonly #compressor: Compressor | undefined
  readonly #failed: Counter
  readonly #refusals: Refusals
  #inputLoggedAt = Number.NEGATIVE_INFINITY

  constructor(config: ElasticsearchConfig, settings: Settings) {
    const { compression, compression_params, retry } = config
    const level = compression_params.level === 0 ? GZIP_LEVEL : compression_params.level
    this.#config = config
    this.#settings = settings
    this.#path = bulkPath(config)
    this.#retryOn = new Set(retry.retry_on_status)
    this.#compressor = compressorFor({ compression, compression_params: { level } })
    this.#failed = settings.metrics.counter(FAILED_DOCUMENTS)
    this.#refusals = new Refusals(settings.log)
  }

  /** Nothing is sent any longer. */
  stop(): void {
    this.#refusals.stop()
  }

  /**
   * Sends the body that `progress` has in flight, and enters there what has become of each document. Throws Refused when
   * all of it is to be sent again.
   */
  async send(
    { cluster, documents, deadLetters }: SendingTo,
    progress: Progress,
    bulk: Bulk,
    attempt: Attempt,
  ): Promise<void> {
    const answer = await this.#post(cluster, bulk, attempt)
    // An attempt that was given up on keeps its hands off: the next one may have begun.
    if (!progress.isCurrent(attempt.attempt)) throw new Refused('this attempt was given up on')
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
      // One that is there already was not taken either.
      if (item.type !== '') this.#failed.add(1, this.#labels(errorLabel(item.type)))
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
    if (answer.status >= 300) return
    if (bulk.gzip === undefined) documents.buffers.giveBack(bulk.bytes)
    else documents.packed?.giveBack(bulk.gzip)
  }

  async #post(cluster: Cluster, bulk: Bulk, { meta, signal }: Attempt): Promise<ClusterAnswer> {
    const { log_request_body, log_response_body } = this.#config.telemetry
    const { log } = this.#settings
    const compressed = bulk.gzip ?? (await this.#compressor?.compress(bulk.bytes))
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
    this.#refusals.tell({ letters, taken, problem })
    this.#logInput(letters[0]!, message)
  }

  /** The document itself, where that is wanted and it is not too soon for another. */
  #logInput({ action, document }: Letter, detail: string): void {
    const { log_failed_docs_input, log_failed_docs_input_rate_limit: pause } = this.#config.telemetry
    const now = performance.now()
    if (!log_failed_docs_input || now < this.#inputLoggedAt + pause) return
    this.#inputLoggedAt = now
    this.#settings.log.warn('A document that Elasticsearch does not take.', {
      detail,
      input: `${textOf(action)} ${textOf(document)}`,
    })
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
