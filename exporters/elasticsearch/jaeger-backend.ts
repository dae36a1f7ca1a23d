/**
 * A storage backend in the words of Jaeger's own config (internal/storage/elasticsearch/config, 1.76), and what it says in
 * the words of the elasticsearch exporter. Values keep their places, so that mistakes are told where they were written.
 */

import type { MapNode, Node, Position } from '../../config/node.ts'
import { duration, flag, integer, list, optional, secret, section, text } from '../../config/schema.ts'
import { headersField } from '../../core/transport/headers.ts'
import { clientTls } from '../../core/transport/tls.ts'
import { urlProblem } from './config.ts'
import { checkRotation, FOR_READERS, jaegerFields } from './jaeger-config.ts'

/** Where Jaeger looks for a cluster when nothing is written. */
const DEFAULT_SERVER = 'http://127.0.0.1:9200'
/** A batch is sent when it has so many bytes, unless a bulk request takes fewer. */
const BATCH_BYTES = 1_000_000

const FILE_CHANGES = 'a file is looked at twice a second'

function tokenSection(doc: string) {
  return optional(
    section(
      {
        file_path: text({ default: '', doc: 'File with it. Read again when it changes.' }),
        from_context: flag({
          default: false,
          doc: 'The token of the sender, handed on. Cannot be had here: write auth.authenticator with headers_setter.',
        }),
      },
      {
        doc,
        ignored: { reload_interval: FILE_CHANGES },
        check({ file_path, from_context }, report) {
          const fix = 'write authenticator: headers_setter, which does that'
          if (from_context && file_path === '')
            report.error('from_context', 'is not available: tokens of senders are not handed on here', fix)
          else if (from_context) report.warn('from_context', 'has no effect beside file_path', fix)
          else if (file_path === '') report.error('', 'has no file_path', 'write the file with the token')
        },
      },
    ),
  )
}

const auth = section(
  {
    basic: optional(
      section(
        {
          username: text({ default: '', doc: 'User.' }),
          password: secret({ doc: 'Password.' }),
          password_file: text({ default: '', doc: 'File with the password. Read again when it changes.' }),
        },
        { doc: 'HTTP Basic.', ignored: { reload_interval: FILE_CHANGES } },
      ),
    ),
    bearer_token: tokenSection('A bearer token.'),
    api_key: tokenSection('An API key, encoded as Elasticsearch shows it.'),
    authenticator: text({
      default: '',
      doc: 'The extension that adds credentials, listed under service::extensions.',
    }),
  },
  {
    doc: 'Who the gateway is to the cluster.',
    check(value, report) {
      const written = (['basic', 'bearer_token', 'api_key'] as const).filter(key => value[key] !== undefined)
      if (written.length > 1)
        report.error(written[1]!, `cannot be had together with ${written[0]}`, 'take one of them out')
    },
  },
)

const BULK = 'bulk requests are bounded by max_bytes'

/** `backends.NAME.elasticsearch`, and `opensearch` alike. */
export const backendSection = section(
  {
    server_urls: list(text({ doc: 'URL of a node.', check: urlProblem }), {
      default: [DEFAULT_SERVER],
      doc: 'URLs of nodes, asked in turn.',
    }),
    auth,
    tls: clientTls,
    custom_headers: headersField,
    http_compression: flag({ default: true, doc: 'Compress with gzip.' }),
    bulk_processing: section(
      {
        max_bytes: integer({
          default: 5_000_000,
          min: 1,
          doc: 'No bulk request is larger than this before compression, but for a single document.',
        }),
        flush_interval: duration({
          default: '200ms',
          min: 1,
          doc: 'What waits longer is sent, however little it is.',
        }),
        workers: integer({ default: 10, min: 1, doc: 'How many bulk requests are under way at once.' }),
      },
      { doc: 'Size and number of bulk requests.', ignored: { max_actions: BULK } },
    ),
    sniffing: section(
      { enabled: flag({ default: false, doc: 'Ask the cluster for its nodes at first.' }) },
      {
        doc: 'Finding the nodes of the cluster.',
        ignored: { use_https: 'nodes are asked as server_urls are' },
      },
    ),
    ...jaegerFields,
  },
  {
    doc: 'A cluster, in the words of Jaeger. The keys of the jaeger section of the elasticsearch exporter are taken too.',
    ignored: {
      ...FOR_READERS,
      disable_health_check: 'there is no health check to disable',
      query_timeout: 'it is for readers, and no key of Jaeger bounds writing',
      log_level: 'write service.telemetry.logs.level',
    },
    check(value, report) {
      checkRotation(value, report)
      if (value.server_urls.length === 0)
        report.error('server_urls', 'has no URL', 'write server_urls: [http://host:9200]')
    },
  },
)

type Entries = MapNode['entries']
const NONE: Entries = new Map()

function entriesOf(node: Node | undefined): Entries {
  return node?.kind === 'map' ? node.entries : NONE
}

/** A map that is being made; what is undefined is left out. */
class Words {
  readonly #entries = new Map<string, { readonly keyAt: Position; readonly node: Node }>()
  readonly #at: Position

  constructor(at: Position) {
    this.#at = at
  }

  set(key: string, node: Node | undefined): this {
    if (node !== undefined) this.#entries.set(key, { keyAt: node.at, node })
    return this
  }

  value(key: string, value: string | number | boolean, at = this.#at): this {
    return this.set(key, { kind: 'scalar', value, text: String(value), fromExpansion: false, at })
  }

  get size(): number {
    return this.#entries.size
  }

  get node(): MapNode {
    return { kind: 'map', entries: this.#entries, at: this.#at }
  }
}

/**
 * What `backend`, a section of Jaeger's, and the exporter's own `queue` and `retry_on_failure` say, as the elasticsearch
 * exporter is told it.
 */
export function exporterWords(backend: Node, own: Node): MapNode {
  const { at } = backend
  const entries = entriesOf(backend)
  const mine = entriesOf(own)
  const get = (key: string): Node | undefined => entries.get(key)?.node
  const words = new Words(at)
  const jaeger = new Words(at)
  for (const key of Object.keys(jaegerFields)) jaeger.set(key, get(key))
  words
    .set('mapping', new Words(at).value('mode', 'jaeger').node)
    .set('jaeger', jaeger.node)
    .set('tls', tlsWords(get('tls')))
    .set('headers', get('custom_headers'))
    .set('sending_queue', queueWords(mine.get('queue')?.node, entriesOf(get('bulk_processing')), at))
    .set('retry', mine.get('retry_on_failure')?.node)
  const servers = get('server_urls')
  if (servers === undefined) words.value('endpoint', DEFAULT_SERVER)
  else words.set('endpoints', servers)
  const compression = get('http_compression')
  if (compression?.kind === 'scalar' && compression.value === false)
    words.value('compression', 'none', compression.at)
  const bytes = entriesOf(get('bulk_processing')).get('max_bytes')?.node
  if (bytes !== undefined) words.set('flush', new Words(bytes.at).set('bytes', bytes).node)
  const sniffing = entriesOf(get('sniffing')).get('enabled')?.node
  if (sniffing !== undefined) words.set('discover', new Words(sniffing.at).set('on_start', sniffing).node)
  credentialWords(words, entriesOf(get('auth')))
  return words.node
}

/** Jaeger's `insecure` takes any certificate; ours is for gRPC. */
function tlsWords(tls: Node | undefined): Node | undefined {
  if (tls?.kind !== 'map') return tls
  const insecure = tls.entries.get('insecure')
  if (insecure?.node.kind !== 'scalar' || insecure.node.value !== true) return tls
  return { ...tls, entries: new Map(tls.entries).set('insecure_skip_verify', insecure) }
}

/** The queue with batches as Jaeger's bulk processor makes them, except for what the exporter's own `queue` says. */
function queueWords(queue: Node | undefined, bulk: Entries, at: Position): Node | undefined {
  const batch = new Words(at)
  batch.set('flush_timeout', bulk.get('flush_interval')?.node)
  const bytes = bulk.get('max_bytes')?.node
  if (bytes?.kind === 'scalar' && typeof bytes.value === 'number')
    batch
      .value('min_size', Math.min(bytes.value, BATCH_BYTES), bytes.at)
      .set('max_size', bytes)
      .value('sizer', 'bytes', bytes.at)
  const words = new Words(queue?.at ?? at).set('num_consumers', bulk.get('workers')?.node)
  if (batch.size > 0) words.set('batch', withDefaults(batch.node))
  for (const [key, { node }] of entriesOf(queue)) words.set(key, node)
  return words.size === 0 ? queue : words.node
}

/** A batch that is written has the Collector's defaults, which count items. */
function withDefaults(batch: MapNode): MapNode {
  if (batch.entries.has('sizer')) return batch
  const words = new Words(batch.at)
    .value('min_size', BATCH_BYTES)
    .value('max_size', 5_000_000)
    .value('sizer', 'bytes')
  for (const [key, { node }] of batch.entries) words.set(key, node)
  return words.node
}

function credentialWords(words: Words, auth: Entries): void {
  const basic = entriesOf(auth.get('basic')?.node)
  words
    .set('user', basic.get('username')?.node)
    .set('password', basic.get('password')?.node)
    .set('password_file', basic.get('password_file')?.node)
    .set('api_key_file', entriesOf(auth.get('api_key')?.node).get('file_path')?.node)
    .set('bearer_token_file', entriesOf(auth.get('bearer_token')?.node).get('file_path')?.node)
  const authenticator = auth.get('authenticator')?.node
  if (authenticator?.kind === 'scalar' && authenticator.value !== '' && authenticator.value !== null)
    words.set('auth', new Words(authenticator.at).set('authenticator', authenticator).node)
}
