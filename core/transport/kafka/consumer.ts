/**
 * Reading from Kafka as the receiver sees it: a member of a consumer group that is handed records, and nothing of how a
 * client does it. Two packages do it, as for writing (client.ts): kafkajs-consumer.ts and platformatic-consumer.ts.
 *
 * A client fetches, sends heartbeats and joins again when the group changes. It commits nothing by itself and does not
 * wait for what it handed over: whoever takes records says when there is no more room (`pause`) and what is done
 * (`commit`). It never tries for long; when it cannot go on, `run` throws and a new one has to be opened.
 */

import type { KafkaHeader } from './client.ts'
import type { KafkaProblem } from './problem.ts'

/** How a group shares out partitions, by the names that all clients use. */
export const KAFKA_STRATEGIES = ['range', 'roundrobin', 'sticky', 'cooperative-sticky'] as const
export type KafkaStrategy = (typeof KAFKA_STRATEGIES)[number]

/** How to take part in a group. Times in ms, sizes in bytes. */
export interface KafkaConsuming {
  readonly groupId: string
  /** A static member (KIP-345); '' for none. */
  readonly groupInstanceId: string
  /** They must exist. */
  readonly topics: readonly string[]
  /** Where to begin in a partition that the group has no offset for. */
  readonly from: 'latest' | 'earliest'
  readonly sessionTimeoutMs: number
  readonly rebalanceTimeoutMs: number
  readonly heartbeatMs: number
  /** Most wanted first; the group takes the first that all members have. */
  readonly strategies: readonly KafkaStrategy[]
  readonly minBytes: number
  readonly maxBytes: number
  readonly maxPartitionBytes: number
  readonly maxWaitMs: number
  readonly rackId: string
}

export interface KafkaPartition {
  readonly topic: string
  readonly partition: number
}

/** A place between two records: `offset` is that of the next one. Exact up to 2^53. */
export interface KafkaPosition extends KafkaPartition {
  readonly offset: number
}

export interface KafkaRecord {
  readonly offset: number
  /** ms since the epoch. */
  readonly timestamp: number
  readonly key: Uint8Array | undefined
  /** Undefined: a tombstone. */
  readonly value: Uint8Array | undefined
  readonly headers: readonly KafkaHeader[]
}

export interface KafkaFetched extends KafkaPartition {
  /** In order; may be empty where there were only control records. */
  readonly records: readonly KafkaRecord[]
  /** Behind the last record that was read, control records included. */
  readonly next: number
  /** Offset behind the partition's last record. */
  readonly end: number
}

/** Who is told. All but `revoking` return at once and must not throw. */
export interface KafkaMember {
  /** It has joined: these are its partitions from now on, no others, and where reading begins in each. */
  assigned(positions: readonly KafkaPosition[]): void
  /**
   * The group shares out anew, all partitions may go. Resolves when what was done is committed; must take less than half
   * a session timeout, because no heartbeat is sent meanwhile. What comes after it belongs to the next assignment.
   */
  revoking(): Promise<void>
  fetched(some: KafkaFetched): void
  /** The partition no longer has the wanted offset; reading goes on where `from` says. */
  outOfRange(where: KafkaPartition): void
  /** Something failed and is tried again; `undefined`: it works again. */
  troubled(problem: KafkaProblem | undefined): void
}

export interface KafkaConsumer {
  /** Joins and reads until `close`. Throws a KafkaProblem when it cannot go on. Once only. */
  run(member: KafkaMember): Promise<void>
  /** Nothing more is fetched from these; what is under way may still come. Until the next assignment. */
  pause(partitions: readonly KafkaPartition[]): void
  resume(partitions: readonly KafkaPartition[]): void
  /** Only of partitions that are assigned. One attempt; throws a KafkaProblem. */
  commit(positions: readonly KafkaPosition[]): Promise<void>
  /** Leaves the group. Safe twice, and before `run`. */
  close(): Promise<void>
}

/** What topics there are. */
export interface KafkaTopics {
  /** Names of all topics that may be seen; not Kafka's own. Throws a KafkaProblem. */
  list(): Promise<readonly string[]>
  close(): Promise<void>
}
