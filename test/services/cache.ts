/** Where built programs are kept between runs, and what happens when one cannot be had. */

import { createHash } from 'node:crypto'
import { mkdirSync, readFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'

/** A folder whose name changes when any of the pinned files does. */
export function cacheFolder(name: string, pinnedBy: readonly string[]): string {
  const base =
    process.env['SLUICE_CACHE'] ?? join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'sluice')
  const hash = createHash('sha256')
  for (const file of pinnedBy) hash.update(readFileSync(file))
  const folder = join(base, `${name}-${hash.digest('hex').slice(0, 12)}`)
  mkdirSync(folder, { recursive: true })
  return folder
}

/** What `get` gives; when it throws the test is skipped with the reason, or fails where nothing may be skipped. */
export async function need<T>(t: TestContext, what: string, get: () => Promise<T>): Promise<T | undefined> {
  try {
    return await get()
  } catch (error) {
    const reason = `${what} cannot be had: ${error instanceof Error ? error.message : error}`
    if (process.env['SLUICE_NO_SKIP']) throw new Error(reason)
    t.skip(reason)
    return undefined
  }
}
