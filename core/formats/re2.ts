/**
 * Regular expressions as the Collector's users write them: Go's RE2 syntax (`(?P<name>..)`, `(?i)`, `\z`), matched in
 * time linear in the input whatever the pattern, so that neither a config nor an attribute can hang the gateway.
 * The only file that imports re2js.
 */

import { RE2JS } from 're2js'

export class PatternError extends Error {}

export class Pattern {
  readonly source: string
  /** Names of the groups in order, without the whole match; '' for a group without a name. */
  readonly groups: readonly string[]
  readonly #re: RE2JS

  constructor(source: string, re: RE2JS) {
    this.source = source
    this.#re = re
    const groups = new Array<string>(re.groupCount()).fill('')
    for (const [name, index] of Object.entries(re.namedGroups())) groups[index - 1] = name
    this.groups = groups
  }

  /** Does it match anywhere in `text`? Go's MatchString. */
  test(text: string): boolean {
    return this.#re.test(text)
  }

  /** The groups of the leftmost match, '' for one that took no part, as Go's FindStringSubmatch[1:]. */
  match(text: string): string[] | undefined {
    const matcher = this.#re.matcher(text)
    if (!matcher.find()) return undefined
    return this.groups.map((_, i) => matcher.group(i + 1) ?? '')
  }
}

/** Throws PatternError with what is wrong, in one line. */
export function compile(source: string): Pattern {
  try {
    return new Pattern(source, RE2JS.compile(source))
  } catch (error) {
    throw new PatternError(error instanceof Error ? error.message : String(error))
  }
}

/** What is wrong with a pattern, or undefined: for schema checks. */
export function patternProblem(source: string): string | undefined {
  try {
    compile(source)
    return undefined
  } catch (error) {
    return (error as PatternError).message
  }
}

/**
 * Remembers results by text. Two generations: when the young one is full it becomes the old one, and what is asked
 * for again moves back, so that at most `2 * most` texts are held and hot ones stay.
 */
export class Memo<V extends NonNullable<unknown> | null> {
  readonly #compute: (text: string) => V
  readonly #most: number
  #young = new Map<string, V>()
  #old = new Map<string, V>()

  constructor(compute: (text: string) => V, most = 4096) {
    this.#compute = compute
    this.#most = most
  }

  get(text: string): V {
    const young = this.#young.get(text)
    if (young !== undefined) return young
    let value = this.#old.get(text)
    if (value === undefined) value = this.#compute(text)
    // Long texts are seldom seen twice and would make the bound on entries meaningless.
    if (text.length > 256) return value
    if (this.#young.size >= this.#most) {
      this.#old = this.#young
      this.#young = new Map()
    }
    this.#young.set(text, value)
    return value
  }
}
