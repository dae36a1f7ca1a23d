/** The keys of the elasticsearch exporter: those of the Collector's (0.155) that make sense for the modes there are. */

import type { Check, Node } from '../../config/node.ts'
import {
  duration,
  flag,
  integer,
  list,
  type Schema,
  secret,
  section,
  text,
  type ValueOf,
} from '../../config/schema.ts'
import { clientAuth } from '../../core/component/auth-config.ts'
import type { SendingConfig } from '../../core/component/sending-config.ts'
import { QUEUE_BYTES_OF_STORES, sendingFields } from '../../core/component/sending-config.ts'
import { MODE_METADATA } from '../../core/formats/elastic/modes.ts'
import { compressionFields, compressionProblem } from '../../core/transport/compress.ts'
import { headersField } from '../../core/transport/headers.ts'
import { clientTls } from '../../core/transport/tls.ts'
import { connectionFields, IGNORED_OF_CONNECTIONS } from './connections-config.ts'
import { jaegerSection } from './jaeger-config.ts'
import { checkModes, modeFields } from './modes-config.ts'

export function urlProblem(url: string): readonly [wrong: string, fix: string] | undefined {
  if (url === '') return undefined
  if (!/^https?:\/\//i.test(url))
    return [`"${url}" does not begin with http:// or https://`, 'write http://host:9200']
  return URL.canParse(url) ? undefined : [`"${url}" is not a URL`, 'write http://host:9200']
}

const retry = section(
  {
    enabled: flag({ default: true, doc: 'Send again what the cluster does not take for now.' }),
    initial_interval: duration({ default: '100ms', doc: 'Wait before the first retry.' }),
    max_interval: duration({ default: '1m', doc: 'No wait is longer than this.' }),
    max_elapsed_time: duration({
      default: '5m',
      doc: 'Sluice only: after this long it is dropped and counted. 0 means never.',
    }),
    max_retries: integer({
      default: 0,
      min: 0,
      doc: 'After so many retries it is dropped and counted, however little time has passed. 0: time alone decides.',
    }),
    max_requests: integer({
      default: 0,
      min: 0,
      doc: 'Old key: max_retries and the first attempt.',
    }),
    retry_on_status: list(integer({ min: 400, max: 599, doc: 'A status.' }), {
      default: [429, 500, 502, 503, 504],
      doc: 'Statuses, of a whole request and of single documents, after which they are sent again.',
    }),
  },
  {
    doc: 'What happens when the cluster says "not now". Only the documents it did not take are sent again.',
    check({ enabled, max_interval, max_elapsed_time, max_retries, max_requests }, report) {
      if (max_retries > 0 && max_requests > 0)
        report.error('max_requests', 'cannot be had together with max_retries', 'take max_requests out')
      if (enabled && max_elapsed_time > 0 && max_elapsed_time < max_interval)
        report.error('max_elapsed_time', 'is less than max_interval', 'write a longer one, or 0 for no end')
    },
  },
)

/** With batching unless the config says otherwise: Elasticsearch lives on large requests. */
const BATCH = Object.freeze({
  flush_timeout: 10_000,
  min_size: 1_000_000,
  max_size: 5_000_000,
  sizer: 'bytes',
  partition: { metadata_keys: [] },
} as const)
/** What Jaeger's writer has (bulk_processing.flush_interval). */
const JAEGER_FLUSH_MS = 200
/** What num_consumers is when it is not written. */
const CONSUMERS = 10

const { timeout, sending_queue } = sendingFields('90s', QUEUE_BYTES_OF_STORES)

const queue: typeof sending_queue = {
  ...sending_queue,
  absent: () => batching(sending_queue.absent()),
  read(node: Node, path: string, check: Check) {
    const value = sending_queue.read(node, path, check)
    const written = node.kind === 'map' && node.entries.has('batch')
    return written ? value : batching(value)
  },
}

type Queue = ReturnType<typeof sending_queue.absent>

function batching(value: Queue): Queue {
  return { ...value, batch: BATCH }
}

const deadLetter = section(
  {
    file: text({
      default: '',
      doc: 'Where documents go that the cluster never takes, one JSON line each. Empty: nowhere.',
    }),
    max_megabytes: integer({
      default: 100,
      min: 0,
      doc: 'The file does not grow beyond this. 0 means no limit.',
    }),
  },
  {
    doc: "Sluice only: what becomes of documents that are refused for ever. With Elasticsearch's own reason.",
  },
)

const keys = section(
  {
    endpoint: text({ default: '', doc: 'URL of a node: http://host:9200.', check: urlProblem }),
    endpoints: list(text({ doc: 'URL of a node.', check: urlProblem }), {
      doc: 'URLs of several nodes, asked in turn. Empty: endpoint, cloudid, or ELASTICSEARCH_URL.',
    }),
    cloudid: text({ default: '', doc: 'Id of a deployment in Elastic Cloud.' }),
    user: text({ default: '', doc: 'User for HTTP Basic.' }),
    password: secret({ doc: 'Password for HTTP Basic.' }),
    api_key: secret({ doc: 'API key, encoded as Elasticsearch shows it.' }),
    password_file: text({
      default: '',
      doc: 'Sluice only: file with the password, read again when it changes.',
    }),
    api_key_file: text({
      default: '',
      doc: 'Sluice only: file with an API key, read again when it changes.',
    }),
    bearer_token_file: text({
      default: '',
      doc: 'Sluice only: file with a bearer token, read again when it changes.',
    }),
    ca_fingerprint: text({
      default: '',
      doc: "Sluice only: SHA-256 fingerprint of the authority of the cluster's certificates, as Elasticsearch prints it. The server must show the authority's certificate beside its own.",
      check: text =>
        text === '' || /^[0-9a-fA-F]{64}$/.test(text.replaceAll(':', ''))
          ? undefined
          : ['is not a SHA-256 fingerprint', 'write its 64 hex digits, with or without colons'],
    }),
    auth: clientAuth,
    tls: clientTls,
    headers: headersField,
    ...compressionFields('gzip'),
    ...connectionFields,
    timeout,
    sending_queue: queue as Schema<Queue>,
    retry,
    discover: section(
      {
        on_start: flag({ default: false, doc: 'Ask the cluster for its nodes at first.' }),
        interval: duration({ default: '0s', doc: 'Ask again this often. 0 means never.' }),
      },
      { doc: 'Finding the nodes of the cluster. Not behind a proxy or load balancer.' },
    ),
    num_workers: integer({
      default: 0,
      min: 0,
      doc: 'Old key for sending_queue.num_consumers, which wins. 0: not written.',
    }),
    flush: section(
      {
        bytes: integer({
          default: 5_000_000,
          min: 1,
          doc: 'No bulk request is larger than this before compression, but for a single document.',
        }),
        interval: duration({
          default: '0s',
          doc: 'Old key for sending_queue.batch.flush_timeout. 0: not written.',
        }),
      },
      { doc: 'Size of bulk requests.' },
    ),
    ...modeFields,
    jaeger: jaegerSection,
    dead_letter: deadLetter,
  },
  {
    doc: 'Writes to Elasticsearch or OpenSearch.',
    ignored: {
      ...IGNORED_OF_CONNECTIONS,
      bulk_response_filter_path: 'answers are asked for what is needed of them',
      suppress_conflict_errors: 'a document that is there already is no error',
    },
    check(value, report) {
      const { endpoint, endpoints, cloudid, compression } = value
      checkModes(value, report)
      if (value.mapping.mode !== 'jaeger' && value.jaeger.dependencies !== undefined)
        report.warn(
          'jaeger',
          'has dependencies, which only mode jaeger writes',
          'write mapping: {mode: jaeger}',
        )
      const files = (['password_file', 'api_key_file', 'bearer_token_file'] as const).filter(
        key => value[key] !== '',
      )
      if (files.length > 1)
        report.error(files[1]!, `cannot be had together with ${files[0]}`, 'take one of them out')
      if (endpoint !== '' && endpoints.length > 0)
        report.error('endpoint', 'cannot be had together with endpoints', 'put all into endpoints')
      if (cloudid !== '' && (endpoint !== '' || endpoints.length > 0))
        report.error('cloudid', 'cannot be had together with endpoints', 'take one of them out')
      if (cloudid !== '' && cloudNode(cloudid) === undefined)
        report.error('cloudid', 'is not the id of a deployment', 'copy it from the console of Elastic Cloud')
      if (value.password_file !== '' && value.password.reveal() !== '')
        report.error('password', 'cannot be had together with password_file', 'take one of them out')
      if (value.password_file !== '' && value.user === '')
        report.error('password_file', 'needs a user', 'write user, whose password it has')
      for (const url of endpoint === '' && endpoints.length === 0 && cloudid === ''
        ? namedByEnvironment()
        : []) {
        const problem = urlProblem(url)
        if (problem !== undefined)
          report.error('', `takes its endpoints from ELASTICSEARCH_URL, where ${problem[0]}`, problem[1])
      }
      const nodes = nodesOf(value)
      if (value.ca_fingerprint !== '' && nodes.length > 0 && nodes.every(node => /^http:/i.test(node)))
        report.error('ca_fingerprint', 'needs TLS, and all endpoints are http://', 'write https://')
      if (nodes.length === 0) report.error('', 'has no endpoints', 'write endpoints: [http://host:9200]')
      if (!['', 'none', 'gzip'].includes(compression))
        report.error('compression', `Elasticsearch does not read ${compression}`, 'write gzip or none')
      const problem = compressionProblem(value)
      if (problem !== undefined) report.error(problem.key, problem.wrong, problem.fix)
    },
  },
)

type Endpoints = {
  readonly endpoint: string
  readonly endpoints: readonly string[]
  readonly cloudid: string
}

/** URLs of nodes: of the config, else those that ELASTICSEARCH_URL names with commas between. */
export function nodesOf({ endpoint, endpoints, cloudid }: Endpoints): readonly string[] {
  if (endpoints.length > 0) return endpoints
  if (endpoint !== '') return [endpoint]
  if (cloudid !== '') return [cloudNode(cloudid) ?? ''].filter(Boolean)
  return namedByEnvironment().filter(url => urlProblem(url) === undefined)
}

function namedByEnvironment(): readonly string[] {
  const given = process.env['ELASTICSEARCH_URL'] ?? ''
  return given
    .split(',')
    .map(url => url.trim())
    .filter(url => url !== '')
}

/** `name:base64 of host$elasticsearch$kibana`. */
function cloudNode(id: string): string | undefined {
  const [host, node] = Buffer.from(id.slice(id.indexOf(':') + 1), 'base64')
    .toString()
    .split('$')
  if (!host || !node) return undefined
  const url = `https://${node}.${host}`
  return URL.canParse(url) ? url : undefined
}

export type ElasticsearchConfig = ValueOf<typeof keys>

/** Old keys and the mode decide on what is not written of the queue; what is printed of a config means the same again. */
export const config: Schema<ElasticsearchConfig> = {
  ...keys,
  absent: () => resolved(keys.absent()),
  read: (node, path, check) => resolved(keys.read(node, path, check)),
}

function resolved(value: ElasticsearchConfig): ElasticsearchConfig {
  const { sending_queue, num_workers, flush, mapping } = value
  const { batch, num_consumers } = sending_queue
  const usual = mapping.mode === 'jaeger' ? JAEGER_FLUSH_MS : BATCH.flush_timeout
  const flush_timeout = flush.interval > 0 ? flush.interval : usual
  return {
    ...value,
    sending_queue: {
      ...sending_queue,
      num_consumers: num_workers > 0 && num_consumers === CONSUMERS ? num_workers : num_consumers,
      batch: batch === BATCH ? { ...batch, flush_timeout } : batch,
    },
  }
}

/** The queue and retry keys of this exporter in the words of the sending chain. Each wait is twice the one before. */
export function sendingOf(config: ElasticsearchConfig): SendingConfig {
  const { enabled, initial_interval, max_interval, max_elapsed_time, max_retries, max_requests } =
    config.retry
  return {
    timeout: config.timeout,
    sending_queue: queueOf(config),
    retry_on_failure: {
      enabled: enabled && max_requests !== 1,
      initial_interval,
      max_interval,
      max_elapsed_time,
      multiplier: 2,
      randomization_factor: 0.5,
      max_retries: max_requests > 1 ? max_requests - 1 : max_retries,
    },
  }
}

function queueOf({ sending_queue, mapping, metadata_keys }: ElasticsearchConfig): Queue {
  const { batch } = sending_queue
  if (batch === undefined) return sending_queue
  // A sender that asks for a mode must not be merged with one that does not.
  const asked = mapping.mode === 'jaeger' ? [] : [MODE_METADATA]
  const keys = [...batch.partition.metadata_keys, ...metadata_keys, ...asked].map(key => key.toLowerCase())
  return { ...sending_queue, batch: { ...batch, partition: { metadata_keys: [...new Set(keys)] } } }
}
