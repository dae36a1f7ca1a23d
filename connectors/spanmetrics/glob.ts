/**
 * Globs over keys of attributes, as the Collector's (gobwas/glob with `.` as the separator): `*` and `?` stop at dots, `**`
 * does not, `[a-z]`, `[!a-z]`, `[abc]` and `[!abc]` are one letter, `{a,b}` one of several, `\` takes the next letter as it
 * is.
 */

import { compile, Memo, type Pattern, PatternError } from '../../core/formats/re2.ts'

export class Glob {
  readonly source: string
  readonly #pattern: Pattern
  readonly #memo: Memo<boolean>

  /** Throws PatternError when it cannot be read. */
  constructor(source: string) {
    this.source = source
    this.#pattern = compile(`^(?s:${translate(source)})$`)
    this.#memo = new Memo(key => this.#pattern.test(key))
  }

  matches(key: string): boolean {
    return this.#memo.get(key)
  }
}

function translate(glob: string): string {
  let out = ''
  let depth = 0
  for (let i = 0; i < glob.length; i++) {
    const letter = glob[i]!
    if (letter === '\\') {
      i++
      if (i < glob.length) out += quoted(glob[i]!)
    } else if (letter === '*') {
      let stars = 1
      for (; glob[i + 1] === '*'; i++) stars++
      out += stars > 1 ? '.*' : '[^.]*'
    } else if (letter === '?') out += '[^.]'
    else if (letter === '[') {
      const [pattern, end] = charClass(glob, i + 1)
      out += pattern
      i = end
    } else if (letter === '{') {
      depth++
      out += '(?:'
    } else if (letter === '}' && depth > 0) {
      depth--
      out += ')'
    } else if (letter === ',' && depth > 0) out += '|'
    else out += quoted(letter)
  }
  return out
}

/** What stands behind `[`, and where its `]` is: a range is one alone, and a `-` elsewhere is a letter. */
function charClass(glob: string, start: number): [pattern: string, end: number] {
  const negation = glob[start] === '!' ? '^' : ''
  const from = start + negation.length
  const low = glob.codePointAt(from)
  if (low === undefined) throw new PatternError('a [ is not closed')
  const second = from + String.fromCodePoint(low).length
  if (glob[second] === '-') {
    const high = glob.codePointAt(second + 1)
    if (high === undefined) throw new PatternError('a [ is not closed')
    const end = second + 1 + String.fromCodePoint(high).length
    if (glob[end] !== ']') throw new PatternError('a range in [] has to be the only thing there, as in [a-z]')
    if (high < low) throw new PatternError('a range in [] goes backwards')
    return [`[${negation}${escaped(low)}-${escaped(high)}]`, end]
  }
  let letters = ''
  let at = from
  for (; at < glob.length && glob[at] !== ']'; at++) {
    if (glob[at] === '\\') at++
    const letter = glob.codePointAt(at)
    if (letter === undefined) break
    letters += escaped(letter)
    at += String.fromCodePoint(letter).length - 1
  }
  if (at >= glob.length) throw new PatternError('a [ is not closed')
  if (letters === '') throw new PatternError('there is nothing in []')
  return [`[${negation}${letters}]`, at]
}

function escaped(letter: number): string {
  return `\\x{${letter.toString(16)}}`
}

function quoted(letter: string): string {
  return /[\w\s]|[^\x00-\x7f]/.test(letter) ? letter : `\\${letter}`
}
