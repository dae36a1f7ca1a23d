/**
 * The pipelines as a graph. Pure: reads a config, starts nothing. Pipelines are joined by connectors, which are an
 * exporter in one and a receiver in another; everything else follows from the lists.
 */

import type { Check, Position } from '../config/node.ts'
import type { ConnectorFactory } from '../core/component/contract.ts'
import type { Signal } from '../core/otlp/signals.ts'
import type { GatewayConfig, PipelineConfig } from './gateway-config.ts'

/** One connector instance: every pair of signals in use has its own. */
export interface ConnectorRoute {
  readonly id: string
  readonly from: Signal
  readonly to: Signal
  readonly sources: readonly PipelineConfig[]
  readonly targets: readonly PipelineConfig[]
}

export interface Graph {
  /** Every pipeline before those that feed it: the order to build in. Its reverse is the way data flows. */
  readonly backToFront: readonly PipelineConfig[]
  readonly routes: readonly ConnectorRoute[]
}

/** Enters what is wrong into `check` and then gives a graph of what is right. */
export function buildGraph(
  { connectors, service }: Pick<GatewayConfig, 'connectors' | 'service'>,
  check: Check,
): Graph {
  const routes: ConnectorRoute[] = []
  for (const { id, factory } of connectors.values()) {
    routes.push(...routesOf(id, factory, service.pipelines, check))
  }
  return { backToFront: sorted(service.pipelines, routes, check), routes }
}

const names = (ids: readonly { readonly id: string }[], id: string): Position | undefined =>
  (ids as readonly { id: string; at: Position }[]).find(reference => reference.id === id)?.at

function routesOf(
  id: string,
  { type, routes }: ConnectorFactory,
  pipelines: readonly PipelineConfig[],
  check: Check,
): ConnectorRoute[] {
  const sources = pipelines.filter(pipeline => names(pipeline.exporters, id))
  const targets = pipelines.filter(pipeline => names(pipeline.receivers, id))
  for (const [used, unused, as, other] of [
    [sources, targets, 'exporters', 'receivers'],
    [targets, sources, 'receivers', 'exporters'],
  ] as const) {
    if (unused.length > 0) continue
    for (const pipeline of used) {
      const at = names(pipeline[as], id)!
      const wrong = `the connector "${id}" is in the ${as} of this pipeline but in the ${other} of none`
      check.error(
        at,
        `service::pipelines::${pipeline.id}::${as}`,
        wrong,
        `add it to the ${other} of a pipeline`,
      )
    }
  }
  if (sources.length === 0 || targets.length === 0) return []
  const found: ConnectorRoute[] = []
  for (const [from, to] of routes) {
    const feeding = sources.filter(({ signal }) => signal === from)
    const fed = targets.filter(({ signal }) => signal === to)
    if (feeding.length > 0 && fed.length > 0) found.push({ id, from, to, sources: feeding, targets: fed })
  }
  const can = routes.map(([from, to]) => `${from} to ${to}`).join(', ')
  for (const pipeline of sources) {
    if (found.some(({ from }) => from === pipeline.signal)) continue
    const wrong = `the connector "${id}" cannot take ${pipeline.signal} to any pipeline that receives from it`
    check.error(
      names(pipeline.exporters, id)!,
      `service::pipelines::${pipeline.id}::exporters`,
      wrong,
      `${type} takes ${can}`,
    )
  }
  for (const pipeline of targets) {
    if (found.some(({ to }) => to === pipeline.signal)) continue
    const wrong = `the connector "${id}" cannot make ${pipeline.signal} of what the pipelines that export to it have`
    check.error(
      names(pipeline.receivers, id)!,
      `service::pipelines::${pipeline.id}::receivers`,
      wrong,
      `${type} takes ${can}`,
    )
  }
  return found
}

interface Step {
  readonly route: ConnectorRoute
  readonly target: PipelineConfig
}

/** Depth first, targets before sources. A cycle is reported once, as the way round. */
function sorted(
  pipelines: readonly PipelineConfig[],
  routes: readonly ConnectorRoute[],
  check: Check,
): PipelineConfig[] {
  const done: PipelineConfig[] = []
  const finished = new Set<PipelineConfig>()
  const trail: { readonly pipeline: PipelineConfig; via: string }[] = []
  const visit = (pipeline: PipelineConfig): void => {
    if (finished.has(pipeline)) return
    const start = trail.findIndex(step => step.pipeline === pipeline)
    if (start >= 0) {
      reportCycle(trail.slice(start), check)
      return
    }
    const here = { pipeline, via: '' }
    trail.push(here)
    for (const { route, target } of stepsFrom(pipeline, routes)) {
      here.via = route.id
      visit(target)
    }
    trail.pop()
    finished.add(pipeline)
    done.push(pipeline)
  }
  pipelines.forEach(visit)
  return done
}

function stepsFrom(pipeline: PipelineConfig, routes: readonly ConnectorRoute[]): Step[] {
  return routes
    .filter(({ sources }) => sources.includes(pipeline))
    .flatMap(route => route.targets.map(target => ({ route, target })))
}

function reportCycle(
  trail: readonly { readonly pipeline: PipelineConfig; readonly via: string }[],
  check: Check,
): void {
  const first = trail[0]!
  const path = [...trail.flatMap(({ pipeline, via }) => [pipeline.id, via]), first.pipeline.id].join(' -> ')
  check.error(
    names(first.pipeline.exporters, first.via) ?? first.pipeline.at,
    `service::pipelines::${first.pipeline.id}::exporters`,
    `the pipelines go round in a circle: ${path}`,
    `take one of these connectors out of the circle`,
  )
}
