/**
 * Time for parts that wait: real in the gateway, turned by hand in tests. Times are ms on the clock of
 * `performance.now()`, as the deadlines of the contract are.
 */

export interface Clock {
  now(): number
  /** Calls `callback` once, `ms` from now; the function it returns takes that back. */
  after(ms: number, callback: () => void): () => void
}

/** setTimeout holds 31 bits; a longer wait (24 days) ends early, which whoever waits that long survives. */
const LONGEST_MS = 2 ** 31 - 1

export const SYSTEM_CLOCK: Clock = {
  now: () => performance.now(),
  after(ms, callback) {
    const timer = setTimeout(callback, Math.min(Math.max(ms, 0), LONGEST_MS))
    return () => clearTimeout(timer)
  },
}
