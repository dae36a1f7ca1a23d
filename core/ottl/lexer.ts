/** Texts of OTTL as tokens: the rules of pkg/ottl's grammar.go (0.155), in its order. */

/** A text that is no OTTL, or none that can be had here. The message is for whoever wrote it. */
export class OttlError extends Error {
  override readonly name = 'OttlError'
  /** Of the letter at fault, from 0. */
  readonly offset: number
  /** What to do about it. */
  readonly fix: string

  constructor(message: string, offset: number, fix: string) {
    super(message)
    this.offset = offset
    this.fix = fix
  }
}

export type TokenKind =
  | 'bytes'
  | 'float'
  | 'int'
  | 'string'
  | 'nil'
  | 'not'
  | 'or'
  | 'and'
  | 'comparison'
  | 'arrow'
  | 'sign'
  | 'factor'
  | 'boolean'
  | 'punctuation'
  | 'upper'
  | 'lower'
  | 'end'

export interface Token {
  readonly kind: TokenKind
  readonly text: string
  readonly offset: number
}

const RULES: readonly (readonly [TokenKind | 'space', RegExp])[] = [
  ['bytes', /0x[a-fA-F0-9]+/y],
  ['float', /(?:\d+\.\d*|\d*\.\d+)(?:[eE][-+]?\d+)?/y],
  ['int', /\d+/y],
  ['string', /"(?:\\.|[^\\"])*"/sy],
  ['nil', /\bnil\b/y],
  ['not', /\bnot\b/y],
  ['or', /\bor\b/y],
  ['and', /\band\b/y],
  ['comparison', /==|!=|>=|<=|>|</y],
  ['arrow', /=>/y],
  ['sign', /[+-]/y],
  ['factor', /[/*]/y],
  ['boolean', /\b(?:true|false)\b/y],
  ['punctuation', /[=(){}:,.[\]]/y],
  ['upper', /[A-Z][A-Z0-9_]*/y],
  ['lower', /[a-z][a-z0-9_]*/y],
  ['space', /\s+/y],
]

/** The last token is `end`. Throws OttlError. */
export function tokenize(text: string): Token[] {
  const tokens: Token[] = []
  let offset = 0
  while (offset < text.length) {
    const token = match(text, offset)
    if (token === undefined)
      throw new OttlError(`"${text[offset]}" means nothing here`, offset, hintFor(text[offset]!))
    if (token.kind !== 'space') tokens.push({ kind: token.kind, text: token.text, offset })
    offset += token.text.length
  }
  tokens.push({ kind: 'end', text: '', offset })
  return tokens
}

function match(text: string, offset: number) {
  for (const [kind, rule] of RULES) {
    rule.lastIndex = offset
    const found = rule.exec(text)
    if (found !== null) return { kind, text: found[0] }
  }
  return undefined
}

function hintFor(letter: string): string {
  if (letter === "'" || letter === '`') return 'write texts in "double quotes"'
  if (letter === '"') return 'end the text with "'
  if (letter === '!') return 'write not, or !='
  if (letter === '&' || letter === '|') return 'write and, or'
  return 'see the syntax of OTTL'
}

const ESCAPES: Readonly<Record<string, string>> = {
  a: '\x07',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
  '\\': '\\',
  '"': '"',
}

/** The text that a string token means: Go's escapes. Throws OttlError. */
export function unquote({ text, offset }: Token): string {
  const inner = text.slice(1, -1)
  if (!inner.includes('\\')) return inner
  return inner.replaceAll(
    /\\(x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|[0-7]{3}|.)/gs,
    (whole, code: string, at: number) => {
      const plain = ESCAPES[code]
      if (plain !== undefined) return plain
      const value = /^[0-7]{3}$/.test(code) ? Number.parseInt(code, 8) : Number.parseInt(code.slice(1), 16)
      if (code.length > 1 && value <= 0x10_ffff) return String.fromCodePoint(value)
      const fix = 'write \\\\ for a backslash, or \\n, \\t, \\", \\x41, \\u00e9'
      throw new OttlError(`"${whole}" is no escape`, offset + 1 + at, fix)
    },
  )
}
