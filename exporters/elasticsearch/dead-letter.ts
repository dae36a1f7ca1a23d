/** Where documents go that the cluster never takes: a file of JSON lines, or nowhere. */

import { appendFile, mkdir, stat } from 'node:fs/promises'
import { dirname } from 'node:path'

export interface Letter {
  /** The line that said where the document goes. */
  readonly action: Uint8Array
  readonly document: Uint8Array
  readonly status: number
  readonly type: string
  readonly reason: string
  /** How many items the document stands for. */
  readonly items: number
}

const MEBIBYTE = 1024 * 1024

/** Lines `{"time":..,"status":..,"type":..,"reason":..,"action":{..},"document":{..}}`: the last two are the bulk request. */
export class DeadLetters {
  readonly #path: string
  readonly #bytesMax: number
  #last: Promise<unknown> = Promise.resolve()

  constructor({ file, max_megabytes }: { readonly file: string; readonly max_megabytes: number }) {
    this.#path = file
    this.#bytesMax = max_megabytes * MEBIBYTE
  }

  /** How many of the letters, from the first on, were taken: none where there is no file, or no room in it. Never throws. */
  take(
    letters: readonly Letter[],
    nowMs: number,
  ): Promise<{ readonly taken: number; readonly problem?: string }> {
    if (this.#path === '' || letters.length === 0) return Promise.resolve({ taken: 0 })
    const turn = this.#last.then(() => this.#append(letters, nowMs))
    this.#last = turn
    return turn
  }

  async #append(letters: readonly Letter[], nowMs: number): Promise<{ taken: number; problem?: string }> {
    try {
      await mkdir(dirname(this.#path), { recursive: true })
      let size = await stat(this.#path).then(
        ({ size }) => size,
        () => 0,
      )
      const lines: Uint8Array[] = []
      for (const letter of letters) {
        const line = lineOf(letter, nowMs)
        size += line.length
        if (this.#bytesMax > 0 && size > this.#bytesMax) break
        lines.push(line)
      }
      if (lines.length > 0) await appendFile(this.#path, Buffer.concat(lines))
      if (lines.length === letters.length) return { taken: lines.length }
      return { taken: lines.length, problem: `${this.#path} is full (dead_letter.max_megabytes)` }
    } catch (error) {
      return { taken: 0, problem: `${this.#path}: ${(error as Error).message}` }
    }
  }
}

function lineOf({ action, document, status, type, reason }: Letter, nowMs: number): Buffer {
  const head = JSON.stringify({ time: new Date(nowMs).toISOString(), status, type, reason })
  return Buffer.concat([
    Buffer.from(`${head.slice(0, -1)},"action":`),
    action,
    Buffer.from(',"document":'),
    document,
    Buffer.from('}\n'),
  ])
}
