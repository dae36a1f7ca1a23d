/** `--test-global-setup` of the runs with real servers: what test files share is stopped when the last one is done. */

import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { removeContainersOfRun } from './docker.ts'
import { beginRun, type Kept, stopKept } from './service.ts'

let folder: string | undefined

export function globalSetup(): void {
  folder = beginRun()
}

export async function globalTeardown(): Promise<void> {
  if (folder === undefined) return
  const kept = readdirSync(folder).flatMap(name => {
    const ready = join(folder!, name, 'ready.json')
    if (!existsSync(ready)) return []
    return (JSON.parse(readFileSync(ready, 'utf8')) as { kept?: Kept[] }).kept ?? []
  })
  await Promise.all(kept.map(one => stopKept(one)))
  removeContainersOfRun()
  rmSync(folder, { recursive: true, force: true })
}
