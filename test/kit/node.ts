/** Config nodes from plain values, for reading a schema without YAML. */

import { Check, type Node, type Problem, type Scalar } from '../../config/node.ts'
import type { Schema } from '../../config/schema.ts'

export type Tree = Scalar | { readonly [key: string]: Tree } | readonly Tree[]

const at = { file: 'test.yaml', line: 1, column: 1 }

export function nodeOf(value: Tree): Node {
  if (Array.isArray(value)) return { kind: 'list', items: value.map(nodeOf), at }
  if (value !== null && typeof value === 'object') {
    const entries = Object.entries(value).map(
      ([key, child]) => [key, { keyAt: at, node: nodeOf(child) }] as const,
    )
    return { kind: 'map', entries: new Map(entries), at }
  }
  return { kind: 'scalar', value: value as Scalar, text: String(value), fromExpansion: false, at }
}

/** What a schema makes of `value`, and what it says about it. */
export function readConfig<T>(schema: Schema<T>, value: Tree): { config: T; problems: readonly Problem[] } {
  const check = new Check()
  const config = schema.read(nodeOf(value), 'test', check)
  return { config, problems: check.problems }
}

/** Problems as `key what is wrong`. */
export function complaints(schema: Schema<unknown>, value: Tree): string[] {
  return readConfig(schema, value).problems.map(({ path, wrong }) => `${path.split('::').at(-1)} ${wrong}`)
}
