/**
 * Fetches the partitions that a member of a group has, with @platformatic/kafka: one request to each broker at a time.
 * Part of platformatic-consumer.ts.
 */

import { setTimeout as sleep } from 'node:timers/promises'
import { Consumer, type ConsumerOptions, type RecordsBatch } from '@platformatic/kafka'
import type { KafkaConnection } from './client.ts'
import type { KafkaConsuming, KafkaMember, KafkaPartition, KafkaPosition, KafkaRecord } from './consumer.ts'
import { platformaticOptions, problem } from './platformatic.ts'

/** Of a request to ListOffsets. */
const LATEST = -1n
const EARLIEST = -2n

const READ_UNCOMMITTED = 0
const OFFSET_OUT_OF_RANGE = 1
/** Attribute of a batch that tells of a transaction and carries no records for users. */
const CONTROL = 0x20

/** So many requests to one broker may fail one after another. */
const FAILURES_MAX = 4

type BytesConsumer = Consumer<Buffer, Buffer, Buffer, Buffer>
type FetchResponse = Awaited<ReturnType<BytesConsumer['fetch']>>

interface Reading extends KafkaPartition {
  next: bigint
  paused: boolean
}

export class Fetcher {
  readonly #connection: KafkaConnection
  readonly #consuming: KafkaConsuming
  readonly #client: BytesConsumer
  readonly #fail: (error: unknown) => void
  #member: KafkaMember | undefined
  /** Replaced with each assignment, so that an answer can be seen to belong to an earlier one. */
  #readings = new Map<string, Reading>()
  readonly #busy = new Set<string>()
  /** Brokers whose last answers were failures, and how many: by the keys of requests. */
  readonly #failures = new Map<string, number>()
  #closed = false

  constructor(connection: KafkaConnection, consuming: KafkaConsuming, fail: (error: unknown) => void) {
    this.#connection = connection
    this.#consuming = consuming
    this.#fail = fail
    const options = {
      ...platformaticOptions(connection),
      // Never joins; the package asks for one.
      groupId: consuming.groupId,
      isolationLevel: READ_UNCOMMITTED,
      clientRack: consuming.rackId,
    }
    this.#client = new Consumer(options as ConsumerOptions<Buffer, Buffer, Buffer, Buffer>)
    this.#client.topics.trackAll(...consuming.topics)
    this.#client.on('error' as never, (() => undefined) as never)
  }

  deliverTo(member: KafkaMember): void {
    this.#member = member
  }

  assign(positions: readonly KafkaPosition[]): void {
    this.#failures.clear()
    this.#readings = new Map(
      positions.map(({ topic, partition, offset }) => [
        `${topic}/${partition}`,
        { topic, partition, next: BigInt(offset), paused: false },
      ]),
    )
    this.#pump()
  }

  pause(partitions: readonly KafkaPartition[]): void {
    for (const { topic, partition } of partitions) {
      const reading = this.#readings.get(`${topic}/${partition}`)
      if (reading !== undefined) reading.paused = true
    }
  }

  resume(partitions: readonly KafkaPartition[]): void {
    for (const { topic, partition } of partitions) {
      const reading = this.#readings.get(`${topic}/${partition}`)
      if (reading !== undefined) reading.paused = false
    }
    this.#pump()
  }

  /** Where partitions begin that the group knows nothing of. */
  async begin(partitions: readonly KafkaPartition[]): Promise<KafkaPosition[]> {
    if (partitions.length === 0) return []
    const wanted: Record<string, number[]> = {}
    for (const { topic, partition } of partitions) (wanted[topic] ??= []).push(partition)
    const timestamp = this.#consuming.from === 'earliest' ? EARLIEST : LATEST
    const found = await this.#client.listOffsets({
      topics: Object.keys(wanted),
      partitions: wanted,
      timestamp,
      isolationLevel: READ_UNCOMMITTED,
    })
    return partitions.map(({ topic, partition }) => ({
      topic,
      partition,
      offset: Number(found.get(topic)![partition]),
    }))
  }

  async close(): Promise<void> {
    this.#closed = true
    this.#readings = new Map()
    await this.#client.close(true).catch(() => undefined)
  }

  /** Asks every broker that is not asked already and has a partition that is wanted. */
  #pump(): void {
    if (this.#closed || this.#readings.size === 0) return
    this.#pumpNow().catch(error => this.#fail(error))
  }

  async #pumpNow(): Promise<void> {
    const readings = this.#readings
    const metadata = await this.#client.metadata({ topics: [...this.#consuming.topics] })
    if (readings !== this.#readings || this.#closed) return
    const requests = new Map<string, { node: number; readings: Reading[] }>()
    const keys = new Set<string>()
    for (const reading of readings.values()) {
      const node = metadata.topics.get(reading.topic)?.partitions[reading.partition]?.leader ?? -1
      // The nearest replica is another one for each partition, and a request goes to one broker.
      const key =
        this.#consuming.rackId === '' ? String(node) : `${node}/${reading.topic}/${reading.partition}`
      keys.add(key)
      if (reading.paused || this.#busy.has(key)) continue
      const request = requests.get(key)
      if (request === undefined) requests.set(key, { node, readings: [reading] })
      else request.readings.push(reading)
    }
    this.#forgetFailures(key => !keys.has(key))
    for (const [key, request] of requests) {
      this.#busy.add(key)
      this.#fetch(key, request, readings, ids(metadata))
        .catch(error => this.#fail(error))
        .finally(() => {
          this.#busy.delete(key)
          this.#pump()
        })
    }
  }

  async #fetch(
    key: string,
    { node, readings: wanted }: { readonly node: number; readonly readings: readonly Reading[] },
    readings: Map<string, Reading>,
    topicIds: ReadonlyMap<string, string>,
  ): Promise<void> {
    const { maxWaitMs, minBytes, maxBytes, maxPartitionBytes } = this.#consuming
    try {
      const response = await this.#client.fetch({
        node,
        topics: requestTopics(wanted, topicIds, maxPartitionBytes),
        maxWaitTime: maxWaitMs,
        minBytes,
        maxBytes,
        isolationLevel: READ_UNCOMMITTED,
      })
      this.#forgetFailures(one => one === key)
      if (readings === this.#readings) this.#deliver(response, wanted, topicIds)
    } catch (error) {
      if (readings !== this.#readings || this.#closed) return
      const lost = outOfRange(error, wanted, topicIds)
      if (lost.length > 0) return this.#startAgain(lost, readings)
      this.#member?.troubled(problem(error, `group ${this.#consuming.groupId}, fetching`, false))
      const failures = (this.#failures.get(key) ?? 0) + 1
      this.#failures.set(key, failures)
      if (failures > FAILURES_MAX) throw error
      await sleep(this.#connection.retryBackoffMs)
      await this.#client
        .metadata({ topics: [...this.#consuming.topics], forceUpdate: true })
        .catch(() => undefined)
    }
  }

  /** Those of brokers that answer again, or lead nothing any more. */
  #forgetFailures(over: (key: string) => boolean): void {
    if (this.#failures.size === 0) return
    for (const key of this.#failures.keys()) if (over(key)) this.#failures.delete(key)
    if (this.#failures.size === 0) this.#member?.troubled(undefined)
  }

  async #startAgain(lost: readonly Reading[], readings: Map<string, Reading>): Promise<void> {
    const positions = await this.begin(lost)
    if (readings !== this.#readings) return
    for (const [i, reading] of lost.entries()) {
      this.#member?.outOfRange(reading)
      reading.next = BigInt(positions[i]!.offset)
    }
  }

  #deliver(response: FetchResponse, wanted: readonly Reading[], topicIds: ReadonlyMap<string, string>): void {
    for (const { topicId, partitions } of response.responses) {
      for (const { partitionIndex, records, highWatermark } of partitions) {
        const reading = wanted.find(
          one => one.partition === partitionIndex && topicIds.get(one.topic) === topicId,
        )
        if (reading === undefined || reading.paused || !records || records.length === 0) continue
        const { list, next } = recordsOf(records, reading.next)
        if (next === reading.next) continue
        reading.next = next
        this.#member?.fetched({
          topic: reading.topic,
          partition: reading.partition,
          records: list,
          next: Number(next),
          end: Number(highWatermark),
        })
      }
    }
  }
}

interface Metadata {
  readonly topics: ReadonlyMap<string, { readonly id: string }>
}

function ids({ topics }: Metadata): Map<string, string> {
  return new Map([...topics].map(([name, { id }]) => [name, id]))
}

function requestTopics(
  readings: readonly Reading[],
  topicIds: ReadonlyMap<string, string>,
  partitionMaxBytes: number,
) {
  const topics = new Map<string, { topicId: string; partitions: object[] }>()
  for (const { topic, partition, next } of readings) {
    const topicId = topicIds.get(topic)
    if (topicId === undefined) continue
    let entry = topics.get(topic)
    if (entry === undefined) topics.set(topic, (entry = { topicId, partitions: [] }))
    entry.partitions.push({
      partition,
      fetchOffset: next,
      partitionMaxBytes,
      currentLeaderEpoch: -1,
      lastFetchedEpoch: -1,
    })
  }
  return [...topics.values()] as Parameters<Consumer['fetch']>[0]['topics']
}

/** Batches begin before the wanted offset when that lies inside one. */
function recordsOf(batches: readonly RecordsBatch[], from: bigint): { list: KafkaRecord[]; next: bigint } {
  const list: KafkaRecord[] = []
  let next = from
  for (const batch of batches) {
    const behind = batch.firstOffset + BigInt(batch.lastOffsetDelta) + 1n
    if (behind > next) next = behind
    if ((batch.attributes & CONTROL) !== 0) continue
    for (const record of batch.records) {
      const offset = batch.firstOffset + BigInt(record.offsetDelta)
      if (offset < from) continue
      list.push({
        offset: Number(offset),
        timestamp: Number(batch.firstTimestamp + record.timestampDelta),
        key: record.key ?? undefined,
        value: record.value ?? undefined,
        headers: record.headers.map(([name, value]) => ({
          name: name?.toString() ?? '',
          value: value ?? Buffer.alloc(0),
        })),
      })
    }
  }
  return { list, next }
}

/** Which of them the broker has no longer, or not yet. The package throws when one partition of many has an error. */
function outOfRange(
  error: unknown,
  wanted: readonly Reading[],
  topicIds: ReadonlyMap<string, string>,
): Reading[] {
  const response = responseIn(error)
  return wanted.filter(({ topic, partition }) =>
    response?.responses
      .find(one => one.topicId === topicIds.get(topic))
      ?.partitions.some(one => one.partitionIndex === partition && one.errorCode === OFFSET_OUT_OF_RANGE),
  )
}

function responseIn(error: unknown): FetchResponse | undefined {
  const { response, errors, cause } = error as {
    response?: FetchResponse
    errors?: unknown[]
    cause?: unknown
  }
  if (response?.responses !== undefined) return response
  for (const below of [...(errors ?? []), cause]) {
    const found = below instanceof Error ? responseIn(below) : undefined
    if (found !== undefined) return found
  }
  return undefined
}
