/**
 * A KafkaConsumer on @platformatic/kafka. See consumer.ts.
 *
 * Its stream of messages is not used: it has no pause for single partitions, and after a rebalance it may still hold
 * messages from before, which cannot be told from others. There are two of its clients instead. One is the member of the
 * group; the other fetches (platformatic-fetcher.ts), so that a heartbeat never waits behind a long poll.
 */

import { Admin, Consumer, type ConsumerOptions, cooperativeStickyAssigner } from '@platformatic/kafka'
import { decodeOwned, type EagerStrategy, encodeOwned, type GroupMember, shareOut } from './assigners.ts'
import type { KafkaConnection } from './client.ts'
import {
  KAFKA_STRATEGIES,
  type KafkaConsumer,
  type KafkaConsuming,
  type KafkaMember,
  type KafkaPartition,
  type KafkaPosition,
  type KafkaTopics,
} from './consumer.ts'
import { platformaticOptions, problem } from './platformatic.ts'
import { Fetcher } from './platformatic-fetcher.ts'
import { answered, type KafkaProblem, silent } from './problem.ts'

/** For the answer to a join to come in. */
const JOIN_MORE_MS = 5_000

type BytesConsumer = Consumer<Buffer, Buffer, Buffer, Buffer>
type Options = ConsumerOptions<Buffer, Buffer, Buffer, Buffer>
type Assigner = NonNullable<Extract<Options, { partitionAssigner?: unknown }>['partitionAssigner']>
type Members = Parameters<Assigner>[1]

export function platformaticConsumer(connection: KafkaConnection, consuming: KafkaConsuming): KafkaConsumer {
  return new PlatformaticConsumer(connection, consuming)
}

class PlatformaticConsumer implements KafkaConsumer {
  readonly #connection: KafkaConnection
  readonly #consuming: KafkaConsuming
  readonly #where: string
  readonly #group: BytesConsumer
  readonly #fetcher: Fetcher
  readonly #ended = Promise.withResolvers<void>()
  #member: KafkaMember | undefined
  /** Counts assignments: what was begun for an earlier one is thrown away. */
  #round = 0
  /** Rejects the commit that is under way. */
  #cutCommit: ((why: KafkaProblem) => void) | undefined
  #closing: Promise<void> | undefined

  constructor(connection: KafkaConnection, consuming: KafkaConsuming) {
    this.#connection = connection
    this.#consuming = consuming
    this.#where = `group ${consuming.groupId}`
    const options = {
      ...platformaticOptions(connection),
      // A join waits for the slowest member.
      requestTimeout: Math.max(connection.requestTimeoutMs, consuming.rebalanceTimeoutMs + JOIN_MORE_MS),
      groupId: consuming.groupId,
      ...(consuming.groupInstanceId === '' ? {} : { groupInstanceId: consuming.groupInstanceId }),
      sessionTimeout: consuming.sessionTimeoutMs,
      rebalanceTimeout: consuming.rebalanceTimeoutMs,
      heartbeatInterval: consuming.heartbeatMs,
      // The version tells the assigner which of them the group took: nothing else does.
      protocols: consuming.strategies.map(name => ({ name, version: KAFKA_STRATEGIES.indexOf(name) })),
      protocolsMetadata: () => this.#beforeJoin(),
      partitionAssigner: assign,
      clientRack: consuming.rackId,
      autocommit: false,
    }
    this.#group = new Consumer(options as Options)
    this.#group.topics.trackAll(...consuming.topics)
    this.#fetcher = new Fetcher(connection, consuming, error => this.#fail(error))
    const on = (event: string, listener: (payload: never) => void) =>
      this.#group.on(event as never, listener as never)
    // An event called error that nobody hears ends the process.
    on('error', (error: Error) => this.#heard(error))
    on('consumer:group:join', ({ assignments }: { assignments?: Assigned }) =>
      this.#joined(assignments ?? []),
    )
    on('consumer:rejoin', () => {
      if (!this.#group.isActive()) this.#fail(silent(this.#where, 'it could not join again', false))
    })
    on('consumer:heartbeat:stalled', ({ lastError }: { lastError?: Error }) =>
      this.#fail(lastError ?? silent(this.#where, 'no heartbeat was answered', false)),
    )
  }

  #heard(error: Error): void {
    this.#connection.log.debug('Kafka client', { client: 'platformatic', detail: error.message })
  }

  #fail(error: unknown): void {
    this.#ended.reject(problem(error, this.#where, false))
  }

  async run(member: KafkaMember): Promise<void> {
    this.#member = member
    // Nobody waits for it while the member joins.
    this.#ended.promise.catch(() => undefined)
    this.#fetcher.deliverTo(member)
    try {
      await this.#group.joinGroup({})
    } catch (error) {
      if (this.#closing !== undefined) return
      throw problem(error, this.#where, false)
    }
    await this.#ended.promise
  }

  /** Asked for before each JoinGroup: what the sticky strategy tells the leader. */
  async #beforeJoin(): Promise<Buffer> {
    this.#round++
    this.#fetcher.assign([])
    // The package joins again when a commit is told that it must; the commit waits for that, so nobody may wait for it.
    this.#cutCommit?.(answered('REBALANCE_IN_PROGRESS', '', this.#where))
    await this.#member?.revoking()
    if (!this.#consuming.strategies.includes('sticky')) return Buffer.alloc(0)
    const owned = new Map((this.#group.assignments ?? []).map(one => [one.topic, one.partitions]))
    return encodeOwned(owned, owned.size === 0 ? -1 : this.#group.generationId)
  }

  #joined(assignments: Assigned): void {
    const round = ++this.#round
    this.#positions(assignments).then(
      positions => {
        if (round !== this.#round) return
        this.#member?.assigned(positions)
        this.#fetcher.assign(positions)
      },
      error => {
        if (round === this.#round) this.#fail(error)
      },
    )
  }

  /** Where the group has come to, or where it is to begin. */
  async #positions(assignments: Assigned): Promise<KafkaPosition[]> {
    const topics = assignments.filter(one => one.partitions.length > 0)
    if (topics.length === 0) return []
    const committed = await this.#group.listCommittedOffsets({
      topics: topics.map(({ topic, partitions }) => ({ topic, partitions: [...partitions] })),
    })
    const positions: KafkaPosition[] = []
    const fresh: KafkaPartition[] = []
    for (const { topic, partitions } of topics) {
      for (const partition of partitions) {
        const offset = Number(committed.get(topic)?.[partition] ?? -1n)
        if (offset >= 0) positions.push({ topic, partition, offset })
        else fresh.push({ topic, partition })
      }
    }
    return [...positions, ...(await this.#fetcher.begin(fresh))]
  }

  pause(partitions: readonly KafkaPartition[]): void {
    this.#fetcher.pause(partitions)
  }

  resume(partitions: readonly KafkaPartition[]): void {
    this.#fetcher.resume(partitions)
  }

  /**
   * When the group has moved on the package joins again, commits once more and then resolves. Nobody waits for that:
   * what was done may belong to others by then.
   */
  async commit(positions: readonly KafkaPosition[]): Promise<void> {
    const where = `${this.#where}, committing`
    if (this.#cutCommit !== undefined) throw silent(where, 'another commit is under way', false)
    const cut = Promise.withResolvers<never>()
    this.#cutCommit = cut.reject
    const offsets = positions.map(one => ({ ...one, offset: BigInt(one.offset), leaderEpoch: -1 }))
    try {
      const committed = this.#group.commit({ offsets })
      // It may settle after nobody waits for it any more.
      committed.catch(() => undefined)
      await Promise.race([committed, cut.promise])
    } catch (error) {
      throw problem(error, where, true)
    } finally {
      this.#cutCommit = undefined
    }
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    this.#round++
    this.#fetcher.assign([])
    // A static member does not say goodbye: it keeps its partitions for whoever comes under its name within the session.
    // The package tells the group of every member that it knows the id of.
    if (this.#consuming.groupInstanceId !== '') this.#group.memberId = null
    try {
      await this.#group.leaveGroup(true)
    } catch (error) {
      this.#heard(error as Error)
    }
    await Promise.all([
      this.#group.close(true).catch((error: Error) => this.#heard(error)),
      this.#fetcher.close(),
    ])
    this.#ended.resolve()
  }
}

type Assigned = readonly { readonly topic: string; readonly partitions: readonly number[] }[]

/** As the leader. `metadata` has the topics of all members, `topics` only ours. */
const assign: Assigner = (current, members, _topics, metadata) => {
  const strategy = KAFKA_STRATEGIES[members.get(current)?.version ?? 0]!
  const counts = new Map([...metadata.topics].map(([topic, { partitionsCount }]) => [topic, partitionsCount]))
  if (strategy === 'cooperative-sticky')
    return cooperativeStickyAssigner(current, members, new Set(counts.keys()), metadata)
  return [...shareOut(strategy satisfies EagerStrategy, group(members), counts)].map(([memberId, share]) => ({
    memberId,
    assignments: new Map([...share].map(([topic, partitions]) => [topic, { topic, partitions }])),
  }))
}

function group(members: Members): GroupMember[] {
  return [...members].map(([id, { topics = [], metadata }]) => {
    const owned =
      metadata === undefined || metadata.length === 0 ? undefined : decodeOwned(Buffer.from(metadata))
    return { id, topics, ...owned }
  })
}

export function platformaticTopics(connection: KafkaConnection): KafkaTopics {
  const admin = new Admin(platformaticOptions(connection))
  admin.on('error' as never, (() => undefined) as never)
  return {
    async list() {
      try {
        return (await admin.listTopics()).filter(name => !name.startsWith('__'))
      } catch (error) {
        throw problem(error, connection.brokers.join(', '), false)
      }
    },
    async close() {
      await admin.close().catch(() => undefined)
    },
  }
}
