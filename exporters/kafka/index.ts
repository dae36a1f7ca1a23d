/**
 * `kafka`: writes batches to Kafka.
 *
 *     exporters:
 *       kafka:
 *         brokers: [kafka-1:9092, kafka-2:9092]
 *         traces: {topic: spans}
 *         partition_traces_by_id: true
 *         producer: {compression: zstd, required_acks: all}
 *
 * The Collector's keys, defaults, keys of records and partitions (exporter/kafkaexporter 0.155). The value of an
 * `otlp_proto` record is the batch's own bytes. docs/kafka.md has what users should know.
 */

import { type Batch, batchOf } from '../../core/component/batch.ts'
import type {
  ConsumeContext,
  Exporter,
  ExporterFactory,
  SendResult,
  Settings,
} from '../../core/component/contract.ts'
import { REJECTED_BY_SERVER } from '../../core/component/delivery.ts'
import { leave } from '../../core/component/memory.ts'
import { Refused, type StatusName } from '../../core/component/outcome.ts'
import { requestToJsonBytes } from '../../core/otlp/json.ts'
import { SIGNALS, type Signal } from '../../core/otlp/signals.ts'
import type { KafkaMessage, KafkaProducer } from '../../core/transport/kafka/client.ts'
import { kafkaConnection } from '../../core/transport/kafka/config.ts'
import { type DeadLetters, deadLetters } from '../../core/transport/kafka/dead-letter.ts'
import { openProducer } from '../../core/transport/kafka/open.ts'
import { KafkaProblem } from '../../core/transport/kafka/problem.ts'
import { config, type KafkaConfig } from './config.ts'
import { Outbox, type Outgoing } from './outgoing.ts'
import type { PartitionerKind } from './partitioner.ts'
import { RecordBatches, recordSize } from './record-batches.ts'
import { Topics } from './topics.ts'

/** What became of one record. */
type Fate =
  | { readonly kind: 'sent'; readonly items: number }
  | { readonly kind: 'lost'; readonly items: number; readonly reason: string; readonly message: string }
  | { readonly kind: 'again'; readonly record: Outgoing; readonly problem: KafkaProblem }

/** What there is while it runs. */
interface Running {
  readonly producer: KafkaProducer
  readonly topics: Topics
  readonly batches: RecordBatches
  readonly deadLetters: DeadLetters
}

/** How long brokers may take where the config sets no limit. */
const REQUEST_MS = 30_000

export class KafkaExporter implements Exporter {
  /** Sockets hold what they were given (core/transport/kafka/write-pieces.ts); all else is written before `send` settles. */
  readonly returnsBytes = true
  readonly #config: KafkaConfig
  readonly #settings: Settings
  readonly #open: typeof openProducer
  readonly #outboxes = new Map<Signal, Outbox>()
  /** What is left of a batch that was written in part: exactly these records are sent again. */
  readonly #left = new WeakMap<Batch, readonly Outgoing[]>()
  #running: Running | undefined
  /** Kind and code of what is wrong, '' when nothing is; undefined before anything was tried. */
  #trouble: string | undefined

  constructor(config: KafkaConfig, settings: Settings, open: typeof openProducer = openProducer) {
    this.#config = config
    this.#settings = settings
    this.#open = open
  }

  /** Brokers that are not there are no reason not to start: batches wait in the queue. */
  async start(): Promise<void> {
    const { client, producer, timeout, dead_letter, metadata } = this.#config
    const connection = kafkaConnection(this.#config, this.#settings, timeout === 0 ? REQUEST_MS : timeout)
    const opened = await this.#open(client, connection, {
      acks: Number(producer.required_acks) as -1 | 0 | 1,
      compression: producer.compression,
      compressionLevel: producer.compression_params.level,
      createTopics: producer.allow_auto_topic_creation,
      idempotent: producer.idempotent,
    })
    const limits = {
      maxBytes: producer.max_message_bytes,
      maxRecords: producer.flush_max_messages,
      lingerMs: producer.linger,
    }
    this.#running = {
      producer: opened,
      topics: new Topics(opened, metadata.refresh_interval, partitionerKind(this.#config), Math.random),
      batches: new RecordBatches(limits, (topic, partition, messages) =>
        opened.produce(topic, partition, messages),
      ),
      deadLetters: deadLetters(dead_letter, (topic, message) => this.#append(topic, message, false)),
    }
    opened.connect().then(
      () => this.#well(),
      problem => this.#unwell(problem),
    )
  }

  async stop(deadline: number): Promise<void> {
    const running = this.#running
    this.#running = undefined
    if (running === undefined) return
    running.batches.flush()
    const { promise, resolve } = Promise.withResolvers<void>()
    const timer = setTimeout(resolve, Math.max(0, deadline - performance.now()))
    await Promise.race([running.producer.close().catch(() => undefined), promise])
    clearTimeout(timer)
  }

  async send(batch: Batch, _context: ConsumeContext): Promise<SendResult> {
    if (this.#running === undefined) throw new Refused('the exporter is not running')
    const fates: Fate[] = []
    const left = this.#left.get(batch)
    const { records, tooLarge, rejected } =
      left === undefined ? this.#prepare(batch) : { records: left, tooLarge: [], rejected: undefined }
    for (const [reason, items] of rejected ?? []) {
      fates.push({ kind: 'lost', items, reason: 'unsupported', message: reason })
    }
    const written = [
      ...records.map(record =>
        record.tooLarge === undefined ? this.#write(record) : this.#bury(record, record.tooLarge),
      ),
      ...tooLarge.map(record => this.#bury(record, 'larger than producer.max_message_bytes')),
    ]
    for (const some of await Promise.all(written)) fates.push(...some)
    // Nobody knows what a client still means to do with a request that it gave up.
    if (fates.some(fate => fate.kind === 'again')) leave(batch)
    return this.#result(batch, fates)
  }

  #prepare(batch: Batch) {
    return this.#outbox(batch.signal).prepare(batch, this.#config.producer.max_message_bytes)
  }

  #outbox(signal: Signal): Outbox {
    let outbox = this.#outboxes.get(signal)
    if (outbox === undefined) {
      outbox = new Outbox(this.#config, signal)
      this.#outboxes.set(signal, outbox)
    }
    return outbox
  }

  async #write(record: Outgoing): Promise<readonly Fate[]> {
    try {
      await this.#append(record.topic, record.message, true)
      return [{ kind: 'sent', items: record.items }]
    } catch (error) {
      const problem = error instanceof KafkaProblem ? error : unexpected(error)
      if (problem.kind === 'too large') return this.#writeSmaller(record, problem)
      if (problem.kind === 'refused') {
        return [
          { kind: 'lost', items: record.items, reason: REJECTED_BY_SERVER.name, message: problem.message },
        ]
      }
      return [{ kind: 'again', record, problem }]
    }
  }

  /** The brokers' limit is lower than ours. */
  async #writeSmaller(record: Outgoing, problem: KafkaProblem): Promise<readonly Fate[]> {
    const half = Math.floor(recordSize(record.message) / 2)
    const pieces = this.#outbox(record.signal).cut(record, half)
    if (pieces === undefined) return this.#bury(record, problem.message)
    const fates = [
      ...pieces.records.map(one => this.#write(one)),
      // Too large for half of what was too large says nothing yet.
      ...pieces.tooLarge.map(one => this.#write(one)),
    ]
    return (await Promise.all(fates)).flat()
  }

  /** One item that no broker takes. It must not hold up the others. */
  async #bury(record: Outgoing, why: string): Promise<readonly Fate[]> {
    const { signal, topic, message, part, items } = record
    const line = () => requestToJsonBytes(part.request, signal)
    let taken = false
    try {
      taken = await this.#running!.deadLetters.take({ reason: 'too_large', topic, message, line })
    } catch (error) {
      const problem = error instanceof KafkaProblem ? error : unexpected(error)
      return [{ kind: 'again', record: { ...record, tooLarge: why }, problem }]
    }
    this.#settings.log.warn('a record is too large for Kafka', {
      topic,
      bytes: message.value.length,
      items,
      detail: why,
      done: taken ? 'dead letter' : 'dropped',
    })
    return [
      { kind: 'lost', items, reason: taken ? 'dead_letter' : 'too_large', message: `topic ${topic}: ${why}` },
    ]
  }

  async #append(topic: string, message: KafkaMessage, gather: boolean): Promise<void> {
    const { topics, batches, producer } = this.#running ?? stopped()
    try {
      const { partitioner, state } = await topics.get(topic)
      const traffic = batches.traffic(topic, recordSize(message))
      const partition = partitioner.choose(message.key, state, traffic)
      if (gather) await batches.add(topic, partition, message)
      else await producer.produce(topic, partition, [message])
      this.#well()
    } catch (error) {
      const problem = error instanceof KafkaProblem ? error : unexpected(error)
      if (problem.kind === 'no topic' || problem.kind === 'busy') topics.forget(topic)
      if (problem.kind !== 'too large' && problem.kind !== 'refused') this.#unwell(problem)
      throw problem
    }
  }

  #result(batch: Batch, fates: readonly Fate[]): SendResult {
    let sent = 0
    const rejected: { items: number; reason: string; message: string }[] = []
    const again: Outgoing[] = []
    let problem: KafkaProblem | undefined
    for (const fate of fates) {
      if (fate.kind === 'sent') sent += fate.items
      else if (fate.kind === 'lost') rejected.push(fate)
      else {
        again.push(fate.record)
        problem ??= fate.problem
      }
    }
    if (problem === undefined) return rejected.length === 0 ? { sent } : { sent, rejected }
    if (sent === 0 && rejected.length === 0) {
      throw new Refused(problem.message, { status: statusOf(problem), cause: problem })
    }
    return { sent, rejected, retry: this.#retry(batch, again) }
  }

  /** A batch that stands for these records. */
  #retry(batch: Batch, records: readonly Outgoing[]): Batch {
    const parts = new Set(records.map(record => record.part.request))
    const items = records.reduce((sum, record) => sum + record.items, 0)
    const retry = batchOf(batch.signal, [...parts], items, batch.meta)
    this.#left.set(retry, records)
    return retry
  }

  #well(): void {
    if (this.#trouble === '') return
    if (this.#trouble !== undefined) this.#settings.log.info('Kafka takes records again')
    this.#trouble = ''
    this.#settings.host.report(this.#settings.name, { state: 'ok' })
  }

  /** Said once for each kind of trouble; what is tried again and given up is told by the queue. */
  #unwell(problem: KafkaProblem): void {
    if (this.#running === undefined) return
    const trouble = `${problem.kind} ${problem.code}`
    if (this.#trouble !== trouble) {
      this.#settings.log.error('Kafka does not take records', {
        kind: problem.kind,
        brokers: this.#config.brokers,
        detail: problem.message,
      })
    }
    this.#trouble = trouble
    const message = problem.message
    this.#settings.host.report(this.#settings.name, { state: 'recoverable_error', message })
  }
}

function stopped(): never {
  throw new KafkaProblem('busy', 'the exporter has stopped')
}

function unexpected(error: unknown): KafkaProblem {
  return new KafkaProblem('busy', `the Kafka client failed: ${error}`, { cause: error, unknown: true })
}

function statusOf({ kind }: KafkaProblem): StatusName {
  switch (kind) {
    case 'credentials':
      return 'UNAUTHENTICATED'
    case 'forbidden':
      return 'PERMISSION_DENIED'
    case 'no topic':
      return 'NOT_FOUND'
    default:
      return 'UNAVAILABLE'
  }
}

function partitionerKind({ record_partitioner }: KafkaConfig): PartitionerKind {
  if (record_partitioner.round_robin !== undefined) return 'round_robin'
  if (record_partitioner.least_backup !== undefined) return 'least_backup'
  return record_partitioner.sticky_key?.hasher ?? 'sarama_compat'
}

export const factory: ExporterFactory<KafkaConfig> = {
  kind: 'exporter',
  type: 'kafka',
  doc: 'Writes to Kafka: traces, metrics, logs and profiles to a topic each.',
  stability: 'beta',
  signals: SIGNALS,
  config,
  sending: config => config,
  liveSignals: true,
  create: (config, settings) => new KafkaExporter(config, settings),
}
