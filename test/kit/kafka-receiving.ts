/** The kafka receiver in front of a sink, and somebody who writes: against real brokers, in the test's own process. */

import type { Batch } from '../../core/component/batch.ts'
import type { Signal } from '../../core/otlp/signals.ts'
import type {
  KafkaClientName,
  KafkaConnection,
  KafkaMessage,
  KafkaProducer,
  KafkaProducing,
} from '../../core/transport/kafka/client.ts'
import { openProducer } from '../../core/transport/kafka/open.ts'
import { factory, KafkaReceiver } from '../../receivers/kafka/index.ts'
import { eventually } from '../services/process.ts'
import { numbered, numbersOf } from './numbered.ts'
import { RecordingLog, Sink, type TestSettings, testSettings } from './parts.ts'
import { readConfig } from './read-config.ts'

export interface Receiving {
  readonly sink: Sink
  readonly settings: TestSettings
  /** Numbers of the items that arrived, in order. */
  numbers(): number[]
  /** How often it was given partitions, and how many the last time. */
  assignments(): { readonly times: number; readonly partitions: number }
  /** Resolves when it has partitions: one at least, or none at all (`idle`). */
  joined(idle?: boolean): Promise<void>
  stop(): Promise<void>
}

/** Starts a receiver of one signal; `config` as a user writes it. */
export async function receiving(
  config: Readonly<Record<string, unknown>>,
  signal: Signal = 'traces',
  sink = new Sink(),
): Promise<Receiving> {
  const settings = testSettings('receiver', 'kafka')
  const receiver = new KafkaReceiver(readConfig(factory.config, config), settings, { [signal]: sink })
  await receiver.start()
  const given = () => settings.log.lines.filter(({ message }) => message === 'Partitions assigned')
  const assignments = () => ({
    times: given().length,
    partitions: (given().at(-1)?.fields['partitions'] as unknown[] | undefined)?.length ?? 0,
  })
  return {
    sink,
    settings,
    numbers: () => sink.batches.flatMap(numbersOf),
    assignments,
    async joined(idle = false) {
      const there = () => (idle ? assignments().times > 0 : assignments().partitions > 0) || undefined
      await eventually(there, 'the receiver to get partitions', 30_000)
    },
    stop: () => receiver.stop(performance.now() + 10_000),
  }
}

const PRODUCING: KafkaProducing = {
  acks: -1,
  compression: 'none',
  compressionLevel: 0,
  createTopics: true,
  idempotent: false,
}

export function connectionTo(brokers: readonly string[]): KafkaConnection {
  return {
    brokers,
    clientId: 'test',
    connectTimeoutMs: 5_000,
    requestTimeoutMs: 10_000,
    retries: 8,
    retryBackoffMs: 250,
    metadataMaxAgeMs: 60_000,
    log: new RecordingLog(),
  }
}

export function writer(
  brokers: readonly string[],
  client: KafkaClientName = 'platformatic',
  producing: Partial<KafkaProducing> = {},
): Promise<KafkaProducer> {
  return openProducer(client, connectionTo(brokers), { ...PRODUCING, ...producing })
}

export function message(
  value: Uint8Array | string,
  headers: Readonly<Record<string, string>> = {},
): KafkaMessage {
  return {
    key: undefined,
    value: typeof value === 'string' ? Buffer.from(value) : value,
    headers: Object.entries(headers).map(([name, text]) => ({ name, value: Buffer.from(text) })),
  }
}

/** A record with one span of this number. */
export function span(number: number): KafkaMessage {
  return message(bytesOf(numbered('traces', number, 1)))
}

export function bytesOf(batch: Batch): Uint8Array {
  return batch.chunks[0]!
}

/** 0, 1, 2 and so on: `count` of them. */
export function upTo(count: number): number[] {
  return Array.from({ length: count }, (_, i) => i)
}

/** What arrived against what was written, whatever the order: nothing lost, and how many came more than once. */
export function tally(arrived: readonly number[], written: number): { lost: number[]; twice: number } {
  const seen = new Set(arrived)
  return { lost: upTo(written).filter(number => !seen.has(number)), twice: arrived.length - seen.size }
}
