/** A message of someone else's format that cannot be read: a poison message for whoever took it from a queue. */
export class BadMessage extends Error {
  override readonly name = 'BadMessage'

  /** `format` as its config names it (`jaeger_proto`); `reason` for people, with the place when there is one. */
  constructor(format: string, reason: string) {
    super(`not ${format}: ${reason}`)
  }
}

/** What one message may hold in tags, fields, annotations, references and the like, all its spans together. */
export const PARTS_MAX = 1_000_000

/** Counts the parts of one message, because two bytes can become an object of a hundred. */
export class Budget {
  readonly #format: string
  #left = PARTS_MAX

  constructor(format: string) {
    this.#format = format
  }

  /** @throws BadMessage above PARTS_MAX */
  spend(): void {
    if (--this.#left < 0) throw new BadMessage(this.#format, `it has more than ${PARTS_MAX} parts`)
  }
}
