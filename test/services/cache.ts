/**
 * Programs that are built or fetched once and kept between runs, in a cache outside the tree: each whole or not there, made
 * by one process at a time, and never while a test's time runs. And what happens when one cannot be had.
 */

import { createHash } from 'node:crypto'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { homedir } from 'node:os'
import { basename, dirname, join, resolve } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import type { TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'

/** Something in the cache: a folder with a program, or with what one is made of. */
export interface Cached {
  /** What people call it. */
  readonly what: string
  /** How long it takes the first time: `about a minute`. */
  readonly takes: string
  /** Begins the name of the folder. */
  readonly name: string
  /** What prepare.ts calls it, where that is something else. */
  readonly service?: string
  /** The files that say exactly what it is: when one changes, it is another folder. */
  readonly pinnedBy: readonly string[]
  /** A file of it that is there when all of it is; without one, a file `complete` is written at the end. */
  readonly proof?: string
  /** It is full of its own path, so it is made where it will be. Everything else is made beside and moved. */
  readonly stays?: boolean
  /** Puts it into the folder, which is empty. */
  make(folder: string): Promise<void>
}

const COMPLETE = 'complete'
const BUSY = 5

let inTest = false

/** Whether this process may build or fetch: not once a test has asked for something (`need`). */
export function mayGet(): boolean {
  return !inTest
}

function folderOf({ name, pinnedBy }: Cached): string {
  const base =
    process.env['SLUICE_CACHE'] ?? join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'sluice')
  const hash = createHash('sha256')
  for (const file of pinnedBy) hash.update(readFileSync(file))
  return resolve(base, `${name}-${hash.digest('hex').slice(0, 12)}`)
}

/** Its folder when it is there already. */
export function fromCache(thing: Cached): string | undefined {
  const folder = folderOf(thing)
  return existsSync(join(folder, thing.proof ?? COMPLETE)) ? folder : undefined
}

/** Its folder; makes it the first time. Throws what `make` threw, and in a test when it is not there. */
export async function cached(thing: Cached): Promise<string> {
  const there = fromCache(thing)
  if (there !== undefined) return there
  if (!mayGet()) {
    const command = `node test/services/prepare.ts ${thing.service ?? thing.name}`
    throw new Error(`${thing.what} is not there yet; ${command} gets it, or says why it cannot`)
  }
  const folder = folderOf(thing)
  mkdirSync(folder, { recursive: true })
  await alone(folder, thing.what, async () => {
    if (fromCache(thing) !== undefined) return
    process.stderr.write(`Getting ${thing.what}, ${thing.takes} this first time.\n`)
    removeParts(folder)
    await (thing.stays ? makeThere(thing, folder) : makeBeside(thing, folder))
    if (thing.proof === undefined) writeFileSync(join(folder, COMPLETE), '')
  })
  return folder
}

async function makeThere({ make }: Cached, folder: string): Promise<void> {
  for (const name of readdirSync(folder)) rmSync(join(folder, name), { recursive: true })
  await make(folder)
}

/** The folder may hold something else already: two programs of one build have their own proofs. */
async function makeBeside({ make, proof }: Cached, folder: string): Promise<void> {
  const part = mkdtempSync(`${folder}.part-`)
  try {
    await make(part)
    const names = readdirSync(part)
    if (proof !== undefined && !names.includes(proof)) throw new Error(`${proof} was not made`)
    // The proof comes last.
    for (const name of names.sort((a, b) => Number(a === proof) - Number(b === proof))) {
      rmSync(join(folder, name), { recursive: true, force: true })
      renameSync(join(part, name), join(folder, name))
    }
  } finally {
    rmSync(part, { recursive: true, force: true })
  }
}

/** What processes left that were killed while they made it. */
function removeParts(folder: string): void {
  const base = dirname(folder)
  for (const name of readdirSync(base)) {
    if (name.startsWith(`${basename(folder)}.part-`)) rmSync(join(base, name), { recursive: true })
  }
}

/**
 * Only one process at a time does this to a folder. SQLite's lock on a file is the one in Node that the system lets go
 * when its process dies, however it dies.
 */
async function alone(folder: string, what: string, act: () => Promise<void>): Promise<void> {
  const lock = new DatabaseSync(`${folder}.lock`, { timeout: 0 })
  try {
    for (let tries = 0; !locked(lock); tries++) {
      if (tries === 0) process.stderr.write(`Waiting for another process that gets ${what}.\n`)
      await sleep(100)
    }
    await act()
  } finally {
    lock.close()
  }
}

function locked(lock: DatabaseSync): boolean {
  try {
    lock.exec('BEGIN EXCLUSIVE')
    return true
  } catch (error) {
    if ((error as { errcode?: number }).errcode !== BUSY) throw error
    return false
  }
}

/**
 * What `get` gives; when it throws the test is skipped with the reason, or fails where nothing may be skipped. Nothing is
 * built or fetched from here on (`mayGet`): a test's time limit is for what it tests.
 */
export async function need<T>(t: TestContext, what: string, get: () => Promise<T>): Promise<T | undefined> {
  inTest = true
  try {
    return await get()
  } catch (error) {
    const reason = `${what} cannot be had: ${error instanceof Error ? error.message : error}`
    if (process.env['SLUICE_NO_SKIP']) throw new Error(reason)
    t.skip(reason)
    return undefined
  }
}
