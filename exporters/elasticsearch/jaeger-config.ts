/** The `jaeger` section: Jaeger's own keys and defaults (internal/storage/elasticsearch/config, 1.76), and a few more. */

import {
  also,
  choice,
  duration,
  flag,
  integer,
  optional,
  type Schema,
  section,
  text,
  type ValueOf,
} from '../../config/schema.ts'
import { layoutProblem, ROTATIONS, type Rotation } from '../../core/formats/jaeger-es/index-names.ts'

function indexSection(doc: string) {
  return section(
    {
      date_layout: text({
        default: '2006-01-02',
        doc: 'How the date is written in names of indices, in the words of Go: 2006-01-02-15 makes one an hour.',
        check: layoutProblem,
      }),
      rollover_frequency: choice(['day', 'hour'], {
        default: 'day',
        doc: 'Taken, for readers only; date_layout says how often there is a new index.',
      }),
      shards: integer({ default: 5, min: 1, doc: 'Primary shards of each index.' }),
      replicas: integer({ default: 1, min: 0, doc: 'Copies of each shard.' }),
      priority: integer({
        default: 0,
        min: 0,
        doc: 'Of the index template. From Elasticsearch 8 on the highest wins where several match.',
      }),
    },
    { doc },
  )
}

/** Keys of Jaeger's for what reads. */
export const FOR_READERS: Readonly<Record<string, string>> = {
  send_get_body_as: 'it is for readers',
  max_doc_count: 'it is for readers',
  max_span_age: 'it is for readers',
  max_trace_duration: 'it is for readers',
  remote_read_clusters: 'it is for readers',
  adaptive_sampling_lookback: 'it is for readers',
}

const ELSEWHERE: Readonly<Record<string, string>> = {
  server_urls: 'write endpoints of the exporter',
  auth: 'write user and password, or api_key, of the exporter',
  tls: 'write tls of the exporter',
  custom_headers: 'write headers of the exporter',
  http_compression: 'write compression of the exporter',
  bulk_processing: 'write flush and sending_queue of the exporter',
  sniffing: 'write discover of the exporter',
  disable_health_check: 'there is no health check to disable',
  query_timeout: 'write timeout of the exporter',
  log_level: 'write service.telemetry.logs.level',
  ...FOR_READERS,
}

const NOT_WRITTEN = 'no such documents are written here'

const dependencies = section(
  {
    interval: duration({
      default: '5m',
      min: 1000,
      doc: 'How often a document of the calls since the last one is written. Jaeger adds them up.',
    }),
    ttl: duration({
      default: '1m',
      min: 1000,
      doc: 'How long a span waits for its parent and its children.',
    }),
    max_spans: integer({
      default: 500_000,
      min: 1,
      doc: 'How many spans wait at once, at about 100 bytes each. When more come, the oldest go before their time.',
    }),
  },
  {
    doc: "Sluice only: write which service calls which, for Jaeger's System Architecture page. All spans of a trace must come to this gateway, and it must have one worker.",
  },
)

const VERSIONS = ['', '7', '8', '9'] as const

/** A number in Jaeger's own config, a text where it comes from elsewhere. */
const version = also(
  choice(VERSIONS, {
    default: '',
    doc: 'Major version of Elasticsearch; 7 for OpenSearch. Empty or 0: ask the cluster.',
    aliases: { '0': '' },
  }),
  'a number',
  { enum: [0, 7, 8, 9] },
  node => {
    if (node.kind !== 'scalar' || typeof node.value !== 'number') return undefined
    const word = node.value === 0 ? '' : String(node.value)
    return VERSIONS.find(one => one === word)
  },
)

interface RotationKeys {
  readonly rotation: string
  readonly use_aliases: boolean
  readonly use_ilm: boolean
  readonly create_mappings: boolean
}

/** Which of these keys go together. */
export function checkRotation(
  { rotation, use_aliases, use_ilm, create_mappings }: RotationKeys,
  report: { error(key: keyof RotationKeys, wrong: string, fix?: string): void },
): void {
  if (rotation !== '' && (use_aliases || use_ilm))
    report.error('rotation', 'cannot be had together with use_aliases and use_ilm', 'take these two out')
  if (use_ilm && !use_aliases) report.error('use_ilm', 'needs use_aliases', 'write use_aliases: true')
  if (use_ilm && create_mappings)
    report.error(
      'create_mappings',
      'cannot be true with use_ilm',
      'write false: es-rollover makes the templates; or write rotation: auto_rollover',
    )
}

export const jaegerSection = section(
  {
    version,
    create_mappings: flag({
      default: true,
      doc: 'Put index templates before the first document. Nothing is written until they are there.',
    }),
    rotation: choice(['', ...ROTATIONS], {
      default: '',
      doc: 'periodic: an index a day. manual_rollover, auto_rollover: through the alias ...-write, which es-rollover makes. data_stream: needs a Jaeger that reads them. Empty: what use_aliases and use_ilm say, else periodic.',
    }),
    use_aliases: flag({ default: false, doc: 'Old spelling of rotation: manual_rollover.' }),
    use_ilm: flag({ default: false, doc: 'With use_aliases the old spelling of rotation: auto_rollover.' }),
    ilm_policy: text({
      default: 'jaeger-ilm-policy',
      doc: 'Sluice only: the policy that templates name with auto_rollover.',
    }),
    indices: section(
      {
        index_prefix: text({
          default: '',
          doc: 'Stands before every name, followed by - where it does not end with one.',
          check: prefix =>
            /^[a-z0-9._-]*$/.test(prefix) && !/^[-_.]/.test(prefix)
              ? undefined
              : [
                  `"${prefix}" cannot begin the name of an index`,
                  'use small letters, digits, and . _ - within',
                ],
        }),
        spans: indexSection('Indices of spans.'),
        services: indexSection('Indices of services and their operations.'),
        dependencies: indexSection('Indices of which service calls which.'),
      },
      {
        doc: 'Names and settings of indices.',
        ignored: { sampling: NOT_WRITTEN },
      },
    ),
    tags_as_fields: section(
      {
        all: flag({
          default: false,
          doc: 'All tags become fields of one object, which Kibana reads better.',
        }),
        include: text({
          default: '',
          doc: 'These tags become fields: keys with commas between. span.kind and error always do.',
        }),
        config_file: text({ default: '', doc: 'File with more such keys, one a line.' }),
        dot_replacement: text({ default: '@', doc: 'Stands for the dots in keys of fields.' }),
      },
      {
        doc: 'Tags as fields of an object instead of a list. Types are lost, and every key is a field of the index.',
      },
    ),
    dependencies: optional(dependencies),
    service_cache_ttl: duration({
      default: '12h',
      doc: 'How long a service and operation is known to be in an index. Shorter than the life of an index, or it vanishes from the UI. 0 means 12h.',
    }),
    deterministic_ids: flag({
      default: true,
      doc: 'Sluice only: ids of span documents are made of the span id and a hash of the whole span, so that what is sent twice is there once. Off: Elasticsearch makes them, which costs it less.',
    }),
    parent_span_id: flag({
      default: false,
      doc: 'Sluice only: write parentSpanID beside the references, as Jaeger does from 2.20 on.',
    }),
    max_value_bytes: integer({
      default: 65_536,
      min: 16,
      doc: 'Sluice only: longer values of tags and names of operations and services are cut, and counted.',
    }),
    max_past: duration({
      default: '720h',
      doc: 'Sluice only: a span that began longer ago goes to the index of that time, so that no clock makes old indices. 0 means no limit.',
    }),
    max_future: duration({
      default: '24h',
      doc: 'Sluice only: the same for spans from the future. 0 means no limit.',
    }),
  },
  {
    doc: "Jaeger's documents: names of indices, tags, templates.",
    ignored: ELSEWHERE,
    check: checkRotation,
  },
)

export type JaegerConfig = ValueOf<typeof jaegerSection>

/** For a section that has these keys besides others. */
export const jaegerFields = jaegerSection.fields as {
  readonly [K in keyof JaegerConfig]: Schema<JaegerConfig[K]>
}

export function rotationOf({ rotation, use_aliases, use_ilm }: JaegerConfig): Rotation {
  if (rotation !== '') return rotation
  if (!use_aliases) return 'periodic'
  return use_ilm ? 'auto_rollover' : 'manual_rollover'
}
