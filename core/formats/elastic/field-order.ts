/** Sorts the fields of a flat document and settles which of those that are in each other's way stay. */

import { type CacheBudget, ENTRY_BYTES, TEXT_BYTES } from '../cache-budget.ts'

export interface Ordered {
  readonly keys: readonly string[]
  /** Which field each key belongs to. */
  readonly fields: readonly number[]
}

interface Entry {
  key: string
  field: number
}

interface Known {
  readonly keys: readonly string[]
  readonly kept: ReadonlySet<string> | undefined
  readonly ordered: Ordered
  /** What it takes of the budget. */
  readonly cost: number
}

/** Documents of one kind have the same fields: the orders that were found last are kept. */
const SLOTS = 256
/** Together the keys of what is kept are no longer. */
const KEPT_LETTERS_MAX = 8 * 1024

/** A value that is moved into an object may be in the way of one there; deeper than this it is given up. */
const MOVES_MAX = 4

export class FieldOrder {
  readonly #entries: Entry[] = []
  #count = 0
  readonly #known = new Array<Known | undefined>(SLOTS).fill(undefined)
  readonly #budget: CacheBudget

  constructor(budget: CacheBudget) {
    this.#budget = budget
    budget.join(() => this.#known.fill(undefined))
  }

  /** The result is read before the next call, and not changed. */
  sort(keys: readonly string[], kept: ReadonlySet<string> | undefined): Ordered {
    let hash = keys.length
    let letters = 0
    for (const { length } of keys) {
      letters += length
      hash = (Math.imul(hash, 31) + length) | 0
    }
    if (letters > KEPT_LETTERS_MAX) return this.#find(keys, kept)
    const slot = (hash ^ (hash >>> 16)) & (SLOTS - 1)
    const known = this.#known[slot]
    if (known !== undefined && known.kept === kept && areEqual(known.keys, keys)) return known.ordered
    const ordered = this.#find(keys, kept)
    if (known !== undefined) {
      this.#known[slot] = undefined
      this.#budget.giveBack(known.cost)
    }
    const cost = letters + 2 * keys.length * TEXT_BYTES + ENTRY_BYTES
    if (this.#budget.take(cost)) this.#known[slot] = { keys: [...keys], kept, ordered, cost }
    return ordered
  }

  #find(keys: readonly string[], kept: ReadonlySet<string> | undefined): Ordered {
    this.#begin(keys)
    for (let moves = 0; this.#settle(kept, moves === MOVES_MAX); moves++);
    const ordered = { keys: [] as string[], fields: [] as number[] }
    for (let i = 0; i < this.#count; i++) {
      const { key, field } = this.#entries[i]!
      // A stable sort: of equal keys the last came last.
      if (field === -1 || (i + 1 < this.#count && this.#entries[i + 1]!.key === key)) continue
      ordered.keys.push(key)
      ordered.fields.push(field)
    }
    return ordered
  }

  #begin(keys: readonly string[]): void {
    const entries = this.#entries
    entries.length = keys.length
    for (const [field, key] of keys.entries()) entries[field] = { key, field }
    this.#count = keys.length
    entries.sort(byKey)
  }

  /** True when a value was moved out of the way of an object, so that all must be looked at again. */
  #settle(kept: ReadonlySet<string> | undefined, last: boolean): boolean {
    const entries = this.#entries
    let moved = false
    for (let i = 0; i < this.#count; i++) {
      const { key, field } = entries[i]!
      if (field === -1) continue
      for (let j = this.#within(i, key); j !== -1 && j < this.#count; j++) {
        const other = entries[j]!
        if (!isWithin(other.key, key)) break
        if (other.field === -1) continue
        if (kept?.has(key) || last) {
          other.field = -1
          continue
        }
        entries[i]!.key = `${key}.value`
        moved = true
        break
      }
    }
    if (moved) {
      this.#drop()
      entries.sort(byKey)
    }
    return moved
  }

  /** Where the keys begin that have `key`, the one at `at`, and a dot in front; -1 when there are none. */
  #within(at: number, key: string): number {
    const entries = this.#entries
    // Usually the next key is another already.
    let i = at + 1
    for (const most = at + LOOK; i < this.#count && i < most; i++) {
      const other = entries[i]!.key
      if (!other.startsWith(key)) return -1
      if (isWithin(other, key)) return i
    }
    const from = `${key}.`
    let end = this.#count
    while (i < end) {
      const middle = (i + end) >>> 1
      if (entries[middle]!.key < from) i = middle + 1
      else end = middle
    }
    return i < this.#count && isWithin(entries[i]!.key, key) ? i : -1
  }

  #drop(): void {
    const left = this.#entries.filter(({ field }) => field !== -1)
    this.#entries.length = 0
    this.#entries.push(...left)
    this.#count = left.length
  }
}

/** So many keys are looked at one by one; a sender may make thousands that begin alike. */
const LOOK = 8

function isWithin(other: string, key: string): boolean {
  return other.length > key.length && other[key.length] === '.' && other.startsWith(key)
}

function areEqual(some: readonly string[], others: readonly string[]): boolean {
  if (some.length !== others.length) return false
  for (let i = 0; i < some.length; i++) if (some[i] !== others[i]) return false
  return true
}

function byKey(a: Entry, b: Entry): number {
  if (a.key !== b.key) return a.key < b.key ? -1 : 1
  return a.field - b.field
}
