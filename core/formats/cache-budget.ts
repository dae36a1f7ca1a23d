/**
 * One limit for the memory of several caches that senders fill. Whoever owns a cache says what an entry takes; when all
 * together would take too much, all are emptied. Caches that are used as they are meant to be stay far below it, so there is
 * no telling which entry is worth more than another.
 */

/** An entry that takes more than this part of the budget is not worth keeping. */
const LARGEST_SHARE = 16

export class CacheBudget {
  readonly #bytesMax: number
  readonly #caches: (() => void)[] = []
  #bytes = 0

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax
  }

  /** What is kept now, as its owners say. */
  get bytes(): number {
    return this.#bytes
  }

  /** A cache that `empty` empties, without giving back what that takes. */
  join(empty: () => void): void {
    this.#caches.push(empty)
  }

  /**
   * Asked before an entry of so many bytes is kept: false when it should not be. May empty all caches, the asking one
   * among them.
   */
  take(bytes: number): boolean {
    if (bytes > this.#bytesMax / LARGEST_SHARE) return false
    if (this.#bytes + bytes > this.#bytesMax) {
      for (const empty of this.#caches) empty()
      this.#bytes = 0
    }
    this.#bytes += bytes
    return true
  }

  /** An entry for which so many bytes were taken is not kept any longer. */
  giveBack(bytes: number): void {
    this.#bytes -= bytes
  }
}

/** What V8 needs for a byte string besides its bytes, and for an object that holds one or two. */
export const ENTRY_BYTES = 400
/** The same for a short text in a list or a map. */
export const TEXT_BYTES = 64
