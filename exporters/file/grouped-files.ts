/** `group_by`: a file for each value of a resource attribute, the longest unused closed when there are too many. */

import { mkdir } from 'node:fs/promises'
import { dirname } from 'node:path'
import { type Batch, batchOf } from '../../core/component/batch.ts'
import type { SendResult } from '../../core/component/contract.ts'
import type { FileConfig } from './config.ts'
import { type Encoding, encode } from './encode.ts'
import { errorText, isFinal } from './errors.ts'
import { type Group, groupBatch, groupPath } from './grouping.ts'
import { RollingFile, type RollingFileOptions } from './rolling-file.ts'

interface OpenFile {
  readonly opened: Promise<RollingFile>
  /** Messages under way: such a file is not closed. */
  users: number
}

export class GroupedFiles {
  readonly #config: FileConfig
  readonly #encoding: Encoding
  readonly #options: RollingFileOptions
  readonly #directoryMode: number
  /** By path, the longest unused first. */
  readonly #open: Map<string, OpenFile>
  /** Files that this process has written to: opening one again must not empty it. */
  readonly #known: Set<string>
  /** Settles when the files closed so far are. */
  #closing: Promise<unknown>

  constructor(config: FileConfig, encoding: Encoding, options: RollingFileOptions, directoryMode: number) {
    this.#config = config
    this.#encoding = encoding
    this.#options = options
    this.#directoryMode = directoryMode
    this.#open = new Map()
    this.#known = new Set()
    this.#closing = Promise.resolve()
  }

  /** Groups that could not be written are tried again, unless their path can never be one. */
  async send(batch: Batch): Promise<SendResult> {
    const { resource_attribute: attribute } = this.#config.group_by
    const { bySegment, without } = groupBatch(batch, attribute)
    const rejected: { items: number; reason: string; message: string }[] = []
    if (without > 0) {
      const message = `the resource has no text attribute ${attribute}`
      rejected.push({ items: without, reason: 'no_path_segment', message })
    }
    const again: Group[] = []
    let sent = 0
    const writes = [...bySegment].map(async ([segment, group]) => {
      try {
        await this.#write(groupPath(this.#config.path, segment), batch, group)
        sent += group.items
      } catch (error) {
        if (isFinal(error))
          rejected.push({ items: group.items, reason: 'bad_path_segment', message: errorText(error) })
        else {
          again.push(group)
          this.#options.warn('A group could not be written and is tried again', { error: errorText(error) })
        }
      }
    })
    await Promise.all(writes)
    return { sent, rejected, ...(again.length === 0 ? {} : { retry: rest(batch, again) }) }
  }

  async #write(path: string, batch: Batch, group: Group): Promise<void> {
    const pieces = await encode(group.chunks, batch.signal, this.#encoding)
    const file = this.#file(path)
    file.users++
    try {
      await (await file.opened).append(pieces)
    } finally {
      file.users--
      this.#closeSurplus()
    }
  }

  #file(path: string): OpenFile {
    const open = this.#open.get(path) ?? { opened: this.#openFile(path), users: 0 }
    // The last one in a Map is the one used last.
    this.#open.delete(path)
    this.#open.set(path, open)
    return open
  }

  async #openFile(path: string): Promise<RollingFile> {
    try {
      await mkdir(dirname(path), { recursive: true, mode: this.#directoryMode })
      const append = this.#options.append || this.#known.has(path)
      const file = new RollingFile({ ...this.#options, path, append })
      await file.open()
      this.#known.add(path)
      return file
    } catch (error) {
      this.#open.delete(path)
      throw error
    }
  }

  #closeSurplus(): void {
    let surplus = this.#open.size - this.#config.group_by.max_open_files
    for (const [path, { opened, users }] of this.#open) {
      if (surplus <= 0) return
      if (users > 0) continue
      this.#open.delete(path)
      surplus--
      this.#closing = Promise.all([this.#closing, opened.then(file => file.close()).catch(() => {})])
    }
  }

  async close(): Promise<void> {
    const files = [...this.#open.values()]
    this.#open.clear()
    await this.#closing
    for (const { opened } of files) await opened.then(file => file.close())
  }
}

/** What is sent again. Profiles have one chunk only. */
function rest(batch: Batch, groups: readonly Group[]): Batch {
  const items = groups.reduce((sum, group) => sum + group.items, 0)
  const chunks = [Buffer.concat(groups.flatMap(group => group.chunks))]
  return batchOf(batch.signal, chunks, items, batch.meta)
}
