/**
 * Measures small functions in CPU time of the whole process: collecting garbage and libuv's threads are part of the
 * cost, neighbours on the machine are not. Each case warms up, then is sampled; a sample is as many calls as take some
 * milliseconds, so that the clock's resolution does not show. The minimum is the best estimate of the work itself, the
 * median of what a run sees, and the spread (half the distance between the quartiles, in per cent of the median) says
 * how far to trust both.
 */

import { quantile } from '../stats.ts'

/** One thing to measure. `run` returns a number made from its result: the sink that keeps the work from being removed. */
export interface Case {
  readonly name: string
  /** Spans or other items in one call, for the cost per item. */
  readonly items: number
  /** Bytes in one call. */
  readonly bytes: number
  /** Makes the inputs; not measured. */
  prepare(): (() => number) | (() => Promise<number>)
}

export interface Result {
  readonly name: string
  readonly items: number
  readonly bytes: number
  readonly calls: number
  /** Microseconds a call. */
  readonly min: number
  readonly median: number
  readonly mean: number
  /** Per cent of the median. */
  readonly spread: number
  /** Nanoseconds an item, from the median. */
  readonly perItem: number
}

export interface Pace {
  readonly warmUpMs: number
  readonly sampleMs: number
  readonly samples: number
}

export const FULL: Pace = { warmUpMs: 400, sampleMs: 10, samples: 60 }
export const QUICK: Pace = { warmUpMs: 120, sampleMs: 5, samples: 20 }

/**
 * V8 adds a check to every typed-array access once any ArrayBuffer of the isolate was detached. A gateway always gets
 * there (stripping types does it, `fetch` does it), so it is done first and never by accident in the middle.
 */
export const DETACHED_STATE = 'detached first, as every running gateway is'
new ArrayBuffer(8).transfer()

let sink = 0

/** Everything the cases returned, folded; printed so that nothing may be optimized away. */
export function sinkValue(): number {
  return sink
}

type Run = () => number | Promise<number>

/** `calls` calls in a row; returns what they took, in ms of CPU time. */
async function spin(run: Run, calls: number): Promise<number> {
  const before = process.cpuUsage()
  for (let i = 0; i < calls; i++) {
    const value = run()
    sink = (sink + (typeof value === 'number' ? value : await value)) | 0
  }
  const { user, system } = process.cpuUsage(before)
  return (user + system) / 1000
}

async function warmUp(run: Run, { warmUpMs, sampleMs }: Pace): Promise<number> {
  let calls = 1
  let took = await spin(run, calls)
  for (let spent = took; spent < warmUpMs; spent += took) {
    if (took < sampleMs) calls *= 2
    took = await spin(run, calls)
  }
  return Math.max(1, Math.round((calls * sampleMs) / Math.max(took, 1e-3)))
}

export async function measure(one: Case, pace: Pace): Promise<Result> {
  const run: Run = one.prepare()
  const calls = await warmUp(run, pace)
  const took: number[] = []
  for (let i = 0; i < pace.samples; i++) took.push(((await spin(run, calls)) * 1000) / calls)
  took.sort((a, b) => a - b)
  const median = quantile(took, 0.5)
  return {
    name: one.name,
    items: one.items,
    bytes: one.bytes,
    calls: calls * took.length,
    min: took[0]!,
    median,
    mean: took.reduce((sum, us) => sum + us, 0) / took.length,
    spread: (((quantile(took, 0.75) - quantile(took, 0.25)) / 2) * 100) / median,
    perItem: (median * 1000) / one.items,
  }
}
