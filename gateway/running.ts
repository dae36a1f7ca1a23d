/** The parts that run, and how those of another config take their places. */

import type { Logger } from '../core/telemetry/log.ts'
import type { Tracer } from '../core/telemetry/tracer.ts'
import { Handover } from '../core/transport/handover.ts'
import { assemble, type Generation } from './assemble.ts'
import type { GatewayConfig } from './gateway-config.ts'
import { Lifecycle, type NamedPart, stopStages, untilDeadline } from './lifecycle.ts'
import type { Around, Member } from './member.ts'

/** Names of parts, as `processor/batch/traces`. One that changed is in `started` and in `stopped`. */
export interface Changes {
  readonly kept: readonly string[]
  readonly started: readonly string[]
  /** They drain; that may take longer than the reload. */
  readonly stopped: readonly string[]
}

export class Running {
  #generation: Generation | undefined
  readonly #around: Around
  readonly #log: Logger
  readonly #timeoutMs: number
  /** Old generations that are not done yet: all their parts, and those without the receivers that take their time. */
  readonly #drains = new Map<Promise<unknown>, Promise<void>>()

  /** `timeoutMs`: how long parts that are replaced may take to stop. */
  constructor(around: Around, timeoutMs: number) {
    this.#around = around
    this.#log = around.log
    this.#timeoutMs = timeoutMs
  }

  /** Undefined before the first `apply`. */
  get config(): GatewayConfig | undefined {
    return this.#generation?.config
  }

  get members(): Iterable<Member> {
    return this.#generation?.members.values() ?? []
  }

  /**
   * Turns what runs into what `config` says; the first time that is everything. New parts are made and started beside
   * the old ones, then all ways are switched in one go, then the old parts drain. Throws when a part cannot be made or
   * started: then everything is as it was.
   */
  async apply(config: GatewayConfig, tracer: Tracer | undefined): Promise<Changes> {
    const old = this.#generation
    const next = assemble(config, { ...this.#around, tracer }, old)
    const before = [...this.members]
    const gone = new Set(before.filter(member => next.members.get(member.name) !== member))
    const fresh = next.stages.map(stage => stage.filter(member => old?.members.get(member.name) !== member))
    await this.#start(fresh, new Handover(gone))
    this.#switch(next, gone)
    if (gone.size > 0) this.#drain(old!.stages, gone, next)
    return {
      kept: before.filter(member => !gone.has(member)).map(({ name }) => name),
      started: fresh.flat().map(({ name }) => name),
      stopped: [...gone].map(({ name }) => name),
    }
  }

  async #start(fresh: readonly (readonly Member[])[], handover: Handover): Promise<void> {
    const { host } = this.#around
    const waiting = new Set(fresh.flat())
    const begin = async (member: Member): Promise<void> => {
      waiting.delete(member)
      try {
        await handover.run(member, () => member.part.start())
      } catch (error) {
        // Before the new parts are stopped, which would close what belongs to those that stay.
        await handover.giveBack()
        throw error
      }
    }
    try {
      await new Lifecycle(fresh, host, this.#log, begin).start(this.#timeoutMs)
    } catch (error) {
      // The others have no turn any more, but may have registered something when they were made.
      for (const { part } of waiting) void part.stop(0)
      for (const { name } of fresh.flat()) if (!this.#generation?.members.has(name)) host.forget(name)
      throw error
    }
  }

  /** Synchronous: no batch meets half of it. */
  #switch(next: Generation, gone: ReadonlySet<Member>): void {
    const { host } = this.#around
    for (const change of next.switches) change()
    for (const member of gone) {
      const successor = next.members.get(member.name)
      member.host.retire()
      if (successor === undefined) host.forget(member.name)
      else if (isReceiver(member)) member.exits.follow(successor.exits)
    }
    for (const member of next.members.values()) {
      member.host.extensions = next.extensions
      member.host.take()
    }
    host.pipelines = next.config.service.pipelines
    host.extensions = next.extensions
    this.#generation = next
  }

  /**
   * Receivers that have a successor take their time, because clients are slow to come over and what they bring goes the
   * successor's way. The other parts stop from front to back, once older generations, which lead to them, are done.
   */
  #drain(stages: Generation['stages'], gone: ReadonlySet<Member>, next: Generation): void {
    const replaced = (member: Member): boolean => isReceiver(member) && next.members.has(member.name)
    const deadline = performance.now() + this.#timeoutMs
    const stop = (which: (member: Member) => boolean, until: number): Promise<void> =>
      this.#stopStages(
        stages.map(stage => stage.filter(member => gone.has(member) && which(member)).map(leaving)),
        until,
      )
    const earlier = [...this.#drains.values()]
    const rest = async (): Promise<void> => {
      await stop(member => isReceiver(member) && !replaced(member), deadline)
      await untilDeadline(deadline, Promise.all(earlier))
      const left = Math.max(deadline, performance.now() + this.#timeoutMs / 2)
      await stop(member => !isReceiver(member), left)
    }
    const parts = rest()
    const all = Promise.all([parts, stop(replaced, deadline)]).finally(() => this.#drains.delete(all))
    this.#drains.set(all, parts)
  }

  #stopStages(stages: readonly (readonly NamedPart[])[], deadline: number): Promise<void> {
    const { host } = this.#around
    return stopStages(stages, deadline, host, this.#log)
  }

  /** Receivers first, then what is left of old generations, because it leads to parts of this one. */
  async stop(deadline: number): Promise<void> {
    const stages = this.#generation?.stages ?? []
    const stop = (which: (member: Member) => boolean): Promise<void> =>
      this.#stopStages(
        stages.map(stage => stage.filter(which)),
        deadline,
      )
    await stop(isReceiver)
    await untilDeadline(deadline, Promise.all(this.#drains.keys()))
    await stop(member => !isReceiver(member))
  }
}

const isReceiver = ({ settings }: Member): boolean => settings.account.kind === 'receiver'

/** Half of the time a part has to go is for those that called it: once it is told to stop, it may refuse them. */
function leaving({ name, host, part, underWay }: Member): NamedPart {
  return {
    name,
    host,
    part: {
      start: () => part.start(),
      async stop(deadline) {
        const now = performance.now()
        await untilDeadline(now + (deadline - now) / 2, underWay.settled())
        await part.stop(deadline)
      },
    },
  }
}
