/**
 * What waits to be exported of our own logs and spans: bounded, sent in batches, tried again a few times and then
 * dropped and counted. Its failures must never be felt by the pipelines.
 */

export interface OwnQueueOptions<T> {
  /** Sends one batch; throws when it did not arrive. */
  readonly send: (batch: readonly T[]) => Promise<void>
  /** Longest wait before what there is gets sent, in ms. */
  readonly delayMs: number
  readonly queueMax: number
  readonly batchMax: number
  readonly dropped: (items: number) => void
  /** Told when sending begins to fail and when it works again. */
  readonly failing: (error: unknown | undefined) => void
}

const ATTEMPTS_MAX = 3

export class OwnQueue<T> {
  readonly #options: OwnQueueOptions<T>
  #waiting: T[] = []
  #timer: NodeJS.Timeout | undefined
  #sending: Promise<void> | undefined
  #attempts = 0
  #failing = false

  constructor(options: OwnQueueOptions<T>) {
    this.#options = options
  }

  add(record: T): void {
    const { queueMax, batchMax, delayMs, dropped } = this.#options
    if (this.#waiting.length >= queueMax) {
      dropped(1)
      return
    }
    this.#waiting.push(record)
    if (this.#waiting.length >= batchMax && !this.#failing) void this.#flush()
    else this.#timer ??= setTimeout(() => void this.#flush(), delayMs).unref()
  }

  #flush(): Promise<void> {
    this.#sending ??= this.#sendAll().finally(() => {
      this.#sending = undefined
    })
    return this.#sending
  }

  async #sendAll(): Promise<void> {
    clearTimeout(this.#timer)
    this.#timer = undefined
    const { send, batchMax, dropped, delayMs } = this.#options
    while (this.#waiting.length > 0) {
      const batch = this.#waiting.slice(0, batchMax)
      try {
        await send(batch)
        this.#settled(batch.length, undefined)
      } catch (error) {
        this.#attempts++
        if (this.#attempts >= ATTEMPTS_MAX) {
          dropped(batch.length)
          this.#settled(batch.length, error)
        }
        this.#say(error)
        this.#timer ??= setTimeout(() => void this.#flush(), delayMs).unref()
        return
      }
    }
  }

  #settled(items: number, error: unknown): void {
    this.#waiting.splice(0, items)
    this.#attempts = 0
    if (error === undefined) this.#say(undefined)
  }

  #say(error: unknown): void {
    const failing = error !== undefined
    if (failing === this.#failing) return
    this.#failing = failing
    this.#options.failing(error)
  }

  /** One last try, until `deadline` (ms, `performance.now()` clock); what is left is dropped and counted. */
  async stop(deadline: number): Promise<void> {
    clearTimeout(this.#timer)
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<void>(resolve => {
      timer = setTimeout(resolve, Math.max(0, deadline - performance.now()))
    })
    await Promise.race([this.#flush(), late])
    clearTimeout(timer)
    clearTimeout(this.#timer)
    if (this.#waiting.length > 0) this.#options.dropped(this.#waiting.length)
    this.#waiting = []
  }
}
