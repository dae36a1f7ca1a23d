/**
 * Looks at the files of the config and says when they have changed. It looks, and does not listen: a look sees an
 * editor that puts a new file in the place of the old one, a ConfigMap whose link was turned, and a network drive, all
 * alike, and costs a few microseconds a second.
 */

import { stat } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileState } from '../config/sources.ts'

/** Between two looks, in ms. */
const LOOK_MS = 500

export interface WatchOptions {
  /** Path -> what the file was like when it was read; asked at every look. */
  readonly files: () => ReadonlyMap<string, string>
  /** Awaited before the next look. */
  readonly changed: () => Promise<unknown>
  readonly everyMs?: number
}

/**
 * A change counts when two looks in a row see the same, so that half a file is not read. The function it returns ends
 * the watch.
 */
export function watchFiles({ files, changed, everyMs = LOOK_MS }: WatchOptions): () => void {
  const end = new AbortController()
  const watch = async (): Promise<void> => {
    let before = ''
    for (;;) {
      await sleep(everyMs, undefined, { ref: false, signal: end.signal })
      const known = files()
      const now = await Promise.all([...known.keys()].map(look))
      const seen = now.join()
      if (seen === before && seen !== [...known.values()].join()) await changed()
      before = seen
    }
  }
  watch().catch((error: unknown) => {
    if (!end.signal.aborted) throw error
  })
  return () => end.abort()
}

async function look(path: string): Promise<string> {
  return fileState(await stat(path, { bigint: true }).catch(() => undefined))
}
