/** Words for values that have values in them: sections with known keys, maps, lists. */

import { type Check, childPath, type MapNode, type Node, type Position } from './node.ts'
import { describe, EXPANSION_PATTERN, flag, isNull } from './scalars.ts'
import type { JsonSchema, Schema, ValueOf } from './schema-type.ts'
import { didYouMean } from './suggest.ts'

/** A list. Texts may also be written as one text with commas between, as the Collector allows. */
export function list<T>(
  item: Schema<T>,
  options: { doc: string; default?: readonly T[]; required?: boolean },
): Schema<readonly T[]> {
  const value = options.default ?? []
  // One text may stand for a list, as in the Collector: a,b.
  const texts = item.fields === undefined && !item.secret
  const show = (items: readonly T[], reveal: boolean): unknown[] => items.map(one => item.print(one, reveal))
  return {
    doc: options.doc,
    typeText: `list of ${item.fields === undefined ? item.typeText : 'sections'}`,
    defaultText: options.default === undefined ? undefined : JSON.stringify(show(options.default, false)),
    required: options.required ?? false,
    secret: item.secret,
    ...(item.fields === undefined ? {} : { fields: item.fields }),
    absent: () => value,
    read(node, path, check) {
      if (isNull(node)) {
        if (options.required) check.error(node.at, path, 'is empty', 'write one "- " line for each')
        return value
      }
      if (node.kind === 'list') return node.items.map((one, i) => item.read(one, childPath(path, i), check))
      if (texts && node.kind === 'scalar' && typeof node.value === 'string') {
        if (node.value === '') return []
        const words = node.value.split(',')
        return words.map((word, i) =>
          item.read({ ...node, value: word, text: word }, childPath(path, i), check),
        )
      }
      check.error(
        node.at,
        path,
        `expected a list, got ${item.secret ? 'something else' : describe(node)}`,
        'write [a, b] or one "- " line for each',
      )
      return value
    },
    print: (value, reveal) => show(value as readonly T[], reveal),
    json: () => ({
      description: options.doc,
      type: ['array', 'null', 'string'],
      ...(texts ? {} : { pattern: EXPANSION_PATTERN }),
      items: item.json(),
      ...(options.default === undefined ? {} : { default: show(options.default, false) }),
    }),
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
      if (isNull(node)) {
        if (options.required) check.error(node.at, path, 'is empty', 'write "key: value" lines below it')
        return value
      }
      if (node.kind !== 'map') {
        const got = item.secret ? 'something else' : describe(node)
        check.error(node.at, path, `expected a map, got ${got}`, 'write "key: value" lines below it')
        return value
      }
      for (const [key, entry] of node.entries)
        value.set(key, item.read(entry.node, childPath(path, key), check))
      return value
    },
    print: (value, reveal) =>
      Object.fromEntries([...(value as ReadonlyMap<string, T>)].map(([k, v]) => [k, item.print(v, reveal)])),
    json: () => ({
      description: options.doc,
      type: ['object', 'null', 'string'],
      pattern: EXPANSION_PATTERN,
      additionalProperties: item.json(),
    }),
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
      /** The value of `key` names a component that stands elsewhere (Check.refer). */
      refer(key: keyof F & string, id: string, wants: string): void
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
      if (node.kind === 'map') return readFields(fields, options, node, node.at, path, check)
      if (isNull(node)) return readFields(fields, options, undefined, node.at, path, check)
      const example = known.length === 0 ? 'nothing' : `${known.slice(0, 3).join(', ')}: below it`
      check.error(node.at, path, `expected a section, got ${describe(node)}`, `write ${example}`)
      return absent()
    },
    print: (value, reveal) =>
      Object.fromEntries(
        known
          .filter(key => (value as Record<string, unknown>)[key] !== undefined)
          .map(key => [key, fields[key]!.print((value as Record<string, unknown>)[key], reveal)]),
      ),
    json: () => sectionJson(fields, options),
  }
}

function sectionJson<F extends Fields>(fields: F, options: SectionOptions<F>): JsonSchema {
  const required = Object.keys(fields).filter(key => fields[key]!.required)
  // A key of the Collector that an editor should strike through rather than offer.
  const renamed = Object.entries(options.renamed ?? {}).map(([old, now]) => [
    old,
    { ...fields[now]!.json(), description: `Old name of ${now}.`, deprecated: true },
  ])
  const ignored = Object.entries(options.ignored ?? {}).map(([key, why]) => [
    key,
    { description: why, deprecated: true },
  ])
  return {
    description: options.doc,
    type: ['object', 'null', 'string'],
    pattern: EXPANSION_PATTERN,
    additionalProperties: false,
    properties: Object.fromEntries([
      ...Object.entries(fields).map(([key, schema]) => [key, schema.json()]),
      ...renamed,
      ...ignored,
    ]),
    ...(required.length > 0 ? { required } : {}),
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
  const found = writtenFields(fields, options, node, path, check)
  const value: Record<string, unknown> = {}
  const before = check.problems.length
  for (const [key, schema] of Object.entries(fields)) {
    const child = found.get(key)
    if (child !== undefined) value[key] = schema.read(child, childPath(path, key), check)
    else {
      value[key] = schema.absent()
      if (schema.required) {
        check.error(
          at,
          childPath(path, key),
          'is missing',
          `write ${key}:${path === '' ? '' : ` below ${path}`}`,
        )
      }
    }
  }
  // Rules across keys make no sense over values that are wrong already.
  const sound = !check.problems.slice(before).some(problem => problem.severity === 'error')
  if (sound && options.check !== undefined) {
    const place = (key: string): [Position, string] =>
      key === '' ? [at, path] : [found.get(key)?.at ?? at, childPath(path, key)]
    options.check(value as SectionValue<F>, {
      error: (key, wrong, fix) => check.error(...place(key), wrong, fix),
      warn: (key, wrong, fix) => check.warn(...place(key), wrong, fix),
      written: key => found.has(key),
      refer: (key, id, wants) => check.refer(...place(key), id, wants),
    })
  }
  return value as SectionValue<F>
}

/** The nodes of the keys that are known; the others are reported. */
function writtenFields<F extends Fields>(
  fields: F,
  { renamed = {}, ignored = {} }: SectionOptions<F>,
  node: MapNode | undefined,
  path: string,
  check: Check,
): Map<string, Node> {
  const found = new Map<string, Node>()
  for (const [key, { keyAt, node: child }] of node?.entries ?? []) {
    const here = childPath(path, key)
    if (Object.hasOwn(fields, key)) found.set(key, child)
    else if (Object.hasOwn(renamed, key)) {
      const now = renamed[key]!
      check.warn(keyAt, here, 'is an old name', `write ${now}`)
      if (!node!.entries.has(now)) found.set(now, child)
    } else if (Object.hasOwn(ignored, key)) check.warn(keyAt, here, 'has no effect here', ignored[key])
    else check.error(keyAt, here, 'is not a known key', didYouMean(key, Object.keys(fields)))
  }
  return found
}

export interface OptionalOptions {
  /**
   * What `key:` with nothing after it means: 'on' is the section with its defaults, as for `protocols: {grpc:}`; 'off' is
   * as if it were not written, as for `tls:` of a server. The Collector has both (configoptional Default and None).
   */
  readonly empty?: 'on' | 'off'
}

/**
 * A section that is off unless it is written: absent gives undefined, `key: {}` turns it on with its defaults, and
 * `enabled: false` inside turns it off again.
 */
export function optional<T>(inner: Schema<T>, { empty = 'on' }: OptionalOptions = {}): Schema<T | undefined> {
  const ownSwitch = inner.fields !== undefined && !Object.hasOwn(inner.fields, 'enabled')
  return {
    ...inner,
    defaultText: undefined,
    absent: () => undefined,
    read(node, path, check) {
      if (isNull(node) && empty === 'off') return undefined
      if (node.kind !== 'map' || !ownSwitch) return inner.read(node, path, check)
      const entries = new Map(node.entries)
      const enabled = entries.get('enabled')
      entries.delete('enabled')
      const named = check.references.length
      const value = inner.read({ ...node, entries }, path, check)
      if (enabled === undefined) return value
      if (ENABLED.read(enabled.node, childPath(path, 'enabled'), check)) return value
      // What is off needs nobody.
      check.references.length = named
      return undefined
    },
    print: (value, reveal) => (value === undefined ? undefined : inner.print(value, reveal)),
    json: () => {
      const json = inner.json() as JsonSchema & { properties?: object }
      return ownSwitch ? { ...json, properties: { enabled: ENABLED.json(), ...json.properties } } : json
    },
  }
}

const ENABLED = flag({ doc: 'False: as if this section were not written.' })
