/** From `--config` and `--set` to a config that was understood, or a list of what is wrong with it. */

import { fileURLToPath } from 'node:url'
import { loadConfig } from '../config/load.ts'
import type { Check, Problem } from '../config/node.ts'
import type { Surroundings } from '../config/sources.ts'
import type { TelemetryConfig } from '../core/telemetry/config.ts'
import { CATALOG, type CatalogEntry } from './catalog.ts'
import { readGates } from './gates.ts'
import type { GatewayConfig } from './gateway-config.ts'
import { buildGraph } from './graph.ts'
import { readConfig } from './read-config.ts'

/** What runs when no `--config` is given. */
export const DEFAULT_CONFIG = fileURLToPath(new URL('../config/examples/default.yaml', import.meta.url))

export interface OpenedConfig {
  /** Undefined when `check.failed`. */
  readonly config: GatewayConfig<TelemetryConfig> | undefined
  /** Mistakes and warnings, in the order of the files. */
  readonly check: Check
  /** The files it was read from, also those that could not be read: absolute path -> state before it was read. */
  readonly files: ReadonlyMap<string, string>
  /** What those that could be read said: absolute path -> text. */
  readonly texts: ReadonlyMap<string, string>
}

export interface ConfigSources {
  readonly sources: readonly string[]
  readonly sets: readonly string[]
  readonly gates: readonly string[]
}

/** Never throws for what is written in a config; every mistake is in `check`. */
export async function openConfig(
  { sources, sets, gates }: ConfigSources,
  surroundings: Surroundings,
  catalog: readonly CatalogEntry[] = CATALOG,
): Promise<OpenedConfig> {
  const { enabled, warnings } = readGates(gates)
  const append = enabled('confmap.enableMergeAppendOption')
  const files = new Map<string, string>()
  const onFile = (path: string, state: string): void => {
    // Read twice, the first state counts: a change in between is a change.
    if (!files.has(path)) files.set(path, state)
  }
  const texts = new Map<string, string>()
  const onText = (path: string, text: string): void => void texts.set(path, text)
  const { root, complete, check } = loadConfig(sources, sets, { ...surroundings, append, onFile, onText })
  for (const warning of warnings) check.warn({ file: 'command line', line: 1, column: 1 }, '', warning)
  const before = [...check.problems]
  // A file that could not be read would be followed by complaints about everything that is not in it.
  const config = complete ? await readConfig(root, catalog, check, { gate: enabled }) : undefined
  if (config !== undefined && !check.failed) buildGraph(config, check)
  tidy(check.problems, before)
  return { config: check.failed ? undefined : config, check, files, texts }
}

/** File by file, from top to bottom, without what was said of a value only because it could not be expanded. */
function tidy(problems: Problem[], first: readonly Problem[]): void {
  const placeOf = ({ at }: Problem): string => JSON.stringify(at)
  const broken = new Set(first.filter(({ severity }) => severity === 'error').map(placeOf))
  const files = [...new Set(problems.map(({ at }) => at.file))]
  const kept = problems
    .filter(problem => first.includes(problem) || !broken.has(placeOf(problem)))
    .sort(
      ({ at: a }, { at: b }) =>
        files.indexOf(a.file) - files.indexOf(b.file) || a.line - b.line || a.column - b.column,
    )
  problems.splice(0, problems.length, ...kept)
}
