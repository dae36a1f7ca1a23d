/**
 * `jaeger_storage_exporter`: the elasticsearch exporter for people who come with Jaeger's own config. The cluster is the
 * backend of the extension `jaeger_storage` that it names.
 *
 *     exporters:
 *       jaeger_storage_exporter: {trace_storage: main}
 */

import { Check, childPath, type MapNode, type Node } from '../../config/node.ts'
import { type Schema, section, text, type ValueOf } from '../../config/schema.ts'
import { didYouMean } from '../../config/suggest.ts'
import type { ExporterFactory } from '../../core/component/contract.ts'
import type { ElasticsearchConfig } from './config.ts'
import { factory as elasticsearch } from './index.ts'
import { backendSection, exporterWords } from './jaeger-backend.ts'
import { backendsIn, CLUSTERS } from './jaeger-storage.ts'

/** Where `gather` puts the backend: a key that nobody can write, as "::" divides keys. */
export const BACKEND = 'jaeger_storage::backend'

const { sending_queue, retry } = elasticsearch.config.fields!

/** Keys of the Collector's retry_on_failure that the exporter's retry has not. */
const RETRY_KEYS = ['multiplier', 'randomization_factor']

const own = section(
  {
    trace_storage: text({ required: true, doc: 'Name of a backend of the extension jaeger_storage.' }),
    queue: {
      ...sending_queue!,
      doc: 'As sending_queue of elasticsearch. Not written: on, and batches are what bulk_processing of the backend says.',
    },
    retry_on_failure: {
      ...retry!,
      doc: 'As retry of elasticsearch. Not written: on.',
      read(node: Node, path: string, check: Check) {
        if (node.kind === 'map')
          for (const key of RETRY_KEYS.filter(one => node.entries.has(one)))
            check.warn(
              node.entries.get(key)!.keyAt,
              childPath(path, key),
              'has no effect here',
              'each wait is twice the one before',
            )
        return retry!.read(without(node, RETRY_KEYS), path, check)
      },
    },
  },
  { doc: 'Writes spans to the storage that a backend of the extension jaeger_storage is.' },
)

function without(node: Node, keys: readonly string[]): Node {
  if (node.kind !== 'map') return node
  const entries = [...node.entries].filter(([key]) => !keys.includes(key))
  return { ...node, entries: new Map(entries) }
}

interface StorageExporterConfig {
  readonly own: ValueOf<typeof own>
  readonly elasticsearch: ElasticsearchConfig
}

const config: Schema<StorageExporterConfig> = {
  ...own,
  absent: () => ({ own: own.absent(), elasticsearch: elasticsearch.config.absent() }),
  read(node, path, check) {
    const told = new Check()
    const mine = own.read(without(node, [BACKEND]), path, told)
    check.problems.push(...told.problems)
    const backend = node.kind === 'map' ? node.entries.get(BACKEND)?.node : undefined
    if (backend === undefined || told.failed) return { ...config.absent(), own: mine }
    const cluster = clusterOf(backend, node as MapNode, path, check)
    // For print-config: what they come to.
    const { sending_queue: queue } = elasticsearch.sending!(cluster)
    return { own: { ...mine, queue, retry_on_failure: cluster.retry }, elasticsearch: cluster }
  },
  print: (value, reveal) => own.print((value as StorageExporterConfig).own, reveal),
}

/** Mistakes that stand in the extension, and warnings of both, were told when those were read. */
function clusterOf(backend: Node, node: MapNode, path: string, check: Check): ElasticsearchConfig {
  const there = new Check()
  backendSection.read(backend, path, there)
  if (there.failed) return elasticsearch.config.absent()
  const written = node.entries.get('retry_on_failure')
  const entries = new Map(node.entries)
  if (written !== undefined)
    entries.set('retry_on_failure', { ...written, node: without(written.node, RETRY_KEYS) })
  const here = new Check()
  const read = elasticsearch.config.read(exporterWords(backend, { ...node, entries }), path, here)
  check.problems.push(...here.problems.filter(({ severity }) => severity === 'error'))
  check.references.push(...here.references)
  return read
}

/** The exporter with the section of the cluster that it names. */
function gather(written: Node, root: MapNode, path: string, check: Check): Node {
  const name = written.kind === 'map' ? written.entries.get('trace_storage')?.node : undefined
  if (written.kind !== 'map' || name?.kind !== 'scalar' || name.text === '') return written
  const at = childPath(path, 'trace_storage')
  const backends = backendsIn(root)
  if (backends === undefined) {
    check.error(
      name.at,
      at,
      'there is no extension jaeger_storage',
      'write jaeger_storage: below extensions:',
    )
    return written
  }
  const storage = backends.get(name.text)?.node
  if (storage === undefined) {
    check.error(
      name.at,
      at,
      `jaeger_storage has no backend "${name.text}"`,
      didYouMean(name.text, [...backends.keys()]),
    )
    return written
  }
  const kinds = storage.kind === 'map' ? storage.entries : new Map()
  const cluster = CLUSTERS.find(kind => kinds.has(kind))
  if (cluster === undefined) {
    const [kind = 'nothing'] = kinds.keys()
    check.error(
      name.at,
      at,
      `"${name.text}" is ${kind}, which is not written to here`,
      'name a backend with elasticsearch or opensearch, or send to a Jaeger collector with otlp_grpc',
    )
    return written
  }
  const { keyAt, node } = kinds.get(cluster)!
  return { ...written, entries: new Map(written.entries).set(BACKEND, { keyAt, node }) }
}

export const factory: ExporterFactory<StorageExporterConfig> = {
  kind: 'exporter',
  type: 'jaeger_storage_exporter',
  doc: "Writes spans to Elasticsearch or OpenSearch, configured as in Jaeger's own config.",
  stability: 'beta',
  signals: ['traces'],
  config,
  gather,
  metrics: elasticsearch.metrics!,
  sending: ({ elasticsearch: own }) => elasticsearch.sending!(own),
  create: ({ elasticsearch: own }, settings, signals) => elasticsearch.create(own, settings, signals),
}
