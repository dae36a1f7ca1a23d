/** Which tags become fields of the `tag` object, and how these are called. */

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

/** Keys are few; a sender that makes them up must not fill the memory. */
const KNOWN_MAX = 10_000

export class FieldNames {
  readonly #rule: TagsAsFields
  readonly #byKey = new Map<string, FieldName | undefined>()
  readonly #byName = new Map<string, FieldName>()
  #generation = 0
  /** How many bytes the keys have that become fields: for most others that is all that must be looked at. */
  readonly #lengths = new Set<number>()
  /** False: no tag ever becomes a field. */
  readonly any: boolean

  constructor(rule: TagsAsFields) {
    this.#rule = rule
    this.any = rule.all || rule.include.size > 0
    for (const key of rule.include) this.#lengths.add(Buffer.byteLength(key))
  }

  /** What was found before this changed must be looked for again. */
  get generation(): number {
    return this.#generation
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
    if (this.#byKey.size >= KNOWN_MAX) this.#byKey.clear()
    const name = this.#make(key)
    this.#byKey.set(key, name)
    return name
  }

  #make(key: string): FieldName | undefined {
    const { all, include, dotReplacement } = this.#rule
    // Elasticsearch refuses a document with a field that has no name.
    if (key === '' || !(all || include.has(key))) return undefined
    const name = key.replaceAll('.', dotReplacement)
    if (name === '') return undefined
    if (this.#byName.size >= KNOWN_MAX) {
      this.#byName.clear()
      this.#byKey.clear()
      this.#generation++
    }
    let made = this.#byName.get(name)
    if (made === undefined) {
      made = { json: Buffer.from(JSON.stringify(name)), last: -1 }
      this.#byName.set(name, made)
    }
    return made
  }
}
