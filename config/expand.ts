/**
 * `${env:NAME}`, `${env:NAME:-default}`, `${NAME}`, `${file:path}`, `${yaml:...}` and `$$`, by confmap's rules
 * (Collector 0.155, confmap/expand.go): the innermost first, the result again, until nothing is left.
 *
 * A value that is one expansion and nothing else is read as YAML, but keeps its characters for settings that want a
 * text. An expansion inside a longer text is put in as it is, and the whole stays a text.
 */

import { Check, childPath, type MapNode, type Node, type Position, type ScalarNode } from './node.ts'
import { type Location, parseLocation, retrieve, SourceError, type Surroundings } from './sources.ts'
import { parseYaml } from './yaml.ts'

/** Expansions in one config, so that a value which contains itself ends. */
const EXPANSIONS_MAX = 10_000
/** Passes over one text: the Collector's limit. */
const PASSES_MAX = 1000
/** Files in files in files. */
const NESTING_MAX = 32
/** A text that grows beyond this many characters while expanding is a mistake. */
const TEXT_MAX = 10 * 1024 * 1024

/** The tree with every expansion done. Mistakes are entered into `check` and leave an empty value. */
export function expandNode(node: Node, surroundings: Surroundings, check: Check): Node {
  return new Expander(surroundings, check, { expansions: 0 }).node(node, '', 0)
}

class Expander {
  readonly #surroundings: Surroundings
  readonly #check: Check
  readonly #spent: { expansions: number }

  constructor(surroundings: Surroundings, check: Check, spent: { expansions: number }) {
    this.#surroundings = surroundings
    this.#check = check
    this.#spent = spent
  }

  node(node: Node, path: string, nesting: number): Node {
    if (node.kind === 'scalar') return this.#scalar(node, path, nesting)
    if (node.kind === 'list') {
      return { ...node, items: node.items.map((item, i) => this.node(item, childPath(path, i), nesting)) }
    }
    const entries: MapNode['entries'] = new Map(
      [...node.entries].map(([key, entry]) => [
        key,
        { keyAt: entry.keyAt, node: this.node(entry.node, childPath(path, key), nesting) },
      ]),
    )
    return { ...node, entries }
  }

  #scalar(node: ScalarNode, path: string, nesting: number): Node {
    if (typeof node.value !== 'string' || !node.value.includes('$')) return node
    try {
      return this.#text(node.value, node, path, nesting)
    } catch (error) {
      if (!(error instanceof SourceError)) throw error
      this.#check.error(node.at, path, error.message, error.fix)
      return { ...node, value: null, text: '', fromExpansion: true }
    }
  }

  #text(written: string, { at, fromExpansion }: ScalarNode, path: string, nesting: number): Node {
    let text = written
    let whole = fromExpansion
    for (let pass = 0; ; pass++) {
      const found = findReference(text)
      if (found === undefined) break
      if (pass === PASSES_MAX)
        throw new SourceError('this can be expanded for ever', 'does it contain itself?')
      if (found === 'escaped') {
        this.#warnOfEscape(text, at, path)
        break
      }
      const location = this.#locate(found)
      const got = this.#retrieve(location, at, path)
      if (found !== text) {
        text = text.replaceAll(found, () => got)
        if (text.length > TEXT_MAX) throw new SourceError('this grows without end', 'does it contain itself?')
        continue
      }
      const value = this.#parse(got, location, at)
      if (value.kind !== 'scalar' || typeof value.value !== 'string') {
        return this.#typed(value, got, at, path, nesting)
      }
      text = got
      whole = true
    }
    if (text === written) this.#warnOfDollar(text, at, path)
    const plain = text.replaceAll('$$', '$')
    return { kind: 'scalar', value: plain, text: plain, fromExpansion: whole, at }
  }

  /** The Collector stops at the first `$${`; so does Sluice, but not silently. */
  #warnOfEscape(text: string, at: Position, path: string): void {
    const rest = text.slice(text.indexOf('}') + 1)
    if (typeof findReference(rest) === 'string' && findReference(rest) !== 'escaped') {
      this.#check.warn(
        at,
        path,
        'nothing is expanded behind a literal $${...}, as in the Collector',
        'build the text the other way round, or put it into one environment variable',
      )
    }
  }

  /** The value may be a secret, so nothing of it is said. */
  #warnOfDollar(text: string, at: Position, path: string): void {
    const rest = text.replaceAll('$$', '')
    if (/\$\{[^}]*$/.test(rest)) {
      this.#check.warn(
        at,
        path,
        'a ${ is never closed, so nothing is expanded',
        'write the }, or $$ for a plain $',
      )
    } else if (/\$[A-Z][A-Z0-9_]{2,}/.test(rest)) {
      const wrong = 'a $ with a name behind it is not expanded, as in the Collector'
      this.#check.warn(at, path, wrong, 'write ${env:NAME} for a variable, or $$ for a plain $')
    }
  }

  #locate(reference: string): Location {
    if (++this.#spent.expansions > EXPANSIONS_MAX) {
      throw new SourceError(
        `the config has more than ${EXPANSIONS_MAX} expansions`,
        'does one contain itself?',
      )
    }
    const inner = reference.slice(2, -1)
    const location = parseLocation(inner, 'env')
    if (location.value.includes('$')) {
      throw new SourceError(
        `"${inner}" has a "$" inside \${...}`,
        'remove it; inside ${...} it cannot be written',
      )
    }
    return location
  }

  #retrieve(location: Location, at: Position, path: string): string {
    const { text, unset } = retrieve(location, this.#surroundings)
    if (unset !== undefined) {
      this.#check.warn(
        at,
        path,
        `the environment variable ${unset} is not set, so this is empty`,
        `set it, or write \${env:${unset}:-default}`,
      )
    }
    return text
  }

  /** What is no YAML is a text, and so is what YAML would call a text: its quotes stay. */
  #parse(text: string, location: Location, at: Position): Node {
    const quiet = new Check()
    const place = location.scheme === 'file' ? { file: location.value } : { file: at.file, at }
    return parseYaml(text, place, quiet) ?? { kind: 'scalar', value: text, text, fromExpansion: true, at }
  }

  #typed(value: Node, text: string, at: Position, path: string, nesting: number): Node {
    if (value.kind === 'scalar') return { ...value, text, fromExpansion: true, at }
    if (nesting >= NESTING_MAX) {
      throw new SourceError(
        `more than ${NESTING_MAX} files are in each other here`,
        'does a file contain itself?',
      )
    }
    return { ...this.node(value, path, nesting + 1), text: this.#plainText(text) } as Node
  }

  /** The same expansion as a text, for a setting that wants one; as written when it cannot be expanded. */
  #plainText(text: string): string {
    if (!text.includes('$')) return text
    const at = { file: '', line: 1, column: 1 }
    const quiet = new Expander(this.#surroundings, new Check(), this.#spent)
    const node = quiet.#scalar(
      { kind: 'scalar', value: text, text, fromExpansion: true, at },
      '',
      NESTING_MAX,
    )
    return node.kind === 'scalar' && node.value !== null ? node.text : text
  }
}

/**
 * The innermost `${...}` that closes first; 'escaped' when an odd number of `$` stands before it; undefined when
 * there is none.
 */
function findReference(text: string): string | 'escaped' | undefined {
  let start = 0
  for (;;) {
    const close = text.indexOf('}', start)
    if (close === -1) return undefined
    const open = text.lastIndexOf('${', close)
    if (open < start) {
      start = close + 1
      continue
    }
    let dollars = 0
    while (open - 1 - dollars >= start && text[open - 1 - dollars] === '$') dollars++
    return dollars % 2 === 1 ? 'escaped' : text.slice(open, close + 1)
  }
}
