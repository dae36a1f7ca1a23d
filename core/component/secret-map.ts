/** Looking up secrets without telling how near a guess was. */

import { createHmac, randomBytes } from 'node:crypto'

/**
 * A map whose keys are secrets. They are kept as HMACs under a key that nobody knows, so the time a look takes says
 * nothing about them, whatever is guessed, and they are not in a heap dump.
 */
export class SecretMap<V> {
  readonly #key = randomBytes(32)
  readonly #values = new Map<string, V>()
  readonly #most: number

  /** `most`: how many there may be; the oldest make room. */
  constructor(most = Number.POSITIVE_INFINITY) {
    this.#most = most
  }

  get(secret: string): V | undefined {
    return this.#values.get(this.#hidden(secret))
  }

  set(secret: string, value: V): void {
    if (this.#values.size >= this.#most) this.#values.delete(this.#values.keys().next().value!)
    this.#values.set(this.#hidden(secret), value)
  }

  get size(): number {
    return this.#values.size
  }

  clear(): void {
    this.#values.clear()
  }

  #hidden(secret: string): string {
    return createHmac('sha256', this.#key).update(secret).digest('latin1')
  }
}
