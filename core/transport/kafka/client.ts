/**
 * Kafka as the exporter and the receiver see it: what a client must be able to do, and nothing of how it does it.
 *
 * Two packages do it, each known to one file: `kafkajs` (kafkajs.ts, the default) and `@platformatic/kafka`
 * (platformatic.ts, `client: platformatic`). open.ts loads the one that the config names; a gateway does not carry the
 * other. What fails in either becomes a KafkaProblem (problem.ts).
 *
 * A client does one thing at a time as it is told: it does not batch, choose partitions or try again for long. Short
 * disturbances (a leader that moved, a connection that broke) it sits out, `retries` times; beyond that it throws.
 */

import type { Logger } from '../../telemetry/log.ts'
import type { ClientTls } from '../tls.ts'

export const KAFKA_CLIENTS = ['kafkajs', 'platformatic'] as const
export type KafkaClientName = (typeof KAFKA_CLIENTS)[number]

export const KAFKA_COMPRESSIONS = ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const
export type KafkaCompression = (typeof KAFKA_COMPRESSIONS)[number]

export type KafkaLogin =
  | {
      readonly mechanism: 'PLAIN' | 'SCRAM-SHA-256' | 'SCRAM-SHA-512'
      readonly username: string
      /** Not printed: this object never reaches a log. */
      readonly password: string
    }
  | {
      readonly mechanism: 'OAUTHBEARER'
      /** Asked for each connection, and again before the token ends. */
      readonly token: () => Promise<string>
    }

/** How to reach a cluster. Times in ms. */
export interface KafkaConnection {
  /** `host:port` of brokers to ask first. */
  readonly brokers: readonly string[]
  readonly clientId: string
  readonly tls?: ClientTls | undefined
  readonly login?: KafkaLogin | undefined
  readonly connectTimeoutMs: number
  /** How long a broker may take to answer one request. */
  readonly requestTimeoutMs: number
  /** How often, and after which wait, a client tries again by itself. */
  readonly retries: number
  readonly retryBackoffMs: number
  /** What is known of topics and leaders is asked for again after this long. */
  readonly metadataMaxAgeMs: number
  readonly log: Logger
}

export interface KafkaProducing {
  /** 0: nobody answers. 1: the leader has it. -1: all replicas in sync have it. */
  readonly acks: -1 | 0 | 1
  readonly compression: KafkaCompression
  /** -1 and 0 are the codec's default (codecs.ts). */
  readonly compressionLevel: number
  /** Let the broker make a topic that is not there; it may be told not to. */
  readonly createTopics: boolean
  /** The broker drops what it has already: needs acks -1, and only one batch is on its way at a time. */
  readonly idempotent: boolean
}

export interface KafkaHeader {
  readonly name: string
  readonly value: Uint8Array
}

export interface KafkaMessage {
  readonly key: Uint8Array | undefined
  readonly value: Uint8Array
  /** In order; a name may be there several times. */
  readonly headers: readonly KafkaHeader[]
}

export interface KafkaTopic {
  /** How many partitions it has. They are numbered from 0. */
  readonly partitions: number
  /** Those that have a leader now. */
  readonly writable: readonly number[]
}

export interface KafkaProducer {
  /**
   * Connects and logs in. Throws a KafkaProblem when that cannot be done now; `topic` and `produce` connect as well, so
   * it may be left to them.
   */
  connect(): Promise<void>
  /** Asks the cluster. Makes the topic when that is allowed and it is not there. */
  topic(name: string): Promise<KafkaTopic>
  /**
   * Appends one record batch to a partition; resolves when it was acknowledged as `acks` says. When it throws, all of
   * it may be sent again: nothing was written, or that is not known (`KafkaProblem.unknown`).
   */
  produce(topic: string, partition: number, messages: readonly KafkaMessage[]): Promise<void>
  /** Closes connections; what is on its way fails. Safe twice. */
  close(): Promise<void>
}
