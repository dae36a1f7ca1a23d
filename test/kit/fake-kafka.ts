/** A Kafka cluster in a test's hands: what was appended, and what fails. */

import type {
  KafkaConnection,
  KafkaMessage,
  KafkaProducer,
  KafkaProducing,
  KafkaTopic,
} from '../../core/transport/kafka/client.ts'
import { KafkaProblem } from '../../core/transport/kafka/problem.ts'

export interface Appended {
  readonly topic: string
  readonly partition: number
  readonly messages: readonly KafkaMessage[]
}

export class FakeKafka implements KafkaProducer {
  /** Record batches in the order they came. */
  readonly appended: Appended[] = []
  /** How often a topic was asked for. */
  readonly asked: string[] = []
  closed = 0
  connection: KafkaConnection | undefined
  producing: KafkaProducing | undefined
  partitions = 1
  /** What a topic has; undefined topics have `partitions`. */
  readonly topics = new Map<string, KafkaTopic>()
  /** Thrown instead of appending. */
  fail: (topic: string, partition: number, messages: readonly KafkaMessage[]) => KafkaProblem | undefined =
    () => undefined
  connectFails: KafkaProblem | undefined
  topicFails: KafkaProblem | undefined

  /** For the exporter's constructor, in the place of openProducer. */
  readonly open = async (
    _client: string,
    connection: KafkaConnection,
    producing: KafkaProducing,
  ): Promise<KafkaProducer> => {
    this.connection = connection
    this.producing = producing
    return this
  }

  async connect(): Promise<void> {
    if (this.connectFails !== undefined) throw this.connectFails
  }

  async topic(name: string): Promise<KafkaTopic> {
    this.asked.push(name)
    if (this.topicFails !== undefined) throw this.topicFails
    const writable = Array.from({ length: this.partitions }, (_, i) => i)
    return this.topics.get(name) ?? { partitions: this.partitions, writable }
  }

  async produce(topic: string, partition: number, messages: readonly KafkaMessage[]): Promise<void> {
    const problem = this.fail(topic, partition, messages)
    if (problem !== undefined) throw problem
    this.appended.push({ topic, partition, messages: [...messages] })
  }

  async close(): Promise<void> {
    this.closed++
  }

  /** All records, in the order of their batches. */
  get records(): (KafkaMessage & { readonly topic: string; readonly partition: number })[] {
    return this.appended.flatMap(({ topic, partition, messages }) =>
      messages.map(message => ({ topic, partition, ...message })),
    )
  }
}

export const down = (): KafkaProblem => new KafkaProblem('unreachable', 'nobody there')
export const tooLarge = (): KafkaProblem =>
  new KafkaProblem('too large', 'MESSAGE_TOO_LARGE', { code: 'MESSAGE_TOO_LARGE' })
