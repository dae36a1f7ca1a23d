/**
 * The keys of the kafka receiver: those of the Collector's receiver/kafkareceiver 0.155 and configkafka, and of ours
 * `client`, `dead_letter`, `max_bytes_in_flight` and `max_records_in_flight`. Where the defaults are not the
 * Collector's, docs/differences.md says why.
 */

import {
  choice,
  duration,
  flag,
  integer,
  list,
  number,
  optional,
  type SectionOptions,
  section,
  text,
  type ValueOf,
} from '../../config/schema.ts'
import { patternProblem } from '../../core/formats/re2.ts'
import { SIGNALS, type Signal } from '../../core/otlp/signals.ts'
import { checkKafkaClient, kafkaClientFields } from '../../core/transport/kafka/config.ts'
import { KAFKA_STRATEGIES, type KafkaStrategy } from '../../core/transport/kafka/consumer.ts'
import { deadLetterSection } from '../../core/transport/kafka/dead-letter.ts'
import { decoderOf, encodingNames } from './encodings.ts'

const MEBIBYTE = 1024 * 1024
const INT32_MAX = 2 ** 31 - 1

const DEFAULT_TOPICS: Readonly<Record<Signal, string>> = {
  traces: 'otlp_spans',
  metrics: 'otlp_metrics',
  logs: 'otlp_logs',
  profiles: 'otlp_profiles',
}

function pattern(source: string): readonly [string, string] | undefined {
  const problem = patternProblem(source)
  return problem === undefined ? undefined : [`"${source}" is no pattern: ${problem}`, 'write it as RE2']
}

function encodingProblem(name: string, signal: Signal): readonly [string, string] | undefined {
  if (decoderOf(name, signal) !== undefined) return undefined
  const names = encodingNames(signal).join(', ')
  const texts = signal === 'logs' ? ', text_ and the name of a character encoding' : ''
  if (name.startsWith('text_') && signal === 'logs')
    return [`"${name.slice(5)}" is no character encoding that is known`, 'write text_utf-8']
  return [`"${name}" is no encoding of ${signal}`, `write one of ${names}${texts}`]
}

function signalSection(signal: Signal) {
  return section(
    {
      topics: list(
        text({
          doc: 'A topic, or a pattern of topics that begins with ^.',
          check: topic => (topic.startsWith('^') ? pattern(topic) : undefined),
        }),
        {
          default: [DEFAULT_TOPICS[signal]],
          doc: 'Topics to read. With ^ in front, a pattern (RE2) of their names.',
        },
      ),
      encoding: text({
        default: 'otlp_proto',
        doc: `What the value of a record is: ${encodingNames(signal).join(', ')}${signal === 'logs' ? ', text_<encoding>' : ''}.`,
        check: name => encodingProblem(name, signal),
      }),
      exclude_topics: list(
        text({
          doc: 'A pattern (RE2).',
          check: source =>
            source === '' ? ['is empty: it would match every topic', 'remove it'] : pattern(source),
        }),
        { doc: 'Topics that match one of these are not read. Only beside a pattern in topics.' },
      ),
      topic: text({ default: '', doc: 'Old key: one topic; wins over topics that are not written.' }),
      exclude_topic: text({
        default: '',
        doc: 'Old key: one pattern of exclude_topics.',
        check: source => (source === '' ? undefined : pattern(source)),
      }),
    },
    {
      doc: `Where ${signal} come from.`,
      check(value, report) {
        if (value.topic !== '') report.warn('topic', 'is an old key', `write topics: [${value.topic}]`)
        if (value.exclude_topic !== '')
          report.warn('exclude_topic', 'is an old key', `write exclude_topics: ["${value.exclude_topic}"]`)
        const patterns = [...value.topics, value.topic].some(topic => topic.startsWith('^'))
        if (!patterns && value.exclude_topics.length > 0) {
          report.error('exclude_topics', 'stands beside topics without a pattern', 'write topics: ["^.."]')
        }
        if (value.topics.length === 0) report.error('topics', 'is empty', 'write at least one topic')
      },
    },
  )
}

const marking = section(
  {
    after: flag({
      default: true,
      doc: 'A record counts as done once the pipeline took it. false, the default of the Collector: once it is read, so that a crash loses what is under way.',
    }),
    on_error: flag({
      default: false,
      doc: 'Whether a record is done that the pipeline refused until error_backoff gave up. Only with after.',
    }),
    on_permanent_error: flag({
      default: true,
      doc: 'Whether a record is done that is rejected for ever or cannot be decoded. false, the default of the Collector: its partition stands still until the group shares out anew. Only with after.',
    }),
  },
  { doc: 'When a record is done, so that its offset is committed.' },
)

const backoff = section(
  {
    enabled: flag({
      default: true,
      doc: 'Offer again what the pipeline refused. false, the default of the Collector: the partition stands still (or see message_marking.on_error).',
    }),
    initial_interval: duration({ default: '1s', doc: 'Wait before the first retry.' }),
    randomization_factor: number({
      default: 0.5,
      min: 0,
      max: 1,
      doc: 'Each wait is drawn from interval * (1 - factor) to interval * (1 + factor).',
    }),
    multiplier: number({ default: 1.5, min: 0, doc: 'The interval grows by this each time.' }),
    max_interval: duration({ default: '30s', doc: 'The interval grows no further.' }),
    max_elapsed_time: duration({
      default: '0s',
      doc: 'After so long it gives up: with message_marking.on_error the record is dropped and counted, else it begins again. 0: never.',
    }),
  },
  {
    doc: 'How often a record is offered to a pipeline that refuses it. Order is kept, nothing is committed meanwhile.',
  },
)

const strategy = choice(KAFKA_STRATEGIES, { doc: 'How the group shares out partitions.' })

const fields = {
  ...kafkaClientFields,
  traces: signalSection('traces'),
  metrics: signalSection('metrics'),
  logs: signalSection('logs'),
  profiles: signalSection('profiles'),
  topic: text({ default: '', doc: 'Old key: the topic of every signal that names none of its own.' }),
  encoding: text({ default: '', doc: 'Old key: the encoding of every signal that names none of its own.' }),
  group_id: text({ default: 'otel-collector', doc: 'The consumer group.' }),
  group_instance_id: text({
    default: '',
    doc: 'Makes it a static member, which keeps its partitions over a restart that is shorter than session_timeout. Needs client: platformatic. With service.workers, worker 2 is the member NAME-2.',
  }),
  initial_offset: choice(['latest', 'earliest'], {
    default: 'latest',
    doc: 'Where to begin in a partition that the group has not read yet.',
  }),
  session_timeout: duration({
    default: '10s',
    doc: 'A member that was not heard of for so long is taken out of the group.',
  }),
  heartbeat_interval: duration({ default: '3s', doc: 'How often it tells the group that it is there.' }),
  group_rebalance_strategies: list(strategy, {
    doc: 'How the group shares out partitions, most wanted first. Nothing: cooperative-sticky, with client: kafkajs sticky, range and roundrobin.',
  }),
  group_rebalance_strategy: choice(['', ...KAFKA_STRATEGIES], {
    default: '',
    doc: 'Old key: one of group_rebalance_strategies.',
  }),
  min_fetch_size: integer({
    default: 1,
    min: 0,
    max: INT32_MAX,
    doc: 'Bytes a broker waits for before it answers.',
  }),
  max_fetch_size: integer({ default: MEBIBYTE, min: 0, max: INT32_MAX, doc: 'Most bytes in one answer.' }),
  max_partition_fetch_size: integer({
    default: MEBIBYTE,
    min: 0,
    max: INT32_MAX,
    doc: 'Most bytes of one partition in one answer. A single larger batch comes all the same.',
  }),
  default_fetch_size: integer({ default: 0, min: 0, doc: 'Old key; no effect.' }),
  max_fetch_wait: duration({ default: '250ms', doc: 'How long a broker waits for min_fetch_size.' }),
  max_bytes_in_flight: integer({
    default: 32 * MEBIBYTE,
    min: MEBIBYTE,
    doc: 'Sluice only: partitions are paused while so many bytes of records are read and not done.',
  }),
  max_records_in_flight: integer({
    default: 1,
    min: 1,
    max: 100_000,
    doc: 'Sluice only: so many records of one partition may be in the pipeline at once. 1 keeps them in order; more are needed where the pipeline holds back its answer (wait_for_result behind a batch processor).',
  }),
  autocommit: section(
    {
      enable: flag({
        default: true,
        doc: 'Commit offsets of what is done each interval. false: as soon as it is done.',
      }),
      interval: duration({ default: '1s', doc: 'How often.' }),
    },
    { doc: 'When offsets are committed.' },
  ),
  message_marking: marking,
  error_backoff: backoff,
  header_extraction: section(
    {
      extract_headers: flag({ default: false, doc: 'Write headers of records into resource attributes.' }),
      headers: list(text({ doc: 'Name of a header.' }), {
        doc: 'Which ones; the attribute of x is kafka.header.x.',
      }),
    },
    {
      doc: 'Headers of records as resource attributes. All of them are request metadata anyway.',
      check(value, report) {
        if (!value.extract_headers && value.headers.length > 0)
          report.warn('headers', 'has no effect', 'write extract_headers: true')
      },
    },
  ),
  telemetry: section(
    {
      metrics: section(
        {
          kafka_receiver_records_delay: section(
            { enabled: flag({ default: false, doc: 'Measure it.' }) },
            { doc: 'How old records are when they are read.' },
          ),
        },
        { doc: 'Metrics that are off by default.' },
      ),
    },
    { doc: 'What it measures of itself.' },
  ),
  dead_letter: optional(
    deadLetterSection(
      'a record that cannot be decoded, or that the pipeline rejects for ever,',
      'an object of JSON with its place, headers, key and value (base64)',
    ),
    { empty: 'off' },
  ),
} as const

type Report = Parameters<NonNullable<SectionOptions<typeof fields>['check']>>[1]
type Written = ValueOf<ReturnType<typeof plain>>

function plain() {
  return section(fields, { doc: '' })
}

export const config = section(fields, {
  doc: 'Reads from Kafka, as a member of a consumer group.',
  check(value, report) {
    checkKafkaClient(value, report)
    checkOldKeys(value, report)
    checkGroup(value, report)
    checkTopics(value, report)
    if (value.max_fetch_size < value.min_fetch_size)
      report.error('max_fetch_size', 'is less than min_fetch_size', `write ${value.min_fetch_size} or more`)
    if (!value.message_marking.after && report.written('message_marking')) {
      report.warn(
        'message_marking',
        'after: false commits records that are still under way, so a crash loses them',
        'write after: true',
      )
    }
  },
})

export type KafkaReceiverConfig = ValueOf<typeof config>

function checkOldKeys({ topic, encoding }: Written, report: Report): void {
  if (topic !== '')
    report.warn('topic', 'is an old key', `write traces: {topics: [${topic}]} and its siblings`)
  if (report.written('default_fetch_size'))
    report.warn('default_fetch_size', 'is an old key without effect', 'remove it')
  if (encoding === '') return
  report.warn('encoding', 'is an old key', `write traces: {encoding: ${encoding}} and its siblings`)
  if (SIGNALS.every(signal => decoderOf(encoding, signal) === undefined)) {
    const names = encodingNames('traces').join(', ')
    report.error('encoding', `"${encoding}" is no encoding`, `write one of ${names}`)
  }
}

function checkGroup(value: Written, report: Report): void {
  const { client, session_timeout: session, heartbeat_interval: heartbeat } = value
  if (value.group_id === '') report.error('group_id', 'is empty', 'write a name')
  if (heartbeat <= 0) report.error('heartbeat_interval', 'is not above 0', 'write 3s')
  if (heartbeat >= session)
    report.error('heartbeat_interval', 'is not below session_timeout', 'write a third of that')
  const one = value.group_rebalance_strategy
  const several = value.group_rebalance_strategies
  if (one !== '') {
    report.warn('group_rebalance_strategy', 'is an old key', `write group_rebalance_strategies: [${one}]`)
    if (several.length > 0)
      report.error('group_rebalance_strategy', 'stands beside group_rebalance_strategies', 'remove it')
  }
  if (client !== 'kafkajs') return
  const key = one === '' ? 'group_rebalance_strategies' : 'group_rebalance_strategy'
  const wanted = one === '' ? several : [one]
  if (wanted.includes('cooperative-sticky')) {
    const wrong = 'kafkajs cannot do cooperative-sticky'
    if (wanted.length === 1) report.error(key, wrong, 'write client: platformatic, or range here')
    else report.warn(key, `${wrong}; the others are offered to the group`, 'write client: platformatic')
  }
  if (value.group_instance_id !== '')
    report.warn('group_instance_id', 'has no effect with kafkajs', 'write client: platformatic')
}

/** A partition goes to one reader of the group, so a topic of two signals would be read as one or the other by chance. */
function checkTopics(value: Written, report: Report): void {
  const readers = new Map<string, Signal>()
  for (const signal of SIGNALS) {
    for (const topic of topicsOf(value, signal)) {
      const other = readers.get(topic)
      if (other !== undefined && value.topic === '') {
        report.error(signal, `${topic} is read as ${other} already`, 'give each signal a topic of its own')
      }
      readers.set(topic, signal)
    }
  }
}

function topicsOf(config: Written, signal: Signal): readonly string[] {
  const own = config[signal]
  const isDefault = own.topics.length === 1 && own.topics[0] === DEFAULT_TOPICS[signal]
  if (own.topic !== '' && isDefault) return [own.topic]
  return isDefault && config.topic !== '' ? [config.topic] : own.topics
}

/** What holds for one signal, the old keys included. */
export interface SignalReading {
  readonly topics: readonly string[]
  readonly excluded: readonly string[]
  readonly encoding: string
}

export function readingOf(config: KafkaReceiverConfig, signal: Signal): SignalReading {
  const own = config[signal]
  const old =
    config.encoding !== '' &&
    own.encoding === 'otlp_proto' &&
    decoderOf(config.encoding, signal) !== undefined
  return {
    topics: topicsOf(config, signal),
    excluded: own.exclude_topic === '' ? own.exclude_topics : [...own.exclude_topics, own.exclude_topic],
    encoding: old ? config.encoding : own.encoding,
  }
}

export function strategiesOf(config: KafkaReceiverConfig): readonly KafkaStrategy[] {
  const written =
    config.group_rebalance_strategy === ''
      ? config.group_rebalance_strategies
      : [config.group_rebalance_strategy]
  if (config.client === 'platformatic') return written.length === 0 ? ['cooperative-sticky'] : written
  const eager = written.filter(one => one !== 'cooperative-sticky')
  return eager.length === 0 ? ['sticky', 'range', 'roundrobin'] : eager
}
