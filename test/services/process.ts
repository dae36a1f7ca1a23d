/** Child processes for tests: started with their output kept, waited for by what they print, ended by pid. */

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'

export interface Running {
  readonly pid: number
  /** Everything printed so far, stdout and stderr as they came. */
  output(): string
  /** Resolves when the output matches; throws with the output when the process ends or the time is over. */
  printed(pattern: RegExp, timeoutMs?: number): Promise<RegExpExecArray>
  /** Sends the signal and waits for the end; kills when it takes longer than `timeoutMs`. */
  stop(signal?: NodeJS.Signals, timeoutMs?: number): Promise<number | null>
  /** Resolves with the exit code. */
  readonly ended: Promise<number | null>
}

export interface RunOptions {
  readonly cwd?: string
  readonly env?: Readonly<Record<string, string>>
}

export function run(program: string, args: readonly string[], options: RunOptions = {}): Running {
  const child: ChildProcess = spawn(program, args, {
    cwd: options.cwd,
    env: { ...process.env, ...options.env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let output = ''
  const waiting = new Set<() => void>()
  const heard = (part: string): void => {
    output += part
    for (const wake of waiting) wake()
  }
  child.stdout!.setEncoding('utf8').on('data', heard)
  child.stderr!.setEncoding('utf8').on('data', heard)
  let over = false
  const ended = once(child, 'close').then(([code]) => {
    over = true
    heard('')
    return code as number | null
  })
  // A program that cannot be started is told by `printed` and `ended`, not by a crash of the test.
  child.on('error', error => heard(`${error.message}\n`))

  return {
    pid: child.pid ?? 0,
    output: () => output,
    ended,
    printed: (pattern, timeoutMs = 30_000) =>
      new Promise((resolve, reject) => {
        const give = (settle: () => void): void => {
          waiting.delete(look)
          clearTimeout(timer)
          settle()
        }
        const look = (): void => {
          const match = pattern.exec(output)
          if (match !== null) give(() => resolve(match))
          else if (over)
            give(() => reject(new Error(`${program} ended without printing ${pattern}:\n${output}`)))
        }
        const timer = setTimeout(
          () =>
            give(() =>
              reject(new Error(`${program} did not print ${pattern} in ${timeoutMs} ms:\n${output}`)),
            ),
          timeoutMs,
        )
        waiting.add(look)
        look()
      }),
    async stop(signal = 'SIGTERM', timeoutMs = 20_000) {
      if (over) return ended
      child.kill(signal)
      const killer = setTimeout(() => child.kill('SIGKILL'), timeoutMs)
      const code = await ended
      clearTimeout(killer)
      return code
    },
  }
}

/** Runs to the end; throws with the output when the exit code is not 0. */
export async function complete(
  program: string,
  args: readonly string[],
  options: RunOptions = {},
): Promise<string> {
  const running = run(program, args, options)
  const code = await running.ended
  if (code !== 0)
    throw new Error(`${program} ${args.join(' ')} ended with ${code}:\n${running.output().slice(-4000)}`)
  return running.output()
}

/** Asks `look` until it gives something; throws what `look` threw last, or a plain sentence, when the time is over. */
export async function eventually<T>(
  look: () => T | undefined | Promise<T | undefined>,
  what: string,
  timeoutMs = 20_000,
): Promise<T> {
  const end = performance.now() + timeoutMs
  let problem: unknown
  while (performance.now() < end) {
    try {
      const found = await look()
      if (found !== undefined) return found
    } catch (error) {
      problem = error
    }
    await sleep(50)
  }
  throw new Error(`${what} did not happen in ${timeoutMs} ms`, { cause: problem })
}
