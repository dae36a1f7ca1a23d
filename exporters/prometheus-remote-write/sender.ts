/** Sends the requests of a batch, several at once, and enters what the server makes of each. */

import { REJECTED_BY_SERVER } from '../../core/component/delivery.ts'
import type { Meta } from '../../core/component/meta.ts'
import { Refused, Rejected } from '../../core/component/outcome.ts'
import { downgrade } from '../../core/formats/prometheus/downgrade.ts'
import { MESSAGES, type MessageName } from '../../core/formats/prometheus/remote-write.ts'
import { compressBlock } from '../../core/formats/snappy.ts'
import type { Counter, Labels } from '../../core/telemetry/instruments.ts'
import type { Logger } from '../../core/telemetry/log.ts'
import type { MetricsRegistry } from '../../core/telemetry/metrics.ts'
import type { HttpAnswer, HttpClient } from '../../core/transport/http-client.ts'
import { judge, writtenOf } from './answers.ts'
import type { RemoteWriteConfig } from './config.ts'
import { BATCHES, CONSUMERS, EXEMPLARS, HISTOGRAMS, SAMPLES } from './metrics.ts'
import type { Outgoing, Progress } from './progress.ts'

const [FIRST, SECOND] = MESSAGES

/** What each message is called in headers. */
const HEADERS: Readonly<Record<MessageName, Readonly<Record<string, string>>>> = {
  [FIRST]: {
    'content-encoding': 'snappy',
    'content-type': 'application/x-protobuf',
    'x-prometheus-remote-write-version': '0.1.0',
  },
  [SECOND]: {
    'content-encoding': 'snappy',
    'content-type': `application/x-protobuf;proto=${SECOND}`,
    'x-prometheus-remote-write-version': '2.0.0',
  },
}

/** Of two refusals the one that asks for more patience; the first when both ask for none. */
function longer(first: Refused | undefined, second: Refused): Refused {
  return first === undefined || (second.afterMs ?? 0) > (first.afterMs ?? 0) ? second : first
}

export class Sender {
  readonly #client: HttpClient
  readonly #url: URL
  readonly #where: string
  readonly #parallel: number
  readonly #retryOn429: boolean
  readonly #maxBytes: number
  readonly #log: Logger
  readonly #labels: Labels
  readonly #counters: Readonly<Record<'batches' | 'samples' | 'histograms' | 'exemplars', Counter>>
  #message: MessageName

  /** `maxBytes` is that of one request; `labels` those of its metrics. */
  constructor(
    config: RemoteWriteConfig,
    client: HttpClient,
    maxBytes: number,
    log: Logger,
    metrics: MetricsRegistry,
    labels: Labels,
  ) {
    const url = new URL(config.endpoint)
    const { max_batch_request_parallelism: parallelism, remote_write_queue } = config
    this.#client = client
    this.#url = url
    this.#where = `${url.origin}${url.pathname}`
    this.#parallel = Math.max(1, parallelism ?? remote_write_queue.num_consumers)
    this.#retryOn429 = config.retry_on_http_429
    this.#maxBytes = maxBytes
    this.#log = log
    this.#labels = labels
    this.#message = config.protobuf_message
    this.#counters = {
      batches: metrics.counter(BATCHES),
      samples: metrics.counter(SAMPLES),
      histograms: metrics.counter(HISTOGRAMS),
      exemplars: metrics.counter(EXEMPLARS),
    }
    metrics.gauge(CONSUMERS).set(this.#parallel, labels)
  }

  /** What requests are to be written in. */
  get message(): MessageName {
    return this.#message
  }

  /**
   * One attempt at all that is left. Returns why some of it is to be sent again, or undefined. An attempt that was given up
   * on throws Refused, and leaves the books to the one that came after it.
   */
  async run(progress: Progress, meta: Meta, signal: AbortSignal | undefined): Promise<Refused | undefined> {
    const attempt = progress.begin()
    let refused: Refused | undefined
    const lane = async (): Promise<void> => {
      while (refused === undefined && progress.isCurrent(attempt)) {
        const request = this.#next(progress)
        if (request === undefined) return
        try {
          await this.#sendOne(progress, attempt, request, meta, signal)
        } catch (error) {
          if (!progress.isCurrent(attempt)) return
          if (error instanceof Refused) refused = longer(refused, error)
          else if (error instanceof Rejected) {
            // The authenticator has nothing for this sender.
            progress.lose(request.items, REJECTED_BY_SERVER.name, error.message)
            progress.done(request)
          } else throw error
        }
      }
    }
    await Promise.all(Array.from({ length: this.#parallel }, lane))
    if (!progress.isCurrent(attempt)) throw new Refused('this attempt was given up on')
    return refused
  }

  /** What cannot be written today cannot be written tomorrow either, so a bug must not hold up the queue. */
  #next(progress: Progress): Outgoing | undefined {
    try {
      return progress.next()
    } catch (error) {
      const { stack } = error as Error
      this.#log.error('Bug: a batch could not be written. What was not sent of it is dropped.', { stack })
      progress.loseRest(REJECTED_BY_SERVER.name, `the batch could not be written: ${error}`)
      return this.#next(progress)
    }
  }

  /** Throws Refused when it is to be sent again. */
  async #sendOne(
    progress: Progress,
    attempt: number,
    request: Outgoing,
    meta: Meta,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    if (request.message !== this.#message) {
      progress.replace(request, downgrade(request, this.#maxBytes))
      return
    }
    const body = (request.compressed ??= compressBlock(request.bytes))
    this.#counters.batches.add(1, this.#labels)
    const answer = await this.#client.send({
      method: 'POST',
      url: this.#url,
      headers: HEADERS[request.message],
      chunks: [body],
      byteLength: body.length,
      meta,
      signal,
    })
    if (!progress.isCurrent(attempt)) return
    this.#count(request, answer)
    const verdict = judge(request, answer, this.#where, this.#retryOn429)
    if (verdict.kind === 'other_message') {
      this.#fallBack(verdict.message)
      progress.again(request)
      return
    }
    if (verdict.kind === 'again') {
      const { message, afterMs } = verdict
      throw new Refused(message, { status: 'UNAVAILABLE', ...(afterMs === undefined ? {} : { afterMs }) })
    }
    progress.send(request.items - verdict.lost)
    progress.lose(verdict.lost, verdict.reason, verdict.message)
    progress.done(request)
    // What has no items is in no book: target_info, metadata, marks of series that have ended, exemplars.
    if (verdict.lost === 0 && verdict.reason === REJECTED_BY_SERVER.name)
      this.#log.warn('The server does not take what is said of metrics.', { error: verdict.message })
  }

  #count({ message }: Outgoing, answer: HttpAnswer): void {
    if (message !== SECOND) return
    const { samples = 0, histograms = 0, exemplars = 0 } = writtenOf(answer)
    this.#counters.samples.add(samples, this.#labels)
    this.#counters.histograms.add(histograms, this.#labels)
    this.#counters.exemplars.add(exemplars, this.#labels)
  }

  #fallBack(error: string): void {
    if (this.#message === FIRST) return
    this.#message = FIRST
    this.#log.warn('The server does not know remote write 2.0: it is sent 1.0 from now on.', {
      error,
      fix: `write protobuf_message: ${FIRST}`,
    })
  }
}
