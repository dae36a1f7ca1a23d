/**
 * A doubly linked list through its members' own fields: first in, first out, and out of the middle.
 *
 * Why not a Set, which can do the same: one that sees an addition and a deletion a batch is rehashed every few of
 * them, and V8 lets each old table keep the next one alive once the first is in old space. Measured: a third of the
 * sending chain's time went into scavenging such tables. A member that leaves therefore forgets its neighbours, too.
 */

export interface Linked<T> {
  before: T | undefined
  after: T | undefined
}

export class List<T extends Linked<T>> {
  #first: T | undefined
  #last: T | undefined
  #length = 0

  get first(): T | undefined {
    return this.#first
  }

  get length(): number {
    return this.#length
  }

  /** Appends `member`, which must be in no list. */
  push(member: T): void {
    this.#length++
    member.before = this.#last
    if (this.#last === undefined) this.#first = member
    else this.#last.after = member
    this.#last = member
  }

  /** Takes the oldest out. */
  shift(): T | undefined {
    const member = this.#first
    if (member !== undefined) this.#unlink(member)
    return member
  }

  /** Takes `member` out; false when it is not in the list (it must not be in another one). */
  remove(member: T): boolean {
    if (member !== this.#first && member.before === undefined) return false
    this.#unlink(member)
    return true
  }

  /** Oldest first. The member that was just given may be removed meanwhile. */
  *[Symbol.iterator](): Generator<T, void> {
    for (let member = this.#first; member !== undefined; ) {
      const next: T | undefined = member.after
      yield member
      member = next
    }
  }

  #unlink(member: T): void {
    this.#length--
    if (member.before === undefined) this.#first = member.after
    else member.before.after = member.after
    if (member.after === undefined) this.#last = member.before
    else member.after.before = member.before
    member.before = undefined
    member.after = undefined
  }
}
