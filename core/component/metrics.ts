/**
 * What every sending exporter measures, as data: names, units and help of exporterhelper 0.155 (its documentation.md),
 * and what the process holds.
 */

import { SIGNAL_WORDS, SIGNALS, type Signal } from '../otlp/signals.ts'
import type {
  BoundCounter,
  BoundHistogram,
  MetricDeclaration,
  MetricsRegistry,
} from '../telemetry/metrics.ts'

/** Bucket bounds that the Collector uses for sizes of batches, in items and in bytes. */
export const ITEM_BUCKETS: readonly number[] = [
  10, 25, 50, 75, 100, 250, 500, 750, 1000, 2000, 3000, 4000, 5000, 6000, 7000, 8000, 9000, 10_000, 20_000,
  30_000, 50_000, 100_000,
]
export const BYTE_BUCKETS: readonly number[] = Array.from({ length: 18 }, (_, i) => 128 * 2 ** i)

function counted(signal: Signal, verb: string, help: (items: string) => string): MetricDeclaration {
  const { items } = SIGNAL_WORDS[signal]
  return {
    kind: 'counter',
    name: `otelcol_exporter_${verb}_${items}`,
    unit: `{${items}}`,
    help: help(items.replaceAll('_', ' ')),
    labels: ['exporter'],
    level: 'basic',
  }
}

const sent = (signal: Signal) =>
  counted(signal, 'sent', items => `Number of ${items} successfully sent to destination.`)
const sendFailed = (signal: Signal) =>
  counted(signal, 'send_failed', items => `Number of ${items} in failed attempts to send to destination.`)
const enqueueFailed = (signal: Signal) =>
  counted(signal, 'enqueue_failed', items => `Number of ${items} failed to be added to the sending queue.`)

const QUEUE_SIZE: MetricDeclaration = {
  kind: 'gauge',
  name: 'otelcol_exporter_queue_size',
  unit: '{batch}',
  help: 'Current size of the sending queue, in the unit of its sizer; what is being sent included.',
  labels: ['exporter', 'data_type'],
  level: 'basic',
}

const QUEUE_CAPACITY: MetricDeclaration = {
  kind: 'gauge',
  name: 'otelcol_exporter_queue_capacity',
  unit: '{batch}',
  help: 'Capacity of the sending queue, in the unit of its sizer.',
  labels: ['exporter', 'data_type'],
  level: 'basic',
}

const IN_FLIGHT: MetricDeclaration = {
  kind: 'gauge',
  name: 'otelcol_exporter_in_flight_requests',
  unit: '{request}',
  help: 'Number of export requests currently in flight, those that wait for a retry included.',
  labels: ['exporter', 'data_type'],
  level: 'basic',
}

const SEND_SIZE: MetricDeclaration = {
  kind: 'histogram',
  name: 'otelcol_exporter_queue_batch_send_size',
  unit: '{unit}',
  help: 'Number of items in a batch that was sent.',
  labels: ['exporter'],
  buckets: ITEM_BUCKETS,
  level: 'detailed',
}

const SEND_SIZE_BYTES: MetricDeclaration = {
  kind: 'histogram',
  name: 'otelcol_exporter_queue_batch_send_size_bytes',
  unit: 'By',
  help: 'Number of bytes in a batch that was sent.',
  labels: ['exporter'],
  buckets: BYTE_BUCKETS,
  level: 'detailed',
}

/** Ours, like all that begin with `sluice_`; gateway/ledger-metrics.ts reads it from memory.ts. */
export const HELD_BYTES: MetricDeclaration = {
  kind: 'gauge',
  name: 'sluice_held_bytes',
  unit: 'By',
  help: 'Bytes of telemetry in queues and buffers; a buffer that several queues share is counted once.',
  labels: [],
  level: 'basic',
}

/** Everything the sending chain registers; for the reference page. */
export const SENDING_METRICS: readonly MetricDeclaration[] = [
  ...SIGNALS.flatMap(signal => [sent(signal), sendFailed(signal), enqueueFailed(signal)]),
  QUEUE_SIZE,
  QUEUE_CAPACITY,
  IN_FLIGHT,
  SEND_SIZE,
  SEND_SIZE_BYTES,
]

/** The handles of one exporter for one signal. */
export interface SendingMeters {
  readonly sent: BoundCounter
  readonly sendFailed: BoundCounter
  readonly enqueueFailed: BoundCounter
  readonly sendSize: BoundHistogram
  readonly sendSizeBytes: BoundHistogram
}

export function sendingMeters(metrics: MetricsRegistry, exporter: string, signal: Signal): SendingMeters {
  return {
    sent: metrics.counter(sent(signal)).bind({ exporter }),
    sendFailed: metrics.counter(sendFailed(signal)).bind({ exporter }),
    enqueueFailed: metrics.counter(enqueueFailed(signal)).bind({ exporter }),
    sendSize: metrics.histogram(SEND_SIZE).bind({ exporter }),
    sendSizeBytes: metrics.histogram(SEND_SIZE_BYTES).bind({ exporter }),
  }
}

/** What is read at collection time; the function it returns takes all of it back. `queue`: none when it is off. */
export function observeSending(
  metrics: MetricsRegistry,
  exporter: string,
  signal: Signal,
  inFlight: () => number,
  queue: { readonly capacity: number; readonly size: () => number } | undefined,
): () => void {
  const labels = { exporter, data_type: signal }
  const ends = [metrics.observe(IN_FLIGHT, labels, inFlight)]
  if (queue !== undefined) {
    ends.push(metrics.observe(QUEUE_SIZE, labels, queue.size))
    ends.push(metrics.observe(QUEUE_CAPACITY, labels, () => queue.capacity))
  }
  return () => {
    for (const end of ends) end()
  }
}
