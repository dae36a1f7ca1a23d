/**
 * Starts parts from the exporters back to the receivers and stops them the other way, all within one deadline.
 * Knows nothing of what they do.
 */

import type { Host, Part } from '../core/component/contract.ts'
import { type Logger, reasonOf } from '../core/telemetry/log.ts'

export interface NamedPart {
  /** `exporter/otlp_http/backup` */
  readonly name: string
  readonly part: Part
  /** Who is told how it is, when not the one for all. */
  readonly host?: HealthBoard
}

type HealthBoard = Pick<Host, 'report' | 'describe'>

/** Parts that do not feed each other: they stop side by side, so that a slow one takes no time from the others. */
export type Stage<P extends NamedPart = NamedPart> = readonly P[]

/** A part that stops later than the deadline gets this much more, in ms, before it is left behind. */
const GRACE_MS = 1_000

export class Lifecycle<P extends NamedPart = NamedPart> {
  readonly #stages: readonly Stage<P>[]
  readonly #host: HealthBoard
  readonly #log: Logger
  readonly #begin: (named: P) => Promise<void>
  readonly #started: P[][] = []

  /** `stages` in the order they start. `begin` starts a part; it may do something around it. */
  constructor(
    stages: readonly Stage<P>[],
    host: HealthBoard,
    log: Logger,
    begin: (named: P) => Promise<void> = ({ part }) => part.start(),
  ) {
    this.#stages = stages
    this.#host = host
    this.#log = log
    this.#begin = begin
  }

  /** Throws when a part cannot start, naming it; those that had started are stopped by then. */
  async start(stopTimeoutMs: number): Promise<void> {
    for (const stage of this.#stages) {
      const started: P[] = []
      this.#started.push(started)
      for (const named of stage) {
        // Entered before it starts: what fails half way has something to clean up too.
        started.push(named)
        try {
          await this.#startOne(named)
        } catch (error) {
          await this.stop(performance.now() + stopTimeoutMs)
          throw new Error(`${named.name} cannot start: ${reasonOf(error)}`, { cause: error })
        }
      }
    }
  }

  async #startOne(named: P): Promise<void> {
    const { name, host = this.#host } = named
    host.report(name, { state: 'starting' })
    await this.#begin(named)
    // A part may have said by now that it is not well.
    if (host.describe().health.get(name)?.state === 'starting') host.report(name, { state: 'ok' })
  }

  /** Stops what was started, last first. Never throws. `deadline` on the clock of `performance.now()`. */
  async stop(deadline: number): Promise<void> {
    await stopStages(this.#started.splice(0), deadline, this.#host, this.#log)
  }
}

/** Waits for `work`, but not beyond `deadline` (ms, `performance.now()` clock). */
export async function untilDeadline(deadline: number, work: Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<void>(resolve => {
    timer = setTimeout(resolve, Math.max(0, deadline - performance.now()))
  })
  await Promise.race([work, late])
  clearTimeout(timer)
}

/** Stops the parts of the last stage, then those of the one before it. Never throws. `deadline` as above. */
export async function stopStages(
  stages: readonly Stage[],
  deadline: number,
  host: HealthBoard,
  log: Logger,
): Promise<void> {
  for (const stage of stages.toReversed()) {
    await Promise.all(stage.map(named => stopOne(named, deadline, named.host ?? host, log)))
  }
}

async function stopOne(
  { name, part }: NamedPart,
  deadline: number,
  host: HealthBoard,
  log: Logger,
): Promise<void> {
  host.report(name, { state: 'stopping' })
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<'late'>(resolve => {
    timer = setTimeout(resolve, Math.max(0, deadline - performance.now()) + GRACE_MS, 'late')
  })
  try {
    if ((await Promise.race([part.stop(deadline), late])) === 'late') {
      log.error('A component did not stop in time and is left behind', { part: name })
    }
  } catch (error) {
    log.error('A component failed while stopping', { part: name, error })
  } finally {
    clearTimeout(timer)
  }
  host.report(name, { state: 'stopped' })
}
