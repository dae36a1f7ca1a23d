/**
 * A config becomes parts that are linked: from the exporters back, because each part is handed what is behind it.
 *
 * Where a generation runs already, parts of equal identity are taken over from it as they are. Nothing that runs is
 * touched here: what has to change about parts that are kept is collected in `switches`, to be done later, all at once.
 */

import { Check, formatProblem } from '../config/node.ts'
import type {
  ConnectorFactory,
  Consumer,
  Extension,
  ExtensionFactory,
  ProcessorFactory,
  ReceiverFactory,
} from '../core/component/contract.ts'
import { direct, sendingChain } from '../core/component/sending.ts'
import type { Signal } from '../core/otlp/signals.ts'
import type { Tracer } from '../core/telemetry/tracer.ts'
import { Edge, intoPage, outOfPage, throughPage } from './edge.ts'
import { processorCounts, receiverCounts } from './edge-metrics.ts'
import { Fanout } from './fanout.ts'
import type { ComponentConfig, GatewayConfig, PipelineConfig } from './gateway-config.ts'
import { buildGraph, type ConnectorRoute } from './graph.ts'
import { type Around, type Member, Members, type Place } from './member.ts'
import { traced } from './traced.ts'

export interface Surroundings extends Around {
  /** Of the gateway's own traces, when they are wanted. */
  readonly tracer?: Tracer | undefined
}

/** All parts of one config. */
export interface Generation {
  readonly config: GatewayConfig
  readonly members: ReadonlyMap<string, Member>
  readonly extensions: ReadonlyMap<string, Extension>
  /** In the order they start: extensions, exporters, what is between, receivers. */
  readonly stages: readonly (readonly Member[])[]
  /** What turns the running generation into this one; each is a few assignments. */
  readonly switches: readonly (() => void)[]
}

/** A member that takes batches, as those in front of it see it. */
interface Taker {
  readonly member: Member
  readonly consumer: Consumer
  /** The longest way to an exporter; parts of one rank do not feed each other. */
  readonly rank: number
  /** An exporter behind it keeps what it acknowledges. */
  readonly waits: boolean
}

/** Throws on a wrong graph, and when a part cannot be made. What was made until then is stopped again. */
export function assemble(config: GatewayConfig, around: Surroundings, running?: Generation): Generation {
  const gone = [...(running?.extensions.keys() ?? [])].filter(
    id => !config.service.extensions.some(one => one.id === id),
  )
  const members = new Members(around, running?.members ?? new Map(), gone)
  try {
    return new Assembly(config, around, members, running?.config).generation()
  } catch (error) {
    members.discard()
    throw error
  }
}

class Assembly {
  readonly #config: GatewayConfig
  readonly #around: Surroundings
  readonly #made: Members
  readonly #before: readonly PipelineConfig[]
  readonly #extensions: Member[] = []
  readonly #receivers: Member[] = []
  /** By rank: exporters are 0. */
  readonly #ranks: Member[][] = []
  readonly #exporters = new Map<string, Taker>()
  readonly #connectors = new Map<ConnectorRoute, Taker>()
  /** What a pipeline's receivers hand to: its first processor, or all of its exporters. */
  readonly #entries = new Map<PipelineConfig, readonly Taker[]>()
  readonly #switches: (() => void)[] = []

  constructor(
    config: GatewayConfig,
    around: Surroundings,
    members: Members,
    before: GatewayConfig | undefined,
  ) {
    this.#config = config
    this.#around = around
    this.#made = members
    this.#before = before?.service.pipelines ?? []
  }

  generation(): Generation {
    const check = new Check()
    const { backToFront, routes } = buildGraph(this.#config, check)
    if (check.failed) throw new Error(check.problems.map(formatProblem).join('\n'))
    const { extensions, receivers, service } = this.#config
    for (const { id } of service.extensions) this.#addExtension(extensions.get(id)!)
    for (const pipeline of backToFront) this.#addPipeline(pipeline, routes)
    for (const receiver of receivers.values()) this.#addReceiver(receiver)
    return {
      config: this.#config,
      members: this.#made.all,
      extensions: this.#made.extensions,
      stages: [this.#extensions, ...this.#ranks, this.#receivers].filter(stage => stage.length > 0),
      switches: this.#switches,
    }
  }

  #addExtension({ id, factory, config, written }: ComponentConfig<ExtensionFactory>): void {
    const make = ({ settings }: Place): Extension => factory.create(config, settings)
    const member = this.#made.get({ kind: 'extension', id, written, make })
    this.#made.extensions.set(id, member.part)
    this.#extensions.push(member)
  }

  #placed(member: Member, rank: number, waits: boolean): Taker {
    while (this.#ranks.length <= rank) this.#ranks.push([])
    this.#ranks[rank]!.push(member)
    return { member, consumer: member.part as Member['part'] & Consumer, rank, waits }
  }

  #exporter(id: string): Taker {
    const known = this.#exporters.get(id)
    if (known !== undefined) return known
    const { factory, config, written } = this.#config.exporters.get(id)!
    const signals = signalsOf(id, this.#config.service.pipelines)
    const sending = factory.sending?.(config)
    const member = this.#made.get({
      kind: 'exporter',
      id,
      written,
      anew: !factory.liveSignals && this.#adds(id, signals),
      make: ({ settings }) => {
        const exporter = factory.create(config, settings, signals)
        return sending === undefined
          ? direct(exporter, settings, { signals })
          : sendingChain(exporter, sending, settings, { signals })
      },
    })
    const queue = sending?.sending_queue
    const waits = queue?.enabled === true && (queue.wait_for_result || queue.storage !== '')
    const taker = this.#placed(member, 0, waits)
    this.#exporters.set(id, taker)
    return taker
  }

  /** Is there a signal among them that the exporter does not have now? */
  #adds(id: string, signals: readonly Signal[]): boolean {
    const known = signalsOf(id, this.#before)
    return signals.some(signal => !known.includes(signal))
  }

  #addPipeline(pipeline: PipelineConfig, routes: readonly ConnectorRoute[]): void {
    let behind: Taker[] = []
    for (const { id } of pipeline.exporters) {
      if (this.#config.connectors.has(id)) {
        const mine = routes.filter(route => route.id === id && route.sources.includes(pipeline))
        behind.push(...mine.map(route => this.#connector(route)))
      } else behind.push(this.#exporter(id))
    }
    for (const { id } of pipeline.processors.toReversed()) {
      behind = [this.#processor(this.#config.processors.get(id)!, pipeline, behind)]
    }
    this.#entries.set(pipeline, behind)
  }

  #processor(
    { id, factory, config, written }: ComponentConfig<ProcessorFactory>,
    pipeline: PipelineConfig,
    behind: readonly Taker[],
  ): Taker {
    const { signal } = pipeline
    const { rank, waits } = beyond(behind)
    const before = this.#before.find(one => one.id === pipeline.id)
    const member = this.#made.get({
      kind: 'processor',
      id,
      written,
      scope: pipeline.id,
      signal,
      waits,
      anew: before !== undefined && !sameWay(id, before, pipeline),
      make: place => factory.create(config, place.settings, this.#lead(place, behind, signal)),
      ends: ({ account }) => {
        const counts = processorCounts(this.#around.metrics, id, signal)
        const page = account.of(signal)
        return { into: () => [intoPage(page), counts.into], outOf: () => [counts.outOf, outOfPage(page)] }
      },
    })
    this.#switch(member, behind, signal)
    return this.#placed(member, rank, waits)
  }

  #connector(route: ConnectorRoute): Taker {
    const known = this.#connectors.get(route)
    if (known !== undefined) return known
    const { id, from, to } = route
    const { factory, config, written }: ComponentConfig<ConnectorFactory> = this.#config.connectors.get(id)!
    const behind = route.targets.flatMap(target => this.#entries.get(target)!)
    const { rank, waits } = beyond(behind)
    const member = this.#made.get({
      kind: 'connector',
      id,
      written,
      scope: `${from}-${to}`,
      signal: from,
      waits,
      make: place => factory.create(config, place.settings, this.#lead(place, behind, to)),
    })
    this.#switch(member, behind, to)
    const taker = this.#placed(member, rank, waits)
    this.#connectors.set(route, taker)
    return taker
  }

  #addReceiver({ id, factory, config, written }: ComponentConfig<ReceiverFactory>): void {
    const behind = new Map<Signal, Taker[]>()
    for (const pipeline of this.#config.service.pipelines) {
      if (!pipeline.receivers.some(one => one.id === id)) continue
      const { signal } = pipeline
      behind.set(signal, [...(behind.get(signal) ?? []), ...this.#entries.get(pipeline)!])
    }
    if (behind.size === 0) return
    const member = this.#made.get({
      kind: 'receiver',
      id,
      written,
      fixed: factory.liveSignals === true ? [] : [...behind.keys()].sort(),
      make: place => {
        for (const [signal, takers] of behind) this.#lead(place, takers, signal, id)
        return factory.create(config, place.settings, place.exits.next)
      },
      ends: ({ account }) => ({
        outOf: signal => [throughPage(account.of(signal)), receiverCounts(this.#around.metrics, id, signal)],
      }),
    })
    for (const [signal, takers] of behind) this.#switch(member, takers, signal, id)
    for (const signal of member.exits.signals)
      if (!behind.has(signal)) this.#switches.push(() => member.exits.close(signal))
    this.#receivers.push(member)
  }

  /** Opens the way out of a part that is being made. `receiver`: its id, for the gateway's own traces. */
  #lead(place: Place, behind: readonly Taker[], signal: Signal, receiver?: string): Consumer {
    const { to, madeOf } = this.#way(place, behind, signal, receiver)
    return place.exits.lead(signal, to(), madeOf)
  }

  /** The same for a part that runs, later, and only when the way changes. */
  #switch(member: Member, behind: readonly Taker[], signal: Signal, receiver?: string): void {
    const { to, madeOf } = this.#way(member, behind, signal, receiver)
    if (member.exits.leadsTo(signal, madeOf)) return
    const consumer = to()
    this.#switches.push(() => void member.exits.lead(signal, consumer, madeOf))
  }

  #way(place: Place, behind: readonly Taker[], signal: Signal, receiver: string | undefined) {
    const tracer = receiver === undefined ? undefined : this.#around.tracer
    const to = (): Consumer => {
      const consumer = link(place, behind, signal)
      return tracer === undefined ? consumer : traced(tracer, receiver!, signal, consumer)
    }
    return { to, madeOf: [...behind.map(({ member }) => member), tracer] }
  }
}

/** The signals of the pipelines that lead to an exporter. */
function signalsOf(id: string, pipelines: readonly PipelineConfig[]): Signal[] {
  const users = pipelines.filter(({ exporters }) => exporters.some(one => one.id === id))
  return [...new Set(users.map(({ signal }) => signal))]
}

/**
 * May a processor that holds items stay where it is? Only when those items still meet every processor once: what was
 * behind it is behind it still, in the same order, and nothing that was in front of it is now.
 */
function sameWay(id: string, before: PipelineConfig, now: PipelineConfig): boolean {
  const split = ({ processors }: PipelineConfig): [front: string[], behind: string[]] => {
    const ids = processors.map(one => one.id)
    return [ids.slice(0, ids.indexOf(id)), ids.slice(ids.indexOf(id) + 1)]
  }
  const [front, oldBehind] = split(before)
  const [, behind] = split(now)
  const common = behind.filter(one => oldBehind.includes(one))
  return common.join() === oldBehind.join() && !behind.some(one => front.includes(one))
}

function beyond(behind: readonly Taker[]): { readonly rank: number; readonly waits: boolean } {
  return {
    rank: 1 + Math.max(0, ...behind.map(({ rank }) => rank)),
    waits: behind.some(({ waits }) => waits),
  }
}

/** One edge, or an edge, a fan-out, and an edge for each branch. */
function link(from: Place, behind: readonly Taker[], signal: Signal): Consumer {
  // Two pipelines may lead to one exporter: it gets the batch once for each, as in the Collector.
  if (behind.length === 1) {
    const [{ member, consumer }] = behind as [Taker]
    return new Edge([...from.outOf(signal), ...member.into(signal)], consumer, member.settings)
  }
  const branches = behind.map(
    ({ member, consumer }) => new Edge(member.into(signal), consumer, member.settings),
  )
  return new Edge(from.outOf(signal), new Fanout(branches), from.settings)
}
