/** From a batch to records: parts, keys, topics, headers, values, and cutting what is too large. */

import type { Batch } from '../../core/component/batch.ts'
import { type Meta, metadataValues } from '../../core/component/meta.ts'
import { Cursor, LEN } from '../../core/otlp/cursor.ts'
import { ResourceView } from '../../core/otlp/resource.ts'
import type { Signal } from '../../core/otlp/signals.ts'
import { split } from '../../core/otlp/split.ts'
import type { KafkaHeader, KafkaMessage } from '../../core/transport/kafka/client.ts'
import { type KafkaConfig, type SignalWriting, writingOf } from './config.ts'
import { type Encoder, encoderOf } from './encodings.ts'
import { type Part, type Parting, partsOf, ResourceHashes } from './parts.ts'
import { batchSize } from './record-batches.ts'

/** One record to be. */
export interface Outgoing {
  readonly signal: Signal
  readonly topic: string
  readonly message: KafkaMessage
  readonly items: number
  /** The part of the batch that it was made of. It may have more items than the record. */
  readonly part: Part
  /** Why it is too large for every broker, once that is known: then only the dead letter is tried again. */
  readonly tooLarge?: string
}

export interface Prepared {
  readonly records: Outgoing[]
  /** One item each, and still larger than a record may be. */
  readonly tooLarge: Outgoing[]
  /** Items that the encoding cannot express, by reason. */
  readonly rejected: Map<string, number>
}

/** Everything about one signal that does not change from batch to batch. */
export class Outbox {
  readonly #signal: Signal
  readonly #writing: SignalWriting
  readonly #encoder: Encoder
  readonly #parting: Parting
  readonly #topicAttribute: string
  readonly #headers: readonly KafkaHeader[]
  readonly #metadataHeaders: readonly string[]
  readonly #hashes = new ResourceHashes()

  constructor(config: KafkaConfig, signal: Signal) {
    this.#signal = signal
    this.#writing = writingOf(config, signal)
    this.#encoder = encoderOf(this.#writing.encoding)
    this.#parting = partingOf(config, signal)
    this.#topicAttribute = config.topic_from_attribute
    this.#headers = config.record_headers.map(({ name, value }) => ({
      name,
      value: Buffer.from(value.reveal()),
    }))
    this.#metadataHeaders = config.include_metadata_keys
  }

  /** `maxBytes` is the largest record batch, headers and all. */
  prepare(batch: Batch, maxBytes: number): Prepared {
    const prepared: Prepared = { records: [], tooLarge: [], rejected: new Map() }
    const headers = this.#headersOf(batch.meta)
    const key = this.#keyOf(batch.meta)
    const topic = this.#metadataTopic(batch.meta)
    for (const part of partsOf(batch, this.#parting, this.#hashes)) {
      const to = topic ?? this.#attributeTopic(part.request) ?? this.#writing.topic
      this.#encode(
        part.key === undefined && key !== undefined ? { ...part, key } : part,
        to,
        headers,
        maxBytes,
        prepared,
      )
    }
    return prepared
  }

  /** The same record in smaller pieces; undefined when it cannot be cut. */
  cut(record: Outgoing, maxBytes: number): Prepared | undefined {
    const { part, topic, message, items } = record
    if (items < 2 || items !== part.items || this.#signal === 'profiles') return undefined
    const prepared: Prepared = { records: [], tooLarge: [], rejected: new Map() }
    this.#cut(part, topic, message, items, maxBytes, prepared)
    return prepared
  }

  #encode(
    part: Part,
    topic: string,
    headers: readonly KafkaHeader[],
    maxBytes: number,
    prepared: Prepared,
  ): void {
    const rejected: string[] = []
    const input = { ...part, signal: this.#signal, maxBytes: maxBytes - batchSize(bare(part.key, headers)) }
    const records: Outgoing[] = []
    for (const { key, value, items } of this.#encoder.encode(input, reason => rejected.push(reason))) {
      const message = { key: part.key ?? key, value, headers }
      const record = { signal: this.#signal, topic, message, items, part }
      if (batchSize(message) <= maxBytes) records.push(record)
      else if (part.items < 2 || this.#signal === 'profiles') prepared.tooLarge.push(record)
      else {
        // Of several records of a part nobody knows which items are in which: they are made again one by one.
        this.#cut(part, topic, message, items === part.items ? items : undefined, maxBytes, prepared)
        return
      }
    }
    for (const record of records) prepared.records.push(record)
    for (const reason of rejected) prepared.rejected.set(reason, (prepared.rejected.get(reason) ?? 0) + 1)
  }

  /** `items` in the message that is too large, when it has all of the part. */
  #cut(
    part: Part,
    topic: string,
    message: KafkaMessage,
    items: number | undefined,
    maxBytes: number,
    prepared: Prepared,
  ): void {
    const { request, key } = part
    // Bytes of the request where they are the value; else as many items as should fit.
    const byBytes = message.value === request
    const share = Math.ceil(batchSize(message) / maxBytes) + 1
    const fitting = items === undefined ? 1 : Math.min(items - 1, Math.floor(items / share))
    const limit = byBytes ? maxBytes - batchSize(bare(message.key, message.headers)) : fitting
    const cut = { first: Math.max(1, limit), rest: Math.max(1, limit) }
    const pieces = split(request, this.#signal, cut, byBytes ? 'bytes' : 'items')
    if (pieces.length === 1) {
      // What the splitter leaves whole is not tried for ever.
      prepared.tooLarge.push({ signal: this.#signal, topic, message, items: part.items, part })
      return
    }
    for (const piece of pieces) {
      const smaller = { request: piece.bytes, items: piece.items, key }
      this.#encode(smaller, topic, message.headers, maxBytes, prepared)
    }
  }

  #headersOf(meta: Meta): readonly KafkaHeader[] {
    if (this.#metadataHeaders.length === 0) return this.#headers
    const headers = [...this.#headers]
    for (const name of this.#metadataHeaders) {
      for (const value of metadataValues(meta, name)) headers.push({ name, value: Buffer.from(value) })
    }
    return headers
  }

  #keyOf(meta: Meta): Uint8Array | undefined {
    const name = this.#writing.messageKeyFromMetadataKey
    const value = name === '' ? undefined : metadataValues(meta, name)[0]
    return value === undefined || value === '' ? undefined : Buffer.from(value)
  }

  #metadataTopic(meta: Meta): string | undefined {
    const name = this.#writing.topicFromMetadataKey
    return (name === '' ? undefined : metadataValues(meta, name)[0]) || undefined
  }

  /** Of the first resource that has it, as a text that is not empty. */
  #attributeTopic(request: Uint8Array): string | undefined {
    if (this.#topicAttribute === '') return undefined
    const entries = new Cursor(request)
    const inner = new Cursor(request)
    while (entries.next()) {
      if (entries.field !== 1 || entries.wire !== LEN) continue
      inner.reset(request, entries.start, entries.stop)
      while (inner.next()) {
        if (inner.field !== 1 || inner.wire !== LEN) continue
        const topic = textAttribute(request, inner.start, inner.stop, this.#topicAttribute)
        if (topic !== '') return topic
      }
    }
    return undefined
  }
}

const NOTHING = new Uint8Array()

function bare(key: Uint8Array | undefined, headers: readonly KafkaHeader[]): KafkaMessage {
  return { key, value: NOTHING, headers }
}

function textAttribute(request: Uint8Array, start: number, stop: number, name: string): string {
  const attributes = new ResourceView().reset(request, start, stop).attributes()
  while (attributes.next()) if (attributes.key() === name) return attributes.value().text()
  return ''
}

function partingOf(config: KafkaConfig, signal: Signal): Parting {
  const otherwise = config.topic_from_attribute === '' ? 'whole' : 'resource'
  switch (signal) {
    case 'traces':
      return config.partition_traces_by_id ? 'trace' : otherwise
    case 'logs':
      if (config.partition_logs_by_resource_attributes) return 'resource hash'
      return config.partition_logs_by_trace_id ? 'trace' : otherwise
    case 'metrics':
      return config.partition_metrics_by_resource_attributes ? 'resource hash' : otherwise
    case 'profiles':
      return otherwise
  }
}
