/** The targets of one job: loops for those that are there, and none for those that are gone. */

import { ScrapeFailure } from './fetch.ts'
import type { JobContext } from './scraper.ts'
import { BadTarget, type Target, type TargetGroup, targetOf } from './target.ts'
import { type Heirs, type LoopOptions, TargetLoop } from './target-loop.ts'

/** Of one job, where target_limit does not ask for more: each has a timer, and memory for what is on its page. */
export const TARGETS_MAX = 20_000

export interface Share {
  /** Which of how many processes this is, counted from 0: each scrapes its share of the targets. */
  readonly index: number
  readonly of: number
}

export class Pool {
  readonly #context: JobContext
  readonly #options: LoopOptions
  readonly #share: Share
  readonly #loops = new Map<bigint, TargetLoop>()
  /** Gone, but not yet marked. */
  readonly #leaving = new Map<bigint, TargetLoop>()
  /** All that may still hand something on: these, those, and those that are just being marked. */
  readonly #alive = new Set<TargetLoop>()
  #stopped = false

  constructor(context: JobContext, options: LoopOptions, share: Share) {
    this.#context = context
    this.#options = options
    this.#share = share
  }

  get size(): number {
    return this.#loops.size
  }

  /** The groups there are now, all of them. */
  sync(groups: readonly TargetGroup[]): void {
    if (this.#stopped) return
    const wanted = this.#targets(groups)
    this.#limit(wanted.size)
    for (const [hash, loop] of this.#loops) {
      if (wanted.has(hash)) continue
      this.#loops.delete(hash)
      this.#leaving.set(hash, loop)
      loop.leave()
    }
    for (const [hash, target] of wanted) {
      const mine = hash % BigInt(this.#share.of) === BigInt(this.#share.index)
      if (mine && !this.#loops.has(hash)) this.#loops.set(hash, this.#loop(hash, target))
    }
  }

  /** The loop of this target, or else of one whose samples get the same labels. */
  find({ hash, own }: Target): TargetLoop | undefined {
    const same = this.#loops.get(hash)
    if (same !== undefined) return same
    const labels = JSON.stringify(own)
    return [...this.#loops.values()].find(({ target }) => JSON.stringify(target.own) === labels)
  }

  /** As TargetLoop.stop, for all. */
  async stop(deadline: number, last: boolean, heirs?: Heirs): Promise<void> {
    this.#stopped = true
    await Promise.all([...this.#alive].map(loop => loop.stop(deadline, last, heirs)))
    this.#loops.clear()
    this.#leaving.clear()
  }

  #loop(hash: bigint, target: Target): TargetLoop {
    const before = this.#leaving.get(hash)
    this.#leaving.delete(hash)
    if (before?.stay()) return before
    const loop = new TargetLoop(target, this.#context, this.#options)
    const { job, settings } = this.#context
    const failed = (error: unknown) =>
      settings.log.error('A scrape failed by a mistake in the gateway', {
        job: job.name,
        instance: target.instance,
        error: error instanceof Error ? (error.stack ?? error.message) : String(error),
      })
    this.#alive.add(loop)
    loop.start(failed, () => {
      this.#alive.delete(loop)
      if (this.#leaving.get(hash) === loop) this.#leaving.delete(hash)
    })
    return loop
  }

  #targets(groups: readonly TargetGroup[]): Map<bigint, Target> {
    const { job, settings, meters } = this.#context
    const targets = new Map<bigint, Target>()
    // One more than target_limit, so that it is seen to be exceeded.
    const most = Math.max(TARGETS_MAX, job.targetLimit + 1)
    let bad = 0
    let more = 0
    for (const group of groups) {
      for (const address of group.targets) {
        if (more > 0) {
          more++
          continue
        }
        try {
          const target = targetOf(address, group, job)
          if (target === undefined) continue
          if (targets.size < most || targets.has(target.hash)) targets.set(target.hash, target)
          else more = 1
        } catch (error) {
          if (!(error instanceof BadTarget)) throw error
          bad++
          settings.log.error('A target cannot be scraped', {
            job: job.name,
            target: address,
            written_in: group.source,
            error: error.message,
          })
        }
      }
    }
    if (more > 0)
      settings.log.error('There are more targets than a job may have; the others are not scraped', {
        job: job.name,
        scraped: most,
        left_out: more,
        fix: 'drop some with relabel_configs, make several jobs of them, or set target_limit to more',
      })
    meters.badTargets(bad + more)
    return targets
  }

  #limit(count: number): void {
    const { targetLimit } = this.#context.job
    this.#context.tooMany =
      targetLimit > 0 && count > targetLimit
        ? new ScrapeFailure(
            'target_limit',
            `there are ${count} targets, more than ${targetLimit} (target_limit)`,
          )
        : undefined
  }
}
