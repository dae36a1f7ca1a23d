/**
 * What the kafka receiver measures besides what its edge counts: the Collector's names (receiver/kafkareceiver 0.155,
 * documentation.md) as far as both clients can say it, and two of ours.
 */

import { SIGNAL_WORDS, SIGNALS, type Signal } from '../../core/otlp/signals.ts'
import type {
  BoundCounter,
  BoundGauge,
  BoundHistogram,
  MetricDeclaration,
  MetricsRegistry,
} from '../../core/telemetry/metrics.ts'

const PARTITION = ['topic', 'partition'] as const

function declare(
  kind: 'counter' | 'gauge',
  name: string,
  unit: string,
  help: string,
  labels: readonly string[],
): MetricDeclaration {
  return { kind, name, unit, help, labels: [...labels], level: 'basic' }
}

const name = (word: string) => `otelcol_kafka_receiver_${word}`

const RECORDS = declare('counter', name('records'), '1', 'The number of received records.', PARTITION)
const BYTES = declare(
  'counter',
  name('bytes_uncompressed'),
  'By',
  'The uncompressed size in bytes of received records seen by the client.',
  PARTITION,
)
const CURRENT_OFFSET = declare('gauge', name('current_offset'), '1', 'Current message offset', PARTITION)
const OFFSET_LAG = declare('gauge', name('offset_lag'), '1', 'Current offset lag', PARTITION)
const PARTITION_START = declare('counter', name('partition_start'), '1', 'Number of started partitions', [])
const PARTITION_CLOSE = declare('counter', name('partition_close'), '1', 'Number of finished partitions', [])
const RECORDS_DELAY: MetricDeclaration = {
  kind: 'histogram',
  name: name('records_delay'),
  unit: 's',
  help: 'The time in seconds between producing and receiving a batch of records.',
  labels: [...PARTITION],
  buckets: [
    0, 0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10, 25, 50, 75, 100, 250, 500,
    750, 1000, 2500, 5000, 7500, 10_000,
  ],
  level: 'basic',
}

function unmarshalFailed(signal: Signal): MetricDeclaration {
  const items = signal === 'profiles' ? 'profiles' : SIGNAL_WORDS[signal].items
  const help = `Number of ${items.replaceAll('_', ' ')} failed to be unmarshaled`
  return declare('counter', name(`unmarshal_failed_${items}`), '1', help, PARTITION)
}

const BURIED = declare(
  'counter',
  'sluice_kafka_receiver_buried_records',
  '{records}',
  'Records that could not be decoded or were rejected for ever, by why and where they went: dead_letter or dropped.',
  ['receiver', 'topic', 'reason', 'to'],
)
const IN_FLIGHT = declare(
  'gauge',
  'sluice_kafka_receiver_in_flight_bytes',
  'By',
  'Bytes of records that were read and are not done.',
  ['receiver'],
)

export const KAFKA_RECEIVER_METRICS: readonly MetricDeclaration[] = [
  RECORDS,
  BYTES,
  CURRENT_OFFSET,
  OFFSET_LAG,
  PARTITION_START,
  PARTITION_CLOSE,
  RECORDS_DELAY,
  ...SIGNALS.map(unmarshalFailed),
  BURIED,
  IN_FLIGHT,
]

/** The handles of one partition. */
export interface LaneMeters {
  readonly records: BoundCounter
  readonly bytes: BoundCounter
  readonly currentOffset: BoundGauge
  readonly lag: BoundGauge
  readonly unmarshalFailed: BoundCounter
  /** Undefined: off. */
  readonly delay: BoundHistogram | undefined
}

export class ReceiverMeters {
  readonly #metrics: MetricsRegistry
  readonly #receiver: string
  readonly #delays: boolean
  /** Partitions come back with each assignment. */
  readonly #lanes = new Map<string, LaneMeters>()
  readonly started: BoundCounter
  readonly closed: BoundCounter

  constructor(metrics: MetricsRegistry, receiver: string, delays: boolean) {
    this.#metrics = metrics
    this.#receiver = receiver
    this.#delays = delays
    this.started = metrics.counter(PARTITION_START).bind({})
    this.closed = metrics.counter(PARTITION_CLOSE).bind({})
  }

  lane(topic: string, partition: number, signal: Signal): LaneMeters {
    const key = `${topic}/${partition}`
    let lane = this.#lanes.get(key)
    if (lane === undefined) {
      const labels = { topic, partition: String(partition) }
      lane = {
        records: this.#metrics.counter(RECORDS).bind(labels),
        bytes: this.#metrics.counter(BYTES).bind(labels),
        currentOffset: this.#metrics.gauge(CURRENT_OFFSET).bind(labels),
        lag: this.#metrics.gauge(OFFSET_LAG).bind(labels),
        unmarshalFailed: this.#metrics.counter(unmarshalFailed(signal)).bind(labels),
        delay: this.#delays ? this.#metrics.histogram(RECORDS_DELAY).bind(labels) : undefined,
      }
      this.#lanes.set(key, lane)
    }
    return lane
  }

  buried(topic: string, reason: string, to: 'dead_letter' | 'dropped'): void {
    this.#metrics.counter(BURIED).add(1, { receiver: this.#receiver, topic, reason, to })
  }

  /** Returns how to take it back. */
  observeBytes(read: () => number): () => void {
    return this.#metrics.observe(IN_FLIGHT, { receiver: this.#receiver }, read)
  }
}
