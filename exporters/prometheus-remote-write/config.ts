/** The keys of the prometheus_remote_write exporter, those of the Collector's exporter/prometheusremotewriteexporter 0.155. */

import type { Node } from '../../config/node.ts'
import {
  choice,
  duration,
  flag,
  integer,
  map,
  type Schema,
  section,
  text,
  type ValueOf,
} from '../../config/schema.ts'
import { ALL_KEYS } from '../../core/component/meta.ts'
import {
  DEFAULT_TIMEOUT,
  QUEUE_BYTES_DEFAULT,
  retryField,
  type SendingConfig,
} from '../../core/component/sending-config.ts'
import { type NameRules, rulesOf, STRATEGIES, writtenLabelName } from '../../core/formats/prometheus/names.ts'
import { MESSAGES } from '../../core/formats/prometheus/remote-write.ts'
import { httpClientFields } from '../../core/transport/http-client.ts'
import { unsupported } from '../../core/transport/unsupported.ts'

const resourceToTelemetry = section(
  {
    enabled: flag({ default: false, doc: 'Every attribute of the resource becomes a label of its series.' }),
    exclude_service_attributes: flag({
      default: false,
      doc: 'But not service.name, service.namespace and service.instance.id, which are in job and instance already.',
    }),
  },
  { doc: 'Attributes of the resource as labels, besides target_info.' },
)

const queue = section(
  {
    enabled: flag({ default: true, doc: 'Off: the sender waits for the server.' }),
    queue_size: integer({ default: 10_000, min: 0, doc: 'Capacity in requests.' }),
    num_consumers: integer({
      default: 5,
      min: 0,
      doc: 'How many requests of one batch are sent at once, unless max_batch_request_parallelism says it.',
    }),
    max_queue_bytes: integer({
      default: QUEUE_BYTES_DEFAULT,
      min: 0,
      doc: 'Sluice only: the queue is also full when it holds this many bytes. 0 means no limit, as in the Collector.',
    }),
  },
  {
    doc: 'The queue in front of the server. Batches leave it one after the other, so that no sample overtakes another.',
    check({ enabled, queue_size }, report) {
      if (enabled && queue_size === 0)
        report.error('queue_size', 'is 0, which holds nothing', 'write 10000, or enabled: false')
    },
  },
)

/** What is wrong with the endpoint, and what to write instead. */
function urlProblem(url: string): readonly [wrong: string, fix: string] | undefined {
  if (!/^https?:\/\//i.test(url)) {
    const host = url.replace(/^[a-z]+:\/\//i, '')
    return [
      `"${url}" does not begin with http:// or https://`,
      `write http://${host === '' ? 'host:9090/api/v1/write' : host.startsWith('/') ? `host:9090${host}` : host}`,
    ]
  }
  return URL.canParse(url) ? undefined : [`"${url}" is not a URL`, 'write http://host:9090/api/v1/write']
}

/** The protocol says what these are. */
const RESERVED_HEADERS: ReadonlySet<string> = new Set([
  'content-encoding',
  'content-type',
  'user-agent',
  'x-prometheus-remote-write-version',
])

export function isReservedHeader(name: string): boolean {
  return RESERVED_HEADERS.has(name.toLowerCase())
}

const V1 = MESSAGES[0]

export const config = section(
  {
    endpoint: text({
      required: true,
      doc: 'Where to write: http://prometheus:9090/api/v1/write.',
      check: urlProblem,
    }),
    namespace: text({ default: '', doc: 'Stands in front of every name, with an underscore between.' }),
    external_labels: map(text({ doc: 'A value.' }), {
      doc: 'Labels of every series, where no attribute makes a label of the same name.',
    }),
    timeout: duration({ default: DEFAULT_TIMEOUT, doc: 'How long one attempt may take. 0 means no limit.' }),
    retry_on_failure: retryField('50ms'),
    retry_on_http_429: flag({
      default: true,
      doc: 'Sluice only: send again what is answered with 429, as retry_on_failure says. Off: drop it, as the Collector does without its gate exporter.prometheusremotewritexporter.RetryOn429.',
    }),
    remote_write_queue: queue,
    max_batch_size_bytes: integer({
      default: 3_000_000,
      min: 0,
      doc: 'No request is larger than this before compression, unless one data point or all samples of one series are. 0 means 3000000.',
    }),
    max_batch_request_parallelism: parallelism(),
    protobuf_message: choice(MESSAGES, {
      default: V1,
      doc: 'prometheus.WriteRequest is remote write 1.0, io.prometheus.write.v2.Request is 2.0, which has metadata, the times at which sums began, and requests a fraction the size. No gate is needed. A server that answers 415 to 2.0 is sent 1.0 from then on.',
    }),
    translation_strategy: choice(['', ...STRATEGIES], {
      default: '',
      doc: 'How names are made: whether characters are replaced that only quoted names may have, and whether units and types are appended. Empty: UnderscoreEscapingWithSuffixes, unless add_metric_suffixes is off.',
    }),
    add_metric_suffixes: flag({
      default: true,
      doc: 'Deprecated: translation_strategy says it. Off: no units and types at the end of names.',
    }),
    target_info: section(
      { enabled: flag({ default: true, doc: 'Write target_info.' }) },
      { doc: 'target_info: one series with what a resource says besides job and instance.' },
    ),
    disable_scope_info: flag({ default: false, doc: 'No otel_scope_ labels.' }),
    send_metadata: flag({
      default: false,
      doc: 'With remote write 1.0: send types, units and descriptions, in requests of their own. 2.0 always has them.',
    }),
    resource_to_telemetry_conversion: resourceToTelemetry,
    metric_expiration: duration({
      default: '0s',
      doc: 'Sluice only: a series without a new point for this long is ended with a staleness mark, so that queries no longer see its last value. 0 means never, as in the Collector: then Prometheus stops showing it after five minutes.',
    }),
    series_cache_size: integer({
      default: 200_000,
      min: 1000,
      doc: 'Sluice only: how many series are remembered, so that their labels need not be made again. When there are more, or when they take more than 2 KiB each, all are forgotten, which costs CPU and nothing else.',
    }),
    wal: unsupported({
      doc: 'Keeps requests on disk before they are sent.',
      what: 'a write-ahead log is not available',
      fix: 'remove wal:, and let remote_write_queue hold what a server that is away misses',
    }),
    sending_queue: unsupported({
      doc: 'What other exporters call their queue.',
      what: 'the queue of this exporter is called remote_write_queue',
      fix: 'write remote_write_queue',
    }),
    convert_explicit_histograms_to_nhcb: unsupported({
      doc: 'Of later Collectors: histograms as native ones with buckets of their own.',
      what: 'histograms are always written as classic ones',
      fix: 'let the SDK make exponential histograms, which are written as native ones',
    }),
    keep_classic_histograms: unsupported({
      doc: 'Of later Collectors.',
      what: 'histograms are always written as classic ones',
      fix: 'remove keep_classic_histograms:',
    }),
    include_metadata_keys: unsupported({
      doc: 'Of later Collectors: what is known of senders as headers.',
      what: 'headers of senders are not copied',
      fix: 'name a headers_setter extension in auth, with from_context',
    }),
    export_created_metric: unsupported({
      doc: 'Of earlier Collectors: series `_created`.',
      what: 'series _created are not written',
      fix: 'write protobuf_message: io.prometheus.write.v2.Request, which has these times',
    }),
    ...httpClientFields({ compression: '', writeBufferSize: 512 * 1024 }),
  },
  {
    doc: 'Writes to Prometheus, Mimir, Thanos and whatever else takes remote write.',
    check(value, report) {
      const {
        compression,
        translation_strategy: strategy,
        protobuf_message,
        headers,
        external_labels,
      } = value
      if (compression !== '' && compression !== 'snappy')
        report.error('compression', 'is always snappy in remote write', 'remove it')
      if (value.compression_params.level !== 0) {
        const says = ['compression_params', 'snappy has no levels', 'remove level'] as const
        // As there, where they are read with a compression only.
        if (compression === '') report.warn(...says)
        else report.error(...says)
      }
      if (strategy.startsWith('No') && protobuf_message === V1)
        report.error(
          'translation_strategy',
          `makes names that only remote write 2.0 has (${strategy})`,
          `write protobuf_message: ${MESSAGES[1]}`,
        )
      if (!value.add_metric_suffixes)
        report.warn(
          'add_metric_suffixes',
          'is deprecated',
          'write translation_strategy: UnderscoreEscapingWithoutSuffixes',
        )
      if (value.max_batch_request_parallelism !== undefined && value.max_batch_request_parallelism < 1)
        report.error('max_batch_request_parallelism', 'is less than 1', 'write 1 or more')
      for (const name of headers.keys()) {
        if (isReservedHeader(name))
          report.warn('headers', `${name} is what the protocol says it is`, `remove ${name}`)
      }
      for (const [name, label] of external_labels) {
        if (name === '' || label === '')
          report.error('external_labels', 'has an empty name or value', 'write both')
        else if (writtenLabelName(name, false) === undefined)
          report.error('external_labels', `no label can be made of "${name}"`, 'use letters and digits')
      }
    },
  },
)

/** As optional(): of a section it would be a switch, of a number it is there or not. */
function parallelism(): Schema<number | undefined> {
  const inner = integer({
    default: 0,
    doc: 'How many requests of one batch are sent at once. Not written: num_consumers of remote_write_queue.',
  })
  return {
    ...inner,
    defaultText: undefined,
    absent: () => undefined,
    read: (node, path, check) => (isNull(node) ? undefined : inner.read(node, path, check)),
    print: (value, reveal) => (value === undefined ? undefined : inner.print(value, reveal)),
  }
}

function isNull(node: Node): boolean {
  return node.kind === 'scalar' && node.value === null
}

export type RemoteWriteConfig = ValueOf<typeof config>

export function nameRules({
  translation_strategy: strategy,
  add_metric_suffixes: suffixes,
  namespace,
}: RemoteWriteConfig): NameRules {
  if (strategy !== '') return rulesOf(strategy, namespace)
  return rulesOf(suffixes ? 'UnderscoreEscapingWithSuffixes' : 'UnderscoreEscapingWithoutSuffixes', namespace)
}

/** Data points after which waiting requests are no longer merged into one batch. */
const MERGED_POINTS = 10_000

/**
 * One batch at a time, retries included: what came later waits, and requests that wait are merged into the next batch. So
 * no sample overtakes an earlier one of its series, and a server far away does not make the queue slow. Without a queue
 * senders wait for their answers in the same order.
 */
export function sendingOf({
  timeout,
  retry_on_failure,
  remote_write_queue,
  auth,
}: RemoteWriteConfig): SendingConfig {
  const { enabled, queue_size, max_queue_bytes } = remote_write_queue
  return {
    timeout,
    retry_on_failure,
    sending_queue: {
      enabled: true,
      num_consumers: 1,
      queue_size: Math.max(1, queue_size),
      max_queue_bytes,
      sizer: 'requests',
      block_on_overflow: false,
      wait_for_result: !enabled,
      storage: '',
      batch: {
        flush_timeout: 0,
        min_size: MERGED_POINTS,
        max_size: 0,
        sizer: 'items',
        // An authenticator may make headers of what is known of the sender.
        partition: { metadata_keys: auth === undefined ? [] : [ALL_KEYS] },
      },
    },
  }
}
