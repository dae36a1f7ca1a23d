/**
 * One partition, from the moment the group gives it to the moment it takes it back: its records that were fetched and
 * are not done, and how far it has come.
 *
 * Records are handled in order, `window` at a time. The position is behind the last of those that are done without a gap
 * before them, so that what is committed was done.
 */

import type { KafkaPartition, KafkaRecord } from '../../core/transport/kafka/consumer.ts'
import type { LaneMeters } from './metrics.ts'
import type { Reading } from './topics.ts'

/** What became of a record. `stuck`: it is not done and the partition must not go on. `left`: the lane has ended. */
export type Fate = 'done' | 'stuck' | 'left'

export interface LaneRules {
  readonly window: number
  /** A record is done as soon as it is taken up. */
  readonly before: boolean
  readonly handle: (lane: Lane, record: KafkaRecord) => Promise<Fate>
  /** Bytes were let go of, or the position has moved. */
  readonly changed: (lane: Lane, released: number) => void
}

interface Entry {
  readonly next: number
  readonly bytes: number
  done: boolean
}

export class Lane implements KafkaPartition {
  readonly topic: string
  readonly partition: number
  readonly reading: Reading
  readonly meters: LaneMeters
  readonly #rules: LaneRules
  readonly #queue: KafkaRecord[] = []
  #head = 0
  /** Taken up and not done, and done behind one that is not. */
  readonly #open: Entry[] = []
  #running = 0
  readonly #ending = new AbortController()
  readonly #calls = new AbortController()
  #idle: (() => void) | undefined
  /** Bytes of its records that are not done. */
  bytes = 0
  /** What may be committed; -1 while it is not known where the partition begins. */
  position: number
  /** What is committed; -1 for nothing. */
  committed = -1
  /** Behind the last record that was fetched. */
  #fetched: number
  #end = 0
  paused = false
  stuck = false

  constructor(
    { topic, partition }: KafkaPartition,
    offset: number,
    reading: Reading,
    meters: LaneMeters,
    rules: LaneRules,
  ) {
    this.topic = topic
    this.partition = partition
    this.reading = reading
    this.meters = meters
    this.#rules = rules
    this.position = offset
    this.#fetched = offset
  }

  /** Aborted when the lane ends: stop waiting and take nothing up. */
  get ending(): AbortSignal {
    return this.#ending.signal
  }

  /** Aborted when what was handed on is not waited for any longer. */
  get calls(): AbortSignal {
    return this.#calls.signal
  }

  /** Returns the bytes it took. `next` and `end` as in KafkaFetched. */
  add(records: readonly KafkaRecord[], next: number, end: number): number {
    this.#end = end
    if (this.position < 0) this.position = records[0]?.offset ?? next
    if (this.ending.aborted || this.stuck || next <= this.#fetched) return 0
    let bytes = 0
    for (const record of records) {
      // What it has already: an answer from before a pause may come twice.
      if (record.offset < this.#fetched) continue
      this.#queue.push(record)
      bytes += sizeOf(record)
    }
    this.#fetched = next
    this.bytes += bytes
    this.#advance()
    this.#work()
    return bytes
  }

  #work(): void {
    while (this.#running < this.#rules.window && this.#head < this.#queue.length) {
      if (this.ending.aborted || this.stuck) return
      const record = this.#queue[this.#head]!
      this.#queue[this.#head++] = undefined as never
      if (this.#head === this.#queue.length) {
        this.#queue.length = 0
        this.#head = 0
      }
      this.#take(record)
    }
  }

  #take(record: KafkaRecord): void {
    const entry = { next: record.offset + 1, bytes: sizeOf(record), done: this.#rules.before }
    this.#open.push(entry)
    this.#running++
    this.meters.currentOffset.set(record.offset)
    if (this.#rules.before) this.#advance()
    this.#rules.handle(this, record).then(fate => {
      this.#running--
      this.bytes -= entry.bytes
      if (fate === 'done') entry.done = true
      if (fate === 'stuck') this.stuck = true
      this.#advance()
      this.#rules.changed(this, entry.bytes + (this.stuck ? this.#empty() : 0))
      if (this.#running === 0) this.#idle?.()
      this.#work()
    })
  }

  #advance(): void {
    while (this.#open[0]?.done) {
      this.position = Math.max(this.position, this.#open.shift()!.next)
      this.meters.lag.set(Math.max(0, this.#end - this.position))
    }
    // Nothing is under way: what lies between here and there was control records.
    if (this.#open.length === 0 && this.#head === this.#queue.length && !this.stuck && this.#fetched > 0)
      this.position = Math.max(this.position, this.#fetched)
  }

  /** Nothing new is taken up. Resolves when nothing is under way; what waits for a retry is given up. */
  async end(): Promise<void> {
    this.#ending.abort()
    if (this.#running === 0) return
    await new Promise<void>(resolve => (this.#idle = resolve))
  }

  /** Whoever is still asked is told that nobody waits. Returns the bytes of what was not taken up. */
  cut(): number {
    this.#ending.abort()
    this.#calls.abort()
    return this.#empty()
  }

  /** Forgets what was not taken up; returns its bytes. */
  #empty(): number {
    let bytes = 0
    for (let i = this.#head; i < this.#queue.length; i++) bytes += sizeOf(this.#queue[i]!)
    this.#queue.length = 0
    this.#head = 0
    this.bytes -= bytes
    return bytes
  }
}

/** What it holds in memory, roughly. */
export function sizeOf({ key, value, headers }: KafkaRecord): number {
  let size = (key?.length ?? 0) + (value?.length ?? 0)
  for (const header of headers) size += header.name.length + header.value.length
  return size
}
