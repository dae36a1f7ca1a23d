/**
 * Limits equal log lines as zap's sampler does, which the Collector uses: in each tick the first `initial` of a kind
 * are written, then every `thereafter`-th. Unlike zap, how many were left out is said.
 */

/** `tick` in ms; 0 for `thereafter` means none after the first. */
export interface RepeatsConfig {
  readonly enabled: boolean
  readonly tick: number
  readonly initial: number
  readonly thereafter: number
}

/** Kinds of lines remembered in one tick, as zap's 4096 counters. More are written without being counted. */
const KINDS_MAX = 4096

interface Kind {
  seen: number
  suppressed: number
  /** Says at the end of the tick how many lines were left out since the last written one. */
  readonly say: (suppressed: number) => void
}

export class Repeats {
  readonly #config: RepeatsConfig
  readonly #kinds = new Map<string, Kind>()
  #timer: NodeJS.Timeout | undefined

  constructor(config: RepeatsConfig) {
    this.#config = config
  }

  /** How many equal lines were left out since the last written one; undefined when this one is left out too. */
  admit(kind: string, say: (suppressed: number) => void): number | undefined {
    const { enabled, tick, initial, thereafter } = this.#config
    if (!enabled || tick <= 0) return 0
    this.#timer ??= setTimeout(() => this.#endTick(), tick).unref()
    let entry = this.#kinds.get(kind)
    if (entry === undefined) {
      if (this.#kinds.size >= KINDS_MAX) return 0
      entry = { seen: 0, suppressed: 0, say }
      this.#kinds.set(kind, entry)
    }
    const nth = ++entry.seen
    const written = nth <= initial || (thereafter > 0 && (nth - initial) % thereafter === 0)
    if (!written) {
      entry.suppressed++
      return undefined
    }
    const { suppressed } = entry
    entry.suppressed = 0
    return suppressed
  }

  #endTick(): void {
    this.#timer = undefined
    const kinds = [...this.#kinds.values()]
    this.#kinds.clear()
    for (const { suppressed, say } of kinds) if (suppressed > 0) say(suppressed)
  }

  /** Says what is still unsaid. */
  stop(): void {
    clearTimeout(this.#timer)
    this.#endTick()
  }
}
