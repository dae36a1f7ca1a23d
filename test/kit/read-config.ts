/** Reading a component's config from plain values, as if they had stood in a file. */

import { Check, formatProblem, type Node, type Position } from '../../config/node.ts'
import type { Schema } from '../../config/schema.ts'

const AT: Position = { file: 'test.yaml', line: 1, column: 1 }

export function nodeOf(plain: unknown): Node {
  if (Array.isArray(plain)) return { kind: 'list', items: plain.map(nodeOf), at: AT }
  if (typeof plain === 'object' && plain !== null) {
    const entries = Object.entries(plain).map(
      ([key, value]) => [key, { keyAt: AT, node: nodeOf(value) }] as const,
    )
    return { kind: 'map', entries: new Map(entries), at: AT }
  }
  const value = plain as string | number | boolean | null
  return { kind: 'scalar', value, text: String(value), fromExpansion: false, at: AT }
}

/** The config and what was said of it: `test.yaml:1:1: endpoint: is missing; ...`. */
export function tryConfig<C>(schema: Schema<C>, plain: unknown): { value: C; problems: string[] } {
  const check = new Check()
  const value = schema.read(nodeOf(plain), '', check)
  return { value, problems: check.problems.map(formatProblem) }
}

/** The config; throws when it has mistakes. Warnings are let through. */
export function readConfig<C>(schema: Schema<C>, plain: unknown): C {
  const check = new Check()
  const value = schema.read(nodeOf(plain), '', check)
  if (check.failed) throw new Error(check.problems.map(formatProblem).join('\n'))
  return value
}
