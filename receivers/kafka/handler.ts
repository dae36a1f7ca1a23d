/**
 * What is done with one record: decoded, offered to the pipeline until that takes it, or buried. This is where the keys
 * `message_marking`, `error_backoff` and `dead_letter` have their meaning.
 *
 * | the pipeline                 | by default                              | and                                   |
 * | ---------------------------- | --------------------------------------- | ------------------------------------- |
 * | takes it                     | done                                    |                                       |
 * | refuses it                   | again, for ever, in order               | on_error: dropped when backoff ends   |
 * | rejects it for ever          | dead letter, else dropped and counted   | on_permanent_error false: stands still|
 * | is not asked: no such format | the same                                | the same                              |
 *
 * With `after: false` the record is done from the beginning, and what fails is dropped and counted.
 */

import { setTimeout as sleep } from 'node:timers/promises'
import type { Batch } from '../../core/component/batch.ts'
import type { ConsumeContext, Consumer, Settings } from '../../core/component/contract.ts'
import { RETRIES_EXHAUSTED, RETRY_DISABLED } from '../../core/component/delivery.ts'
import type { DropReason } from '../../core/component/ledger.ts'
import { type Receipt, Refused, Rejected } from '../../core/component/outcome.ts'
import { Backoff } from '../../core/component/retry.ts'
import type { Signal } from '../../core/otlp/signals.ts'
import type { KafkaRecord } from '../../core/transport/kafka/consumer.ts'
import type { DeadLetters, Letter } from '../../core/transport/kafka/dead-letter.ts'
import { KafkaProblem } from '../../core/transport/kafka/problem.ts'
import type { KafkaReceiverConfig } from './config.ts'
import type { Fate, Lane } from './lane.ts'
import type { ReceiverMeters } from './metrics.ts'
import { RecordReader } from './record.ts'

export type Consumers = Readonly<Partial<Record<Signal, Consumer>>>

const REJECTED: DropReason = { name: 'rejected', intended: false }
const DEAD_LETTER: DropReason = { name: 'dead_letter', intended: false }

/** A dead letter that is not taken in these tries is dropped: what cannot be read must not stop what can. */
const DEAD_LETTER_TRIES = 5
const DEAD_LETTER_WAIT_MS = 500

/** A line of log for one kind of failure this often. */
const LOG_EVERY_MS = 10_000

export class Handler {
  readonly #config: KafkaReceiverConfig
  readonly #settings: Settings
  readonly #next: Consumers
  readonly #meters: ReceiverMeters
  readonly #deadLetters: DeadLetters | undefined
  readonly #reader: RecordReader
  readonly #nextLogs = new Map<string, number>()

  constructor(
    config: KafkaReceiverConfig,
    settings: Settings,
    next: Consumers,
    meters: ReceiverMeters,
    deadLetters: DeadLetters | undefined,
  ) {
    this.#config = config
    this.#settings = settings
    this.#next = next
    this.#meters = meters
    this.#deadLetters = deadLetters
    const { extract_headers, headers } = config.header_extraction
    this.#reader = new RecordReader(extract_headers ? headers : [])
  }

  /** Does not throw. */
  async handle(lane: Lane, record: KafkaRecord): Promise<Fate> {
    let batch: Batch
    try {
      batch = this.#reader.read(lane.reading, lane, record)
    } catch (error) {
      lane.meters.unmarshalFailed.add(1)
      return this.#bury(lane, record, 'undecodable', error as Error, 0)
    }
    if (batch.items === 0) return 'done'
    return this.#offer(lane, record, batch)
  }

  async #offer(lane: Lane, record: KafkaRecord, batch: Batch): Promise<Fate> {
    const { error_backoff: config, message_marking: marking } = this.#config
    const newBackoff = () => (config.enabled ? new Backoff(config, performance.now()) : undefined)
    let backoff = newBackoff()
    const context = { signal: lane.calls, transport: 'kafka' }
    for (;;) {
      let refused: Refused
      try {
        const { rejected, message } = await this.#consume(batch, context)
        if (rejected > 0) this.#lost(lane, batch, rejected, REJECTED, message)
        return 'done'
      } catch (error) {
        if (error instanceof Rejected) return this.#bury(lane, record, 'rejected', error, batch.items)
        refused = error instanceof Refused ? error : new Refused(String(error))
      }
      if (lane.ending.aborted) return 'left'
      const wait = backoff?.next(performance.now(), refused.afterMs)
      if (wait !== undefined) {
        this.#say('info', 'The pipeline refuses a record; it is offered again', lane, record, refused)
        await sleep(wait, undefined, { signal: lane.ending }).catch(() => undefined)
        if (lane.ending.aborted) return 'left'
      } else if (!marking.after || marking.on_error) {
        const reason = backoff === undefined ? RETRY_DISABLED : RETRIES_EXHAUSTED
        this.#lost(lane, batch, batch.items, reason, refused.message)
        return 'done'
      } else if (backoff === undefined) {
        this.#say('error', 'The pipeline refused a record; its partition stands still', lane, record, refused)
        return 'stuck'
      } else backoff = newBackoff()
    }
  }

  #consume(batch: Batch, context: ConsumeContext): Promise<Receipt> {
    const next = this.#next[batch.signal]
    if (next === undefined) throw new Refused(`no pipeline takes ${batch.signal}`)
    const refused = next.admit?.(batch.signal)
    if (refused !== undefined) throw refused
    return next.consume(batch, context)
  }

  /** Items that end here: they came in, and go nowhere. */
  #lost(lane: Lane, { signal }: Batch, items: number, reason: DropReason, why: string): void {
    this.#settings.account.of(signal).in += items
    this.#settings.account.drop(signal, items, reason)
    const fields = { topic: lane.topic, partition: lane.partition, items, reason: reason.name, error: why }
    this.#log('warn', 'Items of a record were dropped', fields)
  }

  /** A record that will never be taken. */
  async #bury(
    lane: Lane,
    record: KafkaRecord,
    reason: 'undecodable' | 'rejected',
    error: Error,
    items: number,
  ): Promise<Fate> {
    const { signal } = lane.reading
    const { after, on_permanent_error } = this.#config.message_marking
    const taken = await this.#deadLetter(lane, record, reason, error)
    if (taken === undefined) return 'left'
    if (!taken && after && !on_permanent_error) {
      this.#say('error', `A record is ${reason}; its partition stands still`, lane, record, error)
      return 'stuck'
    }
    this.#meters.buried(lane.topic, reason, taken ? 'dead_letter' : 'dropped')
    this.#settings.account.of(signal).in += items
    this.#settings.account.drop(signal, items, taken ? DEAD_LETTER : REJECTED)
    this.#say('warn', `A record is ${reason}; ${taken ? 'dead letter' : 'dropped'}`, lane, record, error)
    return 'done'
  }

  /** Undefined when the lane ended before it was taken. */
  async #deadLetter(
    lane: Lane,
    record: KafkaRecord,
    reason: string,
    error: Error,
  ): Promise<boolean | undefined> {
    if (this.#deadLetters === undefined) return false
    const letter = letterOf(lane, record, reason, error)
    for (let tries = 1; ; tries++) {
      try {
        return await this.#deadLetters.take(letter)
      } catch (failure) {
        const why = failure instanceof KafkaProblem ? failure.message : String(failure)
        this.#log('error', 'The dead letter was not taken', { topic: lane.topic, error: why })
        if (tries === DEAD_LETTER_TRIES) return false
      }
      await sleep(DEAD_LETTER_WAIT_MS * 2 ** (tries - 1), undefined, { signal: lane.ending }).catch(
        () => undefined,
      )
      if (lane.ending.aborted) return undefined
    }
  }

  #say(
    level: 'info' | 'warn' | 'error',
    message: string,
    { topic, partition }: Lane,
    { offset }: KafkaRecord,
    error: Error,
  ): void {
    this.#log(level, message, { topic, partition, offset, error: error.message })
  }

  #log(level: 'info' | 'warn' | 'error', message: string, fields: Readonly<Record<string, unknown>>): void {
    const now = performance.now()
    if (now < (this.#nextLogs.get(message) ?? 0)) return
    this.#nextLogs.set(message, now + LOG_EVERY_MS)
    this.#settings.log[level](message, fields)
  }
}

/** In a topic: the record as it was, with its place in headers. In a file: all of it as JSON. */
function letterOf({ topic, partition }: Lane, record: KafkaRecord, reason: string, error: Error): Letter {
  const { offset, timestamp, key, value, headers } = record
  const place = { partition: String(partition), offset: String(offset), error: error.message }
  return {
    reason,
    topic,
    message: { key, value: value ?? new Uint8Array(0), headers },
    headers: Object.entries(place).map(([name, text]) => ({
      name: `sluice.${name}`,
      value: Buffer.from(text),
    })),
    line: () =>
      Buffer.from(
        JSON.stringify({
          time: new Date().toISOString(),
          reason,
          error: error.message,
          topic,
          partition,
          offset,
          timestamp: new Date(timestamp).toISOString(),
          headers: headers.map(header => [header.name, base64(header.value)]),
          key: key === undefined ? null : base64(key),
          value: value === undefined ? null : base64(value),
        }),
      ),
  }
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('base64')
}
