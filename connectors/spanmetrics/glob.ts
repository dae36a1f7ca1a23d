/**
 * Globs over keys of attributes, as the Collector's (gobwas/glob with `.` as the separator): `*` and `?` stop at dots, `**`
 * does not, `[a-z]` and `[!a-z]` are one letter, `{a,b}` one of several, `\` takes the next letter as it is.
 */

import { compile, Memo, type Pattern } from '../../core/formats/re2.ts'

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
      out += quoted(glob[i] ?? '\\')
    } else if (letter === '*') {
      let stars = 1
      for (; glob[i + 1] === '*'; i++) stars++
      out += stars > 1 ? '.*' : '[^.]*'
    } else if (letter === '?') out += '[^.]'
    else if (letter === '[') {
      const end = glob.indexOf(']', i + 2)
      // Left open: the pattern compiler says so.
      if (end < 0) return `${out}[`
      out += charClass(glob.slice(i + 1, end))
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

function charClass(inside: string): string {
  const negated = inside.startsWith('!')
  const letters = (negated ? inside.slice(1) : inside).replaceAll(/[\\[\]^]/g, '\\$&')
  return `[${negated ? '^' : ''}${letters}]`
}

function quoted(letter: string): string {
  return /[\w\s]|[^\x00-\x7f]/.test(letter) ? letter : `\\${letter}`
}
