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
}

/** Parts that do not feed each other: they stop side by side, so that a slow one takes no time from the others. */
export type Stage = readonly NamedPart[]

/** A part that stops later than the deadline gets this much more, in ms, before it is left behind. */
const GRACE_MS = 1_000

export class Lifecycle {
  readonly #stages: readonly Stage[]
  readonly #host: Pick<Host, 'report' | 'describe'>
  readonly #log: Logger
  readonly #started: NamedPart[][] = []

  /** `stages` in the order they start. */
  constructor(stages: readonly Stage[], host: Pick<Host, 'report' | 'describe'>, log: Logger) {
    this.#stages = stages
    this.#host = host
    this.#log = log
  }

  /** Throws when a part cannot start, naming it; those that had started are stopped by then. */
  async start(stopTimeoutMs: number): Promise<void> {
    for (const stage of this.#stages) {
      const started: NamedPart[] = []
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

  async #startOne({ name, part }: NamedPart): Promise<void> {
    this.#host.report(name, { state: 'starting' })
    await part.start()
    // A part may have said by now that it is not well.
    if (this.#host.describe().health.get(name)?.state === 'starting') this.#host.report(name, { state: 'ok' })
  }

  /** Stops what was started, last first. Never throws. `deadline` on the clock of `performance.now()`. */
  async stop(deadline: number): Promise<void> {
    for (let stage = this.#started.pop(); stage !== undefined; stage = this.#started.pop()) {
      await Promise.all(stage.map(named => this.#stopOne(named, deadline)))
    }
  }

  async #stopOne({ name, part }: NamedPart, deadline: number): Promise<void> {
    this.#host.report(name, { state: 'stopping' })
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<'late'>(resolve => {
      timer = setTimeout(resolve, Math.max(0, deadline - performance.now()) + GRACE_MS, 'late')
    })
    try {
      if ((await Promise.race([part.stop(deadline), late])) === 'late') {
        this.#log.error('A component did not stop in time and is left behind', { part: name })
      }
    } catch (error) {
      this.#log.error('A component failed while stopping', { part: name, error })
    } finally {
      clearTimeout(timer)
    }
    this.#host.report(name, { state: 'stopped' })
  }
}
