/**
 * One file that is written to by many: whole messages, one after another, never half of one. What waits while a write
 * is under way goes out together in the next one.
 */

import { constants } from 'node:fs'
import { type FileHandle, mkdir, open, rename } from 'node:fs/promises'
import { dirname } from 'node:path'
import { freeBackupName, type RotationConfig, removeOld, rotationBytes } from './rotation.ts'

/** What one system call takes (IOV_MAX is 1024 on Linux). */
const PIECES_MAX = 1000

interface Waiting {
  readonly pieces: readonly Uint8Array[]
  readonly length: number
  readonly resolve: () => void
  readonly reject: (reason: Error) => void
}

export interface RollingFileOptions {
  readonly path: string
  /** Keep what is in the file already. A rotated file is always kept. */
  readonly append: boolean
  readonly rotation: RotationConfig | undefined
  /** Called when something went wrong that costs no data. */
  readonly warn: (message: string, fields: Readonly<Record<string, unknown>>) => void
  /** ms since the epoch. */
  readonly now: () => number
}

/** How many have a path open: more than one while a reload puts one exporter in the place of another. */
const users = new Map<string, number>()

export class RollingFile {
  readonly #options: RollingFileOptions
  #handle: FileHandle | undefined
  /** Bytes in the file, all of them whole messages. */
  #size = 0
  #waiting: Waiting[] = []
  #writing: Promise<void> | undefined
  #counted = false

  constructor(options: RollingFileOptions) {
    this.#options = options
  }

  /** @throws when the file cannot be opened. */
  async open(): Promise<void> {
    const { path, append, rotation } = this.#options
    if (rotation !== undefined) await mkdir(dirname(path), { recursive: true, mode: 0o755 })
    // Who comes second takes over the file, and must not empty it.
    await this.#openFile(append || rotation !== undefined || users.has(path))
    users.set(path, (users.get(path) ?? 0) + 1)
    this.#counted = true
    if (rotation !== undefined) await this.#removeOld(rotation)
  }

  async #openFile(keep: boolean): Promise<void> {
    const { path, rotation } = this.#options
    // Always O_APPEND: after what a full disk cut off was taken back, writing goes on at the new end.
    const { O_WRONLY, O_CREAT, O_APPEND, O_TRUNC } = constants
    const flags = O_WRONLY | O_CREAT | O_APPEND | (keep ? 0 : O_TRUNC)
    const handle = await open(path, flags, rotation === undefined ? 0o644 : 0o640)
    this.#handle = handle
    this.#size = keep ? (await handle.stat()).size : 0
  }

  /** Resolves once the message, given in pieces, is in the file; rejects when none of it is. */
  append(pieces: readonly Uint8Array[]): Promise<void> {
    let length = 0
    for (const piece of pieces) length += piece.length
    return new Promise((resolve, reject) => {
      this.#waiting.push({ pieces, length, resolve, reject })
      this.#writing ??= this.#writeAll()
    })
  }

  /** Writes what waits, and closes. */
  async close(): Promise<void> {
    await this.#writing
    this.#forget()
    const handle = this.#handle
    this.#handle = undefined
    await handle?.close()
  }

  #forget(): void {
    if (!this.#counted) return
    this.#counted = false
    const { path } = this.#options
    const others = users.get(path)! - 1
    if (others === 0) users.delete(path)
    else users.set(path, others)
  }

  async #writeAll(): Promise<void> {
    while (this.#waiting.length > 0) {
      const group = this.#nextGroup()
      try {
        await this.#writeGroup(group)
        for (const message of group) message.resolve()
      } catch (error) {
        for (const message of group) message.reject(error as Error)
      }
    }
    this.#writing = undefined
  }

  /** As many messages as fit one write and, when it is rotated, the file; at least one. */
  #nextGroup(): Waiting[] {
    const { rotation } = this.#options
    const room = rotation === undefined ? Infinity : rotationBytes(rotation) - this.#size
    let bytes = 0
    let pieces = 0
    let count = 0
    for (const message of this.#waiting) {
      bytes += message.length
      pieces += message.pieces.length
      if (count > 0 && (bytes > room || pieces > PIECES_MAX)) break
      count++
    }
    return this.#waiting.splice(0, count)
  }

  async #writeGroup(group: readonly Waiting[]): Promise<void> {
    const length = group.reduce((sum, message) => sum + message.length, 0)
    if (this.#handle === undefined) await this.#openFile(true)
    const { rotation } = this.#options
    // A message larger than the limit gets a file of its own instead of being lost.
    if (rotation !== undefined && this.#size > 0 && this.#size + length > rotationBytes(rotation))
      await this.#rotate(rotation)
    await this.#write(group.flatMap(message => message.pieces))
    this.#size += length
  }

  /** All or nothing: what a full disk cut off is taken back, so that no reader finds half a message. */
  async #write(pieces: readonly Uint8Array[]): Promise<void> {
    const handle = this.#handle!
    try {
      let rest = pieces
      while (rest.length > 0) {
        const { bytesWritten } = await handle.writev(rest.slice(0, PIECES_MAX))
        rest = after(rest, bytesWritten)
      }
    } catch (error) {
      await handle.truncate(this.#size).catch(() => {})
      throw error
    }
  }

  async #rotate(rotation: RotationConfig): Promise<void> {
    const { path, now } = this.#options
    const backup = await freeBackupName(path, now(), rotation.localtime)
    await this.#handle!.close()
    this.#handle = undefined
    await rename(path, backup)
    await this.#openFile(false)
    await this.#removeOld(rotation)
  }

  async #removeOld(rotation: RotationConfig): Promise<void> {
    const { path, now, warn } = this.#options
    try {
      const failed = await removeOld(path, rotation, now())
      if (failed.length > 0) warn('Old files could not be deleted', { path, files: failed })
    } catch (error) {
      warn('Old files could not be listed', { path, error: (error as Error).message })
    }
  }
}

/** What is left of `pieces` without their first `bytes` bytes. */
function after(pieces: readonly Uint8Array[], bytes: number): readonly Uint8Array[] {
  let i = 0
  while (i < pieces.length && bytes >= pieces[i]!.length) bytes -= pieces[i++]!.length
  return bytes === 0 ? pieces.slice(i) : [pieces[i]!.subarray(bytes), ...pieces.slice(i + 1)]
}
