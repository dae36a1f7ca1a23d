/**
 * Servers that several test files use: started by the first that asks, stopped when the run is over.
 *
 * `npm run test:real` and `npm run test:collector` are runs (run.ts makes the run's folder and names it to the test
 * files). A test file that is started alone is a run of its own. In the folder there is one entry for each server:
 *
 *     <folder>/<name>/            who makes this folder starts the server
 *     <folder>/<name>/ready.json  what `start` gave, for the others
 *     <folder>/<name>/failed.txt  or why there is none
 *
 * The server itself is watched over by keeper.ts, which ends it together with the run, however that ends.
 */

import { spawn } from 'node:child_process'
import {
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { eventually } from './process.ts'

const FOLDER = 'SLUICE_SERVICES_FOLDER'
const OWNER = 'SLUICE_SERVICES_OWNER'
const keeper = fileURLToPath(new URL('keeper.ts', import.meta.url))

/** A process under a keeper. */
export interface Kept {
  /** Of the keeper, which hands SIGTERM on. */
  readonly pid: number
  /** Where its output goes. */
  readonly log: string
  /** Name of the container, where the program is one (docker.ts). */
  readonly container?: string
}

/** Begins a run: what is started from here on, by this process or its children, belongs to it. Returns its folder. */
export function beginRun(): string {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-services-'))
  process.env[FOLDER] = folder
  process.env[OWNER] = String(process.pid)
  return folder
}

/** The run's folder: that of the runner, else one of this process, which goes with it. */
function runFolder(): string {
  const given = process.env[FOLDER]
  if (given !== undefined) return given
  const folder = beginRun()
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** Process id of who has begun the run: what is started ends with it. */
export function runOwner(): number {
  runFolder()
  return Number(process.env[OWNER])
}

/**
 * What `start` gives, started at most once in a run; it must be plain data. `start` gets a folder for its files, which
 * is deleted after the run. Throws what it threw, also to those who ask later.
 */
export async function shared<T>(name: string, start: (folder: string) => Promise<T>): Promise<T> {
  const folder = join(runFolder(), name)
  const ready = join(folder, 'ready.json')
  const failed = join(folder, 'failed.txt')
  if (made(folder)) {
    try {
      write(ready, JSON.stringify(await start(folder)))
    } catch (error) {
      write(failed, error instanceof Error ? error.message : String(error))
      throw error
    }
  }
  await eventually(
    () => existsSync(ready) || existsSync(failed) || undefined,
    `the start of ${name}`,
    300_000,
  )
  if (existsSync(failed)) throw new Error(readFileSync(failed, 'utf8'))
  return JSON.parse(readFileSync(ready, 'utf8')) as T
}

/** A server of this test alone: one that it may kill. Its files are in the returned folder until the run is over. */
export function ownFolder(name: string): string {
  return mkdtempSync(join(runFolder(), `${name}-`))
}

function made(folder: string): boolean {
  try {
    mkdirSync(folder)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  }
}

/** Whole or not there. */
function write(path: string, text: string): void {
  writeFileSync(`${path}.part`, text)
  renameSync(`${path}.part`, path)
}

/**
 * Starts a program that lives until it is stopped or the run is over. Its output goes to `log`, which is appended to.
 * `container`: the program is the engine's client and this the name of what it is attached to.
 */
export function keep(program: string, args: readonly string[], log: string, container?: string): Kept {
  const owner = String(runOwner())
  const output = openSync(log, 'a')
  const child = spawn(process.execPath, [keeper, owner, container ?? '-', program, ...args], {
    detached: true,
    stdio: ['ignore', output, output],
  })
  child.unref()
  closeSync(output)
  return { pid: child.pid!, log, ...(container !== undefined && { container }) }
}

/** Resolves when the log, from `from` on, matches; throws with the log's end when the program is gone or too slow. */
export async function logged(
  { pid, log }: Kept,
  pattern: RegExp,
  from = 0,
  timeoutMs = 120_000,
): Promise<void> {
  const end = performance.now() + timeoutMs
  for (;;) {
    const text = readFileSync(log, 'utf8').slice(from)
    if (pattern.test(text)) return
    const trouble = !alive(pid) ? 'ended' : performance.now() > end ? 'is too slow' : undefined
    if (trouble !== undefined)
      throw new Error(`it ${trouble} before its log had ${pattern}:\n${text.slice(-3000)}`)
    await sleep(50)
  }
}

/** Sends the signal and waits for the end. */
export async function stopKept({ pid }: Kept, signal: 'SIGTERM' | 'SIGUSR2' = 'SIGTERM'): Promise<void> {
  if (!alive(pid)) return
  process.kill(pid, signal)
  await eventually(() => (alive(pid) ? undefined : true), `the end of process ${pid}`, 60_000)
}

/** The program itself; of a container it is the engine's client. */
export function childOf({ pid }: Kept): number {
  return Number(readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ')[0])
}

/** Also false for a process that has ended and whose parent has not looked yet. */
export function alive(pid: number): boolean {
  try {
    process.kill(pid, 0)
  } catch {
    return false
  }
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'))
  } catch {
    return true
  }
}

/** Where a server runs already, as the user says: then none is started. */
export function addressFromEnvironment(name: string): string | undefined {
  const address = process.env[name]
  return address === undefined || address === '' ? undefined : address
}

/** Path of a program that the user has. A test tells it its config, so it cannot be one that runs already. */
export function programFromEnvironment(name: string): string | undefined {
  const path = addressFromEnvironment(name)
  if (path !== undefined && !existsSync(path)) throw new Error(`${name} names ${path}, which is not there`)
  return path
}
