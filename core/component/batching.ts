/**
 * `sending_queue.batch`: one gatherer for each partition, each with its flush timer, which runs from the moment its
 * first request came (exporterhelper's partition batcher). A partition exists only while it holds something.
 *
 * A `flush_timeout` of 0, which only exporters can ask for, is no timer: what waits is taken when a consumer is free.
 */

import type { Signal } from '../otlp/signals.ts'
import type { Clock } from './clock.ts'
import { type Gathered, Gatherer } from './gather.ts'
import { partitionKey, partitionMeta } from './meta.ts'
import type { QueueBatchConfig } from './sending-config.ts'
import type { Ticket } from './ticket.ts'

interface Partition {
  readonly gatherer: Gatherer
  cancelTimer: (() => void) | undefined
}

export class Batching {
  readonly #config: QueueBatchConfig
  readonly #signal: Signal
  readonly #clock: Clock
  readonly #timeUp: (gathered: Gathered) => void
  readonly #partitions = new Map<string, Partition>()

  /** `timeUp` is given a batch whose time has come although it is small. */
  constructor(config: QueueBatchConfig, signal: Signal, clock: Clock, timeUp: (gathered: Gathered) => void) {
    this.#config = config
    this.#signal = signal
    this.#clock = clock
    this.#timeUp = timeUp
  }

  /** True: it has no timers, so whoever could send is to `flush`. */
  get eager(): boolean {
    return this.#config.flush_timeout === 0
  }

  /** The batches that are complete with this request. */
  add(ticket: Ticket): Gathered[] {
    const { metadata_keys: keys } = this.#config.partition
    const key = partitionKey(ticket.batch.meta, keys)
    let partition = this.#partitions.get(key)
    if (partition === undefined) {
      const { min_size: minSize, max_size: maxSize, sizer } = this.#config
      const meta = partitionMeta(ticket.batch.meta, keys)
      partition = {
        gatherer: new Gatherer({ minSize, maxSize, sizer }, this.#signal, meta),
        cancelTimer: undefined,
      }
      this.#partitions.set(key, partition)
    }
    const complete = partition.gatherer.add(ticket)
    if (partition.gatherer.empty) this.#remove(key, partition)
    else if (this.eager) return complete
    else if (complete.length > 0 || partition.cancelTimer === undefined) this.#restart(key, partition)
    return complete
  }

  /** Everything that is held, however small. */
  flush(): Gathered[] {
    const all: Gathered[] = []
    for (const [key, partition] of this.#partitions) {
      const gathered = partition.gatherer.flush()
      if (gathered !== undefined) all.push(gathered)
      this.#remove(key, partition)
    }
    return all
  }

  #restart(key: string, partition: Partition): void {
    partition.cancelTimer?.()
    partition.cancelTimer = this.#clock.after(this.#config.flush_timeout, () => {
      this.#partitions.delete(key)
      const gathered = partition.gatherer.flush()
      if (gathered !== undefined) this.#timeUp(gathered)
    })
  }

  #remove(key: string, partition: Partition): void {
    partition.cancelTimer?.()
    this.#partitions.delete(key)
  }
}
