/**
 * Words for single values. Typing is the Collector's (mapstructure without weak typing): a number is no text and a
 * text is no number, except that a value from the environment is read as YAML and keeps its text where a text is
 * wanted. `key:` with nothing after it is zero, empty or false, not the default.
 */

import { formatDuration, parseDuration } from './durations.ts'
import type { Check, Node } from './node.ts'
import type { JsonSchema, Schema } from './schema-type.ts'
import { Secret } from './secret.ts'
import { didYouMean } from './suggest.ts'

type Objection = readonly [wrong: string, fix: string]

export interface ScalarOptions<T> {
  readonly doc: string
  readonly default?: T
  /** An error when the key is missing. */
  readonly required?: boolean
  /** What is wrong with this value and what to do, or undefined when it is fine. */
  readonly check?: (value: T) => Objection | undefined
}

interface ScalarWords<T> {
  readonly typeText: string
  readonly expected: string
  readonly example: string
  readonly json: JsonSchema
  /** What null means. */
  readonly zero: T
  /** The value, or undefined when the node is not one. */
  readonly convert: (node: Node) => T | undefined
  /** Told of values that are taken but are hardly what was meant. */
  readonly doubt?: (node: Node, value: T) => Objection | undefined
  readonly show?: (value: T, reveal: boolean) => unknown
  readonly secret?: boolean
}

/** `${env:NAME}` and its like stand where any value may: for editors, which do not expand. */
export const EXPANSION_PATTERN = '\\$\\{.+\\}'

const SHOWN_MAX = 60

/** The value in words for a message; of a long text the beginning. */
export function describe(node: Node): string {
  if (node.kind === 'map') return 'a map'
  if (node.kind === 'list') return 'a list'
  if (node.value === null) return 'nothing'
  if (typeof node.value === 'boolean') return String(node.value)
  if (typeof node.value !== 'string') return `the number ${node.text}`
  const { value } = node
  return `the text ${JSON.stringify(value.length > SHOWN_MAX ? `${value.slice(0, SHOWN_MAX)}...` : value)}`
}

export function isNull(node: Node): boolean {
  return node.kind === 'scalar' && node.value === null
}

function scalar<T>(words: ScalarWords<T>, options: ScalarOptions<T>): Schema<T> {
  const show = words.show ?? ((value: T) => value as unknown)
  const value = options.default ?? words.zero
  const readNull = (node: Node, path: string, check: Check): T => {
    if (options.required) check.error(node.at, path, 'is empty', `write ${words.example}`)
    // An unset variable was warned of already.
    else if (value !== words.zero && !(node.kind === 'scalar' && node.fromExpansion)) {
      const [zero, usual] = [show(words.zero, false), show(value, false)].map(one => JSON.stringify(one))
      check.warn(
        node.at,
        path,
        `is empty, which means ${zero}`,
        `remove the key to have the default, ${usual}`,
      )
    }
    return words.zero
  }
  return {
    doc: options.doc,
    typeText: words.typeText,
    defaultText: options.default === undefined ? undefined : String(show(options.default, false)),
    required: options.required ?? false,
    secret: words.secret ?? false,
    absent: () => value,
    read(node, path, check) {
      const converted = words.convert(node)
      if (converted === undefined) {
        if (isNull(node)) return readNull(node, path, check)
        const got = words.secret ? `something else` : describe(node)
        check.error(node.at, path, `expected ${words.expected}, got ${got}`, `write ${words.example}`)
        return value
      }
      const doubt = words.doubt?.(node, converted)
      if (doubt !== undefined) check.warn(node.at, path, ...doubt)
      if (options.required && converted === '')
        check.error(node.at, path, 'is empty', `write ${words.example}`)
      const objection = options.check?.(converted)
      if (objection !== undefined) check.error(node.at, path, ...quotable(objection))
      return converted
    },
    print: (value, reveal) => show(value as T, reveal),
    json: () => ({
      description: options.doc,
      ...words.json,
      ...(options.default === undefined ? {} : { default: show(options.default, false) }),
    }),
  }
}

/** The text of a node where a text is wanted: whatever came from an expansion is the text it was. */
function textOf(node: Node): string | undefined {
  if (node.kind !== 'scalar') return node.text
  if (typeof node.value === 'string') return node.value
  return node.fromExpansion ? node.text : undefined
}

const rawOf = (node: Node): unknown => (node.kind === 'scalar' ? node.value : undefined)

export function text(options: ScalarOptions<string>): Schema<string> {
  return scalar(
    {
      typeText: 'text',
      expected: 'a text',
      example: 'it in quotes',
      json: { type: 'string' },
      zero: '',
      convert: textOf,
      show: (value, reveal) => (reveal ? value : withoutPassword(value)),
    },
    options,
  )
}

/** `http://user:password@host/?api_key=x`: where a text is an address, only these are secret. */
function withoutPassword(value: string): string {
  if (!value.includes('://')) return value
  return value
    .replace(/(:\/\/[^\s/?#@:]*:)[^\s/?#]+@/g, '$1[REDACTED]@')
    .replace(/([?&][^\s=&#]*(?:key|token|secret|passw|auth|sig)[^\s=&#]*=)[^\s&#]+/gi, '$1[REDACTED]')
}

/** An objection quotes what it objects to, and an address without its scheme may have a password all the same. */
function quotable([wrong, fix]: readonly [string, string]): [string, string] {
  const hide = (sentence: string) =>
    withoutPassword(sentence).replace(/([^\s"/?#@:]:)[^\s"/?#]+@/g, '$1[REDACTED]@')
  return [hide(wrong), hide(fix)]
}

export function secret(options: { doc: string; required?: boolean }): Schema<Secret> {
  return scalar<Secret>(
    {
      typeText: 'secret text',
      expected: 'a text',
      example: 'it in quotes, or take it from the environment with ${env:NAME}',
      json: { type: 'string' },
      zero: new Secret(''),
      convert: node => {
        const plain = textOf(node)
        return plain === undefined ? undefined : new Secret(plain)
      },
      // An empty one hides nothing, and a reader of print-config wants to see that it is empty.
      show: (value, reveal) => (reveal || value.reveal() === '' ? value.reveal() : value.toString()),
      secret: true,
    },
    options,
  )
}

export interface RangeOptions extends ScalarOptions<number> {
  readonly min?: number
  readonly max?: number
}

function ranged(options: RangeOptions): ScalarOptions<number> {
  const { min, max, check } = options
  return {
    ...options,
    check: value => {
      if (min !== undefined && value < min) return [`${value} is less than ${min}`, `write ${min} or more`]
      if (max !== undefined && value > max) return [`${value} is more than ${max}`, `write ${max} or less`]
      return check?.(value)
    },
  }
}

function numeric(type: 'integer' | 'number', { min, max }: RangeOptions): JsonSchema {
  return {
    type: [type, 'string'],
    pattern: EXPANSION_PATTERN,
    ...(min === undefined ? {} : { minimum: min }),
    ...(max === undefined ? {} : { maximum: max }),
  }
}

/** A whole number that a double holds exactly. The Collector cuts off a fraction; so does this, and warns. */
export function integer(options: RangeOptions): Schema<number> {
  return scalar(
    {
      typeText: 'integer',
      expected: `a whole number, at most ${Number.MAX_SAFE_INTEGER}`,
      example: 'digits only, such as 100',
      json: numeric('integer', options),
      zero: 0,
      convert: node => {
        const value = rawOf(node)
        if (typeof value !== 'number') return undefined
        const whole = Math.trunc(value) + 0
        return Number.isSafeInteger(whole) ? whole : undefined
      },
      doubt: (node, value) =>
        rawOf(node) === value
          ? undefined
          : [`is not a whole number, so ${value} is used`, 'write a whole number'],
    },
    ranged(options),
  )
}

export function number(options: RangeOptions): Schema<number> {
  return scalar(
    {
      typeText: 'number',
      expected: 'a number',
      example: 'a number such as 0.5',
      json: numeric('number', options),
      zero: 0,
      convert: node => {
        const value = rawOf(node)
        return typeof value === 'number' || typeof value === 'bigint' ? Number(value) : undefined
      },
    },
    {
      ...ranged(options),
      check: value => {
        if (Number.isNaN(value)) return ['is not a number', 'write a number such as 0.5']
        return ranged(options).check!(value)
      },
    },
  )
}

export function flag(options: ScalarOptions<boolean>): Schema<boolean> {
  return scalar(
    {
      typeText: 'true or false',
      expected: 'true or false',
      example: 'true or false, without quotes',
      json: { type: ['boolean', 'string'], pattern: EXPANSION_PATTERN },
      zero: false,
      convert: node => {
        const value = rawOf(node)
        return typeof value === 'boolean' ? value : undefined
      },
    },
    options,
  )
}

export interface DurationOptions {
  readonly doc: string
  /** As it would be written: `5s`. */
  readonly default?: string
  readonly required?: boolean
  /** In ms. Durations are never negative unless this says so. */
  readonly min?: number
  readonly check?: (ms: number) => Objection | undefined
}

/** A Go duration; the value is in ms. A bare number is nanoseconds, as in the Collector, and warned of. */
export function duration(options: DurationOptions): Schema<number> {
  const { min = 0, check, default: usual, ...rest } = options
  return scalar(
    {
      typeText: 'duration',
      expected: 'a duration',
      example: 'a number with a unit, such as 200ms, 5s or 1m30s',
      json: { type: ['string', 'integer'], examples: ['5s', '200ms', '1m30s'] },
      zero: 0,
      convert: node => {
        const value = rawOf(node)
        if (typeof value === 'string') return parseDuration(value)
        if (typeof value === 'bigint') return Number(value) / 1e6
        return typeof value === 'number' && Number.isFinite(value) ? Math.trunc(value) / 1e6 : undefined
      },
      doubt: (node, ms) => {
        const value = rawOf(node)
        if (typeof value === 'string' || ms === 0) return undefined
        return [`${value} without a unit means nanoseconds`, `write ${formatDuration(ms)}, or what you mean`]
      },
      show: formatDuration,
    },
    {
      ...rest,
      ...(usual === undefined ? {} : { default: parseDuration(usual)! }),
      check: ms => {
        if (ms >= min) return check?.(ms)
        const least = formatDuration(min)
        return [`${formatDuration(ms)} is less than ${least}`, `write ${least} or more`]
      },
    },
  )
}

export interface ChoiceOptions<W extends string> {
  readonly doc: string
  readonly default?: NoInfer<W>
  readonly required?: boolean
  /** Other spellings that mean one of the words. */
  readonly aliases?: Readonly<Record<string, NoInfer<W>>>
}

/** Aliases for words that are read in any case: all capitals, and a capital at the start. */
export function anyCase<const W extends string>(words: readonly W[]): Record<string, W> {
  const spellings: Record<string, W> = {}
  for (const word of words) {
    spellings[word.toUpperCase()] = word
    spellings[word[0]!.toUpperCase() + word.slice(1)] = word
  }
  return spellings
}

/** One of a few words. Null means '' where that is one of them, else the default. */
export function choice<const W extends string>(words: readonly W[], options: ChoiceOptions<W>): Schema<W> {
  const { aliases = {}, ...rest } = options
  const known = new Set<string>(words)
  const first = options.default ?? words[0]!
  const shown = words.map(word => word || '""').join(', ')
  const schema = scalar<W>(
    {
      typeText: shown,
      expected: 'a text',
      example: `one of ${shown}`,
      json: {
        anyOf: [
          { enum: [...words, ...Object.keys(aliases)] },
          { type: 'string', pattern: EXPANSION_PATTERN },
        ],
      },
      zero: words.find(word => word === '') ?? first,
      convert: node => {
        const word = textOf(node)
        // An unset variable is null, and null has its own meaning.
        if (word === undefined || (word === '' && !known.has('')))
          return isNull(node) ? undefined : (word as W)
        return Object.hasOwn(aliases, word) ? aliases[word]! : (word as W)
      },
    },
    rest,
  )
  return {
    ...schema,
    read(node, path, check) {
      const word = schema.read(node, path, check)
      if (known.has(word)) return word
      check.error(node.at, path, `"${word}" is not one of its values`, didYouMean(word, words))
      return first
    },
  }
}
