/**
 * `timeout`, `retry_on_failure` and `sending_queue`: the keys every sending exporter has, with the Collector's
 * defaults (exporter/exporterhelper 0.155). An exporter spreads `sendingFields()` into its own section.
 */

import type { Node } from '../../config/node.ts'
import {
  choice,
  duration,
  flag,
  integer,
  list,
  number,
  optional,
  section,
  text,
  type ValueOf,
} from '../../config/schema.ts'

const SIZERS = ['requests', 'items', 'bytes'] as const
export type Sizer = (typeof SIZERS)[number]

function retrySectionOf(initialInterval: string) {
  return section(
    {
      enabled: flag({
        default: true,
        doc: 'Send again what the server refused for now. Off: it is dropped and counted.',
      }),
      initial_interval: duration({ default: initialInterval, doc: 'Wait before the first retry.' }),
      randomization_factor: number({
        default: 0.5,
        min: 0,
        max: 1,
        doc: 'Each wait is multiplied by a random factor between 1 - this and 1 + this.',
      }),
      multiplier: number({ default: 1.5, min: 0, doc: 'Each wait is this many times the one before.' }),
      max_interval: duration({
        default: '30s',
        doc: 'No wait is longer than this, unless the server asks for it.',
      }),
      max_elapsed_time: duration({
        default: '5m',
        doc: 'After this long the batch is dropped and counted. 0 means never.',
      }),
    },
    {
      doc: 'What happens when the server says "not now".',
      check(value, report) {
        const { enabled, initial_interval, max_interval, max_elapsed_time } = value
        if (!enabled || max_elapsed_time === 0) return
        const fix = 'write a longer max_elapsed_time, or 0 for no end'
        if (max_elapsed_time < initial_interval)
          report.error('max_elapsed_time', 'is less than initial_interval', fix)
        if (max_elapsed_time < max_interval)
          report.error('max_elapsed_time', 'is less than max_interval', fix)
      },
    },
  )
}

const retry = retrySectionOf('5s')

const batch = section(
  {
    flush_timeout: duration({ default: '200ms', doc: 'A batch is sent after this long, however small.' }),
    min_size: integer({ default: 8192, min: 0, doc: 'A batch is sent once it has this size.' }),
    max_size: integer({ default: 0, min: 0, doc: 'Larger batches are split. 0 means no limit.' }),
    sizer: choice(['items', 'bytes'], { default: 'items', doc: 'What min_size and max_size count.' }),
    partition: section(
      {
        metadata_keys: list(text({ doc: 'A metadata key.' }), {
          doc: 'Requests whose values of these differ are not merged. auth.NAME is an attribute of the sender.',
        }),
      },
      { doc: 'Which requests may share a batch.' },
    ),
  },
  {
    doc: 'Batching inside the queue. Preferred over the batch processor: nothing is acknowledged before it is queued.',
    check(value, report) {
      const { flush_timeout, min_size, max_size, partition } = value
      if (flush_timeout === 0) report.error('flush_timeout', 'is 0', 'write a duration such as 200ms')
      if (max_size > 0 && max_size < min_size)
        report.error('max_size', `is less than min_size (${min_size})`, `write ${min_size} or more`)
      const twice = repeated(partition.metadata_keys)
      if (twice !== undefined)
        report.error('partition', `has the metadata key "${twice}" twice`, 'write it once')
    },
  },
)

/** The first word that is in the list twice, in whatever case. */
export function repeated(words: readonly string[]): string | undefined {
  const lower = words.map(word => word.toLowerCase())
  return lower.find((word, i) => lower.indexOf(word) < i)
}

/** What `max_queue_bytes` is where an exporter says nothing else. */
const QUEUE_BYTES = 256 * 1024 * 1024

/**
 * The same in front of Kafka and Elasticsearch, where what is on its way takes a multiple of what waits: records and bulk
 * requests are made of it. While such a server hangs this is the difference between 370 and 590 MiB of memory.
 */
export const QUEUE_BYTES_OF_STORES = 32 * 1024 * 1024

const queueSection = queueSectionOf(QUEUE_BYTES)

function queueSectionOf(queueBytes: number) {
  return section(
    {
      enabled: flag({ default: true, doc: 'Off: the sender waits for the server.' }),
      num_consumers: integer({ default: 10, min: 1, doc: 'How many batches are being sent at once.' }),
      queue_size: integer({ default: 1000, min: 1, doc: 'Capacity, counted by sizer.' }),
      sizer: choice(SIZERS, { default: 'requests', doc: 'What queue_size counts.' }),
      block_on_overflow: flag({ default: false, doc: 'When full, let the sender wait instead of refusing.' }),
      wait_for_result: flag({ default: false, doc: 'Answer the sender only when the server has answered.' }),
      storage: text({
        default: '',
        doc: 'Id of a storage extension that keeps the queue on disk. None is available yet.',
      }),
      max_queue_bytes: integer({
        default: queueBytes,
        min: 0,
        doc: 'Sluice only: the queue is also full when it holds this many bytes. 0 means no limit, as in the Collector.',
      }),
      batch: optional(batch),
    },
    {
      doc: 'The queue in front of the server.',
      check(value, report) {
        const { sizer, queue_size, wait_for_result, storage } = value
        if (wait_for_result && storage !== '')
          report.error('wait_for_result', 'cannot be had together with storage', 'take one of them out')
        if (value.batch !== undefined && value.batch.sizer === sizer && value.batch.min_size > queue_size) {
          report.error(
            'queue_size',
            `cannot hold one batch of batch.min_size (${value.batch.min_size})`,
            `write ${value.batch.min_size} or more, or a smaller min_size`,
          )
        }
      },
    },
  )
}

/** A batch without a sizer of its own is measured as the queue is, if the queue's is written: it cannot be requests. */
function queue(section: typeof queueSection): typeof queueSection {
  return { ...section, read: (node, path, check) => section.read(withBatchSizer(node), path, check) }
}

function withBatchSizer(node: Node): Node {
  if (node.kind !== 'map') return node
  const sizer = node.entries.get('sizer')
  const batch = node.entries.get('batch')
  if (sizer === undefined) return node
  if (batch?.node.kind !== 'map' || batch.node.entries.has('sizer')) return node
  const inner = { ...batch.node, entries: new Map(batch.node.entries).set('sizer', sizer) }
  return { ...node, entries: new Map(node.entries).set('batch', { ...batch, node: inner }) }
}

export const DEFAULT_TIMEOUT = '5s'

/** `retry_on_failure` with another first wait than the usual 5 s. */
export function retryField(initialInterval: string): typeof retry {
  return retrySectionOf(initialInterval)
}

/** The three keys for an exporter's section; `timeout` is how long one attempt may take, `queueBytes` max_queue_bytes. */
export function sendingFields(timeout: string = DEFAULT_TIMEOUT, queueBytes: number = QUEUE_BYTES) {
  return {
    timeout: duration({ default: timeout, doc: 'How long one attempt may take. 0 means no limit.' }),
    retry_on_failure: retry,
    sending_queue: queue(queueBytes === QUEUE_BYTES ? queueSection : queueSectionOf(queueBytes)),
  }
}

/** Of the queue of exporters that have their own words for it. */
export const QUEUE_BYTES_DEFAULT = QUEUE_BYTES

export type RetryConfig = ValueOf<typeof retry> & {
  /** No more retries than this, however little time has passed. 0 or absent: time alone decides. */
  readonly max_retries?: number
}
export type QueueConfig = ValueOf<typeof queueSection>
export type QueueBatchConfig = ValueOf<typeof batch>

/** Times in ms. */
export interface SendingConfig {
  readonly timeout: number
  readonly retry_on_failure: RetryConfig
  readonly sending_queue: QueueConfig
}
