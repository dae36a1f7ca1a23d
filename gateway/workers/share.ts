/** What of a config which process of a gateway with workers runs. Pure. */

import type { Check } from '../../config/node.ts'
import { integer } from '../../config/schema.ts'
import type { Factory, WorkersRule } from '../../core/component/contract.ts'
import type { TelemetryConfig } from '../../core/telemetry/config.ts'
import type { ComponentConfig, GatewayConfig, Reference } from '../gateway-config.ts'
import { parseComponentId } from '../ids.ts'
import { sectionOf } from '../kinds.ts'

/** The key `service.workers`. */
export const WORKERS = integer({
  default: 1,
  min: 1,
  max: 64,
  doc: 'How many processes do the work, sharing the listening ports. 1: the gateway is one process.',
})

/** `alone` is the gateway without workers; `primary` leads workers, which are counted from 1. */
export type Role = 'alone' | 'primary' | { readonly worker: number }

/** Enters a mistake for every component in use that cannot exist several times, when it would. */
export function checkShares(config: GatewayConfig, check: Check): void {
  if (config.service.workers === 1) return
  for (const component of inUse(config)) {
    const { id, at, factory } = component
    const always = ruleOf(factory)
    const rule = typeof always === 'string' ? factory.workersClash?.(component.config) : always
    if (rule === undefined) continue
    const path = `${sectionOf(factory.kind)}::${id}`
    check.error(at, path, `does not go with service.workers: ${rule.impossible}`, rule.fix)
  }
}

function ruleOf({ workers = 'each' }: Factory): WorkersRule {
  return workers
}

function* inUse(config: GatewayConfig): Generator<ComponentConfig<Factory>> {
  const { receivers, processors, exporters, connectors, extensions, service } = config
  const named = (pick: (one: GatewayConfig['service']['pipelines'][number]) => readonly Reference[]) =>
    new Set(service.pipelines.flatMap(pick).map(({ id }) => id))
  const sources = named(one => one.receivers)
  const targets = named(one => one.exporters)
  const middles = named(one => one.processors)
  for (const [id, one] of receivers) if (sources.has(id)) yield one
  for (const [id, one] of processors) if (middles.has(id)) yield one
  for (const [id, one] of exporters) if (targets.has(id)) yield one
  for (const [id, one] of connectors) if (targets.has(id)) yield one
  for (const [id, one] of extensions) if (service.extensions.some(named => named.id === id)) yield one
}

/** `written` has been checked. */
function idOf(written: string): string | undefined {
  const parsed = parseComponentId(written)
  return 'wrong' in parsed ? undefined : parsed.id
}

/**
 * The part of the config that the process of this role runs. The primary: extensions that show the gateway and those they
 * name, and its log and metrics. A worker: the pipelines and the other extensions, and nothing that writes the log or shows metrics,
 * because the primary does that for all. Spans of the gateway's own are sent by whoever makes them.
 */
export function shareOf(config: GatewayConfig<TelemetryConfig>, role: Role): GatewayConfig<TelemetryConfig> {
  if (role === 'alone') return config
  const { service } = config
  const rules = new Map(
    service.extensions.map(({ id }) => [id, ruleOf(config.extensions.get(id)!.factory)] as const),
  )
  // Who lets senders in lets readers of pages in, too.
  const asked = new Set(
    [...rules].flatMap(([id, rule]) =>
      rule === 'primary' ? config.extensions.get(id)!.references.map(one => idOf(one.id)) : [],
    ),
  )
  const extensions = service.extensions.filter(({ id }) => {
    const rule = rules.get(id)!
    if (role === 'primary') return rule === 'primary' || asked.has(id)
    return rule === 'each' || (rule === 'first' && role.worker === 1)
  })
  if (role === 'primary') {
    const telemetry = { ...service.telemetry, traces: { ...service.telemetry.traces, processors: [] } }
    return { ...config, service: { ...service, extensions, pipelines: [], telemetry } }
  }
  const { logs, metrics } = service.telemetry
  const telemetry = {
    ...service.telemetry,
    logs: { ...logs, processors: [], output_paths: [], error_output_paths: [] },
    metrics: { ...metrics, address: '', readers: [] },
  }
  return { ...config, service: { ...service, extensions, telemetry } }
}
