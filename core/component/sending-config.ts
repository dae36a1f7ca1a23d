/**
 * `timeout`, `retry_on_failure` and `sending_queue`: the keys every sending exporter has, with the Collector's
 * defaults (exporter/exporterhelper 0.155). An exporter spreads `sendingFields()` into its own section.
 */

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

const retry = section(
  {
    enabled: flag({
      default: true,
      doc: 'Send again what the server refused for now. Off: it is dropped and counted.',
    }),
    initial_interval: duration({ default: '5s', doc: 'Wait before the first retry.' }),
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
  { doc: 'What happens when the server says "not now".' },
)

const batch = section(
  {
    flush_timeout: duration({ default: '200ms', doc: 'A batch is sent after this long, however small.' }),
    min_size: integer({ default: 8192, min: 0, doc: 'A batch is sent once it has this size.' }),
    max_size: integer({ default: 0, min: 0, doc: 'Larger batches are split. 0 means no limit.' }),
    sizer: choice(['items', 'bytes'], { default: 'items', doc: 'What min_size and max_size count.' }),
    partition: section(
      {
        metadata_keys: list(text({ doc: 'A metadata key.' }), {
          doc: 'Requests whose values of these differ are not merged.',
        }),
      },
      { doc: 'Which requests may share a batch.' },
    ),
  },
  {
    doc: 'Batching inside the queue. Preferred over the batch processor: nothing is acknowledged before it is queued.',
  },
)

const queue = section(
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
    batch: optional(batch),
  },
  { doc: 'The queue in front of the server.' },
)

export const DEFAULT_TIMEOUT = '5s'

/** The three keys for an exporter's section; `timeout` is how long one attempt may take. */
export function sendingFields(timeout: string = DEFAULT_TIMEOUT) {
  return {
    timeout: duration({ default: timeout, doc: 'How long one attempt may take. 0 means no limit.' }),
    retry_on_failure: retry,
    sending_queue: queue,
  }
}

export type RetryConfig = ValueOf<typeof retry>
export type QueueConfig = ValueOf<typeof queue>
export type QueueBatchConfig = ValueOf<typeof batch>

/** Times in ms. */
export interface SendingConfig {
  readonly timeout: number
  readonly retry_on_failure: RetryConfig
  readonly sending_queue: QueueConfig
}
