/**
 * `kafka`: reads from Kafka, as a member of a consumer group.
 *
 *     receivers:
 *       kafka:
 *         brokers: [kafka-1:9092, kafka-2:9092]
 *         group_id: sluice
 *         traces: {topics: [spans], encoding: otlp_proto}
 *         logs: {topics: ["^logs-.*"]}
 *
 * The Collector's keys (receiver/kafkareceiver 0.155). An offset is committed only once the pipeline took the record.
 * docs/kafka-receiver.md has what users should know.
 *
 * Topics that are wanted are looked up; a consumer is opened for those that are there and runs until something breaks
 * or the topics change; then another one is opened.
 */

import { setTimeout as sleep } from 'node:timers/promises'
import type { Receiver, ReceiverFactory, Settings } from '../../core/component/contract.ts'
import { Backoff } from '../../core/component/retry.ts'
import { SIGNALS, type Signal } from '../../core/otlp/signals.ts'
import type { KafkaConnection, KafkaMessage, KafkaProducer } from '../../core/transport/kafka/client.ts'
import { kafkaConnection } from '../../core/transport/kafka/config.ts'
import type { KafkaConsuming, KafkaTopics } from '../../core/transport/kafka/consumer.ts'
import { deadLetters } from '../../core/transport/kafka/dead-letter.ts'
import { openConsumer, openProducer, openTopics } from '../../core/transport/kafka/open.ts'
import { KafkaProblem } from '../../core/transport/kafka/problem.ts'
import { config, type KafkaReceiverConfig, readingOf, strategiesOf } from './config.ts'
import { type Consumers, Handler } from './handler.ts'
import { Intake, type IntakeRules } from './intake.ts'
import { KAFKA_RECEIVER_METRICS, ReceiverMeters } from './metrics.ts'
import { Topics } from './topics.ts'

/** How the receiver gets at clients; tests give their own. */
export interface Clients {
  readonly openConsumer: typeof openConsumer
  readonly openProducer: typeof openProducer
  readonly openTopics: typeof openTopics
}

const CLIENTS: Clients = { openConsumer, openProducer, openTopics }

/** How long brokers may take to answer; a join may take as long as others take to give back. */
const REQUEST_MS = 30_000
const REBALANCE_MS = 60_000

/** A topic that is wanted by name and is not there is looked for this often. */
const MISSING_MS = 5_000

/** Between two consumers, when the first one broke. */
const REOPEN = {
  enabled: true,
  initial_interval: 250,
  randomization_factor: 0.5,
  multiplier: 2,
  max_interval: 2_000,
  max_elapsed_time: 0,
}

/** Of the time to stop, this share is for what is under way, the rest for leaving the group. */
const DRAIN_SHARE = 0.7

export class KafkaReceiver implements Receiver {
  readonly #config: KafkaReceiverConfig
  readonly #settings: Settings
  readonly #next: Consumers
  readonly #clients: Clients
  readonly #stopping = new AbortController()
  #serving: Promise<void> | undefined
  #topics: KafkaTopics | undefined
  #producer: Promise<KafkaProducer> | undefined
  #intake: Intake | undefined
  #deadline = 0
  /** What is wrong, '' when nothing is; undefined before anything was tried. */
  #trouble: string | undefined
  #reopen = new Backoff(REOPEN, 0)

  constructor(config: KafkaReceiverConfig, settings: Settings, next: Consumers, clients: Clients = CLIENTS) {
    this.#config = config
    this.#settings = settings
    this.#next = next
    this.#clients = clients
  }

  /** Brokers that are not there are no reason not to start. Throws for what only the user can mend. */
  async start(): Promise<void> {
    const { client, telemetry } = this.#config
    const { metrics, id } = this.#settings
    const connection = kafkaConnection(this.#config, this.#settings, REQUEST_MS)
    const wanted = SIGNALS.filter(signal => this.#next[signal] !== undefined)
    const topics = new Topics(
      new Map(wanted.map((signal: Signal) => [signal, readingOf(this.#config, signal)])),
    )
    const meters = new ReceiverMeters(metrics, id, telemetry.metrics.kafka_receiver_records_delay.enabled)
    const handler = new Handler(
      this.#config,
      this.#settings,
      this.#next,
      meters,
      this.#config.dead_letter &&
        deadLetters(this.#config.dead_letter, (topic, message) => this.#produce(connection, topic, message)),
    )
    this.#topics = await this.#clients.openTopics(client, connection)
    const unobserve = meters.observeBytes(() => this.#intake?.bytes ?? 0)
    this.#serving = this.#serve(connection, topics, handler, meters).finally(unobserve)
  }

  async stop(deadline: number): Promise<void> {
    this.#deadline = deadline
    this.#stopping.abort()
    await this.#serving
    this.#serving = undefined
    const producer = this.#producer
    this.#producer = undefined
    const closed = Promise.all([
      this.#topics?.close(),
      producer?.then(one => one.close()).catch(() => undefined),
    ])
    // A client that is still trying to connect may take its time over that.
    await Promise.race([closed, pause(Math.max(0, deadline - performance.now()))])
  }

  async #serve(
    connection: KafkaConnection,
    topics: Topics,
    handler: Handler,
    meters: ReceiverMeters,
  ): Promise<void> {
    const { signal } = this.#stopping
    while (!signal.aborted) {
      try {
        const list = await unlessAborted(this.#topics!.list(), signal)
        if (list === undefined) return
        const there = topics.of(list)
        if (there.length > 0) await this.#read(connection, topics, there, handler, meters)
        else await this.#nothingThere(topics)
      } catch (error) {
        if (signal.aborted) return
        this.#unwell(asProblem(error))
        await pause(this.#reopen.next(performance.now())!, signal)
      }
    }
  }

  async #nothingThere(topics: Topics): Promise<void> {
    const wanted = topics.named.length > 0 ? topics.named.join(', ') : 'one that matches the patterns'
    this.#unwell(new KafkaProblem('no topic', `topic ${wanted}: it is not there yet; it is looked for again`))
    await pause(this.#lookEvery(topics, []), this.#stopping.signal)
  }

  #lookEvery(topics: Topics, there: readonly string[]): number {
    const { refresh_interval } = this.#config.metadata
    const missing = topics.named.some(topic => !there.includes(topic))
    return missing ? Math.min(MISSING_MS, refresh_interval) : refresh_interval
  }

  /** One consumer, from its opening to its end: it broke, the topics are others now, or the gateway stops. */
  async #read(
    connection: KafkaConnection,
    topics: Topics,
    there: readonly string[],
    handler: Handler,
    meters: ReceiverMeters,
  ): Promise<void> {
    const { signal } = this.#stopping
    const consumer = await this.#clients.openConsumer(this.#config.client, connection, this.#consuming(there))
    const events = {
      handle: handler.handle.bind(handler),
      joined: (partitions: number) => this.#well(there, partitions),
      troubled: (problem: KafkaProblem | undefined) =>
        problem === undefined ? this.#well(there) : this.#unwell(problem),
    }
    const intake = new Intake(consumer, topics, this.#rules(), events, meters, this.#settings.log)
    this.#intake = intake
    const over = new AbortController()
    const changed = this.#topicsChanged(topics, there, over.signal)
    try {
      await unlessAborted(Promise.race([consumer.run(intake), changed]), signal)
    } finally {
      over.abort()
      const left = signal.aborted ? (this.#deadline - performance.now()) * DRAIN_SHARE : this.#revokeMs
      await intake.stop(left)
      const patience = signal.aborted ? this.#deadline - performance.now() : REQUEST_MS
      await Promise.race([consumer.close(), pause(Math.max(0, patience))])
    }
  }

  /** Resolves when the topics to read are not `there` any more; brokers that do not answer now are asked again. */
  async #topicsChanged(topics: Topics, there: readonly string[], signal: AbortSignal): Promise<void> {
    const known = there.join()
    while (!signal.aborted) {
      if (!topics.patterns && topics.named.length === there.length)
        return unlessAborted(new Promise<never>(() => undefined), signal)
      await pause(this.#lookEvery(topics, there), signal)
      if (signal.aborted) return
      const now = await this.#topics!.list().catch(() => undefined)
      const wanted = now === undefined ? known : topics.of(now).join()
      if (wanted !== known) {
        this.#settings.log.info('The topics to read have changed', { before: known, now: wanted })
        return
      }
    }
  }

  #consuming(topics: readonly string[]): KafkaConsuming {
    const config = this.#config
    return {
      groupId: config.group_id,
      groupInstanceId: config.client === 'platformatic' ? this.#instanceId : '',
      topics,
      from: config.initial_offset,
      sessionTimeoutMs: config.session_timeout,
      rebalanceTimeoutMs: Math.max(REBALANCE_MS, config.session_timeout),
      heartbeatMs: config.heartbeat_interval,
      strategies: strategiesOf(config),
      minBytes: config.min_fetch_size,
      maxBytes: config.max_fetch_size,
      maxPartitionBytes: config.max_partition_fetch_size,
      maxWaitMs: Math.min(config.max_fetch_wait, REQUEST_MS / 2),
      rackId: config.rack_id,
    }
  }

  /** Each worker is a member of its own: two with one name would throw each other out for ever. */
  get #instanceId(): string {
    const { group_instance_id: id } = this.#config
    const { worker } = this.#settings.host
    return id === '' || worker === undefined ? id : `${id}-${worker}`
  }

  #rules(): IntakeRules {
    const { autocommit, message_marking } = this.#config
    return {
      maxBytes: this.#config.max_bytes_in_flight,
      maxPartitionBytes: this.#config.max_partition_fetch_size,
      window: this.#config.max_records_in_flight,
      before: !message_marking.after,
      commitEveryMs: autocommit.enable ? autocommit.interval : undefined,
      revokeMs: this.#revokeMs,
    }
  }

  /** Waiting and committing may take this each: together with the last heartbeat that is less than the session. */
  get #revokeMs(): number {
    const { session_timeout, heartbeat_interval } = this.#config
    return Math.max(100, (session_timeout - heartbeat_interval) / 2 - 350)
  }

  async #produce(connection: KafkaConnection, topic: string, message: KafkaMessage): Promise<void> {
    this.#producer ??= this.#clients.openProducer(this.#config.client, connection, {
      acks: -1,
      compression: 'none',
      compressionLevel: 0,
      createTopics: true,
      idempotent: false,
    })
    const producer = await this.#producer
    const { writable } = await producer.topic(topic)
    if (writable.length === 0) throw new KafkaProblem('busy', `topic ${topic}: no partition has a leader`)
    await producer.produce(topic, writable[Math.floor(Math.random() * writable.length)]!, [message])
  }

  #well(topics: readonly string[], partitions?: number): void {
    this.#reopen = new Backoff(REOPEN, 0)
    if (this.#trouble === '') return
    const count = partitions === undefined ? {} : { partitions }
    this.#settings.log.info('Reading from Kafka', { group: this.#config.group_id, topics, ...count })
    this.#trouble = ''
    this.#settings.host.report(this.#settings.name, { state: 'ok' })
  }

  /** Said once for each kind of trouble. */
  #unwell(problem: KafkaProblem): void {
    if (this.#stopping.signal.aborted) return
    const trouble = `${problem.kind} ${problem.code}`
    if (this.#trouble !== trouble) {
      this.#settings.log.error('Kafka cannot be read', {
        kind: problem.kind,
        brokers: this.#config.brokers,
        detail: problem.message + this.#advice(problem),
      })
    }
    this.#trouble = trouble
    this.#settings.host.report(this.#settings.name, {
      state: 'recoverable_error',
      message: problem.message + this.#advice(problem),
    })
  }

  #advice({ code }: KafkaProblem): string {
    if (code !== 'INCONSISTENT_GROUP_PROTOCOL') return ''
    const ours = strategiesOf(this.#config).join(', ')
    const other =
      this.#config.client === 'kafkajs'
        ? 'client: platformatic can do cooperative-sticky; else write '
        : 'write '
    return `; the other members of the group share out partitions by none of ${ours}: ${other}their group_rebalance_strategies, or another group_id`
  }
}

function asProblem(error: unknown): KafkaProblem {
  if (error instanceof KafkaProblem) return error
  return new KafkaProblem('busy', `the Kafka client failed: ${error}`, { cause: error })
}

/** Ends early, and without an error, when the signal is given. */
async function pause(ms: number, signal?: AbortSignal): Promise<void> {
  await sleep(ms, undefined, signal === undefined ? { ref: false } : { signal }).catch(() => undefined)
}

/** As `what`, but undefined once the signal is given. Leaves nothing behind on a signal that lives long. */
async function unlessAborted<T>(what: Promise<T>, signal: AbortSignal): Promise<T | undefined> {
  const { promise, resolve } = Promise.withResolvers<undefined>()
  if (signal.aborted) resolve(undefined)
  const end = () => resolve(undefined)
  signal.addEventListener('abort', end)
  try {
    return await Promise.race([what, promise])
  } finally {
    signal.removeEventListener('abort', end)
  }
}

export const factory: ReceiverFactory<KafkaReceiverConfig> = {
  kind: 'receiver',
  type: 'kafka',
  doc: 'Reads from Kafka: traces, metrics, logs and profiles, from topics of their own.',
  stability: 'beta',
  signals: SIGNALS,
  config,
  metrics: KAFKA_RECEIVER_METRICS,
  create: (config, settings, next) => new KafkaReceiver(config, settings, next),
}
