/** Which tags become fields of the `tag` object, and how these are called. */

import { type CacheBudget, ENTRY_BYTES } from '../cache-budget.ts'
import { readCachedString } from '../text-cache.ts'

export interface TagsAsFields {
  /** Every tag that is not binary. */
  readonly all: boolean
  readonly include: ReadonlySet<string>
  /** Stands for the dots of a key, which would make objects in objects. */
  readonly dotReplacement: string
}

/** The same for all keys that are spelled alike once their dots are replaced. */
export interface FieldName {
  /** As it stands in the document, with its quotes. */
  readonly json: Uint8Array
  /** Where it was written last in the list that is being made. */
  last: number
}

export class FieldNames {
  readonly #rule: TagsAsFields
  readonly #byKey = new Map<string, FieldName | undefined>()
  readonly #byName = new Map<string, FieldName>()
  readonly #always = new Set<string>()
  readonly #budget: CacheBudget
  #isFull = false
  #generation = 0
  /** How many bytes the keys have that become fields: for most others that is all that must be looked at. */
  readonly #lengths = new Set<number>()
  /** False: no tag ever becomes a field. */
  readonly any: boolean

  constructor(rule: TagsAsFields, budget: CacheBudget) {
    this.#rule = rule
    this.#budget = budget
    budget.join(() => {
      this.#isFull = true
    })
    this.any = rule.all || rule.include.size > 0
    for (const key of rule.include) this.#lengths.add(Buffer.byteLength(key))
  }

  /** What was found before this changed must be looked for again. */
  get generation(): number {
    return this.#generation
  }

  /**
   * Before each list: what is known is forgotten when there is too much. Not within one, where a name that is made anew
   * would stand in the document twice.
   */
  begin(): void {
    if (!this.#isFull) return
    this.#isFull = false
    this.#generation++
    this.#byKey.clear()
    for (const name of this.#byName.keys()) if (!this.#always.has(name)) this.#byName.delete(name)
  }

  /** The same as `of`, and stays the same object. For a few keys. */
  always(key: string): FieldName | undefined {
    const name = this.of(key)
    if (name !== undefined) this.#always.add(this.#nameOf(key))
    return name
  }

  /** Undefined when the tag stays in the list. */
  find(bytes: Uint8Array, start: number, stop: number): FieldName | undefined {
    if (!this.#rule.all && !this.#lengths.has(stop - start)) return undefined
    return this.of(readCachedString(bytes, start, stop))
  }

  of(key: string): FieldName | undefined {
    if (!this.any) return undefined
    const known = this.#byKey.get(key)
    if (known !== undefined || this.#byKey.has(key)) return known
    const name = this.#make(key)
    // Without a budget for it, too: it is asked for again in the same list. The next one begins without it.
    const cost = 2 * key.length + (name?.json.length ?? 0) + ENTRY_BYTES
    if (!this.#budget.take(cost)) this.#isFull = true
    this.#byKey.set(key, name)
    return name
  }

  #make(key: string): FieldName | undefined {
    const { all, include } = this.#rule
    // Elasticsearch refuses a document with a field that has no name.
    if (key === '' || !(all || include.has(key))) return undefined
    const name = this.#nameOf(key)
    if (name === '') return undefined
    let made = this.#byName.get(name)
    if (made === undefined) {
      made = { json: Buffer.from(JSON.stringify(name)), last: -1 }
      this.#byName.set(name, made)
    }
    return made
  }

  #nameOf(key: string): string {
    return key.replaceAll('.', this.#rule.dotReplacement)
  }
}
