/**
 * Names for readers that do not know UTF-8 names, as `escaping=` in their Accept header asks: common v0.69's
 * model.EscapeName. A name that every reader knows is left alone.
 */

export const ESCAPINGS = ['allow-utf-8', 'underscores', 'dots', 'values'] as const
export type Escaping = (typeof ESCAPINGS)[number]

const LEGACY = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/

/** True for names that need no quotes. Labels are judged by the same rule, colons included, as the Collector does. */
export function isLegacyName(name: string): boolean {
  return LEGACY.test(name)
}

export function escapeName(name: string, escaping: Escaping): string {
  if (escaping === 'allow-utf-8' || isLegacyName(name)) return name
  let made = escaping === 'values' ? 'U__' : ''
  let first = true
  for (const letter of name) {
    made += escapeLetter(letter, first, escaping)
    first = false
  }
  return made
}

function escapeLetter(letter: string, first: boolean, escaping: Escaping): string {
  const legacy = /[a-zA-Z_:]/.test(letter) || (!first && /[0-9]/.test(letter))
  if (escaping === 'underscores') return legacy ? letter : '_'
  if (letter === '_') return '__'
  if (legacy) return letter
  if (escaping === 'dots') return letter === '.' ? '_dot_' : '__'
  return `_${letter.codePointAt(0)!.toString(16)}_`
}
