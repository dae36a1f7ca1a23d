/** What a component's config says, as a text to compare: two parts with one fingerprint are the same part. */

import type { Node } from '../config/node.ts'

/**
 * Of what is written, after expansion, without where it is written. Not of what a schema made of it: types matter
 * (`1` and `1.0` differ for an attribute), and secrets hide themselves. A default that is written out counts as a
 * change; that costs a rebuild and nothing else.
 */
export function fingerprint(node: Node): string {
  if (node.kind === 'list') return `[${node.items.map(fingerprint).join()}]`
  if (node.kind === 'map') {
    const entries = [...node.entries].map(
      ([key, entry]) => `${JSON.stringify(key)}:${fingerprint(entry.node)}`,
    )
    return `{${entries.join()}}`
  }
  // `key:` and `key: {}` and an empty text are three things.
  return `${node.value === null ? 'null' : typeof node.value}${node.fromExpansion ? '$' : ''}${JSON.stringify(node.text)}`
}

/** Is one of these ids a value somewhere in the config? That is how components name the extensions they use. */
export function mentions(node: Node, ids: ReadonlySet<string>): boolean {
  if (ids.size === 0) return false
  if (node.kind === 'scalar') return typeof node.value === 'string' && ids.has(node.value)
  if (node.kind === 'list') return node.items.some(item => mentions(item, ids))
  return [...node.entries.values()].some(entry => mentions(entry.node, ids))
}
