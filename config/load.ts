/** From `--config` and `--set` to one tree of values with their places: read, merge, expand, in that order. */

import { expandNode } from './expand.ts'
import { mergeNodes, splitKeys } from './merge.ts'
import { Check, type MapNode, type Node, type Position } from './node.ts'
import { parseLocation, retrieve, SourceError, type Surroundings } from './sources.ts'
import { parseYaml } from './yaml.ts'

export interface LoadOptions extends Surroundings {
  /** The feature gate `confmap.enableMergeAppendOption`: join lists of components instead of replacing them. */
  readonly append?: boolean
}

export interface LoadedConfig {
  /** Empty where nothing could be read. */
  readonly root: MapNode
  /** False when a source could not be read at all, so that much of what is missing is not the user's mistake. */
  readonly complete: boolean
  readonly check: Check
}

/**
 * Reads `sources` (`sluice.yaml`, `file:sluice.yaml`, `env:NAME`, `yaml:a::b: c`) and then `sets` (`a.b=c`), later
 * ones over earlier ones. Never throws for what they contain: every mistake is in `check`.
 */
export function loadConfig(
  sources: readonly string[],
  sets: readonly string[],
  options: LoadOptions,
): LoadedConfig {
  const check = new Check()
  const parts = [
    ...sources.map(source => readSource(source, options, check)),
    ...sets.map(set => readSet(set, check)),
  ]
  const complete = !check.failed
  let root: Node = { kind: 'map', entries: new Map(), at: { file: sources[0] ?? '', line: 1, column: 1 } }
  for (const part of parts) {
    if (part !== undefined) root = mergeNodes(root, splitKeys(part, check), options.append)
  }
  return { root: expandNode(root, options, check) as MapNode, complete, check }
}

function readSource(source: string, surroundings: Surroundings, check: Check): MapNode | undefined {
  const file = nameOf(source)
  const start = { file, line: 1, column: 1 }
  try {
    const location = parseLocation(source, 'file')
    const { text, unset } = retrieve(location, surroundings)
    if (unset !== undefined) check.warn(start, '', `the environment variable ${unset} is not set`, 'set it')
    return asMap(parseYaml(text, { file }, check), start, check)
  } catch (error) {
    if (!(error instanceof SourceError)) throw error
    check.error(start, '', error.message, error.fix)
    return undefined
  }
}

/** A path as it was given; of an address, what is not the config itself. */
function nameOf(source: string): string {
  if (source.startsWith('file:')) return source.slice('file:'.length)
  if (!source.startsWith('yaml:')) return source
  return source.split(/: |\n/, 1)[0]!.slice(0, 80)
}

/** `processors.batch.timeout=2s` is `yaml:processors::batch::timeout: 2s`. */
function readSet(set: string, check: Check): MapNode | undefined {
  const cut = set.indexOf('=')
  const key = set.slice(0, cut).trim()
  const at = { file: `--set ${key}`, line: 1, column: 1 }
  if (cut === -1) {
    check.error({ ...at, file: `--set ${set}` }, '', 'has no "="', 'write --set key=value')
    return undefined
  }
  const text = `${key.replaceAll('.', '::')}: ${set.slice(cut + 1).trim()}`
  return asMap(parseYaml(text, { file: at.file, at }, check), at, check)
}

function asMap(node: Node | undefined, at: Position, check: Check): MapNode | undefined {
  if (node === undefined || (node.kind === 'scalar' && node.value === null)) return undefined
  if (node.kind === 'map') return node
  check.error(at, '', 'a config is a map', 'begin with receivers:, exporters: and service:')
  return undefined
}
