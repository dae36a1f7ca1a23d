/**
 * `prometheus_remote_write`: writes metrics to Prometheus, Mimir, Thanos and whatever else takes remote write.
 *
 *     exporters:
 *       prometheus_remote_write:
 *         endpoint: http://prometheus:9090/api/v1/write
 *         protobuf_message: io.prometheus.write.v2.Request
 *
 * Names, labels and keys are the Collector's (exporter/prometheusremotewriteexporter 0.155); the protocol is that of the
 * specifications of remote write 1.0 and 2.0. docs/prometheus-remote-write.md has what users should know.
 */

import { type Batch, batchOf } from '../../core/component/batch.ts'
import type {
  ConsumeContext,
  Exporter,
  ExporterFactory,
  SendResult,
  Settings,
} from '../../core/component/contract.ts'
import { type Refused, Rejected } from '../../core/component/outcome.ts'
import type { Counter, Labels } from '../../core/telemetry/instruments.ts'
import { HttpClient } from '../../core/transport/http-client.ts'
import { userAgent } from '../../core/transport/user-agent.ts'
import { config, isReservedHeader, type RemoteWriteConfig, sendingOf } from './config.ts'
import { BATCHES, CONSUMERS, EXEMPLARS, FAILED, HISTOGRAMS, SAMPLES, TRANSLATED } from './metrics.ts'
import { Progress } from './progress.ts'
import { Sender } from './sender.ts'
import { type Translated, Translator } from './translator.ts'

export type { RemoteWriteConfig } from './config.ts'

/** A batch that has only what is due without points: marks of series that have ended. */
const NOTHING = batchOf('metrics', [], 0)
/** setInterval holds no more. */
const LONGEST_MS = 2 ** 31 - 1

class RemoteWriteExporter implements Exporter {
  /** A batch is read to its end before anything of it is sent. Requests are written from samples, which are copies. */
  readonly returnsBytes = true
  readonly #settings: Settings
  readonly #client: HttpClient
  readonly #translator: Translator
  readonly #sender: Sender
  readonly #labels: Labels
  readonly #series: Counter
  readonly #failed: Counter
  readonly #expirationMs: number
  readonly #timeoutMs: number
  /** For how long marks are sent again; 0: as long as it takes. */
  readonly #marksMs: number
  /** By what stands for it in the sending chain: how far a batch is. */
  readonly #progress = new WeakMap<Batch, Progress>()
  #sending = 0
  /** Marks that were due while nothing was sent: on their way, and those that the server did not take yet. */
  #marking: Promise<void> | undefined
  #marks: Progress | undefined
  /** When these marks are given up on, as batches are; ms, `performance.now()` clock. */
  #marksUntil = 0
  /** The batch that was begun last. */
  #latest: Progress | undefined
  #timer: NodeJS.Timeout | undefined

  constructor(config: RemoteWriteConfig, settings: Settings) {
    const { metrics, id, host, log } = settings
    const { origin, pathname } = new URL(config.endpoint)
    const headers = new Map([...config.headers].filter(([name]) => !isReservedHeader(name)))
    this.#settings = settings
    this.#labels = { exporter: id, endpoint: `${origin}${pathname}` }
    // Snappy is part of the protocol, and not the client's business.
    this.#client = new HttpClient({ ...config, headers, compression: '' }, userAgent(host.build), log)
    this.#translator = new Translator(config)
    const { maxBytes } = this.#translator
    this.#sender = new Sender(config, this.#client, maxBytes, log, metrics, this.#labels)
    this.#series = metrics.counter(TRANSLATED)
    this.#failed = metrics.counter(FAILED)
    this.#expirationMs = config.metric_expiration
    this.#timeoutMs = config.timeout
    const { enabled, max_elapsed_time } = config.retry_on_failure
    this.#marksMs = enabled ? max_elapsed_time : 1
  }

  async start(): Promise<void> {
    this.#client.open(this.#settings.host)
    if (this.#expirationMs === 0) return
    const every = Math.min(Math.max(this.#expirationMs / 4, 1), LONGEST_MS)
    this.#timer = setInterval(() => this.#markWhenIdle(), every).unref()
  }

  async stop(deadline: number): Promise<void> {
    clearInterval(this.#timer)
    await this.#client.close(deadline)
  }

  async send(batch: Batch, { signal }: ConsumeContext): Promise<SendResult> {
    this.#sending++
    try {
      // A mark must not overtake, nor be overtaken by, a newer sample of its series.
      await this.#marking
      signal?.throwIfAborted()
      const behind = await this.#sendMarks(signal)
      if (behind !== undefined) throw behind
      const progress = this.#progressOf(batch)
      const refused = await this.#sender.run(progress, batch.meta, signal)
      return this.#result(batch, progress, refused)
    } finally {
      this.#sending--
    }
  }

  #progressOf(batch: Batch): Progress {
    const known = this.#progress.get(batch)
    if (known !== undefined) return known
    const { requests, losses, series } = this.#translate(batch)
    this.#series.add(series, this.#labels)
    if (losses.length > 0) this.#failed.add(1, this.#labels)
    for (const { items, reason, message } of losses)
      this.#settings.log.warn('Points cannot be written.', { reason, why: message, dropped_items: items })
    const progress = new Progress(batch.items, requests, losses)
    this.#progress.set(batch, progress)
    this.#latest = progress
    return progress
  }

  /** As the sender does with a bug that shows while it sends. */
  #translate(batch: Batch): Translated {
    try {
      return this.#translator.translate(batch, this.#sender.message)
    } catch (error) {
      const { stack } = error as Error
      this.#settings.log.error('Bug: a batch could not be written. It is dropped.', { stack })
      throw new Rejected(`the batch could not be written: ${error}`, { cause: error })
    }
  }

  #result(batch: Batch, progress: Progress, refused: Refused | undefined): SendResult {
    const left = refused === undefined ? 0 : progress.itemsLeft
    if (refused !== undefined && left === batch.items) throw refused
    const { sent, losses, items } = progress.tell()
    const rejected = losses.length === 0 ? {} : { rejected: losses }
    // What has no items, metadata and target_info, comes again with the next batch.
    if (left === 0) return { sent, ...rejected }
    if (items === 0) throw refused!
    const retry = batchOf(batch.signal, batch.chunks, left, batch.meta)
    this.#progress.set(retry, progress)
    return {
      sent,
      ...rejected,
      retry,
      ...(refused?.afterMs === undefined ? {} : { afterMs: refused.afterMs }),
    }
  }

  /** Where points go by, the marks go along. */
  #markWhenIdle(): void {
    if (this.#sending > 0 || this.#marking !== undefined) return
    this.#marking = this.#mark().then(
      () => {
        this.#marking = undefined
      },
      (error: unknown) => {
        this.#marking = undefined
        this.#settings.log.error('Bug: marking series as ended failed.', { error: String(error) })
      },
    )
  }

  /** One attempt, which may take as long as that of a batch. */
  async #mark(): Promise<void> {
    if (this.#marks === undefined) {
      // A batch that waits for its next attempt is written from what the marks are to be written from.
      this.#latest?.keep()
      const { requests } = this.#translator.translate(NOTHING, this.#sender.message)
      this.#marks = new Progress(0, requests, [])
      this.#marks.keep()
      this.#marksUntil = performance.now() + (this.#marksMs || Number.POSITIVE_INFINITY)
    }
    const timeout = this.#timeoutMs
    await this.#sendMarks(timeout === 0 ? undefined : AbortSignal.timeout(Math.min(timeout, LONGEST_MS)))
  }

  /** Returns why they are to be sent again, or undefined. */
  async #sendMarks(signal: AbortSignal | undefined): Promise<Refused | undefined> {
    const marks = this.#marks
    if (marks === undefined) return undefined
    const refused = await this.#sender.run(marks, NOTHING.meta, signal)
    if (refused === undefined) this.#marks = undefined
    else if (performance.now() > this.#marksUntil) {
      this.#marks = undefined
      this.#settings.log.warn('Marks of series that have ended could not be sent, and are dropped.', {
        error: refused.message,
      })
      return undefined
    }
    return refused
  }
}

export const factory: ExporterFactory<RemoteWriteConfig> = {
  kind: 'exporter',
  type: 'prometheus_remote_write',
  aliases: ['prometheusremotewrite'],
  doc: 'Writes to Prometheus, Mimir, Thanos and whatever else takes remote write, 1.0 or 2.0.',
  stability: 'beta',
  signals: ['metrics'],
  config,
  metrics: [TRANSLATED, FAILED, BATCHES, SAMPLES, HISTOGRAMS, EXEMPLARS, CONSUMERS],
  sending: sendingOf,
  create: (config, settings) => new RemoteWriteExporter(config, settings),
}
