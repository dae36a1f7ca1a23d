/** What is around an item: its resource and its scope, looked at once for as many items as they have. */

import { Cursor, sameRange } from '../../otlp/cursor.ts'
import { findSchemaUrl, type ItemWalker } from '../../otlp/walk.ts'
import { type CacheBudget, ENTRY_BYTES } from '../cache-budget.ts'

const EMPTY = new Uint8Array()

/** A Resource or InstrumentationScope message, and the schema URL that its entry has. */
export interface Around {
  readonly bytes: Uint8Array
  readonly start: number
  readonly stop: number
  readonly schemaStart: number
  readonly schemaStop: number
}

export class Surroundings {
  resource: Around = NOWHERE
  scope: Around = NOWHERE
  #chunk: Uint8Array = EMPTY
  #resourceEntry = -1
  #scopeEntry = -1
  readonly #cursor = new Cursor(EMPTY)

  /** Reads what the walker stands in: 0 when nothing changed, 1 when the scope did, 2 when the resource did too. */
  move(walker: ItemWalker): 0 | 1 | 2 {
    const { chunk, resourceEntryStart, scopeEntryStart } = walker
    const moved = chunk !== this.#chunk || resourceEntryStart !== this.#resourceEntry
    if (!moved && scopeEntryStart === this.#scopeEntry) return 0
    this.#chunk = chunk
    this.#scopeEntry = scopeEntryStart
    this.scope = this.#around(
      chunk,
      walker.scopeStart,
      walker.scopeStop,
      scopeEntryStart,
      walker.scopeEntryStop,
    )
    if (!moved) return 1
    this.#resourceEntry = resourceEntryStart
    const { resourceStart, resourceStop, resourceEntryStop } = walker
    this.resource = this.#around(chunk, resourceStart, resourceStop, resourceEntryStart, resourceEntryStop)
    return 2
  }

  /** Lets go of the request that was walked last. */
  release(): void {
    this.resource = this.scope = NOWHERE
    this.#chunk = EMPTY
    this.#resourceEntry = this.#scopeEntry = -1
  }

  #around(bytes: Uint8Array, start: number, stop: number, entryStart: number, entryStop: number): Around {
    const cursor = this.#cursor
    const found = findSchemaUrl(bytes, entryStart, entryStop, cursor)
    return {
      bytes,
      start,
      stop,
      schemaStart: found ? cursor.start : 0,
      schemaStop: found ? cursor.stop : 0,
    }
  }
}

export const NOWHERE: Around = Object.freeze({
  bytes: EMPTY,
  start: 0,
  stop: 0,
  schemaStart: 0,
  schemaStop: 0,
})

const SLOTS = 256
/** What is larger is made each time. */
const KEPT_BYTES_MAX = 16 * 1024

interface Kept<T> extends Around {
  readonly made: T
  /** What it takes of the budget. */
  readonly cost: number
}

/** What was made of the resources, or scopes, that were seen last, by their bytes. */
export class AroundCache<T> {
  readonly #make: (around: Around) => T
  readonly #sizeOf: (made: T) => number
  readonly #budget: CacheBudget
  readonly #slots = new Array<Kept<T> | undefined>(SLOTS).fill(undefined)

  /** `sizeOf`: bytes that something made takes. */
  constructor(make: (around: Around) => T, sizeOf: (made: T) => number, budget: CacheBudget) {
    this.#make = make
    this.#sizeOf = sizeOf
    this.#budget = budget
    budget.join(() => this.#slots.fill(undefined))
  }

  get(around: Around): T {
    const { bytes, start, stop, schemaStart, schemaStop } = around
    const length = stop - start
    if (length + schemaStop - schemaStart > KEPT_BYTES_MAX) return this.#make(around)
    let hash = length
    for (let i = start; i < stop; i++) hash = Math.imul(hash ^ bytes[i]!, 0x0100_0193)
    const slot = (hash ^ (hash >>> 15)) & (SLOTS - 1)
    const kept = this.#slots[slot]
    if (
      kept !== undefined &&
      sameRange(bytes, start, stop, kept.bytes, kept.start, kept.stop) &&
      sameRange(bytes, schemaStart, schemaStop, kept.bytes, kept.schemaStart, kept.schemaStop)
    )
      return kept.made
    const made = this.#make(around)
    if (kept !== undefined) {
      this.#slots[slot] = undefined
      this.#budget.giveBack(kept.cost)
    }
    const cost = length + schemaStop - schemaStart + this.#sizeOf(made) + ENTRY_BYTES
    if (!this.#budget.take(cost)) return made
    // A copy: the request it came in must not stay.
    const own = new Uint8Array(length + schemaStop - schemaStart)
    own.set(bytes.subarray(start, stop))
    own.set(bytes.subarray(schemaStart, schemaStop), length)
    this.#slots[slot] = {
      bytes: own,
      start: 0,
      stop: length,
      schemaStart: length,
      schemaStop: own.length,
      made,
      cost,
    }
    return made
  }
}
