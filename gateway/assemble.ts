/** A config becomes parts that are linked: from the exporters back, because each part is handed what is behind it. */

import { Check, formatProblem } from '../config/node.ts'
import type {
  Consumer,
  ExtensionFactory,
  Part,
  ReceiverFactory,
  Settings,
} from '../core/component/contract.ts'
import { Account } from '../core/component/ledger.ts'
import { direct, sendingChain } from '../core/component/sending.ts'
import type { Signal } from '../core/otlp/signals.ts'
import type { Logger } from '../core/telemetry/log.ts'
import type { MetricsRegistry } from '../core/telemetry/metrics.ts'
import type { Tracer } from '../core/telemetry/tracer.ts'
import type { Kind } from './catalog.ts'
import { Edge, type EdgeEnd, intoPage, outOfPage, throughPage } from './edge.ts'
import { processorCounts, receiverCounts } from './edge-metrics.ts'
import { Fanout } from './fanout.ts'
import type { ComponentConfig, GatewayConfig, PipelineConfig } from './gateway-config.ts'
import { buildGraph, type ConnectorRoute } from './graph.ts'
import type { GatewayHost } from './host.ts'
import type { NamedPart, Stage } from './lifecycle.ts'
import { traced } from './traced.ts'

export interface Surroundings {
  readonly host: GatewayHost
  readonly log: Logger
  readonly metrics: MetricsRegistry
  /** Of the gateway's own traces, when they are wanted. */
  readonly tracer?: Tracer | undefined
}

/** A part that takes batches, as those in front of it see it. */
interface Taker {
  readonly settings: Settings
  readonly consumer: Consumer
  readonly into: (signal: Signal) => EdgeEnd[]
  /** The longest way to an exporter; parts of one rank do not feed each other. */
  readonly rank: number
  /** An exporter behind it keeps what it acknowledges. */
  readonly waits: boolean
}

/** A part that hands batches on. */
interface Giver {
  readonly settings: Settings
  readonly outOf: (signal: Signal) => EdgeEnd[]
}

/** Parts in the stages they start in: extensions, exporters, what is between, receivers. Throws on a wrong graph. */
export function assemble(config: GatewayConfig, surroundings: Surroundings): Stage[] {
  return new Assembly(config, surroundings).stages()
}

class Assembly {
  readonly #config: GatewayConfig
  readonly #around: Surroundings
  readonly #extensions: NamedPart[] = []
  readonly #receivers: NamedPart[] = []
  /** By rank: exporters are 0. */
  readonly #ranks: NamedPart[][] = []
  readonly #exporters = new Map<string, Taker>()
  readonly #connectors = new Map<ConnectorRoute, Taker>()
  /** What a pipeline's receivers hand to: its first processor, or all of its exporters. */
  readonly #entries = new Map<PipelineConfig, readonly Taker[]>()

  constructor(config: GatewayConfig, surroundings: Surroundings) {
    this.#config = config
    this.#around = surroundings
  }

  stages(): Stage[] {
    const check = new Check()
    const { backToFront, routes } = buildGraph(this.#config, check)
    if (check.failed) throw new Error(check.problems.map(formatProblem).join('\n'))
    this.#around.host.pipelines.push(...this.#config.service.pipelines)
    for (const { id } of this.#config.service.extensions) this.#addExtension(this.#config.extensions.get(id)!)
    for (const pipeline of backToFront) this.#addPipeline(pipeline, routes)
    for (const receiver of this.#config.receivers.values()) this.#addReceiver(receiver)
    return [this.#extensions, ...this.#ranks, this.#receivers].filter(stage => stage.length > 0)
  }

  #settings(kind: Kind, id: string, signal: Signal | undefined, scope = '', waits = false): Settings {
    const { host, log, metrics } = this.#around
    const name = `${kind}/${id}${scope === '' ? '' : `/${scope}`}`
    const account = new Account(kind, id, name)
    host.accounts.push(account)
    const fields: Record<string, string> = { 'otelcol.component.kind': kind, 'otelcol.component.id': id }
    if (scope !== '') fields[kind === 'processor' ? 'otelcol.pipeline.id' : 'otelcol.route'] = scope
    return { id, name, signal, log: log.with(fields), account, metrics, host, waitDownstream: waits }
  }

  #place(settings: Settings, part: Part, rank: number): void {
    while (this.#ranks.length <= rank) this.#ranks.push([])
    this.#ranks[rank]!.push({ name: settings.name, part })
  }

  #addExtension({ id, factory, config }: ComponentConfig<ExtensionFactory>): void {
    const settings = this.#settings('extension', id, undefined)
    const part = factory.create(config, settings)
    this.#around.host.extensions.set(id, part)
    this.#extensions.push({ name: settings.name, part })
  }

  #exporter(id: string): Taker {
    const known = this.#exporters.get(id)
    if (known !== undefined) return known
    const { factory, config } = this.#config.exporters.get(id)!
    const users = this.#config.service.pipelines.filter(({ exporters }) =>
      exporters.some(one => one.id === id),
    )
    const settings = this.#settings('exporter', id, undefined)
    const signals = [...new Set(users.map(({ signal }) => signal))]
    const exporter = factory.create(config, settings, signals)
    const sending = factory.sending?.(config)
    const part =
      sending === undefined
        ? direct(exporter, settings, { signals })
        : sendingChain(exporter, sending, settings, { signals })
    const queue = sending?.sending_queue
    const taker: Taker = {
      settings,
      consumer: part,
      into: signal => [intoPage(settings.account.of(signal))],
      rank: 0,
      waits: queue?.enabled === true && (queue.wait_for_result || queue.storage !== ''),
    }
    this.#exporters.set(id, taker)
    this.#place(settings, part, 0)
    return taker
  }

  #addPipeline(pipeline: PipelineConfig, routes: readonly ConnectorRoute[]): void {
    const { signal } = pipeline
    let behind: Taker[] = []
    for (const { id } of pipeline.exporters) {
      if (this.#config.connectors.has(id)) {
        const mine = routes.filter(route => route.id === id && route.sources.includes(pipeline))
        behind.push(...mine.map(route => this.#connector(route)))
      } else behind.push(this.#exporter(id))
    }
    for (const { id } of pipeline.processors.toReversed()) {
      const { factory, config } = this.#config.processors.get(id)!
      const { rank, waits } = beyond(behind)
      const settings = this.#settings('processor', id, signal, pipeline.id, waits)
      const counts = processorCounts(this.#around.metrics, id, signal)
      const page = settings.account.of(signal)
      const giver: Giver = { settings, outOf: () => [counts.outOf, outOfPage(page)] }
      const part = factory.create(config, settings, link(giver, behind, signal))
      this.#place(settings, part, rank)
      behind = [{ settings, consumer: part, into: () => [intoPage(page), counts.into], rank, waits }]
    }
    this.#entries.set(pipeline, behind)
  }

  #connector(route: ConnectorRoute): Taker {
    const known = this.#connectors.get(route)
    if (known !== undefined) return known
    const { id, from, to } = route
    const { factory, config } = this.#config.connectors.get(id)!
    const behind = route.targets.flatMap(target => this.#entries.get(target)!)
    const { rank, waits } = beyond(behind)
    const settings = this.#settings('connector', id, from, `${from}-${to}`, waits)
    const giver: Giver = { settings, outOf: signal => [outOfPage(settings.account.of(signal))] }
    const part = factory.create(config, settings, link(giver, behind, to))
    this.#place(settings, part, rank)
    const taker: Taker = {
      settings,
      consumer: part,
      into: signal => [intoPage(settings.account.of(signal))],
      rank,
      waits,
    }
    this.#connectors.set(route, taker)
    return taker
  }

  #addReceiver({ id, factory, config }: ComponentConfig<ReceiverFactory>): void {
    const fed = this.#config.service.pipelines.filter(({ receivers }) => receivers.some(one => one.id === id))
    if (fed.length === 0) return
    const all = fed.flatMap(pipeline => this.#entries.get(pipeline)!)
    const settings = this.#settings('receiver', id, undefined, '', beyond(all).waits)
    const giver: Giver = {
      settings,
      outOf: signal => [
        throughPage(settings.account.of(signal)),
        receiverCounts(this.#around.metrics, id, signal),
      ],
    }
    const next: Partial<Record<Signal, Consumer>> = {}
    for (const signal of new Set(fed.map(pipeline => pipeline.signal))) {
      const entries = fed.filter(one => one.signal === signal).flatMap(one => this.#entries.get(one)!)
      const consumer = link(giver, entries, signal)
      const { tracer } = this.#around
      next[signal] = tracer === undefined ? consumer : traced(tracer, id, signal, consumer)
    }
    this.#receivers.push({ name: settings.name, part: factory.create(config, settings, next) })
  }
}

function beyond(behind: readonly Taker[]): { readonly rank: number; readonly waits: boolean } {
  return {
    rank: 1 + Math.max(0, ...behind.map(({ rank }) => rank)),
    waits: behind.some(({ waits }) => waits),
  }
}

/** The consumer a part is handed as `next`: one edge, or an edge, a fan-out, and an edge for each branch. */
function link(from: Giver, behind: readonly Taker[], signal: Signal): Consumer {
  // Two pipelines may lead to one exporter: it gets the batch once for each, as in the Collector.
  if (behind.length === 1) {
    const [to] = behind as [Taker]
    return new Edge([...from.outOf(signal), ...to.into(signal)], to.consumer, to.settings)
  }
  const branches = behind.map(to => new Edge(to.into(signal), to.consumer, to.settings))
  return new Edge(from.outOf(signal), new Fanout(branches), from.settings)
}
