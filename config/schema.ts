/**
 * The words a component's config is described in. One description gives four things: the TypeScript type
 * (`ValueOf<typeof schema>`), defaults and validation (`read`), JSON Schema for editors (`json`), and the reference
 * page (`doc`, `defaultText`).
 *
 * Why not a library: none reads values that know their line and column, types an environment value by its target, or
 * takes a null section as "enabled with defaults", and those three are what a Collector config needs.
 *
 * Keys are the Collector's. In code durations are ms, sizes are bytes.
 */

import { type Check, childPath, type MapNode, type Node, type Position, type ScalarNode } from './node.ts'
import { didYouMean } from './suggest.ts'

export type JsonSchema = { readonly [key: string]: unknown }

export interface Schema<out T> {
  readonly doc: string
  /** Fields of a section, for the reference page; undefined for everything else. */
  readonly fields?: Readonly<Record<string, Schema<unknown>>>
  /** What stands in the reference page's "type" column. */
  readonly typeText: string
  /** What stands in its "default" column; undefined when there is none. */
  readonly defaultText: string | undefined
  readonly required: boolean
  /** Never printed. */
  readonly secret: boolean
  /** The value when the key is not written. */
  absent(): T
  /** The value as written; enters problems into `check` and then returns something of the right type. */
  read(node: Node, path: string, check: Check): T
  /** The value as `print-config` shows it: secrets redacted unless `reveal`. */
  print(value: unknown, reveal: boolean): unknown
  json(): JsonSchema
}

export type ValueOf<S> = S extends Schema<infer T> ? T : never

/** A value that must not be printed; `reveal()` where it is used, and nowhere else. */
export class Secret {
  readonly #text: string

  constructor(text: string) {
    this.#text = text
  }

  reveal(): string {
    return this.#text
  }

  toString(): string {
    return '[REDACTED]'
  }

  toJSON(): string {
    return '[REDACTED]'
  }

  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return '[REDACTED]'
  }
}

interface ScalarOptions<T> {
  readonly doc: string
  readonly default?: T
  /** An error when the key is missing. */
  readonly required?: boolean
  /** What is wrong with this value and what to do, or undefined when it is fine. */
  readonly check?: (value: T) => readonly [wrong: string, fix: string] | undefined
}

function describe(node: Node): string {
  if (node.kind === 'map') return 'a map'
  if (node.kind === 'list') return 'a list'
  if (node.value === null) return 'nothing'
  return typeof node.value === 'string' ? `the text "${node.value}"` : String(node.value)
}

function scalar<T>(
  words: {
    typeText: string
    expected: string
    example: string
    json: JsonSchema
    fallback: T
    /** The value, or undefined when the node is not one. */
    convert: (node: ScalarNode) => T | undefined
    show?: (value: T) => unknown
    secret?: boolean
  },
  options: ScalarOptions<T>,
): Schema<T> {
  const show = words.show ?? ((value: T) => value as unknown)
  const value = options.default ?? words.fallback
  return {
    doc: options.doc,
    typeText: words.typeText,
    defaultText: options.default === undefined ? undefined : String(show(options.default)),
    required: options.required ?? false,
    secret: words.secret ?? false,
    absent: () => value,
    read(node, path, check) {
      // `key:` with nothing after it leaves the default, as the Collector does.
      if (node.kind === 'scalar' && node.value === null) return value
      const converted = node.kind === 'scalar' ? words.convert(node) : undefined
      if (converted === undefined) {
        check.error(
          node.at,
          path,
          `expected ${words.expected}, got ${describe(node)}`,
          `write ${words.example}`,
        )
        return value
      }
      const objection = options.check?.(converted)
      if (objection !== undefined) check.error(node.at, path, objection[0], objection[1])
      return converted
    },
    print: value => show(value as T),
    json: () => ({
      description: options.doc,
      ...words.json,
      ...(options.default === undefined ? {} : { default: show(options.default) }),
    }),
  }
}

/** A value from the environment is read as YAML but stays the text it was where a text is wanted. */
function textOf(node: ScalarNode): string | undefined {
  if (typeof node.value === 'string') return node.value
  return node.fromExpansion ? node.text : undefined
}

export function text(options: ScalarOptions<string>): Schema<string> {
  return scalar(
    {
      typeText: 'text',
      expected: 'a text',
      example: 'it in quotes',
      json: { type: 'string' },
      fallback: '',
      convert: textOf,
    },
    options,
  )
}

export function secret(options: { doc: string; required?: boolean }): Schema<Secret> {
  const schema = scalar<Secret>(
    {
      typeText: 'secret text',
      expected: 'a text',
      example: 'it in quotes, or take it from the environment with ${env:NAME}',
      json: { type: 'string' },
      fallback: new Secret(''),
      convert: node => {
        const plain = textOf(node)
        return plain === undefined ? undefined : new Secret(plain)
      },
      secret: true,
    },
    options,
  )
  return {
    ...schema,
    print: (value, reveal) => {
      const held = value as Secret
      return reveal ? held.reveal() : held.toString()
    },
  }
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

function bounds({ min, max }: RangeOptions): JsonSchema {
  return { ...(min === undefined ? {} : { minimum: min }), ...(max === undefined ? {} : { maximum: max }) }
}

/** A whole number. From the environment `"10"` is one too. */
export function integer(options: RangeOptions): Schema<number> {
  return scalar(
    {
      typeText: 'integer',
      expected: 'a whole number',
      example: 'digits only, such as 100',
      json: { type: 'integer', ...bounds(options) },
      fallback: 0,
      convert: node =>
        typeof node.value === 'number' && Number.isInteger(node.value) ? node.value : undefined,
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
      json: { type: 'number', ...bounds(options) },
      fallback: 0,
      convert: node => (typeof node.value === 'number' ? node.value : undefined),
    },
    ranged(options),
  )
}

export function flag(options: ScalarOptions<boolean>): Schema<boolean> {
  return scalar(
    {
      typeText: 'true or false',
      expected: 'true or false',
      example: 'true or false, without quotes',
      json: { type: 'boolean' },
      fallback: false,
      convert: node => (typeof node.value === 'boolean' ? node.value : undefined),
    },
    options,
  )
}

const UNITS_MS: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  '\u00b5s': 1e-3,
  '\u03bcs': 1e-3,
  ms: 1,
  s: 1e3,
  m: 6e4,
  h: 3.6e6,
}

/** A Go duration (`1h30m`, `200ms`, `-1.5s`, `0`) in ms, or undefined when it is none. Go's time.ParseDuration. */
export function parseDuration(written: string): number | undefined {
  const sign = written.startsWith('-') ? -1 : 1
  const body = written.replace(/^[+-]/, '')
  if (body === '0') return 0
  let total = 0
  let rest = body
  while (rest !== '') {
    const part = /^(\d+\.?\d*|\.\d+)(ns|us|\u00b5s|\u03bcs|ms|s|m|h)/.exec(rest)
    if (part === null) return undefined
    total += Number(part[1]) * UNITS_MS[part[2]!]!
    rest = rest.slice(part[0].length)
  }
  return body === '' ? undefined : sign * total
}

/** `90000` -> `1m30s`, as Go prints a duration. */
export function formatDuration(ms: number): string {
  if (ms === 0) return '0s'
  if (Math.abs(ms) < 1)
    return ms * 1000 >= 1 ? `${+(ms * 1000).toPrecision(12)}us` : `${+(ms * 1e6).toPrecision(12)}ns`
  if (Math.abs(ms) < 1000) return `${+ms.toPrecision(12)}ms`
  const hours = Math.trunc(ms / 3.6e6)
  const minutes = Math.trunc((ms % 3.6e6) / 6e4)
  const seconds = +((ms % 6e4) / 1000).toPrecision(12)
  const showMinutes = hours !== 0 || minutes !== 0
  return `${hours ? `${hours}h` : ''}${showMinutes ? `${Math.abs(minutes)}m` : ''}${Math.abs(seconds)}s`
}

export interface DurationOptions {
  readonly doc: string
  /** As it would be written: `5s`. */
  readonly default?: string
  readonly required?: boolean
  /** In ms. Durations are never negative unless this says so. */
  readonly min?: number
  readonly check?: (ms: number) => readonly [wrong: string, fix: string] | undefined
}

/** A Go duration; the value is in ms. A bare number is nanoseconds, as in the Collector. */
export function duration(options: DurationOptions): Schema<number> {
  const { min = 0, check } = options
  return scalar(
    {
      typeText: 'duration',
      expected: 'a duration',
      example: 'a number with a unit, such as 200ms, 5s or 1m30s',
      json: { type: ['string', 'integer'], examples: ['5s', '200ms', '1m30s'] },
      fallback: 0,
      convert: node => {
        if (typeof node.value === 'number') return node.value / 1e6
        return typeof node.value === 'string' ? parseDuration(node.value) : undefined
      },
      show: formatDuration,
    },
    {
      doc: options.doc,
      ...(options.default === undefined ? {} : { default: parseDuration(options.default)! }),
      ...(options.required === undefined ? {} : { required: options.required }),
      check: ms => {
        if (ms < min) {
          return [
            `${formatDuration(ms)} is less than ${formatDuration(min)}`,
            `write ${formatDuration(min)} or more`,
          ]
        }
        return check?.(ms)
      },
    },
  )
}

export function choice<const W extends string>(
  words: readonly W[],
  options: {
    doc: string
    default?: NoInfer<W>
    required?: boolean
    aliases?: Readonly<Record<string, NoInfer<W>>>
  },
): Schema<W> {
  const known = new Set<string>(words)
  const schema = scalar<W>(
    {
      typeText: words.map(word => (word === '' ? '""' : word)).join(', '),
      expected: 'a text',
      example: `one of ${words.join(', ')}`,
      json: { enum: [...words, ...Object.keys(options.aliases ?? {})] },
      fallback: words[0]!,
      convert: node => {
        const word = textOf(node)
        return word === undefined ? undefined : (options.aliases?.[word] ?? (word as W))
      },
    },
    options,
  )
  return {
    ...schema,
    read(node, path, check) {
      const word = schema.read(node, path, check)
      if (known.has(word)) return word
      check.error(node.at, path, `"${word}" is not one of its values`, didYouMean(word, words))
      return schema.absent()
    },
  }
}

export function list<T>(
  item: Schema<T>,
  options: { doc: string; default?: readonly T[]; required?: boolean },
): Schema<readonly T[]> {
  const value = options.default ?? []
  return {
    doc: options.doc,
    typeText: `list of ${item.fields === undefined ? item.typeText : 'sections'}`,
    defaultText: options.default === undefined ? undefined : JSON.stringify(options.default),
    required: options.required ?? false,
    secret: item.secret,
    ...(item.fields === undefined ? {} : { fields: item.fields }),
    absent: () => value,
    read(node, path, check) {
      if (node.kind === 'scalar' && node.value === null) return value
      if (node.kind !== 'list') {
        check.error(
          node.at,
          path,
          `expected a list, got ${describe(node)}`,
          'write [a, b] or one "- " line for each',
        )
        return value
      }
      return node.items.map((child, i) => item.read(child, childPath(path, i), check))
    },
    print: (value, reveal) => (value as readonly T[]).map(one => item.print(one, reveal)),
    json: () => ({ description: options.doc, type: ['array', 'null'], items: item.json() }),
  }
}

/** A map whose keys are the user's: headers, labels. */
export function map<T>(
  item: Schema<T>,
  options: { doc: string; required?: boolean },
): Schema<ReadonlyMap<string, T>> {
  return {
    doc: options.doc,
    typeText: `map of ${item.typeText}`,
    defaultText: undefined,
    required: options.required ?? false,
    secret: item.secret,
    absent: () => new Map(),
    read(node, path, check) {
      const value = new Map<string, T>()
      if (node.kind === 'scalar' && node.value === null) return value
      if (node.kind !== 'map') {
        check.error(
          node.at,
          path,
          `expected a map, got ${describe(node)}`,
          'write "key: value" lines below it',
        )
        return value
      }
      for (const [key, entry] of node.entries)
        value.set(key, item.read(entry.node, childPath(path, key), check))
      return value
    },
    print: (value, reveal) =>
      Object.fromEntries([...(value as ReadonlyMap<string, T>)].map(([k, v]) => [k, item.print(v, reveal)])),
    json: () => ({ description: options.doc, type: ['object', 'null'], additionalProperties: item.json() }),
  }
}

type Fields = Readonly<Record<string, Schema<unknown>>>
export type SectionValue<F extends Fields> = { readonly [K in keyof F]: ValueOf<F[K]> }

export interface SectionOptions<F extends Fields> {
  readonly doc: string
  /** Old key -> new key of this section: taken, with a warning. */
  readonly renamed?: Readonly<Record<string, keyof F & string>>
  /** Keys the Collector knows and Sluice does not need: taken, with a warning that says why nothing happens. */
  readonly ignored?: Readonly<Record<string, string>>
  /** Rules across keys. `at(key)` is where a key stands, or the section itself when it is not written. */
  readonly check?: (
    value: SectionValue<F>,
    report: {
      error(key: (keyof F & string) | '', wrong: string, fix?: string): void
      warn(key: (keyof F & string) | '', wrong: string, fix?: string): void
      written(key: keyof F & string): boolean
    },
  ) => void
}

/** A map with known keys. Not written: every key has its default. Written as null: the same. */
export function section<const F extends Fields>(
  fields: F,
  options: SectionOptions<F>,
): Schema<SectionValue<F>> {
  const known = Object.keys(fields)
  const absent = (): SectionValue<F> =>
    Object.fromEntries(known.map(key => [key, fields[key]!.absent()])) as SectionValue<F>
  return {
    doc: options.doc,
    fields,
    typeText: 'section',
    defaultText: undefined,
    required: false,
    secret: false,
    absent,
    read(node, path, check) {
      const empty = node.kind === 'scalar' && node.value === null
      if (!empty && node.kind !== 'map') {
        check.error(
          node.at,
          path,
          `expected a section, got ${describe(node)}`,
          `write ${known.slice(0, 3).join(', ')}: below it`,
        )
        return absent()
      }
      return readFields(fields, options, empty ? undefined : (node as MapNode), node.at, path, check)
    },
    print: (value, reveal) =>
      Object.fromEntries(
        known
          .filter(key => (value as Record<string, unknown>)[key] !== undefined)
          .map(key => [key, fields[key]!.print((value as Record<string, unknown>)[key], reveal)]),
      ),
    json: () => ({
      description: options.doc,
      type: ['object', 'null'],
      additionalProperties: false,
      properties: {
        ...Object.fromEntries(known.map(key => [key, fields[key]!.json()])),
        ...Object.fromEntries(
          Object.entries(options.renamed ?? {}).map(([old, now]) => [
            old,
            { ...fields[now]!.json(), deprecated: true },
          ]),
        ),
        ...Object.fromEntries(
          Object.entries(options.ignored ?? {}).map(([key, why]) => [
            key,
            { description: why, deprecated: true },
          ]),
        ),
      },
      ...(known.some(key => fields[key]!.required)
        ? { required: known.filter(key => fields[key]!.required) }
        : {}),
    }),
  }
}

function readFields<F extends Fields>(
  fields: F,
  options: SectionOptions<F>,
  node: MapNode | undefined,
  at: Position,
  path: string,
  check: Check,
): SectionValue<F> {
  const found = new Map<string, Node>()
  for (const [key, { keyAt, node: child }] of node?.entries ?? []) {
    const now = options.renamed?.[key]
    if (Object.hasOwn(fields, key)) found.set(key, child)
    else if (now !== undefined) {
      check.warn(keyAt, childPath(path, key), 'is an old name', `write ${now}`)
      if (!node!.entries.has(now)) found.set(now, child)
    } else if (options.ignored?.[key] !== undefined) {
      check.warn(keyAt, childPath(path, key), 'has no effect here', options.ignored[key])
    } else {
      check.error(keyAt, childPath(path, key), 'is not a known key', didYouMean(key, Object.keys(fields)))
    }
  }
  const value: Record<string, unknown> = {}
  const before = check.problems.length
  for (const [key, schema] of Object.entries(fields)) {
    const child = found.get(key)
    if (child !== undefined) value[key] = schema.read(child, childPath(path, key), check)
    else {
      value[key] = schema.absent()
      if (schema.required) check.error(at, childPath(path, key), 'is missing', `write ${key}: below ${path}`)
    }
  }
  // Rules across keys make no sense over values that are wrong already.
  const sound = !check.problems.slice(before).some(problem => problem.severity === 'error')
  if (sound) {
    const place = (key: string): [Position, string] =>
      key === '' ? [at, path] : [found.get(key)?.at ?? at, childPath(path, key)]
    options.check?.(value as SectionValue<F>, {
      error: (key, wrong, fix) => check.error(...place(key), wrong, fix),
      warn: (key, wrong, fix) => check.warn(...place(key), wrong, fix),
      written: key => found.has(key),
    })
  }
  return value as SectionValue<F>
}

/**
 * A section that is off unless it is written: absent gives undefined, `key:` (null) or `key: {}` turns it on with its
 * defaults. `enabled: false` inside turns it off again, as the Collector's optional sections allow.
 */
export function optional<T>(inner: Schema<T>): Schema<T | undefined> {
  const schema: Schema<T | undefined> = {
    ...inner,
    defaultText: undefined,
    absent: () => undefined,
    read(node, path, check) {
      if (node.kind !== 'map' || inner.fields === undefined || Object.hasOwn(inner.fields, 'enabled')) {
        return inner.read(node, path, check)
      }
      const entries = new Map(node.entries)
      const enabled = entries.get('enabled')
      entries.delete('enabled')
      const value = inner.read({ ...node, entries }, path, check)
      if (enabled === undefined) return value
      return flag({ doc: '', default: true }).read(enabled.node, childPath(path, 'enabled'), check)
        ? value
        : undefined
    },
    print: (value, reveal) => (value === undefined ? undefined : inner.print(value, reveal)),
  }
  return schema
}

/** Any YAML value, as plain JavaScript. */
export function anything(options: { doc: string }): Schema<unknown> {
  return {
    doc: options.doc,
    typeText: 'anything',
    defaultText: undefined,
    required: false,
    secret: false,
    absent: () => undefined,
    read: node => plainValue(node),
    print: value => value,
    json: () => ({ description: options.doc }),
  }
}

export function plainValue(node: Node): unknown {
  if (node.kind === 'scalar') return node.value
  if (node.kind === 'list') return node.items.map(plainValue)
  return Object.fromEntries([...node.entries].map(([key, entry]) => [key, plainValue(entry.node)]))
}

/** The same schema read by another rule first: for keys that take two forms. `undefined` means "not mine, go on". */
export function also<T>(
  schema: Schema<T>,
  typeText: string,
  json: JsonSchema,
  other: (node: Node, path: string, check: Check) => T | undefined,
): Schema<T> {
  return {
    ...schema,
    typeText: `${schema.typeText}, or ${typeText}`,
    read: (node, path, check) => other(node, path, check) ?? schema.read(node, path, check),
    json: () => ({ anyOf: [schema.json(), json] }),
  }
}
