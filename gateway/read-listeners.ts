/** Two parts that want to listen on one address: found while the config is read, not when the second one starts. */

import { type Check, childPath, type Node, type Position } from '../config/node.ts'
import type { Factory, Listening } from '../core/component/contract.ts'
import { readersOf, type TelemetryConfig } from '../core/telemetry/config.ts'
import { parseEndpoint } from '../core/transport/endpoint.ts'
import type { ComponentConfig, GatewayConfig } from './gateway-config.ts'

interface Listener extends Listening {
  readonly path: string
  readonly at: Position
}

/** Enters a mistake for each part that runs and wants an address that another one before it wants too. */
export function checkListeners(config: GatewayConfig<TelemetryConfig>, at: Position, check: Check): void {
  const known: Listener[] = []
  for (const listener of listenersOf(config, at)) {
    const first = known.find(one => collide(one, listener))
    if (first === undefined) known.push(listener)
    else
      check.error(
        listener.at,
        listener.path,
        `${listener.endpoint} is taken by ${first.path}${first.endpoint === listener.endpoint ? '' : ` (${first.endpoint})`}`,
        'write another endpoint for one of the two',
      )
  }
}

/** Only what is used starts. */
function listenersOf(config: GatewayConfig<TelemetryConfig>, at: Position): Listener[] {
  const { receivers, extensions, service } = config
  const used = new Set(service.pipelines.flatMap(pipeline => pipeline.receivers.map(({ id }) => id)))
  const parts: (readonly [string, ComponentConfig<Factory>])[] = []
  for (const [id, receiver] of receivers) if (used.has(id)) parts.push([`receivers::${id}`, receiver])
  for (const { id } of service.extensions) {
    const extension = extensions.get(id)
    if (extension !== undefined) parts.push([`extensions::${id}`, extension])
  }
  const listeners = parts.flatMap(([path, { factory, config, written, at: own }]) => {
    return (factory.listens?.(config) ?? []).map(one => ({
      ...one,
      path: childPath(path, one.key),
      at: positionOf(written, one.key) ?? own,
    }))
  })
  return [...listeners, ...ownPages(service.telemetry, at)]
}

function ownPages({ metrics }: TelemetryConfig, at: Position): Listener[] {
  if (metrics.level === 'none') return []
  const pages = readersOf(metrics).flatMap(({ pull }) => pull?.exporter.prometheus ?? [])
  return pages.map(({ host, port }) => ({
    key: '',
    endpoint: `${host.includes(':') ? `[${host}]` : host}:${port}`,
    transport: 'tcp',
    path: 'service::telemetry::metrics::readers',
    at,
  }))
}

/** Where the value of `a::b` stands; undefined when it is a default. */
function positionOf(node: Node, key: string): Position | undefined {
  let here: Node | undefined = node
  for (const word of key.split('::')) here = here?.kind === 'map' ? here.entries.get(word)?.node : undefined
  return here?.at
}

function collide(a: Listener, b: Listener): boolean {
  if (a.transport === 'unix' || b.transport === 'unix')
    return a.transport === b.transport && a.endpoint === b.endpoint
  const [one, other] = [parseEndpoint(a.endpoint), parseEndpoint(b.endpoint)]
  if (one === undefined || other === undefined || one.port === 0 || one.port !== other.port) return false
  const [host, second] = [hostOf(one.host), hostOf(other.host)]
  if (host === second || host === '::' || second === '::') return true
  // Every IPv4 address, and one that is written in IPv6: the two can stand side by side.
  const [every, specific] = host === '0.0.0.0' ? [host, second] : [second, host]
  return every === '0.0.0.0' && !specific.includes(':')
}

/** Names for the same: nothing is every address, IPv6 and 4, and localhost is resolved to IPv4 first. */
function hostOf(host: string): string {
  if (host === '') return '::'
  return host.toLowerCase() === 'localhost' ? '127.0.0.1' : host.toLowerCase()
}
