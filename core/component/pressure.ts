/**
 * Whether the process has room for more data, asked by the memory_limiter processor and, through it, at the door
 * (internal/memorylimiter of the Collector 0.155, with the back-off of useless collections from later versions).
 *
 * What is compared: `heapUsed + external`, because buffers live outside V8's heap, with the limit. RSS is compared
 * only with the memory limit of the cgroup, which is where the kernel kills: RSS does not fall after a collection, so
 * a limit below that would never let data in again.
 *
 *     used >= limit - spike_limit   soft: refuse
 *     used >= limit                 hard: refuse, and collect garbage more eagerly
 *     rss >= 95 % of the cgroup     as hard
 *
 * What is measured contains garbage, so it goes up and down with V8's own collections, many times a second under load.
 * Once data is refused, memory has to stay below the soft limit for a second before it is taken again, and each kind of
 * line is logged once in ten seconds, with how often it would have been: a `check_interval` of 200 ms reacts faster, and
 * does not make senders and readers of the log pay for it.
 */

import { totalmem } from 'node:os'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import type { Logger } from '../telemetry/log.ts'
import { type Clock, SYSTEM_CLOCK } from './clock.ts'

/** Sizes in bytes, times in ms. */
export interface PressureLimits {
  readonly checkInterval: number
  readonly limit: number
  readonly spikeLimit: number
  /** At least this long between two collections while the soft, or the hard limit is exceeded. */
  readonly minGcIntervalSoft: number
  readonly minGcIntervalHard: number
  /** Up to here the interval doubles while collections free nothing; 0: it does not grow. */
  readonly maxGcIntervalSoft: number
  readonly maxGcIntervalHard: number
  /** Among how many processes the cgroup's memory is divided; 1 when not given. */
  readonly processes?: number
}

export interface MemoryReading {
  readonly heapUsed: number
  readonly external: number
  readonly rss: number
}

/** Where memory is read; tests bring their own. */
export interface MemorySource {
  read(): MemoryReading
  /** The cgroup's limit (v1 or v2), or undefined when there is none. */
  cgroupLimit(): number | undefined
  /** Of the machine. */
  total(): number
  collectGarbage(): void
}

/** Tests for whether a collection was worth it: it freed at least this share. */
const WORTHWHILE = 0.05

/** The share of the cgroup's limit at which RSS counts as above the hard limit. */
const CGROUP_SHARE = 0.95

/** So long memory has to stay below the limits before data is taken again; with a longer check interval, one check. */
const CALM_MS = 1_000

/** A line of one kind this often. */
const LOG_EVERY_MS = 10_000

/** So that the interval after a useless collection does not miss the next check by a hair. */
const NEARLY_ONE_CHECK = 0.95

let collect: (() => void) | undefined

export const PROCESS_MEMORY: MemorySource = {
  read: () => process.memoryUsage(),
  cgroupLimit() {
    const limit = process.constrainedMemory()
    // cgroup v1 without a limit says a number near 2^63; a limit beyond the machine is none either.
    return limit === undefined || limit === 0 || limit > totalmem() ? undefined : limit
  },
  total: totalmem,
  collectGarbage() {
    if (collect === undefined) {
      setFlagsFromString('--expose-gc')
      collect = runInNewContext('gc') as () => void
    }
    collect()
  },
}

/** What a percentage is of: the cgroup's limit, or the machine's memory. */
export function totalMemory(source: MemorySource = PROCESS_MEMORY): number {
  return source.cgroupLimit() ?? source.total()
}

/** One watch over the process's memory, however many processors ask it. */
export class PressureMonitor {
  readonly limits: PressureLimits
  readonly #source: MemorySource
  readonly #clock: Clock
  readonly #cgroupLimit: number | undefined
  readonly #listeners = new Set<PressureListener>()
  #refusing = false
  #used = 0
  #lastUsed = 0
  #lastGc: number
  #gcIntervalSoft = 0
  #gcIntervalHard = 0
  #cancelTimer: (() => void) | undefined
  /** When memory was last seen above a limit. */
  #lastAbove = -Infinity
  /** By kind of line: when the next one may be written, and how many were not. */
  readonly #said = new Map<string, { nextAt: number; times: number }>()

  constructor(limits: PressureLimits, source: MemorySource, clock: Clock) {
    this.limits = limits
    this.#source = source
    this.#clock = clock
    const limit = source.cgroupLimit()
    this.#cgroupLimit = limit === undefined ? undefined : limit / (limits.processes ?? 1)
    this.#lastGc = clock.now()
  }

  get refusing(): boolean {
    return this.#refusing
  }

  /** Of the last check, in bytes. */
  get used(): number {
    return this.#used
  }

  /** Checks now and then every `checkInterval`, for as long as anybody listens. The first one's logger is used. */
  join(listener: PressureListener): void {
    this.#listeners.add(listener)
    if (this.#cancelTimer === undefined) this.#tick()
    else if (this.#refusing) listener.changed(true)
  }

  leave(listener: PressureListener): void {
    this.#listeners.delete(listener)
    if (this.#listeners.size > 0) return
    this.#cancelTimer?.()
    this.#cancelTimer = undefined
    this.#refusing = false
  }

  #tick(): void {
    this.#cancelTimer = this.#clock.after(this.limits.checkInterval, () => this.#tick())
    this.check()
  }

  /** One check, as the timer does it. */
  check(): void {
    const memory = this.#measure(false)
    let above = memory.soft
    if (above && this.#mayCollect(memory.hard)) {
      this.#log(memory.hard ? 'warn' : 'info', `${memory.why}. Forcing a GC.`)
      this.#source.collectGarbage()
      this.#lastGc = this.#clock.now()
      above = this.#measure(true).soft
      this.#log('info', 'Memory usage after GC.')
    }
    const now = this.#clock.now()
    if (above) this.#lastAbove = now
    else if (this.#refusing && now - this.#lastAbove < CALM_MS * NEARLY_ONE_CHECK) return
    if (above === this.#refusing) return
    this.#refusing = above
    if (above) {
      this.#log(
        'warn',
        `${memory.why}. Refusing data until it is below the soft limit: give the gateway more memory, or look for an ` +
          'exporter whose queue is full.',
      )
    } else this.#log('info', 'Memory usage back within limits. Resuming normal operation.')
    for (const listener of this.#listeners) listener.changed(above)
  }

  #measure(collected: boolean): { soft: boolean; hard: boolean; why: string } {
    const { heapUsed, external, rss } = this.#source.read()
    const { limit, spikeLimit } = this.limits
    this.#used = heapUsed + external
    const killed = this.#cgroupLimit !== undefined && rss >= this.#cgroupLimit * CGROUP_SHARE
    const hard = this.#used >= limit || killed
    const soft = hard || this.#used >= limit - spikeLimit
    const why = killed
      ? "Memory of the process is near the container's limit"
      : `Memory usage is above the ${hard ? 'hard' : 'soft'} limit`
    this.#backOff(soft, collected)
    return { soft, hard, why }
  }

  #backOff(soft: boolean, collected: boolean): void {
    const worthwhile = !soft || this.#used <= this.#lastUsed * (1 - WORTHWHILE)
    this.#lastUsed = this.#used
    if (worthwhile) {
      this.#gcIntervalSoft = 0
      this.#gcIntervalHard = 0
    } else if (collected) {
      const { minGcIntervalSoft, maxGcIntervalSoft, minGcIntervalHard, maxGcIntervalHard } = this.limits
      this.#gcIntervalSoft = this.#longer(this.#gcIntervalSoft, minGcIntervalSoft, maxGcIntervalSoft)
      this.#gcIntervalHard = this.#longer(this.#gcIntervalHard, minGcIntervalHard, maxGcIntervalHard)
    }
  }

  #longer(current: number, min: number, max: number): number {
    if (max === 0) return min
    const floor = Math.max(min, this.limits.checkInterval * NEARLY_ONE_CHECK)
    return Math.min(Math.max(current, floor) * 2, Math.max(max, min))
  }

  #mayCollect(hard: boolean): boolean {
    const { minGcIntervalSoft, minGcIntervalHard } = this.limits
    const interval = hard
      ? Math.max(minGcIntervalHard, this.#gcIntervalHard)
      : Math.max(minGcIntervalSoft, this.#gcIntervalSoft)
    return this.#clock.now() - this.#lastGc > interval
  }

  #log(level: 'info' | 'warn', message: string): void {
    const now = this.#clock.now()
    const said = this.#said.get(message) ?? { nextAt: -Infinity, times: 0 }
    this.#said.set(message, said)
    said.times++
    if (now < said.nextAt) return
    const [first] = this.#listeners
    first?.log[level](message, {
      cur_mem_mib: Math.round(this.#used / 2 ** 20),
      limit_mib: Math.round(this.limits.limit / 2 ** 20),
      ...(said.times > 1 ? { times: said.times } : {}),
    })
    said.nextAt = now + LOG_EVERY_MS
    said.times = 0
  }
}

export interface PressureListener {
  readonly log: Logger
  /** Called when the monitor begins (true) or ceases to refuse. */
  changed(refusing: boolean): void
}

const shared = new Map<string, PressureMonitor>()

/** The monitor of these limits: the same one for equal limits, so that three pipelines do not collect three times. */
export function pressureMonitor(
  limits: PressureLimits,
  source: MemorySource = PROCESS_MEMORY,
  clock: Clock = SYSTEM_CLOCK,
): PressureMonitor {
  if (source !== PROCESS_MEMORY) return new PressureMonitor(limits, source, clock)
  const key = JSON.stringify(Object.entries(limits).sort())
  let monitor = shared.get(key)
  if (monitor === undefined) {
    monitor = new PressureMonitor(limits, source, clock)
    shared.set(key, monitor)
  }
  return monitor
}
