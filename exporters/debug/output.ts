/** Where the text goes when it does not go to the log: a standard stream or a file. One writer at a time. */

import { type FileHandle, open } from 'node:fs/promises'
import { paint, printable } from './paint.ts'

/** What of a standard stream is used. */
export interface Stream {
  readonly isTTY?: boolean
  write(text: string, done: (error?: Error | null) => void): unknown
}

export class Output {
  readonly path: string
  readonly #target: Stream | FileHandle
  #last: Promise<void> = Promise.resolve()

  constructor(path: string, target: Stream | FileHandle) {
    this.path = path
    this.#target = target
  }

  /** @throws when the file cannot be opened, with its name and the reason. */
  static async open(path: string): Promise<Output> {
    if (path === 'stdout') return new Output(path, process.stdout)
    if (path === 'stderr') return new Output(path, process.stderr)
    try {
      return new Output(path, await open(path, 'a', 0o644))
    } catch (cause) {
      throw new Error(`cannot open ${path} of output_paths: ${(cause as Error).message}`, { cause })
    }
  }

  /** Resolves once the head and the text are written, without anything of another batch between them. */
  write(head: string, text: string): Promise<void> {
    const done = this.#last.then(() => this.#write(head, text))
    this.#last = done.catch(() => {})
    return done
  }

  async #write(head: string, text: string): Promise<void> {
    const target = this.#target
    const block = text === '' ? '' : `${text}\n`
    if ('appendFile' in target) {
      await target.appendFile(head + block)
      return
    }
    const shown = target.isTTY === true ? printable(head + block) : head + block
    const coloured = target.isTTY === true && !process.env['NO_COLOR'] ? paint(shown) : shown
    await new Promise<void>((resolve, reject) => {
      target.write(coloured, error => (error ? reject(error) : resolve()))
    })
  }

  async close(): Promise<void> {
    await this.#last
    if ('appendFile' in this.#target) await this.#target.close()
  }
}
