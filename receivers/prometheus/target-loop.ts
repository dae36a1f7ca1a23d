/**
 * Scrapes one target again and again, at places of its own in the interval. Times are the wall clock's, so that a scrape
 * lies where it lay before a restart.
 */

import { setTimeout as sleep } from 'node:timers/promises'
import { type JobContext, Scraper } from './scraper.ts'
import { offsetOf, type Target } from './target.ts'

/** A scrape that begins this close to its place is said to be at its place: 1 % of the interval, 2 ms at most. */
const TOLERANCE_MS = 2

export interface LoopOptions {
  /** initial_scrape_offset, in ms. */
  readonly wait: number
  /** Spreads the scrapes of different gateways. */
  readonly seed: bigint
}

/** Who scrapes this target from now on, if anybody does. */
export type Heirs = (target: Target) => TargetLoop | undefined

export class TargetLoop {
  readonly target: Target
  readonly #scraper: Scraper
  readonly #options: LoopOptions
  /** Given when nothing more is to be begun, and when what is under way is to be given up. */
  readonly #stopping = new AbortController()
  readonly #giveUp = new AbortController()
  #leaving = false
  #ending = false
  #running: Promise<void> | undefined
  #scraped = false

  constructor(target: Target, context: JobContext, options: LoopOptions) {
    this.target = target
    this.#scraper = new Scraper(target, context)
    this.#options = options
  }

  /** `failed` is told of what should not happen; `ended`: it left, and everything is marked. */
  start(failed: (error: unknown) => void, ended: () => void): void {
    this.#running = this.#run(failed, ended)
  }

  /** The target is gone: unless it is back by its next place, everything of it is marked stale. */
  leave(): void {
    this.#leaving = true
  }

  /** It is there again. False when it is too late. */
  stay(): boolean {
    this.#leaving = false
    return !this.#ending
  }

  /**
   * Resolves when nothing is under way; `last`: after one more scrape. Gives up at `deadline`. With `heirs`, a reload has put
   * others in the place of all: the one that goes on with this target is told what was there, or else everything is
   * marked stale.
   */
  async stop(deadline: number, last: boolean, heirs?: Heirs): Promise<void> {
    this.#stopping.abort()
    const timer = setTimeout(() => this.#giveUp.abort(), Math.max(0, deadline - performance.now()))
    await this.#running
    if (heirs !== undefined) await this.#leaveTo(heirs(this.target))
    else if (last && !this.#leaving) await this.#scraper.scrape(Date.now(), this.#giveUp.signal)
    clearTimeout(timer)
  }

  async #leaveTo(heir: TargetLoop | undefined): Promise<void> {
    if (this.#ending || !this.#scraped) return
    if (heir !== undefined) heir.#scraper.inherit(this.#scraper)
    else await this.#scraper.end(Date.now(), this.#giveUp.signal)
  }

  async #run(failed: (error: unknown) => void, ended: () => void): Promise<void> {
    const { signal } = this.#stopping
    const { interval } = this.target
    await pause(this.#options.wait + offsetOf(this.target, this.#options.seed, Date.now()), signal)
    const base = Date.now()
    const tolerance = Math.min(interval / 100, TOLERANCE_MS)
    let place = 0
    while (!signal.aborted) {
      const now = Date.now()
      const due = base + place * interval
      const millis = Math.round(Math.abs(now - due) <= tolerance ? due : now)
      const leaving = this.#leaving
      this.#ending = leaving
      try {
        if (!leaving) await this.#scraper.scrape(millis, this.#giveUp.signal)
        else if (this.#scraped) await this.#scraper.end(millis, this.#giveUp.signal)
      } catch (error) {
        failed(error)
      }
      if (leaving) {
        ended()
        return
      }
      this.#scraped = true
      place = Math.max(place + 1, Math.floor((Date.now() - base) / interval) + 1)
      // A clock that was set back must not stop it for hours.
      await pause(Math.min(base + place * interval - Date.now(), interval), signal)
    }
  }
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  // The longest that a timer of Node can wait.
  await sleep(Math.min(Math.max(0, ms), 2 ** 31 - 1), undefined, { signal }).catch(() => undefined)
}
