/** Which services and operations are known to be in an index, so that their document is written once and not with every span. */

/** As many as Jaeger keeps. */
const KNOWN_MAX = 100_000
const SLOTS = 4096

interface Slot {
  readonly low: number
  readonly high: number
  readonly index: string
  readonly until: number
}

export class ServiceCache {
  /** How long what was found last stays known. */
  untilMs = 0
  readonly #ttlMs: number
  /** Until when, by key; the oldest first. */
  readonly #until = new Map<string, number>()
  /** The same for those asked about last, without making a key. */
  readonly #slots = new Array<Slot | undefined>(SLOTS).fill(undefined)

  constructor(ttlMs: number) {
    this.#ttlMs = ttlMs
  }

  /** Undefined when it is known; else the key to add once the document is there. `low`, `high`: halves of its id. */
  missing(index: string, low: number, high: number, nowMs: number): string | undefined {
    const at = (low ^ high) & (SLOTS - 1)
    const slot = this.#slots[at]
    if (
      slot !== undefined &&
      slot.low === low &&
      slot.high === high &&
      slot.index === index &&
      nowMs < slot.until
    ) {
      this.untilMs = slot.until
      return undefined
    }
    const key = `${index} ${high.toString(16)}.${low.toString(16)}`
    const until = this.#until.get(key)
    if (until === undefined || nowMs >= until) return key
    this.#slots[at] = { low, high, index, until }
    this.untilMs = until
    return undefined
  }

  add(key: string, nowMs: number): void {
    this.#until.delete(key)
    if (this.#until.size >= KNOWN_MAX) this.#until.delete(this.#until.keys().next().value!)
    this.#until.set(key, nowMs + this.#ttlMs)
  }
}
