/** The keys that say what documents look like and where they go, in all modes but jaeger (contrib 0.155). */

import { choice, duration, flag, list, optional, section, text, type ValueOf } from '../../config/schema.ts'
import { MODES } from '../../core/formats/elastic/modes.ts'
import type { Signal } from '../../core/otlp/signals.ts'
import { dateFormatProblem } from './date-format.ts'

const MODE_ALIASES = { '': 'none', no: 'none' } as const

function index(what: string) {
  return text({
    default: '',
    doc: `Index, alias or data stream for ${what}. Empty: by the attributes data_stream.* and elasticsearch.index.`,
  })
}

function dynamicIndex(what: string) {
  return section(
    { enabled: flag({ default: false, doc: 'Always so, whatever is written.' }) },
    { doc: `Old key: ${what} go where their attributes say unless an index is written.` },
  )
}

function enabled(doc: string) {
  return section({ enabled: flag({ default: false, doc }) }, { doc })
}

const mapping = section(
  {
    mode: choice([...MODES, 'jaeger'], {
      default: 'otel',
      aliases: MODE_ALIASES,
      doc: "What documents look like: OpenTelemetry's own layout, ECS, flat fields, the body alone, or what Jaeger reads. A sender may ask for another by the request metadata X-Elastic-Mapping-Mode or the scope's attribute elastic.mapping.mode.",
    }),
    allowed_modes: list(choice(MODES, { doc: 'A mode.', aliases: MODE_ALIASES }), {
      default: [...MODES],
      doc: 'Modes that senders may ask for.',
    }),
    require_data_stream: flag({
      default: true,
      doc: 'Sluice only: in mode otel nothing is written to a plain index where a data stream should be. Needs Elasticsearch 8.12; write false for older ones and OpenSearch.',
    }),
  },
  {
    doc: 'How telemetry becomes documents.',
    ignored: {
      dedup: 'equal keys are always made one',
      dedot: 'the mode decides',
      fields: 'there are no such fields',
      file: 'there are no such fields',
    },
  },
)

const logstash = section(
  {
    enabled: flag({ default: false, doc: 'Put the date behind the name of the index.' }),
    prefix_separator: text({ default: '-', doc: 'Between the two.' }),
    date_format: text({
      default: '%Y.%m.%d',
      doc: 'How the date is written, as for strftime, in UTC.',
      check: dateFormatProblem,
    }),
  },
  { doc: 'Indices with a date in their name.' },
)

const telemetry = section(
  {
    log_request_body: flag({ default: false, doc: 'Log bodies of requests at level debug.' }),
    log_response_body: flag({ default: false, doc: 'Log bodies of answers at level debug.' }),
    log_failed_docs_input: flag({
      default: false,
      doc: 'Log a document that the cluster does not take, beside the reason.',
    }),
    log_failed_docs_input_rate_limit: duration({ default: '1s', doc: 'Not more often than this.' }),
  },
  { doc: 'What is logged of the data itself, which may be secret.' },
)

export const modeFields = {
  logs_index: index('logs, and for events of spans in mode otel'),
  metrics_index: index('metrics'),
  traces_index: index('spans'),
  logs_dynamic_index: dynamicIndex('logs'),
  metrics_dynamic_index: dynamicIndex('metrics'),
  traces_dynamic_index: dynamicIndex('spans'),
  logs_dynamic_id: enabled(
    'The attribute elasticsearch.document_id of a log record is the id of its document.',
  ),
  traces_dynamic_id: enabled('The same for spans and their events.'),
  logs_dynamic_pipeline: enabled(
    'The attribute elasticsearch.ingest_pipeline of a log record is the pipeline its document runs through.',
  ),
  pipeline: text({ default: '', doc: 'Ingest pipeline that documents run through.' }),
  logstash_format: logstash,
  include_source_on_error: optional(
    flag({
      doc: 'Whether reasons why a document is not taken may quote it. Only written to requests when it is set: needs Elasticsearch 8.18.',
    }),
  ),
  metadata_keys: list(text({ doc: 'A metadata key.' }), {
    doc: 'Requests whose values of these differ are not merged, as sending_queue.batch.partition.metadata_keys.',
  }),
  telemetry,
  mapping,
}

const modeSection = section(modeFields, { doc: '' })

export type ModesConfig = ValueOf<typeof modeSection>

interface Report {
  error(key: string, wrong: string, fix: string): void
  warn(key: string, wrong: string, fix: string): void
}

const INDEX_KEYS = ['logs', 'metrics', 'traces'] as const

/** What goes wrong between these keys. */
export function checkModes(value: ModesConfig, report: Report): void {
  for (const signal of INDEX_KEYS) {
    const key = `${signal}_index` as const
    if (value[key] !== '' && value[`${signal}_dynamic_index`].enabled)
      report.error(key, `cannot be had together with ${signal}_dynamic_index`, 'take one of them out')
  }
  if (value.mapping.mode !== 'jaeger') return
  for (const key of ['logs_index', 'metrics_index', 'traces_index', 'pipeline'] as const)
    if (value[key] !== '') report.warn(key, 'has no effect in mode jaeger', 'take it out')
  if (value.logstash_format.enabled)
    report.warn('logstash_format', 'has no effect in mode jaeger', 'write jaeger.indices')
}

/** Why data of a signal cannot be written in the mode of the config. */
export function modeMisfit(mode: ModesConfig['mapping']['mode'], signal: Signal): string | undefined {
  if (mode === 'jaeger')
    return signal === 'traces' ? undefined : 'mapping.mode jaeger has documents of spans only'
  if (mode === 'bodymap')
    return signal === 'logs' ? undefined : 'mapping.mode bodymap has documents of logs only'
  if (mode !== 'otel' && mode !== 'ecs' && signal === 'metrics')
    return `mapping.mode ${mode} has no documents of metrics; otel and ecs have`
  return undefined
}
