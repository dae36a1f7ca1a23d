/**
 * A secret in a file that may change: a token that is renewed, a mounted Kubernetes secret. The Collector's
 * extension/internal/credentialsfile, except that it looks twice a second instead of listening: a look sees a file that
 * another took the place of, a link that was turned, and a network drive, all alike.
 */

import { readFileSync } from 'node:fs'
import { readFile, stat } from 'node:fs/promises'
import { fileState } from '../../config/sources.ts'
import type { Logger } from '../telemetry/log.ts'

/** Between two looks, in ms. */
const LOOK_MS = 500
const BYTES_MAX = 1024 * 1024

export interface SecretFileOptions {
  /** The key that names the file, for messages. */
  readonly key: string
  readonly path: string
  readonly log: Logger
  /** Called with the first text, and with each that is another. Throwing means that it is of no use. */
  readonly use?: (text: string) => void
}

export class SecretFile {
  readonly #options: SecretFileOptions
  #text = ''
  /** What the file was like when it was read, and at the last look. */
  #state = ''
  #seen = ''
  #timer: NodeJS.Timeout | undefined
  #stopped = false

  constructor(options: SecretFileOptions) {
    this.#options = options
  }

  /** What the file has, without spaces and line breaks around it. */
  get text(): string {
    return this.#text
  }

  /** Throws a sentence when the file cannot be read or has nothing in it. */
  async start(): Promise<void> {
    this.#state = await this.#look()
    this.#take(await readFile(this.#options.path, 'utf8').catch(problem => this.#fail(problem.message)))
    this.#wait()
  }

  stop(): void {
    this.#stopped = true
    clearTimeout(this.#timer)
  }

  #wait(): void {
    if (!this.#stopped) this.#timer = setTimeout(() => void this.#refresh(), LOOK_MS).unref()
  }

  /** A file that is gone, or empty, changes nothing: it may be in the middle of being written. */
  async #refresh(): Promise<void> {
    const { log, key, path } = this.#options
    const state = await this.#look()
    const settled = state === this.#seen
    this.#seen = state
    // Two looks in a row see the same, so that half a file is not read.
    if (state !== this.#state && settled && !this.#stopped) {
      this.#state = state
      try {
        const text = readFileSync(path, 'utf8')
        if (text.trim() !== this.#text) {
          this.#take(text)
          log.info('Read a file that has changed', { key, file: path })
        }
      } catch (error) {
        log.warn('Cannot use a file that has changed; what it had before stays in use', {
          file: path,
          error: (error as Error).message,
        })
      }
    }
    this.#wait()
  }

  async #look(): Promise<string> {
    return fileState(await stat(this.#options.path, { bigint: true }).catch(() => undefined))
  }

  #take(text: string): void {
    const plain = text.trim()
    if (plain === '') this.#fail('it is empty')
    if (text.length > BYTES_MAX) this.#fail(`it has more than ${BYTES_MAX} bytes`)
    this.#options.use?.(plain)
    this.#text = plain
  }

  #fail(why: string): never {
    throw new Error(`cannot use ${this.#options.key} "${this.#options.path}": ${why}`)
  }
}
