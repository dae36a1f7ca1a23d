/** A batch as requests: intake, then writing, with everything that is kept from one batch to the next. */

import type { Batch } from '../../core/component/batch.ts'
import type { Label } from '../../core/formats/prometheus/labels.ts'
import { namespaceName, writtenLabelName } from '../../core/formats/prometheus/names.ts'
import {
  MESSAGES,
  type MessageName,
  type RequestWriter,
  type WriteRequest,
  writeRequests,
} from '../../core/formats/prometheus/remote-write.ts'
import { metadataRequests, RemoteWrite1 } from '../../core/formats/prometheus/remote-write-1.ts'
import { RemoteWrite2 } from '../../core/formats/prometheus/remote-write-2.ts'
import { Samples } from '../../core/formats/prometheus/samples.ts'
import type { Family } from '../../core/formats/prometheus/write-series.ts'
import { nameRules, type RemoteWriteConfig } from './config.ts'
import { Expiry } from './expiry.ts'
import { Identity } from './identity.ts'
import { Intake } from './intake.ts'
import { Losses } from './reasons.ts'

const [FIRST, SECOND] = MESSAGES
const BYTES_MAX = 3_000_000

export interface Translated {
  /** Written when they are asked for, which ends with the next call of `translate`. */
  readonly requests: Generator<WriteRequest, void>
  /** Points that are in none of them. */
  readonly losses: readonly { items: number; reason: string; message: string }[]
  readonly series: number
}

export class Translator {
  readonly maxBytes: number
  readonly #identity: Identity
  readonly #samples = new Samples()
  readonly #families: Set<Family> | undefined
  readonly #intake: Intake
  readonly #expiry: Expiry
  readonly #writers: Readonly<Record<MessageName, RequestWriter>>
  /** Counts batches. */
  #batch = 0

  constructor(config: RemoteWriteConfig) {
    const names = nameRules(config)
    const { enabled, exclude_service_attributes } = config.resource_to_telemetry_conversion
    const { utf8 } = names
    const external: Label[] = [...config.external_labels].map(([name, value]) => [
      writtenLabelName(name, false) ?? name,
      value,
    ])
    const namespace = namespaceName(config.namespace, utf8)
    const targetName = namespace === '' ? 'target_info' : `${namespace}_target_info`
    this.maxBytes = config.max_batch_size_bytes || BYTES_MAX
    this.#identity = new Identity({
      names,
      labels: { utf8, external, scopeInfo: !config.disable_scope_info },
      resourceLabels: !enabled ? 'none' : exclude_service_attributes ? 'not_identifying' : 'all',
      targetName: config.target_info.enabled ? targetName : undefined,
      version: config.protobuf_message === FIRST ? 1 : 2,
      seriesMax: config.series_cache_size,
    })
    const { table } = this.#identity
    this.#families = config.send_metadata ? new Set() : undefined
    this.#intake = new Intake(this.#identity, this.#samples, this.#families)
    this.#expiry = new Expiry(config.metric_expiration, table, this.#samples)
    this.#writers = { [FIRST]: new RemoteWrite1(table), [SECOND]: new RemoteWrite2(table) }
  }

  /** Bytes of what is remembered of series. */
  get remembered(): number {
    return this.#identity.bytes
  }

  /** With staleness marks for what has expired by `now` (ms, `performance.now()` clock); a batch of nothing has only those. */
  translate(batch: Batch, message: MessageName, now = performance.now()): Translated {
    const identity = this.#identity
    const samples = this.#samples
    const losses = new Losses()
    const nth = ++this.#batch
    samples.clear()
    identity.bound()
    this.#families?.clear()
    try {
      for (const chunk of batch.chunks) this.#intake.take(chunk, losses)
      samples.sort()
      const loneFrom = samples.touched.length
      this.#expiry.mark(now)
      samples.sort()
      this.#expiry.note(now)
      return {
        requests: this.#requests(nth, message, loneFrom),
        losses: losses.list(),
        series: samples.touched.length,
      }
    } catch (error) {
      this.#forget()
      throw error
    }
  }

  *#requests(nth: number, message: MessageName, loneFrom: number): Generator<WriteRequest, void> {
    const { table } = this.#identity
    const writer = this.#writers[message]
    const textOf = table.text.bind(table)
    const { maxBytes } = this
    const writing = { samples: this.#samples, writer, maxBytes, textOf, loneFrom }
    if (this.#batch !== nth) return
    try {
      for (const request of writeRequests(writing)) {
        yield request
        if (this.#batch !== nth) return
      }
    } catch (error) {
      this.#forget()
      writer.take()
      throw error
    }
    this.#samples.clear()
    if (message === FIRST) yield* this.#metadata()
  }

  /** After a bug: tables that one half of a change is missing in would spoil what comes after. */
  #forget(): void {
    this.#samples.clear()
    this.#identity.forget()
  }

  #metadata(): WriteRequest[] {
    if (this.#families === undefined) return []
    const none = { items: 0, seriesItems: [], samples: 0, histograms: 0, exemplars: 0, series: 0 }
    return metadataRequests(this.#families, this.maxBytes).map(bytes => ({
      message: FIRST,
      bytes,
      example: undefined,
      ...none,
    }))
  }
}
