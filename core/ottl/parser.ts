/**
 * Conditions of OTTL as trees. The grammar is that of pkg/ottl (0.155):
 *
 *     condition   = term ("or" term)*
 *     term        = factor ("and" factor)*
 *     factor      = "not"? (comparison | "true" | "false" | call | "(" condition ")")
 *     comparison  = value ("==" | "!=" | "<" | "<=" | ">" | ">=") value
 *     value       = nil | number | text | bytes | true | false | ENUM | list | path | call
 *     path        = name ("." name)*, each with ["key"] or [0] behind it
 *     call        = Name "(" value ("," value)* ")"
 *
 * Arithmetic, maps, lambdas and keys behind calls are told apart from mistakes: they cannot be had here yet.
 */

import { OttlError, type Token, type TokenKind, tokenize, unquote } from './lexer.ts'

export type Condition =
  | { readonly kind: 'or' | 'and'; readonly parts: readonly Condition[] }
  | { readonly kind: 'not'; readonly part: Condition }
  | { readonly kind: 'constant'; readonly value: boolean }
  | { readonly kind: 'compare'; readonly op: Comparison; readonly left: Value; readonly right: Value }
  | CallValue

export type Comparison = '==' | '!=' | '<' | '<=' | '>' | '>='

export interface PathValue {
  readonly kind: 'path'
  readonly steps: readonly PathStep[]
  readonly offset: number
}

export interface PathStep {
  readonly name: string
  readonly keys: readonly (string | bigint)[]
  readonly offset: number
}

export interface CallValue {
  readonly kind: 'call'
  readonly name: string
  readonly args: readonly Value[]
  readonly offset: number
}

export type Value =
  | { readonly kind: 'literal'; readonly value: null | string | boolean | bigint | number | Uint8Array }
  | { readonly kind: 'enum'; readonly name: string; readonly offset: number }
  | { readonly kind: 'list'; readonly items: readonly Value[]; readonly offset: number }
  | PathValue
  | CallValue

/** A config must not make the parser run out of stack. */
const DEPTH_MAX = 64

/** Throws OttlError. */
export function parseCondition(text: string): Condition {
  const parser = new Parser(tokenize(text))
  const condition = parser.condition()
  parser.end()
  return condition
}

class Parser {
  readonly #tokens: readonly Token[]
  #at = 0
  #depth = 0

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens
  }

  get #next(): Token {
    return this.#tokens[this.#at]!
  }

  #is(kind: TokenKind, text?: string, ahead = 0): boolean {
    const token = this.#tokens[this.#at + ahead]
    return token !== undefined && token.kind === kind && (text === undefined || token.text === text)
  }

  #take(kind: TokenKind, text?: string): Token | undefined {
    return this.#is(kind, text) ? this.#tokens[this.#at++] : undefined
  }

  #expect(text: string, after: string): void {
    if (this.#take('punctuation', text) === undefined) throw this.#unexpected(`write ${text} ${after}`)
  }

  #unexpected(fix: string): OttlError {
    const { kind, text, offset } = this.#next
    return new OttlError(kind === 'end' ? 'it ends too early' : `"${text}" is not expected here`, offset, fix)
  }

  #later(what: string): OttlError {
    return new OttlError(
      `${what} cannot be had here yet`,
      this.#next.offset,
      'write it without, or count in a Collector',
    )
  }

  end(): void {
    if (this.#is('sign') || this.#is('factor')) throw this.#later('arithmetic')
    if (!this.#is('end')) throw this.#unexpected('join conditions with and, or')
  }

  condition(): Condition {
    if (++this.#depth > DEPTH_MAX)
      throw new OttlError('it is nested too deep', this.#next.offset, 'write a simpler condition')
    const condition = this.#joined('or', () => this.#joined('and', () => this.#factor()))
    this.#depth--
    return condition
  }

  #joined(kind: 'or' | 'and', part: () => Condition): Condition {
    const parts = [part()]
    while (this.#take(kind) !== undefined) parts.push(part())
    return parts.length === 1 ? parts[0]! : { kind, parts }
  }

  #factor(): Condition {
    if (this.#take('not') !== undefined) return { kind: 'not', part: this.#positive() }
    return this.#positive()
  }

  #positive(): Condition {
    if (this.#take('punctuation', '(') !== undefined) {
      const inner = this.condition()
      this.#expect(')', 'where it ends')
      return inner
    }
    if (this.#is('boolean') && !this.#is('comparison', undefined, 1))
      return { kind: 'constant', value: this.#take('boolean')!.text === 'true' }
    const { offset } = this.#next
    const left = this.#value()
    const op = this.#take('comparison')
    if (op !== undefined) return { kind: 'compare', op: op.text as Comparison, left, right: this.#value() }
    if (this.#is('sign') || this.#is('factor')) throw this.#later('arithmetic')
    if (left.kind === 'call') return left
    if (this.#is('punctuation', '=')) throw this.#unexpected('write == to compare')
    throw new OttlError('a value alone is no condition', offset, 'compare it: ... == "x", ... != nil')
  }

  #value(): Value {
    const token = this.#next
    switch (token.kind) {
      case 'nil':
        this.#at++
        return { kind: 'literal', value: null }
      case 'string':
        this.#at++
        return { kind: 'literal', value: unquote(token) }
      case 'boolean':
        this.#at++
        return { kind: 'literal', value: token.text === 'true' }
      case 'bytes':
        return this.#bytes()
      case 'sign':
      case 'int':
      case 'float':
        return this.#number()
      case 'upper':
        return this.#upper()
      case 'lower':
        return this.#path()
    }
    if (this.#is('punctuation', '[')) return this.#list()
    if (this.#is('punctuation', '{')) throw this.#later('a map')
    if (this.#is('punctuation', '(')) throw this.#later('arithmetic')
    throw this.#unexpected('write a value: a path, a text in quotes, a number, nil')
  }

  #bytes(): Value {
    const { text, offset } = this.#take('bytes')!
    if (text.length % 2 !== 0)
      throw new OttlError(`"${text}" has half a byte`, offset, 'write two digits for each byte')
    return { kind: 'literal', value: Uint8Array.from(Buffer.from(text.slice(2), 'hex')) }
  }

  #number(): Value {
    const sign = this.#take('sign')?.text === '-' ? '-' : ''
    const float = this.#take('float')
    if (float !== undefined) return { kind: 'literal', value: Number(sign + float.text) }
    const int = this.#take('int')
    if (int === undefined) throw this.#later('arithmetic')
    const value = BigInt(int.text)
    if (value > 0x7fff_ffff_ffff_ffffn)
      throw new OttlError(`${int.text} is too large for an integer`, int.offset, 'write it with .0 behind it')
    return { kind: 'literal', value: sign === '-' ? -value : value }
  }

  /** A function, or an enum. Names of functions are upper and lower case tokens one behind the other: Is, Match. */
  #upper(): Value {
    const { offset, text } = this.#take('upper')!
    let name = text
    let end = offset + text.length
    while ((this.#is('upper') || this.#is('lower')) && this.#next.offset === end) {
      name += this.#next.text
      end += this.#tokens[this.#at++]!.text.length
    }
    if (this.#take('punctuation', '(') === undefined) {
      if (name !== text) throw this.#unexpected(`write ${name}(...)`)
      return { kind: 'enum', name, offset }
    }
    const args = this.#values(')')
    if (this.#is('punctuation', '[')) throw this.#later('a key behind a function')
    return { kind: 'call', name, args, offset }
  }

  #list(): Value {
    const { offset } = this.#tokens[this.#at++]!
    return { kind: 'list', items: this.#values(']'), offset }
  }

  /** Values with commas between, up to the closing bracket. */
  #values(close: string): Value[] {
    if (++this.#depth > DEPTH_MAX)
      throw new OttlError('it is nested too deep', this.#next.offset, 'write a simpler condition')
    const values: Value[] = []
    while (this.#take('punctuation', close) === undefined) {
      if (values.length > 0) this.#expect(',', 'between values')
      if (this.#is('lower') && this.#is('punctuation', '=', 1)) throw this.#later('an argument with a name')
      values.push(this.#value())
      if (this.#is('sign') || this.#is('factor')) throw this.#later('arithmetic')
      if (this.#is('arrow')) throw this.#later('a function of your own')
    }
    this.#depth--
    return values
  }

  #path(): PathValue {
    const { offset } = this.#next
    const steps = [this.#step()]
    while (this.#take('punctuation', '.') !== undefined) steps.push(this.#step())
    const { offset: next } = this.#next
    const isWord =
      this.#is('upper') && next === this.#tokens[this.#at - 1]!.offset + steps.at(-1)!.name.length
    if (isWord || this.#is('punctuation', '('))
      throw new OttlError(
        'neither a path nor a function is spelled like this',
        offset,
        'paths have small letters only, and functions begin with a capital letter, as IsMatch',
      )
    return { kind: 'path', steps, offset }
  }

  #step(): PathStep {
    // A word of the language may be a name behind a dot, but the Collector's lexer does not take it either.
    const name = this.#take('lower')
    if (name === undefined) throw this.#unexpected('write a name in small letters')
    const keys: (string | bigint)[] = []
    while (this.#take('punctuation', '[') !== undefined) {
      const text = this.#take('string')
      const index = text === undefined ? this.#take('int') : undefined
      if (text === undefined && index === undefined) {
        if (this.#is('lower') || this.#is('upper')) throw this.#later('a key that is a path or a function')
        throw this.#unexpected('write ["key"] or [0]')
      }
      keys.push(text === undefined ? BigInt(index!.text) : unquote(text))
      this.#expect(']', 'behind the key')
    }
    return { name: name.text, keys, offset: name.offset }
  }
}
