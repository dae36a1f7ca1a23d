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

import type { Check, Node } from './node.ts'
import type { JsonSchema, Schema } from './schema-type.ts'

export { formatDuration, parseDuration } from './durations.ts'
export {
  anyCase,
  type ChoiceOptions,
  choice,
  type DurationOptions,
  duration,
  flag,
  integer,
  number,
  type RangeOptions,
  type ScalarOptions,
  secret,
  text,
} from './scalars.ts'
export type { JsonSchema, Schema, ValueOf } from './schema-type.ts'
export { Secret } from './secret.ts'
export {
  list,
  map,
  type OptionalOptions,
  optional,
  type SectionOptions,
  type SectionValue,
  section,
} from './sections.ts'

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

/** Values above 2^53 are bigint. */
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
