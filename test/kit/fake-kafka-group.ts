/** A group in a test's hands: it says what is assigned, delivers records, and sees what is committed and paused. */

import type { KafkaConnection } from '../../core/transport/kafka/client.ts'
import type {
  KafkaConsumer,
  KafkaConsuming,
  KafkaMember,
  KafkaPartition,
  KafkaPosition,
  KafkaRecord,
  KafkaTopics,
} from '../../core/transport/kafka/consumer.ts'
import type { KafkaProblem } from '../../core/transport/kafka/problem.ts'
import { eventually } from '../services/process.ts'
import { FakeKafka } from './fake-kafka.ts'

export class FakeConsumer implements KafkaConsumer {
  readonly consuming: KafkaConsuming
  readonly commits: (readonly KafkaPosition[])[] = []
  readonly paused = new Set<string>()
  readonly #ended = Promise.withResolvers<void>()
  member: KafkaMember | undefined
  closed = false
  commitFails: KafkaProblem | undefined
  /** By partition: how many records it was given. */
  readonly #delivered = new Map<string, number>()

  constructor(consuming: KafkaConsuming) {
    this.consuming = consuming
  }

  run(member: KafkaMember): Promise<void> {
    this.member = member
    return this.#ended.promise
  }

  pause(partitions: readonly KafkaPartition[]): void {
    for (const { topic, partition } of partitions) this.paused.add(`${topic}/${partition}`)
  }

  resume(partitions: readonly KafkaPartition[]): void {
    for (const { topic, partition } of partitions) this.paused.delete(`${topic}/${partition}`)
  }

  async commit(positions: readonly KafkaPosition[]): Promise<void> {
    if (this.commitFails !== undefined) throw this.commitFails
    this.commits.push(positions)
  }

  async close(): Promise<void> {
    this.closed = true
    this.#ended.resolve()
  }

  breakWith(problem: KafkaProblem): void {
    this.#ended.reject(problem)
  }

  /** Partitions 0 to n - 1 of the first topic, from offset 0 or what is committed. */
  assign(count: number, topic = this.consuming.topics[0]!): void {
    const positions = Array.from({ length: count }, (_, partition) => ({
      topic,
      partition,
      offset: this.committed(partition) ?? 0,
    }))
    for (const { partition, offset } of positions) this.#delivered.set(`${topic}/${partition}`, offset)
    this.paused.clear()
    this.member!.assigned(positions)
  }

  /** Records with these values, behind those that were delivered before. */
  deliver(
    values: readonly (Uint8Array | Partial<KafkaRecord>)[],
    partition = 0,
    topic = this.consuming.topics[0]!,
  ) {
    const key = `${topic}/${partition}`
    const first = this.#delivered.get(key) ?? 0
    const records = values.map((value, i): KafkaRecord => {
      const given = value instanceof Uint8Array ? { value } : value
      return { offset: first + i, timestamp: 0, key: undefined, value: undefined, headers: [], ...given }
    })
    const next = first + values.length
    this.#delivered.set(key, next)
    this.member!.fetched({ topic, partition, records, next, end: next })
  }

  /** The last offset that was committed for a partition. */
  committed(partition = 0): number | undefined {
    return this.commits.flat().findLast(one => one.partition === partition)?.offset
  }
}

export class FakeGroup {
  /** Topics that are there. */
  there: string[]
  listFails: KafkaProblem | undefined
  /** Every consumer that was opened, in order. */
  readonly consumers: FakeConsumer[] = []
  readonly producer = new FakeKafka()
  connection: KafkaConnection | undefined
  listed = 0

  constructor(...there: string[]) {
    this.there = there
  }

  /** For the receiver's constructor. */
  readonly clients = {
    openConsumer: async (_client: string, _connection: KafkaConnection, consuming: KafkaConsuming) => {
      const consumer = new FakeConsumer(consuming)
      this.consumers.push(consumer)
      return consumer
    },
    openProducer: this.producer.open,
    openTopics: async (_client: string, connection: KafkaConnection): Promise<KafkaTopics> => {
      this.connection = connection
      return {
        list: async () => {
          this.listed++
          if (this.listFails !== undefined) throw this.listFails
          return this.there
        },
        close: async () => undefined,
      }
    },
  }

  /** The nth consumer, once it runs. */
  consumer(nth = 0): Promise<FakeConsumer> {
    return eventually(
      () => (this.consumers[nth]?.member === undefined ? undefined : this.consumers[nth]),
      `consumer ${nth}`,
    )
  }
}
