/**
 * How several configs become one: confmap's rules (Collector 0.155). Maps are joined key by key; anything else,
 * a list or an empty `key:` too, takes the place of what was there.
 */

import { type Check, childPath, type MapNode, type Node } from './node.ts'
import { DEPTH_MAX } from './yaml.ts'

type Entry = { readonly keyAt: MapNode['at']; readonly node: Node }

/** Lists that `confmap.enableMergeAppendOption` joins instead of replacing; its globs are confmap/internal/merge.go. */
const APPENDED = /^service::(?:extensions|.*::(?:receivers|exporters))$/

/** `over` laid upon `base`. With `append`, lists of components are joined, without doubles. */
export function mergeNodes(base: Node, over: Node, append = false, path = ''): Node {
  if (base.kind === 'list' && over.kind === 'list' && append && APPENDED.test(path)) {
    return joinLists(base.items, over)
  }
  if (base.kind !== 'map' || over.kind !== 'map') return over
  const entries = new Map<string, Entry>(base.entries)
  for (const [key, entry] of over.entries) {
    const below = entries.get(key)
    const node =
      below === undefined ? entry.node : mergeNodes(below.node, entry.node, append, childPath(path, key))
    entries.set(key, { keyAt: entry.keyAt, node })
  }
  return { kind: 'map', entries, at: over.at }
}

function joinLists(first: readonly Node[], second: Node & { kind: 'list' }): Node {
  const textOf = (node: Node): string | undefined => (node.kind === 'scalar' ? node.text : undefined)
  const there = new Set(first.map(textOf))
  const fresh = second.items.filter(item => textOf(item) === undefined || !there.has(textOf(item)))
  return { ...second, items: [...first, ...fresh] }
}

/** `a::b: c` means `a: {b: c}`, at every level. */
export function splitKeys(node: Node, check: Check, path = ''): Node {
  if (node.kind === 'scalar') return node
  if (node.kind === 'list') {
    return { ...node, items: node.items.map((item, i) => splitKeys(item, check, childPath(path, i))) }
  }
  const entries = new Map<string, Entry>()
  for (const [key, { keyAt, node: child }] of node.entries) {
    const [word = '', ...rest] = key.split('::')
    if (rest.length > DEPTH_MAX) {
      check.error(keyAt, path, 'a key is nested too deeply', `write "::" at most ${DEPTH_MAX} times in it`)
      continue
    }
    const value = rest.reduceRight<Node>(
      (inner, name) => ({ kind: 'map', entries: new Map([[name, { keyAt, node: inner }]]), at: keyAt }),
      splitKeys(child, check, childPath(path, key)),
    )
    const there = entries.get(word)
    entries.set(word, { keyAt, node: there === undefined ? value : mergeNodes(there.node, value) })
  }
  return { ...node, entries }
}
