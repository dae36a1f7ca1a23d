/** How many calls into a part are not settled: a part that is replaced is stopped only when nobody waits for it. */

import type { EdgeEnd } from './edge.ts'

export class UnderWay {
  #calls = 0
  #settled = (): void => {}

  /** For every edge that leads into the part. */
  readonly end: EdgeEnd

  constructor() {
    const settle = (): void => {
      if (--this.#calls === 0) this.#settled()
    }
    this.end = { offered: () => void this.#calls++, taken: settle, refused: settle, failed: settle }
  }

  /** Resolves when no call is under way. */
  async settled(): Promise<void> {
    if (this.#calls === 0) return
    await new Promise<void>(resolve => {
      this.#settled = resolve
    })
  }
}
