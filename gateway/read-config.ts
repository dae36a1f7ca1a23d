/** A whole config, understood: components with their settings, pipelines with their references checked. */

import type { Check, MapNode } from '../config/node.ts'
import { didYouMean } from '../config/suggest.ts'
import type { Factory } from '../core/component/contract.ts'
import { type TelemetryConfig, telemetryConfig } from '../core/telemetry/config.ts'
import type { CatalogEntry } from './catalog.ts'
import { checkReferences } from './check-references.ts'
import { checkSenders } from './check-senders.ts'
import type { ComponentConfig, GatewayConfig } from './gateway-config.ts'
import { aKind, KINDS, sectionOf } from './kinds.ts'
import { type Components, entriesOf, readComponents } from './read-components.ts'
import { checkListeners } from './read-listeners.ts'
import { type AllComponents, checkReference, readPipelines, readReferences } from './read-pipelines.ts'
import { checkShares, WORKERS } from './workers/share.ts'

export interface ReadConfigOptions {
  /** Is this feature gate on? */
  readonly gate?: (id: string) => boolean
}

const SECTIONS = [...KINDS.map(sectionOf), 'service']
const SERVICE_KEYS = ['extensions', 'pipelines', 'telemetry', 'workers']

/**
 * Reads the tree `loadConfig` made. Every mistake is entered into `check`; when `check.failed`, what is returned has
 * gaps and must not be run. Cycles of connectors are found later, by the graph. Throws only what a factory's module
 * throws while it is loaded.
 */
export async function readConfig(
  root: MapNode,
  catalog: readonly CatalogEntry[],
  check: Check,
  { gate = () => false }: ReadConfigOptions = {},
): Promise<GatewayConfig<TelemetryConfig>> {
  if (root.entries.size === 0) {
    check.error(root.at, '', 'the config is empty', 'write receivers:, exporters: and service:')
  }
  checkKeys(root.entries, SECTIONS, '', check)
  const sectionNode = (name: string) => root.entries.get(name)?.node
  const components: Record<string, Components> = {}
  for (const kind of KINDS) {
    components[kind] = await readComponents(kind, root, catalog, check)
  }
  const all = components as AllComponents
  checkAmbiguous(all, check)

  const service = entriesOf(sectionNode('service'), 'service', check)
  checkKeys(service, SERVICE_KEYS, 'service', check)
  const extensions = readReferences(service.get('extensions')?.node, 'service::extensions', check)
  for (const reference of extensions) {
    checkReference(reference, ['extension'], all, 'service::extensions', check)
  }
  const pipelines =
    root.entries.size === 0
      ? []
      : readPipelines(
          service.get('pipelines')?.node,
          all,
          {
            allowNone: gate('service.AllowNoPipelines'),
            at: root.entries.get('service')?.keyAt ?? root.at,
          },
          check,
        )
  checkReferences(all, { extensions, pipelines }, check)
  checkSenders(all, pipelines, check)
  const telemetryNode = service.get('telemetry')?.node
  const telemetry =
    telemetryNode === undefined
      ? telemetryConfig.absent()
      : telemetryConfig.read(telemetryNode, 'service::telemetry', check)

  const workersNode = service.get('workers')?.node
  const workers =
    workersNode === undefined ? WORKERS.absent() : WORKERS.read(workersNode, 'service::workers', check)

  const config = {
    receivers: ofKind(all.receiver, 'receiver'),
    processors: ofKind(all.processor, 'processor'),
    exporters: ofKind(all.exporter, 'exporter'),
    connectors: ofKind(all.connector, 'connector'),
    extensions: ofKind(all.extension, 'extension'),
    service: { extensions, pipelines, telemetry, workers },
  }
  checkListeners(config, telemetryNode?.at ?? root.at, check)
  checkShares(config, check)
  return config
}

function checkKeys(entries: MapNode['entries'], known: readonly string[], path: string, check: Check): void {
  for (const [key, { keyAt }] of entries) {
    if (known.includes(key)) continue
    check.error(keyAt, path === '' ? key : `${path}::${key}`, 'is not a known key', didYouMean(key, known))
  }
}

/** A connector and a receiver or exporter of one id: nobody could say which a pipeline means. */
function checkAmbiguous(all: AllComponents, check: Check): void {
  for (const [id, at] of all.connector.written) {
    const kind = (['exporter', 'receiver'] as const).find(one => all[one].written.has(id))
    if (kind === undefined) continue
    const renamed = id.includes('/') ? `${id}_connector` : `${id}/connector`
    check.error(
      at,
      `connectors::${id}`,
      `there is also ${aKind(kind)} with this id`,
      `rename this to ${renamed}`,
    )
  }
}

/** The catalog gave each kind only its own factories. */
function ofKind<K extends Factory['kind']>(
  { read }: Components,
  kind: K,
): ReadonlyMap<string, ComponentConfig<Extract<Factory, { kind: K }>>> {
  const found = new Map<string, ComponentConfig<Extract<Factory, { kind: K }>>>()
  for (const [id, component] of read) {
    if (component.factory.kind !== kind) throw new Error(`the catalog calls ${id} a ${kind}`)
    found.set(id, component as ComponentConfig<Extract<Factory, { kind: K }>>)
  }
  return found
}
