/** CPU time and memory of a process and all that it started, from /proc. Linux only. */

import { readdirSync, readFileSync } from 'node:fs'

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    // It ended between being listed and being read.
    return undefined
  }
}

export class ProcessTree {
  readonly #root: number
  /** Nanoseconds by thread, as last seen: a thread that ended keeps what it had. */
  readonly #spent = new Map<string, number>()

  constructor(pid: number) {
    this.#root = pid
  }

  /** The process and all below it: a gateway with workers is measured with them. */
  #pids(): number[] {
    const pids = [this.#root]
    for (const pid of pids) {
      for (const task of this.#tasks(pid)) {
        const children = read(`/proc/${pid}/task/${task}/children`)?.trim()
        if (children) pids.push(...children.split(' ').map(Number))
      }
    }
    return pids
  }

  #tasks(pid: number): string[] {
    try {
      return readdirSync(`/proc/${pid}/task`)
    } catch {
      return []
    }
  }

  /** Microseconds on a core since it started, all threads, user and system. Never falls. */
  cpuUs(): number {
    for (const pid of this.#pids()) {
      for (const task of this.#tasks(pid)) {
        const stat = read(`/proc/${pid}/task/${task}/schedstat`)
        if (stat !== undefined) this.#spent.set(task, Number(stat.split(' ')[0]))
      }
    }
    let ns = 0
    for (const spent of this.#spent.values()) ns += spent
    return ns / 1000
  }

  /** MiB resident: now, and the most it ever had. Of several processes the sums, pages they share counted for each. */
  rssMib(): { now: number; peak: number } {
    let [now, peak] = [0, 0]
    for (const pid of this.#pids()) {
      const status = read(`/proc/${pid}/status`) ?? ''
      now += Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1] ?? 0) / 1024
      peak += Number(/VmHWM:\s+(\d+) kB/.exec(status)?.[1] ?? 0) / 1024
    }
    return { now, peak }
  }
}
