/**
 * `jaeger_storage`: where Jaeger's own config says what its storages are. It does nothing by itself; the exporter
 * `jaeger_storage_exporter` writes to the one it names.
 *
 *     extensions:
 *       jaeger_storage:
 *         backends:
 *           main: {elasticsearch: {server_urls: [http://es-1:9200], indices: {index_prefix: prod}}}
 *
 * docs/from-jaeger.md has what becomes of Jaeger's keys.
 */

import type { Check, MapNode, Node } from '../../config/node.ts'
import { anything, map, optional, type Schema, section, type ValueOf } from '../../config/schema.ts'
import type { ExtensionFactory } from '../../core/component/contract.ts'
import { backendSection } from './jaeger-backend.ts'

/** What a backend can be here, in the order in which Jaeger looks. */
export const CLUSTERS = ['elasticsearch', 'opensearch'] as const
const OTHERS = ['memory', 'badger', 'grpc', 'cassandra', 'clickhouse'] as const

function other(kind: string): Schema<unknown> {
  return {
    ...anything({ doc: `Taken, and of no use: ${kind} is not written to.` }),
    read(node: Node, path: string, check: Check) {
      check.warn(node.at, path, 'has no effect here', 'Sluice writes to elasticsearch and opensearch only')
      return {}
    },
  }
}

const backend = section(
  {
    elasticsearch: optional(backendSection),
    opensearch: optional(backendSection),
    ...(Object.fromEntries(OTHERS.map(kind => [kind, other(kind)])) as Record<
      (typeof OTHERS)[number],
      Schema<unknown>
    >),
  },
  {
    doc: 'A storage.',
    check(value, report) {
      if (Object.values(value).every(one => one === undefined))
        report.error('', 'is empty', 'write elasticsearch: below it')
    },
  },
)

const config = section(
  { backends: map(backend, { doc: 'Storages by name.', required: true }) },
  {
    doc: "Storages, in the words of Jaeger's own config.",
    ignored: { metric_backends: 'they are for jaeger_query, which Sluice does not have' },
  },
)

type Config = ValueOf<typeof config>

/** What the config says of its storages: the section of each by name. Undefined where there is no jaeger_storage. */
export function backendsIn(root: MapNode): MapNode['entries'] | undefined {
  const extensions = root.entries.get('extensions')?.node
  if (extensions?.kind !== 'map') return undefined
  // Jaeger, too, looks for the one without a name.
  const storage = extensions.entries.get('jaeger_storage')?.node
  if (storage?.kind !== 'map') return undefined
  const backends = storage.entries.get('backends')?.node
  return backends?.kind === 'map' ? backends.entries : new Map()
}

export const factory: ExtensionFactory<Config> = {
  kind: 'extension',
  type: 'jaeger_storage',
  doc: "Storages in the words of Jaeger's own config, for jaeger_storage_exporter.",
  stability: 'beta',
  config,
  create: () => ({ start: async () => {}, stop: async () => {} }),
}
