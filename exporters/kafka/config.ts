/**
 * The keys of the kafka exporter: those of the Collector's exporter/kafkaexporter 0.155, with its defaults, and of ours
 * `client`, `dead_letter`, `producer.idempotent` and `sending_queue.max_queue_bytes`.
 */

import type { Node } from '../../config/node.ts'
import {
  also,
  choice,
  duration,
  flag,
  integer,
  list,
  optional,
  type SectionOptions,
  secret,
  section,
  text,
  type ValueOf,
} from '../../config/schema.ts'
import { QUEUE_BYTES_OF_STORES, sendingFields } from '../../core/component/sending-config.ts'
import type { Signal } from '../../core/otlp/signals.ts'
import { KAFKA_COMPRESSIONS } from '../../core/transport/kafka/client.ts'
import { checkKafkaClient, kafkaClientFields } from '../../core/transport/kafka/config.ts'
import { deadLetterSection } from '../../core/transport/kafka/dead-letter.ts'
import { encodingNames } from './encodings.ts'

const INT32_MAX = 2 ** 31 - 1
const BROKER_WRITE_BYTES = 100 * 1024 * 1024

function signalSection(signal: Signal, topic: string) {
  return section(
    {
      topic: text({ default: topic, doc: 'Where records go, unless a key below says otherwise.' }),
      encoding: choice(encodingNames(signal), {
        default: 'otlp_proto',
        doc: 'What the value of a record is.',
      }),
      topic_from_metadata_key: text({
        default: '',
        doc: 'Request metadata with this name says the topic; wins over topic_from_attribute and topic.',
      }),
      message_key_from_metadata_key: text({
        default: '',
        doc: 'Request metadata with this name is the key of the record.',
      }),
    },
    { doc: `How ${signal} are written.` },
  )
}

const producer = section(
  {
    max_message_bytes: integer({
      default: 1_000_000,
      min: 1024,
      max: INT32_MAX,
      doc: 'Largest record batch, before compression. What is larger is split; see dead_letter.',
    }),
    max_broker_write_bytes: integer({
      default: BROKER_WRITE_BYTES,
      min: BROKER_WRITE_BYTES,
      max: INT32_MAX,
      doc: 'No effect: one request carries one record batch.',
    }),
    required_acks: also(
      choice(['-1', '0', '1'], {
        default: '1',
        doc: '1: the leader has it. all: its replicas too. 0: nobody answers.',
      }),
      'all',
      { enum: [-1, 0, 1, 'all'] },
      acksOf,
    ),
    compression: choice(KAFKA_COMPRESSIONS, { default: 'none', doc: 'How record batches are compressed.' }),
    compression_params: section(
      {
        level: integer({
          default: 0,
          min: -2,
          doc: 'gzip: 1 (fast) to 9 (small); 0 and -1 mean 3. zstd: 1 to 22; 0 and -1 mean 1.',
        }),
      },
      { doc: 'How hard to compress.' },
    ),
    flush_max_messages: integer({ default: 10_000, min: 1, doc: 'Most records in one record batch.' }),
    linger: duration({
      default: '10ms',
      doc: 'How long a record batch waits for more records of its partition.',
    }),
    allow_auto_topic_creation: flag({
      default: true,
      doc: 'Let brokers make a topic that is not there, if they are told to (auto.create.topics.enable).',
    }),
    idempotent: flag({
      default: false,
      doc: 'Sluice only: brokers drop what a retry sends twice. Needs required_acks: all; one batch at a time.',
    }),
  },
  {
    doc: 'How record batches are made and sent.',
    check(value, report) {
      const { compression, compression_params, max_message_bytes, max_broker_write_bytes } = value
      const { level } = compression_params
      if ((compression === 'snappy' || compression === 'lz4') && level > 0) {
        report.error('compression_params', `${compression} has no levels`, 'remove level')
      }
      if (compression === 'gzip' && level > 9) {
        report.error('compression_params', `gzip has no level ${level}`, 'write 1 to 9')
      }
      if (max_message_bytes > max_broker_write_bytes) {
        report.error('max_message_bytes', 'is more than max_broker_write_bytes', 'raise that one too')
      }
      if (value.idempotent && value.required_acks !== '-1') {
        report.error('idempotent', 'needs an answer from all replicas', 'write required_acks: all')
      }
    },
  },
)

/** Numbers, as the Collector has them, and the one word. */
function acksOf(node: Node): '-1' | '0' | '1' | undefined {
  if (node.kind !== 'scalar') return undefined
  if (node.value === 'all' || node.value === -1) return '-1'
  if (node.value === null || node.value === 0) return '0'
  return node.value === 1 ? '1' : undefined
}

const partitioner = section(
  {
    sticky_key: optional(
      section(
        {
          hasher: choice(['sarama_compat', 'murmur2'], {
            default: 'sarama_compat',
            doc: "sarama_compat: FNV-1a, as Go's clients. murmur2: as Java's.",
          }),
        },
        { doc: 'By the hash of the key; without one, a partition at random for each record batch.' },
      ),
    ),
    round_robin: optional(section({}, { doc: 'One partition after another.' })),
    least_backup: optional(section({}, { doc: 'The partition with the fewest records under way.' })),
    extension: text({
      default: '',
      doc: 'An extension that chooses.',
      check: id => (id === '' ? undefined : ['there are no extensions that choose partitions', 'remove it']),
    }),
  },
  {
    doc: 'Which partition a record goes to. Nothing below it means sticky_key.',
    check(value, report) {
      const written = (['sticky_key', 'round_robin', 'least_backup'] as const).filter(
        key => value[key] !== undefined,
      )
      if (written.length > 1) report.error(written[1]!, `stands beside ${written[0]}`, 'keep one of them')
    },
  },
)

const deadLetter = deadLetterSection('an item that is too large to be sent', 'a line of OTLP/JSON')

const recordHeader = section(
  {
    name: text({ required: true, doc: 'Name of the header.' }),
    value: secret({ doc: 'Its value.' }),
  },
  { doc: 'A header of every record.' },
)

const recordHeaders = list(recordHeader, { doc: 'Headers of every record.' })

/** The Collector takes a list; its README writes a map, so both are understood. */
const headersOrMap: typeof recordHeaders = also(
  recordHeaders,
  'map of texts',
  { type: 'object', additionalProperties: { type: 'string' } },
  (node, path, check) => {
    if (node.kind !== 'map') return undefined
    const items = [...node.entries].map(([name, entry]): Node => {
      const at = entry.keyAt
      const nameNode: Node = { kind: 'scalar', value: name, text: name, fromExpansion: false, at }
      const entries = new Map([
        ['name', { keyAt: at, node: nameNode }],
        ['value', { keyAt: at, node: entry.node }],
      ])
      return { kind: 'map', entries, at }
    })
    return recordHeaders.read({ kind: 'list', items, at: node.at }, path, check)
  },
)

const fields = {
  ...kafkaClientFields,
  traces: signalSection('traces', 'otlp_spans'),
  metrics: signalSection('metrics', 'otlp_metrics'),
  logs: signalSection('logs', 'otlp_logs'),
  profiles: signalSection('profiles', 'otlp_profiles'),
  topic: text({ default: '', doc: 'Old key: the topic of every signal that names none of its own.' }),
  encoding: text({ default: '', doc: 'Old key: the encoding of every signal that names none of its own.' }),
  topic_from_attribute: text({
    default: '',
    doc: 'A resource attribute that says the topic. Every resource then is a record of its own.',
  }),
  partition_traces_by_id: flag({
    default: false,
    doc: 'One record for each trace of a scope, keyed by the trace id in hex.',
  }),
  partition_metrics_by_resource_attributes: flag({
    default: false,
    doc: 'One record for each resource, keyed by the hash of its attributes.',
  }),
  partition_logs_by_resource_attributes: flag({
    default: false,
    doc: 'One record for each resource, keyed by the hash of its attributes.',
  }),
  partition_logs_by_trace_id: flag({
    default: false,
    doc: 'One record for each trace of a scope, keyed by the trace id in hex.',
  }),
  record_partitioner: partitioner,
  record_headers: headersOrMap,
  include_metadata_keys: list(text({ doc: 'Name of request metadata.' }), {
    doc: 'Request metadata that become headers of the record.',
  }),
  producer,
  dead_letter: deadLetter,
  ...sendingFields('5s', QUEUE_BYTES_OF_STORES),
} as const

type Report = Parameters<NonNullable<SectionOptions<typeof fields>['check']>>[1]
type Written = ValueOf<ReturnType<typeof plain>>

function plain() {
  return section(fields, { doc: '' })
}

const SIGNAL_KEYS = ['traces', 'metrics', 'logs', 'profiles'] as const

export const config = section(fields, {
  doc: 'Writes to Kafka.',
  check(value, report) {
    checkKafkaClient(value, report)
    checkOldKeys(value, report)
    checkKeys(value, report)
    checkBatching(value, report)
  },
})

export type KafkaConfig = ValueOf<typeof config>

function checkOldKeys({ topic, encoding }: Written, report: Report): void {
  if (topic !== '') report.warn('topic', 'is an old key', `write traces: {topic: ${topic}} and its siblings`)
  if (encoding === '') return
  report.warn('encoding', 'is an old key', `write traces: {encoding: ${encoding}} and its siblings`)
  if (SIGNAL_KEYS.some(signal => encodingNames(signal).includes(encoding))) return
  report.error(
    'encoding',
    `"${encoding}" is no encoding`,
    `write one of ${encodingNames('traces').join(', ')}`,
  )
}

/** Two rules about one key of a record; what the Collector's Config.Validate refuses. */
function checkKeys(value: Written, report: Report): void {
  const exclusive = 'does not go with message_key_from_metadata_key'
  if (value.partition_logs_by_resource_attributes && value.partition_logs_by_trace_id) {
    report.error(
      'partition_logs_by_trace_id',
      'stands beside partition_logs_by_resource_attributes',
      'keep one',
    )
  }
  if (value.traces.message_key_from_metadata_key !== '' && value.partition_traces_by_id) {
    report.error('partition_traces_by_id', exclusive, 'keep one')
  }
  if (value.metrics.message_key_from_metadata_key !== '' && value.partition_metrics_by_resource_attributes) {
    report.error('partition_metrics_by_resource_attributes', exclusive, 'keep one')
  }
  if (value.logs.message_key_from_metadata_key !== '') {
    if (value.partition_logs_by_resource_attributes) {
      report.error('partition_logs_by_resource_attributes', exclusive, 'keep one')
    }
    if (value.partition_logs_by_trace_id) report.error('partition_logs_by_trace_id', exclusive, 'keep one')
  }
}

/** Batching in the queue forgets request metadata, except those it is told to keep apart. */
function checkBatching(value: Written, report: Report): void {
  const { batch } = value.sending_queue
  if (batch === undefined) return
  const kept = new Set(batch.partition.metadata_keys)
  const missing = (key: string) =>
    `"${key}" is not among sending_queue.batch.partition.metadata_keys, so it is lost`
  const fix = (key: string) => `add ${key} to sending_queue.batch.partition.metadata_keys`
  for (const key of value.include_metadata_keys) {
    if (!kept.has(key)) report.error('include_metadata_keys', missing(key), fix(key))
  }
  for (const signal of SIGNAL_KEYS) {
    for (const from of ['topic_from_metadata_key', 'message_key_from_metadata_key'] as const) {
      const key = value[signal][from]
      if (key !== '' && !kept.has(key)) report.error(signal, `${from}: ${missing(key)}`, fix(key))
    }
  }
}

/** What holds for one signal, the old keys included. */
export interface SignalWriting {
  readonly topic: string
  readonly encoding: string
  readonly topicFromMetadataKey: string
  readonly messageKeyFromMetadataKey: string
}

const DEFAULT_TOPICS: Readonly<Record<Signal, string>> = {
  traces: 'otlp_spans',
  metrics: 'otlp_metrics',
  logs: 'otlp_logs',
  profiles: 'otlp_profiles',
}

export function writingOf(config: KafkaConfig, signal: Signal): SignalWriting {
  const own = config[signal]
  const oldTopic = config.topic !== '' && own.topic === DEFAULT_TOPICS[signal]
  const oldEncoding =
    config.encoding !== '' && own.encoding === 'otlp_proto' && encodingNames(signal).includes(config.encoding)
  return {
    topic: oldTopic ? config.topic : own.topic,
    encoding: oldEncoding ? config.encoding : own.encoding,
    topicFromMetadataKey: own.topic_from_metadata_key,
    messageKeyFromMetadataKey: own.message_key_from_metadata_key,
  }
}
