/** What is known of the topics in use: asked for once, and again when it is old or turned out to be wrong. */

import type { KafkaProducer, KafkaTopic } from '../../core/transport/kafka/client.ts'
import { type Partitioner, type PartitionerKind, partitionerOf } from './partitioner.ts'

/** Topics may come from attributes and metadata, so strangers choose how many there are. */
const TOPICS_MAX = 1000

export interface Topic {
  readonly partitioner: Partitioner
  readonly state: KafkaTopic
}

interface Known {
  readonly asked: Promise<Topic>
  /** ms, `performance.now()` clock. */
  readonly since: number
}

export class Topics {
  readonly #producer: KafkaProducer
  readonly #maxAgeMs: number
  readonly #kind: PartitionerKind
  readonly #random: () => number
  readonly #known = new Map<string, Known>()

  constructor(producer: KafkaProducer, maxAgeMs: number, kind: PartitionerKind, random: () => number) {
    this.#producer = producer
    this.#maxAgeMs = maxAgeMs
    this.#kind = kind
    this.#random = random
  }

  /** Throws a KafkaProblem; it is asked again the next time. */
  get(name: string): Promise<Topic> {
    const known = this.#known.get(name)
    if (known !== undefined && performance.now() - known.since < this.#maxAgeMs) return known.asked
    return this.#ask(name, known)
  }

  #ask(name: string, before: Known | undefined): Promise<Topic> {
    const asked = this.#producer.topic(name).then(async state => {
      // The partitioner goes on where it was: round robin would else begin again with partition 0.
      const partitioner =
        (await before?.asked.catch(() => undefined))?.partitioner ?? partitionerOf(this.#kind, this.#random)
      return { partitioner, state }
    })
    const known = { asked, since: performance.now() }
    if (this.#known.size >= TOPICS_MAX) this.#known.delete(this.#known.keys().next().value!)
    this.#known.set(name, known)
    asked.catch(() => {
      if (this.#known.get(name) === known) this.#known.delete(name)
    })
    return asked
  }

  /** What is known of it is not true any more. */
  forget(name: string): void {
    this.#known.delete(name)
  }
}
