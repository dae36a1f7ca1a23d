/**
 * The pipelines as a graph. Pure: reads a config, starts nothing. Pipelines are joined by connectors, which are an
 * exporter in one and a receiver in another; everything else follows from the lists.
 */

import type { Check, Position } from '../config/node.ts'
import type { ConnectorFactory } from '../core/component/contract.ts'
import type { Signal } from '../core/otlp/signals.ts'
import type { GatewayConfig, PipelineConfig, Reference } from './gateway-config.ts'

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

/** A circle of pipelines is entered into `check`; that connectors stand on both sides was checked when it was read. */
export function buildGraph(
  { connectors, service }: Pick<GatewayConfig, 'connectors' | 'service'>,
  check: Check,
): Graph {
  const routes = [...connectors.values()].flatMap(({ id, factory }) =>
    routesOf(id, factory, service.pipelines),
  )
  return { backToFront: sorted(service.pipelines, routes, check), routes }
}

function routesOf(
  id: string,
  { routes }: ConnectorFactory,
  pipelines: readonly PipelineConfig[],
): ConnectorRoute[] {
  const found: ConnectorRoute[] = []
  for (const [from, to] of routes) {
    const sources = pipelines.filter(({ signal, exporters }) => signal === from && at(exporters, id))
    const targets = pipelines.filter(({ signal, receivers }) => signal === to && at(receivers, id))
    if (sources.length > 0 && targets.length > 0) found.push({ id, from, to, sources, targets })
  }
  return found
}

function at(references: readonly Reference[], id: string): Position | undefined {
  return references.find(reference => reference.id === id)?.at
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
    at(first.pipeline.exporters, first.via) ?? first.pipeline.at,
    `service::pipelines::${first.pipeline.id}::exporters`,
    `the pipelines go round in a circle: ${path}`,
    `take one of these connectors out of the circle`,
  )
}
