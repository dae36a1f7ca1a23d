/**
 * Records on their way, gathered into record batches: one is open for each partition, for `lingerMs` after its first
 * record or until it is full. Many small records then cost one request instead of one each.
 */

import type { KafkaMessage } from '../../core/transport/kafka/client.ts'
import { KafkaProblem } from '../../core/transport/kafka/problem.ts'
import type { Traffic } from './partitioner.ts'

export interface RecordBatchLimits {
  readonly maxBytes: number
  readonly maxRecords: number
  readonly lingerMs: number
}

export type Produce = (topic: string, partition: number, messages: readonly KafkaMessage[]) => Promise<void>

/** Header of a record batch. */
const BATCH_OVERHEAD = 61
/** Lengths, deltas and attributes of a record, at most. */
const RECORD_OVERHEAD = 36
const HEADER_OVERHEAD = 10

/** Bytes of a record in its batch, rounded up. */
export function recordSize({ key, value, headers }: KafkaMessage): number {
  let size = RECORD_OVERHEAD + (key?.length ?? 0) + value.length
  for (const header of headers) size += HEADER_OVERHEAD + Buffer.byteLength(header.name) + header.value.length
  return size
}

/** Of a record batch with one record. */
export function batchSize(message: KafkaMessage): number {
  return BATCH_OVERHEAD + recordSize(message)
}

interface Open {
  readonly topic: string
  readonly partition: number
  readonly messages: KafkaMessage[]
  size: number
  timer: NodeJS.Timeout | undefined
  readonly sent: Promise<void>
  readonly settle: (produced: Promise<void>) => void
}

export class RecordBatches {
  readonly #limits: RecordBatchLimits
  readonly #produce: Produce
  /** By topic, then by partition. */
  readonly #open = new Map<string, Map<number, Open>>()
  readonly #pending = new Map<string, Map<number, number>>()

  constructor(limits: RecordBatchLimits, produce: Produce) {
    this.#limits = limits
    this.#produce = produce
  }

  /** Resolves once the record batch that it went into was acknowledged; throws its KafkaProblem. */
  async add(topic: string, partition: number, message: KafkaMessage): Promise<void> {
    const size = recordSize(message)
    let open = this.#open.get(topic)?.get(partition)
    if (open !== undefined && !this.#fits(open, size)) {
      this.#flush(open)
      open = undefined
    }
    open ??= this.#begin(topic, partition)
    open.messages.push(message)
    open.size += size
    this.#count(topic, partition, 1)
    const { sent } = open
    if (this.#isFull(open)) this.#flush(open)
    try {
      await sent
    } catch (error) {
      // Too large together: each may still be small enough.
      const alone = open.messages.length === 1
      if (alone || !(error instanceof KafkaProblem) || error.kind !== 'too large') throw error
      await this.#produce(topic, partition, [message])
    } finally {
      this.#count(topic, partition, -1)
    }
  }

  /** The traffic to one topic, for a record of this size. */
  traffic(topic: string, size: number): Traffic {
    return {
      beginsBatch: partition => {
        const open = this.#open.get(topic)?.get(partition)
        return open === undefined || !this.#fits(open, size)
      },
      pending: partition => this.#pending.get(topic)?.get(partition) ?? 0,
    }
  }

  /** Sends what is open. */
  flush(): void {
    for (const partitions of [...this.#open.values()])
      for (const open of [...partitions.values()]) this.#flush(open)
  }

  #fits(open: Open, size: number): boolean {
    return open.size + size <= this.#limits.maxBytes && open.messages.length < this.#limits.maxRecords
  }

  /** No record could join it: what is left is less than a record needs besides its value. */
  #isFull(open: Open): boolean {
    return !this.#fits(open, 2 * RECORD_OVERHEAD)
  }

  #begin(topic: string, partition: number): Open {
    const { promise, resolve } = Promise.withResolvers<void>()
    const open: Open = {
      topic,
      partition,
      messages: [],
      size: BATCH_OVERHEAD,
      timer: undefined,
      sent: promise,
      settle: resolve,
    }
    let partitions = this.#open.get(topic)
    if (partitions === undefined) this.#open.set(topic, (partitions = new Map()))
    partitions.set(partition, open)
    const { lingerMs } = this.#limits
    if (lingerMs > 0) open.timer = setTimeout(() => this.#flush(open), lingerMs)
    // What comes in the same turn goes along.
    else setImmediate(() => this.#flush(open))
    return open
  }

  #flush(open: Open): void {
    const partitions = this.#open.get(open.topic)
    if (partitions?.get(open.partition) !== open) return
    clearTimeout(open.timer)
    partitions.delete(open.partition)
    if (partitions.size === 0) this.#open.delete(open.topic)
    open.settle(this.#produce(open.topic, open.partition, open.messages))
  }

  #count(topic: string, partition: number, by: 1 | -1): void {
    let counts = this.#pending.get(topic)
    if (counts === undefined) this.#pending.set(topic, (counts = new Map()))
    const now = (counts.get(partition) ?? 0) + by
    if (now > 0) counts.set(partition, now)
    else counts.delete(partition)
    if (counts.size === 0) this.#pending.delete(topic)
  }
}
