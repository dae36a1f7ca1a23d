/**
 * `file_sd_configs`: targets in JSON or YAML files, by names or patterns. They are looked at once a second instead of
 * being listened to, which sees a link that was turned and a network drive alike, and read again when they changed.
 * A file that cannot be read leaves the targets it had before; a file that is gone takes them away.
 */

import { readdir, readFile, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { Check, formatProblem } from '../../config/node.ts'
import { fileState } from '../../config/sources.ts'
import { parseYaml } from '../../config/yaml.ts'
import type { Logger } from '../../core/telemetry/log.ts'
import { type FileSettings, targetGroups } from './config/discovery.ts'
import { parsePromDuration } from './config/words.ts'
import type { TargetGroup } from './target.ts'

const LOOK_MS = 1000
const REFRESH_MS = 300_000
const FILE_BYTES_MAX = 32 * 1024 * 1024

interface KnownFile {
  state: string
  /** When it was read, `performance.now()`. */
  read: number
  groups: readonly TargetGroup[]
}

export class FileDiscovery {
  readonly #config: FileSettings
  readonly #log: Logger
  readonly #changed: () => void
  readonly #known = new Map<string, KnownFile>()
  #timer: NodeJS.Timeout | undefined
  #stopped = false

  /** `changed` is called when `groups` are others. */
  constructor(config: FileSettings, log: Logger, changed: () => void) {
    this.#config = config
    this.#log = log
    this.#changed = changed
  }

  get groups(): readonly TargetGroup[] {
    return [...this.#known.values()].flatMap(({ groups }) => groups)
  }

  /** Reads what there is. Files that are not there yet, or wrong, are no reason not to start. */
  async start(): Promise<void> {
    await this.#look()
    this.#wait()
  }

  stop(): void {
    this.#stopped = true
    clearTimeout(this.#timer)
  }

  #wait(): void {
    if (this.#stopped) return
    this.#timer = setTimeout(async () => {
      if (await this.#look()) this.#changed()
      this.#wait()
    }, LOOK_MS).unref()
  }

  /** True when something has changed. Does not throw. */
  async #look(): Promise<boolean> {
    const every = parsePromDuration(this.#config.refresh_interval) || REFRESH_MS
    const paths = new Set((await Promise.all(this.#config.files.map(matching))).flat())
    let changed = false
    for (const path of this.#known.keys()) if (!paths.has(path)) changed = this.#known.delete(path) || changed
    for (const path of [...paths].sort()) {
      const state = fileState(await stat(path, { bigint: true }).catch(() => undefined))
      const known = this.#known.get(path)
      const old = known !== undefined && performance.now() - known.read > every
      if (known?.state === state && !old) continue
      const groups = await this.#read(path)
      this.#known.set(path, { state, read: performance.now(), groups: groups ?? known?.groups ?? [] })
      changed ||=
        groups !== undefined && JSON.stringify(plain(groups)) !== JSON.stringify(plain(known?.groups ?? []))
    }
    return changed
  }

  /** Undefined after saying what is wrong with it. */
  async #read(path: string): Promise<readonly TargetGroup[] | undefined> {
    try {
      const { size } = await stat(path)
      if (size > FILE_BYTES_MAX) throw new Error(`it has more than ${FILE_BYTES_MAX} bytes`)
      const text = await readFile(path, 'utf8')
      const check = new Check()
      const node = parseYaml(text, { file: path }, check)
      // A JSON file is never empty: somebody is just writing it.
      if (text.trim() === '' && /json$/i.test(path)) throw new Error('it is empty')
      const groups = node === undefined ? [] : targetGroups.read(node, '', check)
      const problem = check.problems.find(({ severity }) => severity === 'error')
      if (problem !== undefined) throw new Error(formatProblem(problem))
      return groups.map(({ targets, labels }, i) => ({
        source: `${path}:${i}`,
        targets,
        labels: new Map([...labels, ['__meta_filepath', path]]),
      }))
    } catch (error) {
      this.#log.error('A file of targets cannot be used; the targets it had before stay', {
        file: path,
        error: (error as Error).message,
      })
      return undefined
    }
  }
}

function plain(groups: readonly TargetGroup[]): unknown {
  return groups.map(({ targets, labels }) => [targets, [...labels]])
}

/** The files that a path with a * stands for; itself without one, when it is there. */
async function matching(path: string): Promise<string[]> {
  const name = basename(path)
  if (!name.includes('*')) return (await stat(path).catch(() => undefined)) === undefined ? [] : [path]
  const parts = name.split('*').map(part => part.replaceAll(/[.+?^${}()|[\]\\]/g, '\\$&'))
  const pattern = new RegExp(`^${parts.join('.*')}$`)
  const names = await readdir(dirname(path)).catch(() => [])
  return names.filter(one => pattern.test(one) && !one.startsWith('.')).map(one => join(dirname(path), one))
}
