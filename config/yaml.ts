/**
 * YAML text to nodes that know their place. Owner of the `yaml` package, which is used for its syntax only: what a
 * plain scalar means is decided in plain-scalar.ts, as the Collector's parser does.
 */

import {
  Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  parseDocument,
  visit,
  type YAMLParseError,
  type Node as YamlNode,
  Scalar as YamlScalar,
} from 'yaml'
import { type Check, childPath, type MapNode, type Node, type Position, type ScalarNode } from './node.ts'
import { plainScalar } from './plain-scalar.ts'
import { syntaxProblem } from './yaml-errors.ts'

/** Deeper nesting than any config needs. */
export const DEPTH_MAX = 64
/** Values in one text, counting what an alias stands for each time: a bound for aliases of aliases. */
export const VALUES_MAX = 200_000

/** Syntax errors listed for one text. */
const ERRORS_MAX = 20

export interface YamlOptions {
  /** What positions call the text. */
  readonly file: string
  /** Where every value is said to stand, for texts that are not files (the value of an environment variable). */
  readonly at?: Position
}

/**
 * The value of the first and only document; null for an empty text. Mistakes are entered into `check`, all of them
 * where the parser can go on, and then undefined is returned.
 */
export function parseYaml(text: string, options: YamlOptions, check: Check): Node | undefined {
  const lines = new LineCounter()
  const locate = (offset: number): Position => {
    if (options.at !== undefined) return options.at
    const { line, col } = lines.linePos(offset)
    return { file: options.file, line: Math.max(line, 1), column: Math.max(col, 1) }
  }
  const before = check.problems.length
  const source = text.replace(/^\uFEFF/, '')
  const document = parseDocument(source, {
    schema: 'failsafe',
    uniqueKeys: false,
    prettyErrors: false,
    logLevel: 'error',
    lineCounter: lines,
  })
  if (document.errors.length > 0) {
    reportErrors(source, document.errors, locate, check)
    return undefined
  }
  const node = new Converter(locate, check).convert(document.contents, '', 0, 0)
  return check.problems.length === before ? node : undefined
}

/**
 * One a line: what the parser says further on in a line it did not understand helps nobody. Nor does anything behind an
 * unquoted `${..}` between brackets: its `{` opens a map that nothing closes.
 */
function reportErrors(
  text: string,
  errors: readonly YAMLParseError[],
  locate: (offset: number) => Position,
  check: Check,
): void {
  const lines = new Set<number>()
  for (const error of errors) {
    const at = locate(error.pos[0])
    if (lines.has(at.line) || lines.size === ERRORS_MAX) continue
    lines.add(at.line)
    if (text.startsWith('${', error.pos[0] - 1)) {
      check.error(at, '', 'a ${..} between { } or [ ] is not in quotes', 'write "${..}"')
      return
    }
    const [wrong, fix] = syntaxProblem(error.code, error.message)
    check.error(at, '', wrong, fix)
  }
}

/** What looks like indentation and is none: it comes with text that was copied from web pages and chats. */
const INVISIBLE = /^[\u00a0\u2000-\u200f\u202f\u3000\ufeff]|[\u00a0\u2000-\u200f\u202f\u3000\ufeff]$/

class Converter {
  readonly #locate: (offset: number) => Position
  readonly #check: Check
  /** Anchors so far: null while the anchored value itself is still being read. */
  readonly #anchors = new Map<string, { readonly node: Node; readonly size: number } | null>()
  #values = 0

  constructor(locate: (offset: number) => Position, check: Check) {
    this.#locate = locate
    this.#check = check
  }

  /** `near` is the offset to blame for a value that has no text of its own. */
  convert(yaml: YamlNode | null | undefined, path: string, near: number, depth: number): Node {
    const at = this.#locate(yaml?.range?.[0] ?? near)
    if (++this.#values > VALUES_MAX) return this.#tooMuch(at, path)
    if (depth > DEPTH_MAX) {
      this.#check.error(at, '', 'is nested too deeply', `nest at most ${DEPTH_MAX} levels`)
      return nothing(at)
    }
    if (yaml === null || yaml === undefined) return nothing(at)
    if (isAlias(yaml)) return this.#alias(yaml.source, path, at)
    const anchor = isScalar(yaml) || isMap(yaml) || isSeq(yaml) ? yaml.anchor : undefined
    if (anchor === undefined) return this.#value(yaml, path, at, depth)
    const first = this.#values
    this.#anchors.set(anchor, null)
    const node = this.#value(yaml, path, at, depth)
    this.#anchors.set(anchor, { node, size: this.#values - first })
    return node
  }

  #value(yaml: YamlNode, path: string, at: Position, depth: number): Node {
    if (isScalar(yaml)) return this.#scalar(yaml, path, at)
    if (isSeq(yaml)) {
      const items = yaml.items.map((item, i) =>
        this.convert(item as YamlNode | null, childPath(path, i), yaml.range?.[0] ?? 0, depth + 1),
      )
      return { kind: 'list', items, at }
    }
    if (isMap(yaml)) return this.#map(yaml, path, at, depth)
    this.#check.error(at, path, 'is not a value')
    return nothing(at)
  }

  #scalar(yaml: YamlScalar, path: string, at: Position): Node {
    const written = yaml.source ?? String(yaml.value ?? '')
    const tag = yaml.tag?.replace(/^tag:yaml\.org,2002:/, '')
    const plain = yaml.type === YamlScalar.PLAIN
    if (tag === undefined || tag === '!') {
      return scalarNode(plain && tag === undefined ? plainScalar(written) : written, written, at)
    }
    if (tag === 'binary') return scalarNode(Buffer.from(written, 'base64').toString(), written, at)
    const value = plainScalar(written)
    const fits =
      (tag === 'int' && (typeof value === 'bigint' || Number.isInteger(value))) ||
      (tag === 'float' && (typeof value === 'bigint' || typeof value === 'number')) ||
      (tag === 'bool' && typeof value === 'boolean') ||
      (tag === 'null' && value === null)
    if (fits) return scalarNode(value, written, at)
    if (['int', 'float', 'bool', 'null'].includes(tag)) {
      this.#check.error(at, path, `"${written}" is not what its tag !!${tag} says`, 'remove the tag')
    }
    return scalarNode(written, written, at)
  }

  #map(yaml: YamlNode & { items: unknown[] }, path: string, at: Position, depth: number): MapNode {
    const entries = new Map<string, { keyAt: Position; node: Node }>()
    const merged: { node: Node; at: Position }[] = []
    const pairs = yaml.items as { key: YamlNode | null; value: YamlNode | null }[]
    for (const { key, value } of pairs) {
      const offset = key?.range?.[0] ?? yaml.range?.[0] ?? 0
      const keyAt = this.#locate(offset)
      const name = this.#key(key, keyAt, path)
      if (name === undefined) continue
      if (INVISIBLE.test(name)) {
        const wrong = `the key ${JSON.stringify(name.trim())} has an invisible character beside it, such as a no-break space`
        this.#check.error(keyAt, path, wrong, 'type the spaces of this line anew')
      }
      const node = this.convert(value, childPath(path, name), key?.range?.[1] ?? offset, depth + 1)
      const place = isScalar(key) && key.type === YamlScalar.PLAIN ? name : undefined
      const first = entries.get(name)
      if (place === '<<') merged.push({ node, at: keyAt })
      else if (first !== undefined) {
        const { line, column } = first.keyAt
        this.#check.error(
          keyAt,
          childPath(path, name),
          `is written twice, first at line ${line}, column ${column}`,
          'keep one of the two, or join them',
        )
      } else entries.set(name, { keyAt, node })
    }
    for (const one of merged) this.#mergeKey(one.node, one.at, path, entries)
    return { kind: 'map', entries, at }
  }

  #key(key: YamlNode | null, at: Position, path: string): string | undefined {
    const node = isAlias(key) ? this.convert(key, path, 0, 0) : undefined
    if (node?.kind === 'scalar' && node.value !== null) return String(node.value)
    if (isScalar(key)) {
      const written = key.source ?? String(key.value ?? '')
      const value = key.type === YamlScalar.PLAIN ? plainScalar(written) : written
      if (value !== null) return String(value)
    }
    this.#check.error(at, path, 'a key must be a text', 'write the key before the colon')
    return undefined
  }

  /** `<<: *anchor` or `<<: [*a, *b]`: keys that are not written themselves; the first map that has one gives it. */
  #mergeKey(
    node: Node,
    at: Position,
    path: string,
    entries: Map<string, { keyAt: Position; node: Node }>,
  ): void {
    const maps = node.kind === 'list' ? node.items : [node]
    for (const one of maps) {
      if (one.kind !== 'map') {
        this.#check.error(at, childPath(path, '<<'), 'merges a map or a list of maps', 'write <<: *anchor')
        return
      }
      for (const [key, entry] of one.entries) if (!entries.has(key)) entries.set(key, entry)
    }
  }

  #alias(name: string, path: string, at: Position): Node {
    const target = this.#anchors.get(name)
    if (target === undefined) {
      this.#check.error(
        at,
        path,
        `*${name} stands for nothing above it`,
        `write &${name} before the value it means`,
      )
      return nothing(at)
    }
    if (target === null) {
      this.#check.error(at, path, `&${name} contains itself`, `remove this *${name}`)
      return nothing(at)
    }
    this.#values += target.size
    return this.#values > VALUES_MAX ? this.#tooMuch(at, path) : target.node
  }

  #tooMuch(at: Position, path: string): Node {
    // Said once: what follows would say it again for each value.
    if (this.#values < Number.MAX_SAFE_INTEGER / 2) {
      this.#check.error(at, path, `the config has more than ${VALUES_MAX} values`, 'use fewer aliases')
    }
    this.#values = Number.MAX_SAFE_INTEGER / 2
    return nothing(at)
  }
}

function scalarNode(value: ScalarNode['value'], text: string, at: Position): ScalarNode {
  return { kind: 'scalar', value, text, fromExpansion: false, at }
}

function nothing(at: Position): ScalarNode {
  return scalarNode(null, '', at)
}

/** `value` as YAML that parseYaml reads back as it was: texts that would be taken for something else are quoted. */
export function printYaml(value: unknown): string {
  const document = new Document(value, { aliasDuplicateObjects: false })
  visit(document, {
    Scalar(_, node) {
      if (typeof node.value === 'string' && plainScalar(node.value) !== node.value) {
        node.type = YamlScalar.QUOTE_DOUBLE
      }
    },
  })
  return document.toString({ lineWidth: 0 })
}
