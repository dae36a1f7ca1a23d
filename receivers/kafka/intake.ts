/**
 * The partitions that the group has given us, and all that is between the client and them: handing on what was fetched,
 * pausing when too much is under way, committing what is done, and giving partitions back in order.
 */

import type { Settings } from '../../core/component/contract.ts'
import type {
  KafkaConsumer,
  KafkaFetched,
  KafkaMember,
  KafkaPartition,
  KafkaPosition,
  KafkaRecord,
} from '../../core/transport/kafka/consumer.ts'
import type { KafkaProblem } from '../../core/transport/kafka/problem.ts'
import { type Fate, Lane, sizeOf } from './lane.ts'
import type { ReceiverMeters } from './metrics.ts'
import type { Topics } from './topics.ts'

export interface IntakeRules {
  readonly maxBytes: number
  readonly maxPartitionBytes: number
  readonly window: number
  readonly before: boolean
  /** Undefined: as soon as something is done. */
  readonly commitEveryMs: number | undefined
  /** How long partitions may take to be given back; more than that, and the group gives us up. */
  readonly revokeMs: number
}

/** When time is up, those who are still asked get this long to say no. */
const CUT_MS = 500

export interface IntakeEvents {
  readonly handle: (lane: Lane, record: KafkaRecord) => Promise<Fate>
  /** It has joined. */
  readonly joined: (partitions: number) => void
  /** Something fails and is tried again; undefined: it works again. */
  readonly troubled: (problem: KafkaProblem | undefined) => void
}

/** For one consumer: a new one has a new intake. */
export class Intake implements KafkaMember {
  readonly #consumer: KafkaConsumer
  readonly #topics: Topics
  readonly #rules: IntakeRules
  readonly #events: IntakeEvents
  readonly #meters: ReceiverMeters
  readonly #log: Settings['log']
  #lanes = new Map<string, Lane>()
  /** Of records that are not done, in all lanes, those that were given back included. */
  #bytes = 0
  #full = false
  #commitTimer: NodeJS.Timeout | undefined
  #committing: Promise<void> | undefined
  #commitAgain = false
  #commitFailed = false
  #clientFails = false
  #revoking: Promise<void> | undefined
  #stopped = false

  constructor(
    consumer: KafkaConsumer,
    topics: Topics,
    rules: IntakeRules,
    events: IntakeEvents,
    meters: ReceiverMeters,
    log: Settings['log'],
  ) {
    this.#consumer = consumer
    this.#topics = topics
    this.#rules = rules
    this.#events = events
    this.#meters = meters
    this.#log = log
  }

  get bytes(): number {
    return this.#bytes
  }

  assigned(positions: readonly KafkaPosition[]): void {
    if (this.#stopped) return
    // A client that was thrown out of the group may skip the question.
    for (const lane of this.#lanes.values()) this.#close(lane)
    this.#lanes = new Map()
    this.#full = false
    for (const { topic, partition, offset } of positions) this.#open({ topic, partition }, offset)
    if (this.#rules.commitEveryMs !== undefined && this.#commitTimer === undefined)
      this.#commitTimer = setInterval(() => void this.#commit(), this.#rules.commitEveryMs)
    // Where it begins counts too: with `latest` a second start would else begin behind what came between.
    void this.#commit()
    this.#log.info('Partitions assigned', {
      partitions: positions.map(one => `${one.topic}/${one.partition}`),
    })
    this.#events.joined(positions.length)
  }

  #open({ topic, partition }: KafkaPartition, offset: number): void {
    const reading = this.#topics.reading(topic)
    if (reading === undefined) return
    const meters = this.#meters.lane(topic, partition, reading.signal)
    const lane = new Lane({ topic, partition }, offset, reading, meters, {
      window: this.#rules.window,
      before: this.#rules.before,
      handle: this.#events.handle,
      changed: (changed, released) => this.#changed(changed, released),
    })
    this.#lanes.set(keyOf(lane), lane)
    this.#meters.started.add(1)
  }

  #close(lane: Lane): void {
    this.#bytes -= lane.cut()
    this.#meters.closed.add(1)
  }

  fetched(some: KafkaFetched): void {
    const lane = this.#lanes.get(keyOf(some))
    if (lane === undefined) return
    const { records, next, end } = some
    const bytes = lane.add(records, next, end)
    this.#bytes += bytes
    lane.meters.records.add(records.length)
    lane.meters.bytes.add(records.reduce((sum, record) => sum + sizeOf(record), 0))
    if (records.length > 0) lane.meters.delay?.record((Date.now() - records[0]!.timestamp) / 1000)
    this.#pauseWhereNeeded(lane)
  }

  outOfRange(where: KafkaPartition): void {
    const lane = this.#lanes.get(keyOf(where))
    if (lane === undefined) return
    const { topic, partition, position } = lane
    this.#log.error(
      'Kafka no longer has the records that were next; those between here and initial_offset are lost',
      { topic, partition, offset: position },
    )
    this.#close(lane)
    this.#open(where, -1)
  }

  troubled(problem: KafkaProblem | undefined): void {
    this.#clientFails = problem !== undefined
    if (this.#stopped || (problem === undefined && this.#commitFailed)) return
    this.#events.troubled(problem)
  }

  /** One partition must not take the room of all. */
  #share(): number {
    return Math.max(this.#rules.maxPartitionBytes, this.#rules.maxBytes / Math.max(1, this.#lanes.size))
  }

  #pauseWhereNeeded(lane: Lane): void {
    if (!this.#full && this.#bytes >= this.#rules.maxBytes) {
      this.#full = true
      this.#consumer.pause([...this.#lanes.values()])
    }
    if (!lane.paused && lane.bytes >= this.#share()) {
      lane.paused = true
      this.#consumer.pause([lane])
    }
  }

  #changed(lane: Lane, released: number): void {
    this.#bytes -= released
    if (this.#lanes.get(keyOf(lane)) !== lane) return
    if (lane.stuck && !lane.paused) {
      lane.paused = true
      this.#consumer.pause([lane])
    }
    const room = this.#bytes < this.#rules.maxBytes / 2
    if (lane.paused && !lane.stuck && lane.bytes <= this.#share() / 2) {
      lane.paused = false
      if (!this.#full) this.#consumer.resume([lane])
    }
    if (this.#full && room) {
      this.#full = false
      this.#consumer.resume([...this.#lanes.values()].filter(one => !one.paused))
    }
    if (this.#rules.commitEveryMs === undefined) void this.#commit()
  }

  /** One at a time; what is done meanwhile goes with the next. Does not throw. */
  #commit(): Promise<void> {
    if (this.#committing !== undefined) {
      this.#commitAgain = true
      return this.#committing
    }
    const done = [...this.#lanes.values()].filter(lane => lane.position > lane.committed)
    if (done.length === 0) return Promise.resolve()
    const positions = done.map(({ topic, partition, position }) => ({ topic, partition, offset: position }))
    this.#committing = this.#consumer.commit(positions).then(
      () => {
        for (const [i, lane] of done.entries()) lane.committed = positions[i]!.offset
        if (this.#commitFailed && !this.#clientFails) this.#events.troubled(undefined)
        this.#commitFailed = false
        this.#committing = undefined
        if (!this.#commitAgain) return
        this.#commitAgain = false
        if (this.#rules.commitEveryMs === undefined) void this.#commit()
      },
      (problem: KafkaProblem) => {
        this.#committing = undefined
        this.#commitAgain = false
        // Said once: the next one carries these offsets as well.
        if (!this.#commitFailed) this.#log.warn('Offsets could not be committed', { error: problem.message })
        this.#commitFailed = true
        this.#events.troubled(problem)
      },
    )
    return this.#committing
  }

  revoking(): Promise<void> {
    this.#revoking ??= this.#giveBack(this.#rules.revokeMs).finally(() => {
      this.#revoking = undefined
    })
    return this.#revoking
  }

  /** Finishes what is under way and commits, in so many ms. What is not done then is somebody else's. */
  async #giveBack(ms: number): Promise<void> {
    const lanes = [...this.#lanes.values()]
    if (lanes.length === 0) return
    const ended = Promise.all(lanes.map(lane => lane.end()))
    await within(ended, ms)
    for (const lane of lanes) this.#bytes -= lane.cut()
    await within(ended, CUT_MS)
    // One may be under way already, from before these were done.
    await within(
      (async () => {
        await this.#committing
        await this.#commit()
      })(),
      ms,
    )
    for (const lane of lanes) this.#close(lane)
    this.#lanes = new Map()
  }

  /** As `revoking`, and nothing is taken afterwards. */
  async stop(ms: number): Promise<void> {
    clearInterval(this.#commitTimer)
    this.#commitTimer = undefined
    await this.#revoking
    await this.#giveBack(ms)
    this.#stopped = true
  }
}

function keyOf({ topic, partition }: KafkaPartition): string {
  return `${topic}/${partition}`
}

/** Resolves when `what` has, or after so many ms. */
async function within(what: Promise<unknown>, ms: number): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  const timer = setTimeout(resolve, Math.max(0, ms))
  await Promise.race([what, promise])
  clearTimeout(timer)
}
