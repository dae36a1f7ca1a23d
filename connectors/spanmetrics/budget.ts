/** Memory that series and resources have, in bytes, against a limit. */

export class Budget {
  /** What is held now. */
  bytes: number
  readonly #max: number

  /** 0: no limit. */
  constructor(max: number) {
    this.bytes = 0
    this.#max = max === 0 ? Number.POSITIVE_INFINITY : max
  }

  /** Is there room for so many more? */
  fits(more: number): boolean {
    return this.bytes + more <= this.#max
  }
}
