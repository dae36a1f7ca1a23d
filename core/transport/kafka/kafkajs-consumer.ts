/** A KafkaConsumer on kafkajs. See consumer.ts; kafkajs-group.ts has what kafkajs does not offer by itself. */

import { decodeOwned, type EagerStrategy, encodeOwned, type GroupMember, shareOut } from './assigners.ts'
import type { KafkaConnection, KafkaHeader } from './client.ts'
import type {
  KafkaConsumer,
  KafkaConsuming,
  KafkaMember,
  KafkaPartition,
  KafkaPosition,
  KafkaRecord,
  KafkaTopics,
} from './consumer.ts'
import { AssignerProtocol, kafkaJs, problem } from './kafkajs.ts'
import { groupListeners, type KafkaJsGroup } from './kafkajs-group.ts'
import { silent } from './problem.ts'

type Kafka = ReturnType<typeof kafkaJs>
type Consumer = ReturnType<Kafka['consumer']>
type Options = Parameters<Kafka['consumer']>[0]
type Assigner = NonNullable<Options['partitionAssigners']>[number]
type Cluster = Parameters<Assigner>[0]['cluster'] & {
  addMultipleTargetTopics(topics: readonly string[]): Promise<void>
}
type EachBatch = NonNullable<NonNullable<Parameters<Consumer['run']>[0]>['eachBatch']>
type Message = Parameters<EachBatch>[0]['batch']['messages'][number]

export function kafkaJsConsumer(connection: KafkaConnection, consuming: KafkaConsuming): KafkaConsumer {
  return new KafkaJsConsumer(connection, consuming)
}

class KafkaJsConsumer implements KafkaConsumer {
  readonly #connection: KafkaConnection
  readonly #consuming: KafkaConsuming
  readonly #consumer: Consumer
  readonly #ended = Promise.withResolvers<void>()
  #member: KafkaMember | undefined
  #group: KafkaJsGroup | undefined
  /** For the sticky strategy. */
  readonly #owned = new Map<string, number[]>()
  #generation = -1
  #closing: Promise<void> | undefined

  constructor(connection: KafkaConnection, consuming: KafkaConsuming) {
    this.#connection = connection
    this.#consuming = consuming
    const { retries, retryBackoffMs, metadataMaxAgeMs } = connection
    const eager = consuming.strategies.filter(one => one !== 'cooperative-sticky')
    this.#consumer = kafkaJs(connection).consumer({
      groupId: consuming.groupId,
      partitionAssigners: eager.map((strategy, i) => this.#assigner(strategy, i === 0)),
      sessionTimeout: consuming.sessionTimeoutMs,
      rebalanceTimeout: consuming.rebalanceTimeoutMs,
      heartbeatInterval: consuming.heartbeatMs,
      minBytes: consuming.minBytes,
      maxBytes: consuming.maxBytes,
      maxBytesPerPartition: consuming.maxPartitionBytes,
      // It sends heartbeats between fetches.
      maxWaitTimeInMs: Math.min(consuming.maxWaitMs, consuming.heartbeatMs),
      metadataMaxAge: metadataMaxAgeMs,
      allowAutoTopicCreation: false,
      readUncommitted: true,
      rackId: consuming.rackId,
      // After these tries it crashes, and whoever runs it opens another one.
      retry: { retries, initialRetryTime: retryBackoffMs, restartOnFailure: async () => false },
    })
  }

  #assigner(strategy: EagerStrategy, listens: boolean): Assigner {
    return ({ cluster }) => {
      const assigner: ReturnType<Assigner> = {
        name: strategy,
        version: 0,
        assign: async ({ members }) => shares(strategy, members, cluster as Cluster),
        protocol: ({ topics }) => {
          const userData =
            strategy === 'sticky' ? encodeOwned(this.#owned, this.#generation) : Buffer.alloc(0)
          return {
            name: strategy,
            metadata: AssignerProtocol.MemberMetadata.encode({ version: 0, topics, userData }),
          }
        },
      }
      if (listens) groupListeners.set(assigner, this.#listener)
      return assigner
    }
  }

  get #listener() {
    return {
      joining: async () => {
        await this.#member?.revoking()
      },
      joined: (
        group: KafkaJsGroup,
        generation: number,
        positions: readonly { topic: string; partition: number; offset: string }[],
      ) => {
        this.#group = group
        this.#generation = generation
        this.#owned.clear()
        for (const { topic, partition } of positions) {
          const partitions = this.#owned.get(topic)
          if (partitions === undefined) this.#owned.set(topic, [partition])
          else partitions.push(partition)
        }
        this.#member?.assigned(positions.map(one => ({ ...one, offset: Number(one.offset) })))
      },
      outOfRange: (topic: string, partition: number) => this.#member?.outOfRange({ topic, partition }),
    }
  }

  async run(member: KafkaMember): Promise<void> {
    this.#member = member
    const { groupId, topics, from } = this.#consuming
    const where = `group ${groupId}`
    this.#consumer.on('consumer.crash', ({ payload }) =>
      this.#ended.reject(problem(payload.error, where, false)),
    )
    // Nobody waits for it while the consumer starts.
    this.#ended.promise.catch(() => undefined)
    try {
      await this.#consumer.connect()
      await this.#consumer.subscribe({ topics: [...topics], fromBeginning: from === 'earliest' })
      if (this.#closing !== undefined) return
      await this.#consumer.run({ autoCommit: false, eachBatch: async ({ batch }) => this.#handOver(batch) })
    } catch (error) {
      throw problem(error, where, false)
    }
    await this.#ended.promise
  }

  #handOver(batch: Parameters<EachBatch>[0]['batch']): void {
    this.#member?.fetched({
      topic: batch.topic,
      partition: batch.partition,
      records: batch.messages.map(toRecord),
      next: Number(batch.lastOffset()) + 1,
      end: Number(batch.highWatermark),
    })
  }

  pause(partitions: readonly KafkaPartition[]): void {
    this.#consumer.pause(byTopic(partitions))
  }

  resume(partitions: readonly KafkaPartition[]): void {
    this.#consumer.resume(byTopic(partitions))
  }

  async commit(positions: readonly KafkaPosition[]): Promise<void> {
    const where = `group ${this.#consuming.groupId}, committing`
    if (this.#group === undefined) throw silent(where, 'it has not joined', false)
    const topics = positions.map(({ topic, partition, offset }) => ({
      topic,
      partitions: [{ partition, offset: String(offset) }],
    }))
    try {
      await this.#group.offsetManager.commitOffsets({ topics })
    } catch (error) {
      throw problem(error, where, true)
    }
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    try {
      await this.#consumer.disconnect()
    } catch (error) {
      this.#connection.log.debug('Kafka client', { client: 'kafkajs', detail: String(error) })
    } finally {
      this.#ended.resolve()
    }
  }
}

function byTopic(partitions: readonly KafkaPartition[]) {
  return partitions.map(({ topic, partition }) => ({ topic, partitions: [partition] }))
}

function toRecord({ offset, timestamp, key, value, headers }: Message): KafkaRecord {
  return {
    offset: Number(offset),
    timestamp: Number(timestamp),
    key: key ?? undefined,
    value: value ?? undefined,
    headers: headers === undefined ? NO_HEADERS : toHeaders(headers),
  }
}

const NO_HEADERS: readonly KafkaHeader[] = Object.freeze([])

function toHeaders(headers: NonNullable<Message['headers']>): readonly KafkaHeader[] {
  const list: KafkaHeader[] = []
  for (const [name, values] of Object.entries(headers)) {
    for (const value of Array.isArray(values) ? values : [values]) {
      list.push({ name, value: typeof value === 'string' ? Buffer.from(value) : (value ?? EMPTY) })
    }
  }
  return list
}

const EMPTY = new Uint8Array(0)

/** As the leader: other members may want topics that we do not. */
async function shares(
  strategy: EagerStrategy,
  members: readonly { memberId: string; memberMetadata: Buffer }[],
  cluster: Cluster,
) {
  const group = members.map(({ memberId, memberMetadata }) => memberOf(memberId, memberMetadata))
  const counts = new Map<string, number>()
  for (const topic of new Set(group.flatMap(one => one.topics))) {
    // One that is not there, or that we may not see, is left to the next time.
    await cluster.addMultipleTargetTopics([topic]).catch(() => undefined)
    counts.set(topic, cluster.findTopicPartitionMetadata(topic).length)
  }
  return [...shareOut(strategy, group, counts)].map(([memberId, share]) => ({
    memberId,
    memberAssignment: AssignerProtocol.MemberAssignment.encode({
      version: 0,
      assignment: Object.fromEntries(share),
      userData: Buffer.alloc(0),
    }),
  }))
}

function memberOf(id: string, metadata: Buffer): GroupMember {
  const { topics, userData } = AssignerProtocol.MemberMetadata.decode(metadata)!
  // Empty is null on the wire for some clients.
  const owned = userData === null || userData.length === 0 ? undefined : decodeOwned(userData)
  return { id, topics, ...owned }
}

export function kafkaJsTopics(connection: KafkaConnection): KafkaTopics {
  const admin = kafkaJs(connection).admin({
    retry: { retries: connection.retries, initialRetryTime: connection.retryBackoffMs },
  })
  let connecting: Promise<void> | undefined
  return {
    async list() {
      try {
        connecting ??= admin.connect()
        await connecting
        return (await admin.listTopics()).filter(name => !name.startsWith('__'))
      } catch (error) {
        connecting = undefined
        throw problem(error, connection.brokers.join(', '), false)
      }
    },
    async close() {
      await admin.disconnect().catch(() => undefined)
    },
  }
}
