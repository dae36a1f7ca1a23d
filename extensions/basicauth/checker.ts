/** Asks the thread that checks slow hashes, so that a guess costs the pipelines nothing. */

import { Worker } from 'node:worker_threads'
import { Refused } from '../../core/component/outcome.ts'
import type { Question, Verdict } from './slow-password.ts'

/** Guesses that may wait for their turn. bcrypt takes 2 ms at cost 5, and 70 ms at cost 10. */
const WAITING_MAX = 64

interface Waiting {
  readonly resolve: (matches: boolean) => void
  readonly reject: (why: Error) => void
}

export class SlowChecker {
  readonly #waiting = new Map<number, Waiting>()
  #worker: Worker | undefined
  #lastId = 0

  /** Starts the thread on first use. Throws Refused when too many wait, or when it has to stop. */
  matches(encoded: string, password: string): Promise<boolean> {
    if (this.#waiting.size >= WAITING_MAX) {
      throw new Refused('too many passwords wait to be checked; send again', { status: 'UNAVAILABLE' })
    }
    const worker = this.#start()
    const id = ++this.#lastId
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject })
      worker.postMessage({ id, encoded, password } satisfies Question)
    })
  }

  #start(): Worker {
    if (this.#worker !== undefined) return this.#worker
    const worker = new Worker(new URL('./slow-password.ts', import.meta.url))
    worker.unref()
    worker.on('message', ({ id, matches }: Verdict) => {
      this.#waiting.get(id)?.resolve(matches)
      this.#waiting.delete(id)
    })
    worker.on('error', error => this.#giveUp(error))
    worker.on('exit', () => this.#giveUp(undefined))
    this.#worker = worker
    return worker
  }

  /** Those that wait are to try again; the next one gets a new thread. */
  #giveUp(cause: unknown): void {
    this.#worker = undefined
    for (const { reject } of this.#waiting.values())
      reject(new Refused('the password could not be checked; send again', { status: 'UNAVAILABLE', cause }))
    this.#waiting.clear()
  }

  async stop(): Promise<void> {
    await this.#worker?.terminate()
  }
}
